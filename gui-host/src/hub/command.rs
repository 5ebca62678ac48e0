//! A command that a person gives, checked before it goes to a router.
//!
//! Only the four known events and their known arguments pass; the router checks ranges and whether
//! the mote is there.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::model::{Text, to_text};
use crate::link::message::{is_eui64, is_port};

/// Longest id that a script may give, bytes.
const MAX_ID: usize = 64;

/// A checked command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiEvent {
    event: Event,
    target: Target,
    timeout_ms: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    ToggleDagroot,
    SetDagroot { on: bool },
    ResetMote,
    EchoMote { count: Option<u16>, size: Option<u16> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Mote(String),
    Port(String),
}

/// The fields of a command as they come from the page or a script.
#[derive(Debug, Deserialize)]
pub struct RawEvent {
    /// The router; a script may leave it out.
    pub lbr: Option<String>,
    /// The command's id; only a script gives one.
    pub id: Option<String>,
    event: String,
    mote: Option<String>,
    port: Option<String>,
    on: Option<bool>,
    count: Option<u16>,
    size: Option<u16>,
    timeout_ms: Option<u32>,
}

impl RawEvent {
    /// Checks the command; the error is for a person.
    pub fn check(&self) -> Result<UiEvent, String> {
        let event = match &*self.event {
            "toggle-dagroot" => Event::ToggleDagroot,
            "set-dagroot" => match self.on {
                Some(on) => Event::SetDagroot { on },
                None => return Err("set-dagroot needs \"on\": true or false".to_owned()),
            },
            "reset-mote" => Event::ResetMote,
            "echo-mote" => Event::EchoMote { count: self.count, size: self.size },
            _ => {
                return Err("event: must be toggle-dagroot, set-dagroot, reset-mote or echo-mote".to_owned());
            }
        };
        if self.id.as_ref().is_some_and(|id| !is_id(id)) {
            return Err(format!("id: must be 1 to {MAX_ID} characters of A-Z a-z 0-9 - _ ."));
        }
        let target = match (&self.mote, &self.port) {
            (Some(mote), None) if is_eui64(mote) => Target::Mote(mote.clone()),
            (None, Some(port)) if is_port(port) => Target::Port(port.clone()),
            (Some(_), None) => return Err("mote: must be 16 lower-case hex digits".to_owned()),
            (None, Some(_)) => return Err("port: must be the name of a serial port".to_owned()),
            (Some(_), Some(_)) | (None, None) => {
                return Err("name either mote or port".to_owned());
            }
        };
        Ok(UiEvent { event, target, timeout_ms: self.timeout_ms })
    }
}

fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain)
}

impl UiEvent {
    /// The `ui-event` for the router.
    pub fn message(&self, id: &str) -> String {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("type", "ui-event".into());
        put("id", id.into());
        put("event", self.event.name().into());
        match &self.target {
            Target::Mote(mote) => put("mote", mote.as_str().into()),
            Target::Port(port) => put("port", port.as_str().into()),
        };
        match self.event {
            Event::ToggleDagroot | Event::ResetMote => {}
            Event::SetDagroot { on } => {
                put("on", on.into());
            }
            Event::EchoMote { count, size } => {
                count.map(|count| put("count", count.into()));
                size.map(|size| put("size", size.into()));
            }
        }
        self.timeout_ms.map(|timeout| put("timeout_ms", timeout.into()));
        Value::Object(fields).to_string()
    }

    /// An outcome of it with what it was, for viewers that did not see it asked.
    pub fn told_with(&self, outcome: &RawValue) -> Option<Text> {
        let mut fields: BTreeMap<Cow<'_, str>, Cow<'_, RawValue>> =
            serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(outcome.get())
                .ok()?
                .into_iter()
                .map(|(name, value)| (name, Cow::Borrowed(value)))
                .collect();
        let mut put = |name: &'static str, value: Value| {
            let text = to_raw_value(&value).expect("a value of ours is JSON");
            fields.entry(name.into()).or_insert(Cow::Owned(text));
        };
        put("event", self.event.name().into());
        match &self.target {
            Target::Mote(mote) => put("mote", mote.as_str().into()),
            Target::Port(port) => put("port", port.as_str().into()),
        }
        match self.event {
            Event::SetDagroot { on } => put("on", on.into()),
            Event::ToggleDagroot | Event::ResetMote | Event::EchoMote { .. } => {}
        }
        Some(to_text(&fields))
    }
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::ToggleDagroot => "toggle-dagroot",
            Self::SetDagroot { .. } => "set-dagroot",
            Self::ResetMote => "reset-mote",
            Self::EchoMote { .. } => "echo-mote",
        }
    }
}

/// The outcome that the host itself gives when the router cannot.
pub fn failed(id: &str, now_ms: u64, detail: &str) -> Value {
    json!({"type": "command-outcome", "t": now_ms, "id": id, "state": "failed", "detail": detail})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String, String> {
        let raw: RawEvent = serde_json::from_str(text).map_err(|error| error.to_string())?;
        raw.check().map(|event| event.message("id-1"))
    }

    #[test]
    fn known_events_pass_with_their_arguments_only() {
        for (text, expect) in [
            (
                r#"{"event":"set-dagroot","mote":"141592cc00000001","on":true,"count":3,"x":1}"#,
                r#"{"event":"set-dagroot","id":"id-1","mote":"141592cc00000001","on":true,"type":"ui-event"}"#,
            ),
            (
                r#"{"event":"toggle-dagroot","port":"/dev/ttyUSB0","on":true}"#,
                r#"{"event":"toggle-dagroot","id":"id-1","port":"/dev/ttyUSB0","type":"ui-event"}"#,
            ),
            (
                r#"{"event":"echo-mote","port":"p","count":3,"size":20,"timeout_ms":5000}"#,
                r#"{"count":3,"event":"echo-mote","id":"id-1","port":"p","size":20,"timeout_ms":5000,"type":"ui-event"}"#,
            ),
        ] {
            assert_eq!(check(text).unwrap(), expect);
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        for (text, expect) in [
            (r#"{"event":"rm","mote":"141592cc00000001"}"#, "event"),
            (r#"{"event":"set-dagroot","mote":"141592cc00000001"}"#, "on"),
            (r#"{"event":"reset-mote"}"#, "mote or port"),
            (r#"{"event":"reset-mote","mote":"141592cc00000001","port":"p"}"#, "mote or port"),
            (r#"{"event":"reset-mote","mote":"141592CC00000001"}"#, "lower-case"),
            (r#"{"event":"reset-mote","port":""}"#, "port"),
            (r#"{"event":"reset-mote","port":"p","id":"a b"}"#, "id"),
            (r#"{"event":"echo-mote","port":"p","count":70000}"#, "70000"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(expect), "{text}: {error}");
        }
    }
}
