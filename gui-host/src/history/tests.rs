//! History as routers make it and viewers ask for it; time is advanced, nothing sleeps.

use std::{os::unix::fs::PermissionsExt, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    chronicle::Chronicle,
    export,
    ledger::{Batch, MAX_WAITING},
    question::{Export, Format, Kept, RawCharts},
    reading,
    record::{Event, Fact, Record},
    ring::Point,
    series::{Quantity, Reading},
    store::{Keep, SLOT, Store, StoreError},
};
use crate::{clock::Now, hub::link_state::LinkWord, link::message::parse};

const MOTE: &str = "141592cc00000001";
const PARENT: &str = "141592cc00000002";
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const KEEP: Keep = Keep { age: 30 * DAY, bytes: 200_000_000 };

/// A chronicle, the host's time, and the router's, which is years off.
struct Stage {
    chronicle: Chronicle,
    now: Now,
    router: u64,
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self { chronicle: Chronicle::default(), now: Now::start(), router: 5_000_000 };
        stage.chronicle.handle_link(stage.now, "a", LinkWord::Live, "the link is live");
        stage
    }

    fn later(&mut self, ms: u64) {
        for _ in 0..ms / 1000 {
            self.now = self.now.plus(1000);
            self.router += 1000;
            self.chronicle.handle_timeout(self.now);
        }
        self.now = self.now.plus(ms % 1000);
        self.router += ms % 1000;
    }

    fn say(&mut self, message: &Value) {
        let text = message.to_string();
        self.chronicle.handle_message(self.now, "a", &text, &parse(&text).unwrap());
    }

    /// An element that was heard `age` ms ago.
    fn element(&mut self, name: &str, age: u64, fields: &Value) {
        let mut fields = fields.clone();
        fields["t"] = json!(self.router - age);
        self.say(&json!({"type": "mote-status", "t": self.router, "mote": MOTE, "elements": {name: fields}}));
    }

    fn neighbor(&mut self, number: &str, address: &str, preference: u8, counters: (u32, u32)) {
        let row = json!({"used": true, "parentPreference": preference, "addr": {"type": "64b", "value": address}, "rssi": -63,
            "numTx": counters.1, "numTxACK": counters.0, "t": self.router});
        self.element("Neighbors", 0, &json!({"rows": {number: row}}));
    }

    fn counts(&mut self, boot: &str, counts: &[(&str, u64)]) {
        let counts: Vec<_> = counts.iter().map(|(signal, num)| json!({"sender": "s", "signal": signal, "num": num})).collect();
        self.say(&json!({"type": "event-count", "t": self.router, "boot": boot, "counts": counts}));
    }

    fn records(&mut self) -> Vec<Record> {
        self.chronicle.take_batch().records
    }

    /// Times since the start, and values, of a quantity.
    fn values(&mut self, quantity: Quantity) -> Vec<(u64, f64, Option<f64>)> {
        let of = |record: Record| match record.fact {
            Fact::Value(found, Reading { value, of }) if found == quantity => Some((record.t - Now::start().unix_ms, value, of)),
            Fact::Value(..) | Fact::Count { .. } | Fact::Event(_) => None,
        };
        self.records().into_iter().filter_map(of).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        let of = |record: Record| match record.fact {
            Fact::Event(event) => Some(event),
            Fact::Value(..) | Fact::Count { .. } => None,
        };
        self.records().into_iter().filter_map(of).collect()
    }
}

#[test]
fn a_figure_is_kept_when_it_changes_and_every_ten_seconds() {
    let mut stage = Stage::new();
    for second in 0..25 {
        let rank = if second < 3 { 256 } else { 512 };
        stage.element("MyDagRank", 0, &json!({"myDAGrank": rank}));
        stage.element("MyDagRank", 0, &json!({"myDAGrank": rank}));
        stage.later(1000);
    }
    let expect = [(0, 256.0, None), (3000, 512.0, None), (13_000, 512.0, None), (23_000, 512.0, None)];
    assert_eq!(stage.values(Quantity::Rank), expect);
}

