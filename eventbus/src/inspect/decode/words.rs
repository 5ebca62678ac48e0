//! A frame as one line for a person: when, where, which way, what kind, and what it says.

use std::net::Ipv6Addr;

use data_encoding::HEXLOWER;
use mqtypes::log::Severity;

use super::elements;
use super::frames::{Cause, Content, Seen};
use super::object::{kind, shown};
use crate::frame::{DataFrame, Frame, HostFrame, MeshData, RootAction, SetRoot, SniffedFrame};
use crate::inspect::tap::element;
use crate::inspect::tap::words::severity_tone;
use crate::inspect::terminal::{Ink, Tone, printable};

/// One line, without its end.
pub fn line(ink: Ink, seen: &Seen) -> String {
    let at = seen.at.map_or_else(String::new, |at| format!("{at:>11.6} "));
    let (port, way, kind) = (printable(&seen.port.0), seen.content.direction().name(), kind(&seen.content));
    let text = printable(&words(&seen.content));
    ink.paint(tone(&seen.content), format!("{at}{port} {way} {kind:<10} {text}").trim_end())
}

fn tone(content: &Content) -> Tone {
    match content {
        Content::FromMote { frame: Frame::Log(log), .. } => severity_tone(log.severity),
        Content::FromMote { frame: Frame::Printf(_), .. } => severity_tone(Severity::Printf),
        Content::FromMote { frame: Frame::Status(_) | Frame::Data(_) | Frame::Sniffed(_), .. } | Content::ToMote { .. } => Tone::Normal,
        Content::FromMote { frame: Frame::LegacyAck { .. } | Frame::LegacyRequest, .. } => Tone::Faint,
        Content::Unreadable { .. } => Tone::Warning,
        Content::Invalid { .. } => Tone::Bad,
    }
}

fn words(content: &Content) -> String {
    match content {
        Content::FromMote { frame, cause, .. } => from_mote(frame, *cause),
        Content::ToMote { frame, .. } => to_mote(frame),
        Content::Unreadable { direction, payload, error } => format!("{error}; {}", bytes(payload.len(), shown(*direction, payload))),
        Content::Invalid { direction, raw, fault } => {
            let hex = shown(*direction, raw.get(1..).unwrap_or_default()).map(|_| HEXLOWER.encode(raw));
            format!("{}; {}", fault.name(), bytes(raw.len(), hex))
        }
    }
}

fn from_mote(frame: &Frame, cause: Cause) -> String {
    match frame {
        Frame::Status(status) => format!("{}: {}", elements::name(&status.element), element::words(&status.element)),
        Frame::Log(log) => {
            let described = log.describe();
            format!("{}: {}", described.component.name, described.text)
        }
        Frame::Data(data) => of_data(data, cause),
        Frame::Printf(printf) => format!("ASN {}: {}", printf.asn.0, printf.shown()),
        Frame::Sniffed(SniffedFrame { frame, channel, .. }) => format!("channel {channel}, {}", all_bytes(frame)),
        Frame::LegacyAck { .. } => "a host frame was taken".to_owned(),
        Frame::LegacyRequest => "the host may send".to_owned(),
    }
}

fn of_data(data: &DataFrame, cause: Cause) -> String {
    let asn = data.asn.0;
    match (cause, data.mesh()) {
        (Cause::Echo, _) => format!("ASN {asn}, echo of {}", all_bytes(&data.body)),
        (Cause::Own, Some(MeshData { destination, source, lowpan })) => {
            format!("ASN {asn}, {source} to {destination}, {}", all_bytes(lowpan))
        }
        (Cause::Own, None) => format!("ASN {asn}, neither from the mesh nor an echo that was sent, {}", all_bytes(&data.body)),
    }
}

fn to_mote(frame: &HostFrame) -> String {
    match frame {
        HostFrame::SetRoot(SetRoot { action, prefix: told, key_index, .. }) => {
            let action = match action {
                RootAction::Yes => "be DAG root",
                RootAction::No => "be no DAG root",
                RootAction::Toggle => "be DAG root if you are none, and none if you are",
            };
            let mut prefix = [0; 16];
            prefix[..8].copy_from_slice(told);
            format!("{action}, prefix {}/64, key {key_index} (not shown)", Ipv6Addr::from(prefix))
        }
        HostFrame::Data { next_hop, lowpan } => format!("to {next_hop}, {}", all_bytes(lowpan)),
        HostFrame::Echo(echo) => format!("send back {}", all_bytes(echo)),
        HostFrame::Reset => "reset the board".to_owned(),
    }
}

