//! A `mote-data` of a router as a packet for a capture.

use std::borrow::Cow;

use data_encoding::HEXLOWER_PERMISSIVE;
use lowpan::{
    Link,
    capture::{Capture, Handed, Record},
};
use mqtypes::ids::{Asn, Eui64};
use serde::Deserialize;

/// The name of a packet's interface, when it came in by no port.
const NO_PORT: &str = "mesh";

/// What a viewer is told, as far as it is a packet.
#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    lbr: Cow<'a, str>,
    #[serde(borrow)]
    message: Packet<'a>,
}

#[derive(Deserialize)]
struct Packet<'a> {
    t: u64,
    #[serde(borrow)]
    port: Option<Cow<'a, str>>,
    asn: u64,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    destination: Cow<'a, str>,
    #[serde(borrow)]
    lowpan: Cow<'a, str>,
}

/// The records of a notification of `web::rpc`: none when it is no packet, or one of another router than `only`.
pub fn records(capture: &mut Capture, only: Option<&str>, text: &str) -> Vec<Record> {
    let Ok(Notification { method, params: Params { lbr, message } }) = serde_json::from_str(text) else { return vec![] };
    if method != "mote-data" || only.is_some_and(|only| only != lbr) {
        return vec![];
    }
    let port = message.port.as_deref().unwrap_or(NO_PORT);
    // Ports of several routers may have the same name.
    let port = if only.is_some() { port.to_owned() } else { format!("{lbr} {port}") };
    let link = message.source.parse().and_then(|source: Eui64| Ok(Link { source, destination: message.destination.parse()? }));
    let (Ok(link), Ok(lowpan)) = (link, HEXLOWER_PERMISSIVE.decode(message.lowpan.as_bytes())) else { return vec![] };
    let (at_us, asn) = (message.t.saturating_mul(1000), Asn(message.asn));
    capture.handle_packet(&Handed { port: &port, at_us, asn, link, pan: None, lowpan: &lowpan })
}

#[cfg(test)]
mod tests {
    use lowpan::capture::{Form, Section};

    use super::*;

    fn told(method: &str, message: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"seq":3,"lbr":"roof","message":{message}}}}}"#)
    }

    const PACKET: &str = r#"{"type":"mote-data","seq":9,"t":1700000009000,"mote":"141592cc00000001","port":"/dev/ttyUSB0","asn":4660,"source":"141592cc00000002","destination":"141592cc00000001","lowpan":"f18305"}"#;

    fn captured(only: Option<&str>, text: &str) -> Option<Vec<u8>> {
        let mut capture = Capture::new("test", Form::Sent, [0; 8], None);
        let records = records(&mut capture, only, text);
        let mut bytes = Vec::new();
        let mut section = Section::begin(&capture, &mut bytes);
        bytes.clear();
        for record in &records {
            section.write(&capture, record, &mut bytes);
        }
        (!records.is_empty()).then_some(bytes)
    }

    fn has(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn a_packet_is_dated_and_named_by_its_router_and_port() {
        let bytes = captured(None, &told("mote-data", PACKET)).expect("a packet");
        assert!(has(&bytes, b"roof /dev/ttyUSB0") && has(&bytes, &[0xf1, 0x83, 0x05]) && has(&bytes, b"ASN 4660;"));
        let at_us = 1_700_000_009_000_000_u64;
        let halves = [(at_us >> 32) as u32, at_us as u32].map(u32::to_le_bytes).concat();
        assert!(has(&bytes, &halves));
        let bytes = captured(Some("roof"), &told("mote-data", PACKET)).expect("a packet");
        assert!(!has(&bytes, b"roof"));
    }

    #[test]
    fn what_is_no_packet_or_of_another_router_is_passed_over() {
        assert_eq!(captured(Some("cellar"), &told("mote-data", PACKET)), None);
        assert_eq!(captured(None, &told("mote-log", PACKET)), None);
        assert_eq!(captured(None, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), None);
        for (from, to) in [("f18305", "f1830"), ("141592cc00000002", "xx"), ("4660", "-1"), ("1700000009000", "null")] {
            assert_eq!(captured(None, &told("mote-data", &PACKET.replace(from, to))), None, "{to}");
        }
    }
}