#[test]
fn what_was_heard_before_is_kept_at_its_time_and_once() {
    let mut stage = Stage::new();
    stage.later(60_000);
    for _ in 0..3 {
        // A snapshot tells it again and again.
        stage.element("MyDagRank", 20_000 + stage.now.unix_ms - Now::start().unix_ms - 60_000, &json!({"myDAGrank": 256}));
        stage.later(5000);
    }
    assert_eq!(stage.values(Quantity::Rank), [(40_000, 256.0, None)]);
}

#[test]
fn prr_is_kept_with_both_counters_and_halving_them_is_no_loss() {
    let mut stage = Stage::new();
    for counters in [(200, 250), (100, 125)] {
        stage.neighbor("3", PARENT, 1, counters);
        stage.later(1000);
    }
    assert_eq!(stage.values(Quantity::Prr), [(0, 200.0, Some(250.0)), (1000, 100.0, Some(125.0))]);
}

#[test]
fn a_new_parent_is_told_once_and_its_figures_take_over() {
    let mut stage = Stage::new();
    let other = "141592cc00000003";
    stage.neighbor("3", PARENT, 1, (1, 1));
    stage.neighbor("5", other, 0, (9, 9));
    stage.later(1000);
    stage.neighbor("5", other, 1, (9, 10));
    stage.neighbor("3", PARENT, 0, (1, 1));
    stage.later(1000);
    stage.neighbor("5", other, 1, (9, 10));
    stage.later(1000);
    let records = stage.records();
    let parents: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.fact {
            Fact::Event(Event::Parent { parent, .. }) => Some(&**parent),
            Fact::Event(_) | Fact::Value(..) | Fact::Count { .. } => None,
        })
        .collect();
    assert_eq!(parents, [PARENT, other]);
    let prr = Fact::Value(Quantity::Prr, Reading { value: 9.0, of: Some(10.0) });
    assert!(records.iter().any(|record| record.fact == prr));
}

#[test]
fn a_dodag_tells_the_parent_of_a_mote_without_a_cable_only() {
    let mut stage = Stage::new();
    let dag = |stage: &Stage, parent: &str| json!({"type": "dag", "t": stage.router, "motes": [{"mote": MOTE, "parents": [parent], "heard": stage.router}]});
    stage.say(&dag(&stage, "141592cc00000009"));
    stage.neighbor("3", PARENT, 1, (1, 1));
    stage.say(&dag(&stage, "141592cc00000009"));
    let parents = stage.events().into_iter().filter(|event| matches!(event, Event::Parent { .. }));
    assert_eq!(parents.count(), 2);
}

#[test]
fn slots_a_second_are_taken_from_the_motes_own_times() {
    let mut stage = Stage::new();
    for n in 0..15 {
        stage.element("Asn", 7, &json!({"asn": 1000 + 66 * n}));
        stage.later(1000);
    }
    assert_eq!(stage.values(Quantity::AsnRate), [(9993, 66.0, None)]);
    // Anew after a reboot, and no rate across it.
    for n in 0..12 {
        stage.element("Asn", 0, &json!({"asn": 5 + 100 * n}));
        stage.later(1000);
    }
    assert_eq!(stage.values(Quantity::AsnRate), [(25_000, 100.0, None)]);
}

#[test]
fn a_boot_is_an_event_and_what_was_heard_before_it_no_figure() {
    let mut stage = Stage::new();
    let inventory =
        json!({"type": "mote-inventory", "t": stage.router, "motes": [{"mote": MOTE, "boots": 2, "booted": stage.router - 500}]});
    stage.say(&inventory);
    let mut again = inventory.clone();
    // A millisecond more or less is no other boot; a count that went up is.
    again["motes"][0]["booted"] = json!(stage.router - 499);
    stage.say(&again);
    stage.element("MyDagRank", 600, &json!({"myDAGrank": 256}));
    stage.later(1000);
    let records = stage.records();
    let boot = records.iter().find(|record| record.fact == Fact::Event(Event::Boot { boots: 2 })).unwrap();
    assert_eq!(boot.t, Now::start().unix_ms - 500);
    assert_eq!(records.len(), 2, "{records:?}");
}

