//! Rates that are looked for, on a real pseudo-terminal.

use std::os::unix::fs::symlink;
use std::time::Duration;

use framing::{flow, hdlc};
use mqtypes::ids::PortName;
use mqtypes::serial::{PortState, SerialNotification, WriteEnd};

use crate::soon;
use crate::stage::{Mote, Stage, payloads};

fn probing(test: &str, rates: &str) -> (Stage, Mote, PortName) {
    let (mote, path) = Mote::new();
    let mut stage = Stage::start_with(test, |directory| {
        let link = directory.path().join("mote");
        symlink(path, &link).expect("link");
        vec![format!("{},baud={rates}", link.display())]
    });
    let port = stage.port("mote");
    stage.wait_for_state(&port, |state| *state == PortState::Probing);
    (stage, mote, port)
}

#[test]
fn a_mote_that_talks_is_found_at_once_and_is_sent_nothing() {
    let (mut stage, mut mote, port) = probing("talks", "auto");
    mote.say(&[&b"the end of a frame~"[..], &hdlc::encode(b"S1")].concat());
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!((up.baud, stage.wait_for_frames(1)), (115_200, vec![b"S1".to_vec()]));
    std::thread::sleep(Duration::from_secs(2));
    assert!(mote.hear().is_empty());
    stage.write(1, &port, soon(), b"Q");
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
}

#[test]
fn a_mote_that_is_silent_is_found_by_its_echo_at_its_own_rate() {
    let (mut stage, mut mote, port) = probing("silent", "115200+500000");
    // The first rate is not its own: it hears nothing that makes sense.
    for _request in 0..2 {
        mote.hear_frame();
    }
    let request = mote.hear_frame();
    assert_eq!((request[0], request.len()), (b'S', 11));
    mote.say(&flow::escape(&hdlc::encode(&[&b"D\x12\x34\0\0\0\0\0"[..], &request[1..]].concat())));
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!(up.baud, 500_000);
    mote.say(&hdlc::encode(b"S"));
    assert_eq!(stage.wait_for_frames(1), [b"S"], "the echo is nobody's frame");
}

#[test]
fn where_nothing_answers_the_port_is_at_fault_and_a_mote_that_comes_is_heard() {
    let (mut stage, mut mote, port) = probing("nothing", "500000+1000000");
    let report = stage.wait_for_state(&port, |state| matches!(state, PortState::Fault { .. }));
    assert!(matches!(&report.state, PortState::Fault { cause } if cause.contains("500000 and 1000000 bit/s")), "{report:?}");
    mote.say(&hdlc::encode(b"S"));
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!((up.baud, up.generation), (500_000, report.generation));
    let is_frame = |notification: &SerialNotification| matches!(notification, SerialNotification::Frame(_));
    assert_eq!((payloads(&stage.said).len(), stage.said.iter().filter(|said| is_frame(said)).count()), (1, 1));
}
