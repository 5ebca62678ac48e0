//! The hub between routers and viewers: who is here, the last values, who is told what.
//!
//! Pure: `handle_*` for what happened, `poll_*` for what to send, the time as an argument. It owns
//! no socket and cannot wait; every queue in it is bounded, and no viewer or router can make
//! another one wait.

pub mod call;
pub mod command;
pub mod element;
pub mod figures;
mod from_routers;
mod from_scripts;
mod from_viewers;
pub mod history;
#[cfg(test)]
mod history_tests;
pub mod link_state;
mod links;
pub mod model;
mod packets;
mod router;
mod statuses;
#[cfg(test)]
mod tests;
pub mod topic;
pub mod viewer;
#[cfg(test)]
mod wslink_tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::{command::UiEvent, history::Question, model::Text, router::Router, topic::Topic, viewer::Viewer};
use crate::{
    clock::Now,
    history::chronicle::Chronicle,
    tunnel::{Stage, TunnelReport},
};

/// One connection of a router. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// One connection of a browser. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewerId(u64);

/// There is no place for another one.
#[derive(Debug, PartialEq, Eq)]
pub struct Crowded;

/// What to send to a router next.
#[derive(Debug, PartialEq, Eq)]
pub enum ToRouter {
    /// A text frame.
    Text(String),
    /// Close it: a newer connection of the same router took its place.
    Replaced,
}

/// What the hub is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// The `--lbr` targets.
    pub targets: Vec<TargetSettings>,
    /// Commands to copy for a router without a target.
    pub commands: Vec<String>,
    /// Makes the ids of commands differ from those of an earlier start.
    pub command_tag: String,
}

/// A `--lbr` target.
#[derive(Debug)]
pub struct TargetSettings {
    /// `USER@HOST`.
    pub name: String,
    /// Commands to copy.
    pub commands: Vec<String>,
}

/// The hub.
pub struct Hub {
    settings: Settings,
    started: Now,
    routers: BTreeMap<String, Router>,
    connections: BTreeMap<ConnectionId, String>,
    viewers: BTreeMap<ViewerId, Viewer>,
    tunnels: Vec<TunnelReport>,
    /// Why the last connection was refused, until a router is let in.
    refusal: Option<String>,
    pending: VecDeque<Pending>,
    chronicle: Chronicle,
    /// Questions about history, which are answered elsewhere.
    questions: VecDeque<Question>,
    last_id: u64,
}

/// A command whose end is awaited.
struct Pending {
    id: String,
    lbr: String,
    /// Who asked, and who has seen in a snapshot that it was asked: a page that was reloaded is another viewer.
    viewers: BTreeSet<ViewerId>,
    event: UiEvent,
}

impl Hub {
    /// A hub without routers and viewers.
    pub fn new(settings: Settings, now: Now) -> Self {
        let report = || TunnelReport {
            stages: ["ssh started", "forward accepted", "wake-up sent"].map(Stage::pending),
            detail: String::new(),
            stderr: Vec::new(),
        };
        let tunnels = settings.targets.iter().map(|_| report()).collect();
        Self {
            settings,
            started: now,
            routers: BTreeMap::new(),
            connections: BTreeMap::new(),
            viewers: BTreeMap::new(),
            tunnels,
            refusal: None,
            pending: VecDeque::new(),
            chronicle: Chronicle::default(),
            questions: VecDeque::new(),
            last_id: 0,
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn next_command_id(&mut self) -> String {
        let number = self.next_id();
        format!("{}-{number}", self.settings.command_tag)
    }

    /// Tells a message to every viewer that wants its topic.
    fn broadcast(&mut self, topic: Topic, lbr: Option<&str>, message: &Text) {
        for viewer in self.viewers.values_mut().filter(|viewer| viewer.wants(topic)) {
            viewer.notify(topic, lbr, message);
        }
    }

    /// Queues a message for a router.
    fn send(&mut self, lbr: &str, text: String) -> Result<(), SendError> {
        let router = self.routers.get_mut(lbr).ok_or(SendError::Unknown)?;
        let open = router.open().ok_or(SendError::Lost)?;
        open.push(text).map_err(|_| SendError::Full)
    }
}

/// Why a message cannot be sent to a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No router of that id.
    #[error("no border router of that id is known")]
    Unknown,
    /// Its link is closed.
    #[error("the link to that border router is lost")]
    Lost,
    /// It takes nothing at the moment.
    #[error("too many messages wait for that border router")]
    Full,
    /// It was for all, and no link is open.
    #[error("no border router is connected")]
    Nobody,
}
