//! The way to `eventbus`: our subscription, the host's commands.

use std::time::Duration;

use bus::outbox::{Bounds, Full};
use bus::outlet::Outlet;
use bus::process::Identity;
use bus::reactor::Registration;
use mqtypes::broker::{Request, Subscribe, Topic};
use mqtypes::command::{Command, Target};
use mqtypes::ids::RequestId;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS_REQUESTS, UI_PROXY, kernel_name};

use crate::session::ToBus;

/// The lease of our subscription. It is renewed three times in it.
const LEASE: Duration = Duration::from_secs(30);

/// Commands that wait, and their bytes.
const BOUNDS: Bounds = Bounds { entries: 32, bytes: 16 * 1024 };

/// What waits for `eventbus`, and the queue to it.
pub struct Eventbus(Outlet<Saying, Request>);

/// What need not be said twice when it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Saying {
    Unsubscribe,
    Subscribe,
    AskHealth,
}

/// This command does not fit in any more.
#[derive(Debug)]
pub struct NoRoom(pub RequestId);

impl Eventbus {
    /// Nothing waits yet, and nothing is opened.
    pub fn new(instance: &str, identity: Identity, registration: Registration) -> Self {
        Self(Outlet::new(kernel_name(instance, EVENTBUS_REQUESTS.spec.name), identity, registration, BOUNDS))
    }

    /// Something is to be said.
    pub fn tell(&mut self, now: Mono, saying: ToBus) -> Result<(), NoRoom> {
        let outbox = self.0.outbox();
        match saying {
            ToBus::SubscribeAnew => {
                outbox.clear();
                // A subscription that looks the same would only be renewed, without a snapshot.
                outbox.mark(Saying::Unsubscribe);
                outbox.mark(Saying::Subscribe);
            }
            ToBus::Renew => outbox.mark(Saying::Subscribe),
            ToBus::AskHealth => outbox.mark(Saying::AskHealth),
            ToBus::Command(command) => {
                let (id, bytes) = (command.id, weight(&command));
                return outbox.push_command(Request::Command(command), bytes).map_err(|Full| NoRoom(id));
            }
            ToBus::Unsubscribe => {
                outbox.clear();
                outbox.mark(Saying::Unsubscribe);
            }
            ToBus::BeSilent => {
                self.flush(now);
                self.0.outbox().clear();
            }
        }
        Ok(())
    }

    /// Says as much as there is room for.
    pub fn flush(&mut self, now: Mono) {
        self.0.flush(now, |saying| Some(saying.request()));
    }

    /// When [`Self::flush`] must be called again at the latest.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.0.poll_timeout()
    }
}

impl Saying {
    fn request(self) -> Request {
        let reply = UI_PROXY.spec.name.to_owned();
        match self {
            Self::Unsubscribe => Request::Unsubscribe { reply },
            Self::Subscribe => Request::Subscribe(Subscribe { reply, topics: Topic::ALL.to_vec(), lease_ms: LEASE.as_millis() as u32 }),
            Self::AskHealth => Request::AskHealth,
        }
    }
}

/// About how many bytes a command takes in the queue.
fn weight(command: &Command) -> usize {
    const FIXED: usize = 64;
    match &command.target {
        Target::Mote(_) => FIXED,
        Target::Port(port) => FIXED + port.0.len(),
    }
}
