//! The bytes of a mote's line: flow control and HDLC on top of each other, as `serial-bridge` reads them.

use std::collections::BTreeSet;

use framing::flow::{self, Heard, Unescape};
use framing::hdlc::{self, Decoder, LONGEST};
use mqtypes::mono::Mono;
use mqtypes::serial::FrameFault;
use serial_bridge::line::{Line, Opened};
use serial_bridge::output::FlowControl;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, seeds};

/// The target.
pub const TARGET: Target = Target {
    name: "line",
    run,
    seeds: || seeds::lines(300),
    repair,
    longest: 2400,
    // Frames of an input, four readings of it, and copies of it.
    most_held: 48 * 1024,
    short_run: 5_000,
};

/// Bytes of the CRC.
const CRC: usize = 2;

type Ended = Result<Vec<u8>, FrameFault>;

/// Takes `input` for bytes of a line. Whatever they are: the same frames come out however the bytes were chunked and wherever
/// flow control fell between them; frames are within bounds and survive being sent again; and the next good frame is found.
pub fn run(input: &[u8]) -> Outcome {
    let whole = hear(input.chunks(input.len().max(1)));
    assert_eq!(whole, hear(input.chunk_by(|one, two| (one ^ two) & 3 != 0)), "chunks must not matter");
    assert_eq!(whole, decode(input), "a line is flow control and HDLC, and nothing else");
    assert_eq!(whole, decode(&with_flow_control(input)), "flow control may fall anywhere");
    for payload in whole.iter().flatten() {
        assert!((1..=LONGEST - CRC).contains(&payload.len()), "{} bytes", payload.len());
        survives(payload);
    }
    next_frame_is_found(input);
    survives(&input[..input.len().min(LONGEST - CRC)]);
    outcome(&whole)
}

fn hear<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Ended> {
    let mut line = Line::new(Opened { baud: 115_200, flow: FlowControl::InProcess });
    let mut all = Vec::new();
    for (number, chunk) in chunks.enumerate() {
        line.hear(Mono(number as u64), chunk, |ended| all.push(ended));
    }
    all
}

fn decode(bytes: &[u8]) -> Vec<Ended> {
    let (mut unescape, mut decoder) = (Unescape::default(), Decoder::new());
    let ended = bytes.iter().filter_map(|byte| push(&mut unescape, &mut decoder, *byte)).collect();
    assert!(decoder.noise() <= bytes.len() as u64);
    ended
}

fn push(unescape: &mut Unescape, decoder: &mut Decoder, byte: u8) -> Option<Ended> {
    match unescape.push(byte)? {
        Heard::Data(data) => decoder.push(data),
        Heard::Xon | Heard::Xoff => None,
    }
}

fn with_flow_control(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [flow::XOFF, *byte, flow::XON]).collect()
}

/// What is framed as a host does it, and as a mote does it, comes out as it was.
fn survives(payload: &[u8]) {
    let from_host = hdlc::encode(payload);
    assert!(from_host.len() <= 2 * (payload.len() + CRC) + 2);
    assert!(from_host[1..from_host.len() - 1].iter().all(|byte| *byte != hdlc::FLAG));
    let mut decoder = Decoder::new();
    let ended: Vec<_> = from_host.iter().filter_map(|byte| decoder.push(*byte)).collect();
    // Nothing at all has a right CRC, but says nothing.
    let expected = if payload.is_empty() { Err(FrameFault::TooShort) } else { Ok(payload.to_vec()) };
    assert_eq!(ended, std::slice::from_ref(&expected));
    let from_mote = flow::escape(&from_host);
    assert!(from_mote.iter().all(|byte| !matches!(*byte, flow::XON | flow::XOFF)));
    assert_eq!(decode(&from_mote), [expected]);
}

/// The flag that begins the frame also ends whatever was before it.
fn next_frame_is_found(noise: &[u8]) {
    const GOOD: &[u8] = b"S found";
    let after = [noise, &flow::escape(&hdlc::encode(GOOD))].concat();
    assert_eq!(decode(&after).last(), Some(&Ok(GOOD.to_vec())), "the next frame must be found");
}

fn outcome(ended: &[Ended]) -> Outcome {
    let name = |end: &Ended| match end {
        Ok(_) => "frame",
        Err(fault) => fault.name(),
    };
    crate::outcome(ended.iter().map(name).collect::<BTreeSet<_>>())
}

/// Makes a frame of some of the input, with a right CRC, as a mote or a host sends it.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let start = chance.below(input.len() + 1);
    let end = start + chance.below(input.len() - start + 1);
    let mut payload = input[start..end].to_vec();
    if chance.once_in(32) {
        // About as long as a frame may be.
        payload.resize(LONGEST - CRC - 2 + chance.below(5), b'S');
    }
    let frame = hdlc::encode(&payload);
    let frame = if chance.once_in(4) { frame } else { flow::escape(&frame) };
    input.splice(start..end, frame);
}
