//! Who comes in at `/wslink`, and what it costs to keep the others out.

use serde_json::json;
use tungstenite::{Error, Message};

use crate::{
    client::{Client, call, frame, hello, whole},
    program::Program,
};

/// What the host may grow by while it is attacked, KiB: buffers of the allocator and of the sockets.
const MAX_GROWTH: u64 = 16 * 1024;

fn resident_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn programs_and_our_own_page_may_connect_and_no_other_page() {
    let program = Program::start(&[]);
    let port = program.page.as_ref().unwrap().0;
    let status = |host: &str, origin: Option<&str>| -> u16 {
        match Client::try_dial(port, host, origin) {
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
            Ok(_) => 101,
        }
    };
    let own = format!("localhost:{port}");
    assert_eq!(status(&own, None), 101);
    assert_eq!(status(&own, Some(&format!("http://{own}"))), 101);
    for origin in ["http://evil.example", "null", "http://localhost:1", &format!("http://127.0.0.1:{port}")] {
        assert_eq!(status(&own, Some(origin)), 403, "{origin}");
    }
    for origin in [None, Some(format!("http://rebound.example:{port}"))] {
        assert_eq!(status(&format!("rebound.example:{port}"), origin.as_deref()), 421);
    }
}

#[test]
fn a_wrong_secret_is_refused_as_by_the_reference_and_a_third_one_closes() {
    let program = Program::start(&[]);
    let (_, token) = program.page.as_ref().unwrap();
    let wrong = json!({"wslink": "1.0", "id": "system:c0:0", "error": {"code": -32000, "message": "Authentication failed"}});
    let mut client = Client::dial(&program);
    for secret in ["wslink-secret", &token[1..]] {
        client.send(&whole(&hello(secret)));
        assert_eq!(client.receive(), wrong);
    }
    client.send(&whole(&hello(token)));
    assert!(client.receive()["result"]["clientID"].as_str().unwrap().starts_with('c'));

    let mut client = Client::dial(&program);
    client.send(&whole(&call(0, "lbr.snapshot", &json!({}))));
    client.send(&whole(&hello("")));
    client.send(&whole(&hello("wslink-secret")));
    let (code, reason, before) = client.closed();
    assert_eq!((code, before.len()), (4401, 3));
    assert_eq!(before[0]["error"], json!({"code": -32000, "message": "Unauthorized: Skip message processing"}));
    assert!(reason.contains("token"), "{reason}");
}

#[test]
fn whoever_is_not_in_is_closed_at_the_first_broken_frame() {
    let program = Program::start(&[]);
    let check = |message: Message, expect: u16, words: &str| {
        let mut client = Client::dial(&program);
        client.try_send(message);
        let (code, reason, before) = client.closed();
        assert_eq!((code, before.len()), (expect, 0));
        assert!(reason.contains(words), "{reason}");
    };
    check(Message::binary(whole(&hello(&"x".repeat(512)))), 1009, "at most 512");
    check(Message::binary(frame(1, 0, u32::MAX, b"x")), 1009, "4294967295");
    check(Message::binary(vec![0; 33 * 1024]), 1009, "32 KiB");
    check(Message::binary(vec![0; 11]), 1008, "header");
    check(Message::binary(frame(1, 0, 0, b"")), 1008, "payload");
    check(Message::binary(frame(1, 5, 6, b"xy")), 1008, "offset 5");
    check(Message::binary(whole(&[0xc1; 5])), 1008, "msgpack");
    check(Message::binary(whole(&[0x80])), 1008, "id");
    check(Message::text("{}"), 4401, "wslink.hello");
    let mut silent = Client::dial(&program);
    assert_eq!(silent.closed().0, 4401);
}

#[test]
fn a_client_that_breaks_the_format_is_closed_with_the_reason() {
    let program = Program::start(&[]);
    let check = |frames: &[Vec<u8>], expect: u16, words: &str| {
        let mut client = Client::admitted(&program);
        for frame in frames {
            client.send(frame);
        }
        let (code, reason, _) = client.closed();
        assert_eq!(code, expect);
        assert!(reason.contains(words), "{reason}");
    };
    check(&[frame(1, 0, 64 * 1024 + 1, b"x")], 1009, "at most 65536");
    check(&[vec![0; 33 * 1024]], 1009, "32 KiB");
    check(&[frame(1, 0, 9, b"abc"), frame(1, 2, 9, b"c")], 1008, "overlaps");
    check(&[frame(1, 0, 9, b"abc"), frame(1, 3, 8, b"d")], 1008, "of which an earlier chunk said 9");
    check(&[frame(1, 9, 9, b"x")], 1008, "offset 9");
    check(&(0..5).map(|id| frame(id, 0, 9, b"x")).collect::<Vec<_>>(), 1008, "more than 4 messages");
    check(&(0..257).map(|at| frame(1, at * 2, 9999, b"x")).collect::<Vec<_>>(), 1008, "256 chunks");
    check(&[whole(&[0xdd, 0xff, 0xff, 0xff, 0xff])], 1008, "msgpack");
    check(&[whole(&[0x91; 60])], 1008, "msgpack");
    check(&[whole(b"\x80\x80")], 1008, "1 bytes after");
}

#[test]
fn claims_and_unfinished_messages_do_not_grow_the_host() {
    let program = Program::start(&[]);
    let claim = frame(1, 0, u32::MAX, b"x");
    // One of each first, so that what is allocated once does not count.
    drop(Client::admitted(&program));
    Client::dial(&program).send(&claim);
    let before = resident_kib(&program);
    for _ in 0..200 {
        let mut client = Client::dial(&program);
        client.send(&claim);
        assert_eq!(client.closed().0, 1009);
    }
    // As many clients as come in, each with all that it may leave unfinished.
    let mut clients: Vec<_> = (0..30).map(|_| Client::admitted(&program)).collect();
    let rest = vec![0; 30_000];
    for client in &mut clients {
        for id in 0..4 {
            client.send(&frame(id, 0, 64 * 1024, &rest));
            client.send(&frame(id, 30_000, 64 * 1024, &rest));
        }
        assert_eq!(client.ask("lbr.nothing", &json!({}))["error"]["code"], -32601);
    }
    let grown = resident_kib(&program).saturating_sub(before);
    // 30 clients, 4 messages, 60 kB: 7 MiB by design.
    assert!(grown < MAX_GROWTH, "{grown} KiB");
}
