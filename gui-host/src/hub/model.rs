//! The last values of one router, merged from its messages: what a snapshot for a viewer is made of.
//!
//! It says what of each message viewers are told. It never grows beyond its bounds, whatever comes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    element::Extent,
    statuses::{Named, Statuses, ToldStatus},
    topic::Topic,
};
use crate::link::{
    message::{Counts, Fault, Health, Inventory, Message, Parsed, Part, Uinject, without_part},
    pages::{MAX_MOTES, SetPages},
};

/// Log lines, gaps among them, and outcomes that are kept.
const KEPT_LOGS: usize = 500;
const KEPT_OUTCOMES: usize = 50;

/// Most counts of a router.
const MAX_COUNTS: usize = 4096;

/// Most bytes of a log line or a packet, of a report about the processes, and of a source of `uinject`.
const MAX_LOG: usize = 8 * 1024;
const MAX_HEALTH: usize = 64 * 1024;
const MAX_SOURCE: usize = 1024;

/// A message as viewers get it.
pub type Text = Arc<RawValue>;

/// What a message means beyond this model.
#[derive(Debug)]
pub enum Applied {
    /// Viewers of the topic are told.
    Told(Topic, Text),
    /// The full set of motes is there.
    Inventory(Text),
    /// A step in the life of a command, for whoever gave it.
    Outcome {
        /// The command.
        id: String,
        /// Whether nothing follows.
        end: bool,
        /// The message.
        text: Text,
    },
    /// The router did not understand a message of ours.
    Complaint {
        /// The command that it was about.
        id: Option<String>,
        /// Its words.
        text: String,
    },
    /// Nothing to tell: part of a whole, or of a type that is not shown.
    Nothing,
}

/// The last values of a router.
#[derive(Debug, Default)]
pub struct Model {
    inventory: Option<FullSet>,
    pages: SetPages,
    dag: Option<FullSet>,
    dag_pages: SetPages,
    statuses: Statuses,
    uinject: SourceTable,
    counts: CountTable,
    logs: VecDeque<Text>,
    health: Option<Text>,
    port_pages: SetPages,
    outcomes: VecDeque<Text>,
}

/// The motes of a router, or of its DODAGs.
#[derive(Debug, Serialize)]
struct FullSet {
    motes: Vec<Box<RawValue>>,
    t: Option<Box<RawValue>>,
}

#[derive(Debug, Default)]
struct SourceTable {
    boot: Option<Box<RawValue>>,
    sources: BTreeMap<String, Box<RawValue>>,
}

#[derive(Debug, Default)]
struct CountTable {
    boot: Option<Box<RawValue>>,
    counts: BTreeMap<(String, String), u64>,
}

impl Model {
    /// Takes a message of the router, as text and parsed.
    pub fn handle_message(&mut self, text: &str, parsed: Parsed<'_>) -> Result<Applied, Fault> {
        let Parsed { message, part, t: _ } = parsed;
        let whole = || match part {
            None => raw(text),
            Some(_) => without_part(text).map(Arc::from),
        };
        match message {
            Message::Inventory(inventory) => {
                let motes = self.pages.handle_page(part.as_ref(), &inventory.motes)?;
                Ok(motes.map_or(Applied::Nothing, |motes| self.take_inventory(&inventory, motes)))
            }
            Message::Status(status) => {
                self.statuses.handle_status(&status)?;
                Ok(Applied::Told(Topic::MoteStatus, whole()?))
            }
            Message::Dag(dag) => {
                let motes = self.dag_pages.handle_page(part.as_ref(), &dag.motes)?;
                Ok(motes.map_or(Applied::Nothing, |motes| self.take_dag(&dag, motes)))
            }
            Message::Uinject(uinject) => {
                self.uinject.handle_sources(&uinject)?;
                Ok(Applied::Told(Topic::Uinject, whole()?))
            }
            Message::Counts(counts) => {
                self.counts.handle_counts(&counts)?;
                Ok(Applied::Told(Topic::EventCount, whole()?))
            }
            Message::Log => {
                let text = bounded(text, "a log line in bytes", MAX_LOG)?;
                keep(&mut self.logs, KEPT_LOGS, text.clone());
                Ok(Applied::Told(Topic::MoteLog, text))
            }
            Message::Data => Ok(Applied::Told(Topic::MoteData, bounded(text, "a packet in bytes", MAX_LOG)?)),
            Message::Health(health) => {
                let text = bounded(text, "lbr-health in bytes", MAX_HEALTH)?;
                self.take_health(part.as_ref(), &health, text)
            }
            Message::Outcome(outcome) => {
                let (id, end) = (outcome.id.to_string(), outcome.is_end());
                Ok(Applied::Outcome { id, end, text: raw(text)? })
            }
            Message::Gap => {
                let text = bounded(text, "gap in bytes", MAX_LOG)?;
                keep(&mut self.logs, KEPT_LOGS, text.clone());
                Ok(Applied::Told(Topic::Gap, text))
            }
            Message::Error(error) => {
                Ok(Applied::Complaint { id: error.id.map(|id| id.to_string()), text: format!("{}: {}", error.code, error.text) })
            }
            Message::Other => Ok(Applied::Nothing),
        }
    }

