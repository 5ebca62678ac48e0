//! What a second, independent reader made of a recording: one opinion on each frame, in order.
//!
//! Known faults of that reader stand in the recordings' README; here its opinions are handed over as they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use eventbus::frame::Frame;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::RecordingError;
use super::lines::Lines;

/// The oracle's opinion on one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// When the line of the recording with its closing flag was heard.
    pub at: Duration,
    /// On which port.
    pub port: String,
    /// `status`, `data`, `printf`, `sniffed`, a log's severity in lower case, or `invalid`.
    pub kind: String,
    /// The payload, without CRC; none when the frame is invalid.
    pub payload: Option<Vec<u8>>,
    /// The name of the status element, or of the component that logs.
    pub element: Option<String>,
    /// The fields as the oracle reads and names them.
    pub fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct Opinion {
    t: f64,
    port: String,
    kind: String,
    frame_hex: Option<String>,
    element: Option<String>,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// All opinions of a file such as `A.oracle.jsonl.gz`, in order.
pub fn judged(path: &Path) -> Result<Vec<Judged>, RecordingError> {
    let mut all = Vec::new();
    for_each(path, |frame| all.push(frame))?;
    Ok(all)
}

/// How many frames there are of each kind.
pub fn kinds(path: &Path) -> Result<BTreeMap<String, u64>, RecordingError> {
    let mut kinds = BTreeMap::new();
    for_each(path, |frame| *kinds.entry(frame.kind).or_default() += 1)?;
    Ok(kinds)
}

/// The same for each port.
pub fn kinds_by_port(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, u64>>, RecordingError> {
    let mut ports: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for_each(path, |frame| *ports.entry(frame.port).or_default().entry(frame.kind).or_default() += 1)?;
    Ok(ports)
}

/// The name that the oracle has for the kind of a frame with this payload; `unknown` where it has none.
pub fn kind(payload: &[u8]) -> &'static str {
    match Frame::parse(payload) {
        Ok(Frame::Status(_)) => "status",
        Ok(Frame::Log(log)) => log.severity.name(),
        Ok(Frame::Data(_)) => "data",
        Ok(Frame::Printf(_)) => "printf",
        Ok(Frame::Sniffed(_)) => "sniffed",
        Ok(Frame::LegacyAck { .. } | Frame::LegacyRequest) | Err(_) => "unknown",
    }
}

fn for_each(path: &Path, mut take: impl FnMut(Judged)) -> Result<(), RecordingError> {
    let mut lines = Lines::open(path)?;
    while let Some(text) = lines.next_line()? {
        take(parse(&text).map_err(|cause| lines.bad(cause))?);
    }
    Ok(())
}

fn parse(text: &str) -> Result<Judged, String> {
    let Opinion { t, port, kind, frame_hex, element, fields } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let payload = frame_hex.map(|hex| HEXLOWER.decode(hex.as_bytes())).transpose().map_err(|error| format!("`frame_hex`: {error}"))?;
    let at = Duration::try_from_secs_f64(t).map_err(|error| format!("`t`: {error}"))?;
    Ok(Judged { at, port, kind, payload, element, fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::data;

    #[test]
    fn the_oracle_counts_what_the_recordings_are_known_to_hold() {
        let kinds = kinds(&data("A.oracle.jsonl.gz")).expect("there");
        let expected = [("data", 2), ("error", 1), ("status", 2197), ("success", 1)];
        assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
        let by_port = kinds_by_port(&data("D.oracle.jsonl.gz")).expect("there");
        assert_eq!(by_port.len(), 5);
        assert_eq!(by_port.values().filter_map(|kinds| kinds.get("invalid")).sum::<u64>(), 8);
    }

    #[test]
    fn kinds_have_the_oracles_names() {
        for frame in judged(&data("D.oracle.jsonl.gz")).expect("there") {
            if let Some(payload) = frame.payload {
                assert_eq!(kind(&payload), frame.kind);
            }
        }
        assert_eq!([kind(b""), kind(b"Z"), kind(b"R")], ["unknown"; 3]);
    }
}
