//! Genuine inputs: what motes and hosts really said, the golden bytes of the bus, and the examples of the documents.
//!
//! Read where they stand whenever they are needed. A file that is missing is a mistake in the project, and is told as such.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use framing::flow::{Heard, Unescape};
use framing::hdlc::Decoder;
use serde_json::Value;

/// Names of the recordings.
const RECORDINGS: [&str; 3] = ["A", "B", "D"];

/// Lines read of each: enough for every kind of frame in it.
const MOST_LINES: usize = 60_000;

/// Frames kept of those that begin alike and are equally long.
const MOST_ALIKE: usize = 6;

/// What went over one port in one direction: pieces of the line, in order.
type Line = Vec<Vec<u8>>;

/// The lines of all recordings, by recording, direction and port.
static RECORDED: LazyLock<BTreeMap<(&str, String, String), Line>> = LazyLock::new(|| {
    let mut lines: BTreeMap<_, Line> = BTreeMap::new();
    for name in RECORDINGS {
        let file = File::open(project(&format!("tests/data/{name}.jsonl.gz"))).expect("the recordings stand beside the tests");
        for text in BufReader::new(GzDecoder::new(file)).lines().take(MOST_LINES) {
            let piece: Value = serde_json::from_str(&text.expect("a recording is text")).expect("a recording is JSON");
            let field = |name: &str| piece[name].as_str().expect("a recording has its fields").to_owned();
            let bytes = HEXLOWER.decode(field("hex").as_bytes()).expect("a recording is in hex");
            lines.entry((name, field("dir"), field("port"))).or_default().push(bytes);
        }
    }
    lines
});

static FROM_MOTES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut alike: BTreeMap<(Vec<u8>, usize), usize> = BTreeMap::new();
    let mut frames: Vec<_> = recorded("rx").flat_map(|line| frames(line.iter().flatten())).collect();
    frames.retain(|frame| {
        // Type and, of a status, the element: the mote's address stands between them.
        let beginning = frame.iter().take(1).chain(frame.get(3)).copied().collect();
        let seen = alike.entry((beginning, frame.len())).or_default();
        *seen += 1;
        *seen <= MOST_ALIKE
    });
    frames
});

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The lines in one direction.
fn recorded(direction: &str) -> impl Iterator<Item = &'static Line> {
    RECORDED.iter().filter(move |((_, of, _), _)| of == direction).map(|(_, line)| line)
}

fn frames<'a>(line: impl Iterator<Item = &'a u8>) -> Vec<Vec<u8>> {
    let (mut unescape, mut decoder) = (Unescape::default(), Decoder::new());
    let data = line.filter_map(|byte| match unescape.push(*byte) {
        Some(Heard::Data(data)) => Some(data),
        Some(Heard::Xon | Heard::Xoff) | None => None,
    });
    data.filter_map(|byte| decoder.push(byte)?.ok()).collect()
}

/// Payloads of frames that motes sent and whose first byte is one of `types`; of those alike a few.
pub fn from_motes(types: &[u8]) -> Vec<Vec<u8>> {
    FROM_MOTES.iter().filter(|frame| frame.first().is_some_and(|first| types.contains(first))).cloned().collect()
}

/// Payloads of frames that a host sent, which escapes nothing.
pub fn to_motes() -> Vec<Vec<u8>> {
    let frames = |line: &Line| {
        let mut decoder = Decoder::new();
        line.iter().flatten().filter_map(|byte| decoder.push(*byte)?.ok()).collect::<Vec<_>>()
    };
    recorded("tx").flat_map(frames).collect()
}

/// Pieces of what motes sent, as it was on the line; some frames each.
pub fn lines(most: usize) -> Vec<Vec<u8>> {
    let pieces: Vec<_> = recorded("rx").flat_map(|line| line.chunks(8)).collect();
    let apart = pieces.len().div_ceil(most).max(1);
    pieces.into_iter().step_by(apart).map(<[_]>::concat).collect()
}

/// The golden messages of the newest version of the bus whose file has this name.
pub fn golden(file: &str) -> Vec<Vec<u8>> {
    let version = mqtypes::envelope::CURRENT;
    let text =
        fs::read_to_string(project(&format!("mqtypes/tests/golden/v{version}/{file}.hex"))).expect("the golden bytes stand beside mqtypes");
    let hex = text.lines().filter_map(|line| line.split_once(' '));
    hex.map(|(_, hex)| HEXLOWER.decode(hex.as_bytes()).expect("golden lines are hex")).collect()
}

/// The JSON examples of the document of the UI link.
pub fn examples() -> Vec<String> {
    let text = fs::read_to_string(project("ui-proxy/UI-LINK.md")).expect("the document stands beside ui-proxy");
    let blocks = text.split("```json\n").skip(1).filter_map(|block| block.split_once("```"));
    // An example on one line, as it would be sent.
    let line = |(block, _): (&str, &str)| block.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    blocks.map(line).collect()
}

/// The file that is shipped, as it is, and with every option in it.
pub fn configurations() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(project("scripts/lbr.toml")).expect("the file stands among the scripts");
    let is_option = |line: &str| line.strip_prefix("# ").is_some_and(|rest| rest.split(' ').nth(1) == Some("="));
    let all: Vec<_> = text.lines().map(|line| if is_option(line) { &line[2..] } else { line }).collect();
    let options = all.iter().filter(|line| !line.starts_with('#')).copied().collect::<Vec<_>>().join("\n");
    vec![all.join("\n").into_bytes(), options.into_bytes(), text.into_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_genuine_inputs() {
        for (types, least) in [(b"S".as_slice(), 60), (b"VIWUEC", 20), (b"D", 20), (b"F", 20)] {
            let count = from_motes(types).len();
            assert!((least..2000).contains(&count), "{types:?}: {count}");
        }
        assert!(to_motes().len() > 50 && lines(100).len() > 50);
        assert!(golden("notification").len() > 40 && examples().len() > 30);
    }
}
