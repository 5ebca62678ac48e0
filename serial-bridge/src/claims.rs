//! Which device is open under which of its names.
//!
//! A device may be known by several: its node, a link by its serial number, another by its place. It is opened under one of
//! them, the one that comes first in rank, so that a mote keeps its name whatever appears when.

use std::collections::{BTreeMap, BTreeSet};

use crate::port::PortId;

/// The lower, the sooner: paths before patterns, and each in the order in which they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(pub usize);

/// What somebody who wants a device hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nobody has it.
    Free,
    /// It is open under that name, and remains so.
    Taken(PortId),
    /// It is open under that name, which has this rank, and has to give way.
    GivesWay(PortId, Rank),
}

/// Who has which device.
#[derive(Debug)]
pub struct Claims<D> {
    held: BTreeMap<D, Claim>,
}

#[derive(Debug)]
struct Claim {
    holder: PortId,
    rank: Rank,
    /// Who would like to have it.
    waiting: BTreeSet<PortId>,
}

impl<D: Ord + Copy> Claims<D> {
    /// Nobody has anything.
    pub fn new() -> Self {
        Self { held: BTreeMap::new() }
    }

    /// May this port have the device? Who may not is told by [`Self::release`] when it may ask again.
    pub fn ask(&mut self, device: D, port: PortId, rank: Rank) -> Answer {
        match self.held.get_mut(&device) {
            None => Answer::Free,
            Some(claim) if claim.holder == port => Answer::Free,
            Some(claim) if rank < claim.rank => Answer::GivesWay(claim.holder, claim.rank),
            Some(claim) => {
                claim.waiting.insert(port);
                Answer::Taken(claim.holder)
            }
        }
    }

    /// The port has the device.
    pub fn hold(&mut self, device: D, port: PortId, rank: Rank) {
        self.held.insert(device, Claim { holder: port, rank, waiting: BTreeSet::new() });
    }

    /// The port that has the device has another rank now.
    pub fn rank(&mut self, device: D, port: PortId, rank: Rank) {
        if let Some(claim) = self.held.get_mut(&device).filter(|claim| claim.holder == port) {
            claim.rank = rank;
        }
    }

    /// The port has the device no more; tells who waits for it.
    pub fn release(&mut self, device: D, port: PortId) -> BTreeSet<PortId> {
        match self.held.get(&device) {
            Some(claim) if claim.holder == port => self.held.remove(&device).map(|claim| claim.waiting).unwrap_or_default(),
            Some(_) | None => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: PortId = PortId(1);
    const LINK: PortId = PortId(0);

    #[test]
    fn a_device_is_held_once_and_who_waits_is_told() {
        let mut claims = Claims::new();
        assert_eq!(claims.ask("device", LINK, Rank(0)), Answer::Free);
        claims.hold("device", LINK, Rank(0));
        assert_eq!(claims.ask("device", NODE, Rank(1)), Answer::Taken(LINK));
        assert_eq!(claims.ask("another", NODE, Rank(1)), Answer::Free);
        assert_eq!(claims.release("device", NODE), BTreeSet::new());
        assert_eq!(claims.release("device", LINK), BTreeSet::from([NODE]));
        assert_eq!(claims.ask("device", NODE, Rank(1)), Answer::Free);
    }

    #[test]
    fn a_name_of_higher_rank_takes_the_device_over() {
        let mut claims = Claims::new();
        claims.hold("device", NODE, Rank(1));
        assert_eq!(claims.ask("device", LINK, Rank(0)), Answer::GivesWay(NODE, Rank(1)));
        assert_eq!(claims.ask("device", PortId(2), Rank(1)), Answer::Taken(NODE), "the first of its rank keeps it");
        claims.rank("device", NODE, Rank(2));
        claims.rank("device", LINK, Rank(0));
        assert_eq!(claims.ask("device", PortId(2), Rank(1)), Answer::GivesWay(NODE, Rank(2)), "ranks may change");
    }
}
