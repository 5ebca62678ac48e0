//! What of a snapshot is still to be said: the inventory and the DODAG, then mote by mote, then the rest.
//!
//! Only the order is kept here; the values are looked up when their turn comes, so that a slow link gets the newest.

use std::collections::VecDeque;

use super::status::MoteKey;

/// A part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// Which motes there are.
    Inventory,
    /// The DODAG.
    Dag,
    /// All of one mote's elements.
    Mote(MoteKey),
    /// What `uinject` tells.
    Uinject,
    /// All counts.
    Counts,
}

/// The portions that wait.
#[derive(Debug, Default)]
pub struct Snapshot {
    waiting: VecDeque<Portion>,
    number: u64,
    after_this: AfterThis,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum AfterThis {
    #[default]
    Nothing,
    /// The host has asked for everything again meanwhile, once or more often.
    Everything,
}

impl Snapshot {
    /// Everything is to be said; what waits of an earlier snapshot is not worth saying.
    pub fn begin(&mut self, motes: impl Iterator<Item = MoteKey>) {
        self.number += 1;
        self.after_this = AfterThis::Nothing;
        let motes = motes.map(Portion::Mote);
        let whole = [Portion::Inventory, Portion::Dag].into_iter().chain(motes).chain([Portion::Uinject, Portion::Counts]);
        self.waiting = whole.collect();
    }

    /// The host asks for everything. While a snapshot is under way it is finished first, so that no host can keep it from ending.
    pub fn ask(&mut self, motes: impl Iterator<Item = MoteKey>) {
        if self.waiting.is_empty() { self.begin(motes) } else { self.after_this = AfterThis::Everything }
    }

    /// The host asks for one mote.
    pub fn ask_for(&mut self, mote: MoteKey) {
        let portion = Portion::Mote(mote);
        if !self.waiting.contains(&portion) {
            self.number += 1;
            self.waiting.push_back(portion);
        }
    }

    /// The next portion. `motes` is asked for when a snapshot that was put off begins.
    pub fn poll<I: Iterator<Item = MoteKey>>(&mut self, motes: impl FnOnce() -> I) -> Option<Portion> {
        if self.waiting.is_empty() && self.after_this == AfterThis::Everything {
            self.begin(motes());
        }
        self.waiting.pop_front()
    }

    /// The number of the set that is being said.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The number of a set of its own.
    pub fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::PortName;

    fn mote(name: &str) -> MoteKey {
        MoteKey::Port(PortName(name.to_owned()))
    }

    fn rest(snapshot: &mut Snapshot) -> Vec<Portion> {
        std::iter::from_fn(|| snapshot.poll(|| [mote("later")].into_iter())).collect()
    }

    fn whole(motes: &[&str]) -> Vec<Portion> {
        let motes = motes.iter().map(|name| Portion::Mote(mote(name)));
        [Portion::Inventory, Portion::Dag].into_iter().chain(motes).chain([Portion::Uinject, Portion::Counts]).collect()
    }

    #[test]
    fn the_inventory_comes_first_and_the_counts_last() {
        let mut snapshot = Snapshot::default();
        snapshot.begin([mote("a"), mote("b")].into_iter());
        assert_eq!(rest(&mut snapshot), whole(&["a", "b"]));
    }

    #[test]
    fn asking_again_and_again_gives_one_more_after_the_one_under_way() {
        let mut snapshot = Snapshot::default();
        snapshot.ask(std::iter::empty());
        for _ in 0..100 {
            snapshot.ask(std::iter::empty());
        }
        let expect = [whole(&[]), whole(&["later"])].concat();
        assert_eq!((rest(&mut snapshot), snapshot.number()), (expect, 2));
    }

    #[test]
    fn one_mote_is_said_once_however_often_it_is_asked_for() {
        let mut snapshot = Snapshot::default();
        snapshot.ask_for(mote("a"));
        snapshot.ask_for(mote("a"));
        assert_eq!(rest(&mut snapshot), [Portion::Mote(mote("a"))]);
    }
}
