//! What viewers do to the hub: they come, ask and go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{json, value::RawValue};

use super::{
    Crowded, Hub, Pending, SendError, ViewerId,
    call::{Call, Recipients},
    command::UiEvent,
    element::Extent,
    model::{Snapshot, Text, to_text},
    router::Router,
    topic::Topic,
    viewer::{Dialect, ToViewer, Viewer, Words},
};
use crate::{
    clock::Now,
    web::rpc::{self, Ask, Refused, Request, RpcError},
    wslink::{self, CallError, Fault, Heard},
};

/// Most browsers at once, and most commands whose end is awaited.
const MAX_VIEWERS: usize = 32;
const MAX_PENDING: usize = 256;

/// Above so many bytes of status a snapshot leaves out the rows of tables, if its viewer can wait for them: reading them
/// all would keep a page from showing anything.
const AT_ONCE: usize = 512 << 10;

/// Which routers took a message, and why the others did not.
#[derive(Debug, Default)]
struct Sent {
    lbrs: Vec<String>,
    refused: BTreeMap<String, String>,
}

impl Hub {
    /// A viewer has shown the token.
    pub fn handle_viewer_open(&mut self, now: Now, dialect: Dialect) -> Result<ViewerId, Crowded> {
        if self.viewers.len() >= MAX_VIEWERS {
            return Err(Crowded);
        }
        let id = ViewerId(self.next_id());
        self.viewers.insert(id, Viewer::new(now, dialect));
        Ok(id)
    }

    /// A viewer has gone.
    pub fn handle_viewer_closed(&mut self, viewer: ViewerId) {
        self.viewers.remove(&viewer);
        for pending in &mut self.pending {
            pending.viewers.remove(&viewer);
        }
        self.refresh_packets();
    }

    /// A text frame of a viewer that speaks JSON-RPC.
    pub fn handle_request(&mut self, now: Now, viewer: ViewerId, text: &str) {
        let Some(asking) = self.viewers.get_mut(&viewer) else { return };
        let may_ask = asking.may_ask(now);
        let answer = match rpc::parse(text) {
            Err(error) => error.message(),
            Ok(request) if !may_ask => Refused::new(request.id, RpcError::TooMany).message(),
            Ok(Request { id, ask: Ask::Hub(call) }) => match self.handle_call(now, viewer, &call) {
                Ok(result) => rpc::result(&id, &result),
                Err(error) => Refused::new(id, error.into()).message(),
            },
            Ok(Request { id, ask: Ask::Routers }) => match self.handle_search(viewer, &id) {
                Ok(()) => return,
                Err(error) => Refused::new(id, error).message(),
            },
            Ok(Request { id, ask: Ask::History(ask) }) => match self.handle_history(now, viewer, &id, ask) {
                Ok(()) => return,
                Err(error) => Refused::new(id, error).message(),
            },
        };
        self.answer(viewer, Words::Json(answer));
    }

    /// A whole message of a viewer that speaks wslink.
    pub fn handle_wslink_message(&mut self, now: Now, viewer: ViewerId, message: &[u8]) -> Result<Heard, Fault> {
        let Some(asking) = self.viewers.get_mut(&viewer) else { return Ok(Heard::Goodbye) };
        let may_ask = asking.may_ask(now);
        let answer = match wslink::parse(message)? {
            Err(refused) => refused.encode(),
            Ok(request) if !may_ask => request.refuse(&CallError::TooMany).encode(),
            Ok(request) => match request.call().map(|call| self.handle_call(now, viewer, call)) {
                None => return Ok(Heard::Goodbye),
                Some(Ok(result)) => request.result(&result),
                Some(Err(error)) => request.refuse(&error.into()).encode(),
            },
        };
        self.answer(viewer, Words::Wslink(answer));
        Ok(Heard::Call)
    }

    /// What to send to a viewer next. Rows that it has still to be told are looked up only then, so that they are the newest,
    /// and take no room before.
    pub fn poll_viewer(&mut self, viewer: ViewerId) -> Option<ToViewer> {
        let viewer = self.viewers.get_mut(&viewer)?;
        loop {
            if let Some(next) = viewer.poll() {
                return Some(next);
            }
            let (lbr, mote) = viewer.next_due()?;
            if let Some(tables) = self.routers.get(&lbr).and_then(|router| router.model.tables(&mote)) {
                viewer.notify(Topic::MoteStatus, Some(&lbr), &tables);
            }
        }
    }

    /// Whether a viewer did not keep up.
    pub fn is_too_slow(&self, viewer: ViewerId) -> bool {
        self.viewers.get(&viewer).is_some_and(Viewer::is_too_slow)
    }

