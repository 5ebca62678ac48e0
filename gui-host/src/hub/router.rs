//! One border router: its link, its last values, and what waits to be sent to it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{ConnectionId, link_state::LinkWord, model::Model, packets::Packets};
use crate::{clock::Now, link::handshake::Hello};

/// Without a message for this long a link is stale. `lbr-health` comes every 10 s.
pub const STALE_AFTER: Duration = Duration::from_secs(20);

/// Most messages that wait for a router.
const MAX_WAITING: usize = 64;

/// A router that is here, or was.
#[derive(Debug)]
pub struct Router {
    /// Its last hello.
    pub hello: Hello,
    /// Index of the `--lbr` target whose tunnel it came through.
    pub target: Option<usize>,
    /// Its link.
    pub link: Link,
    /// Its last values; they stay when the link is lost.
    pub model: Model,
    /// When the newest report about its processes and ports came.
    pub health_came: Option<Now>,
    /// What was not used, by reason.
    pub ignored: BTreeMap<&'static str, u64>,
}

/// A link.
#[derive(Debug)]
pub enum Link {
    /// There.
    Open(OpenLink),
    /// Closed.
    Lost {
        /// Since when.
        since: Now,
        /// When the last message came.
        last_message: Now,
        /// Why.
        reason: String,
    },
}

/// A link that is there.
#[derive(Debug)]
pub struct OpenLink {
    /// Its connection.
    pub connection: ConnectionId,
    /// Since when.
    pub opened: Now,
    /// When the last message came; at first when it was opened.
    pub last_message: Now,
    /// When the first inventory came.
    pub inventory: Option<Now>,
    /// Round-trip time of the last answered ping.
    pub rtt: Option<Duration>,
    /// Whether the host's last ping is answered.
    pub ping: PingState,
    /// What viewers were last told, and since when it is so.
    pub shown: (LinkWord, Now),
    /// Whether it was asked for packets.
    pub packets: Packets,
    /// Messages for the router.
    outbox: VecDeque<String>,
}

/// The host's last ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingState {
    /// Answered, or on its way for a short time.
    Fine,
    /// No answer for too long.
    Unanswered,
}

impl OpenLink {
    /// A link that has just been opened.
    pub fn new(connection: ConnectionId, now: Now) -> Self {
        Self {
            connection,
            opened: now,
            last_message: now,
            inventory: None,
            rtt: None,
            ping: PingState::Fine,
            shown: (LinkWord::Live, now),
            packets: Packets::Unwanted,
            outbox: VecDeque::new(),
        }
    }

    /// The state by age and ping.
    pub fn word(&self, now: Now) -> LinkWord {
        if now.since(self.last_message) < STALE_AFTER && self.ping == PingState::Fine { LinkWord::Live } else { LinkWord::Stale }
    }

    /// Queues a message for the router; gives it back when too many wait.
    pub fn push(&mut self, text: String) -> Result<(), String> {
        if self.outbox.len() >= MAX_WAITING {
            return Err(text);
        }
        self.outbox.push_back(text);
        Ok(())
    }

    /// The next message for the router.
    pub fn pop(&mut self) -> Option<String> {
        self.outbox.pop_front()
    }
}

impl Router {
    /// The open link, if it is there.
    pub fn open(&mut self) -> Option<&mut OpenLink> {
        match &mut self.link {
            Link::Open(open) => Some(open),
            Link::Lost { .. } => None,
        }
    }

    /// Whether the link is there.
    pub fn is_open(&self) -> bool {
        matches!(self.link, Link::Open(_))
    }

    /// Counts something that was not used.
    pub fn ignore(&mut self, reason: &'static str) {
        *self.ignored.entry(reason).or_default() += 1;
    }
}
