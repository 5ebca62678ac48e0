//! What the host says after the handshake: read, and checked for shape, size, range and target, before anything comes of it.
//!
//! Nothing that arrives may panic or grow the process; text of the peer that is shown to a person is cut. Unknown fields are
//! passed over: a newer host may send them.

use std::collections::BTreeSet;
use std::time::Duration;

use mqtypes::command::{Action, Target};
use mqtypes::ids::{Eui64, PortName};
use mqtypes::serial::MAX_PAYLOAD_TO_MOTE;
use serde_json::{Map, Value};

use super::cut;
use crate::request::{Complaint, Event, Fault, HostId, Rejection, Request, Topic};
use crate::session::bounds::{LONGEST_PORT, is_port_name};

type Object = Map<String, Value>;

/// Longest id of a command, characters.
const LONGEST_ID: usize = 64;

/// Most of the peer's own text that is repeated to a person, bytes.
const LONGEST_QUOTE: usize = 40;

/// Longest words of a complaint that are kept, bytes.
const LONGEST_COMPLAINT: usize = 300;

/// Range and default of a command's deadline, milliseconds.
const TIMEOUT_MS: (u64, u64) = (1_000, 120_000);
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Echoes in one test.
const ECHO_COUNT: (u64, u64) = (1, 1_000);

/// Bytes in an echo: the longest payload that a mote takes, less its type byte.
const ECHO_SIZE: (u64, u64) = (0, MAX_PAYLOAD_TO_MOTE as u64 - 1);

/// Range of the interval, milliseconds.
const INTERVAL_MS: (u64, u64) = (100, 3_600_000);

/// Reads one text frame.
pub fn parse(text: &str) -> Result<Request, Rejection> {
    let (kind, object) = parse_object(text).map_err(Rejection::Fault)?;
    // Whoever gave an id to something that was not understood learns which it was.
    let fault = |fault: Fault| Rejection::Fault(Fault { id: parse_id(&object).ok(), ..fault });
    match kind.as_str() {
        "ui-event" => parse_event(&object).map(Request::Event),
        "subscribe" => parse_subscribe(&object).map_err(fault),
        "refresh" => parse_refresh(&object).map_err(fault),
        "error" => Ok(Request::Complaint(parse_complaint(&object))),
        other => Err(fault(Fault::new("unknown-type", format!("`{}` is no type of this link's version", quote(other))))),
    }
}

/// A JSON object and its type.
pub(super) fn parse_object(text: &str) -> Result<(String, Object), Fault> {
    let value = serde_json::from_str(text).map_err(|error| Fault::new("invalid-json", format!("invalid JSON: {error}")))?;
    let Value::Object(mut object) = value else { return Err(Fault::new("no-type", "a JSON object is expected")) };
    match object.remove("type") {
        Some(Value::String(kind)) => Ok((kind, object)),
        _missing_or_other => Err(Fault::new("no-type", "a JSON object with a text `type` is expected")),
    }
}

fn quote(text: &str) -> String {
    cut(text, LONGEST_QUOTE).escape_debug().to_string()
}

/// A field that is null counts as absent.
fn field<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn whole(value: &Value, (least, most): (u64, u64)) -> Option<u64> {
    value.as_u64().filter(|number| (least..=most).contains(number))
}

fn parse_event(object: &Object) -> Result<Event, Rejection> {
    let id = parse_id(object).map_err(Rejection::Fault)?;
    parse_known_event(object, id.clone()).map_err(|detail| Rejection::Refused { id, detail })
}

fn parse_id(object: &Object) -> Result<HostId, Fault> {
    match object.get("id") {
        Some(Value::String(id)) if !id.is_empty() && id.chars().count() <= LONGEST_ID => Ok(HostId::Text(id.clone())),
        Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Ok(HostId::Number(id.clone())),
        _missing_or_other => Err(Fault::new("bad-id", format!("`id` must be a text of 1 to {LONGEST_ID} characters, or a whole number"))),
    }
}

