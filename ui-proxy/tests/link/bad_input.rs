//! Nothing that arrives may stop the process, and everything is told.

use std::net::TcpListener;
use std::time::Duration;

use mqtypes::broker::{Notification, Request};
use mqtypes::envelope::CURRENT;
use mqtypes::queues::{UI_PROXY, UI_PROXY_REQUESTS};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::bench::{Bench, Ended, start, until};

#[test]
fn a_host_that_talks_nonsense_is_told_so_and_left_after_the_third_time() {
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    host.say_text("{");
    assert_eq!(host.until("error")["code"], "invalid-json");
    host.socket.send(Message::binary(vec![0, 1, 2])).expect("sent");
    assert_eq!(host.until("error")["code"], "binary-frame");
    host.say(&json!({"type": "ui-event", "id": "e", "event": "explode", "port": "a"}));
    let refused = host.until("command-outcome");
    assert_eq!((&refused["id"], &refused["state"]), (&Value::from("e"), &Value::from("refused")));
    assert!(refused["detail"].as_str().expect("words").starts_with("unknown-event"), "{refused}");
    assert!(!bench.requests().iter().any(|request| matches!(request, Request::Command(_))));
    for text in ["{", "", "\"x\""] {
        host.say_text(text);
    }
    let (said, ended) = host.end();
    let codes: Vec<&str> = said.iter().filter_map(|message| message["code"].as_str()).collect();
    assert_eq!((codes, ended), (vec!["invalid-json", "invalid-json", "no-type"], Ended::With(1008)));
    bench.link();
}

#[test]
fn a_megabyte_in_one_frame_ends_the_link_and_nothing_else() {
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    // The process stops reading in the middle: the write may break, the goodbye comes through all the same.
    let _ = host.socket.send(Message::text("x".repeat(1 << 20)));
    assert_eq!(host.end().1, Ended::With(1009));
    let mut host = bench.link();
    assert!(bench.is_running());
    host.say(&json!({"type": "subscribe", "interval_ms": 100}));
    host.until("lbr-health");
}

#[test]
fn before_the_host_has_proved_itself_it_may_say_a_thousand_bytes() {
    let bench = Bench::new(&[]);
    bench.wake_up();
    let mut host = bench.hello();
    host.say_text(&format!(r#"{{"type":"welcome","v":1,"x":"{}"}}"#, "x".repeat(1024)));
    assert_eq!(host.end().1, Ended::With(1009));
}

#[test]
fn something_else_behind_the_tunnel_is_named() {
    let bench = Bench::new(&[]);
    bench.wake_up();
    let (mut stream, _) = until("somebody dials", || bench.listener.accept().ok());
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").expect("written");
    bench.wait_for_log("answers with HTTP status 404");
    let (mut stream, _) = until("somebody dials", || bench.listener.accept().ok());
    std::io::Write::write_all(&mut stream, b"SSH-2.0-OpenSSH_9.2\r\n").expect("written");
    bench.wait_for_log("is no WebSocket");
    drop(until("somebody dials", || bench.listener.accept().ok()));
    bench.wait_for_log("no GUI host behind it");
}

#[test]
fn a_port_that_nobody_listens_on_and_a_handshake_that_never_ends_are_given_up() {
    let bench = Bench::new(&["--retry-for", "7"]);
    let unused = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("bound").port();
    let (status, said) = bench.wake(&["--port", &unused.to_string()]);
    assert!(status.success(), "{said}");
    bench.wait_for_log(&format!("nobody listens at 127.0.0.1:{unused}: there is no tunnel"));
    bench.wake_up();
    let silent = until("somebody dials", || bench.listener.accept().ok());
    bench.wait_for_log("the handshake was not finished within 5 s");
    drop(silent);
}

#[test]
fn foreign_and_other_versions_bytes_in_its_queues_are_passed_over() {
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    let right = bench.message(&Notification::Started);
    let versions = [CURRENT + 1, CURRENT - 1].map(|version| {
        let mut bytes = right.clone();
        bytes[4] = version;
        bytes
    });
    for bytes in versions.iter().map(Vec::as_slice).chain([&b"foreign"[..], &[], &[0xff; 200], &right[..right.len() - 1]]) {
        bench.send(UI_PROXY.spec.name, bytes);
        bench.send(UI_PROXY_REQUESTS.spec.name, bytes);
    }
    for words in ["foreign bytes", "newer than", "older than", "malformed message"] {
        bench.wait_for_log(words);
    }
    host.say(&json!({"type": "refresh"}));
    host.until("mote-inventory");
    bench.nobody_dials(Duration::from_millis(100));
}

#[test]
fn a_second_process_of_the_same_instance_is_refused_with_the_pid_of_the_first() {
    let bench = Bench::new(&[]);
    let output = start(&bench.instance, bench.state_dir(), &[]).wait_with_output().expect("run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69));
    assert!(said.contains(&format!("process {}", bench.pid())), "{said}");
}
