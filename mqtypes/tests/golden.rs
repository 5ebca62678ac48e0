//! The bytes of every protocol version, as they were when it was first spoken.
//!
//! **A failing test here means the code is wrong, not the file.** A queue outlives its processes, so messages of older
//! builds really do arrive; a line of `golden/vN/*.hex`, once written, is never changed and never removed. Only when a
//! variant is appended may a line be appended: the test prints it. Whatever else is to change needs a new protocol version
//! with a folder of its own.
//!
//! A new variant without a sample does not compile (`samples`), and a sample without a golden line fails.

mod samples;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use mqtypes::broker::{Notification, Request, Topic};
use mqtypes::codec::{self, Item, MAX_MESSAGE, Packer};
use mqtypes::command::{Action, OutcomeState, Target};
use mqtypes::envelope::{CURRENT, Envelope, Sender};
use mqtypes::ids::{Eui64, PortName, Who};
use mqtypes::log::Severity;
use mqtypes::mesh::UinjectLayout;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::serial::{Direction, FaultCount, FrameFault, PortState, SerialCommand, SerialNotification, WriteEnd, WriteReport};
use mqtypes::status::{Element, NeighborsRow};
use mqtypes::wake::ProxyRequest;
use samples::{HEAD, Samples};

/// One golden line: its name, and the message it stands for.
struct Vector<M> {
    name: String,
    envelope: Envelope,
    items: Vec<M>,
}

fn vector<M>(name: impl Into<String>, item: M) -> Vector<M> {
    Vector { name: name.into(), envelope: HEAD, items: vec![item] }
}

/// A vector for every variant of the message itself.
fn variants<M: Samples>() -> Vec<Vector<M>> {
    M::samples().into_iter().map(|(name, item)| vector(name, item)).collect()
}

/// A vector for every variant of an enum inside the message.
fn nested<E: Samples, M>(path: &str, wrap: impl Fn(E) -> M) -> Vec<Vector<M>> {
    E::samples().into_iter().map(|(name, inner)| vector(format!("{path}.{name}"), wrap(inner))).collect()
}

#[test]
fn envelope_and_packing() {
    let wake = || ProxyRequest::Wake { port: Some(8000) };
    let mut vectors: Vec<_> = Sender::samples()
        .into_iter()
        .map(|(name, sender)| Vector { envelope: Envelope { sender, ..HEAD }, ..vector(format!("Sender.{name}"), wake()) })
        .collect();
    vectors.push(Vector { items: vec![wake(), ProxyRequest::Wake { port: None }, wake()], ..vector("ThreeItems", wake()) });
    check("envelope", vectors);
}

#[test]
fn proxy_request() {
    let mut vectors = variants();
    vectors.push(vector("Wake.without_port", ProxyRequest::Wake { port: None }));
    check("proxy_request", vectors);
}

#[test]
fn serial_command() {
    check("serial_command", variants::<SerialCommand>());
}

#[test]
fn serial_notification() {
    let mut vectors = variants();
    vectors.extend(nested("Port.PortState", |state: PortState| {
        let mut report = samples::port_report();
        report.state = state;
        SerialNotification::Port(report)
    }));
    vectors.extend(nested("Port.FrameFault", |fault: FrameFault| {
        let mut report = samples::port_report();
        report.counters.faults = vec![FaultCount { fault, count: 251 }];
        SerialNotification::Port(report)
    }));
    vectors.extend(nested("Write.WriteEnd", |end: WriteEnd| SerialNotification::Write(WriteReport { end, ..samples::write_report() })));
    vectors.extend(nested("Health.Sender", |process: Sender| {
        let mut health = samples::health();
        health.process = process;
        SerialNotification::Health(health)
    }));
    vectors.extend(nested("Bytes.Direction", |direction: Direction| {
        let mut piece = samples::line_bytes();
        piece.direction = direction;
        SerialNotification::Bytes(piece)
    }));
    check("serial_notification", vectors);
}

#[test]
fn request() {
    let mut vectors = variants();
    vectors.extend(nested("Subscribe.Topic", |topic: Topic| {
        let mut subscribe = samples::subscribe();
        subscribe.topics = vec![topic];
        Request::Subscribe(subscribe)
    }));
    vectors.extend(nested("Command.Target", |target: Target| {
        let mut command = samples::command();
        command.target = target;
        Request::Command(command)
    }));
    vectors.extend(nested("Command.Action", |action: Action| {
        let mut command = samples::command();
        command.action = action;
        Request::Command(command)
    }));
    check("request", vectors);
}

