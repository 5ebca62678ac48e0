//! Frames to a mote: read as the firmware would, and never written longer than a mote takes.

use eventbus::frame::{HostFrame, MAX_ECHO, MAX_LOWPAN};
use mqtypes::ids::Eui64;
use mqtypes::serial::MAX_PAYLOAD_TO_MOTE;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, frame, seeds};

/// The target.
pub const TARGET: Target =
    Target { name: "to_mote", run, seeds: seeds::to_motes, repair, longest: 1022, most_held: 16 * 1024, short_run: 20_000 };

/// Takes `input` for the payload of a frame to a mote. What is read gives its bytes back, what follows a reset aside, which the
/// firmware does not look at; and the same bytes as echo or packet are taken up to the longest, and no further.
pub fn run(input: &[u8]) -> Outcome {
    is_taken_up_to_the_longest(&HostFrame::Echo(input.to_vec()), input.len(), MAX_ECHO);
    is_taken_up_to_the_longest(&HostFrame::Data { next_hop: Eui64([7; 8]), lowpan: input.to_vec() }, input.len(), MAX_LOWPAN);
    let read = match HostFrame::parse(input) {
        Ok(read) => read,
        Err(error) => {
            frame::explains_itself(&error);
            return error.reason().into();
        }
    };
    let written = read.emit().expect("what was read can be written");
    match read {
        HostFrame::Reset => assert_eq!(written, &input[..1]),
        HostFrame::SetRoot(_) | HostFrame::Data { .. } | HostFrame::Echo(_) => assert_eq!(written, input),
    }
    assert_eq!(HostFrame::parse(&written).as_ref(), Ok(&read));
    match read {
        HostFrame::SetRoot(set) => format!("root: {:?}", set.action).into(),
        HostFrame::Data { .. } => "data".into(),
        HostFrame::Echo(_) => "echo".into(),
        HostFrame::Reset => "reset".into(),
    }
}

fn is_taken_up_to_the_longest(host: &HostFrame, length: usize, most: usize) {
    match host.emit() {
        Ok(written) => {
            assert!(length <= most && written.len() <= MAX_PAYLOAD_TO_MOTE);
            assert_eq!(HostFrame::parse(&written).as_ref(), Ok(host));
        }
        Err(error) => {
            assert!(length > most);
            frame::explains_itself(&error);
        }
    }
}

/// Gives the input a type that exists; if it is that of the root's frame, an action and its length too.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    const SET_ROOT: usize = 27;
    let kind = *chance.one_of(b"RDSQ");
    if kind == b'R' {
        input.resize(SET_ROOT, chance.byte());
        input[1] = *chance.one_of(b"YNT");
    }
    match input.first_mut() {
        Some(first) => *first = kind,
        None => input.push(kind),
    }
}
