//! Log frames of every severity, and their meaning in words.

use eventbus::frame::Frame;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, frame, seeds};

/// The target. The first byte of its input chooses the severity.
pub const TARGET: Target =
    Target { name: "log", run, seeds: || seeds::from_motes(TYPES), repair, longest: 1022, most_held: 16 * 1024, short_run: 20_000 };

/// The types of log frames.
const TYPES: &[u8] = b"VIWUEC";

/// Bytes behind the type.
const BODY: usize = 8;

/// Takes `input` for a log frame. Its text, whatever the numbers, is short, finished and fit to be shown.
pub fn run(input: &[u8]) -> Outcome {
    let Some((kind, body)) = input.split_first() else { return "nothing".into() };
    let kind = if TYPES.contains(kind) { *kind } else { TYPES[usize::from(*kind) % TYPES.len()] };
    let log = match frame::read(&frame::payload(kind, body)) {
        Ok(Frame::Log(log)) => log,
        Ok(other) => panic!("no log: {other:?}"),
        Err(error) => return error.reason().into(),
    };
    let described = log.describe();
    assert!((1..120).contains(&described.text.len()), "{described:?}");
    assert!(!described.text.contains(['{', '}']) && !described.text.contains(char::is_control), "{described:?}");
    assert!([&described.component.name, &described.error.name].iter().all(|name| (1..=48).contains(&name.len())), "{described:?}");
    assert_eq!((described.component.code, described.error.code), (log.component, log.code));
    for (shown, told) in described.args.into_iter().zip([log.arg1, log.arg2]) {
        assert!(shown == i32::from(told) || shown == i32::from(told.cast_signed()), "{described:?}");
    }
    described.error.name.into()
}

/// Gives the input the length of a log frame.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    input.resize(1 + BODY, chance.byte());
}