#[test]
fn counts_are_kept_every_ten_seconds_and_their_restart_is_marked() {
    let mut stage = Stage::new();
    for n in 0..12 {
        stage.counts("b1", &[("fromMote.status", 100 + n)]);
        stage.later(1000);
    }
    stage.counts("b2", &[("fromMote.status", 1)]);
    stage.later(1000);
    let counts = stage.records().into_iter().filter_map(|record| match record.fact {
        Fact::Count { num, .. } => Some(num.to_string()),
        Fact::Event(Event::CountRestart { boot }) => Some(boot),
        Fact::Event(_) | Fact::Value(..) => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), ["b1", "100", "109", "111", "b2", "1"]);
}

#[test]
fn a_rate_counts_neither_a_first_report_nor_what_was_missed() {
    let mut stage = Stage::new();
    stage.counts("b1", &[("fromMote.status", 5000)]);
    stage.later(1000);
    // The next page of a snapshot.
    stage.counts("b1", &[("fromMote.data", 7000)]);
    for n in 1..=6 {
        stage.later(1000);
        stage.counts("b1", &[("fromMote.status", 5000 + 4 * n)]);
    }
    assert!(stage.values(Quantity::StatusRate).iter().all(|&(_, rate, _)| rate <= 4.0));
    stage.chronicle.handle_link(stage.now, "a", LinkWord::Lost, "");
    stage.later(60_000);
    stage.chronicle.handle_link(stage.now, "a", LinkWord::Live, "");
    for n in 0..5 {
        stage.counts("b1", &[("fromMote.status", 9000 + 4 * n)]);
        stage.later(1000);
    }
    let rates = stage.values(Quantity::StatusRate);
    assert!(!rates.is_empty() && rates.iter().all(|&(_, rate, _)| rate <= 4.0), "{rates:?}");
}

#[test]
fn a_silence_on_an_open_link_has_no_rates_and_what_comes_after_it_is_no_burst() {
    let mut stage = Stage::new();
    for n in 0..5 {
        stage.counts("b1", &[("fromMote.status", 4 * n)]);
        stage.later(1000);
    }
    stage.values(Quantity::StatusRate);
    stage.later(15_000);
    assert_eq!(stage.values(Quantity::StatusRate), []);
    for n in 20..25 {
        stage.counts("b1", &[("fromMote.status", 4 * n)]);
        stage.later(1000);
    }
    let rates = stage.values(Quantity::StatusRate);
    assert!(!rates.is_empty() && rates.iter().all(|&(_, rate, _)| (3.0..=4.5).contains(&rate)), "{rates:?}");
    // One that tells of something else only has nothing to count.
    for _ in 0..5 {
        stage.say(&json!({"type": "lbr-health", "processes": []}));
        stage.later(1000);
    }
    assert_eq!(stage.values(Quantity::StatusRate).last().map(|&(_, rate, _)| rate), Some(0.0));
}

#[test]
fn links_and_logs_are_events() {
    let mut stage = Stage::new();
    stage.chronicle.handle_link(stage.now, "a", LinkWord::Live, "the link is live");
    stage.chronicle.handle_link(stage.now, "a", LinkWord::Lost, "cable cut");
    stage.say(&json!({"type": "mote-log", "mote": MOTE, "severity": "error", "component": {"code": 9, "name": "IEEE802154E"},
        "text": "x".repeat(5000)}));
    let log = Event::Log { severity: "error".to_owned(), component: "IEEE802154E".to_owned(), text: "x".repeat(2048) };
    let link = |state, detail: &str| Event::Link { state, detail: detail.to_owned() };
    assert_eq!(stage.events(), [link("live", "the link is live"), link("lost", "cable cut"), log]);
}

#[test]
fn after_the_clock_was_set_back_history_goes_on() {
    let mut stage = Stage::new();
    stage.element("MyDagRank", 0, &json!({"myDAGrank": 256}));
    stage.later(1000);
    stage.records();
    stage.now.unix_ms -= DAY;
    stage.element("MyDagRank", 0, &json!({"myDAGrank": 256}));
    stage.later(1000);
    let records = stage.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0].t, Now::start().unix_ms - DAY + 1000);
}

