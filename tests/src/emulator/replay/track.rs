//! One port of a recording, cut into steps that can be played: each with its time, its bytes, and what ends with it.
//!
//! Bytes are kept as they were recorded, XON, XOFF and broken frames too. The only cuts beside the recorded ones are around
//! `IdManager` reports, which a root command may have changed.

use std::ops::Range;
use std::time::Duration;

use eventbus::frame::{Frame, StatusFrame};
use framing::flow::{Heard, Unescape, XOFF, XON};
use framing::hdlc::{Decoder, FLAG};
use mqtypes::ids::Asn;
use mqtypes::serial::FrameFault;
use mqtypes::status::{Element, IdManager};

use crate::recording::{Chunk, RecordedPort, kind};

/// One port of a recording.
#[derive(Debug)]
pub(super) struct Track {
    bytes: Vec<u8>,
    steps: Vec<Step>,
    /// The mote's 16-bit address, as its first frame has it.
    pub id16: u16,
}

/// Bytes that go out together.
#[derive(Debug)]
pub(super) struct Step {
    /// Since the recording began.
    pub at: Duration,
    range: Range<usize>,
    /// What the bytes are, when it matters.
    pub report: Option<Report>,
    /// What ends with these bytes, in order.
    pub ended: Vec<Ended>,
    /// Where these bytes leave the line.
    pub leaves: Leaves,
}

/// A report that playing has to know of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Report {
    /// The bytes are this one frame, without its opening flag.
    Identity(IdManager),
    /// The mote's slot counter.
    Asn(Asn),
}

/// A frame, by its kind, or the reason why it is none.
pub(super) type Ended = Result<&'static str, FrameFault>;

/// May another frame be put in here?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Yes: the last byte but flow control was a flag, or there was none yet.
    Between,
    /// No: a frame has begun.
    Inside,
}

/// A place in the bytes where something ended.
struct Mark {
    /// From behind the opening flag to behind the closing one.
    range: Range<usize>,
    ended: Ended,
    report: Option<Report>,
}

impl Track {
    pub fn new(port: &RecordedPort) -> Self {
        let bytes: Vec<u8> = port.from_mote.iter().flat_map(|chunk| &chunk.bytes).copied().collect();
        let (marks, id16) = scan(&bytes);
        let steps = cut(&port.from_mote, &bytes, marks);
        Self { bytes, steps, id16: id16.unwrap_or_default() }
    }

    pub fn step(&self, index: usize) -> Option<&Step> {
        self.steps.get(index)
    }

    /// The bytes of a step as they were recorded.
    pub fn bytes(&self, step: &Step) -> &[u8] {
        &self.bytes[step.range.clone()]
    }

    /// XON and XOFF among the bytes of a step.
    pub fn flow_control(&self, step: &Step) -> Vec<u8> {
        self.bytes(step).iter().copied().filter(|byte| matches!(*byte, XON | XOFF)).collect()
    }
}

/// Finds what ends where, and the mote's address.
fn scan(bytes: &[u8]) -> (Vec<Mark>, Option<u16>) {
    let (mut unescape, mut decoder) = (Unescape::default(), Decoder::new());
    let (mut marks, mut id16) = (Vec::new(), None);
    let mut start = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let Some(Heard::Data(data)) = unescape.push(*byte) else { continue };
        if let Some(frame) = decoder.push(data) {
            let parsed = frame.as_ref().ok().and_then(|payload| Frame::parse(payload).ok());
            id16 = id16.or(parsed.as_ref().and_then(address));
            let ended = frame.as_ref().map(|payload| kind(payload)).map_err(|fault| *fault);
            marks.push(Mark { range: start..index + 1, ended, report: parsed.as_ref().and_then(report) });
        }
        if data == FLAG {
            start = index + 1;
        }
    }
    (marks, id16)
}

fn cut(chunks: &[Chunk], bytes: &[u8], marks: Vec<Mark>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut marks = marks.into_iter().peekable();
    let (mut from, mut end) = (0, 0);
    for chunk in chunks {
        end += chunk.bytes.len();
        while let Some(mark) = marks.peek() {
            let is_whole = mark.range.end <= end;
            if let Some(Report::Identity(_)) = mark.report {
                // What precedes the report goes out now; the report itself when it is complete.
                push_raw(&mut steps, chunk.at, bytes, from..mark.range.start.clamp(from, end));
                from = from.max(mark.range.start.min(end));
            }
            if !is_whole {
                break;
            }
            let mark = marks.next().expect("it was just looked at");
            let range = from..mark.range.end;
            from = mark.range.end;
            steps.push(Step { at: chunk.at, range, report: mark.report, ended: vec![mark.ended], leaves: Leaves::Between });
        }
        let is_held = marks.peek().is_some_and(|mark| matches!(mark.report, Some(Report::Identity(_))) && mark.range.start <= from);
        if !is_held {
            push_raw(&mut steps, chunk.at, bytes, from..end);
            from = end;
        }
    }
    steps
}

