//! Any payload of a frame from a mote, whatever its type; and what must hold for the frames of every family.

use eventbus::frame::{Frame, FrameError};
use mqtypes::status::Element;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, seeds};

/// The target.
pub const TARGET: Target =
    Target { name: "frame", run, seeds: || seeds::from_motes(TYPES), repair, longest: 1022, most_held: 16 * 1024, short_run: 20_000 };

/// The types of all families, those of old firmware too.
const TYPES: &[u8] = b"SVIWUECDFPAR";

/// Takes `input` for the payload of a frame from a mote.
pub fn run(input: &[u8]) -> Outcome {
    match read(input) {
        Ok(Frame::Status(_)) => "status".into(),
        Ok(Frame::Log(_)) => "log".into(),
        Ok(Frame::Data(_)) => "data".into(),
        Ok(Frame::Printf(_)) => "printf".into(),
        Ok(Frame::Sniffed(_)) => "sniffed".into(),
        Ok(Frame::LegacyAck { .. }) => "legacy ack".into(),
        Ok(Frame::LegacyRequest) => "legacy request".into(),
        Err(error) => error.reason().into(),
    }
}

/// Reads a payload. A frame gives its bytes back, flags that are neither 0 nor 1 aside; an error has a reason and words.
pub(crate) fn read(payload: &[u8]) -> Result<Frame, FrameError> {
    let frame = Frame::parse(payload).inspect_err(explains_itself)?;
    let written = frame.emit();
    assert_eq!(written.len(), payload.len(), "{frame:?}");
    let flags = flags(&frame);
    for (at, (read, written)) in payload.iter().zip(&written).enumerate() {
        let is_flag = flags.iter().any(|flag| BODY + flag == at);
        assert!(read == written || (is_flag && *read > 1 && *written == 1), "byte {at}: {read} became {written}: {frame:?}");
    }
    assert_eq!(Frame::parse(&written).as_ref(), Ok(&frame));
    Ok(frame)
}

/// Counters and messages can rely on it.
pub(crate) fn explains_itself(error: &FrameError) {
    let (reason, words) = (error.reason(), error.to_string());
    assert!((1..=32).contains(&reason.len()) && (1..=120).contains(&words.len()), "{reason}: {words}");
}

/// Where the body of a status begins: behind type, address and element.
const BODY: usize = 4;

/// Where a status has flags, as offsets in its body.
fn flags(frame: &Frame) -> &'static [usize] {
    let Frame::Status(status) = frame else { return &[] };
    match &status.element {
        Element::IsSync(_) | Element::IdManager(_) => &[0],
        Element::ScheduleRow(_) => &[4],
        Element::NeighborsRow(row) if row.in_blacklist.is_some() => &[1, 2, 4, 36, 37],
        Element::NeighborsRow(_) => &[1, 2, 4, 36],
        Element::MyDagRank(_)
        | Element::OutputBuffer(_)
        | Element::Asn(_)
        | Element::MacStats(_)
        | Element::Backoff(_)
        | Element::Queue(_)
        | Element::KaPeriod(_)
        | Element::Joined(_)
        | Element::Msf(_)
        | Element::Unknown { .. } => &[],
    }
}

/// Gives the input a type that exists.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let kind = *chance.one_of(TYPES);
    match input.first_mut() {
        Some(first) => *first = kind,
        None => input.push(kind),
    }
}

/// The payload that has `kind` as its type and `input` behind it.
pub(crate) fn payload(kind: u8, input: &[u8]) -> Vec<u8> {
    [&[kind], input].concat()
}

/// Genuine frames of these types, without their type.
pub(crate) fn bodies(types: &[u8]) -> Vec<Vec<u8>> {
    seeds::from_motes(types).into_iter().map(|frame| frame[1..].to_vec()).collect()
}
