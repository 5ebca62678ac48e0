//! Frames out of chunks: each port has a line in each direction, and what was seen on it is a frame or was to be one.

use std::collections::BTreeMap;

use framing::flow::{Heard, Unescape};
use framing::hdlc::{Decoder, FLAG, LONGEST};
use mqtypes::ids::PortName;
use mqtypes::serial::{Direction, FrameFault};

use super::recording::Chunk;
use crate::frame::{Frame, FrameError, HostFrame};

/// The most that is kept of a frame in case that it is none: every byte of the longest one escaped, and its flags.
const MOST_RAW: usize = 2 * LONGEST + 2;

/// A frame, and when and where it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// That of the chunk with its closing flag.
    pub at: Option<f64>,
    /// On which port.
    pub port: PortName,
    /// What it is.
    pub content: Content,
}

/// What was between two flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A mote said something.
    FromMote {
        /// What it means.
        frame: Frame,
        /// Its bytes without CRC.
        payload: Vec<u8>,
        /// How it came about.
        cause: Cause,
    },
    /// The host said something to a mote.
    ToMote {
        /// What it means.
        frame: HostFrame,
        /// Its bytes without CRC.
        payload: Vec<u8>,
    },
    /// The CRC is right, but the bytes make no sense.
    Unreadable {
        /// Who sent it.
        direction: Direction,
        /// Its bytes without CRC.
        payload: Vec<u8>,
        /// What is wrong with it.
        error: FrameError,
    },
    /// No frame.
    Invalid {
        /// Who sent it.
        direction: Direction,
        /// Its bytes on the wire with both flags, but without flow control; at most [`MOST_RAW`].
        raw: Vec<u8>,
        /// Why it is none.
        fault: FrameFault,
    },
}

/// Why a mote said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Of its own accord.
    Own,
    /// The host had sent the same bytes, to be sent back.
    Echo,
}

impl Content {
    /// Who sent it.
    pub fn direction(&self) -> Direction {
        match self {
            Self::FromMote { .. } => Direction::Rx,
            Self::ToMote { .. } => Direction::Tx,
            Self::Unreadable { direction, .. } | Self::Invalid { direction, .. } => *direction,
        }
    }

    fn of(direction: Direction, framed: Result<Vec<u8>, FrameFault>, raw: Vec<u8>) -> Self {
        let payload = match framed {
            Ok(payload) => payload,
            Err(fault) => return Self::Invalid { direction, raw, fault },
        };
        match direction {
            Direction::Rx => match Frame::parse(&payload) {
                Ok(frame) => Self::FromMote { frame, payload, cause: Cause::Own },
                Err(error) => Self::Unreadable { direction, payload, error },
            },
            Direction::Tx => match HostFrame::parse(&payload) {
                Ok(frame) => Self::ToMote { frame, payload },
                Err(error) => Self::Unreadable { direction, payload, error },
            },
        }
    }
}

/// All lines of a recording. It knows no file and no time of its own.
#[derive(Debug, Default)]
pub struct Lines {
    lines: BTreeMap<(PortName, Direction), Line>,
}

impl Lines {
    /// The frames that this chunk ends, in order.
    pub fn handle_chunk(&mut self, chunk: &Chunk) -> Vec<Seen> {
        let Chunk { at, direction, port, bytes } = chunk;
        let line = self.lines.entry((port.clone(), *direction)).or_insert_with(|| Line::new(*direction));
        let contents = bytes.iter().filter_map(|byte| line.push(*byte));
        contents.map(|content| Seen { at: *at, port: port.clone(), content }).collect()
    }
}

/// One direction of one port.
#[derive(Debug)]
struct Line {
    direction: Direction,
    /// Motes alone have flow control in what they send.
    flow: Option<Unescape>,
    hdlc: Decoder,
    /// Since the last flag, for a person to look at when it was no frame.
    raw: Vec<u8>,
}

impl Line {
    fn new(direction: Direction) -> Self {
        let flow = match direction {
            Direction::Rx => Some(Unescape::default()),
            Direction::Tx => None,
        };
        Self { direction, flow, hdlc: Decoder::new(), raw: Vec::new() }
    }