/// Bytes with which nothing ends.
fn push_raw(steps: &mut Vec<Step>, at: Duration, bytes: &[u8], range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    let before = steps.last().map_or(Leaves::Between, |step| step.leaves);
    let leaves = match bytes[range.clone()].iter().rfind(|byte| !matches!(**byte, XON | XOFF)) {
        None => before,
        Some(&FLAG) => Leaves::Between,
        Some(_inside) => Leaves::Inside,
    };
    steps.push(Step { at, range, report: None, ended: Vec::new(), leaves });
}

fn report(frame: &Frame) -> Option<Report> {
    match frame {
        Frame::Status(StatusFrame { element: Element::IdManager(id), .. }) => Some(Report::Identity(*id)),
        Frame::Status(StatusFrame { element: Element::Asn(asn), .. }) => Some(Report::Asn(*asn)),
        Frame::Status(_)
        | Frame::Log(_)
        | Frame::Data(_)
        | Frame::Printf(_)
        | Frame::Sniffed(_)
        | Frame::LegacyAck { .. }
        | Frame::LegacyRequest => None,
    }
}

fn address(frame: &Frame) -> Option<u16> {
    match frame {
        Frame::Status(frame) => Some(frame.id16),
        Frame::Log(frame) => Some(frame.id16),
        Frame::Data(frame) => Some(frame.id16),
        Frame::Printf(frame) => Some(frame.id16),
        Frame::Sniffed(frame) => Some(frame.id16),
        Frame::LegacyAck { id16 } => Some(*id16),
        Frame::LegacyRequest => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Recording, data};
    use framing::{flow, hdlc};
    use proptest::prelude::*;

    fn track(pieces: &[&[u8]]) -> Track {
        let chunk = |(index, bytes): (usize, &&[u8])| Chunk { at: Duration::from_millis(index as u64), bytes: bytes.to_vec() };
        let from_mote = pieces.iter().enumerate().map(chunk).collect();
        Track::new(&RecordedPort { name: "mote1".to_owned(), from_mote, to_mote: Vec::new() })
    }

    fn all(track: &Track) -> Vec<u8> {
        track.steps.iter().flat_map(|step| track.bytes(step)).copied().collect()
    }

    fn identity() -> Vec<u8> {
        let id = IdManager {
            is_dag_root: false,
            pan_id: 0xcafe,
            id16: 0x1301,
            eui64: "141592cc00001301".parse().expect("right"),
            prefix: [0; 8],
        };
        flow::escape(&hdlc::encode(&Frame::Status(StatusFrame { id16: 0x1301, element: Element::IdManager(id) }).emit()))
    }

    #[test]
    fn every_byte_of_the_recordings_is_played_once_and_in_order() {
        for (name, frames) in [("A", 2_201), ("B", 34_574), ("D", 31_042)] {
            let recording = Recording::load(&data(&format!("{name}.jsonl.gz"))).expect("there");
            let mut right = 0;
            for port in &recording.ports {
                let track = Track::new(port);
                let recorded: Vec<u8> = port.from_mote.iter().flat_map(|chunk| &chunk.bytes).copied().collect();
                assert!(all(&track) == recorded, "{name} {}", port.name);
                assert!(track.steps.windows(2).all(|pair| pair[0].at <= pair[1].at), "{name} {}", port.name);
                right += track.steps.iter().flat_map(|step| &step.ended).filter(|ended| ended.is_ok()).count();
                assert_eq!(format!("mote{}", track.id16), port.name);
            }
            assert_eq!(right, frames, "{name}");
        }
    }

    #[test]
    fn an_identity_is_a_step_of_its_own_however_it_was_cut() {
        let frame = identity();
        let stream = [&hdlc::encode(b"S")[..], &frame, &[0x13, 0x11], &hdlc::encode(b"S")].concat();
        for cut in 0..stream.len() {
            let track = track(&[&stream[..cut], &stream[cut..]]);
            assert_eq!(all(&track), stream);
            let [step] = track.steps.iter().filter(|step| matches!(step.report, Some(Report::Identity(_)))).collect::<Vec<_>>()[..] else {
                panic!("one identity, cut at {cut}");
            };
            assert_eq!(track.bytes(step), &frame[1..], "cut at {cut}");
        }
    }

    #[test]
    fn nothing_may_be_put_inside_a_frame() {
        use Leaves::{Between, Inside};
        let track = track(&[&[0x13, 0x11], &[0x7e], &[0x53, 0x11], &[0x66, 0x90, 0x7e], &[0x13]]);
        let leaves: Vec<Leaves> = track.steps.iter().map(|step| step.leaves).collect();
        assert_eq!(leaves, [Between, Between, Inside, Between, Between]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_played_as_they_are(
            pieces in prop::collection::vec(prop_oneof![
                prop::collection::vec(prop_oneof![any::<u8>(), Just(0x7e), Just(0x12)], 0..20),
                Just(identity()),
            ], 0..20),
            cuts in prop::collection::vec(0..40_usize, 0..20),
        ) {
            let mut rest = &pieces.concat()[..];
            let whole = rest.to_vec();
            let mut parts = Vec::new();
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                parts.push(part);
                rest = after;
            }
            parts.push(rest);
            prop_assert_eq!(all(&track(&parts)), whole);
        }
    }
}
