//! The hub without its queues, and recorded frames to feed it with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use bus::process::Identity;
use data_encoding::HEXLOWER;
use eventbus::commands::Commands;
use eventbus::hub::Hub;
use eventbus::model::Model;
use eventbus::network::{DEFAULT_PREFIX, Network};
use eventbus::roles::WantedRoles;
use flate2::read::GzDecoder;
use mqtypes::broker::{Notification, Request, Subscribe, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::serial::{PortCounters, PortReport, PortState, ReceivedFrame, SerialNotification};
use serde_json::Value;
use tempfile::TempDir;

/// The network's.
pub const KEY: [u8; 16] = [7; 16];

pub const TAP: &str = "tap-1";
pub const START: Mono = Mono(1_000_000);

pub struct Stage {
    pub hub: Hub,
    /// The start of `serial-bridge` that speaks.
    pub bridge: BootId,
    _directory: TempDir,
}

impl Stage {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("made");
        let roles = WantedRoles::load(&directory.path().join("wanted-roles")).expect("empty");
        let network = Network { prefix: DEFAULT_PREFIX, key_index: 1, key: KEY };
        let identity = Identity { started: START, ..Identity::new(Sender::Eventbus) };
        let hub = Hub::new(identity, Model::new(), Commands::new(BootId(1), network, roles));
        Self { hub, bridge: BootId(1), _directory: directory }
    }

    pub fn subscribed(topics: &[Topic]) -> Self {
        let mut stage = Self::new();
        let wish = Subscribe { reply: TAP.to_owned(), topics: topics.to_vec(), lease_ms: 3_600_000 };
        stage.request(START, Request::Subscribe(wish));
        stage
    }

    pub fn request(&mut self, now: Mono, request: Request) {
        self.hub.handle_request(now, &envelope(Sender::Tool), request);
    }

    pub fn serial(&mut self, now: Mono, notification: SerialNotification) {
        let envelope = Envelope { boot: self.bridge, ..envelope(Sender::SerialBridge) };
        self.hub.handle_serial(now, &envelope, notification);
    }

    pub fn frame(&mut self, at: Mono, port: &str, payload: Vec<u8>) {
        let frame = ReceivedFrame { port: PortName(port.to_owned()), generation: Generation(1), heard: at, payload };
        self.serial(at, SerialNotification::Frame(frame));
    }

    /// What has been told to the tap, which reads everything at once.
    pub fn told(&mut self) -> Vec<Notification> {
        let (broker, resolve) = self.hub.settle();
        let mut told = Vec::new();
        for (_, mailbox) in broker.waiting().filter(|(reply, _)| *reply == TAP) {
            told.extend(mailbox.iter().filter_map(|entry| entry.tell(&resolve, Clone::clone)));
            mailbox.clear();
        }
        told
    }

    pub fn counts(&mut self) -> BTreeMap<String, u64> {
        let count = |notification| if let Notification::Count(count) = notification { Some((count.signal, count.num)) } else { None };
        let mut sums = BTreeMap::new();
        for (signal, num) in self.told().into_iter().filter_map(count) {
            *sums.entry(signal).or_insert(0) += num;
        }
        sums
    }
}

pub fn envelope(sender: Sender) -> Envelope {
    Envelope { sender, boot: BootId(1), seq: 0, sent: START }
}

pub fn report(port: &str, counters: PortCounters) -> PortReport {
    PortReport { port: PortName(port.to_owned()), generation: Generation(1), state: PortState::Up, since: START, baud: 115_200, counters }
}

/// What the oracle saw: when, on which port, and the frame's bytes and kind.
pub fn recording(name: &str) -> Vec<(Mono, String, Option<Vec<u8>>, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/data/{name}.oracle.jsonl.gz"));
    let lines = BufReader::new(GzDecoder::new(File::open(path).expect("there"))).lines();
    lines
        .map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"))
        .map(|line| {
            let micros = (line["t"].as_f64().expect("t") * 1e6) as u64;
            let bytes = line["frame_hex"].as_str().map(|hex| HEXLOWER.decode(hex.as_bytes()).expect("hex"));
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (Mono(START.0 + micros), text("port"), bytes, text("kind"))
        })
        .collect()
}

pub fn play(stage: &mut Stage, name: &str) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for port in ["mote1", "mote2", "mote3", "mote4", "mote5"] {
        stage.serial(START, SerialNotification::Port(report(port, PortCounters::default())));
    }
    for (at, port, bytes, kind) in recording(name) {
        let Some(bytes) = bytes else { continue };
        stage.frame(at, &port, bytes);
        *kinds.entry(kind).or_insert(0) += 1;
    }
    kinds
}
