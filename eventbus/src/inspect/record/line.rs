//! One piece of a serial line as one line of a recording, and the line that says where pieces are missing.
//!
//! Every reader of recordings takes both: the latter is a line without bytes, which tells one thing more.

use data_encoding::HEXLOWER;
use mqtypes::mono::Mono;
use mqtypes::serial::LineBytes;

use super::gaps::Gap;

/// A piece, in a recording that began at `begun`.
pub fn piece(begun: Mono, piece: &LineBytes) -> String {
    format!(r#"{}"hex": "{}"}}"#, head(begun, piece), HEXLOWER.encode(&piece.bytes))
}

/// What is missing before this piece.
pub fn gap(begun: Mono, piece: &LineBytes, gap: Gap) -> String {
    let lost = match gap {
        Gap::Bytes(count) => count.to_string(),
        Gap::Unknown => "null".to_owned(),
    };
    format!(r#"{}"hex": "", "lost": {lost}}}"#, head(begun, piece))
}

fn head(begun: Mono, piece: &LineBytes) -> String {
    let micros = piece.at.since(begun).as_micros();
    let port = serde_json::to_string(&piece.port).expect("text");
    format!(r#"{{"t": {}.{:06}, "dir": "{}", "port": {port}, "#, micros / 1_000_000, micros % 1_000_000, piece.direction.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::decode::input::Input;
    use crate::inspect::decode::recording::{Chunk, Chunks, Layout};
    use mqtypes::ids::{Generation, PortName};
    use mqtypes::serial::{Direction, MAX_LINE_BYTES};
    use proptest::prelude::*;

    const BEGUN: Mono = Mono(5_000_000);

    fn sample(port: &str, direction: Direction, at: u64, bytes: Vec<u8>) -> LineBytes {
        let port = PortName(port.to_owned());
        LineBytes { port, generation: Generation(1), direction, at: Mono(at), offset: 0, bytes }
    }

    /// What `decode` and `replay` read.
    fn read(text: String) -> Vec<Chunk> {
        let input = Input::new(std::io::Cursor::new(text.into_bytes()), "x".to_owned()).expect("there");
        let mut chunks = Chunks::new(input, Layout::Recording);
        std::iter::from_fn(|| chunks.next_chunk().expect("a recording")).collect()
    }

    #[test]
    fn a_piece_is_a_line_as_recordings_have_it() {
        let piece_of_a = sample("/dev/ttyUSB0", Direction::Tx, 6_000_042, vec![0x7e, 0x53]);
        assert_eq!(piece(BEGUN, &piece_of_a), r#"{"t": 1.000042, "dir": "tx", "port": "/dev/ttyUSB0", "hex": "7e53"}"#);
        let early = sample("a\"b", Direction::Rx, 0, vec![1]);
        assert_eq!(piece(BEGUN, &early), r#"{"t": 0.000000, "dir": "rx", "port": "a\"b", "hex": "01"}"#);
    }

    #[test]
    fn what_is_missing_is_told_on_a_line_that_every_reader_takes() {
        let after = sample("a", Direction::Rx, 6_000_000, vec![1]);
        let line = gap(BEGUN, &after, Gap::Bytes(17));
        assert_eq!(line, r#"{"t": 1.000000, "dir": "rx", "port": "a", "hex": "", "lost": 17}"#);
        assert!(read(line)[0].bytes.is_empty());
        assert!(gap(BEGUN, &after, Gap::Unknown).ends_with(r#""lost": null}"#));
    }

    proptest! {
        #[test]
        fn what_was_recorded_is_read_again(
            pieces in prop::collection::vec(
                ("[ -~äß€😀\n]{1,24}", prop::sample::select(vec![Direction::Rx, Direction::Tx]), 5_000_000..9_000_000_000_000_u64,
                 prop::collection::vec(any::<u8>(), 1..=MAX_LINE_BYTES)),
                1..20,
            )
        ) {
            let pieces: Vec<_> =
                pieces.into_iter().map(|(port, direction, at, bytes)| sample(&port, direction, at, bytes)).collect();
            let text: String = pieces.iter().map(|each| piece(BEGUN, each) + "\n").collect();
            let read = read(text);
            prop_assert_eq!(read.len(), pieces.len());
            for (read, piece) in read.iter().zip(&pieces) {
                let micros = (read.at.expect("a time") * 1e6).round() as u64;
                prop_assert_eq!((&read.port, read.direction.name(), &read.bytes), (&piece.port, piece.direction.name(), &piece.bytes));
                prop_assert_eq!(micros, piece.at.0 - BEGUN.0);
            }
        }
    }
}
