//! `--json`: lines out, commands in.

use std::{io::Read, process::Stdio};

use serde_json::{Value, json};

use crate::{
    program::{Program, command, key_file},
    router::{NONCE, Router},
};

const MOTE: &str = "141592cc00000001";

#[test]
fn messages_are_printed_as_they_came_and_commands_are_taken() {
    let mut program = Program::start(&["--json", "--no-page"]);
    let mut router = Router::admitted(program.link_port, "a");
    let parsed = |line: String| -> Value { serde_json::from_str(&line).unwrap() };
    let hello = parsed(program.line());
    assert_eq!((&hello["type"], &hello["nonce"]), (&json!("hello"), &json!(NONCE)));
    let welcome = parsed(program.line());
    assert_eq!((&welcome["dir"], &welcome["lbr"]), (&json!("tx"), &json!("a")));
    assert_eq!(parsed(program.line())["type"], "auth");

    let odd = r#"{"type":"mote-log" , "asn": 1.50, "z":1, "a":"é"}"#;
    router.send_text(odd);
    assert_eq!(program.line(), odd);

    router.send_text("broken");
    assert_eq!(router.receive()["code"], "invalid-json");
    router.send_text(odd);
    assert_eq!(program.line(), odd);

    program.say(&format!(r#"{{"event":"set-dagroot","mote":"{MOTE}","on":true,"id":"mine"}}"#));
    let expect = json!({"type": "ui-event", "id": "mine", "event": "set-dagroot", "mote": MOTE, "on": true});
    assert_eq!(router.receive(), expect);
    assert_eq!(parsed(program.line())["id"], "mine");
    program.say(r#"{"type":"subscribe","topics":["mote-data"],"interval_ms":250}"#);
    assert_eq!(router.receive(), json!({"type": "subscribe", "topics": ["mote-data"], "interval_ms": 250}));
    assert_eq!(parsed(program.line())["dir"], "tx");
    program.say("nonsense");
    program.error_line("json: a line on standard input was refused");
    drop(program.input.take());
    router.send_text(odd);
    assert_eq!(program.line(), odd);
    assert!(program.terminate().success());
}

#[test]
fn a_closed_pipe_ends_a_host_that_has_nothing_else_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let key = key_file(folder.path());
    let mut child = command(&["--json", "--no-page", "--no-history", "--link-port", "0", "--key-file"])
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = child.stderr.take().unwrap();
    let mut start = [0; 64];
    let read = errors.read(&mut start).unwrap();
    let line = String::from_utf8_lossy(&start[..read]).into_owned();
    let port = line.trim().rsplit_once(':').unwrap().1.parse().unwrap();
    drop(child.stdout.take());
    let _router = Router::admitted(port, "a");
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("panicked"), "{rest}");
}
