//! All motes as a person reads them.

use mqtypes::mono::Mono;
use mqtypes::mote::MoteEntry;
use mqtypes::status::{Element, Summary, TableFill};

use crate::inspect::grid::{self, Column, Row, Side};
use crate::inspect::picture::{Mote, Picture};
use crate::inspect::rows;
use crate::inspect::tap::element::NO_RANK;
use crate::inspect::tap::words::{link, link_tone};
use crate::inspect::terminal::Ink;
use crate::inspect::time::span;
use crate::model::Slot;

/// What is said instead of an empty table.
pub const NO_MOTE: &str = "no mote is known; `mq-inspect stats` shows whether serial-bridge runs and what its ports do";

const COLUMNS: [Column; 14] = [
    ("MOTE", Side::Left),
    ("PORT", Side::Left),
    ("LINK", Side::Left),
    ("ROLE", Side::Left),
    ("RANK", Side::Right),
    ("PARENT", Side::Left),
    ("HOPS", Side::Right),
    ("DBM", Side::Right),
    ("PRR", Side::Right),
    ("NEIGHBOURS", Side::Right),
    ("CELLS", Side::Right),
    ("QUEUE", Side::Right),
    ("HEARD", Side::Right),
    ("TOLD", Side::Right),
];

/// The table, a line each.
pub fn lines(picture: &Picture, now: Mono, ink: Ink) -> Vec<String> {
    let rows: Vec<Row> = picture.motes().map(|mote| (link_tone(mote.entry.link), cells(mote, now))).collect();
    if rows.is_empty() {
        return vec![NO_MOTE.to_owned()];
    }
    grid::lines(&COLUMNS, rows, ink)
}

fn cells(mote: &Mote, now: Mono) -> Vec<String> {
    let unknown = || "-".to_owned();
    let (entry, summary) = (&mote.entry, mote.summary.map(|(_, summary)| summary));
    let parent = summary.and_then(|summary| summary.parent);
    let told = mote.summary.map(|(heard, _)| heard).max(mote.dag.as_ref().and_then(|dag| dag.dao_heard));
    let ago = |heard: Option<Mono>| heard.map_or_else(unknown, |heard| format!("{} ago", span(now.since(heard))));
    vec![
        entry.mote.map_or_else(unknown, |eui| eui.to_string()),
        entry.port.as_ref().map_or_else(unknown, ToString::to_string),
        link(entry.link).to_owned(),
        role(entry).to_owned(),
        rank(mote),
        parent_of(mote),
        mote.dag.as_ref().and_then(|dag| dag.hops).map_or_else(unknown, |hops| hops.to_string()),
        parent.map_or_else(unknown, |parent| parent.rssi.to_string()),
        parent.map_or_else(unknown, |parent| rows::prr(parent.prr)),
        summary.map_or_else(unknown, |summary| fill(summary.neighbors)),
        summary.map_or_else(unknown, |summary| fill(summary.schedule)),
        queue(summary).unwrap_or_else(unknown),
        ago(mote.last_heard()),
        ago(told),
    ]
}

/// What a mote says of its role.
pub fn role(entry: &MoteEntry) -> &'static str {
    match entry.dagroot {
        Some(true) => "root",
        Some(false) => "node",
        None => "-",
    }
}

fn rank(mote: &Mote) -> String {
    let Some((heard, Element::MyDagRank(own))) = mote.element(Slot::MyDagRank) else { return "-".to_owned() };
    let star = if mote.is_of_an_earlier_life(*heard) { "*" } else { "" };
    if own.rank == NO_RANK { format!("none{star}") } else { format!("{}{star}", own.rank) }
}

/// The parent that the mote itself prefers, else the one that its DAO names.
fn parent_of(mote: &Mote) -> String {
    let own = mote.summary.and_then(|(_, summary)| summary.parent).map(|parent| parent.mote);
    let told = || mote.dag.as_ref().and_then(|dag| dag.parents.first().copied());
    own.or_else(told).map_or_else(|| "-".to_owned(), |eui| eui.to_string())
}

fn fill(fill: TableFill) -> String {
    match fill.of {
        Some(of) if fill.heard >= of => fill.used.to_string(),
        // Not all rows were told yet.
        Some(_) | None if fill.heard > 0 => format!("{}+", fill.used),
        Some(_) | None => "-".to_owned(),
    }
}

fn queue(summary: Option<Summary>) -> Option<String> {
    summary?.queue.map(|queue| format!("{}/{}", queue.used, queue.of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::{entry, eui};
    use mqtypes::broker::{Notification, StatusReport, SummaryReport};
    use mqtypes::mesh::DagEntry;
    use mqtypes::status::{MyDagRank, ParentLink, Prr, QueueFill};

    const NOW: Mono = Mono(100_000_000);

    fn shown(notifications: &[Notification]) -> Vec<String> {
        let mut picture = Picture::default();
        for notification in notifications {
            picture.handle_notification(notification);
        }
        lines(&picture, NOW, Ink::Plain)
    }

    #[test]
    fn a_mote_is_shown_with_what_it_rests_on() {
        let entry = MoteEntry {
            last_heard: Some(Mono(99_500_000)),
            dagroot: Some(false),
            booted: Some(Mono(50_000_000)),
            ..entry(Some(2), Some("a"))
        };
        let (who, heard) = (entry.who(), Mono(98_000_000));
        let parent = Some(ParentLink { mote: eui(1), rssi: -63, prr: Prr { acked: 19, sent: 20 } });
        let (neighbors, schedule) = (TableFill { used: 4, heard: 30, of: Some(30) }, TableFill { used: 7, heard: 12, of: None });
        let summary = Summary { parent, neighbors, schedule, queue: Some(QueueFill { used: 2, of: 20 }) };
        let told = shown(&[
            Notification::Mote(entry),
            Notification::Status(StatusReport {
                who: who.clone(),
                heard: Mono(49_000_000),
                element: Element::MyDagRank(MyDagRank { rank: 512 }),
            }),
            Notification::Summary(SummaryReport { who, heard, summary }),
        ]);
        let expected = "\
MOTE              PORT  LINK  ROLE  RANK  PARENT            HOPS  DBM   PRR  NEIGHBOURS  CELLS  QUEUE       HEARD     TOLD
141592cc00000002  a     up    node  512*  141592cc00000001     -  -63  95 %           4     7+   2/20  500 ms ago  2 s ago";
        assert_eq!(told.join("\n"), expected);
    }

    #[test]
    fn a_mote_without_a_cable_is_shown_by_what_its_dao_tells() {
        let entry = MoteEntry { last_heard: Some(Mono(70_000_000)), baud: 0, ..entry(Some(3), None) };
        let dag = DagEntry {
            mote: eui(3),
            root: eui(1),
            parents: vec![eui(2)],
            dao_heard: Some(Mono(40_000_000)),
            hops: Some(2),
            address: [0; 16],
            last_packet: Mono(70_000_000),
            packets: 9,
        };
        let told = shown(&[Notification::Mote(entry), Notification::Dag(dag)]);
        assert!(told[1].starts_with("141592cc00000003  -     up    -        -  141592cc00000002     2    -"), "{}", told[1]);
        assert!(told[1].ends_with("30 s ago  1 min ago"), "{}", told[1]);
    }

    #[test]
    fn nobody_is_said_to_be_nobody() {
        assert_eq!(shown(&[]), [NO_MOTE]);
    }
}
