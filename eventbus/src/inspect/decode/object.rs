//! A frame as one JSON object, for programs: kinds and field names are OpenVisualizer's, values are what the mote meant.
//!
//! In `fields` is what OpenVisualizer has there, and nothing else; what we tell of our own stands beside it: a log's and a
//! printf's `text`, the `asn` as a number, a status frame's `moteId` (whose bytes OpenVisualizer swaps). A log's arguments are
//! signed only where the message means them so.

use data_encoding::HEXLOWER;
use mqtypes::ids::Asn;
use mqtypes::serial::Direction;
use serde::Serialize;
use serde_json::json;

use super::elements::{self, Fields, object};
use super::frames::{Cause, Content, Seen};
use crate::frame::{DataFrame, Frame, HostFrame, LogFrame, PrintfFrame, RootAction, SniffedFrame, StatusFrame};
use crate::inspect::terminal::plain_json;

/// What a program gets of each frame.
#[derive(Debug, Serialize)]
struct Object<'a> {
    /// Seconds since the recording began; null in a raw capture.
    t: Option<f64>,
    dir: &'static str,
    port: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<bool>,
    element: Option<String>,
    fields: Fields,
    #[serde(flatten)]
    ours: Ours,
    /// Null when it is no frame, and when the network's key is in it.
    frame_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// What we tell beside OpenVisualizer's fields.
#[derive(Debug, Default, Serialize)]
struct Ours {
    #[serde(rename = "moteId", skip_serializing_if = "Option::is_none")]
    mote_id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asn: Option<Asn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// One line, without its end.
pub fn line(seen: &Seen) -> String {
    plain_json(&told(seen))
}

/// What kind of frame it is, in a word.
pub fn kind(content: &Content) -> &'static str {
    match content {
        Content::FromMote { frame, .. } => match frame {
            Frame::Status(_) => "status",
            Frame::Log(log) => log.severity.name(),
            Frame::Data(_) => "data",
            Frame::Printf(_) => "printf",
            Frame::Sniffed(_) => "sniffed",
            Frame::LegacyAck { .. } | Frame::LegacyRequest => "legacy",
        },
        Content::ToMote { frame, .. } => match frame {
            HostFrame::SetRoot(_) => "set-root",
            HostFrame::Data { .. } => "data",
            HostFrame::Echo(_) => "echo",
            HostFrame::Reset => "reset",
        },
        Content::Unreadable { .. } => "unreadable",
        Content::Invalid { .. } => "invalid",
    }
}

/// Bytes for a person or a program to look at; none when a key of the network may be among them.
pub fn shown(direction: Direction, payload: &[u8]) -> Option<String> {
    let has_key = direction == Direction::Tx && payload.first() == Some(&b'R');
    (!has_key).then(|| HEXLOWER.encode(payload))
}

fn told(seen: &Seen) -> Object<'_> {
    let direction = seen.content.direction();
    let mut object = Object {
        t: seen.at,
        dir: direction.name(),
        port: &seen.port.0,
        kind: kind(&seen.content),
        echo: None,
        element: None,
        fields: Fields::new(),
        ours: Ours::default(),
        frame_hex: None,
        raw_hex: None,
        reason: None,
    };
    match &seen.content {
        Content::FromMote { frame, payload, cause } => {
            object.echo = (*cause == Cause::Echo).then_some(true);
            object.frame_hex = shown(direction, payload);
            (object.element, object.fields) = from_mote(frame);
            object.ours = ours(frame);
        }
        Content::ToMote { frame, payload } => {
            object.frame_hex = shown(direction, payload);
            object.fields = to_mote(frame);
        }
        Content::Unreadable { payload, error, .. } => {
            object.frame_hex = shown(direction, payload);
            object.reason = Some(error.reason());
        }
        Content::Invalid { raw, fault, .. } => {
            // A frame to a mote that is none may still be what was left of a key.
            object.raw_hex = shown(direction, raw.get(1..).unwrap_or_default()).map(|_| HEXLOWER.encode(raw));
            object.reason = Some(fault.name());
        }
    }
    object
}

/// The element or the component that logs, and the fields.
fn from_mote(frame: &Frame) -> (Option<String>, Fields) {
    match frame {
        Frame::Status(StatusFrame { element, .. }) => (Some(elements::name(element).to_owned()), elements::fields(element)),
        Frame::Log(log) => of_log(*log),
        Frame::Data(data) => (None, of_data(data)),
        Frame::Printf(PrintfFrame { id16, asn, .. }) => (None, with_asn(*id16, *asn)),
        Frame::Sniffed(SniffedFrame { id16, frame, channel }) => {
            (None, object([("moteId", json!(id16)), ("channel", json!(channel)), ("frame", json!(HEXLOWER.encode(frame)))]))
        }
        Frame::LegacyAck { id16 } => (None, object([("moteId", json!(id16))])),
        Frame::LegacyRequest => (None, Fields::new()),
    }
}