#[test]
fn notification() {
    let mut vectors = variants();
    vectors.extend(nested("Mote.Source", |source: Source| Notification::Mote(MoteEntry { source, ..samples::mote_entry() })));
    vectors.extend(nested("Mote.Link", |link: Link| Notification::Mote(MoteEntry { link, ..samples::mote_entry() })));
    vectors.push(vector("Mote.unnamed", Notification::Mote(samples::unnamed_mote_entry())));
    vectors
        .push(vector("MoteGone.by_address", Notification::MoteGone(Who { mote: Some(Eui64(*b"\x14\x15\x92\xcc\0\0\0\x02")), port: None })));
    vectors.push(vector("MoteGone.by_port", Notification::MoteGone(Who { mote: None, port: Some(PortName("/dev/ttyUSB1".to_owned())) })));
    vectors.extend(nested("Status.Element", samples::status));
    let legacy = NeighborsRow { in_blacklist: Some(true), ..samples::neighbors_row() };
    vectors.push(vector("Status.Element.NeighborsRow.legacy", samples::status(Element::NeighborsRow(legacy))));
    vectors.extend(nested("Log.Severity", |severity: Severity| {
        let mut log = samples::mote_log();
        log.severity = severity;
        Notification::Log(log)
    }));
    vectors.extend(nested("Outcome.OutcomeState", |state: OutcomeState| {
        let mut outcome = samples::outcome();
        outcome.state = state;
        Notification::Outcome(outcome)
    }));
    vectors.push(vector("Outcome.echo", Notification::Outcome(samples::echo_outcome())));
    vectors.extend(nested("Uinject.UinjectLayout", |layout: UinjectLayout| {
        let mut report = samples::uinject_report();
        report.layout = layout;
        Notification::Uinject(report)
    }));
    check("notification", vectors);
}

/// Queues outlive their processes, so a message of an older build is met one day, and must be told apart from damage.
#[test]
fn every_message_of_an_older_version_is_refused_by_its_version() {
    for version in 1..CURRENT {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}"));
        let mut lines = 0;
        for file in fs::read_dir(&folder).expect("every version has its folder") {
            let text = fs::read_to_string(file.expect("listed").path()).expect("readable");
            for (name, hex) in text.lines().map(|line| line.split_once(' ').expect("name and hex")) {
                let refused = codec::decode::<Notification>(&from_hex(hex)).expect_err(name);
                assert_eq!(refused, codec::DecodeError::Older { got: version }, "{name}");
                lines += 1;
            }
        }
        assert!(lines > 0, "{}", folder.display());
    }
}

/// Holds every vector against its golden line, in both directions, and every golden line against a vector.
fn check<M: Item + PartialEq + Debug>(file: &str, vectors: Vec<Vector<M>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{CURRENT}/{file}.hex"));
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut golden: BTreeMap<&str, &str> = text.lines().map(|line| line.split_once(' ').expect("name and hex")).collect();
    assert_eq!(golden.len(), text.lines().count(), "{}: a name occurs twice", path.display());

    let mut missing = Vec::new();
    for Vector { name, envelope, items } in vectors {
        let bytes = encode(&envelope, &items);
        let Some(line) = golden.remove(name.as_str()) else {
            missing.push(format!("{name} {}", to_hex(&bytes)));
            continue;
        };
        assert_eq!(to_hex(&bytes), line, "{name} is encoded in another way than version {CURRENT} has it");
        assert_eq!(codec::decode(&from_hex(line)), Ok((envelope, items)), "{name} of version {CURRENT} is not understood any more");
    }
    assert!(golden.is_empty(), "{}: no sample makes these lines any more: {:?}", path.display(), golden.keys());
    assert!(missing.is_empty(), "no golden line; append these to {}:\n{}\n", path.display(), missing.join("\n"));
}

fn encode<M: Item>(envelope: &Envelope, items: &[M]) -> Vec<u8> {
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut packer = Packer::new(&mut buffer, envelope).expect("the head fits");
    for item in items {
        packer.push(item).expect("a sample fits");
    }
    packer.bytes().to_vec()
}

fn to_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from_digit(digit.into(), 16).expect("four bits")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}
