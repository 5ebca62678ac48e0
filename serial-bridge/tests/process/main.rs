//! The real process, real queues, a real pseudo-terminal.

mod bytes;
mod check;
mod life;
mod misfits;
mod rates;
mod reload;
mod soak;
mod stage;
mod tcp;

use std::fs::OpenOptions;
use std::os::unix::fs::symlink;
use std::time::Duration;

use bus::clock;
use framing::{flow, hdlc};
use mqtypes::envelope::CURRENT;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::Generation;
use mqtypes::mono::Mono;
use mqtypes::serial::{FrameFault, PortState, SerialCommand, SerialNotification, WriteEnd};
use nix::fcntl::{Flock, FlockArg};
use serial_bridge::gate::LOST_XON;

use stage::{Mote, Stage, payloads, program};

const PATIENT: Duration = Duration::from_secs(20);

fn soon() -> Mono {
    clock::now().after(PATIENT)
}

fn health(stage: &mut Stage) -> ProcessHealth {
    stage.ask(&SerialCommand::ReportHealth);
    stage.wait_for("figures", |said| {
        said.iter().rev().find_map(|notification| match notification {
            SerialNotification::Health(health) => Some(health.clone()),
            SerialNotification::Port(_)
            | SerialNotification::Frame(_)
            | SerialNotification::Write(_)
            | SerialNotification::Lost { .. }
            | SerialNotification::Bytes(_) => None,
        })
    })
}

/// The mote wants silence; a frame behind its XOFF tells that the kernel has taken it.
fn silence(stage: &mut Stage, mote: &mut Mote) {
    mote.say(&[&[flow::XOFF][..], &hdlc::encode(b"S")].concat());
    stage.wait_for_frames(1);
}

fn dropped(health: &ProcessHealth, reason: &str) -> u64 {
    health.dropped.iter().find(|dropped| dropped.reason == reason).map_or(0, |dropped| dropped.count)
}

#[test]
fn frames_come_up_and_a_write_goes_down() {
    let (mut stage, mut mote, port) = Stage::with_mote("both-ways");
    let payload = [0x53, 0x4c, 0x01, 0x04, 0x00, 0x01, 0x00, 0x12, 0x13];
    let line = flow::escape(&hdlc::encode(&payload));
    mote.say(&[&line[..4], &[flow::XOFF, flow::XON], &line[4..]].concat());
    assert_eq!(stage.wait_for_frames(1), [payload]);
    stage.write(1, &port, soon(), b"R\x11\x13Y~}");
    let frame = hdlc::encode(b"R\x11\x13Y~}");
    assert_eq!(mote.hear_all(frame.len()), frame);
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
    stage.ask(&SerialCommand::ReportPorts);
    let counters = stage.wait_for("totals", |said| {
        let Some(SerialNotification::Port(report)) = said.last() else { return None };
        Some(report.counters.clone()).filter(|counters| counters.tx_frames > 0)
    });
    // The kernel has taken XOFF and XON out.
    assert_eq!((counters.rx_bytes, counters.rx_frames, counters.tx_bytes), (line.len() as u64, 1, frame.len() as u64));
    assert!(stage.stop().success());
}

#[test]
fn a_port_that_goes_is_told_at_once_and_comes_back_as_a_new_generation() {
    let (mut stage, mote, port) = Stage::with_mote("replug");
    let link = stage.directory.path().join("mote");
    std::fs::remove_file(&link).expect("removed");
    drop(mote);
    let down = stage.wait_for_state(&port, |state| matches!(state, PortState::Down { .. }));
    assert_eq!(down.generation, Generation(1));
    let (mut mote, path) = Mote::new();
    symlink(path, &link).expect("link");
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!(up.generation, Generation(2));
    stage.write(1, &port, soon(), b"Q");
    assert_eq!(stage.wait_for_end(1), WriteEnd::PortDown, "meant for the first generation");
    mote.say(&hdlc::encode(b"S"));
    assert_eq!(stage.wait_for_frames(1), [b"S"]);
}