fn ours(frame: &Frame) -> Ours {
    match frame {
        Frame::Status(status) => Ours { mote_id: Some(status.id16), ..Ours::default() },
        Frame::Log(log) => Ours { text: Some(log.describe().text), ..Ours::default() },
        Frame::Data(data) => Ours { asn: Some(data.asn), ..Ours::default() },
        Frame::Printf(PrintfFrame { asn, text, .. }) => {
            Ours { asn: Some(*asn), text: Some(String::from_utf8_lossy(text).into_owned()), ..Ours::default() }
        }
        Frame::Sniffed(_) | Frame::LegacyAck { .. } | Frame::LegacyRequest => Ours::default(),
    }
}

fn of_log(log: LogFrame) -> (Option<String>, Fields) {
    let described = log.describe();
    let [arg1, arg2] = described.args;
    let fields = object([
        ("moteId", json!(log.id16)),
        ("component", json!(log.component)),
        ("code", json!(log.code)),
        ("arg1", json!(arg1)),
        ("arg2", json!(arg2)),
    ]);
    (Some(described.component.name), fields)
}

/// As OpenVisualizer cuts it, even where it is the reply to an echo: eight bytes, eight bytes and the rest, as far as they go.
fn of_data(data: &DataFrame) -> Fields {
    let part = |from: usize, to: usize| {
        let length = data.body.len();
        json!(HEXLOWER.encode(&data.body[from.min(length)..to.min(length)]))
    };
    let mut fields = with_asn(data.id16, data.asn);
    fields.extend(object([("dest", part(0, 8)), ("source", part(8, 16)), ("payload", part(16, usize::MAX))]));
    fields
}

/// OpenVisualizer has the address in these as text, and the ASN as bytes.
fn with_asn(id16: u16, asn: Asn) -> Fields {
    let bytes = HEXLOWER.encode(&asn.0.to_le_bytes()[..5]);
    object([("moteId", json!(format!("{id16:04x}"))), ("asn_le_bytes", json!(bytes))])
}