#[test]
fn what_nobody_fetches_is_counted_and_not_kept() {
    let mut stage = Stage::new();
    for _ in 0..MAX_WAITING + 9 {
        stage.say(&json!({"type": "mote-log", "text": "x"}));
    }
    let Batch { records, lost } = stage.chronicle.take_batch();
    assert_eq!((records.len(), lost), (MAX_WAITING, 10));
    assert_eq!(stage.chronicle.take_batch(), Batch::default());
}

#[test]
fn more_motes_and_routers_than_the_host_shows_cost_nothing() {
    let mut stage = Stage::new();
    for n in 0..4200 {
        let mote = format!("{n:016x}");
        stage.say(&json!({"type": "mote-status", "mote": mote, "elements": {"MyDagRank": {"myDAGrank": 256}}}));
    }
    stage.later(1000);
    assert_eq!(stage.values(Quantity::Rank).len(), 4096);
    for n in 0..40 {
        stage.chronicle.handle_link(stage.now, &format!("r{n}"), LinkWord::Live, "");
    }
    stage.element("MyDagRank", 0, &json!({"myDAGrank": 512}));
    stage.later(1000);
    assert_eq!(stage.values(Quantity::Rank), [(1000, 512.0, None)]);
}

proptest! {
    #[test]
    fn no_value_of_a_router_makes_it_panic(
        messages in prop::collection::vec((
            "mote-inventory|mote-status|event-count|dag|uinject|mote-log",
            r#"("(t|boot|severity|text)":(-1|0|18446744073709551615|1e300|null|"x"|true),){0,2}"#,
            r#"("(t|booted|boots|heard|asn|myDAGrank|dutyCycle|duty_cycle|parents|num)":(-1|0|5|18446744073709551615|1e300|null|"x"|\[\]),){0,4}"#,
            any::<u64>(),
        ), 0..20),
    ) {
        let mut chronicle = Chronicle::default();
        for (kind, head, body, unix_ms) in messages {
            let entry = format!(r#"{{{body}"mote":"{MOTE}"}}"#);
            let text = format!(
                r#"{{{head}"type":"{kind}","mote":"{MOTE}","motes":[{entry}],"sources":[{entry}],"boot":1,
                "elements":{{"Asn":{entry},"MyDagRank":{entry},"MacStats":{entry},"Neighbors":{{"rows":{{"1":{entry}}}}}}},
                "counts":[{{"sender":"s","signal":"fromMote.status","num":{unix_ms}}}]}}"#
            );
            // A key that comes twice is no message.
            let Ok(parsed) = parse(&text) else { continue };
            let now = Now { unix_ms, ..Now::start() };
            chronicle.handle_message(now, "a", &text, &parsed);
            chronicle.handle_link(now, "a", LinkWord::Live, &head);
            chronicle.handle_timeout(now);
            chronicle.take_batch();
        }
        chronicle.finish();
    }
}

// The database.

fn record(t: u64, fact: Fact) -> Record {
    Record { lbr: "a".into(), mote: Some(MOTE.into()), t, fact }
}

fn value(t: u64, value: f64) -> Record {
    record(t, Fact::Value(Quantity::Queue, Reading::plain(value)))
}

fn exported(store: &Store, format: Format) -> String {
    let mut text = String::new();
    let all = Export { lbr: None, mote: None, from: 0, to: 1 << 50, format };
    export::write(store, &all, |piece| {
        text += &piece;
        export::Reader::Reads
    })
    .unwrap();
    text
}