fn all_bytes(all: &[u8]) -> String {
    bytes(all.len(), Some(HEXLOWER.encode(all)))
}

fn bytes(length: usize, hex: Option<String>) -> String {
    let hex = hex.unwrap_or_else(|| "(not shown: a key of the network may be in it)".to_owned());
    format!("{length} bytes {hex}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameError;
    use mqtypes::ids::PortName;
    use mqtypes::serial::Direction;
    use mqtypes::serial::FrameFault;

    fn check(content: Content, expected: &str) {
        let seen = Seen { at: Some(8.7e-05), port: PortName("a".to_owned()), content };
        assert_eq!(line(Ink::Plain, &seen), format!("   0.000087 a {expected}"));
        let raw = Seen { at: None, ..seen };
        assert_eq!(line(Ink::Plain, &raw), format!("a {expected}"));
    }

    fn heard(payload: &[u8], cause: Cause) -> Content {
        Content::FromMote { frame: Frame::parse(payload).expect("a frame"), payload: payload.to_vec(), cause }
    }

    fn sent(payload: &[u8]) -> Content {
        Content::ToMote { frame: HostFrame::parse(payload).expect("a frame"), payload: payload.to_vec() }
    }

    #[test]
    fn what_a_mote_says() {
        check(heard(&[b'S', 0, 1, 2, 0, 1], Cause::Own), "rx status     MyDagRank: rank 256");
        check(heard(&[b'U', 0, 1, 1, 0x4f, 0, 0, 0, 0], Cause::Own), "rx success    OPENWSN: booted");
        check(heard(b"F\0\x01\x07\0\0\0\0hi\x1b[2J\n", Cause::Own), "rx printf     ASN 7: hi [2J");
        check(heard(&[b'P', 0, 1, 2, 0, 20], Cause::Own), "rx sniffed    channel 20, 2 bytes 0200");
        check(heard(b"R", Cause::Own), "rx legacy     the host may send");
        let data = [&b"D\0\x01\x07\0\0\0\0"[..], &[0x14; 8], &[0x15; 8], &[0xf1, 0x83]].concat();
        check(heard(&data, Cause::Own), "rx data       ASN 7, 1515151515151515 to 1414141414141414, 2 bytes f183");
        check(heard(&data[..11], Cause::Echo), "rx data       ASN 7, echo of 3 bytes 141414");
        check(heard(&data[..8], Cause::Own), "rx data       ASN 7, neither from the mesh nor an echo that was sent, 0 bytes");
    }

    #[test]
    fn what_a_mote_is_told() {
        check(sent(b"Q"), "tx reset      reset the board");
        check(sent(b"S\x01"), "tx echo       send back 1 bytes 01");
        check(sent(&[b'D', 0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2, 0xf1]), "tx data       to 141592cc00000002, 1 bytes f1");
        let root = [&b"RT"[..], &[0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 1], &[0x77; 16]].concat();
        let expected = "tx set-root   be DAG root if you are none, and none if you are, prefix bbbb::/64, key 1 (not shown)";
        check(sent(&root), expected);
    }

    #[test]
    fn what_makes_no_sense() {
        let error = FrameError::UnknownType(b'Z');
        let unreadable = Content::Unreadable { direction: Direction::Rx, payload: b"Z".to_vec(), error };
        check(unreadable, "rx unreadable unknown frame type 0x5a; 1 bytes 5a");
        let invalid = |direction| Content::Invalid { direction, raw: b"~R~".to_vec(), fault: FrameFault::TooShort };
        check(invalid(Direction::Rx), "rx invalid    too-short; 3 bytes 7e527e");
        check(invalid(Direction::Tx), "tx invalid    too-short; 3 bytes (not shown: a key of the network may be in it)");
    }
}
