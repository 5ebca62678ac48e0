//! What a router says after the handshake, parsed once at the edge.
//!
//! Values that the host only keeps and passes on stay the text they were. Unknown fields are
//! ignored, an unknown type is told apart and no fault. Nothing here can fail but with a [`Fault`].

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest message after authentication, bytes.
pub const MAX_MESSAGE: usize = 256 * 1024;

/// Longest name of a port, and longest text in a count's key, bytes.
const MAX_PORT: usize = 255;
const MAX_COUNT_KEY: usize = 160;

/// Longest text of an outcome or an error that is passed on, bytes.
const MAX_DETAIL: usize = 4096;

/// A message of a router.
#[derive(Debug)]
pub enum Message<'a> {
    /// One page of the full set of motes, or all of it.
    Inventory(Inventory<'a>),
    /// Changed elements of one mote.
    Status(Status<'a>),
    /// Changed counts.
    Counts(Counts<'a>),
    /// One page of the full set of motes in DODAGs, or all of it.
    Dag(Inventory<'a>),
    /// Changed sources of `uinject`.
    Uinject(Uinject<'a>),
    /// A mote's log line.
    Log,
    /// A packet from the mesh.
    Data,
    /// The router's processes, and one page of the full set of its ports, or all of it.
    Health(Health<'a>),
    /// A step in the life of a command.
    Outcome(Outcome<'a>),
    /// The router dropped events.
    Gap,
    /// The router did not understand a message of ours.
    Error(PeerError<'a>),
    /// A type that this host does not show, or does not know.
    Other,
}

/// A message and which page of a larger whole it is.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// What it says.
    pub message: Message<'a>,
    /// Which page.
    pub part: Option<Part>,
    /// The router's clock when it was said, Unix ms.
    pub t: Option<u64>,
}

/// One page of `of`, of the snapshot that `snapshot` tells apart from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Number of the page; whether the first is 0 or 1 does not matter.
    pub n: u32,
    /// How many pages there are.
    pub of: u32,
    /// The JSON text of the field `snapshot`.
    pub snapshot: String,
}

/// `mote-inventory` and `dag`: a set of motes.
#[derive(Debug, Deserialize)]
pub struct Inventory<'a> {
    /// When it was sent.
    #[serde(borrow)]
    pub t: Option<&'a RawValue>,
    /// Its motes.
    #[serde(borrow)]
    pub motes: Vec<&'a RawValue>,
}

/// `mote-status`.
#[derive(Debug)]
pub struct Status<'a> {
    /// EUI-64, 16 hex digits, once the mote has told it.
    pub mote: Option<Cow<'a, str>>,
    /// The serial port it is on.
    pub port: Option<Cow<'a, str>>,
    /// The changed elements by name.
    pub elements: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// `event-count`.
#[derive(Debug)]
pub struct Counts<'a> {
    /// Tells the start of the counting process; a new one clears the counts.
    pub boot: &'a RawValue,
    /// The changed counts.
    pub counts: Vec<Count<'a>>,
}

/// One count.
#[derive(Debug, Deserialize)]
pub struct Count<'a> {
    /// Who counted: `mote_connector@PORT`.
    #[serde(borrow)]
    pub sender: Cow<'a, str>,
    /// What: `fromMote.status`.
    #[serde(borrow)]
    pub signal: Cow<'a, str>,
    /// How many.
    pub num: u64,
}

/// `uinject`.
#[derive(Debug)]
pub struct Uinject<'a> {
    /// Tells the start of the counting process; a new one clears the sources.
    pub boot: &'a RawValue,
    /// The changed sources by EUI-64.
    pub sources: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// `lbr-health`.
#[derive(Debug, Deserialize)]
pub struct Health<'a> {
    /// When it was sent.
    #[serde(borrow)]
    pub t: Option<&'a RawValue>,
    /// All processes.
    #[serde(borrow)]
    pub processes: Option<&'a RawValue>,
    /// The ports of this page. An older router tells none.
    #[serde(borrow, default)]
    pub ports: Vec<&'a RawValue>,
}

/// `command-outcome`.
#[derive(Debug, Deserialize)]
pub struct Outcome<'a> {
    /// The command's id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// `accepted`, `sent`, `confirmed`, `timed-out`, `refused`, `failed`.
    #[serde(borrow)]
    pub state: Cow<'a, str>,
}

