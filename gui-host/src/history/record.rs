//! What history consists of: values that were sampled, and events that happened once.

use std::sync::Arc;

use serde::Serialize;

use super::series::{Quantity, Reading};

/// Something that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The router's id.
    pub lbr: Arc<str>,
    /// The mote's EUI-64; none for what concerns the router itself.
    pub mote: Option<Arc<str>>,
    /// The host's Unix time, milliseconds.
    pub t: u64,
    /// What.
    pub fact: Fact,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A sampled figure.
    Value(Quantity, Reading),
    /// A sampled counter, running since the last count restart.
    Count {
        /// Who counts.
        sender: Arc<str>,
        /// What.
        signal: Arc<str>,
        /// How many.
        num: u64,
    },
    /// Something that happened.
    Event(Event),
}

/// An event that comes again at the same time, but for the jitter of the link, milliseconds.
pub const SAME_TIME: u64 = 2000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A mote logged.
    Log {
        /// `info`, `error` …
        severity: String,
        /// The firmware component.
        component: String,
        /// The message in words.
        text: String,
    },
    /// The link to the router is another one.
    Link {
        /// `live`, `stale`, `lost` …
        state: &'static str,
        /// What to know beside it.
        detail: String,
    },
    /// A mote booted.
    Boot {
        /// How often the router has seen it boot.
        boots: u64,
    },
    /// A mote has another preferred parent.
    Parent {
        /// Its EUI-64.
        parent: String,
        /// How that is known.
        told: Told,
    },
    /// The counts of a router began anew.
    CountRestart {
        /// Tells the start of the counting process.
        boot: String,
    },
}

/// How a parent is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// By the mote's neighbour table.
    Neighbors,
    /// By its DAOs.
    Dao,
}

/// When an event that comes again is the same one. Routers tell what holds again after each
/// connection, and a host that has just started cannot know whether it heard it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Never: each is kept.
    Kept,
    /// When the last one of its kind says the same.
    SameText,
    /// When the last one of its kind is as old, but for the jitter of the link.
    SameTime,
}

/// An event in the form in which it is stored, exported and shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns<'a> {
    /// The severity, the state, or how it is known.
    pub name: &'a str,
    /// The component.
    pub detail: &'a str,
    /// The number of boots.
    pub value: Option<f64>,
    /// In words.
    pub text: &'a str,
}

/// Kinds of events, by which an older answer can be read.
pub const LOG: &str = "log";
/// See [`LOG`].
pub const LINK: &str = "link";
/// See [`LOG`].
pub const BOOT: &str = "boot";
/// See [`LOG`].
pub const PARENT: &str = "parent";
/// See [`LOG`].
pub const COUNT_RESTART: &str = "count-restart";
/// The kind of a counter.
pub const COUNT: &str = "count";

impl Event {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Log { .. } => LOG,
            Self::Link { .. } => LINK,
            Self::Boot { .. } => BOOT,
            Self::Parent { .. } => PARENT,
            Self::CountRestart { .. } => COUNT_RESTART,
        }
    }

    /// When it is the same one again.
    pub fn repeat(&self) -> Repeat {
        match self {
            Self::Log { .. } | Self::Link { .. } => Repeat::Kept,
            Self::Parent { .. } | Self::CountRestart { .. } => Repeat::SameText,
            Self::Boot { .. } => Repeat::SameTime,
        }
    }

    /// The form in which it is stored.
    pub fn columns(&self) -> Columns<'_> {
        let plain = Columns { name: "", detail: "", value: None, text: "" };
        match self {
            Self::Log { severity, component, text } => Columns { name: severity, detail: component, text, ..plain },
            Self::Link { state, detail } => Columns { name: state, text: detail, ..plain },
            Self::Boot { boots } => Columns { value: Some(*boots as f64), ..plain },
            Self::Parent { parent, told } => {
                let name = match told {
                    Told::Neighbors => "neighbors",
                    Told::Dao => "dao",
                };
                Columns { name, text: parent, ..plain }
            }
            Self::CountRestart { boot } => Columns { text: boot, ..plain },
        }
    }
}

/// An event beside the charts. Log lines are none: there are too many of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// The host's Unix time, milliseconds.
    pub t: u64,
    /// Its kind.
    pub kind: String,
    /// The state of a link, or how a parent is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The number of boots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Mark {
    /// Whether this is the other one told again. A boot is worked out from its age, and so is known to the jitter of the link.
    pub fn repeats(&self, other: &Self) -> bool {
        if self.kind != BOOT {
            return self == other;
        }
        other.kind == BOOT && self.value == other.value && self.t.abs_diff(other.t) <= SAME_TIME
    }

    /// The mark of an event, if it is shown beside charts.
    pub fn of(t: u64, event: &Event) -> Option<Self> {
        let Columns { name, value, text, .. } = event.columns();
        let mark = Self { t, kind: event.kind().to_owned(), name: name.to_owned(), value, text: text.to_owned() };
        (mark.kind != LOG).then_some(mark)
    }
}