    /// Keeps an outcome, whether the router or the host itself told it.
    pub fn keep_outcome(&mut self, text: Text) {
        keep(&mut self.outcomes, KEPT_OUTCOMES, text);
    }

    fn take_inventory(&mut self, message: &Inventory<'_>, motes: Vec<Box<RawValue>>) -> Applied {
        let named: Vec<Named> = motes.iter().filter_map(|mote| serde_json::from_str(mote.get()).ok()).collect();
        self.statuses.handle_inventory(&named);
        let set = FullSet { motes, t: message.t.map(ToOwned::to_owned) };
        let text = to_text(&WholeInventory { kind: "mote-inventory", t: &set.t, motes: &set.motes });
        self.inventory = Some(set);
        Applied::Inventory(text)
    }

    fn take_dag(&mut self, message: &Inventory<'_>, motes: Vec<Box<RawValue>>) -> Applied {
        let set = FullSet { motes, t: message.t.map(ToOwned::to_owned) };
        let text = to_text(&WholeInventory { kind: "dag", t: &set.t, motes: &set.motes });
        self.dag = Some(set);
        Applied::Told(Topic::Dag, text)
    }

    /// Figures in pages are told when all of them are there, as one.
    fn take_health(&mut self, part: Option<&Part>, health: &Health<'_>, text: Text) -> Result<Applied, Fault> {
        let text = if part.is_some() {
            let Some(ports) = self.port_pages.handle_page(part, &health.ports)? else { return Ok(Applied::Nothing) };
            to_text(&WholeHealth { kind: "lbr-health", t: health.t, processes: health.processes, ports: &ports })
        } else {
            text
        };
        self.health = Some(text.clone());
        Ok(Applied::Told(Topic::LbrHealth, text))
    }

    /// The newest report about processes and ports.
    pub fn health(&self) -> Option<&Text> {
        self.health.as_ref()
    }

    /// How many motes there are, by source and link. Words that the contract does not have become `other`.
    pub fn mote_links(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        #[derive(serde::Deserialize)]
        struct Mote<'a> {
            #[serde(borrow)]
            source: Cow<'a, str>,
            #[serde(borrow)]
            link: Cow<'a, str>,
        }
        let mut numbers = BTreeMap::new();
        let motes = self.inventory.iter().flat_map(|set| &set.motes);
        for mote in motes.filter_map(|mote| serde_json::from_str::<Mote<'_>>(mote.get()).ok()) {
            let known = |words: &[&'static str], word: &str| words.iter().find(|known| **known == word).copied().unwrap_or("other");
            let source = known(&["serial", "dao"], &mote.source);
            let link = known(&["probing", "up", "silent", "down", "fault"], &mote.link);
            *numbers.entry((source, link)).or_default() += 1;
        }
        numbers
    }

    /// Counts by signal, of all senders together. Behind an `@` some signals name a port.
    pub fn event_sums(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::<String, u64>::new();
        for ((_, signal), number) in &self.counts.counts {
            let signal = signal.split('@').next().unwrap_or(signal);
            let sum = sums.entry(signal.to_owned()).or_default();
            *sum = sum.saturating_add(*number);
        }
        sums
    }

    /// What its motes have told of themselves.
    pub fn statuses(&self) -> &Statuses {
        &self.statuses
    }

