//! `--check` against a pseudo-terminal on which a mote is played.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use framing::{flow, hdlc};
use nix::unistd::geteuid;

use crate::stage::{AtEnd, Mote, Stage, program};

/// Checks a port while a mote is played on its line: `say` once in a while, and `answer` to each request.
fn check(say: &[u8], answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Sync, options: &str) -> (Option<i32>, String) {
    let (mut mote, path) = Mote::new();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = AtEnd(&is_over);
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                mote.say(say);
                for request in mote.hear_frames() {
                    if let Some(answer) = answer(&request) {
                        mote.say(&flow::escape(&hdlc::encode(&answer)));
                    }
                }
                thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        examine(&format!("{path}{options}"))
    })
}

fn examine(port: &str) -> (Option<i32>, String) {
    let output = program("check-never").args(["--check", port]).output().expect("started");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of several answers")]
fn echo(request: &[u8]) -> Option<Vec<u8>> {
    Some([&b"D\x12\x34\x11\x12\x13\0\0"[..], &request[1..]].concat())
}

#[test]
fn a_mote_that_speaks_and_answers_is_fine() {
    let (code, text) = check(&hdlc::encode(b"S\x01\x02"), echo, "");
    assert_eq!(code, Some(0), "{text}");
    for words in ["at 115200 bit/s", "frames within 1 s", "10 of 10 echoes of 20 bytes", "fine: an OpenWSN mote speaks and answers"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_mote_that_only_answers_is_found_and_fine() {
    let (code, text) = check(b"", echo, ",baud=500000+115200");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("looking for its rate") && text.contains("at 500000 bit/s"), "{text}");
}

#[test]
fn what_is_wrong_with_a_line_is_told() {
    let (code, text) = check(&hdlc::encode(b"S\x01\x02"), |_| None, "");
    assert!(code == Some(69) && text.contains("a mote speaks, but does not answer"), "{text}");
    let (code, text) = check(b"", |request| Some(request.to_vec()), "");
    assert!(code == Some(69) && text.contains("looped"), "{text}");
    let (code, text) = check(b"\x80\x80", |_| None, "");
    assert!(code == Some(69) && text.contains("baud=auto"), "{text}");
}

#[test]
fn a_port_that_is_taken_or_none_is_told_with_the_way_out() {
    let (stage, _mote, port) = Stage::with_mote("check-taken");
    let (code, text) = examine(&port.0);
    assert!(code == Some(69) && text.contains(&format!("in use by process {}: stop that one", stage.pid())), "{text}");
    let (code, text) = examine("/dev/there-is-no-such-device");
    assert!(code == Some(69) && text.contains("not there"), "{text}");
    let (code, text) = examine("/dev/null");
    assert!(code == Some(78) && text.contains("not a serial port"), "{text}");
    let (code, text) = examine("/dev/tty*");
    assert!(code == Some(78) && text.contains("pattern"), "{text}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let (code, text) = examine(&format!("tcp://{address}"));
    assert!(code == Some(69) && text.contains("nobody listens"), "{text}");
}

#[test]
fn a_port_that_is_not_permitted_is_told_with_its_group() {
    let (_mote, path) = Mote::new();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("ours");
    let mut program = program("check-never");
    if geteuid().is_root() {
        // Root may everything.
        program.uid(65_534);
    }
    let Ok(output) = program.args(["--check", &path]).output() else {
        println!("not tried: another user may not run the program where it is");
        return;
    };
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.code() == Some(78) && text.contains("permission denied: run as a member of its group"), "{text}");
}
