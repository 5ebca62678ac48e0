//! The bytes of a line, passed on to whoever records them.

use std::time::Duration;

use bus::clock;
use framing::{flow, hdlc};
use mqtypes::mono::Mono;
use mqtypes::serial::{Direction, LineBytes, SerialCommand, SerialNotification, WriteEnd};

use super::stage::{Stage, payloads};
use super::{dropped, health, soon};

fn pieces(said: &[SerialNotification], direction: Direction) -> Vec<&LineBytes> {
    said.iter()
        .filter_map(|notification| if let SerialNotification::Bytes(piece) = notification { Some(piece) } else { None })
        .filter(|piece| piece.direction == direction)
        .collect()
}

fn bytes(said: &[SerialNotification], direction: Direction) -> Vec<u8> {
    pieces(said, direction).iter().flat_map(|piece| piece.bytes.clone()).collect()
}

fn wait_for_bytes(stage: &mut Stage, direction: Direction, count: usize) -> Vec<u8> {
    stage.wait_for("bytes", |said| Some(bytes(said, direction)).filter(|bytes| bytes.len() >= count))
}

/// What a mote says: a frame with everything that has to be escaped, and flow control within it.
fn line() -> (Vec<u8>, Vec<u8>) {
    let frame = flow::escape(&hdlc::encode(&(0..=255).collect::<Vec<u8>>()));
    let said = [&frame[..9], &[flow::XOFF, flow::XON], &frame[9..]].concat();
    (said, frame)
}

#[test]
fn bytes_come_exactly_and_in_order_both_ways() {
    let (mut stage, mut mote, port) = Stage::with_mote("bytes");
    mote.say(&hdlc::encode(b"S before"));
    stage.wait_for_frames(1);
    stage.ask(&SerialCommand::PassBytes { until: soon() });
    stage.write(1, &port, soon(), b"Q~}");
    let out = hdlc::encode(b"Q~}");
    assert_eq!(wait_for_bytes(&mut stage, Direction::Tx, out.len()), out);
    let (said, without_flow_control) = line();
    for chunk in said.chunks(7) {
        mote.say(chunk);
    }
    // The kernel takes XON and XOFF of a device for itself.
    assert_eq!(wait_for_bytes(&mut stage, Direction::Rx, without_flow_control.len()), without_flow_control);
    assert_eq!(stage.wait_for_frames(2)[1], (0..=255).collect::<Vec<u8>>());
    let mut expected = hdlc::encode(b"S before").len() as u64;
    for piece in pieces(&stage.said, Direction::Rx) {
        assert_eq!((&piece.port, piece.generation.0, piece.offset), (&port, 1, expected));
        expected += piece.bytes.len() as u64;
    }
    assert!(pieces(&stage.said, Direction::Rx).windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
}

#[test]
fn nobody_asks_for_bytes_and_none_are_told_even_after_a_lease() {
    let (mut stage, mut mote, _port) = Stage::with_mote("lease");
    mote.say(&hdlc::encode(b"S1"));
    stage.wait_for_frames(1);
    let until = clock::now().after(Duration::from_millis(300));
    stage.ask(&SerialCommand::PassBytes { until });
    // An answer says that the command was taken.
    health(&mut stage);
    mote.say(&hdlc::encode(b"S2"));
    stage.wait_for_frames(2);
    if clock::now() < until {
        assert_eq!(wait_for_bytes(&mut stage, Direction::Rx, 1), hdlc::encode(b"S2"));
    }
    std::thread::sleep(until.until(clock::now()));
    mote.say(&hdlc::encode(b"S3"));
    stage.wait_for_frames(3);
    stage.ask(&SerialCommand::PassBytes { until: Mono(0) });
    mote.say(&hdlc::encode(b"S4"));
    stage.wait_for_frames(4);
    health(&mut stage);
    assert!(bytes(&stage.said, Direction::Rx).len() <= hdlc::encode(b"S2").len());
}

#[test]
fn a_flood_that_is_not_taken_costs_bytes_and_no_frame() {
    let (mut stage, mut mote, port) = Stage::with_mote("flood");
    stage.ask(&SerialCommand::PassBytes { until: soon() });
    health(&mut stage);
    stage.said.clear();
    // Each byte is two on the line, so that the frames fit into what is kept for `eventbus`, and the bytes do not.
    let frame = |number: u16| [&b"S"[..], &number.to_be_bytes(), &[hdlc::FLAG; 100]].concat();
    let count = 2_000;
    let mut line = Vec::new();
    for number in 0..count {
        let sent = flow::escape(&hdlc::encode(&frame(number)));
        mote.say(&sent);
        line.extend(sent);
    }
    let end = line.len() as u64;
    stage.wait_for("the last byte", |said| {
        pieces(said, Direction::Rx).last().filter(|piece| piece.offset + piece.bytes.len() as u64 == end).map(|_| ())
    });
    assert_eq!(payloads(&stage.said), (0..count).map(frame).collect::<Vec<_>>());
    assert!(!stage.said.iter().any(|notification| matches!(notification, SerialNotification::Lost { .. })));
    let (mut expected, mut missing) = (0, 0);
    for piece in pieces(&stage.said, Direction::Rx) {
        assert!(piece.port == port && piece.offset >= expected, "{} {expected}", piece.offset);
        missing += piece.offset - expected;
        let from = usize::try_from(piece.offset).expect("short");
        assert_eq!(piece.bytes, line[from..from + piece.bytes.len()]);
        expected = piece.offset + piece.bytes.len() as u64;
    }
    assert!(missing > 0 && dropped(&health(&mut stage), "line-bytes-lost") == missing, "{missing} of {end}");
}
