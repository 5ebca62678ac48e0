//! Which ports are recorded: those that were named, those of the motes that were named, or all.
//!
//! A mote is followed to another port. Before it has named itself nobody knows where it is, and nothing of it is recorded.

use std::collections::BTreeSet;

use mqtypes::broker::{Notification, Topic};
use mqtypes::ids::PortName;

use crate::inspect::mote_name::{MoteName, NoSuchMote};
use crate::inspect::picture::{Completeness, Picture};
use crate::inspect::port_name::is_called;

/// Does the inventory know those that were named?
#[derive(Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// It has not been told to its end.
    Awaited,
    /// It has; of some it may know nothing, who may come.
    Told,
    /// It has, and several motes have a name.
    Ambiguous(NoSuchMote),
}

/// Which ports are recorded.
#[derive(Debug)]
pub struct Choice {
    ports: Vec<String>,
    motes: Vec<MoteName>,
    picture: Picture,
    /// Ports on which these motes are.
    of_motes: BTreeSet<PortName>,
}

impl Choice {
    /// None of either is all.
    pub fn new(ports: Vec<String>, motes: Vec<MoteName>) -> Self {
        Self { ports, motes, picture: Picture::default(), of_motes: BTreeSet::new() }
    }

    /// What to subscribe to. Ports alone need no inventory.
    pub fn topics(&self) -> &'static [Topic] {
        if self.motes.is_empty() { &[Topic::Bytes] } else { &[Topic::Bytes, Topic::Inventory] }
    }

    /// Something was told of the motes.
    pub fn handle_notification(&mut self, notification: &Notification) {
        if self.motes.is_empty() {
            return;
        }
        self.picture.handle_notification(notification);
        if let Notification::Mote(_) | Notification::MoteGone(_) | Notification::SnapshotEnd = notification {
            let found = self.motes.iter().filter_map(|name| name.find(&self.picture).ok());
            self.of_motes = found.filter_map(|mote| mote.entry.port.clone()).collect();
        }
    }

    /// Does the inventory know the motes? Of none there is nothing to be known.
    pub fn knowledge(&self) -> Knowledge {
        match self.picture.completeness() {
            Completeness::Partial if !self.motes.is_empty() => Knowledge::Awaited,
            Completeness::Partial | Completeness::Whole => {
                self.unknown().into_iter().find(|reason| !reason.may_come()).map_or(Knowledge::Told, Knowledge::Ambiguous)
            }
        }
    }

    /// Is this port recorded?
    pub fn has(&self, port: &PortName) -> bool {
        self.is_any() || self.ports.iter().any(|name| is_called(port, name)) || self.of_motes.contains(port)
    }

    /// What these are for a person who got nothing.
    pub fn lines(&self) -> &'static str {
        if self.is_any() { "a line" } else { "the lines that were chosen" }
    }

    fn is_any(&self) -> bool {
        self.ports.is_empty() && self.motes.is_empty()
    }

    /// The motes that nobody knows, or that several are.
    pub fn unknown(&self) -> Vec<NoSuchMote> {
        self.motes.iter().filter_map(|name| name.find(&self.picture).err()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::entry;

    fn port(name: &str) -> PortName {
        PortName(name.to_owned())
    }

    #[test]
    fn ports_are_named_by_their_path_or_the_end_of_it_and_none_is_all() {
        let choice = Choice::new(vec!["/dev/ttyUSB0".to_owned(), "ttyACM1".to_owned()], Vec::new());
        assert_eq!(["/dev/ttyUSB0", "/dev/ttyACM1", "/dev/ttyUSB1"].map(|name| choice.has(&port(name))), [true, true, false]);
        let all = Choice::new(Vec::new(), Vec::new());
        assert!(all.has(&port("anything")) && all.topics() == [Topic::Bytes]);
        assert_eq!([choice.lines(), all.lines()], ["the lines that were chosen", "a line"]);
    }

    #[test]
    fn a_mote_is_followed_to_another_port() {
        let mut choice = Choice::new(Vec::new(), vec!["0001".parse().expect("a name")]);
        assert!(choice.topics().contains(&Topic::Inventory) && !choice.has(&port("/dev/a")) && choice.unknown().len() == 1);
        for at in ["/dev/a", "/dev/b"] {
            choice.handle_notification(&Notification::Mote(entry(Some(1), Some(at))));
            assert_eq!((choice.has(&port("/dev/a")), choice.has(&port("/dev/b"))), (at == "/dev/a", at == "/dev/b"));
        }
        assert!(choice.unknown().is_empty());
    }

    #[test]
    fn several_motes_of_one_name_are_told_when_the_inventory_is_whole() {
        let mut choice = Choice::new(Vec::new(), vec!["ttyUSB0".parse().expect("a name")]);
        for at in ["/dev/ttyUSB0", "/run/ttyUSB0"] {
            choice.handle_notification(&Notification::Mote(entry(None, Some(at))));
            assert_eq!(choice.knowledge(), Knowledge::Awaited);
        }
        choice.handle_notification(&Notification::SnapshotEnd);
        assert!(matches!(choice.knowledge(), Knowledge::Ambiguous(NoSuchMote::Several { .. })));
        assert_eq!(Choice::new(Vec::new(), Vec::new()).knowledge(), Knowledge::Told);
    }
}
