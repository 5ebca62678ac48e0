//! Every frame of the recordings is written again as it was read.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use data_encoding::HEXLOWER;
use eventbus::frame::Frame;
use flate2::read::GzDecoder;
use serde_json::Value;

#[test]
fn what_was_read_is_written_as_the_same_bytes() {
    for (recording, frames) in [("A", 2_201), ("B", 34_574), ("D", 31_042)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/data/{recording}.oracle.jsonl.gz"));
        let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut written = 0;
        for line in BufReader::new(GzDecoder::new(file)).lines() {
            let opinion: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            let Some(hex) = opinion["frame_hex"].as_str() else { continue };
            let frame = Frame::parse(&HEXLOWER.decode(hex.as_bytes()).expect("hex")).unwrap_or_else(|error| panic!("{error}: {opinion}"));
            assert_eq!(HEXLOWER.encode(&frame.emit()), hex, "{frame:?}");
            written += 1;
        }
        assert_eq!(written, frames, "{recording}");
    }
}
