//! How a process joins the bus.
//!
//! A process owns its inboxes ([`inbox::Inbox`]), writes to others through [`outlet::Outlet`]s, and
//! sleeps in one [`reactor::Reactor`] until a queue, a descriptor, a signal or its earliest deadline
//! wakes it. Nothing here blocks, and nothing here knows what a message means.
//!
//! ```no_run
//! use bus::inbox::{Drained, Inbox};
//! use bus::process::{Failure, Process};
//! use bus::reactor::{Reactor, Wake};
//! use bus::signals::Signal;
//! use mqtypes::envelope::Sender;
//! use mqtypes::queues::UI_PROXY_REQUESTS;
//!
//! #[derive(Clone, Copy)]
//! enum Source { Requests }
//!
//! fn wait_for_a_wake_up(process: &Process) -> Result<(), Failure> {
//!     let mut reactor = Reactor::new(process)?;
//!     let mut requests = Inbox::own("lbr", &UI_PROXY_REQUESTS)?;
//!     requests.watch(&reactor.register(Source::Requests))?;
//!     loop {
//!         match reactor.next(None)? {
//!             Wake::Ready(Source::Requests) => {
//!                 if requests.drain(|envelope, request| println!("{envelope:?} {request:?}"))? == Drained::More {
//!                     reactor.again(Source::Requests);
//!                 }
//!             }
//!             Wake::Signal(Signal::Stop) => return Ok(()),
//!             Wake::Signal(Signal::Reload | Signal::Wake) | Wake::Timeout => {}
//!         }
//!     }
//! }
//! ```

pub mod backlog;
pub mod channel;
pub mod clock;
pub mod config;
pub mod console;
pub mod descriptor;
pub mod dial;
pub mod health;
pub mod inbox;
pub mod lock_list;
pub mod logging;
pub mod moment;
pub mod notify;
pub mod options;
pub mod outbox;
pub mod outlet;
pub mod process;
pub mod queue;
pub mod reactor;
pub mod resolver;
pub mod signals;
pub mod tally;
pub mod watchdog;
