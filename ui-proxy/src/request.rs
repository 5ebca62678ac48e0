//! What the host asks, once it has been understood. `json::request` reads it; the session does it.

use std::collections::BTreeSet;
use std::time::Duration;

use mqtypes::command::{Action, Target};
use mqtypes::ids::Eui64;

/// A request that is well formed and within its ranges.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `ui-event`: a person did something.
    Event(Event),
    /// `subscribe`; what is `None` stays as it is.
    Subscribe {
        /// What to push.
        topics: Option<BTreeSet<Topic>>,
        /// How often at most.
        interval: Option<Duration>,
    },
    /// `refresh`: the snapshot again, of one mote or of everything.
    Refresh {
        /// Which mote.
        mote: Option<Eui64>,
    },
    /// `error`: the host did not understand us. It asks for nothing.
    Complaint(Complaint),
}

/// What the host did not like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Its name for it.
    pub code: String,
    /// Its words.
    pub text: String,
}

/// A person did something.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The host's name for it.
    pub id: HostId,
    /// Which mote.
    pub target: Target,
    /// What to do.
    pub action: Action,
    /// How long it may take.
    pub timeout: Duration,
}

/// The host's name for a command, given back as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostId {
    /// At most 64 characters.
    Text(String),
    /// A whole number that fits 64 bits.
    Number(serde_json::Number),
}

/// What can be pushed. A topic is named after its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// `mote-inventory`
    Inventory,
    /// `mote-status`
    Status,
    /// `event-count`
    Counts,
    /// `mote-log`
    Logs,
    /// `lbr-health`
    Health,
    /// `dag`
    Dag,
    /// `uinject`
    Uinject,
    /// `mote-data`
    Data,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Inventory, Self::Status, Self::Counts, Self::Logs, Self::Health, Self::Dag, Self::Uinject, Self::Data];

    /// Those that bring events: what is lost of them is told with `gap`.
    pub const EVENTS: [Self; 2] = [Self::Logs, Self::Data];

    /// The name of its messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inventory => "mote-inventory",
            Self::Status => "mote-status",
            Self::Counts => "event-count",
            Self::Logs => "mote-log",
            Self::Health => "lbr-health",
            Self::Dag => "dag",
            Self::Uinject => "uinject",
            Self::Data => "mote-data",
        }
    }

    /// What is pushed unless the host asks for something else.
    pub fn usual() -> BTreeSet<Self> {
        Self::ALL.into_iter().filter(|topic| *topic != Self::Data).collect()
    }
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// It is no request: `error`. Three in a row end the link.
    Fault(Fault),
    /// It is a `ui-event` with an id, and cannot be done: `command-outcome` `refused`.
    Refused {
        /// The host's name for it.
        id: HostId,
        /// A short name, a colon, and words for a person.
        detail: String,
    },
}

/// What is wrong with a message that is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A short name; also the name of its counter.
    pub code: &'static str,
    /// Words for a person.
    pub text: String,
    /// Of the request, when it could be read.
    pub id: Option<HostId>,
}

impl Fault {
    /// One without an id.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), id: None }
    }

    /// A binary frame came.
    pub fn binary() -> Self {
        Self::new("binary-frame", "a binary frame; the link speaks JSON in text frames")
    }
}

/// Three faults in a row end a link: whoever is at the other end speaks something else.
#[derive(Debug, Default)]
pub struct Strikes(u8);

/// Is the link worth keeping?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Yes.
    Left,
    /// No.
    Exhausted,
}

impl Strikes {
    const MOST: u8 = 3;

    /// Something was understood.
    pub fn understood(&mut self) {
        self.0 = 0;
    }

    /// Something was not.
    pub fn fault(&mut self) -> Patience {
        self.0 = self.0.saturating_add(1);
        if self.0 >= Self::MOST { Patience::Exhausted } else { Patience::Left }
    }
}
