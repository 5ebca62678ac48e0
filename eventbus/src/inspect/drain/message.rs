//! A message of any queue of the router, a line for each thing in it.
//!
//! Bytes that may hold the network's key are not shown: frames that make a root, and what crossed a line
//! towards a mote.

use std::time::Duration;

use bus::moment::Moment;
use data_encoding::HEXLOWER;
use mqtypes::broker::{Notification, Request};
use mqtypes::codec::{self, DecodeError, Item};
use mqtypes::command::{Action, Command};
use mqtypes::envelope::Envelope;
use mqtypes::ids::BootId;
use mqtypes::queues::{EVENTBUS, EVENTBUS_REQUESTS, SERIAL_BRIDGE, UI_PROXY, UI_PROXY_REQUESTS};
use mqtypes::serial::{Direction, LineBytes, SerialCommand, SerialNotification, WriteEnd};
use mqtypes::wake::ProxyRequest;
use serde::Serialize;

use crate::inspect::name::QueueName;
use crate::inspect::options::topic_name;
use crate::inspect::tap::Form;
use crate::inspect::tap::figures;
use crate::inspect::tap::words::health;
use crate::inspect::terminal::{plain_json, printable};
use crate::inspect::time::{of_day, span};

/// Of a message that cannot be decoded so many bytes are shown.
const MOST_SHOWN: usize = 64;

/// What is said instead of bytes that may be a key.
const HIDDEN: &str = "not shown: a key of the network may be in it";

/// What a frame that makes a root begins with.
const ROOT_FRAME: u8 = b'R';

/// A thing in a message: what kind, and what it says.
type Words = (&'static str, String);

/// What a program gets of a thing that is no notification.
#[derive(Debug, Serialize)]
struct Object<'a> {
    /// Unix time in milliseconds.
    time: u64,
    sender: &'a str,
    boot: BootId,
    seq: u64,
    kind: &'a str,
    text: &'a str,
}

/// What a program gets of a message that cannot be read.
#[derive(Debug, Serialize)]
struct Foreign<'a> {
    unreadable: &'a str,
    length: usize,
    hex: &'a str,
}

/// The lines, without their ends.
pub fn lines(name: &QueueName, message: &[u8], now: Moment, form: Form) -> Vec<String> {
    let inbox = name.inbox.as_str();
    let told = if name.is_tap() || inbox == UI_PROXY.spec.name {
        notifications(message, now, form)
    } else if inbox == EVENTBUS.spec.name {
        items(message, now, form, of_bridge)
    } else if inbox == EVENTBUS_REQUESTS.spec.name {
        items(message, now, form, of_request)
    } else if inbox == SERIAL_BRIDGE.spec.name {
        items(message, now, form, to_bridge)
    } else if inbox == UI_PROXY_REQUESTS.spec.name {
        items(message, now, form, |_, request| to_proxy(request))
    } else {
        return vec![unreadable(name, "no queue of this version", message, form)];
    };
    told.unwrap_or_else(|error| vec![unreadable(name, &error.to_string(), message, form)])
}

/// As `tap` prints them, but for what somebody was recording.
fn notifications(message: &[u8], now: Moment, form: Form) -> Result<Vec<String>, DecodeError> {
    let (envelope, items) = codec::decode::<Notification>(message)?;
    let told = items.iter().map(|notification| match notification {
        Notification::Bytes(piece) => line(now, &envelope, &bytes(piece), form),
        _not_of_a_line => form.line(now, &envelope, notification),
    });
    Ok(told.collect())
}

fn items<M: Item>(message: &[u8], now: Moment, form: Form, words: fn(&Envelope, &M) -> Words) -> Result<Vec<String>, DecodeError> {
    let (envelope, items) = codec::decode::<M>(message)?;
    Ok(items.iter().map(|item| line(now, &envelope, &words(&envelope, item), form)).collect())
}

fn line(now: Moment, envelope: &Envelope, (kind, text): &Words, form: Form) -> String {
    let Envelope { sender, boot, seq, sent } = *envelope;
    let (time, sender) = (now.unix_ms_of(sent), sender.to_string());
    match form {
        Form::Json => plain_json(&Object { time, sender: &sender, boot, seq, kind, text }),
        Form::Text(_) | Form::Timed(_) => printable(format!("{} {sender:<8} {kind:<8} {text}", of_day(time)).trim_end()),
    }
}

/// What `serial-bridge` told `eventbus`.
fn of_bridge(_: &Envelope, notification: &SerialNotification) -> Words {
    match notification {
        SerialNotification::Port(report) => ("port", figures::port(report)),
        SerialNotification::Frame(frame) => ("frame", format!("{}: {}", frame.port, hex(&frame.payload))),
        SerialNotification::Write(report) => ("write", format!("frame {}: {}", report.id.0, write_end(report.end))),
        SerialNotification::Health(figures) => ("health", health(figures)),
        SerialNotification::Lost { frames } => ("lost", format!("{frames} frames")),
        SerialNotification::Bytes(piece) => bytes(piece),
    }
}

