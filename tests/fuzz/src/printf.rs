//! `F` frames: text that the firmware printed, fit to be shown.

use eventbus::frame::Frame;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, frame};

/// The target. Its input is a payload without its type.
pub const TARGET: Target =
    Target { name: "printf", run, seeds: || frame::bodies(b"F"), repair, longest: 4096, most_held: 64 * 1024, short_run: 10_000 };

/// Address and time, in front of the text.
const HEAD: usize = 7;

/// The longest text shown, characters.
const LONGEST_SHOWN: usize = 1024;

/// Takes `input` for what follows the `F`. What is shown of it can steer no terminal, and is bounded.
pub fn run(input: &[u8]) -> Outcome {
    let printf = match frame::read(&frame::payload(b'F', input)) {
        Ok(Frame::Printf(printf)) => printf,
        Ok(other) => panic!("no printf: {other:?}"),
        Err(error) => return error.reason().into(),
    };
    let shown = printf.shown();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    let length = shown.chars().count();
    assert!(length <= LONGEST_SHOWN.min(printf.text.len()), "{length} characters of {} bytes", printf.text.len());
    match std::str::from_utf8(&printf.text) {
        Ok("") => "nothing printed".into(),
        Ok(text) if text == shown => "shown as it is".into(),
        Ok(_) if length == LONGEST_SHOWN => "cut".into(),
        Ok(_) => "control characters".into(),
        Err(_) => "no UTF-8".into(),
    }
}

/// Puts characters of several bytes, and control characters of one and two, into the text.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    if input.len() < HEAD {
        input.resize(HEAD, chance.byte());
    }
    for _ in 0..=chance.below(4) {
        let at = HEAD + chance.below(input.len() - HEAD + 1);
        let character = *chance.one_of(&["\u{e4}", "\u{20ac}", "\u{1f600}", "\u{85}", "\u{1b}", "\r\n", "\0", "\u{feff}", "\u{10ffff}"]);
        input.splice(at..at, character.bytes());
    }
}
