//! Ports that misbehave: they are told as what they are, and the others are undisturbed.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bus::clock;
use framing::{flow, hdlc};
use mqtypes::ids::PortName;
use mqtypes::serial::{PortState, WriteEnd};

use crate::soon;
use crate::stage::{AtEnd, Mote, Stage, newest_report};

/// A mote at `good`, and something at `bad`.
fn beside(test: &str, bad: &str) -> (Stage, Mote, [PortName; 2]) {
    let (mote, path) = Mote::new();
    let mut stage = Stage::start(test, |directory| {
        let links = ["good", "bad"].map(|name| directory.path().join(name));
        symlink(path, &links[0]).expect("link");
        symlink(bad, &links[1]).expect("link");
        links.to_vec()
    });
    let ports = ["good", "bad"].map(|name| stage.port(name));
    stage.wait_for_state(&ports[0], |state| *state == PortState::Up);
    (stage, mote, ports)
}

/// The good port is as quick as ever: a frame comes up and a write goes down, again and again.
fn is_undisturbed(stage: &mut Stage, mote: &mut Mote, port: &PortName, first: u64) {
    for id in first..first + 20 {
        let asked = Instant::now();
        let payload = [&b"S"[..], &id.to_be_bytes()].concat();
        mote.say(&flow::escape(&hdlc::encode(&payload)));
        stage.write(id, port, soon(), b"Q");
        stage.wait_for("its frame", |said| crate::stage::payloads(said).contains(&payload).then_some(()));
        assert_eq!(stage.wait_for_end(id), WriteEnd::Written);
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        mote.hear();
    }
}

#[test]
fn endless_noise_costs_only_counters() {
    let (mut noisy, path) = Mote::new();
    let (mut stage, mut mote, [good, bad]) = beside("endless", &path);
    stage.wait_for_state(&bad, |state| *state == PortState::Up);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = AtEnd(&is_over);
        scope.spawn(|| {
            let mut chunk: Vec<u8> = (0..4000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            chunk.extend(b"~noise~");
            while !is_over.load(Ordering::Relaxed) {
                noisy.say(&chunk);
            }
        });
        let faults = |said: &[_]| newest_report(said, &bad).filter(|report| !report.counters.faults.is_empty());
        let first = stage.wait_for("its faults", faults).counters;
        is_undisturbed(&mut stage, &mut mote, &good, 1);
        let grown = |said: &[_]| faults(said).filter(|report| report.counters.rx_bytes > first.rx_bytes);
        assert_eq!(stage.wait_for("more of them", grown).state, PortState::Up);
    });
}

#[test]
fn a_device_that_hangs_up_at_once_each_time_is_a_fault_and_is_tried_less_often() {
    let (first, path) = Mote::new();
    let (mut stage, mut mote, [good, bad]) = beside("hang-up", &path);
    let link = bad.0.clone();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = AtEnd(&is_over);
        scope.spawn(|| {
            let mut mote = first;
            // Each opening finds a device behind the name, which goes at once. Its name never does.
            while !is_over.load(Ordering::Relaxed) {
                let (next, path) = Mote::new();
                let new = format!("{link}-new");
                symlink(path, &new).expect("link");
                std::fs::rename(&new, &link).expect("renamed");
                drop(std::mem::replace(&mut mote, next));
                thread::sleep(Duration::from_millis(20));
            }
        });
        stage.wait_for_state(&bad, |state| matches!(state, PortState::Fault { cause } if cause.contains("keeps failing")));
        is_undisturbed(&mut stage, &mut mote, &good, 1);
    });
}

#[test]
fn a_mote_that_never_says_xon_costs_only_its_own_commands() {
    let (mut silent, path) = Mote::new();
    let (mut stage, mut mote, [good, bad]) = beside("never-xon", &path);
    stage.wait_for_state(&bad, |state| *state == PortState::Up);
    silent.say(&[&[flow::XOFF][..], &hdlc::encode(b"S")].concat());
    stage.wait_for_frames(1);
    for id in 1..=10 {
        stage.write(id, &bad, clock::now().after(Duration::from_millis(300)), &[0x55; 190]);
    }
    is_undisturbed(&mut stage, &mut mote, &good, 100);
    let ends: Vec<_> = (1..=10).map(|id| stage.wait_for_end(id)).collect();
    assert_eq!(ends[..8], [WriteEnd::Expired; 8]);
    assert_eq!(ends[8..], [WriteEnd::Busy; 2]);
    stage.ask(&mqtypes::serial::SerialCommand::ReportPorts);
    let report = stage.wait_for("its stall", |said| newest_report(said, &bad).filter(|report| report.counters.stalls > 0));
    assert_eq!((report.state, report.counters.stalls, report.counters.tx_frames), (PortState::Up, 1, 0));
}

#[test]
fn a_line_that_nobody_reads_costs_ever_fewer_wake_ups() {
    let (mut deaf, path) = Mote::new();
    let (mut stage, _mote, [_good, bad]) = beside("deaf", &path);
    stage.wait_for_state(&bad, |state| *state == PortState::Up);
    // More than a pty holds, so that one frame is cut and its end never goes out.
    for id in 1..=200 {
        stage.write(id, &bad, clock::now().after(Duration::from_millis(200)), &[0x7e; 190]);
        if stage.wait_for_end(id) == WriteEnd::Expired {
            break;
        }
    }
    stage.wait_for("a frame that does not go out", |said| {
        let is_late = |notification: &_| matches!(notification, mqtypes::serial::SerialNotification::Write(report) if report.end == WriteEnd::Expired);
        said.iter().any(is_late).then_some(())
    });
    thread::sleep(Duration::from_secs(4));
    assert!(stage.wake_ups(Duration::from_secs(3)) <= 3, "{}", stage.log());
    deaf.hear();
}
