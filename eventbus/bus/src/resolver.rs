//! Looks up the names of hosts without ever waiting.
//!
//! The system's resolver blocks, so each look-up has a short-lived thread: there are no others beside the main one, few at a
//! time, and none for an address. Such a thread hands over the addresses and rings a bell, a socket whose far end it drops.
//! A resolver that hangs must not gather threads: what is beyond the bound is refused.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;

use mio::Interest;

use crate::reactor::Registration;

/// Addresses of one name that are handed over.
const MOST_ADDRESSES: usize = 8;

/// Enough for the system's resolver.
const STACK: usize = 256 * 1024;

/// Looks names up, a bounded number of them at a time.
#[derive(Debug)]
pub struct Resolver {
    most: usize,
    /// Each further holder is a thread that is still waiting for the system.
    running: Arc<()>,
}

/// A name that is being looked up.
#[derive(Debug)]
pub struct Lookup {
    name: String,
    answer: mpsc::Receiver<io::Result<VecDeque<SocketAddr>>>,
    _bell: UnixStream,
}

/// Why a name has no address for us.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// As many look-ups as may be are still waiting for the system.
    #[error("`{name}` cannot be looked up yet (earlier look-ups have not ended)")]
    Busy {
        /// The name.
        name: String,
    },
    /// The system has no answer.
    #[error("`{name}` cannot be looked up ({error})")]
    Refused {
        /// The name.
        name: String,
        /// What it said.
        error: io::Error,
    },
}

impl Resolver {
    /// A resolver with at most so many look-ups at a time.
    pub fn new(most: usize) -> Self {
        Self { most, running: Arc::default() }
    }

    /// Begins to look `name` up for `port`. Its end is reported under `registration`.
    pub fn begin(&self, name: &str, port: u16, registration: &Registration) -> Result<Lookup, LookupError> {
        if Arc::strong_count(&self.running) > self.most {
            return Err(LookupError::Busy { name: name.to_owned() });
        }
        self.start(name, port, registration).map_err(|error| LookupError::Refused { name: name.to_owned(), error })
    }

    fn start(&self, name: &str, port: u16, registration: &Registration) -> io::Result<Lookup> {
        let (bell, rope) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        registration.watch(&bell, Interest::READABLE)?;
        let (sender, answer) = mpsc::channel();
        let (place, running) = ((name.to_owned(), port), Arc::clone(&self.running));
        let resolve = move || {
            // Whoever asked may have gone; then nobody minds.
            let _ = sender.send(resolve(&place));
            drop(running);
            drop(rope);
        };
        thread::Builder::new().name("resolver".to_owned()).stack_size(STACK).spawn(resolve)?;
        Ok(Lookup { name: name.to_owned(), answer, _bell: bell })
    }
}

fn resolve((name, port): &(String, u16)) -> io::Result<VecDeque<SocketAddr>> {
    Ok((name.as_str(), *port).to_socket_addrs()?.take(MOST_ADDRESSES).collect())
}

impl Lookup {
    /// The addresses, in the system's order; `None` while the system has not answered.
    pub fn poll(&self) -> Option<Result<VecDeque<SocketAddr>, LookupError>> {
        let answer = match self.answer.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(io::Error::other("the look-up broke off")),
        };
        Some(answer.map_err(|error| LookupError::Refused { name: self.name.clone(), error }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::reactor::{Reactor, Wake};
    use std::time::Duration;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Bell;

    /// What a look-up of this name ends with; it ends with the bell.
    fn look_up(resolver: &Resolver, name: &str) -> Result<VecDeque<SocketAddr>, LookupError> {
        let mut reactor = Reactor::without_signals().expect("epoll");
        let lookup = resolver.begin(name, 8000, &reactor.register(Bell))?;
        assert_eq!(reactor.next(Some(clock::now().after(Duration::from_mins(1)))).expect("polled"), Wake::Ready(Bell));
        lookup.poll().expect("the bell has rung")
    }

    #[test]
    fn an_address_comes_with_its_port_when_the_bell_rings() {
        let addresses = look_up(&Resolver::new(1), "127.0.0.1").expect("an address is a name, too");
        assert_eq!(addresses, [SocketAddr::from(([127, 0, 0, 1], 8000))]);
    }

    #[test]
    fn a_name_that_cannot_be_one_is_told() {
        let error = look_up(&Resolver::new(1), "no\0name").expect_err("no name").to_string();
        assert!(error.starts_with("`no\0name` cannot be looked up ("), "{error}");
    }

    #[test]
    fn a_resolver_that_hangs_gathers_no_threads_and_recovers() {
        let resolver = Resolver::new(1);
        let hanging = Arc::clone(&resolver.running);
        let error = look_up(&resolver, "127.0.0.1").expect_err("busy").to_string();
        assert!(error.contains("earlier look-ups"), "{error}");
        drop(hanging);
        look_up(&resolver, "127.0.0.1").expect("free again");
    }
}
