//! All motes as one JSON object, with the names, the texts and the nesting of OpenVisualizer's state view.
//!
//! A row that was not heard is null, so that a row's place is its number. Of a queue's entry both owner and creator are told,
//! each by the firmware's present name.

use std::collections::{BTreeMap, BTreeSet};

use mqtypes::ids::{Asn, Eui64};
use mqtypes::names;
use mqtypes::status::{Address, Element, QueueEntry};
use serde::Serialize;
use serde_json::{Value, json};

use super::State;
use crate::inspect::decode::elements::{self, Fields, object};
use crate::inspect::terminal::plain_json;
use crate::model::{Mote, Slot};

/// The whole state.
#[derive(Debug, Serialize)]
struct Whole {
    /// By port; a mote that is on none any more by its address.
    motes: BTreeMap<String, OneMote>,
    /// Nodes, and edges from a mote to its parents; both by 16-bit address.
    dag: (Vec<Node>, Vec<Edge>),
}

#[derive(Debug, Serialize)]
struct OneMote {
    mote: Option<Eui64>,
    id16: Option<String>,
    /// Frames with a right CRC.
    frames: u64,
    boots: u32,
    /// Elements by name, each a list of rows.
    state: BTreeMap<String, Vec<Option<Fields>>>,
}

#[derive(Debug, Serialize)]
struct Node {
    id: String,
    value: Label,
}

#[derive(Debug, Serialize)]
struct Label {
    label: String,
}

/// A mote and its parent.
#[derive(Debug, Serialize)]
struct Edge {
    u: String,
    v: String,
}

/// One line, without its end.
pub fn text(state: &State) -> String {
    plain_json(&whole(state))
}

fn whole(state: &State) -> Whole {
    let model = state.model();
    let motes = model.indexes().filter_map(|index| model.mote(index)).map(|mote| {
        let entry = mote.entry();
        let name = entry.port.as_ref().map(ToString::to_string).or_else(|| entry.mote.map(|eui| eui.to_string()));
        let one = OneMote {
            mote: entry.mote,
            id16: entry.id16.map(|id16| format!("{id16:04x}")),
            frames: state.frames_on(entry.port.as_ref()),
            boots: entry.boots,
            state: elements_of(mote),
        };
        (name.unwrap_or_default(), one)
    });
    Whole { motes: motes.collect(), dag: dag(state) }
}

fn dag(state: &State) -> (Vec<Node>, Vec<Edge>) {
    let pairs: Vec<_> = state.dag().flat_map(|entry| entry.parents.into_iter().map(move |parent| (entry.mote, parent))).collect();
    let short = |eui: Eui64| format!("{:04x}", eui.id16());
    let motes: BTreeSet<_> = pairs.iter().flat_map(|(mote, parent)| [short(*mote), short(*parent)]).collect();
    let nodes = motes.into_iter().map(|id| Node { value: Label { label: id.clone() }, id });
    (nodes.collect(), pairs.into_iter().map(|(mote, parent)| Edge { u: short(mote), v: short(parent) }).collect())
}

fn elements_of(mote: &Mote) -> BTreeMap<String, Vec<Option<Fields>>> {
    let mut state: BTreeMap<String, Vec<Option<Fields>>> = BTreeMap::new();
    for slot in mote.slots() {
        let Some(known) = mote.element(slot) else { continue };
        let rows = state.entry(name(slot, &known.element)).or_default();
        match (&known.element, row(slot)) {
            (Element::Queue(entries), _) => rows.extend(entries.iter().map(|entry| Some(queue_entry(*entry)))),
            (element, at) => {
                rows.resize(rows.len().max(at + 1), None);
                rows[at] = Some(worded(element));
            }
        }
    }
    state
}

fn name(slot: Slot, element: &Element) -> String {
    match slot {
        Slot::Unknown(number) => format!("element {number}"),
        Slot::IsSync
        | Slot::IdManager
        | Slot::MyDagRank
        | Slot::OutputBuffer
        | Slot::Asn
        | Slot::MacStats
        | Slot::ScheduleRow(_)
        | Slot::Backoff
        | Slot::Queue
        | Slot::NeighborsRow(_)
        | Slot::KaPeriod
        | Slot::Joined
        | Slot::Msf => names::element_name(element).to_owned(),
    }
}

fn row(slot: Slot) -> usize {
    match slot {
        Slot::ScheduleRow(row) | Slot::NeighborsRow(row) => row.into(),
        Slot::IsSync
        | Slot::IdManager
        | Slot::MyDagRank
        | Slot::OutputBuffer
        | Slot::Asn
        | Slot::MacStats
        | Slot::Backoff
        | Slot::Queue
        | Slot::KaPeriod
        | Slot::Joined
        | Slot::Msf
        | Slot::Unknown(_) => 0,
    }
}