fn to_mote(frame: &HostFrame) -> Fields {
    match frame {
        HostFrame::SetRoot(set) => {
            let action = match set.action {
                RootAction::Yes => "yes",
                RootAction::No => "no",
                RootAction::Toggle => "toggle",
            };
            let prefix = HEXLOWER.encode(&set.prefix);
            object([("action", json!(action)), ("prefix", json!(prefix)), ("keyIndex", json!(set.key_index))])
        }
        HostFrame::Data { next_hop, lowpan } => object([("dest", json!(next_hop)), ("payload", json!(HEXLOWER.encode(lowpan)))]),
        HostFrame::Echo(bytes) => object([("payload", json!(HEXLOWER.encode(bytes)))]),
        HostFrame::Reset => Fields::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::decode::frames::Lines;
    use crate::inspect::decode::recording::Chunk;
    use framing::{flow, hdlc};
    use mqtypes::ids::PortName;

    fn tell(direction: Direction, line: Vec<u8>) -> String {
        let chunk = Chunk { at: Some(8.7e-05), direction, port: PortName("a".to_owned()), bytes: line };
        let seen = Lines::default().handle_chunk(&chunk);
        assert_eq!(seen.len(), 1);
        super::line(&seen[0])
    }

    fn check(payload: &[u8], expected: &str) {
        assert_eq!(tell(Direction::Rx, flow::escape(&hdlc::encode(payload))), expected);
    }

    fn check_to_mote(payload: &[u8], expected: &str) {
        assert_eq!(tell(Direction::Tx, hdlc::encode(payload)), expected);
    }

    #[test]
    fn a_status_has_its_element_and_the_raw_fields() {
        check(
            &[b'S', 0x4c, 1, 4, 0, 1, 0, 0x12, 0x13],
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"status","element":"Asn","fields":{"asn_0_1":4882,"asn_2_3":1,"asn_4":0},"moteId":19457,"frame_hex":"534c01040001001213"}"#,
        );
    }

    #[test]
    fn an_argument_of_a_log_is_signed_where_it_is_meant_so_and_nowhere_else() {
        check(
            &[b'W', 0x4c, 1, 9, 0x31, 0xff, 0xf9, 0, 1],
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"warning","element":"IEEE802154E","fields":{"arg1":-7,"arg2":1,"code":49,"component":9,"moteId":19457},"text":"large time correction of -7 ticks (loc 1)","frame_hex":"574c010931fff90001"}"#,
        );
        check(
            &[b'E', 0, 1, 200, 21, 0xff, 0xff, 0, 1],
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"error","element":"unknown","fields":{"arg1":65535,"arg2":1,"code":21,"component":200,"moteId":1},"text":"possible loop: sender rank 65535 is below own rank 1","frame_hex":"450001c815ffff0001"}"#,
        );
    }

    #[test]
    fn data_and_text_have_their_asn_both_ways() {
        check(
            &[b'D', 0x4c, 1, 0x34, 0x12, 0, 0, 0, 0xaa],
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"data","element":null,"fields":{"asn_le_bytes":"3412000000","dest":"aa","moteId":"4c01","payload":"","source":""},"asn":4660,"frame_hex":"444c013412000000aa"}"#,
        );
        check(
            &[b'F', 0x4c, 1, 0x34, 0x12, 0, 0, 0, b'h', b'\n'],
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"printf","element":null,"fields":{"asn_le_bytes":"3412000000","moteId":"4c01"},"asn":4660,"text":"h\n","frame_hex":"464c013412000000680a"}"#,
        );
    }

    #[test]
    fn no_control_character_of_a_mote_reaches_a_terminal() {
        check(
            "F\0\x01\0\0\0\0\0é\x1b\x7f\u{9b}2J".as_bytes(),
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"printf","element":null,"fields":{"asn_le_bytes":"0000000000","moteId":"0001"},"asn":0,"text":"é\u001b\u007f\u009b2J","frame_hex":"4600010000000000c3a91b7fc29b324a"}"#,
        );
    }

    #[test]
    fn kinds_that_occur_in_no_recording_are_told_too() {
        check(
            &[b'P', 0x4c, 1, 2, 0, 1, 0, 0, 20],
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"sniffed","element":null,"fields":{"channel":20,"frame":"0200010000","moteId":19457},"frame_hex":"504c01020001000014"}"#,
        );
        check(
            b"A\0\x01",
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"legacy","element":null,"fields":{"moteId":1},"frame_hex":"410001"}"#,
        );
        check(b"R", r#"{"t":0.000087,"dir":"rx","port":"a","kind":"legacy","element":null,"fields":{},"frame_hex":"52"}"#);
        check(
            b"Zx",
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"unreadable","element":null,"fields":{},"frame_hex":"5a78","reason":"unknown-type"}"#,
        );
    }

    #[test]
    fn what_is_no_frame_has_its_bytes_and_the_reason() {
        assert_eq!(
            tell(Direction::Rx, vec![0x7e, 0x53, 0x66, 0x91, 0x13, 0x7e]),
            r#"{"t":0.000087,"dir":"rx","port":"a","kind":"invalid","element":null,"fields":{},"frame_hex":null,"raw_hex":"7e5366917e","reason":"bad-crc"}"#
        );
    }

    #[test]
    fn what_the_host_sends_is_told_but_not_the_key() {
        check_to_mote(b"Q", r#"{"t":0.000087,"dir":"tx","port":"a","kind":"reset","element":null,"fields":{},"frame_hex":"51"}"#);
        check_to_mote(
            b"S\x7e",
            r#"{"t":0.000087,"dir":"tx","port":"a","kind":"echo","element":null,"fields":{"payload":"7e"},"frame_hex":"537e"}"#,
        );
        check_to_mote(
            &[b'D', 0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2, 0xf1],
            r#"{"t":0.000087,"dir":"tx","port":"a","kind":"data","element":null,"fields":{"dest":"141592cc00000002","payload":"f1"},"frame_hex":"44141592cc00000002f1"}"#,
        );
        let root = [&b"RY"[..], &[0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 1], &[0x77; 16]].concat();
        check_to_mote(
            &root,
            r#"{"t":0.000087,"dir":"tx","port":"a","kind":"set-root","element":null,"fields":{"action":"yes","keyIndex":1,"prefix":"bbbb000000000000"},"frame_hex":null}"#,
        );
        let wrong_action = [&b"RX"[..], &root[2..]].concat();
        for damaged in [hdlc::encode(&wrong_action), [&[0x7e], &root[..], &[0x7e]].concat()] {
            let told = tell(Direction::Tx, damaged);
            assert!(told.contains("\"reason\"") && !told.contains("7777"), "{told}");
        }
    }
}
