//! What a viewer can ask of the hub, whichever protocol it speaks.
//!
//! A codec parses into this and checks the shape; the hub looks whether the router is there.

use std::collections::BTreeSet;

use super::{command::UiEvent, element::Extent, topic::Topic};

/// A question or a command of a viewer.
#[derive(Debug)]
pub enum Call {
    /// A snapshot, and then these topics.
    Subscribe {
        /// What follows.
        topics: BTreeSet<Topic>,
        /// What the snapshot may leave out.
        extent: Extent,
    },
    /// The rows that the snapshot has left out.
    Rows,
    /// Whether anybody is there.
    Ping,
    /// A snapshot; the topics stay.
    Snapshot,
    /// A command.
    Event {
        /// For motes of these routers.
        to: Recipients,
        /// The command.
        event: UiEvent,
    },
    /// A new snapshot from these routers.
    Refresh {
        /// The routers.
        to: Recipients,
    },
}

/// For which routers something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// The router of that id.
    One(String),
    /// Every router whose link is open.
    All,
}

impl Recipients {
    /// Means every router in place of an id; no router may have it for its id.
    pub const ALL: &str = "*";

    /// The recipients as a viewer names them.
    pub fn named(lbr: String) -> Self {
        if lbr == Self::ALL { Self::All } else { Self::One(lbr) }
    }
}
