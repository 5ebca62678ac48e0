//! From sleep to a live link, through its loss, and back to sleep.

use std::thread;
use std::time::Duration;

use mqtypes::broker::{Notification, Request, StatusReport, Topic};
use mqtypes::command::{Action, Command, CommandOutcome, OutcomeState, Target};
use mqtypes::count::Count;
use mqtypes::ids::{Asn, Eui64, PortName, Who};
use mqtypes::mesh::MoteData;
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::status::Element;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::bench::{Bench, Ended, Host, KEY, program, until};

const EUI: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);

fn port() -> PortName {
    PortName("/dev/ttyUSB0".to_owned())
}

fn mote() -> Notification {
    Notification::Mote(MoteEntry {
        source: Source::Serial,
        port: Some(port()),
        link: Link::Up,
        cause: String::new(),
        since: Mono(1),
        baud: 115_200,
        mote: Some(EUI),
        id16: Some(1),
        dagroot: Some(false),
        last_heard: None,
        first_heard: None,
        boots: 0,
        booted: None,
    })
}

fn asn(asn: u64) -> Notification {
    let who = Who { mote: Some(EUI), port: Some(port()) };
    Notification::Status(StatusReport { who, heard: Mono(1), element: Element::Asn(Asn(asn)) })
}

fn count(num: u64) -> Notification {
    Notification::Count(Count { sender: "mote_connector@/dev/ttyUSB0".to_owned(), signal: "fromMote.status".to_owned(), num })
}

fn into_command(request: Request) -> Option<Command> {
    match request {
        Request::Command(command) => Some(command),
        Request::Subscribe(_) | Request::Unsubscribe { .. } | Request::AskHealth => None,
    }
}

fn command(bench: &mut Bench) -> Command {
    until("a command comes", || bench.requests().into_iter().find_map(into_command))
}

fn confirm(bench: &mut Bench, command: &Command) {
    for state in [OutcomeState::Accepted, OutcomeState::Confirmed] {
        bench.tell(&[Notification::Outcome(CommandOutcome { id: command.id, state, detail: "done".to_owned(), echo: None })]);
    }
}

fn take_snapshot(bench: &mut Bench, host: &mut Host) {
    bench.wait_for_subscription();
    bench.tell(&[Notification::SnapshotBegin, mote(), asn(1), count(1), Notification::SnapshotEnd]);
    let inventory = host.until("mote-inventory");
    assert_eq!((&inventory["motes"][0]["mote"], &inventory["part"]["of"]), (&Value::from("141592cc00000001"), &Value::from(1)));
    assert_eq!(host.until("mote-status")["elements"]["Asn"]["asn"], 1);
    assert_eq!(host.until("event-count")["counts"][0]["num"], 1);
}

/// The topics of the next subscription.
fn topics(bench: &mut Bench) -> Vec<Topic> {
    bench
        .wait_for_subscription()
        .into_iter()
        .rev()
        .find_map(|request| if let Request::Subscribe(wish) = request { Some(wish.topics) } else { None })
        .expect("a subscription")
}

#[test]
fn packets_cross_the_bus_only_for_a_host_that_asked_for_them() {
    let mut bench = Bench::new(&[]);
    bench.wake_up();
    let mut host = bench.link();
    let usual = topics(&mut bench);
    assert!(!usual.contains(&Topic::Data));
    bench.tell(&[Notification::SnapshotBegin, Notification::SnapshotEnd]);
    host.until("event-count");
    host.say(&json!({"type": "subscribe", "topics": ["mote-data"]}));
    assert_eq!(topics(&mut bench).into_iter().filter(|topic| *topic != Topic::Data).collect::<Vec<_>>(), usual);
    let who = Who { mote: Some(EUI), port: Some(port()) };
    let source = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
    bench.tell(&[Notification::Data(MoteData { who, heard: Mono(1), asn: Asn(7), destination: EUI, source, lowpan: vec![0xf1, 0x83] })]);
    let packet = host.until("mote-data");
    assert_eq!((&packet["source"], &packet["lowpan"]), (&Value::from("141592cc00000002"), &Value::from("f183")));
    host.say(&json!({"type": "subscribe", "topics": ["mote-log"]}));
    assert_eq!(topics(&mut bench), usual);
}

