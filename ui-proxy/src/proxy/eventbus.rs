//! The way to `eventbus`: our subscription, the host's commands.

use std::time::Duration;

use bus::outbox::{Bounds, Entry, Full};
use bus::outlet::Outlet;
use bus::process::Identity;
use bus::reactor::Registration;
use mqtypes::broker::{Request, Subscribe, Topic};
use mqtypes::command::{Command, Target};
use mqtypes::ids::RequestId;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS_REQUESTS, UI_PROXY, kernel_name};

use crate::session::{Packets, ToBus};

/// The lease of our subscription. It is renewed three times in it.
const LEASE: Duration = Duration::from_secs(30);

/// Commands that wait, and their bytes.
const BOUNDS: Bounds = Bounds { entries: 32, bytes: 16 * 1024 };

/// What waits for `eventbus`, and the queue to it.
pub struct Eventbus {
    outlet: Outlet<Saying, Request>,
    /// What the next subscription is to.
    packets: Packets,
}

/// What need not be said twice when it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Saying {
    Unsubscribe,
    Subscribe,
    AskHealth,
}

/// Commands that were not sent, and will not be.
#[derive(Debug)]
pub enum Unsent {
    /// This one does not fit in any more.
    NoRoom(RequestId),
    /// `eventbus` is not there: this one, and what may have waited before it.
    NoEventbus(Vec<RequestId>),
}

impl Eventbus {
    /// Nothing waits yet, and nothing is opened.
    pub fn new(instance: &str, identity: Identity, registration: Registration) -> Self {
        let outlet = Outlet::new(kernel_name(instance, EVENTBUS_REQUESTS.spec.name), identity, registration, BOUNDS);
        Self { outlet, packets: Packets::Unwanted }
    }

    /// Something is to be said.
    pub fn tell(&mut self, now: Mono, saying: ToBus) -> Result<(), Unsent> {
        let outbox = self.outlet.outbox();
        match saying {
            ToBus::SubscribeAnew(packets) => {
                self.packets = packets;
                outbox.clear();
                // A subscription that looks the same would only be renewed, without a snapshot.
                outbox.mark(Saying::Unsubscribe);
                outbox.mark(Saying::Subscribe);
            }
            ToBus::Renew(packets) => {
                self.packets = packets;
                outbox.mark(Saying::Subscribe);
            }
            ToBus::AskHealth => outbox.mark(Saying::AskHealth),
            ToBus::Command(command) => return self.command(now, command),
            ToBus::Unsubscribe => {
                outbox.clear();
                outbox.mark(Saying::Unsubscribe);
            }
            ToBus::BeSilent => {
                self.flush(now);
                self.outlet.outbox().clear();
            }
        }
        Ok(())
    }

    /// A person waits for the outcome, so it is tried at once. What cannot be sent for want of `eventbus` is taken back:
    /// it would be late when `eventbus` comes.
    fn command(&mut self, now: Mono, command: Command) -> Result<(), Unsent> {
        let (id, bytes) = (command.id, weight(&command));
        self.outlet.outbox().push_command(Request::Command(command), bytes).map_err(|Full| Unsent::NoRoom(id))?;
        self.flush(now);
        if self.outlet.is_missing() { Err(Unsent::NoEventbus(self.take_back_commands())) } else { Ok(()) }
    }

    /// Takes the commands that wait out of the outbox; the rest keeps waiting.
    fn take_back_commands(&mut self) -> Vec<RequestId> {
        let outbox = self.outlet.outbox();
        let (mut sayings, mut commands) = (Vec::new(), Vec::new());
        for entry in outbox.iter() {
            match entry {
                Entry::State(saying) => sayings.push(*saying),
                Entry::Command(Request::Command(command), _) => commands.push(command.id),
                Entry::Command(..) | Entry::Event(..) => {}
            }
        }
        outbox.clear();
        for saying in sayings {
            outbox.mark(saying);
        }
        commands
    }

    /// Says as much as there is room for.
    pub fn flush(&mut self, now: Mono) {
        let packets = self.packets;
        self.outlet.flush(now, |saying| Some(saying.request(packets)));
    }

    /// When [`Self::flush`] must be called again at the latest.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.outlet.poll_timeout()
    }
}

impl Saying {
    fn request(self, packets: Packets) -> Request {
        let reply = UI_PROXY.spec.name.to_owned();
        match self {
            Self::Unsubscribe => Request::Unsubscribe { reply },
            Self::Subscribe => Request::Subscribe(Subscribe { reply, topics: topics(packets), lease_ms: LEASE.as_millis() as u32 }),
            Self::AskHealth => Request::AskHealth,
        }
    }
}

fn topics(packets: Packets) -> Vec<Topic> {
    let is_wanted = |topic: &Topic| packets == Packets::Wanted || *topic != Topic::Data;
    Topic::ALL.into_iter().filter(is_wanted).collect()
}

/// About how many bytes a command takes in the queue.
fn weight(command: &Command) -> usize {
    const FIXED: usize = 64;
    match &command.target {
        Target::Mote(_) => FIXED,
        Target::Port(port) => FIXED + port.0.len(),
    }
}