    fn push(&mut self, byte: u8) -> Option<Content> {
        let byte = match self.flow.as_mut().map(|flow| flow.push(byte)) {
            None => byte,
            Some(Some(Heard::Data(byte))) => byte,
            Some(Some(Heard::Xon | Heard::Xoff) | None) => return None,
        };
        if self.raw.len() < MOST_RAW {
            self.raw.push(byte);
        }
        let framed = self.hdlc.push(byte);
        if byte != FLAG {
            return None;
        }
        // The flag that ends a frame may begin the next one.
        let raw = std::mem::replace(&mut self.raw, vec![FLAG]);
        framed.map(|framed| Content::of(self.direction, framed, raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framing::{flow, hdlc};
    use proptest::prelude::*;

    fn seen(direction: Direction, bytes: &[u8]) -> Vec<Content> {
        let chunk = |bytes: &[u8]| Chunk { at: Some(1.0), direction, port: PortName("a".to_owned()), bytes: bytes.to_vec() };
        let mut lines = Lines::default();
        // Where chunks begin means nothing.
        bytes.chunks(3).flat_map(|bytes| lines.handle_chunk(&chunk(bytes))).map(|seen| seen.content).collect()
    }

    #[test]
    fn flow_control_is_taken_out_of_what_a_mote_sends_and_left_in_what_it_is_sent() {
        let echo = [&b"S"[..], &[0x11, 0x12, 0x13, 0x7e, 0x7d]].concat();
        let sent = seen(Direction::Tx, &hdlc::encode(&echo));
        assert_eq!(sent, [Content::ToMote { frame: HostFrame::Echo(echo[1..].to_vec()), payload: echo.clone() }]);
        let data = [&b"D\0\x01\0\0\0\0\0"[..], &echo[1..]].concat();
        let mut line = flow::escape(&hdlc::encode(&data));
        line.insert(4, flow::XOFF);
        line.insert(9, flow::XON);
        assert!(matches!(&seen(Direction::Rx, &line)[..], [Content::FromMote { payload, .. }] if *payload == data));
    }

    #[test]
    fn what_is_no_frame_keeps_its_bytes_with_both_flags() {
        let line = [0x13, 0x7e, 0x53, 0x13, 0x66, 0x12, 0x01, 0x7d, 0x5e, 0x91, 0x7e, 0x53, 0x66, 0x90, 0x7e];
        let [Content::Invalid { direction: Direction::Rx, raw, fault: FrameFault::BadCrc }, Content::Unreadable { payload, .. }] =
            &seen(Direction::Rx, &line)[..]
        else {
            panic!("one is none, and the next is too short to be a status")
        };
        assert_eq!((&raw[..], &payload[..]), (&[0x7e, 0x53, 0x66, 0x11, 0x7d, 0x5e, 0x91, 0x7e][..], &b"S"[..]));
    }

    #[test]
    fn of_an_endless_frame_a_part_is_kept() {
        let line = [vec![FLAG], vec![0x55; 100_000], vec![FLAG]].concat();
        let seen = seen(Direction::Rx, &line);
        assert!(matches!(&seen[..], [Content::Invalid { raw, fault: FrameFault::TooLong, .. }] if raw.len() == MOST_RAW));
    }

    #[test]
    fn a_frame_that_the_host_should_not_have_sent_is_told_as_such() {
        let seen = seen(Direction::Tx, &hdlc::encode(b"C\0\x01\x0a"));
        assert!(matches!(&seen[..], [Content::Unreadable { direction: Direction::Tx, error: FrameError::UnknownType(b'C'), .. }]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            for direction in [Direction::Rx, Direction::Tx] {
                for content in seen(direction, &bytes) {
                    if let Content::Invalid { raw, .. } = content {
                        prop_assert!(raw.len() <= MOST_RAW && raw.starts_with(&[FLAG]));
                    }
                }
            }
        }
    }
}
