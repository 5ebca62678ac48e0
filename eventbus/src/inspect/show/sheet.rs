//! One mote as a person reads it.
//!
//! Ages stand beside the values: nothing pretends to be fresh.

use mqtypes::mono::Mono;
use mqtypes::mote::Source;
use mqtypes::names::element_name;
use mqtypes::status::{Element, ParentLink};

use super::Section;
use crate::inspect::grid::{self, Column, Row, Side};
use crate::inspect::mote_name::describe;
use crate::inspect::motes::role;
use crate::inspect::picture::Mote;
use crate::inspect::rows;
use crate::inspect::tap::element;
use crate::inspect::tap::figures;
use crate::inspect::tap::words::{link, link_tone};
use crate::inspect::terminal::{Ink, Tone, printable};
use crate::inspect::time::span;
use crate::model::Slot;

/// What is said of what was told before a mote's last boot.
const EARLIER: &str = "told before its last boot";

const ELEMENTS: [Column; 4] = [("ELEMENT", Side::Left), ("AGE", Side::Right), ("VALUE", Side::Left), ("", Side::Left)];

/// The text, a line each.
pub fn lines(mote: &Mote, section: Option<Section>, now: Mono, ink: Ink) -> Vec<String> {
    let mut lines = vec![ink.paint(link_tone(mote.entry.link), &printable(&head(mote, now)))];
    match section {
        None => lines.extend(sheet(mote, now, ink)),
        Some(Section::Neighbors) => lines.extend(table(mote, now, ink, &rows::NEIGHBORS, rows::neighbor)),
        Some(Section::Schedule) => lines.extend(table(mote, now, ink, &rows::CELLS, rows::cell)),
        Some(Section::Queue) => lines.extend(queue(mote, now, ink)),
    }
    lines
}

fn head(mote: &Mote, now: Mono) -> String {
    let entry = &mote.entry;
    let cause = if entry.cause.is_empty() { String::new() } else { format!(" ({})", entry.cause) };
    let mut parts = vec![format!("{}: {} for {}{cause}", describe(entry), link(entry.link), span(now.since(entry.since)))];
    if entry.baud != 0 {
        parts.push(format!("{} baud", entry.baud));
    }
    if entry.dagroot.is_some() {
        parts.push(role(entry).to_owned());
    }
    match entry.source {
        Source::Serial => {}
        Source::Dao => parts.push("known through the mesh".to_owned()),
    }
    parts.push(mote.last_heard().map_or_else(|| "never heard".to_owned(), |heard| format!("heard {}", ago(heard, now))));
    if let Some(booted) = entry.booted {
        parts.push(format!("booted {} (boots since it is known: {})", ago(booted, now), entry.boots));
    }
    parts.join(", ")
}

fn sheet(mote: &Mote, now: Mono, ink: Ink) -> Vec<String> {
    let single = mote.elements.iter().filter(|(slot, _)| !is_row(**slot));
    let mut rows: Vec<Row> = single.map(|(_, (heard, told))| row(mote, now, element_name(told), *heard, element::words(told))).collect();
    rows.extend(fill(mote, now, "Schedule", rows::cell, |slot| matches!(slot, Slot::ScheduleRow(_))));
    rows.extend(fill(mote, now, "Neighbors", rows::neighbor, |slot| matches!(slot, Slot::NeighborsRow(_))));
    rows.extend(sums(mote, now));
    if rows.is_empty() {
        return vec!["It has told nothing of itself yet.".to_owned()];
    }
    grid::lines(&ELEMENTS, rows, ink)
}

fn is_row(slot: Slot) -> bool {
    matches!(slot, Slot::ScheduleRow(_) | Slot::NeighborsRow(_))
}

/// How much of a table is known, and the age of its oldest row.
fn fill(mote: &Mote, now: Mono, name: &str, cells: fn(&Element) -> Option<Vec<String>>, is_of: fn(&Slot) -> bool) -> Option<Row> {
    let told: Vec<_> = mote.elements.iter().filter(|(slot, _)| is_of(slot)).map(|(_, told)| told).collect();
    let oldest = told.iter().map(|(heard, _)| *heard).min()?;
    let used = told.iter().filter(|(_, element)| cells(element).is_some()).count();
    let short = mote.entry.mote.map_or_else(|| "MOTE".to_owned(), |eui| format!("{:04x}", eui.id16()));
    let text = format!("{used} of {} rows in use: show {short} {}", told.len(), name.to_lowercase());
    Some(row(mote, now, name, oldest, text))
}

/// What is not an element: the parent as it follows from them, the DODAG, and `uinject`.
fn sums(mote: &Mote, now: Mono) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some((heard, link)) = parent(mote) {
        rows.push(row(mote, now, "parent", heard, figures::parent(&link)));
    }
    if let Some(dag) = &mote.dag {
        let address = format!("{}, {}", figures::place(dag), std::net::Ipv6Addr::from(dag.address));
        rows.push(row(mote, now, "DODAG", dag.dao_heard.unwrap_or(dag.last_packet), address));
    }
    if let Some(report) = &mote.uinject {
        rows.push(row(mote, now, "uinject", report.heard, figures::delivery(report)));
    }
    rows
}

