//! The host's commands on their way: each has an id on the bus that no other connection ever had, and exactly one end.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::command::{Command, CommandOutcome};
use mqtypes::ids::RequestId;
use mqtypes::mono::Mono;
use mqtypes::queues::UI_PROXY;

use crate::request::{Event, HostId};

/// Commands under way at once.
pub const MOST_OPEN: usize = 16;

/// `eventbus` ends a command at its deadline. When it has said nothing so long after it, it never will.
const GRACE: Duration = Duration::from_secs(2);

/// Commands without an end yet.
#[derive(Debug)]
pub struct Commands {
    next: u64,
    open: BTreeMap<RequestId, Open>,
}

#[derive(Debug)]
struct Open {
    id: HostId,
    give_up_at: Mono,
}

/// As many commands are under way as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Commands {
    /// None yet. `first` is random: what is left in a queue of an earlier connection, or of an earlier start of this
    /// process, meets no command of this one.
    pub fn new(first: u64) -> Self {
        Self { next: first, open: BTreeMap::new() }
    }

    /// The command that carries out `event`.
    pub fn begin(&mut self, now: Mono, event: &Event) -> Result<Command, Busy> {
        if self.open.len() >= MOST_OPEN {
            return Err(Busy);
        }
        let id = RequestId(self.next);
        self.next = self.next.wrapping_add(1);
        let deadline = now.after(event.timeout);
        self.open.insert(id, Open { id: event.id.clone(), give_up_at: deadline.after(GRACE) });
        Ok(Command { id, reply: UI_PROXY.spec.name.to_owned(), deadline, target: event.target.clone(), action: event.action })
    }

    /// `eventbus` tells how a command went. `None` when it is none of ours, or has ended already.
    pub fn handle_outcome(&mut self, outcome: &CommandOutcome) -> Option<HostId> {
        if outcome.state.is_end() {
            return self.open.remove(&outcome.id).map(|open| open.id);
        }
        self.open.get(&outcome.id).map(|open| open.id.clone())
    }

    /// A command will have no outcome from the bus.
    pub fn abandon(&mut self, id: RequestId) -> Option<HostId> {
        self.open.remove(&id).map(|open| open.id)
    }

    /// No command will.
    pub fn abandon_all(&mut self) -> impl Iterator<Item = HostId> {
        std::mem::take(&mut self.open).into_values().map(|open| open.id)
    }

    /// The commands that have waited too long for an outcome.
    pub fn handle_timeout(&mut self, now: Mono) -> Vec<HostId> {
        let late: Vec<RequestId> = self.open.iter().filter(|(_, open)| open.give_up_at <= now).map(|(id, _)| *id).collect();
        late.into_iter().filter_map(|id| self.abandon(id)).collect()
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.open.values().map(|open| open.give_up_at).min()
    }
}
