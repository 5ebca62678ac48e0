//! The session in virtual time: what the host gets, in which order, how often, and how much at once.

use mqtypes::broker::{StatusReport, SummaryReport};
use mqtypes::command::{Action, CommandOutcome, EchoFigures};
use mqtypes::count::Count;
use mqtypes::envelope::Sender;
use mqtypes::ids::{Asn, PortName, Who};
use mqtypes::mote::{Link, MoteEntry};
use mqtypes::status::{Address, Element, NeighborsRow, QueueEntry, Summary, TableFill};
use proptest::prelude::*;
use serde_json::Value;

use super::dag::tests::entry as dag_entry;
use super::events::tests::{line, packet};
use super::health::tests::figures;
use super::inventory::tests::entry;
use super::ports::tests::report as port_report;
use super::uinject::tests::report as uinject_report;
use super::*;

const BOOT: BootId = BootId(0xb007);
const LONGEST: usize = 32 * 1024;

/// A session, and the time it is told.
struct Stage {
    session: Session,
    now: Moment,
}

impl Stage {
    fn new() -> Self {
        let now = Moment { mono: Mono(1_000_000_000), unix_ms: 1_700_000_000_000 };
        Self { session: Session::new(now.mono, Sequence::default(), 7000), now }
    }

    /// One that has told an empty snapshot.
    fn live() -> Self {
        Self::with([])
    }

    /// One that has told a snapshot of this.
    fn with(notifications: impl IntoIterator<Item = Notification>) -> Self {
        let mut stage = Self::new();
        stage.snapshot(notifications);
        stage.said();
        stage
    }

    fn snapshot(&mut self, notifications: impl IntoIterator<Item = Notification>) {
        self.tell(Notification::SnapshotBegin);
        for notification in notifications {
            self.tell(notification);
        }
        self.tell(Notification::SnapshotEnd);
    }

    fn tell(&mut self, notification: Notification) {
        self.session.handle_notification(self.now.mono, BOOT, notification);
    }

    /// A report that is heard now.
    fn hear(&mut self, name: &str, element: Element) {
        let who = Who { mote: None, port: Some(PortName(name.to_owned())) };
        self.tell(Notification::Status(StatusReport { who, heard: self.now.mono, element }));
    }

    fn ask(&mut self, text: &str) -> Patience {
        self.session.handle_text(self.now.mono, text)
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono.after(time);
        self.now.unix_ms += time.as_millis() as u64;
        self.session.handle_timeout(self.now.mono);
    }

    fn texts(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_message(self.now)).collect()
    }

    fn said(&mut self) -> Vec<Value> {
        self.texts().iter().map(|text| serde_json::from_str(text).expect("JSON")).collect()
    }

    fn types(&mut self) -> Vec<String> {
        self.said().iter().map(|message| message["type"].as_str().expect("a type").to_owned()).collect()
    }

    fn said_to_bus(&mut self) -> Vec<ToBus> {
        std::iter::from_fn(|| self.session.poll_to_bus()).collect()
    }

    fn command(&mut self) -> Command {
        self.said_to_bus()
            .into_iter()
            .find_map(|saying| match saying {
                ToBus::Command(command) => Some(command),
                ToBus::SubscribeAnew(_) | ToBus::Renew(_) | ToBus::AskHealth | ToBus::Unsubscribe | ToBus::BeSilent => None,
            })
            .expect("a command")
    }
}

fn mote(name: &str) -> Notification {
    Notification::Mote(entry(name, None))
}

fn status(name: &str, element: Element) -> Notification {
    let who = Who { mote: None, port: Some(PortName(name.to_owned())) };
    Notification::Status(StatusReport { who, heard: Mono(999_000_000), element })
}

fn asn(name: &str, asn: u64) -> Notification {
    status(name, Element::Asn(Asn(asn)))
}

fn count(signal: &str, num: u64) -> Notification {
    Notification::Count(Count { sender: "mote_connector@a".to_owned(), signal: signal.to_owned(), num })
}

fn neighbors_row(row: u8) -> Element {
    Element::NeighborsRow(NeighborsRow {
        row,
        used: true,
        insecure: false,
        parent_preference: 1,
        stable_neighbor: true,
        switch_stability_counter: 0,
        addr: Address { kind: 3, bytes: [0xff; 16] },
        dag_rank: 65535,
        rssi: -100,
        num_rx: 255,
        num_tx: 255,
        num_tx_ack: 255,
        num_wraps: 255,
        asn: Asn(0xff_ffff_ffff),
        join_prio: 255,
        f6p_no_res: false,
        in_blacklist: Some(false),
        sixtop_seq_num: 255,
        backoff_exponent: 255,
        backoff: 255,
    })
}

