//! What genuine motes said, frame by frame, as OpenVisualizer heard it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::serial::{FaultCount, FrameFault};
use serde_json::Value;
use serial_bridge::bridge::{Bridge, Notice};
use serial_bridge::line::Opened;
use serial_bridge::output::FlowControl;
use serial_bridge::port::{Wanted, Way};
use serial_bridge::rates::Rates;

fn lines(file: &str) -> impl Iterator<Item = Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(file);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    BufReader::new(GzDecoder::new(file)).lines().map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().expect("text")
}

/// What the oracle heard on each port, and how much of it was none.
#[derive(Debug, Default)]
struct Heard {
    frames: Vec<Vec<u8>>,
    invalid: u64,
}

fn oracle(name: &str) -> BTreeMap<String, Heard> {
    let mut ports = BTreeMap::<String, Heard>::new();
    for line in lines(&format!("{name}.oracle.jsonl.gz")) {
        let heard = ports.entry(text(&line, "port").to_owned()).or_default();
        match &line["frame_hex"] {
            Value::String(frame) => heard.frames.push(hex(frame)),
            _null => heard.invalid += 1,
        }
    }
    ports
}

/// Plays a recording through the bridge: every port's frames, and the faults of all of them.
fn play(name: &str, ports: &BTreeMap<String, Heard>) -> (BTreeMap<String, Vec<Vec<u8>>>, Vec<FaultCount>) {
    let mut bridge = Bridge::new(1);
    let way = Way::Node(Rates::fixed(115_200));
    let mut add = |name: &String| bridge.add(Wanted { name: PortName(name.clone()), way: way.clone() }, Mono(0));
    let ids: BTreeMap<_, _> = ports.keys().map(|name| (name.clone(), add(name))).collect();
    for id in ids.values() {
        bridge.handle_opened(*id, Mono(0), Opened { baud: 115_200, flow: FlowControl::ByKernel });
    }
    let mut frames = BTreeMap::<String, Vec<Vec<u8>>>::new();
    for line in lines(&format!("{name}.jsonl.gz")).filter(|line| line["dir"] == "rx") {
        bridge.handle_bytes(ids[text(&line, "port")], Mono(0), &hex(text(&line, "hex")));
        while let Some(notice) = bridge.poll_notice() {
            if let Notice::Frame(frame) = notice {
                frames.entry(frame.port.0).or_default().push(frame.payload);
            }
        }
    }
    (frames, ids.values().flat_map(|id| bridge.report(*id).counters.faults).collect())
}

fn check(name: &str, motes: usize, invalid: u64) {
    let expect = oracle(name);
    let (frames, faults) = play(name, &expect);
    assert_eq!(expect.len(), motes);
    for (port, heard) in &expect {
        assert!(!heard.frames.is_empty());
        assert_eq!(frames[port].len(), heard.frames.len(), "{name} {port}");
        assert!(frames[port] == heard.frames, "{name} {port}: a frame differs");
    }
    assert_eq!(expect.values().map(|heard| heard.invalid).sum::<u64>(), invalid);
    let bad_crc = (invalid > 0).then_some(FaultCount { fault: FrameFault::BadCrc, count: invalid });
    assert_eq!(faults, Vec::from_iter(bad_crc), "{name}");
}

#[test]
fn one_mote_that_becomes_root_is_heard_frame_by_frame() {
    check("A", 1, 0);
}

#[test]
fn a_mesh_of_five_is_heard_frame_by_frame() {
    check("B", 5, 0);
}

#[test]
fn abuse_costs_eight_frames_that_are_counted_and_nothing_else() {
    check("D", 5, 8);
}