/// What somebody asked of `eventbus`. Deadlines are told from when it was sent.
fn of_request(envelope: &Envelope, request: &Request) -> Words {
    match request {
        Request::Subscribe(wish) => {
            let topics: Vec<_> = wish.topics.iter().map(|topic| topic_name(*topic)).collect();
            let lease = span(Duration::from_millis(wish.lease_ms.into()));
            ("subscribe", format!("{} to {} for {lease}", wish.reply, topics.join(", ")))
        }
        Request::Unsubscribe { reply } => ("unsubscribe", reply.clone()),
        Request::Command(command) => ("command", order(envelope, command)),
        Request::AskHealth => ("ask-health", String::new()),
    }
}

fn order(envelope: &Envelope, command: &Command) -> String {
    let Command { id, reply, deadline, target, action } = command;
    let action = match action {
        Action::ToggleDagroot => "toggle-dagroot".to_owned(),
        Action::SetDagroot { on } => format!("set-dagroot {}", if *on { "on" } else { "off" }),
        Action::Reset => "reset-mote".to_owned(),
        Action::Echo { count, size } => format!("echo-mote, {count} of {size} bytes"),
    };
    format!("{} of {reply}: {action} for {target} within {}", id.0, span(deadline.since(envelope.sent)))
}

/// What `eventbus` asked of `serial-bridge`.
fn to_bridge(envelope: &Envelope, command: &SerialCommand) -> Words {
    match command {
        SerialCommand::Write(frame) => {
            let payload = if frame.payload.first() == Some(&ROOT_FRAME) { HIDDEN.to_owned() } else { hex(&frame.payload) };
            ("write", format!("frame {} for {}: {payload}", frame.id.0, frame.port))
        }
        SerialCommand::ReportPorts => ("report-ports", String::new()),
        SerialCommand::ReportHealth => ("report-health", String::new()),
        SerialCommand::PassBytes { until } => ("pass-bytes", format!("for {}", span(until.since(envelope.sent)))),
    }
}

fn to_proxy(request: &ProxyRequest) -> Words {
    match request {
        ProxyRequest::Wake { port: None } => ("wake", String::new()),
        ProxyRequest::Wake { port: Some(port) } => ("wake", format!("and dial port {port}")),
        ProxyRequest::TellHealth { reply } => ("tell-health", format!("to {reply}")),
    }
}

fn bytes(piece: &LineBytes) -> Words {
    let text = match piece.direction {
        Direction::Rx => figures::bytes(piece),
        Direction::Tx => format!("{}: tx {} bytes after {}: {HIDDEN}", piece.port, piece.bytes.len(), piece.offset),
    };
    ("bytes", text)
}

fn write_end(end: WriteEnd) -> &'static str {
    match end {
        WriteEnd::Written => "written",
        WriteEnd::NoSuchPort => "no such port",
        WriteEnd::PortDown => "the port is down",
        WriteEnd::Busy => "the port is busy",
        WriteEnd::BadLength => "bad length",
        WriteEnd::Expired => "too late",
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("{} bytes {}", bytes.len(), HEXLOWER.encode(bytes))
}

