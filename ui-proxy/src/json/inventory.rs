//! `mote-inventory`.

use bus::moment::Moment;
use mqtypes::mote::{Link, MoteEntry, Source};
use serde::Serialize;

use super::{PartJson, cut};
use crate::message::Part;

/// Longest cause that is passed on, bytes.
const LONGEST_CAUSE: usize = 200;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    part: PartJson,
    motes: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    source: &'static str,
    port: Option<&'a str>,
    link: &'static str,
    since: u64,
    /// Null when not known yet, or when there is no port.
    baud: Option<u32>,
    mote: Option<String>,
    id16: Option<String>,
    dagroot: Option<bool>,
    last_heard: Option<u64>,
    first_heard: Option<u64>,
    boots: u32,
    booted: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    cause: &'a str,
}

impl<'a> Entry<'a> {
    fn new(entry: &'a MoteEntry, now: Moment) -> Self {
        Self {
            source: match entry.source {
                Source::Serial => "serial",
                Source::Dao => "dao",
            },
            port: entry.port.as_ref().map(|port| port.0.as_str()),
            link: match entry.link {
                Link::Probing => "probing",
                Link::Up => "up",
                Link::Silent => "silent",
                Link::Down => "down",
                Link::Fault => "fault",
            },
            since: now.unix_ms_of(entry.since),
            baud: Some(entry.baud).filter(|baud| *baud != 0),
            mote: entry.mote.map(|mote| mote.to_string()),
            id16: entry.id16.map(|id16| format!("{id16:04x}")),
            dagroot: entry.dagroot,
            last_heard: entry.last_heard.map(|heard| now.unix_ms_of(heard)),
            first_heard: entry.first_heard.map(|heard| now.unix_ms_of(heard)),
            boots: entry.boots,
            booted: entry.booted.map(|booted| now.unix_ms_of(booted)),
            cause: cut(&entry.cause, LONGEST_CAUSE),
        }
    }
}

pub(super) fn body(part: Part, motes: &[MoteEntry], now: Moment) -> Body<'_> {
    Body { part: part.into(), motes: motes.iter().map(|entry| Entry::new(entry, now)).collect() }
}

/// How long one mote of the inventory is.
pub fn length(entry: &MoteEntry, now: Moment) -> usize {
    super::length(&Entry::new(entry, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use mqtypes::ids::{Eui64, PortName};
    use mqtypes::mono::Mono;

    const PART: Part = Part { n: 1, of: 1, snapshot: 4 };

    #[test]
    fn a_mote_that_has_told_its_name_and_a_port_that_is_down() {
        let known = MoteEntry {
            source: Source::Serial,
            port: Some(PortName("/dev/ttyUSB0".to_owned())),
            link: Link::Up,
            cause: String::new(),
            since: Mono(4_000_000),
            baud: 115_200,
            mote: Some(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1])),
            id16: Some(1),
            dagroot: Some(true),
            last_heard: Some(Mono(9_900_000)),
            first_heard: Some(Mono(4_900_000)),
            boots: 2,
            booted: Some(Mono(5_000_000)),
        };
        let nameless = MoteEntry {
            link: Link::Down,
            cause: "unplugged".to_owned(),
            baud: 0,
            mote: None,
            id16: None,
            dagroot: None,
            last_heard: None,
            first_heard: None,
            boots: 0,
            booted: None,
            ..known.clone()
        };
        assert_eq!(
            encode(&Message::Inventory { part: PART, motes: vec![known, nameless] }, 2, NOW),
            concat!(
                r#"{"type":"mote-inventory","seq":2,"t":1700000010000,"part":{"n":1,"of":1,"snapshot":4},"motes":["#,
                r#"{"source":"serial","port":"/dev/ttyUSB0","link":"up","since":1700000004000,"baud":115200,"#,
                r#""mote":"141592cc00000001","id16":"0001","dagroot":true,"last_heard":1700000009900,"first_heard":1700000004900,"boots":2,"booted":1700000005000},"#,
                r#"{"source":"serial","port":"/dev/ttyUSB0","link":"down","since":1700000004000,"baud":null,"#,
                r#""mote":null,"id16":null,"dagroot":null,"last_heard":null,"first_heard":null,"boots":0,"booted":null,"cause":"unplugged"}]}"#
            )
        );
    }
}