#[test]
fn from_sleep_to_a_live_link_and_through_its_loss_back_to_sleep() {
    let mut bench = Bench::new(&["--retry-for", "2", "--name", "roof"]);
    bench.nobody_dials(Duration::from_millis(300));
    assert_eq!(bench.requests(), [], "while idle it subscribes to nothing");

    bench.wake_up();
    let mut host = bench.link();
    assert_eq!((&host.hello["lbr"]["id"], &host.hello["lbr"]["name"]), (&Value::from("test"), &Value::from("roof")));
    take_snapshot(&mut bench, &mut host);

    thread::sleep(Duration::from_millis(1100));
    bench.tell(&[asn(2), count(2)]);
    let status = host.until("mote-status");
    assert_eq!((&status["elements"]["Asn"]["asn"], status.get("part")), (&Value::from(2), None));
    let counts = host.until("event-count");
    assert_eq!((&counts["counts"][0]["num"], counts.get("part")), (&Value::from(2), None));

    host.say(&json!({"type": "ui-event", "id": "e1", "event": "set-dagroot", "on": true, "mote": "141592cc00000001"}));
    let asked = command(&mut bench);
    assert_eq!((&asked.target, asked.action), (&Target::Mote(EUI), Action::SetDagroot { on: true }));
    confirm(&mut bench, &asked);
    assert_eq!(host.until("command-outcome")["state"], "accepted");
    let confirmed = host.until("command-outcome");
    assert_eq!((&confirmed["id"], &confirmed["state"]), (&Value::from("e1"), &Value::from("confirmed")));

    drop(host);
    let mut host = bench.link();
    bench.wait_for_log("the link is lost");
    let asked_before_the_link_broke = asked;
    confirm(&mut bench, &asked_before_the_link_broke);
    take_snapshot(&mut bench, &mut host);
    bench.restart_eventbus();
    bench.tell(&[Notification::Started]);
    take_snapshot(&mut bench, &mut host);

    drop(host);
    while !bench.log().contains("waiting to be woken again") {
        // A tunnel whose far end is down accepts and resets.
        let _ = bench.listener.accept();
        thread::sleep(Duration::from_millis(5));
    }
    bench.wait_for_log("idle");
    bench.nobody_dials(Duration::from_secs(1));
    let asked = bench.requests();
    assert!(asked.iter().any(|request| matches!(request, Request::Unsubscribe { .. })), "{asked:?}");
    let before = bench.wake_ups();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(bench.wake_ups(), before, "an idle process is never woken");

    bench.signal(Signal::SIGUSR1);
    let mut host = bench.link();
    take_snapshot(&mut bench, &mut host);
    bench.signal(Signal::SIGTERM);
    assert!(bench.end().success());
    assert_eq!(host.end().1, Ended::With(1001));
}

#[test]
fn a_host_with_another_key_gets_nothing_and_is_not_dialled_again_at_once() {
    let bench = Bench::new(&[]);
    bench.wake_up();
    let mut host = bench.hello();
    host.welcome(&[1; 32]);
    let (said, ended) = host.end();
    assert_eq!((said.len(), &said[0]["code"], ended), (1, &Value::from("unauthorized"), Ended::With(4401)));
    bench.wake_up();
    bench.nobody_dials(Duration::from_secs(2));
    assert!(bench.log().contains("did not prove that it holds our key"), "{}", bench.log());
}