fn reset(id: &str) -> String {
    format!(r#"{{"type":"ui-event","id":"{id}","event":"reset-mote","port":"a"}}"#)
}

fn outcome(id: RequestId, state: OutcomeState) -> Notification {
    Notification::Outcome(CommandOutcome { id, state, detail: "words".to_owned(), echo: None })
}

#[test]
fn it_subscribes_at_once_and_says_nothing_before_the_snapshot_is_complete() {
    let mut stage = Stage::new();
    assert_eq!(stage.said_to_bus(), [ToBus::SubscribeAnew(Packets::Unwanted), ToBus::AskHealth]);
    for stale in [mote("old"), asn("old", 1), count("old", 1), Notification::SnapshotEnd] {
        stage.tell(stale);
    }
    assert_eq!(stage.types(), Vec::<String>::new());
    stage.tell(Notification::SnapshotBegin);
    stage.tell(mote("a"));
    stage.tell(asn("a", 1));
    assert_eq!(stage.types(), Vec::<String>::new());
    assert_eq!(stage.session.poll_due(), None);
    stage.tell(Notification::SnapshotEnd);
    assert_eq!(stage.types(), ["mote-inventory", "dag", "mote-status", "uinject", "event-count"]);
}

#[test]
fn a_large_snapshot_is_said_in_pages_that_are_complete_and_never_too_long() {
    let mut stage = Stage::new();
    let ports: Vec<String> = (0..300).map(|number| format!("/dev/serial/by-id/usb-{number:-<60}")).collect();
    let rows = || (0..=255).map(neighbors_row).chain([Element::Queue(vec![QueueEntry { creator: 10, owner: 11 }; 256])]);
    let motes = ports.iter().map(|port| mote(port));
    let statuses = ports[..3].iter().flat_map(|port| rows().map(move |element| status(port, element)));
    let counts = (0..2000).map(|number| count(&format!("fromMote.signal.{number}"), u64::MAX));
    stage.snapshot(motes.chain(statuses).chain(counts));
    let texts = stage.texts();
    assert!(texts.iter().all(|text| text.len() <= LONGEST), "{:?}", texts.iter().map(String::len).max());

    let messages: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    let of = |kind: &str, key: &str| -> Vec<Value> {
        let is_wanted = |message: &&Value| message["type"] == kind && (key.is_empty() || message["port"] == *key);
        let pages: Vec<Value> = messages.iter().filter(is_wanted).cloned().collect();
        for (at, page) in pages.iter().enumerate() {
            let expect = serde_json::json!({"n": at + 1, "of": pages.len(), "snapshot": pages[0]["part"]["snapshot"]});
            assert_eq!(page["part"], expect);
        }
        assert!(pages.len() > 1, "{kind} {key} is not paged");
        pages
    };
    let entries = |pages: &[Value], field: &str| pages.iter().map(|page| page[field].as_array().expect("a list").len()).sum::<usize>();
    assert_eq!(entries(&of("mote-inventory", ""), "motes"), 300);
    assert_eq!(entries(&of("event-count", ""), "counts"), 2000);
    for port in &ports[..3] {
        let rows = |table: &str| -> usize {
            of("mote-status", port).iter().filter_map(|page| page["elements"][table]["rows"].as_object()).map(serde_json::Map::len).sum()
        };
        assert_eq!((rows("Neighbors"), rows("Queue")), (256, 256));
    }
    let seqs: Vec<u64> = messages.iter().map(|message| message["seq"].as_u64().expect("a number")).collect();
    assert_eq!(seqs, (0..messages.len() as u64).collect::<Vec<_>>());
}

#[test]
fn the_first_change_goes_out_at_once_and_further_ones_at_the_end_of_the_interval() {
    let mut stage = Stage::with([mote("a"), asn("a", 1)]);
    stage.pass(Duration::from_secs(5));
    stage.tell(asn("a", 2));
    assert_eq!(stage.said()[0]["elements"]["Asn"]["asn"], 2);
    let end = stage.now.mono.after(Duration::from_secs(1));
    for asn_now in 3..50 {
        stage.pass(Duration::from_millis(10));
        stage.tell(asn("a", asn_now));
        assert_eq!(stage.types(), Vec::<String>::new());
        assert_eq!(stage.session.poll_due(), Some(end));
    }
    stage.pass(end.until(stage.now.mono));
    let said = stage.said();
    assert_eq!((said.len(), &said[0]["elements"]["Asn"]["asn"]), (1, &Value::from(49)));
    assert_eq!(said[0]["elements"].as_object().map(serde_json::Map::len), Some(1));
    assert!(said[0].get("part").is_none());
    assert_eq!(stage.session.poll_due(), None);
}

#[test]
fn what_keeps_being_heard_unchanged_is_said_again_every_ten_seconds_with_its_newest_time() {
    let mut stage = Stage::with([mote("a")]);
    stage.hear("a", Element::KaPeriod(1000));
    stage.hear("a", neighbors_row(3));
    stage.said();
    let mut said = Vec::new();
    for second in 1..=60 {
        stage.pass(Duration::from_secs(1));
        stage.hear("a", Element::KaPeriod(1000));
        // A row comes round less often.
        if second % 7 == 0 {
            stage.hear("a", neighbors_row(3));
        }
        for message in stage.said() {
            for (name, element) in message["elements"].as_object().expect("an object") {
                let age = stage.now.unix_ms - element["t"].as_u64().expect("a time");
                said.push(format!("{second} s: {name}, {} s old", age / 1000));
            }
        }
    }
    let periods: Vec<&str> = said.iter().filter(|line| line.contains("kaPeriod")).map(String::as_str).collect();
    assert_eq!(periods, [10, 20, 30, 40, 50, 60].map(|second| format!("{second} s: kaPeriod, 0 s old")));
    let rows: Vec<&str> = said.iter().filter(|line| line.contains("Neighbors")).map(String::as_str).collect();
    let expect = [(10, 3), (17, 3), (24, 3), (31, 3), (38, 3), (45, 3), (52, 3), (59, 3)];
    assert_eq!(rows, expect.map(|(second, age)| format!("{second} s: Neighbors, {age} s old")));
}

#[test]
fn a_link_is_not_woken_for_motes_that_are_silent_or_not_there() {
    let mut stage = Stage::with([mote("a"), asn("a", 1)]);
    assert_eq!(stage.session.poll_due(), None);
    stage.pass(Duration::from_secs(10));
    stage.hear("a", Element::Asn(Asn(1)));
    assert_eq!(stage.types(), ["mote-status"], "the host's time was old already");
    assert_eq!(stage.session.poll_due(), None);
    stage.pass(Duration::from_secs(4));
    stage.hear("a", Element::Asn(Asn(1)));
    assert_eq!(stage.session.poll_due(), Some(stage.now.mono.after(Duration::from_secs(6))));
    stage.tell(Notification::MoteGone(entry("a", None).who()));
    stage.said();
    assert_eq!(stage.session.poll_due(), None);
}

#[test]
fn a_host_that_takes_nothing_for_a_while_is_told_once_that_all_was_heard_again() {
    let mut stage = Stage::with([mote("a")]);
    stage.hear("a", Element::KaPeriod(1000));
    stage.said();
    for _second in 0..300 {
        stage.pass(Duration::from_secs(1));
        stage.hear("a", Element::KaPeriod(1000));
    }
    let said = stage.said();
    assert_eq!((said.len(), &said[0]["elements"]["kaPeriod"]["t"]), (1, &Value::from(stage.now.unix_ms)));
}

#[test]
fn a_host_that_takes_nothing_for_a_while_gets_the_newest_state_once() {
    let mut stage = Stage::with([mote("a"), asn("a", 0), count("x", 0)]);
    for number in 1..10_000 {
        stage.tell(asn("a", number));
        stage.tell(count("x", number));
        stage.tell(Notification::Mote(MoteEntry { baud: number as u32, ..entry("a", None) }));
    }
    stage.pass(Duration::from_secs(2));
    let said = stage.said();
    assert_eq!(said.len(), 3);
    assert_eq!(said[0]["motes"][0]["baud"], 9999);
    assert_eq!(said[1]["elements"]["Asn"]["asn"], 9999);
    assert_eq!(said[2]["counts"][0]["num"], 9999);
}

#[test]
fn the_inventory_is_said_whole_whenever_it_changes_and_not_because_a_mote_was_heard() {
    let mut stage = Stage::with([mote("a"), mote("b")]);
    stage.pass(Duration::from_secs(1));
    stage.tell(Notification::Mote(MoteEntry { last_heard: Some(Mono(5)), ..entry("a", None) }));
    assert_eq!(stage.types(), Vec::<String>::new());
    stage.tell(Notification::Mote(MoteEntry { link: Link::Silent, ..entry("a", None) }));
    let said = stage.said();
    assert_eq!((said.len(), said[0]["motes"].as_array().map(Vec::len)), (1, Some(2)));
    assert_eq!(said[0]["part"]["of"], 1);
    stage.pass(Duration::from_secs(1));
    stage.tell(Notification::MoteGone(entry("a", None).who()));
    let next = stage.said();
    assert_eq!(next[0]["motes"][0]["port"], "b");
    assert_ne!(next[0]["part"]["snapshot"], said[0]["part"]["snapshot"]);
}

#[test]
fn a_mote_that_moves_keeps_its_status_and_one_that_is_gone_does_not() {
    let report = |port: &str| StatusReport { who: entry(port, Some(1)).who(), heard: Mono(0), element: Element::KaPeriod(3) };
    let mut stage = Stage::with([Notification::Mote(entry("a", Some(1))), Notification::Status(report("a"))]);
    stage.tell(Notification::Mote(entry("b", Some(1))));
    stage.tell(mote("a"));
    stage.tell(Notification::MoteGone(entry("a", Some(1)).who()));
    stage.pass(Duration::from_secs(2));
    stage.said();
    stage.ask(r#"{"type":"refresh"}"#);
    let said = stage.said();
    assert_eq!((said[0]["motes"].as_array().map(Vec::len), &said[2]["elements"]["kaPeriod"]["kaPeriod"]), (Some(2), &Value::from(3)));
    stage.tell(Notification::MoteGone(entry("b", Some(1)).who()));
    stage.said();
    stage.ask(r#"{"type":"refresh"}"#);
    assert_eq!(stage.types(), ["mote-inventory", "dag", "uinject", "event-count"]);
}

#[test]
fn a_flood_of_log_lines_does_not_keep_state_from_being_said() {
    let mut stage = Stage::with([mote("a"), mote("b")]);
    stage.pass(Duration::from_secs(2));
    stage.tell(asn("a", 1));
    stage.tell(asn("b", 1));
    let mut types = Vec::new();
    for _ in 0..6 {
        stage.tell(Notification::Log(line("again")));
        stage.tell(Notification::Log(line("and again")));
        let message: Value = serde_json::from_str(&stage.session.poll_message(stage.now).expect("something")).expect("JSON");
        types.push(message["type"].as_str().expect("a type").to_owned());
    }
    assert_eq!(types.iter().filter(|kind| *kind == "mote-status").count(), 2, "{types:?}");
}

#[test]
fn a_command_goes_to_the_bus_and_its_outcomes_to_the_host_under_the_hosts_id() {
    let mut stage = Stage::live();
    stage.said_to_bus();
    assert_eq!(stage.ask(r#"{"type":"ui-event","id":17,"event":"set-dagroot","on":true,"port":"a","timeout_ms":5000}"#), Patience::Left);
    let command = stage.command();
    assert_eq!(command.action, Action::SetDagroot { on: true });
    assert_eq!((command.reply.as_str(), command.deadline), ("ui-proxy", stage.now.mono.after(Duration::from_secs(5))));
    for state in [OutcomeState::Accepted, OutcomeState::Sent, OutcomeState::Confirmed, OutcomeState::Confirmed] {
        stage.tell(outcome(command.id, state));
    }
    let states: Vec<_> = stage.said().iter().map(|message| (message["id"].clone(), message["state"].clone())).collect();
    let expect = ["accepted", "sent", "confirmed"].map(|state| (Value::from(17), Value::from(state)));
    assert_eq!(states, expect, "after its end a command has no outcome");
}

#[test]
fn an_outcome_of_another_connection_is_not_told() {
    let mut stage = Stage::live();
    stage.ask(&reset("mine"));
    let command = stage.command();
    stage.tell(outcome(RequestId(command.id.0 - 1), OutcomeState::Confirmed));
    stage.tell(outcome(RequestId(command.id.0 + 1), OutcomeState::Confirmed));
    assert_eq!(stage.types(), Vec::<String>::new());
}

#[test]
fn the_seventeenth_command_under_way_is_refused() {
    let mut stage = Stage::live();
    for number in 0..=commands::MOST_OPEN {
        stage.ask(&reset(&number.to_string()));
    }
    let said = stage.said();
    assert_eq!((said.len(), &said[0]["id"], &said[0]["state"]), (1, &Value::from("16"), &Value::from("refused")));
    assert!(said[0]["detail"].as_str().expect("words").starts_with("busy"));
    let first = stage.command();
    stage.tell(outcome(first.id, OutcomeState::Failed));
    stage.ask(&reset("again"));
    assert_eq!(stage.said().len(), 1, "there is room again");
}

#[test]
fn a_command_that_nobody_answers_times_out_a_little_after_its_deadline() {
    let mut stage = Stage::live();
    stage.ask(&reset("x"));
    let command = stage.command();
    stage.pass(Duration::from_secs(31));
    assert!(!stage.types().contains(&"command-outcome".to_owned()));
    stage.pass(Duration::from_secs(1));
    let said = stage.said();
    assert_eq!((&said[0]["id"], &said[0]["state"]), (&Value::from("x"), &Value::from("timed-out")));
    stage.tell(outcome(command.id, OutcomeState::Confirmed));
    assert_eq!(stage.types(), Vec::<String>::new());
}

#[test]
fn when_eventbus_restarts_open_commands_fail_and_the_subscription_is_made_anew() {
    for announced in [true, false] {
        let mut stage = Stage::with([mote("a"), asn("a", 1)]);
        stage.ask(&reset("x"));
        stage.said_to_bus();
        let boot = BootId(0xb008);
        let first = if announced { Notification::Started } else { Notification::SnapshotBegin };
        stage.session.handle_notification(stage.now.mono, boot, first);
        assert!(stage.said_to_bus().contains(&ToBus::SubscribeAnew(Packets::Unwanted)));
        let said = stage.said();
        assert_eq!((&said[0]["id"], &said[0]["state"]), (&Value::from("x"), &Value::from("failed")));
        assert!(said[0]["detail"].as_str().expect("words").starts_with("restarted"));
        for notification in [Notification::SnapshotBegin, count("y", 1), Notification::SnapshotEnd] {
            stage.session.handle_notification(stage.now.mono, boot, notification);
        }
        let said = stage.said();
        let none = Value::Array(vec![]);
        assert_eq!((&said[0]["motes"], &said[1]["motes"], &said[2]["sources"]), (&none, &none, &none));
        assert_eq!((&said[2]["boot"], &said[3]["boot"]), (&Value::from("0000b008"), &Value::from("0000b008")));
    }
}

#[test]
fn a_command_without_room_on_its_way_is_refused() {
    let mut stage = Stage::live();
    stage.ask(&reset("x"));
    let command = stage.command();
    stage.session.handle_no_room(command.id);
    let said = stage.said();
    assert_eq!((&said[0]["state"], said.len()), (&Value::from("refused"), 1));
}

#[test]
fn a_command_fails_at_once_when_eventbus_is_not_running() {
    let mut stage = Stage::live();
    stage.ask(&reset("x"));
    let command = stage.command();
    stage.session.handle_no_eventbus(command.id);
    let said = stage.said();
    let expect = (&Value::from("x"), &Value::from("failed"), &Value::from("no-eventbus: eventbus is not running"));
    assert_eq!((&said[0]["id"], &said[0]["state"], &said[0]["detail"]), expect);
    stage.tell(outcome(command.id, OutcomeState::Confirmed));
    stage.pass(Duration::from_mins(1));
    assert!(!stage.types().contains(&"command-outcome".to_owned()), "a command has one end");
}

#[test]
fn topics_that_the_host_does_not_want_are_not_said_and_are_caught_up_with_later() {
    let mut stage = Stage::with([mote("a"), asn("a", 1)]);
    stage.ask(r#"{"type":"subscribe","topics":["event-count"]}"#);
    stage.pass(Duration::from_secs(2));
    stage.tell(asn("a", 2));
    stage.tell(mote("b"));
    stage.tell(Notification::Log(line("unheard")));
    stage.tell(count("x", 1));
    assert_eq!(stage.types(), ["event-count"]);
    assert_eq!(stage.session.poll_due(), None);
    stage.ask(r#"{"type":"subscribe","topics":["mote-status","mote-inventory","mote-log"]}"#);
    assert_eq!(stage.types(), ["mote-inventory", "mote-status"]);
}

#[test]
fn a_shorter_interval_counts_at_once() {
    let mut stage = Stage::with([mote("a"), asn("a", 1)]);
    stage.tell(asn("a", 2));
    assert_eq!(stage.session.poll_due(), Some(stage.now.mono.after(Duration::from_secs(1))));
    stage.ask(r#"{"type":"subscribe","interval_ms":100}"#);
    assert_eq!(stage.session.poll_due(), Some(stage.now.mono.after(Duration::from_millis(100))));
}

#[test]
fn a_refresh_says_the_snapshot_again_of_all_or_of_one() {
    let named = |element| {
        let who = entry("a", Some(1)).who();
        Notification::Status(StatusReport { who, heard: Mono(0), element })
    };
    let mut stage = Stage::with([Notification::Mote(entry("a", Some(1))), named(Element::KaPeriod(3)), mote("b"), asn("b", 1)]);
    stage.ask(r#"{"type":"refresh","mote":"141592cc00000001"}"#);
    let said = stage.said();
    assert_eq!((said.len(), &said[0]["part"]["of"], &said[0]["elements"]["kaPeriod"]["kaPeriod"]), (1, &Value::from(1), &Value::from(3)));
    stage.ask(r#"{"type":"refresh"}"#);
    assert_eq!(stage.types(), ["mote-inventory", "dag", "mote-status", "mote-status", "uinject", "event-count"]);
    assert_eq!(stage.ask(r#"{"type":"refresh","mote":"0000000000000000"}"#), Patience::Left);
    assert_eq!(stage.said()[0]["code"], "unknown-mote");
}

#[test]
fn three_faults_in_a_row_exhaust_the_patience_and_anything_understood_restores_it() {
    let mut stage = Stage::live();
    assert_eq!(stage.ask("{"), Patience::Left);
    assert_eq!(stage.ask("{"), Patience::Left);
    assert_eq!(stage.ask(r#"{"type":"ui-event","id":"x","event":"explode","port":"a"}"#), Patience::Left);
    assert_eq!(stage.session.handle_fault(Fault::binary()), Patience::Left);
    assert_eq!(stage.ask(r#"{"type":"weather"}"#), Patience::Left);
    assert_eq!(stage.ask("[]"), Patience::Exhausted);
    let words = stage.session.last_words(stage.now);
    let codes: Vec<Value> = words.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON")["code"].clone()).collect();
    let expect = ["invalid-json", "invalid-json", "", "binary-frame", "unknown-type", "no-type"];
    assert_eq!(codes, expect.map(|code| if code.is_empty() { Value::Null } else { code.into() }));
    assert_eq!(stage.session.tally().of("invalid-json"), 2);
}

#[test]
fn a_host_that_takes_no_answers_is_not_listened_to() {
    let mut stage = Stage::live();
    let mut asked = 0;
    while stage.session.can_listen() {
        stage.ask(r#"{"type":"ui-event","id":"x","event":"explode"}"#);
        asked += 1;
    }
    assert_eq!(asked, MOST_REPLIES);
    stage.said();
    assert!(stage.session.can_listen());
}

#[test]
fn every_ten_seconds_the_lease_is_renewed_and_the_figures_are_told() {
    let mut stage = Stage::live();
    stage.said_to_bus();
    stage.tell(Notification::Health(figures(Sender::Eventbus)));
    stage.pass(Duration::from_millis(250));
    assert!(stage.session.wants_figures(stage.now.mono));
    stage.session.handle_figures(stage.now.mono, figures(Sender::UiProxy));
    let said = stage.said();
    assert_eq!(said[0]["processes"].as_array().map(Vec::len), Some(2));
    assert_eq!(stage.session.poll_timeout(), Some(Mono(1_000_000_000).after(UPKEEP)));
    stage.pass(Duration::from_millis(9_750));
    assert_eq!(stage.said_to_bus(), [ToBus::Renew(Packets::Unwanted), ToBus::AskHealth]);
    stage.ask(r#"{"type":"subscribe","topics":[]}"#);
    stage.pass(UPKEEP);
    assert_eq!(stage.said_to_bus(), [ToBus::Renew(Packets::Unwanted)]);
}

#[test]
fn a_gap_on_the_bus_is_told_before_what_comes_after_it() {
    let mut stage = Stage::live();
    stage.tell(Notification::Gap { dropped: vec![mqtypes::health::Dropped { reason: "mote-log".to_owned(), count: 4 }] });
    stage.tell(Notification::Log(line("after")));
    let said = stage.said();
    assert_eq!((&said[0]["dropped"]["mote-log"], &said[1]["text"]), (&Value::from(4), &Value::from("after")));
}

fn dag(mote: u16, second: u64) -> Notification {
    Notification::Dag(dag_entry(mote, second))
}

#[test]
fn the_dodag_is_said_whole_when_it_changes_and_once_in_ten_seconds_while_packets_come() {
    let mut stage = Stage::with((2..302).map(|mote| dag(mote, 1000)));
    stage.pass(Duration::from_secs(5));
    assert_eq!(stage.session.poll_due(), None);
    stage.tell(dag(2, 1005));
    assert_eq!(stage.session.poll_due(), Some(Mono(1_010_000_000)));
    stage.pass(Duration::from_secs(5));
    let said = stage.said();
    let parts: Vec<_> = said.iter().map(|page| page["part"].clone()).collect();
    let number = &parts[0]["snapshot"];
    let expect: Vec<_> = (1..=said.len()).map(|n| serde_json::json!({"n": n, "of": said.len(), "snapshot": number})).collect();
    assert!(said.len() > 1 && parts == expect, "{parts:?}");
    assert_eq!(said.iter().map(|page| page["motes"].as_array().expect("a list").len()).sum::<usize>(), 300);
    stage.pass(Duration::from_secs(2));
    stage.tell(Notification::DagGone(dag_entry(2, 0).mote));
    assert_eq!(stage.said()[0]["motes"][0]["mote"], "141592cc00000003", "the first change after a quiet interval");
    stage.tell(Notification::DagGone(dag_entry(3, 0).mote));
    assert_eq!(stage.session.poll_due(), Some(stage.now.mono.after(Duration::from_secs(1))));
}

#[test]
fn of_uinject_the_sources_that_changed_are_said_once_in_an_interval() {
    let told = |mote, counter| Notification::Uinject(uinject_report(mote, counter));
    let mut stage = Stage::with([told(2, 1), told(3, 1)]);
    for counter in 2..50 {
        stage.tell(told(3, counter));
        assert_eq!(stage.types(), Vec::<String>::new());
    }
    stage.pass(Duration::from_secs(1));
    let said = stage.said();
    assert_eq!((said.len(), said[0]["sources"].as_array().map(Vec::len), &said[0]["boot"]), (1, Some(1), &Value::from("0000b007")));
    assert_eq!((&said[0]["sources"][0]["counter"], said[0].get("part")), (&Value::from(49), None));
}

#[test]
fn packets_are_subscribed_to_and_said_only_while_the_host_wants_them() {
    let mut stage = Stage::live();
    stage.said_to_bus();
    stage.tell(Notification::Data(packet(5)));
    assert_eq!(stage.types(), Vec::<String>::new());
    stage.ask(r#"{"type":"subscribe","topics":["mote-data"]}"#);
    stage.ask(r#"{"type":"subscribe","topics":["mote-data","mote-log"]}"#);
    assert_eq!(stage.said_to_bus(), [ToBus::Renew(Packets::Wanted)]);
    stage.tell(Notification::Log(line("before")));
    stage.tell(Notification::Data(packet(5)));
    assert_eq!(stage.types(), ["mote-log", "mote-data"]);
    stage.pass(UPKEEP);
    assert_eq!(stage.said_to_bus(), [ToBus::Renew(Packets::Wanted)], "without `lbr-health` nobody is asked for figures");
    stage.tell(Notification::Data(packet(5)));
    stage.ask(r#"{"type":"subscribe","topics":["mote-log"]}"#);
    assert_eq!((stage.said_to_bus(), stage.types()), (vec![ToBus::Renew(Packets::Unwanted)], Vec::<String>::new()));
}

#[test]
fn losses_of_events_are_told_by_kind_and_only_of_what_the_host_wants() {
    let gap = |reason: &str, count| mqtypes::health::Dropped { reason: reason.to_owned(), count };
    let mut stage = Stage::live();
    stage.tell(Notification::Gap { dropped: vec![gap("mote-log", 4), gap("mote-data", 5)] });
    assert_eq!(stage.said()[0]["dropped"], serde_json::json!({"mote-log": 4}));
    stage.ask(r#"{"type":"subscribe","topics":["mote-data","mote-log"]}"#);
    stage.tell(Notification::Gap { dropped: vec![gap("mote-log", 4), gap("mote-data", 5)] });
    assert_eq!(stage.said()[0]["dropped"], serde_json::json!({"mote-log": 4, "mote-data": 5}));
}

#[test]
fn the_figures_of_three_hundred_ports_come_in_pages_that_are_not_too_long() {
    let mut stage = Stage::live();
    for number in 0..300 {
        stage.tell(Notification::Port(port_report(&format!("/dev/serial/by-id/usb-{number:-<60}"))));
    }
    stage.tell(Notification::Health(figures(Sender::Eventbus)));
    stage.session.handle_figures(stage.now.mono, figures(Sender::UiProxy));
    let texts = stage.texts();
    assert!(texts.len() > 1 && texts.iter().all(|text| text.len() <= LONGEST), "{:?}", texts.iter().map(String::len).collect::<Vec<_>>());
    let pages: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    assert!(pages.iter().all(|page| page["processes"].as_array().map(Vec::len) == Some(2) && page["part"]["of"] == pages.len()));
    assert_eq!(pages.iter().map(|page| page["ports"].as_array().expect("a list").len()).sum::<usize>(), 300);
    stage.pass(Duration::from_secs(20));
    stage.session.handle_figures(stage.now.mono, figures(Sender::UiProxy));
    let last = stage.said().pop().expect("figures");
    assert_eq!((&last["ports"], last.get("part")), (&Value::Array(vec![]), None), "serial-bridge does not answer any more");
}

#[test]
fn a_summary_is_said_like_an_element() {
    let summary = |used| {
        let who = entry("a", Some(1)).who();
        let neighbors = TableFill { used, heard: 9, of: None };
        Notification::Summary(SummaryReport { who, heard: Mono(999_000_000), summary: Summary { neighbors, ..Summary::default() } })
    };
    let mut stage = Stage::with([Notification::Mote(entry("a", Some(1))), summary(1)]);
    stage.pass(Duration::from_secs(2));
    stage.tell(summary(1));
    assert_eq!(stage.types(), Vec::<String>::new());
    stage.tell(summary(2));
    assert_eq!(stage.said()[0]["elements"]["Summary"]["neighbors"]["used"], 2);
}

#[test]
fn the_figures_of_an_echo_test_reach_the_host() {
    let mut stage = Stage::live();
    stage.ask(r#"{"type":"ui-event","id":1,"event":"echo-mote","count":3,"size":8,"port":"a"}"#);
    let echo = Some(EchoFigures { sent: 3, ok: 3, corrupted: 0, timed_out: 0, round_trip: None });
    let (id, detail) = (stage.command().id, String::new());
    stage.tell(Notification::Outcome(CommandOutcome { id, state: OutcomeState::Confirmed, detail, echo }));
    assert_eq!(stage.said()[0]["echo"]["ok"], 3);
}

/// Anything that can happen to a session.
fn happening() -> impl Strategy<Value = Happening> {
    let text = prop_oneof!["\\PC{0,40}".boxed(), Just("\u{1}".repeat(8000)).boxed()];
    let name = prop_oneof![Just("a".to_owned()), Just("b".to_owned()), text.clone()];
    let element =
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..2000)).prop_map(|(element, body)| Element::Unknown { element, body });
    let host = prop_oneof![
        text.clone(),
        Just(r#"{"type":"refresh"}"#.to_owned()),
        Just(r#"{"type":"subscribe","interval_ms":100,"topics":["mote-log","mote-data"]}"#.to_owned()),
        Just(r#"{"type":"subscribe","topics":["mote-status","mote-inventory","dag","uinject","event-count","lbr-health"]}"#.to_owned()),
        Just(reset("x")),
    ];
    prop_oneof![
        Just(Happening::Told(Notification::SnapshotBegin)),
        Just(Happening::Told(Notification::SnapshotEnd)),
        Just(Happening::Told(Notification::Started)),
        (name.clone(), any::<Option<u8>>(), text.clone())
            .prop_map(|(name, mote, cause)| Happening::Told(Notification::Mote(MoteEntry { cause, ..entry(&name, mote) }))),
        (name.clone(), any::<Option<u8>>()).prop_map(|(name, mote)| Happening::Told(Notification::MoteGone(entry(&name, mote).who()))),
        (name.clone(), element).prop_map(|(name, element)| Happening::Told(status(&name, element))),
        (name.clone(), any::<u8>()).prop_map(|(name, row)| Happening::Told(status(&name, neighbors_row(row)))),
        (text.clone(), any::<u64>()).prop_map(|(signal, num)| Happening::Told(count(&signal, num))),
        text.clone().prop_map(|text| Happening::Told(Notification::Log(line(&text)))),
        (0_usize..1100).prop_map(|len| Happening::Told(Notification::Data(packet(len)))),
        (0_u16..300, 0_u64..2000).prop_map(|(mote, second)| Happening::Told(dag(mote, second))),
        (0_u16..300).prop_map(|mote| Happening::Told(Notification::DagGone(dag_entry(mote, 0).mote))),
        (0_u16..300, any::<u16>()).prop_map(|(mote, counter)| Happening::Told(Notification::Uinject(uinject_report(mote, counter)))),
        text.clone().prop_map(|name| Happening::Told(Notification::Port(port_report(&name)))),
        (7000_u64..7010).prop_map(|id| Happening::Told(outcome(RequestId(id), OutcomeState::Confirmed))),
        host.prop_map(Happening::Asked),
        (0_u64..20_000).prop_map(|ms| Happening::Passed(Duration::from_millis(ms))),
        (0_usize..5).prop_map(Happening::Taken),
    ]
}

#[derive(Debug, Clone)]
enum Happening {
    Told(Notification),
    Asked(String),
    Passed(Duration),
    Taken(usize),
}

proptest! {
    #[test]
    fn whatever_happens_messages_stay_short_and_numbered_and_it_comes_to_rest(happenings in proptest::collection::vec(happening(), 0..120)) {
        let mut stage = Stage::new();
        let mut texts = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Told(Notification::Status(report)) => {
                    stage.tell(Notification::Status(StatusReport { heard: stage.now.mono, ..report }));
                }
                Happening::Told(notification) => stage.tell(notification),
                Happening::Asked(text) => { stage.ask(&text); }
                Happening::Passed(time) => stage.pass(time),
                Happening::Taken(most) => texts.extend((0..most).filter_map(|_| stage.session.poll_message(stage.now))),
            }
            stage.said_to_bus();
        }
        texts.extend(stage.texts());
        prop_assert!(stage.session.poll_due().is_none_or(|at| at > stage.now.mono), "it would spin");
        for (seq, text) in texts.iter().enumerate() {
            prop_assert!(text.len() <= LONGEST);
            let message: Value = serde_json::from_str(text).expect("JSON");
            prop_assert_eq!(message["seq"].as_u64(), Some(seq as u64));
        }
    }
}
