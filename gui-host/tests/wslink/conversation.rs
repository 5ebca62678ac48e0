//! A client that is in: the snapshot, what follows, and its commands.

use serde_json::{Value, json};

use crate::{
    client::{Client, call, whole},
    program::Program,
    router::Router,
};

const MOTE: &str = "141592cc00000001";

/// Waits until a client has been told the last of `lines` log lines.
fn hear_logs(client: &mut Client, lines: usize) {
    let heard = (0..lines).map(|_| client.told("mote.log")).count();
    assert_eq!(heard, lines);
}

#[test]
fn a_large_snapshot_comes_in_frames_of_the_size_that_was_told() {
    let program = Program::start(&[]);
    let mut client = Client::admitted(&program);
    let mut router = Router::admitted(program.link_port, "a");
    let text = "x".repeat(1000);
    for n in 0..100 {
        router.send(&json!({"type": "mote-log", "n": n, "text": text}));
    }
    hear_logs(&mut client, 100);
    client.frames.clear();
    let snapshot = client.ask("lbr.snapshot", &json!({}))["result"].clone();
    assert_eq!(snapshot["lbrs"]["a"]["logs"][99]["n"], 99);
    assert!(client.frames.len() > 3 && client.frames.iter().all(|&len| len <= 32 * 1024), "{:?}", client.frames);
    let file = client.ask("lbr.export", &json!({}))["result"].clone();
    assert_eq!((&file["name"], &file["type"]), (&json!("openwsn-snapshot.json"), &json!("application/json")));
    let bytes: Vec<u8> = serde_json::from_value(file["data"].clone()).unwrap();
    let exported: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(exported["lbrs"], snapshot["lbrs"]);
}

#[test]
fn a_command_for_all_routers_has_an_outcome_from_each() {
    let program = Program::start(&[]);
    let mut client = Client::admitted(&program);
    let mut routers = [Router::admitted(program.link_port, "a"), Router::admitted(program.link_port, "b")];
    for router in &mut routers {
        router.send(&json!({"type": "mote-log", "n": 1}));
    }
    hear_logs(&mut client, 2);
    let mut other = Client::admitted(&program);

    let command = json!({"lbr": "*", "event": "set-dagroot", "mote": MOTE, "on": true});
    let result = client.ask("lbr.command", &command)["result"].clone();
    assert_eq!(result["lbrs"], json!(["a", "b"]));
    for router in &mut routers {
        let event = router.receive();
        assert_eq!((&event["id"], &event["event"]), (&result["id"], &json!("set-dagroot")));
        router.send(&json!({"type": "command-outcome", "id": result["id"], "state": "confirmed"}));
    }
    let mut from = [client.told("command.outcome"), client.told("command.outcome")].map(|told| told["lbr"].clone());
    from.sort_by_key(Value::to_string);
    assert_eq!(from, [json!("a"), json!("b")]);

    routers[0].send(&json!({"type": "mote-log", "n": 2}));
    loop {
        let message = other.receive();
        assert_ne!(message["id"], "publish:command.outcome:0");
        if message["id"] == "publish:mote.log:0" && message["result"]["message"]["n"] == 2 {
            break;
        }
    }
}

#[test]
fn a_client_that_would_stop_the_host_ends_its_own_connection() {
    let program = Program::start(&[]);
    for method in ["application.exit", "application.exit.later"] {
        let mut client = Client::admitted(&program);
        client.send(&whole(&call(1, method, &json!({}))));
        let (code, _, before) = client.closed();
        assert_eq!(code, 1000);
        assert!(before.iter().all(|message| message["id"] != "rpc:c1:1"), "{before:?}");
    }
    Client::admitted(&program);
}
