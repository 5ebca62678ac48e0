//! What a script says on standard input, as lines of JSON: commands, and what routers are to push.
//!
//! What comes of it is among the messages of the link, which the script sees anyway.

use serde::{Deserialize, Serialize};

use super::{
    Hub,
    command::{RawEvent, UiEvent},
    model::to_text,
};

/// What a line is meant as; a command need not say so.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// What a router is to push, and how often. The router checks it, and forgets it with the connection.
#[derive(Deserialize, Serialize)]
struct Subscribe {
    #[serde(skip_serializing)]
    lbr: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    topics: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_ms: Option<u64>,
}

impl Hub {
    /// A line of JSON from a script: a command, or a `subscribe`. The error is for a person.
    pub fn handle_script_line(&mut self, line: &str) -> Result<(), String> {
        let head: Head = serde_json::from_str(line).map_err(|error| error.to_string())?;
        match head.kind.as_deref() {
            Some("subscribe") => self.handle_script_subscribe(line),
            Some(_) | None => self.handle_script_command(line),
        }
    }

    fn handle_script_subscribe(&mut self, line: &str) -> Result<(), String> {
        let mut wish: Subscribe = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let lbr = wish.lbr.take().map_or_else(|| self.only_router(), Ok)?;
        self.send(&lbr, to_text(&wish).get().to_owned()).map_err(|error| format!("lbr {lbr}: {error}"))
    }

    fn handle_script_command(&mut self, line: &str) -> Result<(), String> {
        let raw: RawEvent = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let event: UiEvent = raw.check()?;
        let lbr = raw.lbr.map_or_else(|| self.only_router(), Ok)?;
        let id = raw.id.unwrap_or_else(|| self.next_command_id());
        self.send(&lbr, event.message(&id)).map_err(|error| format!("lbr {lbr}: {error}"))
    }

    fn only_router(&self) -> Result<String, String> {
        let mut open = self.routers.iter().filter(|(_, router)| router.is_open());
        match (open.next(), open.next()) {
            (Some((id, _)), None) => Ok(id.clone()),
            (None, _) => Err("no border router is connected".to_owned()),
            (Some(_), Some(_)) => Err("several border routers are connected; name one with \"lbr\"".to_owned()),
        }
    }
}
