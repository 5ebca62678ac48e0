//! All motes as one JSON object: the fields of the UI link's inventory, with rank, summary and DODAG beside them.

use bus::moment::Moment;
use mqtypes::ids::{Eui64, PortName};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::status::{Element, Summary};
use serde::Serialize;

use crate::inspect::picture::{Mote, Picture};
use crate::inspect::terminal::plain_json;
use crate::model::Slot;

/// Every time in it is Unix time in milliseconds.
#[derive(Debug, Serialize)]
struct Document<'a> {
    time: u64,
    motes: Vec<Object<'a>>,
}

/// A mote of the inventory, and the little that is known of most.
#[derive(Debug, Serialize)]
pub struct Object<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    rank: Option<Heard<u16>>,
    summary: Option<Heard<Summary>>,
    dag: Option<Dag<'a>>,
}

/// A value, and when it was heard.
#[derive(Debug, Serialize)]
struct Heard<T> {
    t: u64,
    value: T,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    source: Source,
    port: Option<&'a PortName>,
    link: Link,
    since: u64,
    cause: &'a str,
    /// Null when not known yet, or when there is no port.
    baud: Option<u32>,
    mote: Option<Eui64>,
    id16: Option<String>,
    dagroot: Option<bool>,
    last_heard: Option<u64>,
    first_heard: Option<u64>,
    boots: u32,
    booted: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Dag<'a> {
    root: Eui64,
    parents: &'a [Eui64],
    hops: Option<u8>,
    dao_heard: Option<u64>,
    last_packet: u64,
    packets: u64,
}

/// One line, without its end.
pub fn text(picture: &Picture, now: Moment) -> String {
    plain_json(&Document { time: now.unix_ms, motes: picture.motes().map(|mote| object(mote, now)).collect() })
}

/// One mote.
pub fn object(mote: &Mote, now: Moment) -> Object<'_> {
    let at = |heard: Mono| now.unix_ms_of(heard);
    let rank = match mote.element(Slot::MyDagRank) {
        Some((heard, Element::MyDagRank(own))) => Some(Heard { t: at(*heard), value: own.rank }),
        _not_told => None,
    };
    Object {
        entry: Entry { last_heard: mote.last_heard().map(at), ..entry(&mote.entry, now) },
        rank,
        summary: mote.summary.map(|(heard, value)| Heard { t: at(heard), value }),
        dag: mote.dag.as_ref().map(|dag| Dag {
            root: dag.root,
            parents: &dag.parents,
            hops: dag.hops,
            dao_heard: dag.dao_heard.map(at),
            last_packet: at(dag.last_packet),
            packets: dag.packets,
        }),
    }
}

fn entry(entry: &MoteEntry, now: Moment) -> Entry<'_> {
    let at = |heard: Mono| now.unix_ms_of(heard);
    Entry {
        source: entry.source,
        port: entry.port.as_ref(),
        link: entry.link,
        since: at(entry.since),
        cause: &entry.cause,
        baud: Some(entry.baud).filter(|baud| *baud != 0),
        mote: entry.mote,
        id16: entry.id16.map(|id16| format!("{id16:04x}")),
        dagroot: entry.dagroot,
        last_heard: entry.last_heard.map(at),
        first_heard: entry.first_heard.map(at),
        boots: entry.boots,
        booted: entry.booted.map(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::entry;
    use mqtypes::broker::Notification;

    #[test]
    fn a_program_gets_the_inventory_with_times_on_the_wall() {
        let mut picture = Picture::default();
        picture.handle_notification(&Notification::Mote(MoteEntry { last_heard: Some(Mono(9_900_000)), ..entry(Some(1), Some("a")) }));
        let now = Moment { mono: Mono(10_000_000), unix_ms: 1_700_000_010_000 };
        assert_eq!(
            text(&picture, now),
            r#"{"time":1700000010000,"motes":[{"source":"serial","port":"a","link":"up","since":1700000000000,"cause":"","baud":115200,"mote":"141592cc00000001","id16":"0001","dagroot":null,"last_heard":1700000009900,"first_heard":null,"boots":0,"booted":null,"rank":null,"summary":null,"dag":null}]}"#
        );
    }
}