impl Outcome<'_> {
    /// Whether nothing follows for this command.
    pub fn is_end(&self) -> bool {
        !matches!(&*self.state, "accepted" | "sent")
    }
}

/// `error`.
#[derive(Debug, Deserialize)]
pub struct PeerError<'a> {
    /// Its short name.
    #[serde(borrow, default)]
    pub code: Cow<'a, str>,
    /// For a person.
    #[serde(borrow, default)]
    pub text: Cow<'a, str>,
    /// The command that was not understood.
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
}

/// Why a message is broken. The router is told with an `error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not JSON.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// JSON, but no object with a type.
    #[error("not a JSON object with a string `type`: {0}")]
    Shape(String),
    /// A field is missing or wrong.
    #[error("{kind}: {reason}")]
    Field {
        /// The message's type.
        kind: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A binary frame.
    #[error("a binary frame; the link speaks JSON in text frames")]
    Binary,
    /// More than the host keeps.
    #[error("{what} is more than this host takes ({max})")]
    TooMuch {
        /// What.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

impl Fault {
    /// The `code` of the `error` message, and the name of its counter.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "invalid-json",
            Self::Shape(_) => "no-type",
            Self::Field { .. } => "bad-field",
            Self::Binary => "binary-frame",
            Self::TooMuch { .. } => "too-much",
        }
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    part: Option<&'a RawValue>,
    #[serde(borrow)]
    t: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawPart<'a> {
    n: u32,
    of: u32,
    #[serde(borrow)]
    snapshot: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawStatus<'a> {
    #[serde(borrow)]
    mote: Option<Cow<'a, str>>,
    #[serde(borrow)]
    port: Option<Cow<'a, str>>,
    #[serde(borrow)]
    elements: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize)]
struct RawCounts<'a> {
    #[serde(borrow)]
    boot: &'a RawValue,
    #[serde(borrow)]
    counts: Vec<Count<'a>>,
}

#[derive(Deserialize)]
struct RawUinject<'a> {
    #[serde(borrow)]
    boot: &'a RawValue,
    #[serde(borrow)]
    sources: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawSource<'a> {
    #[serde(borrow)]
    mote: Cow<'a, str>,
}

/// Parses one text frame.
pub fn parse(text: &str) -> Result<Parsed<'_>, Fault> {
    let value: &RawValue = serde_json::from_str(text).map_err(|error| Fault::Json(error.to_string()))?;
    let head: Head<'_> = serde_json::from_str(value.get()).map_err(|error| Fault::Shape(error.to_string()))?;
    let part = head.part.map(parse_part).transpose()?;
    let message = match &*head.kind {
        "mote-inventory" => Message::Inventory(fields("mote-inventory", text)?),
        "mote-status" => Message::Status(parse_status(text)?),
        "event-count" => Message::Counts(parse_counts(text)?),
        "dag" => Message::Dag(fields("dag", text)?),
        "uinject" => Message::Uinject(parse_uinject(text)?),
        "mote-log" => Message::Log,
        "mote-data" => Message::Data,
        "lbr-health" => Message::Health(fields("lbr-health", text)?),
        "command-outcome" => Message::Outcome(parse_outcome(text)?),
        "gap" => Message::Gap,
        "error" => Message::Error(parse_error(text)?),
        _ => Message::Other,
    };
    // What is no time is no fault either: it is only told on.
    let t = head.t.and_then(|t| t.get().parse().ok());
    Ok(Parsed { message, part, t })
}

