//! Which motes there are. The set is said whole whenever it changes; that a mote was heard again is no change.

use std::collections::BTreeMap;

use mqtypes::ids::Who;
use mqtypes::mote::MoteEntry;

use super::bounds::{self, MOST_MOTES};
use super::pace::Pace;

/// The newest entry of every mote.
#[derive(Debug, Default)]
pub struct Inventory {
    entries: BTreeMap<Who, MoteEntry>,
    news: News,
    /// When a changed set may be said.
    pub pace: Pace,
}

/// Is there something to say?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum News {
    #[default]
    None,
    Changed,
}

/// What an entry did to the set.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in. These entries gave way: the same mote elsewhere, or another one in its place.
    In {
        /// Whose.
        gone: Vec<Who>,
    },
    /// It is not: there are too many, or its port cannot be named.
    LeftOut,
}

impl Inventory {
    /// A mote is there, or has changed.
    pub fn handle_entry(&mut self, entry: MoteEntry) -> Taken {
        let who = entry.who();
        if let Some(known) = self.entries.get_mut(&who) {
            // That it was heard again makes no difference below.
            known.last_heard = entry.last_heard;
            if *known != entry {
                *known = entry;
                self.news = News::Changed;
            }
            return Taken::In { gone: Vec::new() };
        }
        let gone: Vec<Who> = self.entries.keys().filter(|other| takes_the_place_of(&who, other)).cloned().collect();
        if !bounds::is_port(who.port.as_ref()) || self.entries.len() - gone.len() >= MOST_MOTES {
            return Taken::LeftOut;
        }
        for other in &gone {
            self.entries.remove(other);
        }
        self.entries.insert(who, entry);
        self.news = News::Changed;
        Taken::In { gone }
    }

    /// A mote is gone. True when it was there.
    pub fn handle_gone(&mut self, who: &Who) -> bool {
        let was_there = self.entries.remove(who).is_some();
        if was_there {
            self.news = News::Changed;
        }
        was_there
    }

    /// Is there a change to say?
    pub fn has_news(&self) -> bool {
        self.news == News::Changed
    }

    /// The whole set, which counts as said now.
    pub fn take(&mut self) -> Vec<MoteEntry> {
        self.news = News::None;
        self.entries.values().cloned().collect()
    }
}

/// There is one entry for a port, and one for a mote.
fn takes_the_place_of(who: &Who, other: &Who) -> bool {
    (who.port.is_some() && who.port == other.port) || (who.mote.is_some() && who.mote == other.mote)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mqtypes::ids::{Eui64, PortName};
    use mqtypes::mono::Mono;
    use mqtypes::mote::{Link, Source};

    pub(crate) fn entry(port: &str, mote: Option<u8>) -> MoteEntry {
        let mote = mote.map(|last| Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, last]));
        MoteEntry {
            source: Source::Serial,
            port: Some(PortName(port.to_owned())),
            link: Link::Up,
            cause: String::new(),
            since: Mono(0),
            baud: 115_200,
            mote,
            id16: mote.map(Eui64::id16),
            dagroot: None,
            last_heard: None,
            first_heard: None,
            boots: 0,
            booted: None,
        }
    }

    #[test]
    fn that_a_mote_was_heard_again_is_no_change() {
        let mut inventory = Inventory::default();
        inventory.handle_entry(entry("a", None));
        assert_eq!(inventory.take().len(), 1);
        inventory.handle_entry(MoteEntry { last_heard: Some(Mono(5)), ..entry("a", None) });
        assert!(!inventory.has_news());
        inventory.handle_entry(MoteEntry { link: Link::Silent, last_heard: Some(Mono(5)), ..entry("a", None) });
        assert!(inventory.has_news());
    }

    #[test]
    fn a_mote_that_tells_its_name_or_moves_has_one_entry() {
        let mut inventory = Inventory::default();
        inventory.handle_entry(entry("a", None));
        assert_eq!(inventory.handle_entry(entry("a", Some(1))), Taken::In { gone: vec![entry("a", None).who()] });
        assert_eq!(inventory.handle_entry(entry("b", Some(1))), Taken::In { gone: vec![entry("a", Some(1)).who()] });
        assert!(!inventory.handle_gone(&entry("a", None).who()));
        assert_eq!(inventory.take(), [entry("b", Some(1))]);
    }

    #[test]
    fn no_sender_grows_it_without_end() {
        let mut inventory = Inventory::default();
        for number in 0..MOST_MOTES {
            assert_eq!(inventory.handle_entry(entry(&number.to_string(), None)), Taken::In { gone: vec![] });
        }
        assert_eq!(inventory.handle_entry(entry("one more", None)), Taken::LeftOut);
        assert_eq!(inventory.handle_entry(entry(&"long".repeat(100), None)), Taken::LeftOut);
        assert!(matches!(inventory.handle_entry(entry("5", Some(1))), Taken::In { .. }));
    }
}
