//! A host that does not read: it loses events, not state, and costs the router no memory.

use std::thread;
use std::time::Duration;

use mqtypes::broker::{Notification, StatusReport};
use mqtypes::ids::{Asn, PortName, Who};
use mqtypes::log::{Coded, MoteLog, Severity};
use mqtypes::mono::Mono;
use mqtypes::status::Element;
use serde_json::json;

use crate::bench::Bench;

fn who() -> Who {
    Who { mote: None, port: Some(PortName("a".to_owned())) }
}

fn line(number: u64) -> Notification {
    let coded = || Coded { code: 1, name: "OPENWSN".to_owned() };
    let text = format!("{number} {}", "x".repeat(900));
    Notification::Log(MoteLog {
        who: who(),
        heard: Mono(0),
        severity: Severity::Info,
        component: coded(),
        error: coded(),
        args: [0, 0],
        text,
    })
}

#[test]
fn a_host_that_does_not_read_is_told_what_it_missed_and_gets_the_newest_state() {
    const LINES: u64 = 4000;
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    host.say(&json!({"type": "subscribe", "interval_ms": 100}));
    let before = bench.resident();
    for number in 0..LINES {
        let status = StatusReport { who: who(), heard: Mono(0), element: Element::Asn(Asn(number)) };
        bench.tell(&[line(number), Notification::Status(status)]);
    }
    thread::sleep(Duration::from_millis(300));
    let woken = bench.wake_ups();
    thread::sleep(Duration::from_secs(2));
    assert!(bench.wake_ups() - woken <= 3, "it does not spin while it waits for the host");
    let grown = bench.resident().saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB more for a host that does not read");

    let (mut told, mut dropped, mut asn) = (0, 0, 0);
    while told + dropped < LINES || asn < LINES - 1 {
        let message = host.next();
        match message["type"].as_str().expect("a type") {
            "mote-log" => told += 1,
            "gap" => dropped += message["dropped"]["mote-log"].as_u64().expect("a number"),
            "mote-status" => asn = message["elements"]["Asn"]["asn"].as_u64().expect("a number"),
            _other => {}
        }
    }
    assert_eq!(told + dropped, LINES);
    assert!(told < 1000, "{told} lines of 1 kB were on their way at once");
}
