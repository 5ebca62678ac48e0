//! How the link to a router is, as the page shows it.
//!
//! The commands in it are made of our own words and of targets from our own command line. What a
//! router says of itself never enters a command that a person may copy into a shell.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::tunnel::{Stage, StageState};

/// The state of a link in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkWord {
    /// No router, and no tunnel of ours.
    None,
    /// A tunnel of ours is on its way.
    Connecting,
    /// Heard less than 20 s ago.
    Live,
    /// Not heard for longer, or a ping has no answer.
    Stale,
    /// The link is closed.
    Lost,
}

impl LinkWord {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Lost => "lost",
        }
    }
}

/// The message of topic `link`.
#[derive(Debug, Serialize)]
pub struct LinkState<'a> {
    /// `{id, name, hostname, version, boot}` of the router, once it has come.
    pub lbr: Option<&'a Value>,
    /// The `--lbr` target.
    pub target: Option<&'a str>,
    /// The state.
    pub state: LinkWord,
    /// Since when, Unix time in ms.
    pub since: u64,
    /// When the last message came, Unix time in ms.
    pub last_message: Option<u64>,
    /// Round-trip time of the last answered ping.
    pub rtt_ms: Option<f64>,
    /// What to know beside the state.
    pub detail: Cow<'a, str>,
    /// The way to a live link.
    pub stages: Vec<Stage>,
    /// The last words of ssh.
    pub stderr: &'a [String],
    /// Shell commands that a person can copy.
    pub commands: &'a [String],
    /// Messages of this router that were not used, by reason.
    pub ignored: Value,
}

/// The last two stages of a link, which the hub itself knows.
pub fn own_stages(opened: Option<u64>, inventory: Option<u64>, awaited: Awaited) -> [Stage; 2] {
    let stage = |name, reached: Option<u64>, active: bool| match reached {
        Some(t) => Stage { name, state: StageState::Done, t: Some(t), text: String::new() },
        None if active => Stage { state: StageState::Active, ..Stage::pending(name) },
        None => Stage::pending(name),
    };
    [stage("link open", opened, awaited == Awaited::Link), stage("first inventory", inventory, opened.is_some())]
}

/// Whether a link is about to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// `ui-proxy` is woken, or dials again by itself.
    Link,
    /// Something else has to happen first.
    Nothing,
}
