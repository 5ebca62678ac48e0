//! `/lbr`: who is let in, and what becomes of what they say.

use serde_json::{Value, json};
use tungstenite::{Error, Message};

use crate::{
    program::{Program, http},
    router::{NONCE, Router, SUBPROTOCOL, hello, proof},
    viewer::Viewer,
};

const KIB: usize = 1024;

/// Waits until the host has taken everything that the router said so far.
fn taken(viewer: &mut Viewer, router: &mut Router) {
    router.send(&json!({"type": "lbr-health", "mark": true}));
    viewer.told("lbr-health", |message| message["mark"] == true);
}

#[test]
fn a_router_with_the_key_is_admitted() {
    let program = Program::start(&[]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let mut router = Router::admitted(program.link_port, "a");
    let link = viewer.told("link", |message| message["state"] == "live");
    assert_eq!(link["message"]["lbr"]["hostname"], "pi");
    taken(&mut viewer, &mut router);
}

#[test]
fn a_wrong_proof_is_refused() {
    let program = Program::start(&[]);
    let nonce = |router: &mut Router| {
        router.send(&hello("a"));
        router.receive()["nonce"].as_str().unwrap().to_owned()
    };
    let port = program.link_port;
    for wrong in [
        |_, _: &str| "00".repeat(32),
        |port, nonce: &str| proof("host", port, nonce),
        |port, nonce: &str| proof("router", port + 1, nonce),
        |port, _: &str| proof("router", port, NONCE),
    ] {
        let mut router = Router::dial(port);
        let nonce = nonce(&mut router);
        router.send(&json!({"type": "auth", "proof": wrong(port, &nonce)}));
        let (code, error) = router.closed();
        assert_eq!((code, &error.unwrap()["code"]), (4401, &json!("unauthorized")));
    }
    program.error_line("link: a connection was refused: the router's proof is wrong");
}

#[test]
fn the_port_that_routers_dial_enters_the_proof() {
    let program = Program::start(&["--remote-port", "8123"]);
    let mut router = Router::try_dial(program.link_port, "localhost", 8123, &[]).unwrap();
    router.send(&hello("a"));
    let nonce = router.receive()["nonce"].as_str().unwrap().to_owned();
    router.send(&json!({"type": "auth", "proof": proof("router", 8123, &nonce)}));
    program.error_line("link: border router a is here");
}

#[test]
fn without_a_common_version_the_link_is_closed() {
    let program = Program::start(&[]);
    let mut router = Router::dial(program.link_port);
    let mut newer = hello("a");
    newer["v"] = json!([2]);
    router.send(&newer);
    let (code, error) = router.closed();
    assert_eq!((code, &error.unwrap()["code"]), (4400, &json!("version")));
}

#[test]
fn without_authentication_the_snapshot_follows_the_welcome() {
    let program = Program::start_without_authentication(&[]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let mut router = Router::dial(program.link_port);
    let mut plain = hello("a");
    plain.as_object_mut().unwrap().remove("nonce");
    router.send(&plain);
    let welcome = router.receive();
    assert_eq!((&welcome["v"], welcome.get("proof")), (&json!(1), None));
    taken(&mut viewer, &mut router);
}

#[test]
fn a_long_message_ends_the_link_before_and_after_the_handshake() {
    let program = Program::start(&[]);
    for bytes in [2 * KIB, 200 * KIB, 1024 * KIB] {
        let mut router = Router::dial(program.link_port);
        router.try_send(Message::text("x".repeat(bytes)));
        assert_eq!(router.closed().0, 1009, "{bytes} bytes before");
    }
    for bytes in [257 * KIB, 1024 * KIB] {
        let mut router = Router::admitted(program.link_port, "a");
        router.try_send(Message::text("x".repeat(bytes)));
        assert_eq!(router.closed().0, 1009, "{bytes} bytes after");
    }
}

#[test]
fn what_is_no_hello_ends_the_handshake() {
    let program = Program::start(&[]);
    for message in [Message::text("{"), Message::text("{}"), Message::binary(vec![1])] {
        let mut router = Router::dial(program.link_port);
        router.try_send(message);
        assert_eq!(router.closed().0, 1008);
    }
}

#[test]
fn a_peer_that_says_nothing_is_closed_after_5_s() {
    let program = Program::start(&[]);
    let mut silent = Router::dial(program.link_port);
    let (code, error) = silent.closed();
    assert_eq!(code, 1008);
    assert!(error.unwrap()["text"].as_str().unwrap().contains("5 s"));
}

#[test]
fn three_broken_messages_in_a_row_end_the_link() {
    let program = Program::start(&[]);
    let mut router = Router::admitted(program.link_port, "a");
    let broken = |router: &mut Router, text: &str, code: &str| {
        router.send_text(text);
        let error = router.receive();
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)));
    };
    broken(&mut router, "{", "invalid-json");
    broken(&mut router, r#"{"seq":1}"#, "no-type");
    router.send(&json!({"type": "a type of tomorrow"}));
    broken(&mut router, r#"{"type":"mote-status","elements":{}}"#, "bad-field");
    router.try_send(Message::binary(vec![0; 8]));
    assert_eq!(router.receive()["code"], "binary-frame");
    router.send_text("{");
    let (code, error) = router.closed();
    assert_eq!((code, &error.unwrap()["code"]), (1008, &json!("invalid-json")));
    program.error_line("link: border router a is gone: 3 broken messages in a row");
}

#[test]
fn browsers_other_hosts_and_other_paths_are_turned_away() {
    let program = Program::start(&[]);
    let port = program.link_port;
    let status = |host: &str, headers: &[(&str, &str)]| -> u16 {
        match Router::try_dial(port, host, port, headers) {
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
            Ok(_) => 101,
        }
    };
    assert_eq!(status("127.0.0.1", &[]), 101);
    assert_eq!(status("localhost", &[]), 101);
    assert_eq!(status("[::1]", &[]), 101);
    for origin in ["http://evil.example", "null", &format!("http://localhost:{port}")] {
        assert_eq!(status("localhost", &[("Origin", origin)]), 403);
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.2"] {
        assert_eq!(status(host, &[]), 421);
    }
    let request = |path: &str, more: &str| http(port, &format!("GET {path} HTTP/1.1\nHost: localhost:{port}\nConnection: close\n{more}\n"));
    for path in ["/", "/ws", "/index.html", "/lbr/x"] {
        assert!(request(path, "").starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(!request("/lbr", "").starts_with("HTTP/1.1 2"));
    let upgrade = "Upgrade: websocket\nConnection: upgrade\nSec-WebSocket-Version: 13\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";
    let line = format!("GET /lbr HTTP/1.1\nHost: localhost:{port}\n{upgrade}\n");
    let response = http(port, &line.replace("Connection: upgrade", "Connection: upgrade, close"));
    assert!(response.starts_with("HTTP/1.1 400") && response.contains(SUBPROTOCOL), "{response}");
}

#[test]
fn a_second_connection_of_a_router_replaces_the_first() {
    let program = Program::start(&[]);
    let mut old = Router::admitted(program.link_port, "a");
    program.error_line("link: border router a is here");
    let _new = Router::admitted(program.link_port, "a");
    assert_eq!(old.closed().0, 4409);
}

#[test]
fn several_routers_are_served_at_once_and_pages_are_put_together() {
    let program = Program::start(&[]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let mut a = Router::admitted(program.link_port, "a");
    let mut b = Router::admitted(program.link_port, "b");
    let page = |n: u32, port: &str| {
        json!({"type": "mote-inventory", "seq": n, "t": 9, "part": {"n": n, "of": 2, "snapshot": true},
               "motes": [{"port": port, "mote": null}]})
    };
    a.send(&page(1, "one"));
    b.send(&page(1, "other"));
    a.send(&page(2, "two"));
    let inventory = viewer.told("mote-inventory", |_| true);
    assert_eq!(inventory["lbr"], "a");
    let ports: Vec<&Value> = inventory["message"]["motes"].as_array().unwrap().iter().map(|m| &m["port"]).collect();
    assert_eq!(ports, ["one", "two"]);
    assert!(inventory["message"].get("part").is_none());
    drop(b);
    let lost = viewer.told("link", |message| message["state"] == "lost");
    assert_eq!(lost["lbr"], "b");
    assert!(!lost["message"]["detail"].as_str().unwrap().is_empty());
}

#[test]
fn the_host_measures_the_round_trip_time() {
    let program = Program::start(&[]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let mut router = Router::admitted(program.link_port, "a");
    // Reading answers the ping that came with the admission.
    viewer.told("link", |message| message["state"] == "live");
    router.send_text("{");
    router.receive();
    let link = viewer.told("link", |message| message["rtt_ms"].is_number());
    assert!(link["message"]["rtt_ms"].as_f64().unwrap() < 20_000.0);
}
