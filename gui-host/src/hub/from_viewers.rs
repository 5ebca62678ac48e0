//! What browsers do to the hub: they come, ask and go.

use std::collections::BTreeMap;

use serde_json::{json, value::RawValue};

use super::{
    Crowded, Hub, Pending, ViewerId,
    model::{Snapshot, Text, to_text},
    viewer::{ToViewer, Viewer},
};
use crate::{
    clock::Now,
    web::rpc::{self, Call, RpcError},
};

/// Most browsers at once, and most commands whose end is awaited.
const MAX_VIEWERS: usize = 32;
const MAX_PENDING: usize = 256;

impl Hub {
    /// A browser has shown the token.
    pub fn handle_viewer_open(&mut self, now: Now) -> Result<ViewerId, Crowded> {
        if self.viewers.len() >= MAX_VIEWERS {
            return Err(Crowded);
        }
        let id = ViewerId(self.next_id());
        self.viewers.insert(id, Viewer::new(now));
        Ok(id)
    }

    /// A browser has gone.
    pub fn handle_viewer_closed(&mut self, viewer: ViewerId) {
        self.viewers.remove(&viewer);
    }

    /// A text frame of a browser.
    pub fn handle_request(&mut self, now: Now, viewer: ViewerId, text: &str) {
        let Some(asking) = self.viewers.get_mut(&viewer) else { return };
        let may_ask = asking.may_ask(now);
        let answer = match rpc::parse(text) {
            Err(error) => error.message(),
            Ok(request) if !may_ask => request.refuse(RpcError::TooMany).message(),
            Ok(request) => match self.handle_call(now, viewer, &request.call) {
                Ok(result) => rpc::result(&request.id, &result),
                Err(error) => request.refuse(error).message(),
            },
        };
        if let Some(asking) = self.viewers.get_mut(&viewer) {
            asking.answer(answer);
        }
    }

    /// What to send to a browser next.
    pub fn poll_viewer(&mut self, viewer: ViewerId) -> Option<ToViewer> {
        self.viewers.get_mut(&viewer)?.poll()
    }

    /// Whether a browser did not keep up.
    pub fn is_too_slow(&self, viewer: ViewerId) -> bool {
        self.viewers.get(&viewer).is_some_and(Viewer::is_too_slow)
    }

    fn handle_call(&mut self, now: Now, viewer: ViewerId, call: &Call) -> Result<Text, RpcError> {
        match call {
            Call::Subscribe(topics) => {
                if let Some(viewer) = self.viewers.get_mut(&viewer) {
                    viewer.subscribe(topics.clone());
                }
                Ok(self.snapshot(now, viewer))
            }
            Call::Event { lbr, event } => {
                let id = self.next_command_id();
                self.send(lbr, event.message(&id)).map_err(RpcError::from)?;
                if self.pending.len() >= MAX_PENDING {
                    self.pending.pop_front();
                }
                self.pending.push_back(Pending { id: id.clone(), lbr: lbr.clone(), viewer });
                Ok(to_text(&json!({ "id": id })))
            }
            Call::Refresh { lbr } => {
                let refresh = r#"{"type":"refresh"}"#.to_owned();
                self.send(lbr, refresh).map_err(RpcError::from)?;
                Ok(to_text(&json!({})))
            }
        }
    }

    fn snapshot(&self, now: Now, viewer: ViewerId) -> Text {
        #[derive(serde::Serialize)]
        struct Everything<'a> {
            seq: u64,
            links: Vec<&'a RawValue>,
            lbrs: BTreeMap<&'a str, Snapshot<'a>>,
        }
        let links = self.links(now);
        to_text(&Everything {
            seq: self.viewers.get(&viewer).map_or(0, Viewer::seq),
            links: links.iter().map(|text| &**text).collect(),
            lbrs: self.routers.iter().map(|(id, router)| (id.as_str(), router.model.snapshot(&router.hello.text))).collect(),
        })
    }
}
