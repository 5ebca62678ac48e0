//! The only translator between the bus's types and the link's JSON: one file a domain.
//!
//! Field names and shapes are a contract with every GUI host there is: fields may be added, never renamed. Types of the bus
//! are never serialised as they are, so that they may change without changing the link.

use std::io::{self, Write};

use bus::moment::Moment;
use serde::Serialize;

use crate::message::{Message, Part};

pub mod command;
pub mod count;
pub mod dag;
pub mod data;
pub mod handshake;
pub mod health;
pub mod inventory;
pub mod log;
pub mod port;
pub mod request;
pub mod status;
pub mod uinject;

/// What every message of the router begins with.
#[derive(Serialize)]
struct Framed<'a, B> {
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
    t: u64,
    #[serde(flatten)]
    body: &'a B,
}

/// `part`.
#[derive(Serialize)]
struct PartJson {
    n: usize,
    of: usize,
    snapshot: u64,
}

impl From<Part> for PartJson {
    fn from(Part { n, of, snapshot }: Part) -> Self {
        Self { n, of, snapshot }
    }
}

/// A number of the firmware and its name.
#[derive(Serialize)]
struct CodedJson<'a> {
    code: u8,
    name: &'a str,
}

impl CodedJson<'static> {
    /// `unknown` when the tables have no name.
    fn new(code: u8, name: Option<&'static str>) -> Self {
        Self { code, name: name.unwrap_or("unknown") }
    }
}

/// One message as text.
pub fn encode(message: &Message, seq: u64, now: Moment) -> String {
    let t = now.unix_ms;
    match message {
        Message::Inventory { part, motes } => framed("mote-inventory", seq, t, &inventory::body(*part, motes, now)),
        Message::Dag { part, motes } => framed("dag", seq, t, &dag::body(*part, motes, now)),
        Message::Status { who, part, readings } => framed("mote-status", seq, t, &status::body(who, *part, readings, now)),
        Message::Uinject { boot, part, sources } => framed("uinject", seq, t, &uinject::body(*boot, *part, sources, now)),
        Message::Counts { boot, part, counts } => framed("event-count", seq, t, &count::body(*boot, *part, counts)),
        // Events are dated when they were heard: that is the time people look for.
        Message::Log(line) => framed("mote-log", seq, now.unix_ms_of(line.heard), &log::body(line)),
        Message::Data(packet) => framed("mote-data", seq, now.unix_ms_of(packet.heard), &data::body(packet)),
        Message::Gap(dropped) => framed("gap", seq, t, &log::gap(dropped)),
        Message::Outcome(outcome) => framed("command-outcome", seq, t, &command::outcome(outcome)),
        Message::Health { part, processes, ports } => framed("lbr-health", seq, t, &health::body(*part, processes, ports, now)),
        Message::Error(fault) => framed("error", seq, t, &command::error(fault)),
    }
}

fn framed<B: Serialize>(kind: &'static str, seq: u64, t: u64, body: &B) -> String {
    let text = text_of(&Framed { kind, seq, t, body });
    #[cfg(test)]
    crate::schema::check_router(&serde_json::from_str(&text).expect("JSON"));
    text
}

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("these types have text keys and no fallible serializers")
}

/// How long a value is as JSON, without building it.
pub fn length(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).expect("these types have text keys and no fallible serializers");
    counter.0
}

/// At most `most` bytes of a text that somebody else made, cut between characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mqtypes::mono::Mono;

    pub(crate) const NOW: Moment = Moment { mono: Mono(10_000_000), unix_ms: 1_700_000_010_000 };

    #[test]
    fn every_message_has_a_type_a_number_and_a_time() {
        let text = encode(&Message::Gap([("mote-log".to_owned(), 3)].into()), 7, NOW);
        assert_eq!(text, r#"{"type":"gap","seq":7,"t":1700000010000,"dropped":{"mote-log":3}}"#);
    }

    #[test]
    fn a_length_is_that_of_the_text() {
        let value = serde_json::json!({"a": ["\u{7}", 1.5, null], "ä": "ö"});
        assert_eq!(length(&value), value.to_string().len());
    }

    #[test]
    fn a_cut_text_stays_text() {
        assert_eq!(cut("aöb", 2), "a");
        assert_eq!(cut("aöb", 9), "aöb");
    }
}
