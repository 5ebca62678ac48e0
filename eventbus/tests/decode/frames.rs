//! Every frame of the recordings, as the program tells it, held against what OpenVisualizer's own classes made of it.
//!
//! They agree in everything, or the difference is one of the rules below: where OpenVisualizer is wrong or tells less.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::bench::{data, lines, told_json};

/// The root of every recording: it alone passes packets on.
const ROOT: &str = "141592cc00000001";

/// Where we differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// It reads the mote's address in status frames with its bytes swapped, as `moteId_le`. Ours is `moteId`.
    AddressSwapped,
    /// It keeps the numbers of a log apart from the words. We tell both.
    LogInWords,
    /// It has the ASN of data and printf frames as bytes, and reads it in a wrong order too. We tell the number as well.
    AsnAsNumber,
    /// It writes what a mote prints to its own standard output. We tell it.
    PrintedText,
    /// It takes the reply to a serial echo for a packet from the mesh. We cut it in the same places, and say what it is.
    EchoForPacket,
    /// Of a frame with a wrong CRC that follows another one it has lost the bytes.
    BytesLost,
}

type Counts = BTreeMap<Rule, u64>;

fn check(recording: &str, expected: &[(Rule, u64)], to_motes: &[(&str, u64)]) {
    let told = told_json(&["--json", "--dir", "both"], &data(&format!("{recording}.jsonl.gz")));
    let (from_motes, sent): (Vec<_>, Vec<_>) = told.into_iter().partition(|frame| frame["dir"] == "rx");
    let opinions = lines(&format!("{recording}.oracle.jsonl.gz"));
    assert_eq!(from_motes.len(), opinions.len(), "{recording}");
    let mut rules = Counts::new();
    for (frame, opinion) in from_motes.into_iter().zip(opinions) {
        hold(frame, opinion, &mut rules);
    }
    assert_eq!(rules, expected.iter().copied().collect(), "{recording}");
    let mut kinds = BTreeMap::new();
    for frame in &sent {
        assert_eq!(frame["dir"], "tx");
        *kinds.entry(frame["kind"].as_str().expect("a kind")).or_insert(0) += 1;
    }
    assert_eq!(kinds, to_motes.iter().copied().collect(), "{recording}");
}

/// Both are equal once the rules have been applied.
fn hold(mut ours: Value, mut theirs: Value, rules: &mut Counts) {
    let mut apply = |rule| *rules.entry(rule).or_default() += 1;
    match theirs["kind"].as_str().expect("a kind") {
        "status" => {
            let swapped = take(&mut theirs["fields"], "moteId_le").as_u64().expect("a number") as u16;
            let told = take(&mut ours, "moteId");
            assert_eq!(told, json!(swapped.swap_bytes()), "{ours} {theirs}");
            apply(Rule::AddressSwapped);
        }
        "data" => {
            hold_asn(&mut ours, &theirs);
            apply(Rule::AsnAsNumber);
            let (is_echo, is_packet) = (take(&mut ours, "echo") == true, theirs["fields"]["dest"] == ROOT);
            assert_ne!(is_echo, is_packet, "{ours} {theirs}");
            if is_echo {
                apply(Rule::EchoForPacket);
            }
        }
        "printf" => {
            hold_asn(&mut ours, &theirs);
            apply(Rule::AsnAsNumber);
            let printed = HEXLOWER.decode(&theirs["frame_hex"].as_str().expect("hex").as_bytes()[16..]).expect("hex");
            let told = take(&mut ours, "text");
            assert_eq!(told, *String::from_utf8_lossy(&printed), "{ours} {theirs}");
            apply(Rule::PrintedText);
        }
        "invalid" => {
            let reason = take(&mut ours, "reason");
            assert_eq!(reason, "bad-crc", "{ours} {theirs}");
            if theirs["raw_hex"] == "7e7e" {
                theirs["raw_hex"] = ours["raw_hex"].clone();
                apply(Rule::BytesLost);
            }
        }
        _log => {
            let (told, level) = (take(&mut ours, "text"), take(&mut theirs, "level"));
            assert!(told.as_str().is_some_and(|text| !text.contains("unknown")), "{told} {theirs}");
            assert_eq!(level, theirs["kind"]);
            apply(Rule::LogInWords);
        }
    }
    take(&mut ours, "dir");
    // What OpenVisualizer did with the frame is another matter.
    take(&mut theirs, "bus");
    take(&mut theirs, "host_sends");
    assert_eq!(ours, theirs);
}

fn hold_asn(ours: &mut Value, theirs: &Value) {
    let bytes = theirs["fields"]["asn_le_bytes"].as_str().expect("hex");
    let told = take(ours, "asn");
    assert_eq!(told, json!(u64::from_str_radix(bytes, 16).expect("hex").swap_bytes() >> 24), "{ours} {theirs}");
}

/// A field that the other side does not have in this form; null when it is absent.
fn take(object: &mut Value, name: &str) -> Value {
    object.as_object_mut().expect("an object").remove(name).unwrap_or_default()
}

#[test]
fn every_frame_of_recording_a_is_told_as_its_oracle_tells_it() {
    let rules = [(Rule::AddressSwapped, 2_197), (Rule::LogInWords, 2), (Rule::AsnAsNumber, 2), (Rule::EchoForPacket, 2)];
    check("A", &rules, &[("echo", 2), ("set-root", 1)]);
}

#[test]
fn every_frame_of_recording_b_is_told_as_its_oracle_tells_it() {
    let rules = [(Rule::AddressSwapped, 34_437), (Rule::LogInWords, 53), (Rule::AsnAsNumber, 84), (Rule::EchoForPacket, 10)];
    check("B", &rules, &[("data", 4), ("echo", 10), ("set-root", 1)]);
}

#[test]
fn every_frame_of_recording_d_is_told_as_its_oracle_tells_it() {
    let rules = [
        (Rule::AddressSwapped, 30_212),
        (Rule::LogInWords, 257),
        (Rule::AsnAsNumber, 137 + 436),
        (Rule::PrintedText, 436),
        (Rule::EchoForPacket, 59),
        (Rule::BytesLost, 1),
    ];
    let to_motes = [("data", 70), ("echo", 63), ("invalid", 5), ("reset", 3), ("set-root", 7), ("unreadable", 9)];
    check("D", &rules, &to_motes);
}
