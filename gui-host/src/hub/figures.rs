//! The hub as figures, for whoever watches it from outside: what is here, how fresh it is, and no values of motes.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    Hub,
    link_state::LinkWord,
    model::Text,
    router::{Link, Router},
};
use crate::{clock::Now, tunnel::StageState};

/// What there is at one time.
#[derive(Debug)]
pub struct Figures {
    /// Since the host started.
    pub uptime: Duration,
    /// Pages, scripts and captures.
    pub viewers: usize,
    /// The stages of each target's tunnel, by name.
    pub tunnels: Vec<(String, Vec<(&'static str, StageState)>)>,
    /// All routers that are here or were.
    pub routers: Vec<RouterFigures>,
}

/// One router.
#[derive(Debug)]
pub struct RouterFigures {
    /// Its id.
    pub id: String,
    /// What it says of itself: name, hostname, version and boot.
    pub words: Vec<(&'static str, String)>,
    /// How its link is.
    pub link: LinkWord,
    /// Of the last ping that was answered.
    pub rtt: Option<Duration>,
    /// Since its last message.
    pub message_age: Duration,
    /// Its messages that were not used, by reason.
    pub ignored: BTreeMap<&'static str, u64>,
    /// Its last `lbr-health`.
    pub health: Option<Reported>,
    /// Motes by source and link; nothing while the link is lost.
    pub motes: BTreeMap<(&'static str, &'static str), u64>,
    /// Counts of all ports together, by signal; nothing while the link is lost.
    pub events: BTreeMap<String, u64>,
}

/// A message, and how long ago it came.
#[derive(Debug)]
pub struct Reported {
    /// By the host's own clock.
    pub age: Duration,
    /// The message.
    pub text: Text,
}

impl Hub {
    /// All figures.
    pub fn figures(&self, now: Now) -> Figures {
        let tunnels = self.settings.targets.iter().zip(&self.tunnels);
        let stages =
            tunnels.map(|(target, report)| (target.name.clone(), report.stages.iter().map(|stage| (stage.name, stage.state)).collect()));
        Figures {
            uptime: now.since(self.started),
            viewers: self.viewers.len(),
            tunnels: stages.collect(),
            routers: self.routers.iter().map(|(id, router)| router.figures(now, id)).collect(),
        }
    }
}

impl Router {
    fn figures(&self, now: Now, id: &str) -> RouterFigures {
        let (link, rtt, last_message) = match &self.link {
            Link::Open(open) => (open.word(now), open.rtt, open.last_message),
            Link::Lost { last_message, .. } => (LinkWord::Lost, None, *last_message),
        };
        let reported = self.health_came.zip(self.model.health());
        RouterFigures {
            id: id.to_owned(),
            words: ["name", "hostname", "version", "boot"].map(|name| (name, word(&self.hello.lbr[name]))).to_vec(),
            link,
            rtt,
            message_age: now.since(last_message),
            ignored: self.ignored.clone(),
            health: reported.map(|(came, text)| Reported { age: now.since(came), text: text.clone() }),
            motes: if self.is_open() { self.model.mote_links() } else { BTreeMap::new() },
            events: if self.is_open() { self.model.event_sums() } else { BTreeMap::new() },
        }
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