    /// The tables of a mote with all their rows, as if the router had just told them. None if it has none.
    pub fn tables(&self, mote: &str) -> Option<Text> {
        #[derive(Serialize)]
        struct WholeTables<'a> {
            #[serde(rename = "type")]
            kind: &'static str,
            #[serde(flatten)]
            status: ToldStatus<'a>,
        }
        self.statuses.tables(mote).map(|status| to_text(&WholeTables { kind: "mote-status", status }))
    }

    /// Everything, as one value for a viewer; of tables as much as `extent` says.
    pub fn snapshot<'a>(&'a self, hello: &'a RawValue, extent: Extent) -> Snapshot<'a> {
        Snapshot {
            hello,
            inventory: self.inventory.as_ref(),
            dag: self.dag.as_ref(),
            status: self.statuses.told(extent),
            uinject: &self.uinject,
            counts: &self.counts,
            logs: self.logs.iter().map(|text| &**text).collect(),
            health: self.health.as_deref(),
            outcomes: self.outcomes.iter().map(|text| &**text).collect(),
        }
    }
}

impl SourceTable {
    fn handle_sources(&mut self, told: &Uinject<'_>) -> Result<(), Fault> {
        if self.boot.as_ref().map(|boot| boot.get()) != Some(told.boot.get()) {
            self.boot = Some(told.boot.to_owned());
            self.sources.clear();
        }
        let mut result = Ok(());
        for (mote, source) in &told.sources {
            if source.get().len() > MAX_SOURCE {
                result = Err(Fault::TooMuch { what: "a source of uinject in bytes", max: MAX_SOURCE });
            } else if self.sources.len() < MAX_MOTES || self.sources.contains_key(&**mote) {
                self.sources.insert(mote.to_string(), (*source).to_owned());
            } else {
                result = Err(Fault::TooMuch { what: "the number of sources of uinject", max: MAX_MOTES });
            }
        }
        result
    }
}

impl Serialize for SourceTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a> {
            boot: Option<&'a RawValue>,
            sources: Vec<&'a RawValue>,
        }
        Table { boot: self.boot.as_deref(), sources: self.sources.values().map(|source| &**source).collect() }.serialize(serializer)
    }
}

impl CountTable {
    fn handle_counts(&mut self, told: &Counts<'_>) -> Result<(), Fault> {
        if self.boot.as_ref().map(|boot| boot.get()) != Some(told.boot.get()) {
            self.boot = Some(told.boot.to_owned());
            self.counts.clear();
        }
        let mut result = Ok(());
        for count in &told.counts {
            let key = (count.sender.to_string(), count.signal.to_string());
            if self.counts.len() < MAX_COUNTS || self.counts.contains_key(&key) {
                self.counts.insert(key, count.num);
            } else {
                result = Err(Fault::TooMuch { what: "the number of counts", max: MAX_COUNTS });
            }
        }
        result
    }
}

#[derive(Serialize)]
struct CountRow<'a> {
    sender: &'a str,
    signal: &'a str,
    num: u64,
}

impl Serialize for CountTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a> {
            boot: Option<&'a RawValue>,
            counts: Vec<CountRow<'a>>,
        }
        let rows = self.counts.iter();
        let counts = rows.map(|((sender, signal), &num)| CountRow { sender, signal, num }).collect();
        Table { boot: self.boot.as_deref(), counts }.serialize(serializer)
    }
}

/// The values of one router as a viewer gets them when it subscribes.
#[derive(Serialize)]
pub struct Snapshot<'a> {
    hello: &'a RawValue,
    inventory: Option<&'a FullSet>,
    dag: Option<&'a FullSet>,
    status: BTreeMap<&'a str, ToldStatus<'a>>,
    uinject: &'a SourceTable,
    counts: &'a CountTable,
    logs: Vec<&'a RawValue>,
    health: Option<&'a RawValue>,
    outcomes: Vec<&'a RawValue>,
}

#[derive(Serialize)]
struct WholeInventory<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    t: &'a Option<Box<RawValue>>,
    motes: &'a [Box<RawValue>],
}

#[derive(Serialize)]
struct WholeHealth<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    t: Option<&'a RawValue>,
    processes: Option<&'a RawValue>,
    ports: &'a [Box<RawValue>],
}

/// A value of ours as JSON text.
pub fn to_text(value: &impl Serialize) -> Text {
    Arc::from(to_raw_value(value).expect("our own values have string keys and no failing parts"))
}

fn raw(text: &str) -> Result<Text, Fault> {
    RawValue::from_string(text.to_owned()).map(Arc::from).map_err(|error| Fault::Json(error.to_string()))
}

fn bounded(text: &str, what: &'static str, max: usize) -> Result<Text, Fault> {
    if text.len() > max { Err(Fault::TooMuch { what, max }) } else { raw(text) }
}

