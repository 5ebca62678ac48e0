//! The bytes of the serial lines: asked for while somebody records them, and of no consequence to anything else.

use std::time::Duration;

use eventbus::hub::Question;
use mqtypes::broker::{Notification, Request, Subscribe, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::health::Dropped;
use mqtypes::ids::{BootId, Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::queues::UI_PROXY;
use mqtypes::serial::{Direction, LineBytes, PortCounters, SerialCommand, SerialNotification};

use crate::stage::{START, Stage, TAP, envelope, report};

const SECOND: Duration = Duration::from_secs(1);

fn subscribe(reply: &str, topics: &[Topic]) -> Request {
    Request::Subscribe(Subscribe { reply: reply.to_owned(), topics: topics.to_vec(), lease_ms: 15_000 })
}

fn piece(offset: u64, bytes: &[u8]) -> LineBytes {
    let port = PortName("mote1".to_owned());
    LineBytes { port, generation: Generation(1), direction: Direction::Rx, at: START, offset, bytes: bytes.to_vec() }
}

/// Until when the bytes are asked for, if `serial-bridge` is told anything about it.
fn asked(stage: &mut Stage) -> Option<Mono> {
    let questions = stage.hub.take_questions();
    questions.contains(&Question::Bytes).then(|| match stage.hub.command(Question::Bytes) {
        SerialCommand::PassBytes { until } => until,
        other => panic!("{other:?}"),
    })
}

/// Lets deadlines pass until this moment; tells how often and until when the bytes were asked for.
fn pass_time(stage: &mut Stage, until: Mono) -> Vec<Mono> {
    let mut all = Vec::new();
    while let Some(at) = stage.hub.poll_timeout().filter(|at| *at <= until) {
        stage.hub.handle_timeout(at);
        all.extend(asked(stage));
    }
    all
}

#[test]
fn bytes_are_asked_for_while_somebody_wants_them_and_no_longer() {
    let mut stage = Stage::new();
    stage.request(START, subscribe(TAP, &Topic::ALL));
    assert_eq!((asked(&mut stage), stage.hub.poll_timeout()), (None, Some(START.after(15 * SECOND))));
    stage.request(START, subscribe(TAP, &[Topic::Bytes]));
    let first = asked(&mut stage).expect("asked for at once");
    assert!(first.since(START) > 5 * SECOND);
    let renewals = pass_time(&mut stage, START.after(14 * SECOND));
    assert!((2..=4).contains(&renewals.len()) && renewals.is_sorted(), "{renewals:?}");
    // The subscriber was killed: its lease ends, and with it the wish.
    let last = pass_time(&mut stage, START.after(60 * SECOND));
    assert_eq!((last.last(), stage.hub.poll_timeout()), (Some(&Mono(0)), None));
    stage.request(START, subscribe(TAP, &[Topic::Bytes]));
    assert!(asked(&mut stage).is_some());
    stage.request(START, Request::Unsubscribe { reply: TAP.to_owned() });
    assert_eq!(asked(&mut stage), Some(Mono(0)));
}

#[test]
fn a_serial_bridge_that_has_restarted_is_asked_again_at_once() {
    let mut stage = Stage::subscribed(&[Topic::Bytes]);
    stage.serial(START, SerialNotification::Port(report("mote1", PortCounters::default())));
    asked(&mut stage);
    let restarted = Envelope { boot: BootId(77), ..envelope(Sender::SerialBridge) };
    stage.hub.handle_serial(START, &restarted, SerialNotification::Port(report("mote1", PortCounters::default())));
    assert!(asked(&mut stage).is_some_and(|until| until > START));
    stage.hub.handle_serial(START, &restarted, SerialNotification::Port(report("mote1", PortCounters::default())));
    assert_eq!(asked(&mut stage), None);
}

#[test]
fn the_gui_never_gets_bytes() {
    let mut stage = Stage::new();
    stage.request(START, subscribe(UI_PROXY.spec.name, &[Topic::Counts, Topic::Bytes]));
    assert_eq!(asked(&mut stage), None);
    stage.request(START, subscribe(TAP, &[Topic::Bytes]));
    stage.told();
    stage.serial(START, SerialNotification::Bytes(piece(0, b"~S")));
    assert_eq!(stage.told(), [Notification::Bytes(piece(0, b"~S"))]);
    let (broker, _) = stage.hub.settle();
    assert!(broker.waiting().all(|(_, mailbox)| mailbox.iter().all(|entry| !format!("{entry:?}").contains("Bytes"))));
}

#[test]
fn a_subscriber_that_does_not_read_loses_bytes_and_no_log() {
    let mut stage = Stage::subscribed(&[Topic::Logs, Topic::Bytes]);
    stage.told();
    let (logs, pieces): (u32, u32) = (150, 3_000);
    for number in 0..pieces {
        stage.serial(START, SerialNotification::Bytes(piece(u64::from(number) * 1000, &[0x55; 1000])));
        if number % (pieces / logs) == 0 {
            stage.frame(START, "mote1", vec![b'E', 0, 1, 1, 0x20, 0, 0, 0, 0]);
        }
        // It is offered what waits whenever something comes, and takes nothing.
        let (broker, _) = stage.hub.settle();
        assert!(broker.waiting().count() <= 1);
    }
    let mut told = Vec::new();
    loop {
        let more = stage.told();
        if more.is_empty() {
            break;
        }
        told.extend(more);
    }
    assert_eq!(told.iter().filter(|told| matches!(told, Notification::Log(_))).count(), 150);
    let offsets: Vec<_> =
        told.iter().filter_map(|told| if let Notification::Bytes(piece) = told { Some(piece.offset) } else { None }).collect();
    assert!(offsets.is_sorted() && offsets.last() == Some(&u64::from((pieces - 1) * 1000)));
    assert!((200..600).contains(&offsets.len()), "{}", offsets.len());
    let missed = |told: &Notification| match told {
        Notification::Gap { dropped } => dropped.iter().filter(|Dropped { reason, .. }| reason == "line-bytes").map(|d| d.count).sum(),
        _another => 0,
    };
    let missed: u64 = told.iter().map(missed).sum();
    assert_eq!(missed + offsets.len() as u64 * 1000, u64::from(pieces) * 1000);
}
