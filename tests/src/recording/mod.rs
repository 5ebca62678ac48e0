//! Recordings of serial lines: what motes and their host said, byte for byte, with the times.
//!
//! A file holds one JSON object a line, plain or gzipped: `{"t": seconds, "dir": "rx"|"tx", "port": "mote1", "hex": "…"}`, where
//! `rx` is from the mote. The file may come from anywhere, so that a wrong one is refused with the line and the reason, and
//! cannot make the process grow.

mod lines;
mod oracle;

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use lines::Lines;
pub use oracle::{Judged, judged, kind, kinds, kinds_by_port};

/// Each port becomes a pty; nobody records more motes than this at once.
const MOST_PORTS: usize = 1024;

/// More than three years; a later time is a mistake.
const LATEST: Duration = Duration::from_secs(100_000_000);

/// A recording, port by port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// Sorted by name.
    pub ports: Vec<RecordedPort>,
}

/// What went over one port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedPort {
    /// Its name in the recording, fit for the name of a file.
    pub name: String,
    /// From the mote to the host, in order.
    pub from_mote: Vec<Chunk>,
    /// From the host to the mote, in order.
    pub to_mote: Vec<Chunk>,
}

/// Bytes that came close together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Since the recording began; never before that of the chunk before it.
    pub at: Duration,
    /// As they were on the wire: flags, escapes, XON, XOFF, CRC.
    pub bytes: Vec<u8>,
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A line is wrong.
    #[error("{}, line {number}: {cause}", path.display())]
    BadLine {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        number: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// The file holds nothing that could be played.
    #[error("{}: no `rx` line in it, so there is nothing to play", .0.display())]
    Empty(PathBuf),
}

/// One line of the file.
#[derive(Debug, Deserialize)]
struct Line {
    t: f64,
    dir: Direction,
    port: String,
    hex: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Rx,
    Tx,
}

impl Recording {
    /// Reads a file, gzipped or not.
    pub fn load(path: &Path) -> Result<Self, RecordingError> {
        Self::read_lines(Lines::open(path)?)
    }

    /// Reads from anywhere else; `path` is for messages only.
    pub fn read(source: impl BufRead + 'static, path: &Path) -> Result<Self, RecordingError> {
        Self::read_lines(Lines::new(source, path)?)
    }

    /// When the last byte of any mote was heard.
    pub fn length(&self) -> Duration {
        self.ports.iter().filter_map(|port| port.from_mote.last()).map(|chunk| chunk.at).max().unwrap_or_default()
    }

    fn read_lines(mut lines: Lines) -> Result<Self, RecordingError> {
        let mut ports = BTreeMap::new();
        while let Some(text) = lines.next_line()? {
            if let Err(cause) = take(&text, &mut ports) {
                return Err(lines.bad(cause));
            }
        }
        if ports.values().all(|port| port.from_mote.is_empty()) {
            return Err(RecordingError::Empty(lines.path().to_owned()));
        }
        Ok(Self { ports: ports.into_values().collect() })
    }
}

fn take(text: &str, ports: &mut BTreeMap<String, RecordedPort>) -> Result<(), String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let at = Duration::try_from_secs_f64(line.t).ok().filter(|at| *at <= LATEST).ok_or_else(|| format!("`t` is {}: no time", line.t))?;
    let bytes = HEXLOWER_PERMISSIVE.decode(line.hex.as_bytes()).map_err(|error| format!("`hex`: {error}"))?;
    if !ports.contains_key(&line.port) {
        check_name(&line.port)?;
        if ports.len() == MOST_PORTS {
            return Err(format!("more than {MOST_PORTS} ports"));
        }
        ports.insert(line.port.clone(), RecordedPort { name: line.port.clone(), ..RecordedPort::default() });
    }
    let port = ports.get_mut(&line.port).expect("it was inserted when it was missing");
    let chunks = match line.dir {
        Direction::Rx => &mut port.from_mote,
        Direction::Tx => &mut port.to_mote,
    };
    let at = chunks.last().map_or(at, |before| before.at.max(at));
    chunks.push(Chunk { at, bytes });
    Ok(())
}

