//! What a mote logs, with its meaning.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::Who;
use crate::mono::Mono;

/// One log frame of a mote, or one printf.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MoteLog {
    /// Who logged.
    pub who: Who,
    /// When it was heard.
    pub heard: Mono,
    /// How bad it is.
    pub severity: Severity,
    /// Which firmware component; 0 for a printf.
    pub component: Coded,
    /// Which message; 0 for a printf.
    pub error: Coded,
    /// The arguments as numbers, signed only where the message means them so.
    pub args: [i32; 2],
    /// The message in words.
    pub text: String,
}

/// A number of the firmware and its name, `unknown` when the tables have none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Coded {
    /// The number.
    pub code: u8,
    /// Its name.
    pub name: String,
}

/// Severity, from the frame's type byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// `V`
    Verbose,
    /// `I`
    Info,
    /// `W`
    Warning,
    /// `U`
    Success,
    /// `E`
    Error,
    /// `C`: the mote reboots ten seconds later.
    Critical,
    /// `F`: text that the firmware printed.
    Printf,
}

impl Severity {
    /// The name used in counts and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verbose => "verbose",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Success => "success",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Printf => "printf",
        }
    }
}