/// The preferred parent, and when it was told: its row may be much older than the rest of the summary.
fn parent(mote: &Mote) -> Option<(Mono, ParentLink)> {
    let (newest, summary) = mote.summary?;
    let link = summary.parent?;
    let is_its =
        |told: &Element| matches!(told, Element::NeighborsRow(row) if row.parent_preference > 0 && row.addr.eui64() == Some(link.mote));
    let told = mote.elements.values().find(|(_, told)| is_its(told)).map(|(heard, _)| *heard);
    Some((told.unwrap_or(newest), link))
}

fn row(mote: &Mote, now: Mono, name: &str, heard: Mono, text: String) -> Row {
    let (tone, note) = life(mote, heard);
    (tone, vec![name.to_owned(), ago(heard, now), text, note.to_owned()])
}

fn life(mote: &Mote, heard: Mono) -> (Tone, &'static str) {
    if mote.is_of_an_earlier_life(heard) { (Tone::Faint, EARLIER) } else { (Tone::Normal, "") }
}

/// The rows of a table that are in use, with their ages.
fn table(mote: &Mote, now: Mono, ink: Ink, columns: &[Column], cells: fn(&Element) -> Option<Vec<String>>) -> Vec<String> {
    let used = mote.elements.values().filter_map(|(heard, told)| Some((*heard, cells(told)?)));
    let row = |(heard, cells): (Mono, Vec<String>)| {
        let (tone, note) = life(mote, heard);
        (tone, [vec![ago(heard, now)], cells, vec![note.to_owned()]].concat())
    };
    let rows: Vec<Row> = used.map(row).collect();
    aged(columns, rows, ink, "No row that is in use was told yet.")
}

fn queue(mote: &Mote, now: Mono, ink: Ink) -> Vec<String> {
    let Some((heard, Element::Queue(entries))) = mote.element(Slot::Queue) else {
        return vec!["It has not told its queue yet.".to_owned()];
    };
    let (tone, note) = life(mote, *heard);
    let rows: Vec<Row> =
        rows::queue(entries).into_iter().map(|cells| (tone, [vec![ago(*heard, now)], cells, vec![note.to_owned()]].concat())).collect();
    aged(&rows::QUEUE, rows, ink, &format!("All {} entries were free {}.", entries.len(), ago(*heard, now)))
}

fn aged(columns: &[Column], rows: Vec<Row>, ink: Ink, nothing: &str) -> Vec<String> {
    if rows.is_empty() {
        return vec![nothing.to_owned()];
    }
    let columns = [&[("AGE", Side::Right)][..], columns, &[("", Side::Left)]].concat();
    grid::lines(&columns, rows, ink)
}

fn ago(heard: Mono, now: Mono) -> String {
    format!("{} ago", span(now.since(heard)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::Picture;
    use crate::inspect::picture::tests::entry;
    use mqtypes::broker::{Notification, StatusReport};
    use mqtypes::mote::{Link, MoteEntry};
    use mqtypes::status::{IsSync, QueueEntry};

    const NOW: Mono = Mono(100_000_000);

    fn shown(entry: &MoteEntry, elements: Vec<(Mono, Element)>, section: Option<Section>) -> Vec<String> {
        let mut picture = Picture::default();
        picture.handle_notification(&Notification::Mote(entry.clone()));
        for (heard, element) in elements {
            picture.handle_notification(&Notification::Status(StatusReport { who: entry.who(), heard, element }));
        }
        lines(picture.motes().next().expect("one"), section, NOW, Ink::Plain)
    }

    #[test]
    fn what_was_told_before_the_last_boot_says_so() {
        let entry = MoteEntry { booted: Some(Mono(90_000_000)), boots: 2, last_heard: Some(NOW), ..entry(Some(1), Some("a")) };
        let elements = vec![(Mono(80_000_000), Element::IsSync(IsSync { is_sync: true })), (Mono(95_000_000), Element::KaPeriod(2000))];
        let expected = "\
141592cc00000001 on a: up for 1 min 40 s, 115200 baud, heard 0 ms ago, booted 10 s ago (boots since it is known: 2)
ELEMENT        AGE  VALUE
IsSync    20 s ago  synchronised  told before its last boot
kaPeriod   5 s ago  2000 slots";
        assert_eq!(shown(&entry, elements, None).join("\n"), expected);
    }

    #[test]
    fn a_mote_that_has_told_nothing_is_said_to_have_told_nothing() {
        let entry = MoteEntry { link: Link::Down, cause: "no such file\x1b".to_owned(), baud: 0, ..entry(None, Some("/dev/ttyUSB0")) };
        let said = |section| shown(&entry, vec![], section);
        let head = "/dev/ttyUSB0, which has not named itself: down for 1 min 40 s (no such file\\u{1b}), never heard";
        assert_eq!(said(None), [head, "It has told nothing of itself yet."]);
        assert_eq!(said(Some(Section::Neighbors))[1], "No row that is in use was told yet.");
        assert_eq!(said(Some(Section::Queue))[1], "It has not told its queue yet.");
    }

    #[test]
    fn a_queue_without_packets_is_told_by_its_size() {
        let free = QueueEntry { creator: 0, owner: 0 };
        let told = shown(&entry(Some(1), Some("a")), vec![(Mono(98_000_000), Element::Queue(vec![free; 20]))], Some(Section::Queue));
        assert_eq!(told[1], "All 20 entries were free 2 s ago.");
    }
}