fn parse_known_event(object: &Object, id: HostId) -> Result<Event, String> {
    let Some(Value::String(event)) = object.get("event") else { return Err("unknown-event: `event` must be a text".to_owned()) };
    let action = match event.as_str() {
        "toggle-dagroot" => Action::ToggleDagroot,
        "set-dagroot" => Action::SetDagroot { on: parse_on(object)? },
        "reset-mote" => Action::Reset,
        "echo-mote" => {
            let (count, size) = (parse_number(object, "count", ECHO_COUNT)?, parse_number(object, "size", ECHO_SIZE)?);
            Action::Echo { count: count as u16, size: size as u8 }
        }
        other => return Err(format!("unknown-event: `{}` is none of toggle-dagroot, set-dagroot, reset-mote, echo-mote", quote(other))),
    };
    Ok(Event { id, target: parse_target(object)?, action, timeout: parse_timeout(object)? })
}

fn parse_on(object: &Object) -> Result<bool, String> {
    field(object, "on").and_then(Value::as_bool).ok_or_else(|| "bad-argument: `on` must be true or false".to_owned())
}

fn parse_number(object: &Object, name: &str, range: (u64, u64)) -> Result<u64, String> {
    let number = field(object, name).and_then(|value| whole(value, range));
    number.ok_or_else(|| format!("bad-argument: `{name}` must be a whole number from {} to {}", range.0, range.1))
}

fn parse_timeout(object: &Object) -> Result<Duration, String> {
    if field(object, "timeout_ms").is_none() {
        return Ok(USUAL_TIMEOUT);
    }
    parse_number(object, "timeout_ms", TIMEOUT_MS).map(Duration::from_millis)
}

fn parse_target(object: &Object) -> Result<Target, String> {
    match (field(object, "mote"), field(object, "port")) {
        (Some(mote), None) => parse_mote(mote).map(Target::Mote).map_err(|text| format!("bad-target: {text}")),
        (None, Some(port)) => parse_port(port).map(Target::Port),
        (None, None) => Err("bad-target: neither `mote` nor `port` says which mote".to_owned()),
        (Some(_), Some(_)) => Err("bad-target: `mote` and `port` are both there; one must say which mote".to_owned()),
    }
}

fn parse_mote(value: &Value) -> Result<Eui64, String> {
    let text = value.as_str().ok_or("`mote` must be an EUI-64 as a text of 16 hex digits")?;
    text.parse().map_err(|_| format!("`{}` is not an EUI-64: 16 hex digits are expected, as in 141592cc00000001", quote(text)))
}

fn parse_port(value: &Value) -> Result<PortName, String> {
    let text = value.as_str().filter(|text| is_port_name(text));
    text.map(|text| PortName(text.to_owned())).ok_or_else(|| format!("bad-target: `port` must be a text of 1 to {LONGEST_PORT} bytes"))
}

fn parse_subscribe(object: &Object) -> Result<Request, Fault> {
    let topics = field(object, "topics").map(parse_topics).transpose()?;
    let interval = match field(object, "interval_ms") {
        None => None,
        Some(value) => {
            let (least, most) = INTERVAL_MS;
            let wrong = || Fault::new("bad-field", format!("`interval_ms` must be a whole number from {least} to {most}"));
            Some(Duration::from_millis(whole(value, INTERVAL_MS).ok_or_else(wrong)?))
        }
    };
    Ok(Request::Subscribe { topics, interval })
}

fn parse_topics(value: &Value) -> Result<BTreeSet<Topic>, Fault> {
    let names = value.as_array().ok_or_else(|| Fault::new("bad-field", "`topics` must be a list of names"))?;
    names.iter().map(parse_topic).collect()
}

fn parse_topic(value: &Value) -> Result<Topic, Fault> {
    let name = value.as_str().unwrap_or("");
    Topic::ALL.into_iter().find(|topic| topic.name() == name).ok_or_else(|| {
        let known = Topic::ALL.map(Topic::name).join(", ");
        Fault::new("unknown-topic", format!("`{}` is none of {known}", quote(name)))
    })
}

fn parse_refresh(object: &Object) -> Result<Request, Fault> {
    let mote = field(object, "mote").map(parse_mote).transpose().map_err(|text| Fault::new("bad-field", text))?;
    Ok(Request::Refresh { mote })
}