fn error(opened: Result<Store, StoreError>) -> String {
    match opened {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

fn charts(store: &Store, params: Value) -> Value {
    let charts = serde_json::from_value::<RawCharts>(params).unwrap().check(Now::start()).unwrap();
    let recent = charts.recent(Chronicle::default().ring());
    let kept = Kept { from: "database", trouble: None, lost: 0 };
    serde_json::from_str(reading::answer(store, &charts, &recent, kept).unwrap().get()).unwrap()
}

#[test]
fn what_is_written_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/history.sqlite");
    let mut store = Store::open(&path, KEEP).unwrap();
    store.write(&[value(1_000_000, 3.0), value(1_010_000, 4.0), record(1_005_000, Fact::Event(Event::Boot { boots: 1 }))]).unwrap();
    drop(store);
    let mut store = Store::open(&path, KEEP).unwrap();
    store.write(&[value(1_020_000, 5.0)]).unwrap();
    let reader = Store::open_to_read(&path).unwrap();
    let answer = charts(&reader, json!({"lbr": "a", "mote": MOTE, "from": 1_000_000, "to": 1_030_000, "step_ms": 10_000}));
    assert_eq!(answer["series"]["queue"], json!([[1_000_000, 3.0], [1_010_000, 4.0], [1_020_000, 5.0]]));
    assert_eq!(answer["marks"], json!([{"t": 1_005_000, "kind": "boot", "value": 1.0}]));
    let other = charts(&reader, json!({"lbr": "b", "mote": MOTE, "from": 1_000_000, "to": 1_030_000}));
    assert_eq!(other["series"]["queue"], json!([]));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_answer_reaches_over_many_slots_and_begins_with_what_still_stood() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("h"), KEEP).unwrap();
    let records: Vec<_> = (0..100).map(|n| value(SLOT * n + SLOT - 1000, n as f64)).collect();
    store.write(&records).unwrap();
    let params = json!({"lbr": "a", "mote": MOTE, "from": SLOT * 50, "to": SLOT * 53, "step_ms": 10_000});
    let queue = charts(&store, params)["series"]["queue"].clone();
    let times: Vec<u64> = queue.as_array().unwrap().iter().map(|point| (point[0].as_u64().unwrap() - SLOT * 50) / 1000).collect();
    assert_eq!(times[..4], [0, 10, 20, 30]);
    assert_eq!(queue[0][1], 49.0);
    assert_eq!(queue[3][1], Value::Null);
    assert_eq!(times.len(), 4 + 2 * 5 + 1, "{queue}");
}

#[test]
fn events_that_routers_repeat_are_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h");
    let parent = |t, parent: &str| record(t, Fact::Event(Event::Parent { parent: parent.to_owned(), told: super::record::Told::Dao }));
    let boot = |t| record(t, Fact::Event(Event::Boot { boots: 1 }));
    let restart = |t, boot: &str| record(t, Fact::Event(Event::CountRestart { boot: boot.to_owned() }));
    for records in [
        vec![parent(1000, "p"), boot(1000), restart(1000, "x")],
        // A host that was started again hears it all again.
        vec![parent(9000, "p"), boot(1400), restart(9000, "x")],
        vec![parent(9500, "q"), parent(9600, "p"), boot(9000), restart(9700, "y")],
    ] {
        Store::open(&path, KEEP).unwrap().write(&records).unwrap();
    }
    let text = exported(&Store::open_to_read(&path).unwrap(), Format::Jsonl);
    let kept: Vec<(u64, String)> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["t"].as_u64().unwrap(), line["kind"].as_str().unwrap().to_owned()))
        .collect();
    let times = |kind: &str| kept.iter().filter(|(_, found)| found == kind).map(|&(t, _)| t).collect::<Vec<_>>();
    assert_eq!((times("parent"), times("boot"), times("count-restart")), (vec![1000, 9500, 9600], vec![1000, 9000], vec![1000, 9700]));
}

#[test]
fn what_is_too_old_is_deleted_in_small_steps_with_its_series() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("h"), KEEP).unwrap();
    let old: Vec<_> = (0..12_000).map(|n| value(HOUR + n, 1.0)).collect();
    store.write(&old).unwrap();
    let gone = Record { mote: None, ..record(HOUR, Fact::Count { sender: "s".into(), signal: "x".into(), num: 1 }) };
    store.write(&[gone, value(29 * DAY, 2.0), record(HOUR, Fact::Event(Event::Boot { boots: 1 }))]).unwrap();
    let count = |store: &Store, table: &str| -> u64 {
        store.db().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    store.handle_retention(29 * DAY, KEEP).unwrap();
    assert_eq!(count(&store, "sample"), 12_002);
    for _ in 0..40 {
        store.handle_retention(31 * DAY, KEEP).unwrap();
    }
    assert_eq!((count(&store, "sample"), count(&store, "event"), count(&store, "series")), (1, 0, 1));
    // A series that was forgotten can come again.
    store.write(&[value(31 * DAY, 3.0), Record { mote: None, ..value(31 * DAY, 3.0) }]).unwrap();
    assert_eq!((count(&store, "sample"), count(&store, "series")), (3, 2));
}