    fn answer(&mut self, viewer: ViewerId, words: Words) {
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.answer(words);
        }
    }

    fn handle_call(&mut self, now: Now, viewer: ViewerId, call: &Call) -> Result<Text, SendError> {
        match call {
            Call::Subscribe { topics, extent } => {
                if let Some(viewer) = self.viewers.get_mut(&viewer) {
                    viewer.subscribe(topics.clone());
                }
                self.refresh_packets();
                Ok(self.snapshot(now, viewer, *extent))
            }
            Call::Rows => {
                self.owe_rows(viewer);
                Ok(to_text(&json!({})))
            }
            Call::Ping => Ok(to_text(&json!({}))),
            Call::Snapshot => Ok(self.snapshot(now, viewer, Extent::Whole)),
            Call::Event { to, event } => self.handle_event(viewer, to, event),
            Call::Refresh { to } => {
                self.send_to(to, r#"{"type":"refresh"}"#)?;
                Ok(to_text(&json!({})))
            }
        }
    }

    /// Gives a command to its routers. It has the same id at each of them, and an outcome from each.
    fn handle_event(&mut self, viewer: ViewerId, to: &Recipients, event: &UiEvent) -> Result<Text, SendError> {
        let id = self.next_command_id();
        let sent = self.send_to(to, &event.message(&id))?;
        for lbr in &sent.lbrs {
            if self.pending.len() >= MAX_PENDING {
                self.pending.pop_front();
            }
            self.pending.push_back(Pending { id: id.clone(), lbr: lbr.clone(), viewers: BTreeSet::from([viewer]), event: event.clone() });
        }
        Ok(to_text(&match to {
            Recipients::One(_) => json!({ "id": id }),
            Recipients::All => json!({ "id": id, "lbrs": sent.lbrs, "refused": sent.refused }),
        }))
    }

    /// Queues a message for its recipients; it is an error when none of them takes it.
    fn send_to(&mut self, to: &Recipients, text: &str) -> Result<Sent, SendError> {
        let mut sent = Sent::default();
        let mut last = SendError::Nobody;
        for lbr in self.recipients(to) {
            match self.send(&lbr, text.to_owned()) {
                Ok(()) => sent.lbrs.push(lbr),
                Err(error) => {
                    sent.refused.insert(lbr, error.to_string());
                    last = error;
                }
            }
        }
        if sent.lbrs.is_empty() { Err(last) } else { Ok(sent) }
    }

    fn recipients(&self, to: &Recipients) -> Vec<String> {
        match to {
            Recipients::One(lbr) => vec![lbr.clone()],
            Recipients::All => self.routers.iter().filter(|(_, router)| router.is_open()).map(|(id, _)| id.clone()).collect(),
        }
    }

    /// The rows of all tables are due to a viewer, if it wants to hear of status.
    fn owe_rows(&mut self, viewer: ViewerId) {
        let Some(viewer) = self.viewers.get_mut(&viewer).filter(|viewer| viewer.wants(Topic::MoteStatus)) else { return };
        let motes = |(id, router): (&String, &Router)| {
            let id = id.clone();
            router.model.statuses().named().map(move |mote| (id.clone(), mote.to_owned())).collect::<Vec<_>>()
        };
        viewer.owe_rows(self.routers.iter().flat_map(motes));
    }

    /// Who sees in its snapshot what was asked is told what becomes of it.
    fn follow_commands(&mut self, viewer: ViewerId) {
        if self.viewers.get(&viewer).is_some_and(|viewer| viewer.wants(Topic::CommandOutcome)) {
            for pending in &mut self.pending {
                pending.viewers.insert(viewer);
            }
        }
    }

    fn snapshot(&mut self, now: Now, viewer: ViewerId, extent: Extent) -> Text {
        #[derive(serde::Serialize)]
        struct Everything<'a> {
            seq: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            rows: Option<&'static str>,
            links: Vec<&'a RawValue>,
            lbrs: BTreeMap<&'a str, Snapshot<'a>>,
        }
        self.follow_commands(viewer);
        let links = self.links(now);
        let bytes: usize = self.routers.values().map(|router| router.model.statuses().bytes()).sum();
        let extent = if bytes > AT_ONCE { extent } else { Extent::Whole };
        let lbrs = self.routers.iter().map(|(id, router)| (id.as_str(), router.model.snapshot(&router.hello.text, extent)));
        to_text(&Everything {
            seq: self.viewers.get(&viewer).map_or(0, Viewer::seq),
            rows: (extent == Extent::WithoutRows).then_some("later"),
            links: links.iter().map(|text| &**text).collect(),
            lbrs: lbrs.collect(),
        })
    }
}
