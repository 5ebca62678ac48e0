//! All motes as a person reads them: what each says of itself, its neighbours and its cells.
//!
//! What was told before a mote's last boot is faint and says so: it may not hold any more.

use mqtypes::ids::PortName;
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;
use mqtypes::mote::MoteEntry;
use mqtypes::names::element_name;
use mqtypes::status::Element;

use super::State;
use crate::inspect::grid::{self, Column, Side};
use crate::inspect::rows;
use crate::inspect::tap::element;
use crate::inspect::tap::figures::summary;
use crate::inspect::terminal::{Ink, Tone, printable};
use crate::model::{Mote, MoteIndex, Slot};

const DAG: [Column; 6] = [
    ("MOTE", Side::Left),
    ("PARENTS", Side::Left),
    ("HOPS", Side::Right),
    ("TOLD AT", Side::Right),
    ("PACKETS", Side::Right),
    ("LAST AT", Side::Right),
];

/// What is said of what was told before a mote's last boot.
const EARLIER: &str = "(told before its last boot)";

/// The whole text, a line each.
pub fn lines(state: &State, ink: Ink) -> Vec<String> {
    let model = state.model();
    let motes = model.indexes().filter_map(|index| Some((index, model.mote(index)?)));
    let mut told: Vec<_> = motes.map(|(index, mote)| one_mote(state, index, mote, ink)).collect();
    let entries: Vec<_> = state.dag().collect();
    if !entries.is_empty() {
        told.push(dag(&entries, ink));
    }
    // A blank line between two.
    told.join(&String::new())
}

fn one_mote(state: &State, index: MoteIndex, mote: &Mote, ink: Ink) -> Vec<String> {
    let entry = mote.entry();
    let mut lines = vec![head(state, &entry)];
    lines.extend(state.model().summary(index).map(|report| format!("  {}", summary(&report))));
    let is_single = |slot: &Slot| !matches!(slot, Slot::ScheduleRow(_) | Slot::NeighborsRow(_));
    lines.extend(mote.slots().filter(is_single).filter_map(|slot| single(mote, &entry, slot, ink)));
    lines.extend(table(mote, &entry, ink, &rows::NEIGHBORS, rows::neighbor));
    lines.extend(table(mote, &entry, ink, &rows::CELLS, rows::cell));
    lines
}

fn head(state: &State, entry: &MoteEntry) -> String {
    let port = entry.port.as_ref().map_or_else(|| "on no port".to_owned(), |PortName(name)| printable(name));
    let mote = entry.mote.map_or_else(|| "has not named itself".to_owned(), |eui| eui.to_string());
    let mut parts = vec![format!("{port}: {mote}"), format!("{} frames", state.frames_on(entry.port.as_ref()))];
    if entry.boots > 0 {
        parts.push(format!("{} boots", entry.boots));
    }
    parts.extend(entry.booted.map(|booted| format!("the last at {}", seconds(booted))));
    parts.extend(entry.last_heard.map(|heard| format!("heard at {}", seconds(heard))));
    parts.join(", ")
}

fn single(mote: &Mote, entry: &MoteEntry, slot: Slot, ink: Ink) -> Option<String> {
    let known = mote.element(slot)?;
    let text = format!("  {:<12} {}", element_name(&known.element), element::words(&known.element));
    Some(aged(entry, known.heard, text, ink))
}

/// The rows of a table that are in use; nothing when it has none.
fn table(mote: &Mote, entry: &MoteEntry, ink: Ink, columns: &[Column], cells: fn(&Element) -> Option<Vec<String>>) -> Vec<String> {
    let known = mote.slots().filter_map(|slot| mote.element(slot));
    let row = |mut cells: Vec<String>, heard| {
        let tone = if is_of_an_earlier_life(entry, heard) { Tone::Faint } else { Tone::Normal };
        cells.push((if tone == Tone::Faint { EARLIER } else { "" }).to_owned());
        (tone, cells)
    };
    let rows: Vec<_> = known.filter_map(|known| Some(row(cells(&known.element)?, known.heard))).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = [columns, &[("", Side::Left)]].concat();
    grid::lines(&columns, rows, ink).into_iter().map(|line| format!("    {line}")).collect()
}

fn aged(entry: &MoteEntry, heard: Mono, text: String, ink: Ink) -> String {
    if is_of_an_earlier_life(entry, heard) {
        return ink.paint(Tone::Faint, &format!("{text} {EARLIER}"));
    }
    text
}

fn is_of_an_earlier_life(entry: &MoteEntry, heard: Mono) -> bool {
    entry.booted.is_some_and(|booted| heard < booted)
}

fn dag(entries: &[DagEntry], ink: Ink) -> Vec<String> {
    let rows = entries.iter().map(|entry| (Tone::Normal, in_dag(entry))).collect();
    let lines = grid::lines(&DAG, rows, ink).into_iter().map(|line| format!("    {line}"));
    ["DODAG, as its motes tell it".to_owned()].into_iter().chain(lines).collect()
}

fn in_dag(entry: &DagEntry) -> Vec<String> {
    let parents: Vec<_> = entry.parents.iter().map(ToString::to_string).collect();
    vec![
        entry.mote.to_string(),
        parents.join(", "),
        entry.hops.map_or_else(|| "unknown".to_owned(), |hops| hops.to_string()),
        entry.dao_heard.map_or_else(String::new, seconds),
        entry.packets.to_string(),
        seconds(entry.last_packet),
    ]
}

fn seconds(moment: Mono) -> String {
    format!("{:.3} s", moment.0 as f64 / 1e6)
}
