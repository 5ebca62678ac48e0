//! `P` frames: what a sniffer mote hears on the air.

use eventbus::frame::Frame;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, frame};

/// The target. Its input is a payload without its type.
pub const TARGET: Target = Target { name: "sniffed", run, seeds, repair, longest: 1021, most_held: 16 * 1024, short_run: 20_000 };

/// The mote's address, in front of the frame.
const HEAD: usize = 2;

/// Takes `input` for what follows the `P`: an address, a frame of any length, and a channel.
pub fn run(input: &[u8]) -> Outcome {
    let sniffed = match frame::read(&frame::payload(b'P', input)) {
        Ok(Frame::Sniffed(sniffed)) => sniffed,
        Ok(other) => panic!("no sniffed frame: {other:?}"),
        Err(error) => return error.reason().into(),
    };
    assert_eq!([&sniffed.frame[..], &[sniffed.channel]].concat(), &input[HEAD..]);
    match (sniffed.frame.len(), sniffed.channel) {
        (0, _) => "empty".into(),
        (1..=127, 11..=26) => "of a channel".into(),
        (1..=127, _) => "of no channel".into(),
        (_, _) => "longer than IEEE 802.15.4 has them".into(),
    }
}

/// The recordings have none: packets of the mesh, each on a channel, stand for what is on the air.
fn seeds() -> Vec<Vec<u8>> {
    let packets = frame::bodies(b"D").into_iter();
    packets.enumerate().map(|(number, packet)| [&packet[..], &[11 + number as u8 % 16]].concat()).collect()
}

/// Gives the input a channel that exists.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    input.push(11 + chance.below(16) as u8);
}
