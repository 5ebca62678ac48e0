//! The page's listener: what a browser gets, and what another page in it does not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::Error;

use crate::{
    program::{PATIENCE, Program, http},
    router::Router,
    viewer::Viewer,
};

const MOTE: &str = "141592cc00000001";

fn port(program: &Program) -> u16 {
    program.page.as_ref().unwrap().0
}

#[test]
fn every_response_bears_the_protecting_headers() {
    let program = Program::start(&[]);
    let port = port(&program);
    let request =
        |method: &str, path: &str, host: &str| http(port, &format!("{method} {path} HTTP/1.1\nHost: {host}\nConnection: close\n\n"));
    let own = format!("127.0.0.1:{port}");
    for (response, status) in [
        (request("GET", "/", &own), "200"),
        (request("HEAD", "/", &own), "200"),
        (request("GET", "/nothing", &own), "404"),
        (request("POST", "/", &own), "405"),
        (request("GET", "/ws", &own), "403"),
        (request("GET", "/", "rebound.example"), "421"),
        (request("GET", "/lbr", &own), "404"),
    ] {
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'\r\n",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
            "cross-origin-opener-policy: same-origin\r\n",
        ] {
            assert!(response.contains(header), "{header} is missing in {response}");
        }
    }
}

#[test]
fn only_the_page_itself_may_connect() {
    let program = Program::start(&[]);
    let port = port(&program);
    let status = |host: &str, origin: Option<&str>| -> u16 {
        match Viewer::try_dial(port, host, origin) {
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
            Ok(_) => 101,
        }
    };
    let own = format!("localhost:{port}");
    assert_eq!(status(&own, Some(&format!("http://{own}"))), 101);
    assert_eq!(status(&own, None), 403);
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost",
        "http://localhost:1",
        &format!("https://{own}"),
        &format!("http://127.0.0.1:{port}"),
        &format!("http://{own}.evil.example"),
    ] {
        assert_eq!(status(&own, Some(origin)), 403, "{origin}");
    }
    let rebound = format!("rebound.example:{port}");
    assert_eq!(status(&rebound, Some(&format!("http://{rebound}"))), 421);
}

#[test]
fn without_the_token_a_browser_is_closed() {
    let program = Program::start(&[]);
    let token = program.page.as_ref().unwrap().1.clone();
    let authenticate = |token: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "authenticate", "params": {"token": token}}).to_string();
    let subscribe = json!({"jsonrpc": "2.0", "id": 1, "method": "subscribe"}).to_string();
    for (text, code, error) in [
        (authenticate("0123456789abcdef0123456789abcdef"), 4401, Some(-32001)),
        (authenticate(&token[1..]), 4401, Some(-32001)),
        (authenticate(""), 4401, Some(-32001)),
        (subscribe, 4401, Some(-32001)),
        ("{".to_owned(), 4401, Some(-32700)),
        (authenticate(&"x".repeat(600)), 1009, None),
    ] {
        let mut viewer = Viewer::dial(&program);
        viewer.send_text(&text);
        let (closed, last) = viewer.closed();
        let told = last.map(|answer| answer["error"]["code"].as_i64().unwrap());
        assert_eq!((closed, told), (code, error), "{text}");
    }
    // Who is slow may have the token, and is not to take itself for refused.
    let mut silent = Viewer::dial(&program);
    assert_eq!(silent.closed(), (1013, None));
}

