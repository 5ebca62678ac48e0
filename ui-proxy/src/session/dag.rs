//! The DODAG, as `eventbus` reads it off what comes up through the roots. The set is said whole whenever it changes.
//!
//! That one more packet came is no change. But a host shows how old everything is, so the set is said again as soon as the
//! time that the host has for one of its motes is old, if that mote was heard since.

use std::collections::BTreeMap;

use mqtypes::ids::Eui64;
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;

use super::bounds::{Kept, MOST_MOTES, MOST_PARENTS};
use super::mote_status::SAY_AGAIN_AFTER;
use super::pace::Pace;

/// The newest entry of every mote.
#[derive(Debug, Default)]
pub struct Dag {
    motes: BTreeMap<Eui64, DagEntry>,
    news: News,
    /// When the set may be said.
    pub pace: Pace,
}

/// Is there something to say?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum News {
    #[default]
    None,
    /// Only times and numbers of packets, of which the host's are old from `due` on.
    HeardAgain {
        due: Mono,
    },
    Changed,
}

impl Dag {
    /// A mote is in it, has moved in it, or was heard again.
    pub fn handle_entry(&mut self, mut entry: DagEntry) -> Kept {
        entry.parents.truncate(MOST_PARENTS);
        let Some(known) = self.motes.get_mut(&entry.mote) else {
            if self.motes.len() >= MOST_MOTES {
                return Kept::No;
            }
            self.motes.insert(entry.mote, entry);
            self.news = News::Changed;
            return Kept::Yes;
        };
        if is_same_place(known, &entry) {
            if known.last_packet < entry.last_packet {
                self.news = self.news.heard_again(known.last_packet.after(SAY_AGAIN_AFTER));
            }
        } else {
            self.news = News::Changed;
        }
        *known = entry;
        Kept::Yes
    }

    /// A mote is in it no more.
    pub fn handle_gone(&mut self, mote: Eui64) -> Kept {
        if self.motes.remove(&mote).is_some() {
            self.news = News::Changed;
        }
        Kept::Yes
    }

    /// When the set is to be said.
    pub fn due_at(&self) -> Option<Mono> {
        let paced = self.pace.due_at();
        match self.news {
            News::None => None,
            News::HeardAgain { due } => Some(due.max(paced)),
            News::Changed => Some(paced),
        }
    }

    /// The whole set, which counts as said now.
    pub fn take(&mut self) -> Vec<DagEntry> {
        self.news = News::None;
        self.motes.values().cloned().collect()
    }
}

impl News {
    fn heard_again(self, due: Mono) -> Self {
        match self {
            Self::None => Self::HeardAgain { due },
            Self::HeardAgain { due: earlier } => Self::HeardAgain { due: earlier.min(due) },
            Self::Changed => Self::Changed,
        }
    }
}

fn is_same_place(known: &DagEntry, entry: &DagEntry) -> bool {
    let DagEntry { mote, root, parents, dao_heard: _, hops, address, last_packet: _, packets: _ } = entry;
    (mote, root, parents, hops, address) == (&known.mote, &known.root, &known.parents, &known.hops, &known.address)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entry(mote: u16, second: u64) -> DagEntry {
        let eui = |number: u16| Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, (number >> 8) as u8, number as u8]);
        DagEntry {
            mote: eui(mote),
            root: eui(1),
            parents: vec![eui(1)],
            dao_heard: Some(Mono(0)),
            hops: Some(1),
            address: [0xbb; 16],
            last_packet: Mono(second * 1_000_000),
            packets: second,
        }
    }

    fn due_at(dag: &Dag) -> Option<u64> {
        dag.due_at().map(|at| at.0 / 1_000_000)
    }

    #[test]
    fn a_change_is_due_at_once_and_more_packets_when_the_hosts_time_is_old() {
        let mut dag = Dag::default();
        for mote in [2, 3] {
            dag.handle_entry(entry(mote, 5));
        }
        assert_eq!((due_at(&dag), dag.take().len()), (Some(0), 2));
        assert_eq!(dag.due_at(), None);
        dag.handle_entry(entry(3, 9));
        dag.handle_entry(entry(2, 11));
        dag.handle_entry(entry(3, 14));
        assert_eq!(due_at(&dag), Some(15));
        dag.handle_entry(DagEntry { hops: None, ..entry(3, 14) });
        assert_eq!(due_at(&dag), Some(0));
        assert_eq!(dag.take().iter().map(|entry| entry.packets).collect::<Vec<_>>(), [11, 14]);
    }

    #[test]
    fn what_is_told_twice_is_said_once_and_a_dao_alone_is_no_change() {
        let mut dag = Dag::default();
        dag.handle_entry(entry(2, 5));
        dag.take();
        dag.handle_entry(entry(2, 5));
        assert_eq!(dag.due_at(), None);
        dag.handle_entry(DagEntry { dao_heard: Some(Mono(6_000_000)), ..entry(2, 6) });
        assert_eq!(due_at(&dag), Some(15));
    }

    #[test]
    fn a_mote_that_leaves_is_a_change_once() {
        let mut dag = Dag::default();
        dag.handle_entry(entry(2, 5));
        dag.take();
        dag.handle_gone(entry(3, 0).mote);
        assert_eq!(dag.due_at(), None);
        dag.handle_gone(entry(2, 0).mote);
        assert_eq!((due_at(&dag), dag.take()), (Some(0), vec![]));
    }

    #[test]
    fn no_sender_grows_it_without_end() {
        let mut dag = Dag::default();
        for mote in 0..MOST_MOTES as u16 {
            assert_eq!(dag.handle_entry(DagEntry { parents: vec![Eui64([0; 8]); 100], ..entry(mote, 0) }), Kept::Yes);
        }
        assert_eq!(dag.handle_entry(entry(u16::MAX, 0)), Kept::No);
        assert_eq!(dag.handle_entry(entry(0, 1)), Kept::Yes);
        assert!(dag.take().iter().all(|entry| entry.parents.len() <= MOST_PARENTS));
    }
}
