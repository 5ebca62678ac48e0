//! All motes as a person reads them: what each says of itself, its neighbours and its cells.
//!
//! What was told before a mote's last boot is faint and says so: it may not hold any more.

use mqtypes::ids::PortName;
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;
use mqtypes::mote::MoteEntry;
use mqtypes::names::{cell_type, element_name};
use mqtypes::status::{Element, NeighborsRow, Prr, ScheduleRow};

use super::State;
use super::grid::{self, Side};
use crate::inspect::tap::element;
use crate::inspect::tap::figures::summary;
use crate::inspect::terminal::{Ink, Tone, printable};
use crate::model::{Mote, MoteIndex, Slot};

const NEIGHBORS: [(&str, Side); 11] = [
    ("ROW", Side::Right),
    ("NEIGHBOUR", Side::Left),
    ("RANK", Side::Right),
    ("DBM", Side::Right),
    ("RX", Side::Right),
    ("TX", Side::Right),
    ("ACKED", Side::Right),
    ("PRR", Side::Right),
    ("HALVED", Side::Right),
    ("HEARD AT ASN", Side::Right),
    ("", Side::Left),
];

const CELLS: [(&str, Side); 10] = [
    ("ROW", Side::Right),
    ("SLOT", Side::Right),
    ("CHANNEL", Side::Right),
    ("CELL", Side::Left),
    ("NEIGHBOUR", Side::Left),
    ("RX", Side::Right),
    ("TX", Side::Right),
    ("ACKED", Side::Right),
    ("PRR", Side::Right),
    ("USED AT ASN", Side::Right),
];

const DAG: [(&str, Side); 6] = [
    ("MOTE", Side::Left),
    ("PARENTS", Side::Left),
    ("HOPS", Side::Right),
    ("TOLD AT", Side::Right),
    ("PACKETS", Side::Right),
    ("LAST AT", Side::Right),
];

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
    lines.extend(table(mote, &entry, ink, NEIGHBORS, neighbor));
    lines.extend(table(mote, &entry, ink, CELLS, cell));
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
fn table<const N: usize>(
    mote: &Mote,
    entry: &MoteEntry,
    ink: Ink,
    columns: [(&str, Side); N],
    cells: fn(&Element) -> Option<[String; N]>,
) -> Vec<String> {
    let known = mote.slots().filter_map(|slot| mote.element(slot));
    let (heard, rows): (Vec<_>, Vec<_>) = known.filter_map(|known| Some((known.heard, cells(&known.element)?))).unzip();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = grid::lines(columns, rows).into_iter().map(|line| format!("    {line}"));
    let head = lines.next().map(|head| ink.paint(Tone::Faint, &head));
    head.into_iter().chain(lines.zip(heard).map(|(line, heard)| aged(entry, heard, line, ink))).collect()
}

fn aged(entry: &MoteEntry, heard: Mono, text: String, ink: Ink) -> String {
    if entry.booted.is_some_and(|booted| heard < booted) {
        return ink.paint(Tone::Faint, &format!("{text} (told before its last boot)"));
    }
    text
}

fn neighbor(element: &Element) -> Option<[String; 11]> {
    let Element::NeighborsRow(row) = element else { return None };
    let rank = if row.dag_rank == u16::MAX { "none".to_owned() } else { row.dag_rank.to_string() };
    row.used.then(|| {
        [
            row.row.to_string(),
            element::address(&row.addr),
            rank,
            row.rssi.to_string(),
            row.num_rx.to_string(),
            row.num_tx.to_string(),
            row.num_tx_ack.to_string(),
            prr(row.prr()),
            row.num_wraps.to_string(),
            row.asn.0.to_string(),
            traits(row),
        ]
    })
}

fn dag(entries: &[DagEntry], ink: Ink) -> Vec<String> {
    let mut lines = grid::lines(DAG, entries.iter().map(in_dag).collect()).into_iter().map(|line| format!("    {line}"));
    let head = lines.next().map(|head| ink.paint(Tone::Faint, &head));
    ["DODAG, as its motes tell it".to_owned()].into_iter().chain(head).chain(lines).collect()
}

fn in_dag(entry: &DagEntry) -> [String; 6] {
    let parents: Vec<_> = entry.parents.iter().map(ToString::to_string).collect();
    [
        entry.mote.to_string(),
        parents.join(", "),
        entry.hops.map_or_else(|| "unknown".to_owned(), |hops| hops.to_string()),
        entry.dao_heard.map_or_else(String::new, seconds),
        entry.packets.to_string(),
        seconds(entry.last_packet),
    ]
}

fn traits(row: &NeighborsRow) -> String {
    let all = [
        (row.parent_preference > 0, "parent"),
        (!row.stable_neighbor, "not stable"),
        (row.insecure, "not secured"),
        (row.f6p_no_res, "refused cells"),
        (row.in_blacklist == Some(true), "blacklisted"),
    ];
    let those: Vec<_> = all.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word).collect();
    those.join(", ")
}

fn cell(element: &Element) -> Option<[String; 10]> {
    let Element::ScheduleRow(row) = element else { return None };
    (row.cell_type != 0).then(|| {
        [
            row.row.to_string(),
            row.slot_offset.to_string(),
            row.channel_offset.to_string(),
            kind(row),
            element::address(&row.neighbor),
            row.num_rx.to_string(),
            row.num_tx.to_string(),
            row.num_tx_ack.to_string(),
            prr(row.prr()),
            row.last_used_asn.0.to_string(),
        ]
    })
}

fn kind(row: &ScheduleRow) -> String {
    let name = cell_type(row.cell_type).map_or_else(|| format!("type {}", row.cell_type), str::to_owned);
    if row.shared { format!("{name} shared") } else { name }
}

fn prr(prr: Prr) -> String {
    prr.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0))
}

fn seconds(moment: Mono) -> String {
    format!("{:.3} s", moment.0 as f64 / 1e6)
}