#[test]
fn a_page_sees_the_snapshot_then_changes_and_the_outcome_of_its_command() {
    let program = Program::start(&[]);
    let mut router = Router::admitted(program.link_port, "a");
    router.send(&json!({"type": "mote-inventory", "t": 1, "motes": [{"mote": MOTE, "port": "p"}]}));
    router.send(&json!({"type": "mote-status", "mote": MOTE, "port": "p", "elements":
        {"Schedule": {"t": 1, "rows": [{"row": 0, "slotOffset": 0}, {"row": 1, "slotOffset": 1}]}}}));
    router.send(&json!({"type": "mote-status", "mote": MOTE, "port": "p", "elements":
        {"Schedule": {"t": 2, "rows": [{"row": 1, "slotOffset": 7}]}}}));
    router.send(&json!({"type": "mote-log", "mote": MOTE, "text": "<b>hostile</b>"}));
    let (mut viewer, mut other) = (Viewer::admitted(&program), Viewer::admitted(&program));
    other.subscribe();
    // The router's messages may still be on their way.
    let until = Instant::now() + PATIENCE;
    let snapshot = loop {
        let snapshot = viewer.subscribe();
        if snapshot["lbrs"]["a"]["logs"].as_array().is_some_and(|logs| logs.len() == 1) {
            break snapshot;
        }
        assert!(Instant::now() < until, "{snapshot}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let schedule = &snapshot["lbrs"]["a"]["status"][MOTE]["elements"]["Schedule"];
    let rows = json!([{"row": 0, "slotOffset": 0}, {"row": 1, "slotOffset": 7}]);
    assert_eq!(schedule, &json!({"t": 2, "rows": rows}));
    assert_eq!(snapshot["lbrs"]["a"]["hello"]["lbr"]["name"], "roof");

    let params = json!({"lbr": "a", "event": "toggle-dagroot", "mote": MOTE});
    let id = viewer.ask("ui-event", &params)["result"]["id"].clone();
    let event = router.receive();
    let expect = json!({"type": "ui-event", "id": id, "event": "toggle-dagroot", "mote": MOTE});
    assert_eq!(event, expect);
    for state in ["accepted", "sent", "confirmed"] {
        router.send(&json!({"type": "command-outcome", "id": id, "state": state, "detail": ""}));
    }
    router.send(&json!({"type": "lbr-health", "mark": true}));
    for state in ["accepted", "sent", "confirmed"] {
        let told = viewer.told("command-outcome", |_| true);
        assert_eq!(told["message"]["state"], state);
    }
    let mut before: Vec<Value> = Vec::new();
    while before.last().is_none_or(|message| message["method"] != "lbr-health") {
        before.push(other.receive());
    }
    assert!(before.iter().all(|message| message["method"] != "command-outcome"), "{before:?}");

    assert_eq!(viewer.ask("refresh", &json!({"lbr": "a"}))["result"], json!({}));
    assert_eq!(router.receive(), json!({"type": "refresh"}));
    assert_eq!(viewer.ask("ui-event", &json!({"lbr": "b", "event": "reset-mote", "mote": MOTE}))["error"]["code"], -32002);
}

#[test]
fn a_message_above_64_kib_ends_the_connection() {
    let program = Program::start(&[]);
    let mut viewer = Viewer::admitted(&program);
    viewer.send_text(&"x".repeat(65 * 1024));
    assert_eq!(viewer.closed().0, 1009);
}

#[test]
fn invalid_json_is_answered_and_the_connection_stays() {
    let program = Program::start(&[]);
    let mut viewer = Viewer::admitted(&program);
    viewer.send_text("{");
    assert_eq!(viewer.receive()["error"]["code"], -32700);
    viewer.subscribe();
}

#[test]
fn a_page_that_does_not_read_costs_only_itself() {
    let program = Program::start(&[]);
    let mut stuck = Viewer::admitted(&program);
    stuck.subscribe();
    let mut reading = Viewer::admitted(&program);
    reading.subscribe();
    let mut router = Router::admitted(program.link_port, "a");
    let text = "x".repeat(8000);
    let lines: u64 = 4000;
    for n in 0..lines {
        router.send(&json!({"type": "mote-log", "n": n, "text": text}));
        let told = reading.told("mote-log", |_| true);
        assert_eq!(told["message"]["n"], n);
    }
    assert!(stuck.end() < lines as usize);
}