#[test]
fn what_is_no_frame_is_counted_by_reason_and_passed_over() {
    let (mut stage, mut mote, port) = Stage::with_mote("noise");
    mote.say(b"noise ahead of the first flag");
    mote.say(b"~bad crc~x~escape at end}~");
    mote.say(&[b'~'; 50]);
    mote.say(&[0x55; 3 * hdlc::LONGEST]);
    mote.say(&hdlc::encode(b"Still here"));
    assert_eq!(stage.wait_for_frames(1), [b"Still here"]);
    // The rest of them is told a second after the first.
    let counts = stage.wait_for("all four faults", |said| {
        said.iter().find_map(|notification| match notification {
            SerialNotification::Port(report) => Some(report.counters.faults.clone()).filter(|faults| faults.len() == 4),
            SerialNotification::Frame(_)
            | SerialNotification::Write(_)
            | SerialNotification::Health(_)
            | SerialNotification::Lost { .. }
            | SerialNotification::Bytes(_) => None,
        })
    });
    for fault in FrameFault::ALL {
        assert!(counts.iter().any(|count| count.fault == fault && count.count == 1), "{fault:?}: {counts:?}");
    }
    assert_eq!(dropped(&health(&mut stage), "noise-bytes"), 29);
    stage.write(1, &port, soon(), b"Q");
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
}

#[test]
fn garbage_in_its_inbox_is_counted_and_it_goes_on() {
    let (mut stage, mut mote, port) = Stage::with_mote("garbage");
    stage.post(b"garbage");
    stage.post(b"oLBR\xff\x00from the future");
    stage.post(&[&b"oLBR"[..], &[CURRENT, 0, 0xff, 0xff, 0xff]].concat());
    stage.write(1, &port, soon(), b"");
    stage.write(2, &port, soon(), b"Q");
    assert_eq!(stage.wait_for_end(1), WriteEnd::BadLength);
    assert_eq!(stage.wait_for_end(2), WriteEnd::Written);
    let health = health(&mut stage);
    for reason in ["serial-bridge.foreign", "serial-bridge.newer-version", "serial-bridge.malformed", "write-refused"] {
        assert_eq!(dropped(&health, reason), 1, "{reason}: {health:?}");
    }
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
}

#[test]
fn a_mote_that_wants_silence_gets_it_until_it_says_otherwise() {
    let (mut stage, mut mote, port) = Stage::with_mote("xoff");
    let frame = hdlc::encode(b"Q");
    silence(&mut stage, &mut mote);
    stage.write(1, &port, soon(), b"Q");
    std::thread::sleep(LOST_XON / 3);
    assert!(mote.hear().is_empty());
    mote.say(&[flow::XON]);
    assert_eq!(mote.hear_all(frame.len()), frame);
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
    assert_eq!(dropped(&health(&mut stage), "xon-lost"), 0);
}

#[test]
fn an_xon_that_was_lost_holds_output_up_for_a_bounded_time() {
    let (mut stage, mut mote, port) = Stage::with_mote("lost-xon");
    let frame = hdlc::encode(b"Q");
    silence(&mut stage, &mut mote);
    let asked = clock::now();
    stage.write(1, &port, soon(), b"Q");
    assert_eq!(mote.hear_all(frame.len()), frame);
    assert!(clock::now().since(asked) >= LOST_XON);
    assert_eq!(stage.wait_for_end(1), WriteEnd::Written);
    assert_eq!(dropped(&health(&mut stage), "xon-lost"), 1);
}

#[test]
fn a_write_whose_deadline_passes_in_silence_is_never_sent() {
    let (mut stage, mut mote, port) = Stage::with_mote("late");
    silence(&mut stage, &mut mote);
    stage.write(1, &port, clock::now().after(LOST_XON / 4), b"Q");
    assert_eq!(stage.wait_for_end(1), WriteEnd::Expired);
    mote.say(&[flow::XON]);
    stage.write(2, &port, soon(), b"S");
    assert_eq!(stage.wait_for_end(2), WriteEnd::Written);
    assert_eq!(mote.hear_all(5), hdlc::encode(b"S"));
}

#[test]
fn what_eventbus_does_not_take_in_time_is_lost_oldest_first_and_told() {
    let (mut stage, mut mote, _port) = Stage::with_mote("lost");
    let frame = |number: u16| [&b"S"[..], &number.to_be_bytes(), &[0; 60]].concat();
    let count = 12_000;
    for number in 0..count {
        mote.say(&flow::escape(&hdlc::encode(&frame(number))));
    }
    let lost = stage.wait_for("the notice of a loss", |said| {
        let last_is_here = payloads(said).last() == Some(&frame(count - 1));
        let lost = said
            .iter()
            .filter_map(|notification| if let SerialNotification::Lost { frames } = notification { Some(*frames) } else { None });
        Some(lost.sum::<u64>()).filter(|lost| last_is_here && *lost > 0)
    });
    assert_eq!(payloads(&stage.said).len() as u64 + lost, u64::from(count));
    assert_eq!(dropped(&health(&mut stage), "frames-lost"), lost);
}