fn fields<'a, T: Deserialize<'a>>(kind: &'static str, text: &'a str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| field(kind, error.to_string()))
}

fn field(kind: &'static str, reason: impl Into<String>) -> Fault {
    Fault::Field { kind, reason: reason.into() }
}

fn parse_part(value: &RawValue) -> Result<Part, Fault> {
    let raw: RawPart<'_> = fields("part", value.get())?;
    let snapshot = raw.snapshot.map_or("null", RawValue::get);
    if raw.of == 0 || raw.n > raw.of {
        return Err(field("part", format!("page {} of {}", raw.n, raw.of)));
    }
    if snapshot.len() > 64 {
        return Err(field("part", "snapshot is longer than 64 bytes"));
    }
    Ok(Part { n: raw.n, of: raw.of, snapshot: snapshot.to_owned() })
}

fn parse_status(text: &str) -> Result<Status<'_>, Fault> {
    const KIND: &str = "mote-status";
    let raw: RawStatus<'_> = fields(KIND, text)?;
    if let Some(mote) = &raw.mote
        && !is_eui64(mote)
    {
        return Err(field(KIND, "mote is not 16 lower-case hex digits"));
    }
    if let Some(port) = &raw.port
        && !is_port(port)
    {
        return Err(field(KIND, format!("port is empty or longer than {MAX_PORT} bytes")));
    }
    if raw.mote.is_none() && raw.port.is_none() {
        return Err(field(KIND, "neither mote nor port"));
    }
    Ok(Status { mote: raw.mote, port: raw.port, elements: raw.elements })
}

fn parse_counts(text: &str) -> Result<Counts<'_>, Fault> {
    const KIND: &str = "event-count";
    let raw: RawCounts<'_> = fields(KIND, text)?;
    check_boot(KIND, raw.boot)?;
    let long = |count: &Count<'_>| count.sender.len() > MAX_COUNT_KEY || count.signal.len() > MAX_COUNT_KEY;
    if raw.counts.iter().any(long) {
        return Err(field(KIND, format!("a sender or signal is longer than {MAX_COUNT_KEY} bytes")));
    }
    Ok(Counts { boot: raw.boot, counts: raw.counts })
}

fn parse_uinject(text: &str) -> Result<Uinject<'_>, Fault> {
    const KIND: &str = "uinject";
    let raw: RawUinject<'_> = fields(KIND, text)?;
    check_boot(KIND, raw.boot)?;
    let mut sources = Vec::with_capacity(raw.sources.len());
    for source in raw.sources {
        let RawSource { mote } = fields(KIND, source.get())?;
        if !is_eui64(&mote) {
            return Err(field(KIND, "mote is not 16 lower-case hex digits"));
        }
        sources.push((mote, source));
    }
    Ok(Uinject { boot: raw.boot, sources })
}

fn check_boot(kind: &'static str, boot: &RawValue) -> Result<(), Fault> {
    if boot.get().len() > 64 { Err(field(kind, "boot is longer than 64 bytes")) } else { Ok(()) }
}

fn parse_outcome(text: &str) -> Result<Outcome<'_>, Fault> {
    const KIND: &str = "command-outcome";
    let outcome: Outcome<'_> = fields(KIND, text)?;
    if text.len() > MAX_DETAIL {
        return Err(field(KIND, format!("longer than {MAX_DETAIL} bytes")));
    }
    Ok(outcome)
}

fn parse_error(text: &str) -> Result<PeerError<'_>, Fault> {
    const KIND: &str = "error";
    let error: PeerError<'_> = fields(KIND, text)?;
    if text.len() > MAX_DETAIL {
        return Err(field(KIND, format!("longer than {MAX_DETAIL} bytes")));
    }
    Ok(error)
}

/// Whether `text` is an EUI-64 as the link writes it.
pub fn is_eui64(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `text` can be the name of a serial port.
pub fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PORT && !text.contains(|c: char| c.is_control())
}

