//! Links as people see them: who is told when one changes, and what.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    Hub,
    link_state::{Awaited, LinkState, LinkWord, own_stages},
    model::{Text, to_text},
    router::{Link, PingState, Router},
    topic::Topic,
};
use crate::{
    clock::Now,
    terminal,
    tunnel::{LinkThrough, Stage, StageState, TunnelReport},
};

/// Characters of a refusal that are shown.
const MAX_REFUSAL: usize = 300;

impl Hub {
    /// A tunnel has something to tell.
    pub fn handle_tunnel(&mut self, now: Now, target: usize, report: TunnelReport) {
        let Some(tunnel) = self.tunnels.get_mut(target).filter(|known| **known != report) else {
            return;
        };
        *tunnel = report;
        if let Some(id) = self.router_of(target).cloned() {
            self.announce_link(now, &id);
        } else {
            let text = to_text(&self.target_state(target));
            self.broadcast(Topic::Link, None, &text);
        }
    }

    /// A connection was refused in its handshake; whoever waits for a router should see why.
    pub fn handle_refused(&mut self, now: Now, why: &str) {
        let why = terminal::clean(why, MAX_REFUSAL);
        if self.refusal.as_ref() == Some(&why) {
            return;
        }
        self.refusal = Some(why);
        let ids: Vec<String> = self.routers.keys().cloned().collect();
        for id in &ids {
            self.announce_link(now, id);
        }
        for state in self.states_without_router() {
            self.broadcast(Topic::Link, None, &state);
        }
    }

    fn with_refusal<'a>(&self, detail: &'a str) -> Cow<'a, str> {
        match &self.refusal {
            None => detail.into(),
            Some(why) => format!("{detail}; a connection was refused: {why}").into(),
        }
    }

    /// How the link through the tunnel of that target is.
    pub fn link_through(&self, target: usize) -> LinkThrough {
        let open = |router: &Router| router.target == Some(target) && router.is_open();
        if self.routers.values().any(open) { LinkThrough::Open } else { LinkThrough::Absent }
    }

    /// Tells viewers what only time has changed.
    pub fn handle_timeout(&mut self, now: Now) {
        let ids: Vec<String> = self.routers.keys().cloned().collect();
        for id in ids {
            self.refresh_shown(now, &id);
        }
        self.refresh_packets();
        self.chronicle.handle_timeout(now);
    }

    /// Announces a link whose state is no longer the one that viewers know.
    pub(super) fn refresh_shown(&mut self, now: Now, id: &str) {
        let Some(open) = self.routers.get_mut(id).and_then(Router::open) else { return };
        let word = open.word(now);
        if word != open.shown.0 {
            open.shown = (word, now);
            self.announce_link(now, id);
        }
    }

    pub(super) fn announce_link(&mut self, now: Now, id: &str) {
        let Some(router) = self.routers.get(id) else { return };
        let state = self.router_state(now, router);
        let (text, word, detail) = (to_text(&state), state.state, state.detail.into_owned());
        self.chronicle.handle_link(now, id, word, &detail);
        self.broadcast(Topic::Link, Some(id), &text);
    }

    fn router_of(&self, target: usize) -> Option<&String> {
        self.routers.iter().find(|(_, router)| router.target == Some(target)).map(|(id, _)| id)
    }

    pub(super) fn links(&self, now: Now) -> Vec<Text> {
        let mut links = self.states_without_router();
        let routers = self.routers.values();
        links.extend(routers.map(|router| to_text(&self.router_state(now, router))));
        links
    }

    /// The targets whose router has not come; with no router at all and no target the one entry
    /// that says so.
    fn states_without_router(&self) -> Vec<Text> {
        let targets = 0..self.tunnels.len();
        let waiting = targets.filter(|&target| self.router_of(target).is_none());
        let mut states: Vec<_> = waiting.map(|target| to_text(&self.target_state(target))).collect();
        if states.is_empty() && self.routers.is_empty() {
            states.push(to_text(&self.none_state()));
        }
        states
    }

    fn none_state(&self) -> LinkState<'_> {
        LinkState {
            lbr: None,
            target: None,
            state: LinkWord::None,
            since: self.started.unix_ms,
            last_message: None,
            rtt_ms: None,
            detail: self.with_refusal("no border router is connected; run the commands, or start gui-host with --lbr USER@HOST"),
            stages: Vec::new(),
            stderr: &[],
            commands: &self.settings.commands,
            ignored: Value::Object(serde_json::Map::new()),
        }
    }

    fn target_state(&self, target: usize) -> LinkState<'_> {
        let settings = &self.settings.targets[target];
        let report = &self.tunnels[target];
        LinkState {
            target: Some(&settings.name),
            state: LinkWord::Connecting,
            detail: self.with_refusal(&report.detail),
            stages: stages(Some(report), None, None),
            stderr: &report.stderr,
            commands: &settings.commands,
            ..self.none_state()
        }
    }

    fn router_state<'a>(&'a self, now: Now, router: &'a Router) -> LinkState<'a> {
        let target = router.target.map(|target| &self.settings.targets[target]);
        let report = router.target.map(|target| &self.tunnels[target]);
        let mut state = LinkState {
            lbr: Some(&router.hello.lbr),
            target: target.map(|target| &*target.name),
            stderr: report.map_or(&[], |report| &report.stderr),
            commands: target.map_or(&self.settings.commands, |target| &target.commands),
            ignored: json!(router.ignored),
            ..self.none_state()
        };
        match &router.link {
            Link::Open(open) => {
                state.state = open.word(now);
                state.since = open.shown.1.unix_ms;
                state.last_message = Some(open.last_message.unix_ms);
                state.rtt_ms = open.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0);
                state.detail = match (state.state, open.ping) {
                    (LinkWord::Live, _) => "the link is live",
                    (_, PingState::Unanswered) => "a ping was not answered",
                    (_, PingState::Fine) => "no message for 20 s",
                }
                .into();
                let inventory = open.inventory.map(|now| now.unix_ms);
                state.stages = stages(report, Some(open.opened.unix_ms), inventory);
            }
            Link::Lost { since, last_message, reason } => {
                state.state = LinkWord::Lost;
                state.since = since.unix_ms;
                state.last_message = Some(last_message.unix_ms);
                state.detail = self.with_refusal(reason);
                state.stages = stages(report, None, None);
            }
        }
        state
    }
}

fn stages(report: Option<&TunnelReport>, opened: Option<u64>, first: Option<u64>) -> Vec<Stage> {
    let awaited = match report.and_then(|report| report.stages.last()) {
        Some(wake_up) if wake_up.state == StageState::Done => Awaited::Link,
        Some(_) | None => Awaited::Nothing,
    };
    let tunnel = report.into_iter().flat_map(|report| report.stages.iter().cloned());
    tunnel.chain(own_stages(opened, first, awaited)).collect()
}
