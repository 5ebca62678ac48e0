//! A recording, played through framing and the event bus as fast as they go; the recording's time is the only clock.

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
use framing::flow::{Heard, Unescape};
use framing::hdlc::Decoder;
use mqtypes::broker::{Request, Subscribe, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::serial::{ReceivedFrame, SerialNotification};
use serde_json::Value;

const START: Mono = Mono(1_000_000);

/// A subscriber to everything, who reads at once.
const SUBSCRIBER: &str = "tap-1";

/// What a mote sent.
pub struct Chunk {
    pub at: Mono,
    pub port: PortName,
    pub bytes: Vec<u8>,
}

/// What came of it.
pub struct Played {
    pub hub: Hub,
    pub frames: usize,
    pub invalid: usize,
    /// Notifications to the subscriber.
    pub told: usize,
}

/// What the motes of a recording sent, in order.
pub fn recording(name: &str) -> Vec<Chunk> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/data/{name}.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"));
    let chunk = |line: Value| Chunk {
        at: Mono(START.0 + (line["t"].as_f64().expect("t") * 1e6) as u64),
        port: PortName(line["port"].as_str().expect("port").to_owned()),
        bytes: HEXLOWER.decode(line["hex"].as_str().expect("hex").as_bytes()).expect("hex"),
    };
    lines.filter(|line| line["dir"] == "rx").map(chunk).collect()
}

/// Plays it.
pub fn play(recording: &[Chunk]) -> Played {
    let mut played = Played { hub: hub(), frames: 0, invalid: 0, told: 0 };
    let mut lines: BTreeMap<&PortName, (Unescape, Decoder)> = BTreeMap::new();
    for Chunk { at, port, bytes } in recording {
        let (flow, hdlc) = lines.entry(port).or_default();
        for byte in bytes {
            let Some(Heard::Data(byte)) = flow.push(*byte) else { continue };
            match hdlc.push(byte) {
                Some(Ok(payload)) => {
                    played.frames += 1;
                    let frame = ReceivedFrame { port: port.clone(), generation: Generation(1), heard: *at, payload };
                    played.hub.handle_serial(*at, &envelope(Sender::SerialBridge), SerialNotification::Frame(frame));
                }
                Some(Err(_)) => played.invalid += 1,
                None => {}
            }
        }
        if played.hub.poll_timeout().is_some_and(|due| due <= *at) {
            played.hub.handle_timeout(*at);
        }
        played.told += tell(&mut played.hub);
    }
    played
}

fn hub() -> Hub {
    let roles = WantedRoles::load(Path::new("/dev/null")).expect("empty");
    let network = Network { prefix: DEFAULT_PREFIX, key_index: 1, key: [7; 16] };
    let identity = Identity { started: START, ..Identity::new(Sender::Eventbus) };
    let mut hub = Hub::new(identity, Model::new(), Commands::new(BootId(1), network, roles));
    let wish = Subscribe { reply: SUBSCRIBER.to_owned(), topics: Topic::ALL.to_vec(), lease_ms: 3_600_000 };
    hub.handle_request(START, &envelope(Sender::Tool), Request::Subscribe(wish));
    hub
}

fn envelope(sender: Sender) -> Envelope {
    Envelope { sender, boot: BootId(1), seq: 0, sent: START }
}

/// Hands everything that waits to the subscriber.
fn tell(hub: &mut Hub) -> usize {
    let (broker, resolve) = hub.settle();
    let mut told = 0;
    for (_, mailbox) in broker.waiting() {
        told += mailbox.iter().filter_map(|entry| entry.tell(&resolve, |_| ())).count();
        mailbox.clear();
    }
    told
}
