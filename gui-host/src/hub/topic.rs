//! What a viewer can subscribe to.

use std::collections::BTreeSet;

/// A kind of notification; its name is the method's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// How the link to a router is.
    Link,
    /// The full set of motes.
    MoteInventory,
    /// Changed elements of a mote.
    MoteStatus,
    /// Changed counts.
    EventCount,
    /// A log line.
    MoteLog,
    /// A packet from the mesh, if the router was asked for them.
    MoteData,
    /// The full set of motes in DODAGs.
    Dag,
    /// Changed sources of `uinject`.
    Uinject,
    /// The router's processes and ports.
    LbrHealth,
    /// A step of a command that this viewer gave, or of whose beginning a snapshot has told it.
    CommandOutcome,
    /// The router lost events on the way here.
    Gap,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Link,
        Self::MoteInventory,
        Self::MoteStatus,
        Self::EventCount,
        Self::MoteLog,
        Self::MoteData,
        Self::Dag,
        Self::Uinject,
        Self::LbrHealth,
        Self::CommandOutcome,
        Self::Gap,
    ];

    /// What a viewer gets that has not chosen: all but packets, of which there can be many.
    pub fn unchosen() -> BTreeSet<Self> {
        Self::ALL.into_iter().filter(|&topic| topic != Self::MoteData).collect()
    }

    /// The name that viewers use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::MoteInventory => "mote-inventory",
            Self::MoteStatus => "mote-status",
            Self::EventCount => "event-count",
            Self::MoteLog => "mote-log",
            Self::MoteData => "mote-data",
            Self::Dag => "dag",
            Self::Uinject => "uinject",
            Self::LbrHealth => "lbr-health",
            Self::CommandOutcome => "command-outcome",
            Self::Gap => "gap",
        }
    }

    /// The topic of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}