/// The same message without its field `part`: what the pages were is the link's business.
pub fn without_part(text: &str) -> Result<Box<RawValue>, Fault> {
    let mut fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).map_err(|error| Fault::Shape(error.to_string()))?;
    fields.remove("part");
    serde_json::value::to_raw_value(&fields).map_err(|error| Fault::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> &'static str {
        parse(text).unwrap_err().code()
    }

    #[test]
    fn every_fault_has_its_own_code() {
        for (text, expect) in [
            ("", "invalid-json"),
            ("{", "invalid-json"),
            (r#"{"type":"mote-log"} x"#, "invalid-json"),
            ("[]", "no-type"),
            ("5", "no-type"),
            (r#"{"seq":1}"#, "no-type"),
            (r#"{"type":7}"#, "no-type"),
            (r#"{"type":"mote-inventory"}"#, "bad-field"),
            (r#"{"type":"mote-inventory","motes":{}}"#, "bad-field"),
            (r#"{"type":"mote-status","elements":{}}"#, "bad-field"),
            (r#"{"type":"mote-status","mote":"00","elements":{}}"#, "bad-field"),
            (r#"{"type":"mote-status","port":"","elements":{}}"#, "bad-field"),
            (r#"{"type":"mote-status","port":"p","elements":[]}"#, "bad-field"),
            (r#"{"type":"event-count","boot":1,"counts":[{"sender":"a","signal":"b","num":-1}]}"#, "bad-field"),
            (r#"{"type":"dag"}"#, "bad-field"),
            (r#"{"type":"uinject","boot":1}"#, "bad-field"),
            (r#"{"type":"uinject","boot":1,"sources":[{"mote":"00"}]}"#, "bad-field"),
            (r#"{"type":"uinject","boot":1,"sources":[{}]}"#, "bad-field"),
            (r#"{"type":"lbr-health","ports":5}"#, "bad-field"),
            (r#"{"type":"mote-log","part":{"n":2,"of":1}}"#, "bad-field"),
            (r#"{"type":"mote-log","part":{"n":0,"of":0}}"#, "bad-field"),
        ] {
            assert_eq!(fault(text), expect, "{text}");
        }
    }

    #[test]
    fn unknown_types_and_fields_are_no_fault() {
        let parsed = parse(r#"{"type":"weather","seq":1}"#).unwrap();
        assert!(matches!(parsed.message, Message::Other));
        let parsed = parse(r#"{"type":"mote-inventory","motes":[],"new":[{}]}"#).unwrap();
        assert!(matches!(parsed.message, Message::Inventory(_)));
    }

    #[test]
    fn escaped_names_are_read_like_plain_ones() {
        let text = r#"{"type":"mote\u002dstatus","mote":"14159\u0032cc00000001","elements":{"Is\u0053ync":{"t":1}}}"#;
        let Message::Status(status) = parse(text).unwrap().message else { panic!("no status") };
        assert_eq!(status.mote.unwrap(), "141592cc00000001");
        assert!(status.elements.contains_key("IsSync"));
    }

    #[test]
    fn deep_nesting_is_passed_over_without_recursion() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"type":"weather","x":{deep}}}"#);
        assert!(matches!(parse(&text).unwrap().message, Message::Other));
    }

    #[test]
    fn the_part_is_taken_out_and_the_rest_stays() {
        let text = r#"{"type":"mote-status","part":{"n":1,"of":2},"x":1.50}"#;
        assert_eq!(without_part(text).unwrap().get(), r#"{"type":"mote-status","x":1.50}"#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_object_with_a_known_type_makes_the_parser_panic(
            kind in "mote-inventory|mote-status|event-count|dag|uinject|lbr-health|command-outcome|error|gap",
            name in "motes|elements|counts|sources|ports|mote|port|boot|part|id|state",
            value in r#"[\[\]{}0-9",:a-z]{0,40}"#,
        ) {
            let _ = parse(&format!(r#"{{"type":"{kind}","{name}":{value}}}"#));
        }
    }
}
