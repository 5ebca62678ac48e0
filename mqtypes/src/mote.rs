//! The inventory: which motes there are and what their links do.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::{Eui64, PortName, Who};
use crate::mono::Mono;

/// One mote, or one port that no mote has named itself on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MoteEntry {
    /// How it is known.
    pub source: Source,
    /// Its port; none for a mote known through the mesh.
    pub port: Option<PortName>,
    /// What its link does.
    pub link: Link,
    /// Why it is down or at fault; empty otherwise.
    pub cause: String,
    /// Since when its link does that.
    pub since: Mono,
    /// Bits per second; 0 when not known.
    pub baud: u32,
    /// Its address, once it has told it.
    pub mote: Option<Eui64>,
    /// Its 16-bit address, once it has told it.
    pub id16: Option<u16>,
    /// Its own report of its role, once it has told it.
    pub dagroot: Option<bool>,
    /// When its last frame came.
    pub last_heard: Option<Mono>,
    /// When its first frame came since it is known.
    pub first_heard: Option<Mono>,
    /// How often it has booted since it is known.
    pub boots: u32,
    /// When its last boot was noticed. What was heard of it before is of an earlier life until it is told again.
    pub booted: Option<Mono>,
}

impl MoteEntry {
    /// Whom the entry is about.
    pub fn who(&self) -> Who {
        Who { mote: self.mote, port: self.port.clone() }
    }
}

/// How a mote is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// It speaks on a serial port.
    Serial,
    /// A DAO came up through the root.
    Dao,
}

/// What the link to a mote does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// The port is open and looked at.
    Probing,
    /// Frames come.
    Up,
    /// The port is open, but no frame came for five seconds.
    Silent,
    /// The port is not there.
    Down,
    /// The port keeps failing.
    Fault,
}