/// A port's name becomes the name of a file, which must stay in its directory.
fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain) {
        return Ok(());
    }
    let shown: String = name.chars().take(40).collect();
    Err(format!("`port` is `{shown}`: 1 to 64 letters, digits, `-`, `_` or `.` are expected"))
}

/// A file of the recordings that stand beside the tests, such as `A.jsonl.gz`.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Recording, String> {
        let source = io::Cursor::new(text.as_bytes().to_vec());
        Recording::read(source, Path::new("x.jsonl")).map_err(|error| error.to_string())
    }

    #[test]
    fn recording_a_has_one_port_and_three_frames_to_the_mote() {
        let recording = Recording::load(&data("A.jsonl.gz")).expect("it is there");
        let [port] = &recording.ports[..] else { panic!("one port") };
        assert_eq!((port.name.as_str(), port.from_mote.len(), port.to_mote.len()), ("mote1", 22_368, 3));
        assert_eq!(port.from_mote.iter().map(|chunk| chunk.bytes.len()).sum::<usize>(), 90_449);
        assert_eq!(port.from_mote[0].bytes, [0x7e, 0x55, 0, 1, 1, 0x4f, 0, 0, 0, 0, 0x28, 0xea, 0x7e]);
        assert_eq!(recording.length(), Duration::from_micros(219_993_709));
    }

    #[test]
    fn ports_are_sorted_and_times_never_run_backwards() {
        let line = |t: f64, port: &str| format!("{{\"t\": {t}, \"dir\": \"rx\", \"port\": \"{port}\", \"hex\": \"7E\"}}\n");
        let recording = read(&[line(2.0, "b"), line(1.0, "a"), line(1.5, "b")].concat()).expect("right");
        let times: Vec<_> = recording
            .ports
            .iter()
            .map(|port| (port.name.as_str(), port.from_mote.iter().map(|chunk| chunk.at.as_secs_f64()).collect()))
            .collect();
        assert_eq!(times, [("a", vec![1.0]), ("b", vec![2.0, 2.0])]);
    }

    #[test]
    fn a_wrong_line_is_named_with_its_fault() {
        let good = "{\"t\": 0, \"dir\": \"rx\", \"port\": \"a\", \"hex\": \"7e\"}\n";
        let cases = [
            ("nonsense", "line 2: expected"),
            ("{\"t\": -1, \"dir\": \"rx\", \"port\": \"a\", \"hex\": \"\"}", "line 2: `t` is -1"),
            ("{\"t\": 1e300, \"dir\": \"rx\", \"port\": \"a\", \"hex\": \"\"}", "line 2: `t` is"),
            ("{\"t\": 0, \"dir\": \"up\", \"port\": \"a\", \"hex\": \"\"}", "line 2: unknown variant `up`"),
            ("{\"t\": 0, \"dir\": \"rx\", \"port\": \"../a\", \"hex\": \"\"}", "line 2: `port` is `../a`"),
            ("{\"t\": 0, \"dir\": \"rx\", \"port\": \"a\", \"hex\": \"7\"}", "line 2: `hex`: "),
        ];
        for (line, fault) in cases {
            let error = read(&format!("{good}{line}")).expect_err(line);
            assert!(error.starts_with("x.jsonl, ") && error.contains(fault), "{error}");
        }
        assert_eq!(read("").expect_err("empty"), "x.jsonl: no `rx` line in it, so there is nothing to play");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Recording::load(Path::new("/nowhere/x.jsonl.gz")).expect_err("absent").to_string();
        assert!(error.starts_with("/nowhere/x.jsonl.gz: No such file"), "{error}");
    }

    #[test]
    fn an_endless_line_is_refused_and_not_kept() {
        let error = Recording::read(io::BufReader::new(io::repeat(b'x')), Path::new("x")).expect_err("endless").to_string();
        assert!(error.starts_with("x, line 1: longer than"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_can_make_the_reading_panic(text in "[ -~\n]{0,300}") {
            let _ = read(&text);
        }
    }
}
