//! The state at the end of each recording, held against the state view of OpenVisualizer: every mote, every element,
//! every row, and the DAG.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::bench::{data, told_json};

/// Where we differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// Of a queue's entry it shows the owner under `creator`, and nothing under `owner`.
    OwnerAsCreator,
    /// It names the components of a queue by a table of older firmware.
    StaleComponent,
    /// It takes a DAO that lost its last ten bytes on the way, and with them its parent's address, for one with an empty
    /// parent. We do not take it, and the parent that was told before stays.
    ParentCutOff,
}

type Counts = BTreeMap<Rule, u64>;

fn check(recording: &str, boots: &[u64], expected: &[(Rule, u64)]) {
    let told = told_json(&["--state", "--json"], &data(&format!("{recording}.jsonl.gz")));
    let [ours] = &told[..] else { panic!("one object") };
    let text = std::fs::read_to_string(data(&format!("{recording}.final.json"))).expect("there");
    let theirs: Value = serde_json::from_str(&text).expect("JSON");
    let mut rules = Counts::new();
    hold_dag(recording, &ours["dag"], &theirs["dag"], &mut rules);
    let (ours, theirs) = (object(&ours["motes"]), object(&theirs["motes"]));
    assert!(ours.keys().eq(theirs.keys()), "{recording}: {:?}", ours.keys());
    for ((port, ours), boots) in ours.iter().zip(boots) {
        let theirs = &theirs[port];
        assert_eq!((&ours["frames"], &ours["id16"]), (&theirs["frames"], &theirs["id16"]), "{recording} {port}");
        assert_eq!(ours["mote"], format!("141592cc0000{}", theirs["id16"].as_str().expect("text")), "{recording} {port}");
        assert_eq!(ours["boots"], *boots, "{recording} {port}");
        let (ours, theirs) = (object(&ours["state"]), object(&theirs["state"]));
        assert!(ours.keys().eq(theirs.keys()), "{recording} {port}: {:?}", ours.keys());
        for (element, rows) in ours {
            hold(element, rows, &theirs[element], &mut rules);
        }
    }
    assert_eq!(rules, expected.iter().copied().collect(), "{recording}");
}

fn hold(element: &str, ours: &Value, theirs: &Value, rules: &mut Counts) {
    if element != "Queue" {
        return assert_eq!(ours, theirs, "{element}");
    }
    let (ours, theirs) = (ours.as_array().expect("rows"), theirs.as_array().expect("rows"));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let number = |row: &Value, field: &str| row[field].as_str().and_then(|text| text.split_once(' ')).map(|(code, _)| code.to_owned());
        assert_eq!(theirs["owner"], "None (unknown)");
        assert_eq!(number(ours, "owner"), number(theirs, "creator"), "{ours} {theirs}");
        *rules.entry(Rule::OwnerAsCreator).or_default() += 1;
        if ours["owner"] != theirs["creator"] {
            *rules.entry(Rule::StaleComponent).or_default() += 1;
        }
    }
}

/// Nodes and edges in any order.
fn hold_dag(recording: &str, ours: &Value, theirs: &Value, rules: &mut Counts) {
    let text = |value: &Value, name: &str| value[name].as_str().expect("text").to_owned();
    let edges = |dag: &Value| -> BTreeMap<String, String> {
        let edges = dag[1].as_array().expect("edges");
        let by_mote: BTreeMap<_, _> = edges.iter().map(|edge| (text(edge, "u"), text(edge, "v"))).collect();
        assert_eq!(by_mote.len(), edges.len(), "{recording}: each mote tells one parent");
        by_mote
    };
    let nodes = |dag: &Value| -> BTreeSet<String> {
        let nodes = dag[0].as_array().expect("nodes");
        assert!(nodes.iter().all(|node| node["id"] == node["value"]["label"]));
        nodes.iter().map(|node| text(node, "id")).filter(|id| !id.is_empty()).collect()
    };
    let (ours_by_mote, mut theirs_by_mote) = (edges(ours), edges(theirs));
    for (mote, parent) in theirs_by_mote.iter_mut().filter(|(_, parent)| parent.is_empty()) {
        parent.clone_from(&ours_by_mote[mote]);
        *rules.entry(Rule::ParentCutOff).or_default() += 1;
    }
    assert_eq!(ours_by_mote, theirs_by_mote, "{recording}");
    assert_eq!(nodes(ours), nodes(theirs), "{recording}");
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

#[test]
fn the_state_after_recording_a_is_its_oracles() {
    check("A", &[1], &[(Rule::OwnerAsCreator, 20)]);
}

#[test]
fn the_state_after_recording_b_is_its_oracles() {
    check("B", &[1; 5], &[(Rule::OwnerAsCreator, 100)]);
}

#[test]
fn the_state_after_recording_d_is_its_oracles() {
    check("D", &[3, 1, 2, 1, 4], &[(Rule::OwnerAsCreator, 100), (Rule::StaleComponent, 1), (Rule::ParentCutOff, 1)]);
}