fn keep(ring: &mut VecDeque<Text>, most: usize, text: Text) {
    if ring.len() >= most {
        ring.pop_front();
    }
    ring.push_back(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::message::parse;

    fn hear(model: &mut Model, text: &str) -> Result<Applied, Fault> {
        model.handle_message(text, parse(text)?)
    }

    fn snapshot(model: &Model) -> serde_json::Value {
        let hello: &RawValue = serde_json::from_str("{}").unwrap();
        serde_json::to_value(model.snapshot(hello, Extent::Whole)).unwrap()
    }

    fn fed(messages: &[&str]) -> Model {
        let mut model = Model::default();
        for message in messages {
            hear(&mut model, message).unwrap();
        }
        model
    }

    #[test]
    fn counts_are_merged_and_cleared_by_a_new_boot() {
        let count = |boot, signal, num| {
            format!(r#"{{"type":"event-count","boot":{boot},"counts":[{{"sender":"s","signal":"{signal}","num":{num}}}]}}"#)
        };
        let (a, b, c) = (count(1, "x", 1), count(1, "y", 2), count(1, "x", 3));
        let counts = snapshot(&fed(&[&a, &b, &c]))["counts"].clone();
        let expect = serde_json::json!({"boot": 1, "counts": [
            {"sender": "s", "signal": "x", "num": 3}, {"sender": "s", "signal": "y", "num": 2}]});
        assert_eq!(counts, expect);
        let fresh = snapshot(&fed(&[&a, &count(2, "y", 1)]))["counts"].clone();
        assert_eq!(fresh["boot"], 2);
        assert_eq!(fresh["counts"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn counts_are_bounded_in_number() {
        let mut model = Model::default();
        for page in 0..=MAX_COUNTS / 100 {
            let row = |n| format!(r#"{{"sender":"s{page}","signal":"x{n}","num":1}}"#);
            let rows: Vec<_> = (0..100).map(row).collect();
            let text = format!(r#"{{"type":"event-count","boot":1,"counts":[{}]}}"#, rows.join(","));
            let result = hear(&mut model, &text);
            assert_eq!(result.is_err(), page == MAX_COUNTS / 100, "{page}");
        }
        assert_eq!(model.counts.counts.len(), MAX_COUNTS);
    }

    #[test]
    fn the_oldest_log_lines_make_room() {
        let mut model = Model::default();
        for number in 0..KEPT_LOGS + 3 {
            hear(&mut model, &format!(r#"{{"type":"mote-log","n":{number}}}"#)).unwrap();
        }
        let logs = snapshot(&model)["logs"].clone();
        assert_eq!(logs.as_array().unwrap().len(), KEPT_LOGS);
        assert_eq!(logs[0]["n"], 3);
        let long = format!(r#"{{"type":"mote-log","text":"{}"}}"#, "x".repeat(MAX_LOG));
        assert_eq!(hear(&mut model, &long).unwrap_err().code(), "too-much");
    }

    #[test]
    fn a_paged_inventory_is_told_whole_and_prunes_the_status() {
        let mut model = fed(&[
            r#"{"type":"mote-status","port":"gone","elements":{"Asn":{"t":1}}}"#,
            r#"{"type":"mote-status","port":"here","elements":{"Asn":{"t":1}}}"#,
        ]);
        let page = |n, port| {
            format!(
                r#"{{"type":"mote-inventory","seq":{n},"t":5,"part":{{"n":{n},"of":2,"snapshot":true}},"motes":[{{"port":"{port}","mote":null}}]}}"#
            )
        };
        assert!(matches!(hear(&mut model, &page(1, "a")), Ok(Applied::Nothing)));
        let Ok(Applied::Inventory(text)) = hear(&mut model, &page(2, "here")) else { panic!("the set is not there") };
        assert_eq!(text.get(), r#"{"type":"mote-inventory","t":5,"motes":[{"port":"a","mote":null},{"port":"here","mote":null}]}"#);
        let snapshot = snapshot(&model);
        assert_eq!(snapshot["inventory"]["motes"][1]["port"], "here");
        assert_eq!(snapshot["status"].as_object().unwrap().keys().collect::<Vec<_>>(), ["port:here"]);
    }

    #[test]
    fn a_paged_dodag_is_told_whole_and_kept() {
        let page = |n| format!(r#"{{"type":"dag","t":5,"part":{{"n":{n},"of":2,"snapshot":7}},"motes":[{{"mote":"{n}"}}]}}"#);
        let mut model = Model::default();
        assert!(matches!(hear(&mut model, &page(1)), Ok(Applied::Nothing)));
        let Ok(Applied::Told(Topic::Dag, text)) = hear(&mut model, &page(2)) else { panic!("the set is not there") };
        assert_eq!(text.get(), r#"{"type":"dag","t":5,"motes":[{"mote":"1"},{"mote":"2"}]}"#);
        assert_eq!(snapshot(&model)["dag"]["motes"][1]["mote"], "2");
        hear(&mut model, r#"{"type":"dag","t":6,"motes":[]}"#).unwrap();
        assert_eq!(snapshot(&model)["dag"], serde_json::json!({"t": 6, "motes": []}));
    }

    #[test]
    fn sources_of_uinject_are_merged_and_cleared_by_a_new_boot() {
        let source = |boot, mote, counter| {
            format!(r#"{{"type":"uinject","boot":{boot},"sources":[{{"mote":"141592cc0000000{mote}","counter":{counter}}}]}}"#)
        };
        let model = fed(&[&source(1, 2, 5), &source(1, 3, 1), &source(1, 2, 6)]);
        let counters = |model| {
            let sources = snapshot(model)["uinject"]["sources"].clone();
            sources.as_array().unwrap().iter().map(|source| source["counter"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(counters(&model), [6, 1]);
        assert_eq!(counters(&fed(&[&source(1, 2, 5), &source(2, 3, 1)])), [1]);
        let long = format!(r#"{{"type":"uinject","boot":1,"sources":[{{"mote":"141592cc00000002","x":"{}"}}]}}"#, "x".repeat(MAX_SOURCE));
        assert_eq!(hear(&mut Model::default(), &long).unwrap_err().code(), "too-much");
    }

    #[test]
    fn figures_in_pages_are_told_as_one() {
        let page = |n| {
            format!(
                r#"{{"type":"lbr-health","seq":{n},"t":5,"part":{{"n":{n},"of":2,"snapshot":7}},"processes":[1],"ports":[{{"port":"{n}"}}]}}"#
            )
        };
        let mut model = Model::default();
        assert!(matches!(hear(&mut model, &page(1)), Ok(Applied::Nothing)));
        let Ok(Applied::Told(Topic::LbrHealth, text)) = hear(&mut model, &page(2)) else { panic!("not told") };
        assert_eq!(text.get(), r#"{"type":"lbr-health","t":5,"processes":[1],"ports":[{"port":"1"},{"port":"2"}]}"#);
        assert_eq!(snapshot(&model)["health"]["ports"][1]["port"], "2");
        let old = r#"{"type":"lbr-health","t":6,"processes":[]}"#;
        hear(&mut model, old).unwrap();
        assert_eq!(snapshot(&model)["health"].to_string(), r#"{"processes":[],"t":6,"type":"lbr-health"}"#);
    }

    #[test]
    fn a_packet_is_told_and_not_kept() {
        let mut model = Model::default();
        let before = snapshot(&model);
        let text = r#"{"type":"mote-data","lowpan":"f1"}"#;
        assert!(matches!(hear(&mut model, text), Ok(Applied::Told(Topic::MoteData, told)) if told.get() == text));
        assert_eq!(snapshot(&model), before);
    }

    #[test]
    fn pages_of_status_are_told_as_they_come_and_without_part() {
        let mut model = Model::default();
        let text = r#"{"type":"mote-status","port":"a","elements":{},"part":{"n":1,"of":9}}"#;
        let Ok(Applied::Told(Topic::MoteStatus, told)) = hear(&mut model, text) else { panic!("not told") };
        assert!(!told.get().contains("part"));
    }

    proptest::proptest! {
        #[test]
        fn no_message_makes_the_model_panic(
            kind in "mote-inventory|mote-status|event-count|dag|uinject|lbr-health|command-outcome|error|mote-log",
            body in r#"("(motes|elements|counts|sources|ports|mote|port|boot|id|state|part)":(1|null|"a"|\{\}|\[\]|\[\{"row":1\}\]|\{"rows":\{"1":2\}\}|\{"n":1,"of":2\}),){0,5}"#,
        ) {
            let mut model = Model::default();
            let _ = hear(&mut model, &format!(r#"{{{body}"type":"{kind}"}}"#));
            let _ = snapshot(&model);
        }
    }
}
