//! Exports, on the command line and as downloads.

use std::process::Output;

use serde_json::{Value, json};

use crate::{
    program::{Program, command, http},
    stage::{MOTE, Place, charts, router_says, values},
    viewer::Viewer,
};

/// A database in which a host has kept something.
fn kept() -> Place {
    let place = Place::new();
    let mut program = place.start();
    let router = router_says(&program, 512);
    charts(&program, |answer| !values(answer, "rank").is_empty());
    drop(router);
    assert!(program.terminate().success());
    place
}

fn export(place: &Place, arguments: &[&str]) -> Output {
    let path = place.path();
    let mut all = vec!["history", "export", "--history", path.to_str().unwrap()];
    all.extend(arguments);
    command(&all).output().unwrap()
}

fn printed(place: &Place, arguments: &[&str]) -> String {
    let output = export(place, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn ask_for(program: &Program, params: &Value) -> String {
    let answer = Viewer::admitted(program).ask("history.export", params);
    answer["result"]["path"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn request(program: &Program, method: &str, path: &str) -> String {
    let port = program.page.as_ref().unwrap().0;
    http(port, &format!("{method} {path} HTTP/1.1\nHost: 127.0.0.1:{port}\nConnection: close\n\n"))
}

#[test]
fn everything_that_was_kept_is_printed_in_the_order_of_time() {
    let place = kept();
    let lines: Vec<Value> = printed(&place, &["--format", "jsonl"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times: Vec<_> = lines.iter().map(|line| line["t"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let of = |kind: &str| lines.iter().find(|line| line["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {lines:?}"));
    assert_eq!((&of("prr")["acked"], &of("prr")["sent"], &of("rank")["value"]), (&json!(9), &json!(10), &json!(512)));
    assert_eq!((&of("count")["signal"], &of("count")["num"]), (&json!("fromMote.status"), &json!(12)));
    assert_eq!((&of("log")["name"], &of("log")["text"]), (&json!("error"), &json!("=cmd|' /C calc'!A0")));
    assert_eq!((&of("link")["mote"], &of("boot")["boots"]), (&Value::Null, &json!(1)));
    assert_eq!(of("count-restart")["text"], "b1");

    let csv = printed(&place, &["--format", "csv"]);
    assert_eq!(csv.lines().count(), lines.len() + 1);
    assert!(csv.starts_with("t,time,lbr,mote,kind,name,detail,value,of,text\r\n"));
    assert!(csv.contains(",'=cmd|' /C calc'!A0\r\n"), "{csv}");
}

#[test]
fn a_part_can_be_asked_for() {
    let place = kept();
    let count = |arguments: &[&str]| {
        let mut all = vec!["--format", "jsonl"];
        all.extend(arguments);
        printed(&place, &all).lines().count()
    };
    let (all, of_mote) = (count(&[]), count(&["--mote", MOTE]));
    assert!(0 < of_mote && of_mote < all);
    assert_eq!(count(&["--lbr", "a", "--from", "1h"]), all);
    assert_eq!((count(&["--lbr", "b"]), count(&["--to", "1h"]), count(&["--from", "2099-01-01", "--to", "2099-01-02"])), (0, 0, 0));
}

#[test]
fn what_cannot_be_exported_is_named() {
    let place = Place::new();
    let check = |arguments: &[&str], status: i32, words: &[&str]| {
        let output = export(&place, arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{text}");
        for word in words {
            assert!(text.contains(word), "`{word}` is missing in: {text}");
        }
    };
    check(&["--format", "csv"], 69, &["history.sqlite", "no such file", "--history FILE"]);
    check(&["--format", "xlsx"], 2, &["--format", "csv", "jsonl"]);
    check(&["--format", "csv", "--from", "yesterday"], 2, &["--from", "yesterday", "2026-11-21"]);
    check(&["--format", "csv", "--mote", "5"], 2, &["mote", "16 lower-case hex digits"]);
    check(&["--format", "csv", "--from", "1h", "--to", "2h"], 2, &["from"]);
    assert!(!place.path().exists());
}

#[test]
fn a_download_is_what_the_command_line_prints_and_can_be_fetched_once() {
    let place = kept();
    let program = place.start();
    let printed = printed(&place, &["--format", "jsonl", "--mote", MOTE]);
    let path = ask_for(&program, &json!({"format": "jsonl", "mote": MOTE}));
    // Whoever looks at its headers does not use it up, and another site's page cannot have it.
    assert!(request(&program, "HEAD", &path).starts_with("HTTP/1.1 405"));
    assert!(request(&program, "POST", &path).starts_with("HTTP/1.1 405"));
    let port = program.page.as_ref().unwrap().0;
    assert!(http(port, &format!("GET {path} HTTP/1.1\nHost: rebound.example:{port}\nConnection: close\n\n")).starts_with("HTTP/1.1 421"));

    let response = request(&program, "GET", &path);
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    for header in [
        "content-disposition: attachment; filename=\"openwsn-history.jsonl\"\r\n",
        "x-content-type-options: nosniff\r\n",
        "cache-control: no-store\r\n",
    ] {
        assert!(response.contains(header), "{header} is missing in {response}");
    }
    for line in printed.lines() {
        assert!(response.contains(line), "{line} is missing in {response}");
    }
    assert!(request(&program, "GET", &path).starts_with("HTTP/1.1 404"));
}

#[test]
fn without_a_ticket_nothing_is_given_out() {
    let place = kept();
    let program = place.start();
    let token = program.page.as_ref().unwrap().1.clone();
    for path in
        ["/history/", "/history/x", &format!("/history/{token}"), "/history/../history.sqlite", "/history/00000000000000000000000000000000"]
    {
        let response = request(&program, "GET", path);
        assert!(response.starts_with("HTTP/1.1 404"), "{path}: {response}");
    }
    // The oldest of too many gives way.
    let first = ask_for(&program, &json!({"format": "csv"}));
    let others: Vec<_> = (0..16).map(|_| ask_for(&program, &json!({"format": "csv"}))).collect();
    assert!(request(&program, "GET", &first).starts_with("HTTP/1.1 404"));
    assert!(request(&program, "GET", &others[15]).starts_with("HTTP/1.1 200"));
}