fn unreadable(name: &QueueName, reason: &str, message: &[u8], form: Form) -> String {
    let shown = &message[..message.len().min(MOST_SHOWN)];
    let more = if shown.len() < message.len() { "…" } else { "" };
    // What is for a mote in there may be a key, whatever version said it.
    let hex = if name.inbox == SERIAL_BRIDGE.spec.name { HIDDEN.to_owned() } else { HEXLOWER.encode(shown) + more };
    match form {
        Form::Json => plain_json(&Foreign { unreadable: reason, length: message.len(), hex: &hex }),
        Form::Text(_) | Form::Timed(_) => printable(&format!("unreadable, {} bytes: {reason}: {hex}", message.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::terminal::Ink;
    use mqtypes::broker::{Subscribe, Topic};
    use mqtypes::codec::encode;
    use mqtypes::command::Target;
    use mqtypes::envelope::Sender;
    use mqtypes::ids::{Eui64, Generation, PortName, RequestId, WriteId};
    use mqtypes::mono::Mono;
    use mqtypes::serial::{FrameToMote, WriteReport};
    use proptest::prelude::*;

    const NOW: Moment = Moment { mono: Mono(90_000_000), unix_ms: 1_700_000_000_000 };
    const SENT: Mono = Mono(89_000_000);
    const TEXT: Form = Form::Text(Ink::Plain);

    fn name(inbox: &str) -> QueueName {
        QueueName::within("lbr", inbox)
    }

    fn message<M: Item>(item: &M) -> Vec<u8> {
        encode(&Envelope { sender: Sender::Eventbus, boot: BootId(7), seq: 3, sent: SENT }, item).expect("fits")
    }

    fn check<M: Item>(inbox: &str, item: &M, expected: &str) {
        assert_eq!(lines(&name(inbox), &message(item), NOW, TEXT), [format!("22:13:19.000Z eventbus {expected}")]);
    }

    fn port() -> PortName {
        PortName("/dev/ttyUSB0".to_owned())
    }

    fn write(payload: Vec<u8>) -> SerialCommand {
        SerialCommand::Write(FrameToMote { id: WriteId(1), port: port(), generation: Generation(1), deadline: Mono(9), payload })
    }

    #[test]
    fn each_queue_has_its_own_kind_of_messages() {
        check("tap-1", &Notification::SnapshotBegin, "snapshot begins");
        check("ui-proxy", &Notification::SnapshotEnd, "snapshot is complete; changes follow");
        check("ui-proxy-requests", &ProxyRequest::Wake { port: Some(8001) }, "wake     and dial port 8001");
        check("ui-proxy-requests", &ProxyRequest::TellHealth { reply: "tap-7".to_owned() }, "tell-health to tap-7");
        check("eventbus", &SerialNotification::Lost { frames: 7 }, "lost     7 frames");
        let written = WriteReport { id: WriteId(4), end: WriteEnd::Expired };
        check("eventbus", &SerialNotification::Write(written), "write    frame 4: too late");
        check("serial-bridge", &write(b"Q".to_vec()), "write    frame 1 for /dev/ttyUSB0: 1 bytes 51");
        check("serial-bridge", &SerialCommand::PassBytes { until: Mono(99_000_000) }, "pass-bytes for 10 s");
    }

    #[test]
    fn what_was_asked_is_told_in_the_words_of_send_and_tap() {
        check("eventbus-requests", &Request::AskHealth, "ask-health");
        let wish = Subscribe { reply: "tap-7".to_owned(), topics: vec![Topic::Logs, Topic::Dag], lease_ms: 15_000 };
        check("eventbus-requests", &Request::Subscribe(wish), "subscribe tap-7 to logs, dag for 15 s");
        let target = Target::Mote(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]));
        let (id, reply, deadline) = (RequestId(1), "tap-7".to_owned(), Mono(119_000_000));
        let command = Command { id, reply, deadline, target, action: Action::SetDagroot { on: true } };
        check("eventbus-requests", &Request::Command(command), "command  1 of tap-7: set-dagroot on for 141592cc00000001 within 30 s");
    }

    #[test]
    fn a_program_gets_the_same_words() {
        let told = lines(&name("eventbus-requests"), &message(&Request::AskHealth), NOW, Form::Json);
        assert_eq!(told, [r#"{"time":1699999999000,"sender":"eventbus","boot":7,"seq":3,"kind":"ask-health","text":""}"#]);
    }

    #[test]
    fn the_key_of_the_network_is_not_shown() {
        let of_line =
            |direction| LineBytes { port: port(), generation: Generation(1), direction, at: Mono(1), offset: 0, bytes: vec![0x77; 9] };
        for form in [TEXT, Form::Timed(Ink::Plain), Form::Json] {
            let told = |inbox: &str, message: &[u8]| lines(&name(inbox), message, NOW, form).concat();
            let root = told("serial-bridge", &message(&write([&b"RY"[..], &[0x77; 16]].concat())));
            assert!(root.contains(HIDDEN) && !root.contains("7777"), "{root}");
            for (direction, is_shown) in [(Direction::Rx, true), (Direction::Tx, false)] {
                let bridge = told("eventbus", &message(&SerialNotification::Bytes(of_line(direction))));
                let tap = told("tap-1", &message(&Notification::Bytes(of_line(direction))));
                assert_eq!((bridge.contains("7777"), tap.contains("7777")), (is_shown, is_shown));
            }
            let newer = told("serial-bridge", &[0x77; 90]);
            assert!(newer.contains(HIDDEN) && !newer.contains("7777"), "{newer}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_as_bytes() {
        let foreign = lines(&name("eventbus"), &[0xab; 100], NOW, TEXT);
        assert!(foreign[0].starts_with("unreadable, 100 bytes: foreign bytes") && foreign[0].ends_with("ab…"), "{}", foreign[0]);
        let unknown = lines(&name("router"), b"\x01", NOW, Form::Json);
        assert_eq!(unknown, [r#"{"unreadable":"no queue of this version","length":1,"hex":"01"}"#]);
    }

    proptest! {
        #[test]
        fn any_message_in_any_queue_is_survived(inbox in "eventbus|eventbus-requests|serial-bridge|ui-proxy|ui-proxy-requests|tap-1|x",
                                                head in any::<bool>(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let whole = if head { [message(&Request::AskHealth), bytes].concat() } else { bytes };
            for form in [TEXT, Form::Json] {
                let lines = lines(&name(&inbox), &whole, NOW, form);
                prop_assert!(lines.iter().all(|line| !line.contains(char::is_control)));
            }
        }
    }
}
