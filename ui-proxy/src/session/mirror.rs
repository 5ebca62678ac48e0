//! What `eventbus` knows, as far as it has told: the newest of everything, and which of it the host has not got yet.

use mqtypes::ids::{BootId, Who};
use mqtypes::mote::MoteEntry;

use super::bounds::Kept;
use super::counts::Counts;
use super::dag::Dag;
use super::inventory::{Inventory, Taken};
use super::ports::Ports;
use super::status::{MoteKey, Statuses};
use super::uinject::Uinject;

/// What `eventbus` has told.
#[derive(Debug)]
pub enum Knowledge {
    /// Nothing yet.
    Nothing,
    /// A part of its snapshot.
    Arriving(Mirror),
    /// All of its snapshot, and every change since.
    Complete(Mirror),
}

/// The newest of everything.
#[derive(Debug)]
pub struct Mirror {
    /// Which start of `eventbus` has told it.
    pub boot: BootId,
    /// Which motes there are.
    pub inventory: Inventory,
    /// How they are joined.
    pub dag: Dag,
    /// What they report.
    pub statuses: Statuses,
    /// What their `uinject` tells.
    pub uinject: Uinject,
    /// How often what happened.
    pub counts: Counts,
    /// The serial ports' figures.
    pub ports: Ports,
}

impl Mirror {
    /// Nothing yet of this start of `eventbus`.
    pub fn new(boot: BootId) -> Self {
        Self {
            boot,
            inventory: Inventory::default(),
            dag: Dag::default(),
            statuses: Statuses::default(),
            uinject: Uinject::default(),
            counts: Counts::default(),
            ports: Ports::default(),
        }
    }

    /// A mote is there, or has changed.
    pub fn handle_entry(&mut self, entry: MoteEntry) -> Kept {
        let who = entry.who();
        let Taken::In { gone } = self.inventory.handle_entry(entry) else { return Kept::No };
        // A mote that has moved keeps what is known of it. Of one that has just told its name `eventbus` says everything
        // again, under the name.
        for other in gone {
            if MoteKey::of(&other) != MoteKey::of(&who) {
                self.forget(&other);
            }
        }
        Kept::Yes
    }

    /// A mote is gone.
    pub fn handle_gone(&mut self, who: &Who) -> Kept {
        if self.inventory.handle_gone(who) {
            self.forget(who);
        }
        Kept::Yes
    }

    fn forget(&mut self, who: &Who) {
        if let Some(key) = MoteKey::of(who) {
            self.statuses.forget(&key);
        }
    }
}
