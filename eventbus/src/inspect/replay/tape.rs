//! What motes said in a recording, piece by piece and with the times, as often as it is to be played.
//!
//! The file is gone through once before anything is played, so that a wrong one is refused before it has ports; then it is read
//! as it is played. No more than a piece is ever kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mqtypes::ids::PortName;
use mqtypes::serial::Direction;

use super::options::Laps;
use crate::inspect::decode::input::{Input, Trouble};
use crate::inspect::decode::recording::{Chunk, Chunks, Layout};

/// Between the last byte of one lap and the first of the next.
const PAUSE: Duration = Duration::from_millis(10);

/// A recording that is played.
pub struct Tape {
    path: PathBuf,
    /// The ports that are played, in the order of their names.
    ports: BTreeMap<PortName, usize>,
    length: Duration,
    laps: Laps,
    chunks: Chunks,
    /// How much later than recorded this lap is.
    offset: Duration,
    /// The time of the piece before.
    reached: Duration,
    lap: Lap,
}

/// What this lap has had so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lap {
    /// No piece yet.
    Empty,
    /// Something was said.
    Spoken,
}

/// Bytes that a mote said together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Since the beginning of the first lap.
    pub at: Duration,
    /// Which of the ports.
    pub port: usize,
    /// As they were on the line.
    pub bytes: Vec<u8>,
}

impl Tape {
    /// Goes through a file. Of its ports those are played that `is_wanted` has.
    pub fn open(path: &Path, laps: Laps, is_wanted: impl Fn(&PortName) -> bool) -> Result<Self, Trouble> {
        let mut chunks = read(path)?;
        let (mut ports, mut length) = (BTreeMap::new(), Duration::ZERO);
        while let Some(chunk) = chunks.next_chunk()? {
            if is_said(&chunk) && is_wanted(&chunk.port) {
                length = length.max(time(&chunk));
                ports.insert(chunk.port, 0);
            }
        }
        for (index, port) in ports.values_mut().enumerate() {
            *port = index;
        }
        let (path, chunks) = (path.to_owned(), read(path)?);
        Ok(Self { path, ports, length, laps, chunks, offset: Duration::ZERO, reached: Duration::ZERO, lap: Lap::Empty })
    }

    /// The ports that have anything to say, in the order of their numbers.
    pub fn ports(&self) -> impl Iterator<Item = &PortName> {
        self.ports.keys()
    }

    /// What is said next; none at the end.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Trouble> {
        loop {
            let Some(chunk) = self.chunks.next_chunk()? else {
                match (self.laps, self.lap) {
                    (Laps::Endless, Lap::Spoken) => self.rewind()?,
                    // Somebody may have emptied the file meanwhile, too.
                    (Laps::One, _) | (Laps::Endless, Lap::Empty) => return Ok(None),
                }
                continue;
            };
            let Some(port) = self.ports.get(&chunk.port).copied().filter(|_| is_said(&chunk)) else { continue };
            self.lap = Lap::Spoken;
            // Lines of a recording may be slightly out of order.
            self.reached = self.reached.max(self.offset.saturating_add(time(&chunk)));
            return Ok(Some(Piece { at: self.reached, port, bytes: chunk.bytes }));
        }
    }

    fn rewind(&mut self) -> Result<(), Trouble> {
        self.offset = self.offset.saturating_add(self.length + PAUSE);
        self.chunks = read(&self.path)?;
        self.lap = Lap::Empty;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Chunks, Trouble> {
    Ok(Chunks::new(Input::open(path)?, Layout::Recording))
}

fn is_said(chunk: &Chunk) -> bool {
    chunk.direction == Direction::Rx && !chunk.bytes.is_empty()
}

/// A recording has times, and they have been looked at.
fn time(chunk: &Chunk) -> Duration {
    chunk.at.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(laps: Laps, wanted: &[&str], lines: &[(&str, &str, &str, &str)]) -> Tape {
        let line =
            |(t, dir, port, hex): &(&str, &str, &str, &str)| format!(r#"{{"t": {t}, "dir": "{dir}", "port": "{port}", "hex": "{hex}"}}"#);
        let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.jsonl");
        std::fs::write(&path, text).expect("written");
        let tape = Tape::open(&path, laps, |port| wanted.is_empty() || wanted.contains(&port.0.as_str())).expect("a recording");
        // A lap is read from the file again.
        if laps == Laps::Endless {
            std::mem::forget(directory);
        }
        tape
    }

    const LINES: [(&str, &str, &str, &str); 5] =
        [("0.5", "rx", "b", "01"), ("1", "tx", "a", "02"), ("1", "rx", "a", "03"), ("0.9", "rx", "b", "04"), ("2", "rx", "c", "")];

    fn pieces(mut tape: Tape, count: usize) -> Vec<(u128, usize, u8)> {
        std::iter::from_fn(|| tape.next_piece().expect("a recording"))
            .map(|piece| (piece.at.as_millis(), piece.port, piece.bytes[0]))
            .take(count)
            .collect()
    }

    #[test]
    fn what_motes_said_is_played_in_order_and_time_never_runs_backwards() {
        let tape = tape(Laps::One, &[], &LINES);
        assert_eq!(tape.ports().map(|port| port.0.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(pieces(tape, 9), [(500, 1, 1), (1000, 0, 3), (1000, 1, 4)]);
    }

    #[test]
    fn a_loop_begins_again_behind_the_end_and_an_empty_one_ends() {
        let all = pieces(tape(Laps::Endless, &["b"], &LINES), 4);
        assert_eq!(all, [(500, 0, 1), (900, 0, 4), (1410, 0, 1), (1810, 0, 4)]);
        assert_eq!(pieces(tape(Laps::Endless, &["nobody"], &LINES), 1), []);
    }
}