#[test]
fn a_file_stays_below_its_size_and_the_newest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h");
    let keep = Keep { bytes: 1_000_000, ..KEEP };
    let mut store = Store::open(&path, keep).unwrap();
    let mut t = DAY;
    for _ in 0..60 {
        let records: Vec<_> = (0..3000).map(|n| value(t + n * 1000, n as f64)).collect();
        t += 3_000_000;
        store.write(&records).unwrap();
        for _ in 0..10 {
            store.handle_retention(t, keep).unwrap();
        }
    }
    assert!(store.bytes().unwrap() <= keep.bytes, "{}", store.bytes().unwrap());
    store.db().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() <= 1_300_000);
    let newest: u64 = store.db().query_row("SELECT max(t) FROM sample", [], |row| row.get(0)).unwrap();
    assert_eq!(newest, t - 1000);
}

#[test]
fn a_full_file_loses_what_does_not_fit_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let keep = Keep { bytes: 1, ..KEEP };
    let mut store = Store::open(&folder.path().join("h"), keep).unwrap();
    let records = |begin: u64| (0..20_000).map(|n| value(begin + n * 1000, n as f64)).collect::<Vec<_>>();
    let mut full = None;
    for turn in 0..20 {
        if let Err(error) = store.write(&records(DAY + turn * 20_000_000)) {
            full = Some(error);
            break;
        }
    }
    let full = full.expect("a megabyte is not enough");
    assert!(full.may_pass() && matches!(full, StoreError::Full(..)), "{full}");
    for _ in 0..100 {
        store.handle_retention(2 * DAY, keep).unwrap();
    }
    store.write(&[value(3 * DAY, 1.0)]).unwrap();
    assert!(exported(&store, Format::Csv).contains("queue"));
}

#[test]
fn what_is_no_history_of_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("garbage"), "x".repeat(10_000)).unwrap();
    assert!(error(Store::open(&path("garbage"), KEEP)).contains("damaged"));
    assert_eq!(std::fs::read_to_string(path("garbage")).unwrap(), "x".repeat(10_000));

    let make = |name: &str, sql: &str| rusqlite::Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
    make("foreign", "CREATE TABLE mail (x)");
    assert!(error(Store::open(&path("foreign"), KEEP)).contains("no history of gui-host"));
    drop(Store::open(&path("newer"), KEEP).unwrap());
    make("newer", "PRAGMA user_version = 2");
    for opened in [Store::open(&path("newer"), KEEP), Store::open_to_read(&path("newer"))] {
        let error = error(opened);
        assert!(error.contains("version 2") && error.contains("update gui-host") && error.contains("--history"), "{error}");
    }
    std::fs::write(path("file"), "").unwrap();
    assert!(error(Store::open(Path::new(&path("file")).join("x").as_path(), KEEP)).contains("folder"));
    assert!(error(Store::open(folder.path(), KEEP)).contains("cannot be opened"));
    assert!(error(Store::open_to_read(&path("missing"))).contains("no such file"));
    assert!(!path("missing").exists());
}

#[test]
fn damage_in_the_middle_is_told_and_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h");
    let mut store = Store::open(&path, KEEP).unwrap();
    store.write(&(0..20_000).map(|n| value(DAY + n * 1000, 1.0)).collect::<Vec<_>>()).unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let whole = bytes.len();
    bytes[8192..whole - 4096].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let mut broken = None;
    match Store::open(&path, KEEP) {
        Ok(mut store) => {
            let written = store.write(&[value(DAY + 5_000_000, 1.0)]).and_then(|()| store.handle_retention(90 * DAY, KEEP));
            broken = written.err();
        }
        Err(error) => broken = broken.or(Some(error)),
    }
    let broken = broken.expect("the damage is noticed");
    assert!(matches!(broken, StoreError::Damaged(..)) && !broken.may_pass(), "{broken}");
}