#[test]
fn without_a_key_nothing_is_dialled_and_the_log_says_which_command_makes_one() {
    let bench = Bench::without_key(&[]);
    bench.wake_up();
    bench.wait_for_log("not dialling: key file");
    assert!(bench.log().contains("gui-host keygen"));
    bench.nobody_dials(Duration::from_millis(300));
    bench.put_key(&KEY);
    bench.wake_up();
    bench.link();
}

#[test]
fn without_authentication_the_handshake_is_hello_and_welcome() {
    let mut bench = Bench::without_key(&["--auth", "none"]);
    bench.wake_up();
    let mut host = bench.hello();
    assert!(host.hello.get("nonce").is_none());
    host.say(&json!({"type": "welcome", "v": 1}));
    take_snapshot(&mut bench, &mut host);
}

#[test]
fn a_wake_up_while_the_link_is_up_leaves_it_alone() {
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    bench.wake_up();
    bench.signal(Signal::SIGUSR1);
    bench.tell(&[mote()]);
    host.until("mote-inventory");
    bench.nobody_dials(Duration::from_millis(300));
}

#[test]
fn it_says_when_it_is_ready_and_for_what() {
    let bench = Bench::new(&["--name", "roof"]);
    let log = bench.log();
    let ready = format!("instance {}: ready", bench.instance);
    assert!(log.lines().next().is_some_and(|line| line.ends_with(&ready)), "{log}");
    assert!(log.contains("roof (test) waits to be woken"), "{log}");
}

#[test]
fn a_command_without_eventbus_fails_at_once_and_is_never_sent() {
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    bench.remove_eventbus();
    host.say(&json!({"type": "ui-event", "id": "lost", "event": "reset-mote", "port": "/dev/ttyUSB0"}));
    let failed = host.until("command-outcome");
    let expect = (&Value::from("lost"), &Value::from("failed"), &Value::from("no-eventbus: eventbus is not running"));
    assert_eq!((&failed["id"], &failed["state"], &failed["detail"]), expect);

    bench.make_eventbus();
    let first = until("a command gets through", || {
        host.say(&json!({"type": "ui-event", "id": "next", "event": "toggle-dagroot", "port": "/dev/ttyUSB0"}));
        thread::sleep(Duration::from_millis(50));
        bench.requests().into_iter().find_map(into_command)
    });
    assert_eq!(first.action, Action::ToggleDagroot);
}

#[test]
fn health_is_told_although_nobody_else_answers() {
    let bench = Bench::new(&[]);
    bench.wake_up();
    let mut host = bench.link();
    let health = host.until("lbr-health");
    let own = &health["processes"][0];
    assert_eq!((&own["name"], &own["pid"]), (&Value::from("ui-proxy"), &Value::from(bench.pid())));
    assert!(own["rss_kib"].as_u64().is_some_and(|kib| kib > 100), "{own}");
}

#[test]
fn a_live_link_with_nothing_to_say_is_quiet() {
    let mut bench = Bench::new(&[]);
    let mut host = bench.live();
    host.until("lbr-health");
    thread::sleep(Duration::from_millis(200));
    let before = bench.wake_ups();
    thread::sleep(Duration::from_secs(3));
    assert_eq!(bench.wake_ups(), before);
}

#[test]
fn wake_says_clearly_when_nobody_runs() {
    let output = program().args(["wake", "--instance", "ui-test-nobody"]).output().expect("run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69));
    assert!(said.contains("no ui-proxy runs here under the instance `ui-test-nobody`"), "{said}");

    let mut bench = Bench::new(&[]);
    bench.signal(Signal::SIGTERM);
    bench.end();
    let (status, said) = bench.wake(&[]);
    assert_eq!(status.code(), Some(69), "the queue outlives the process: {said}");
}

#[test]
fn a_name_that_is_being_looked_up_stalls_nothing() {
    let mut bench = Bench::new(&["--url", "ws://no-such-host.invalid:8000/lbr"]);
    bench.wake_up();
    bench.signal(Signal::SIGTERM);
    assert!(bench.end().success());
}
