//! `S` frames: every element, at every length.

use eventbus::frame::Frame;
use eventbus::model::Slot;
use mqtypes::status::Element;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, frame};

/// The target. Its input is a payload without its type.
pub const TARGET: Target =
    Target { name: "status", run, seeds: || frame::bodies(b"S"), repair, longest: 1021, most_held: 16 * 1024, short_run: 20_000 };

/// Element and length of its body, as firmware has them.
const ELEMENTS: [(u8, usize); 15] =
    [(0, 1), (1, 21), (2, 2), (3, 4), (4, 5), (5, 15), (6, 31), (7, 2), (8, 40), (8, 20), (9, 40), (9, 41), (10, 2), (11, 5), (12, 2)];

/// Address and element, in front of the body.
const HEAD: usize = 3;

/// Takes `input` for what follows the `S`. A body of the length that its element has is understood; any other stays as it came.
pub fn run(input: &[u8]) -> Outcome {
    let status = match frame::read(&frame::payload(b'S', input)) {
        Ok(Frame::Status(status)) => status,
        Ok(other) => panic!("no status: {other:?}"),
        Err(error) => return error.reason().into(),
    };
    let is_known = ELEMENTS.contains(&(input[HEAD - 1], input.len() - HEAD)) || is_queue(input);
    assert_eq!(is_known, !matches!(status.element, Element::Unknown { .. }), "{status:?}");
    // The model files it; a table's row under its number.
    let slot = Slot::of(&status.element);
    name(&status.element, slot)
}

/// A queue may have any number of entries.
fn is_queue(input: &[u8]) -> bool {
    input[HEAD - 1] == 8 && (input.len() - HEAD).is_multiple_of(2)
}

fn name(element: &Element, slot: Slot) -> Outcome {
    match element {
        Element::IsSync(_) => "IsSync".into(),
        Element::IdManager(_) => "IdManager".into(),
        Element::MyDagRank(_) => "MyDagRank".into(),
        Element::OutputBuffer(_) => "OutputBuffer".into(),
        Element::Asn(_) => "Asn".into(),
        Element::MacStats(_) => "MacStats".into(),
        Element::ScheduleRow(row) => {
            assert_eq!(slot, Slot::ScheduleRow(row.row));
            "Schedule".into()
        }
        Element::Backoff(_) => "Backoff".into(),
        Element::Queue(_) => "Queue".into(),
        Element::NeighborsRow(row) => {
            assert_eq!(slot, Slot::NeighborsRow(row.row));
            if row.in_blacklist.is_some() { "Neighbors, legacy".into() } else { "Neighbors".into() }
        }
        Element::KaPeriod(_) => "kaPeriod".into(),
        Element::Joined(_) => "Joined".into(),
        Element::Msf(_) => "MSF".into(),
        Element::Unknown { element, .. } if ELEMENTS.iter().any(|(number, _)| number == element) => "unknown length".into(),
        Element::Unknown { .. } => "unknown element".into(),
    }
}

/// Gives the input an element that exists and the length of its body, or nearly so.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let (element, length) = *chance.one_of(&ELEMENTS);
    let nearly = if chance.once_in(8) { chance.below(3) } else { 1 };
    input.resize(HEAD + length + nearly - 1, chance.byte());
    input[HEAD - 1] = element;
}
