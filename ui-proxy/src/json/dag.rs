//! `dag`.

use std::net::Ipv6Addr;

use bus::moment::Moment;
use mqtypes::ids::Eui64;
use mqtypes::mesh::DagEntry;
use serde::Serialize;

use super::PartJson;
use crate::message::Part;

#[derive(Serialize)]
pub(super) struct Body {
    part: PartJson,
    motes: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    mote: String,
    root: String,
    parents: Vec<String>,
    /// When its newest DAO came.
    heard: Option<u64>,
    hops: Option<u8>,
    /// As RFC 5952 writes it.
    address: String,
    last_packet: u64,
    packets: u64,
}

impl Entry {
    fn new(entry: &DagEntry, now: Moment) -> Self {
        Self {
            mote: entry.mote.to_string(),
            root: entry.root.to_string(),
            parents: entry.parents.iter().map(Eui64::to_string).collect(),
            heard: entry.dao_heard.map(|heard| now.unix_ms_of(heard)),
            hops: entry.hops,
            address: Ipv6Addr::from(entry.address).to_string(),
            last_packet: now.unix_ms_of(entry.last_packet),
            packets: entry.packets,
        }
    }
}

pub(super) fn body(part: Part, motes: &[DagEntry], now: Moment) -> Body {
    Body { part: part.into(), motes: motes.iter().map(|entry| Entry::new(entry, now)).collect() }
}

/// How long one mote of the DODAG is.
pub fn length(entry: &DagEntry, now: Moment) -> usize {
    super::length(&Entry::new(entry, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use mqtypes::mono::Mono;

    #[test]
    fn a_mote_that_has_told_its_parents_and_one_of_which_only_packets_came() {
        let eui = |last| Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, last]);
        let placed = DagEntry {
            mote: eui(2),
            root: eui(1),
            parents: vec![eui(1), eui(3)],
            dao_heard: Some(Mono(4_000_000)),
            hops: Some(1),
            address: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2],
            last_packet: Mono(9_000_000),
            packets: 70_000,
        };
        let placeless = DagEntry { mote: eui(3), parents: vec![], dao_heard: None, hops: None, ..placed.clone() };
        assert_eq!(
            encode(&Message::Dag { part: Part { n: 1, of: 1, snapshot: 4 }, motes: vec![placed, placeless] }, 2, NOW),
            concat!(
                r#"{"type":"dag","seq":2,"t":1700000010000,"part":{"n":1,"of":1,"snapshot":4},"motes":["#,
                r#"{"mote":"141592cc00000002","root":"141592cc00000001","parents":["141592cc00000001","141592cc00000003"],"#,
                r#""heard":1700000004000,"hops":1,"address":"bbbb::1415:92cc:0:2","last_packet":1700000009000,"packets":70000},"#,
                r#"{"mote":"141592cc00000003","root":"141592cc00000001","parents":[],"#,
                r#""heard":null,"hops":null,"address":"bbbb::1415:92cc:0:2","last_packet":1700000009000,"packets":70000}]}"#
            )
        );
    }
}
