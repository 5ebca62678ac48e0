//! Whose turn it is to be said, and how much of it.

use crate::request::Topic;

/// What takes turns, so that a flood of one cannot keep the others from being said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Log lines, packets and gaps.
    Events,
    /// The set of motes.
    Inventory,
    /// The DODAG.
    Dag,
    /// Elements of a mote.
    Statuses,
    /// What `uinject` tells.
    Uinject,
    /// Event counts.
    Counts,
    /// The processes' figures.
    Health,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Events, Self::Inventory, Self::Dag, Self::Statuses, Self::Uinject, Self::Counts, Self::Health];

    /// What the host subscribes to it by: any of these.
    pub fn topics(self) -> &'static [Topic] {
        match self {
            Self::Events => &Topic::EVENTS,
            Self::Inventory => &[Topic::Inventory],
            Self::Dag => &[Topic::Dag],
            Self::Statuses => &[Topic::Status],
            Self::Uinject => &[Topic::Uinject],
            Self::Counts => &[Topic::Counts],
            Self::Health => &[Topic::Health],
        }
    }

    /// All of them, this one last.
    pub fn others_first(self) -> impl Iterator<Item = Self> {
        let at = Self::ALL.iter().position(|class| *class == self).expect("it is one of all");
        Self::ALL.into_iter().cycle().skip(at + 1).take(Self::ALL.len())
    }
}

/// How much of a set is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it, in a snapshot.
    All,
    /// What has changed.
    Changes,
}

impl Extent {
    /// Messages of a snapshot bear their page, and so do changes that take several.
    pub fn is_paged(self, pages: usize) -> bool {
        self == Self::All || pages > 1
    }
}