#[test]
fn a_file_that_somebody_keeps_locked_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h");
    drop(Store::open(&path, KEEP).unwrap());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(error(Store::open(&path, KEEP)).contains("locked"));
}

#[test]
fn hostile_texts_are_stored_and_exported_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("h"), KEEP).unwrap();
    let text = "'); DROP TABLE sample; --\u{0}\n\"";
    let log = Event::Log { severity: "=1+1".to_owned(), component: String::new(), text: text.to_owned() };
    store.write(&[record(DAY, Fact::Event(log))]).unwrap();
    let line: Value = serde_json::from_str(exported(&store, Format::Jsonl).trim_end()).unwrap();
    assert_eq!((line["text"].as_str(), line["name"].as_str()), (Some(text), Some("=1+1")));
    assert!(exported(&store, Format::Csv).contains(",'=1+1,"));
}

#[test]
fn an_export_is_as_it_always_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("h"), KEEP).unwrap();
    let t = Now::start().unix_ms;
    let of_router = |t, fact| Record { mote: None, ..record(t, fact) };
    let event = |t, event| record(t, Fact::Event(event));
    store
        .write(&[
            record(t, Fact::Value(Quantity::Prr, Reading { value: 19.0, of: Some(20.0) })),
            record(t, Fact::Value(Quantity::Rssi, Reading::plain(-63.0))),
            record(t, Fact::Value(Quantity::Duty, Reading::plain(0.03125))),
            of_router(t + 1, Fact::Value(Quantity::StatusRate, Reading::plain(4.5))),
            of_router(t + 2, Fact::Count { sender: "mote_connector@/dev/ttyUSB0".into(), signal: "fromMote.status".into(), num: 13 }),
            of_router(t + 3, Fact::Event(Event::Link { state: "lost", detail: "the router closed the link, 1001".to_owned() })),
            of_router(t + 4, Fact::Event(Event::CountRestart { boot: "51c0ffee".to_owned() })),
            event(t + 5, Event::Boot { boots: 2 }),
            event(t + 6, Event::Parent { parent: PARENT.to_owned(), told: super::record::Told::Neighbors }),
            event(
                t + SLOT,
                Event::Log {
                    severity: "warning".to_owned(),
                    component: "IEEE802154E".to_owned(),
                    text: "large \"time\" correction".to_owned(),
                },
            ),
        ])
        .unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/history/golden/export.");
    for (format, name) in [(Format::Csv, "csv"), (Format::Jsonl, "jsonl")] {
        assert_eq!(exported(&store, format), std::fs::read_to_string(format!("{golden}{name}")).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_record_is_refused_or_makes_an_answer_fail(
        records in prop::collection::vec((0_u64..1 << 53, any::<f64>(), prop::option::of(any::<f64>()), ".{0,20}", any::<u64>()), 0..20),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("h"), KEEP).unwrap();
        for (t, value, of, text, num) in records {
            // A number that is none cannot come from JSON.
            let value = if value.is_finite() { value } else { 0.0 };
            let of = of.filter(|of| of.is_finite());
            store.write(&[
                record(t, Fact::Value(Quantity::Prr, Reading { value, of })),
                record(t, Fact::Count { sender: text.as_str().into(), signal: text.as_str().into(), num }),
                record(t, Fact::Event(Event::Parent { parent: text, told: super::record::Told::Dao })),
            ]).unwrap();
        }
        let answer = charts(&store, json!({"lbr": "a", "mote": MOTE, "from": 0, "to": 1_u64 << 53}));
        prop_assert!(answer["series"]["prr"].as_array().unwrap().len() <= 1667);
        exported(&store, Format::Csv);
        for line in exported(&store, Format::Jsonl).lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
    }
}

#[test]
fn the_ring_answers_without_a_database() {
    let mut stage = Stage::new();
    for n in 0..20 {
        stage.element("MyDagRank", 0, &json!({"myDAGrank": 256 + n}));
        stage.later(1000);
    }
    let points = stage.chronicle.ring().points("a", Some(MOTE), Quantity::Rank);
    assert_eq!(points.len(), 20);
    assert_eq!(points[19], Point { t: Now::start().unix_ms + 19_000, value: Some(275.0) });
}
