//! `D` frames: packets from the mesh, and echoes.

use eventbus::frame::{DataFrame, Frame};

use crate::harness::chance::Chance;
use crate::{Outcome, Target, frame};

/// The target. Its input is a payload without its type.
pub const TARGET: Target =
    Target { name: "data", run, seeds: || frame::bodies(b"D"), repair, longest: 1021, most_held: 16 * 1024, short_run: 20_000 };

/// Address and time of sending, in front of the body.
const HEAD: usize = 7;

/// Link-layer destination and source, in front of a packet.
const ADDRESSES: usize = 16;

/// Takes `input` for what follows the `D`. The body is all of the rest, and a packet's addresses are put back as they were.
pub fn run(input: &[u8]) -> Outcome {
    let data = match frame::read(&frame::payload(b'D', input)) {
        Ok(Frame::Data(data)) => data,
        Ok(other) => panic!("no data: {other:?}"),
        Err(error) => return error.reason().into(),
    };
    assert_eq!(data.body, &input[HEAD..]);
    let Some(mesh) = data.mesh() else {
        assert!(data.body.len() < ADDRESSES);
        return "no packet".into();
    };
    assert_eq!(mesh.lowpan, &input[HEAD + ADDRESSES..]);
    assert_eq!(DataFrame::from_mesh(data.id16, data.asn, mesh), data);
    if mesh.lowpan.is_empty() { "empty packet".into() } else { "packet".into() }
}

/// Gives the input room for a body.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let least = HEAD + chance.below(2 * ADDRESSES);
    if input.len() < least {
        input.resize(least, chance.byte());
    }
}