/// The raw fields, with what OpenVisualizer shows as text in the place of its parts.
fn worded(element: &Element) -> Fields {
    let texts: Vec<(&str, String)> = match element {
        Element::IdManager(id) => vec![
            ("myPANID", bytes(&id.pan_id.to_le_bytes(), "panId")),
            ("my16bID", bytes(&id.id16.to_be_bytes(), "16b")),
            ("my64bID", bytes(&id.eui64.0, "64b")),
            ("myPrefix", bytes(&id.prefix, "prefix")),
        ],
        Element::Asn(told) => vec![("asn", asn(*told))],
        Element::Joined(told) => vec![("joinedAsn", asn(*told))],
        Element::MacStats(stats) => {
            let duty_cycle = stats.duty_cycle().map_or_else(|| "?".to_owned(), |share| format!("{:.2}%", share * 100.0));
            vec![("dutyCycle", duty_cycle)]
        }
        Element::ScheduleRow(row) => vec![
            ("type", coded(row.cell_type, names::cell_type(row.cell_type))),
            ("neighbor", address(&row.neighbor)),
            ("lastUsedAsn", asn(row.last_used_asn)),
        ],
        Element::NeighborsRow(row) => {
            vec![("rssi", format!("{} dBm", row.rssi)), ("addr", address(&row.addr)), ("asn", asn(row.asn))]
        }
        Element::IsSync(_)
        | Element::MyDagRank(_)
        | Element::OutputBuffer(_)
        | Element::Backoff(_)
        | Element::Queue(_)
        | Element::KaPeriod(_)
        | Element::Msf(_)
        | Element::Unknown { .. } => Vec::new(),
    };
    let mut fields = elements::fields(element);
    let is_part = |name: &str| texts.iter().any(|(text, _)| name.strip_prefix(text).is_some_and(|part| part.starts_with('_')));
    fields.retain(|name, _| !is_part(name) && !["row", "numTicsOn", "numTicsTotal"].contains(&name.as_str()));
    fields.extend(texts.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))));
    fields
}

fn queue_entry(QueueEntry { creator, owner }: QueueEntry) -> Fields {
    let component = |code| json!(coded(code, names::component(code)));
    object([("creator", component(creator)), ("owner", component(owner))])
}

fn coded(code: u8, name: Option<&str>) -> String {
    format!("{code} ({})", name.unwrap_or("unknown"))
}

fn asn(Asn(slots): Asn) -> String {
    format!("0x{slots:010x}")
}

fn address(address: &Address) -> String {
    let kind = match address.kind {
        0 => "None",
        1 => "16b",
        2 => "64b",
        3 => "128b",
        4 => "panId",
        5 => "prefix",
        6 => "anycast",
        _not_known => "unknown",
    };
    bytes(address.value(), kind)
}

fn bytes(bytes: &[u8], kind: &str) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} ({kind})", digits.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::inspect::decode::frames::{Cause, Content, Seen};
    use crate::network::DEFAULT_PREFIX;
    use mqtypes::ids::PortName;

    fn seen(payload: Vec<u8>) -> Seen {
        let frame = Frame::parse(&payload).expect("a frame");
        Seen { at: Some(1.0), port: PortName("a".to_owned()), content: Content::FromMote { frame, payload, cause: Cause::Own } }
    }

    fn state_of(payloads: &[&[u8]]) -> Value {
        let mut state = State::new(DEFAULT_PREFIX).expect("nothing is needed");
        for payload in payloads {
            state.handle(&seen(payload.to_vec()));
        }
        let mut whole: Value = serde_json::from_str(&text(&state)).expect("JSON");
        whole["motes"]["a"].take()
    }

    #[test]
    fn a_row_that_was_not_heard_keeps_its_place() {
        let row = [&[b'S', 0, 1, 9, 2][..], &[0; 39]].concat();
        let told = state_of(&[&row]);
        assert_eq!((&told["mote"], &told["id16"], &told["frames"]), (&Value::Null, &Value::Null, &json!(1)));
        let rows = told["state"]["Neighbors"].as_array().expect("rows");
        assert_eq!(rows[..2], [Value::Null, Value::Null]);
        assert_eq!((rows.len(), &rows[2]["addr"], &rows[2]["rssi"]), (3, &json!(" (None)"), &json!("0 dBm")));
    }

    #[test]
    fn what_is_unknown_is_shown_by_its_number() {
        let told =
            state_of(&[&[b'S', 0, 1, 8, 200, 10], &[b'S', 0, 1, 13, 0xff], &[b'S', 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
        let expected = json!([{"creator": "200 (unknown)", "owner": "10 (SIXTOP_TO_IEEE802154E)"}]);
        assert_eq!(told["state"]["Queue"], expected);
        assert_eq!(told["state"]["element 13"], json!([{"element": 13, "body": "ff"}]));
        assert_eq!(told["state"]["MacStats"][0]["dutyCycle"], "?", "no time has passed");
    }

    #[test]
    fn addresses_are_worded_by_their_type() {
        let of_kind = |kind| address(&Address { kind, bytes: std::array::from_fn(|at| at as u8) });
        let worded = [0, 1, 4, 6, 7].map(of_kind);
        assert_eq!(worded, [" (None)", "00-01 (16b)", "00-01 (panId)", " (anycast)", " (unknown)"]);
    }
}