#[test]
fn a_second_process_is_refused_with_the_pid_of_the_first() {
    let (mut stage, mut mote, _port) = Stage::with_mote("second");
    let (status, text) = stage.start_another();
    assert_eq!(status.code(), Some(69));
    assert!(text.contains(&format!("process {}", stage.pid())), "{text}");
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
}

#[test]
fn a_port_that_is_somebody_elses_is_told_with_its_holder_and_taken_when_free() {
    let (_mote, path) = Mote::new();
    let device = OpenOptions::new().read(true).write(true).open(&path).expect("opened");
    let lock = Flock::lock(device, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno).expect("locked");
    let mut stage = Stage::start("holder", |directory| {
        let link = directory.path().join("mote");
        symlink(&path, &link).expect("link");
        vec![link]
    });
    let port = stage.port("mote");
    let report = stage.wait_for_state(&port, |state| matches!(state, PortState::Fault { .. }));
    let holder = format!("process {}", std::process::id());
    assert!(matches!(&report.state, PortState::Fault { cause } if cause.contains(&holder)), "{report:?}");
    drop(lock);
    stage.wait_for_state(&port, |state| *state == PortState::Up);
}

#[test]
fn what_is_no_port_is_named_and_the_others_are_undisturbed() {
    let (mut mote, path) = Mote::new();
    let mut stage = Stage::start("misfits", |directory| {
        let files = ["mote", "file", "directory", "absent"].map(|name| directory.path().join(name));
        symlink(&path, &files[0]).expect("link");
        std::fs::write(&files[1], "x").expect("written");
        std::fs::create_dir(&files[2]).expect("made");
        files.to_vec()
    });
    let expect = [("file", "a regular file"), ("directory", "a directory"), ("absent", "not there")];
    for (name, words) in expect {
        let port = stage.port(name);
        let report = stage.wait_for_state(&port, |state| !matches!(state, PortState::Up | PortState::Probing));
        let (PortState::Down { cause } | PortState::Fault { cause }) = &report.state else { panic!("{report:?}") };
        assert!(cause.contains(words), "{cause}");
        let line = format!("{port}: {cause}");
        assert!(stage.log().contains(&line), "{line} is not in {}", stage.log());
    }
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
}

#[test]
fn a_wrong_command_line_is_refused_with_the_way_out() {
    let refused = |args: &[&str]| {
        let output = program("serial-never").args(args).output().expect("started");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let (code, text) = refused(&["--port", "/dev/a", "--port", "/dev/a"]);
    assert!(code == Some(78) && text.contains("--port /dev/a is given twice"), "{code:?} {text}");
    let (code, text) = refused(&["--baud", "7"]);
    assert!(code == Some(2) && text.contains("1200..=4000000"), "{code:?} {text}");
}

#[test]
fn nothing_to_do_means_no_wake_up_and_flow_control_is_nothing() {
    let stage = Stage::start("idle", |_| vec![]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.wake_ups(Duration::from_secs(2)), 0, "{}", stage.log());
    assert!(stage.log().contains("no port is configured"), "{}", stage.log());
    drop(stage);
    let (mut stage, mut mote, _port) = Stage::with_mote("quiet");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.wake_ups(Duration::from_secs(2)), 0, "{}", stage.log());
    let before = stage.switches();
    for _slot in 0..100 {
        mote.say(&[flow::XOFF]);
        std::thread::sleep(Duration::from_millis(1));
        mote.say(&[flow::XON]);
    }
    assert_eq!(stage.switches() - before, 0);
    for number in 0..10 {
        mote.say(&hdlc::encode(b"S"));
        stage.wait_for_frames(number + 1);
        std::thread::sleep(Duration::from_millis(20));
    }
    let woken = stage.switches() - before;
    assert!((1..=20).contains(&woken), "10 frames made {woken} wake-ups");
}
