//! Commands that a person gives, and their outcomes.

use std::fmt;

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::{Eui64, PortName, RequestId};
use crate::mono::Mono;

/// A command for one mote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Command {
    /// Chosen by who asks; its outcomes bear it.
    pub id: RequestId,
    /// Queue that gets the outcomes: a `tap-…` of this instance, or `ui-proxy`'s inbox.
    pub reply: String,
    /// What is late is timed out, and never done afterwards.
    pub deadline: Mono,
    /// Which mote.
    pub target: Target,
    /// What to do.
    pub action: Action,
}

/// Which mote a command is for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// By its address, wherever it is.
    Mote(Eui64),
    /// Whoever is on this port.
    Port(PortName),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mote(mote) => mote.fmt(f),
            Self::Port(port) => port.fmt(f),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The opposite of the wanted role, else of the reported one.
    ToggleDagroot,
    /// Be the DODAG root, or not; kept as the wanted role.
    SetDagroot {
        /// Root, or not.
        on: bool,
    },
    /// The firmware's reset frame.
    Reset,
    /// The serial echo test.
    Echo {
        /// How many echoes.
        count: u16,
        /// Bytes in each.
        size: u8,
    },
}

/// One step in a command's life.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct CommandOutcome {
    /// Which command.
    pub id: RequestId,
    /// How far it is.
    pub state: OutcomeState,
    /// For a refusal or failure its name (`unknown-role`, `busy`), and words for a person.
    pub detail: String,
    /// The figures of an echo test, with its end.
    pub echo: Option<EchoFigures>,
}

/// What an echo test found. `sent` is the sum of the next three when the test came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct EchoFigures {
    /// Echoes that the serial line took.
    pub sent: u16,
    /// Answers that were right.
    pub ok: u16,
    /// Answers of the right length with other bytes.
    pub corrupted: u16,
    /// Echoes that were not answered in time.
    pub timed_out: u16,
    /// Of the right answers; none without any.
    pub round_trip: Option<RoundTrip>,
}

/// From the write to the answer's closing flag, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RoundTrip {
    /// The shortest.
    pub least_us: u32,
    /// The mean.
    pub mean_us: u32,
    /// The longest.
    pub most_us: u32,
}

/// How far a command is. The last four are ends, and a command has exactly one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeState {
    /// Understood; a wanted role is on disk.
    Accepted,
    /// The serial line has it.
    Sent,
    /// The mote's own report shows it.
    Confirmed,
    /// The deadline passed.
    TimedOut,
    /// Not done, and the detail says why.
    Refused,
    /// Begun, and broken.
    Failed,
}

impl OutcomeState {
    /// Does nothing follow?
    pub fn is_end(self) -> bool {
        match self {
            Self::Accepted | Self::Sent => false,
            Self::Confirmed | Self::TimedOut | Self::Refused | Self::Failed => true,
        }
    }
}