/// `error`: what is missing in it is empty.
pub(super) fn parse_complaint(object: &Object) -> Complaint {
    let text = |name| object.get(name).and_then(Value::as_str).unwrap_or("");
    Complaint { code: quote(text("code")), text: cut(text("text"), LONGEST_COMPLAINT).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(text: &str) -> Event {
        match parse(text) {
            Ok(Request::Event(event)) => event,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn refusal(fields: &str) -> String {
        match parse(&format!(r#"{{"type":"ui-event","id":"x",{fields}}}"#)) {
            Err(Rejection::Refused { id, detail }) if id == HostId::Text("x".to_owned()) => detail,
            other => panic!("{fields}: {other:?}"),
        }
    }

    fn fault(text: &str) -> &'static str {
        match parse(text) {
            Err(Rejection::Fault(fault)) => fault.code,
            other => panic!("{text}: {other:?}"),
        }
    }

    const MOTE: &str = r#""mote":"141592cc00000001""#;

    #[test]
    fn every_event_becomes_its_action() {
        for (fields, action) in [
            (r#""event":"toggle-dagroot""#, Action::ToggleDagroot),
            (r#""event":"set-dagroot","on":true"#, Action::SetDagroot { on: true }),
            (r#""event":"reset-mote","new":{}"#, Action::Reset),
            (r#""event":"echo-mote","count":1000,"size":196"#, Action::Echo { count: 1000, size: 196 }),
            (r#""event":"echo-mote","count":1,"size":0"#, Action::Echo { count: 1, size: 0 }),
        ] {
            let event = event(&format!(r#"{{"type":"ui-event","id":5,{MOTE},{fields}}}"#));
            assert_eq!(event.action, action);
            assert_eq!(event.id, HostId::Number(5.into()));
            assert_eq!(event.target, Target::Mote(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1])));
            assert_eq!(event.timeout, USUAL_TIMEOUT);
        }
    }

    #[test]
    fn a_port_may_stand_for_the_mote_and_a_null_counts_as_absent() {
        let text = r#"{"type":"ui-event","id":"a","event":"reset-mote","mote":null,"port":"/dev/ttyUSB0","timeout_ms":1000}"#;
        let event = event(text);
        assert_eq!((event.target, event.timeout), (Target::Port(PortName("/dev/ttyUSB0".to_owned())), Duration::from_secs(1)));
    }

    #[test]
    fn an_event_that_cannot_be_done_is_refused_under_its_id() {
        for (fields, begin) in [
            (MOTE.to_owned(), "unknown-event"),
            (format!(r#"{MOTE},"event":"explode""#), "unknown-event"),
            (format!(r#"{MOTE},"event":7"#), "unknown-event"),
            (r#""event":"reset-mote""#.to_owned(), "bad-target"),
            (format!(r#""event":"reset-mote",{MOTE},"port":"p""#), "bad-target"),
            (r#""event":"reset-mote","mote":"1""#.to_owned(), "bad-target"),
            (r#""event":"reset-mote","mote":1"#.to_owned(), "bad-target"),
            (r#""event":"reset-mote","port":"""#.to_owned(), "bad-target"),
            (r#""event":"reset-mote","port":"a\u0000b""#.to_owned(), "bad-target"),
            (format!(r#""event":"reset-mote","port":"{}""#, "p".repeat(256)), "bad-target"),
            (format!(r#"{MOTE},"event":"set-dagroot""#), "bad-argument: `on`"),
            (format!(r#"{MOTE},"event":"set-dagroot","on":1"#), "bad-argument: `on`"),
            (format!(r#"{MOTE},"event":"echo-mote","size":1"#), "bad-argument: `count`"),
            (format!(r#"{MOTE},"event":"echo-mote","count":0,"size":1"#), "bad-argument: `count`"),
            (format!(r#"{MOTE},"event":"echo-mote","count":1001,"size":1"#), "bad-argument: `count`"),
            (format!(r#"{MOTE},"event":"echo-mote","count":1,"size":197"#), "bad-argument: `size`"),
            (format!(r#"{MOTE},"event":"echo-mote","count":1,"size":-1"#), "bad-argument: `size`"),
            (format!(r#"{MOTE},"event":"echo-mote","count":1.5,"size":1"#), "bad-argument: `count`"),
            (format!(r#"{MOTE},"event":"reset-mote","timeout_ms":999"#), "bad-argument: `timeout_ms`"),
            (format!(r#"{MOTE},"event":"reset-mote","timeout_ms":120001"#), "bad-argument: `timeout_ms`"),
        ] {
            let detail = refusal(&fields);
            assert!(detail.starts_with(begin), "{fields}: {detail}");
        }
    }

    #[test]
    fn what_is_no_request_is_a_fault_with_a_name() {
        let long = "x".repeat(65);
        for (text, code) in [
            ("", "invalid-json"),
            ("{", "invalid-json"),
            ("{}x", "invalid-json"),
            ("[]", "no-type"),
            ("{}", "no-type"),
            (r#"{"type":5}"#, "no-type"),
            (r#"{"type":"hello"}"#, "unknown-type"),
            (r#"{"type":"ui-event","event":"reset-mote","port":"p"}"#, "bad-id"),
            (r#"{"type":"ui-event","id":""}"#, "bad-id"),
            (r#"{"type":"ui-event","id":1.5}"#, "bad-id"),
            (r#"{"type":"ui-event","id":18446744073709551616}"#, "bad-id"),
            (&format!(r#"{{"type":"ui-event","id":"{long}"}}"#), "bad-id"),
            (r#"{"type":"subscribe","interval_ms":99}"#, "bad-field"),
            (r#"{"type":"subscribe","interval_ms":"1000"}"#, "bad-field"),
            (r#"{"type":"subscribe","topics":"dag"}"#, "bad-field"),
            (r#"{"type":"subscribe","topics":["weather"]}"#, "unknown-topic"),
            (r#"{"type":"subscribe","topics":[1]}"#, "unknown-topic"),
            (r#"{"type":"refresh","mote":"x"}"#, "bad-field"),
        ] {
            assert_eq!(fault(text), code, "{text}");
        }
    }

    #[test]
    fn a_fault_bears_the_id_of_the_request_when_it_has_one_that_can_be_read() {
        let id = |text: &str| match parse(text) {
            Err(Rejection::Fault(fault)) => fault.id,
            other => panic!("{text}: {other:?}"),
        };
        let seven = Some(HostId::Number(7.into()));
        assert_eq!(id(r#"{"type":"ui-evnet","id":7}"#), seven);
        assert_eq!(id(r#"{"type":"subscribe","id":7,"topics":5}"#), seven);
        assert_eq!(id(r#"{"type":"refresh","id":7,"mote":5}"#), seven);
        assert_eq!(id(r#"{"type":"refresh","id":[7],"mote":5}"#), None);
        assert_eq!(id(r#"{"type":"refresh","mote":5}"#), None);
    }

    #[test]
    fn subscriptions_and_refreshes_are_read() {
        let topics = Some([Topic::Status, Topic::Data].into());
        let text = r#"{"type":"subscribe","topics":["mote-status","mote-data"],"interval_ms":100}"#;
        assert_eq!(parse(text), Ok(Request::Subscribe { topics, interval: Some(Duration::from_millis(100)) }));
        assert_eq!(parse(r#"{"type":"subscribe"}"#), Ok(Request::Subscribe { topics: None, interval: None }));
        assert_eq!(parse(r#"{"type":"refresh"}"#), Ok(Request::Refresh { mote: None }));
    }

    #[test]
    fn the_peers_own_text_is_shown_short_and_harmless() {
        let detail = refusal(&format!(r#"{MOTE},"event":"\u001b[2J{}""#, "y".repeat(5000)));
        assert!(detail.len() < 200 && !detail.contains('\u{1b}'), "{detail}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_json_under_a_known_type_makes_it_panic(
            kind in "ui-event|subscribe|refresh|error|welcome",
            fields in proptest::collection::btree_map("id|event|mote|port|on|count|size|timeout_ms|topics|interval_ms|code|text|v|nonce",
                "null|true|-1|0|1|1e300|99999999999999999999|\"echo-mote\"|\"set-dagroot\"|\"[a-z0-9]{0,20}\"|\\[\\]|\\{\\}|\\[\"dag\",1\\]", 0..6),
        ) {
            let fields = fields.iter().map(|(name, value)| format!(r#","{name}":{value}"#)).collect::<Vec<_>>().concat();
            let text = format!(r#"{{"type":"{kind}"{fields}}}"#);
            let _ = parse(&text);
            let _ = crate::json::handshake::parse(&text);
        }

        #[test]
        fn deep_nesting_is_refused_without_recursion_to_the_end_of_the_stack(depth in 0_usize..30_000) {
            let _ = parse(&"[".repeat(depth));
        }
    }
}
