//! A status element in words, one line each. Numbers outside the firmware's tables stay visible as numbers.

use std::net::Ipv6Addr;

use data_encoding::HEXLOWER;
use mqtypes::names;
use mqtypes::status::{Address, Element, IdManager, MacStats, NeighborsRow, QueueEntry, ScheduleRow};

/// `DAGRANK` of a mote without one.
pub const NO_RANK: u16 = u16::MAX;

/// `JOINPRIORITY` of a neighbour that has not told it.
const NO_JOIN_PRIORITY: u8 = u8::MAX;

/// `CELLTYPE_OFF`: the row is not in use.
pub const OFF: u8 = 0;

/// The element's values, without its name.
pub fn words(element: &Element) -> String {
    match element {
        Element::IsSync(sync) => (if sync.is_sync { "synchronised" } else { "not synchronised" }).to_owned(),
        Element::IdManager(id) => id_manager(id),
        Element::MyDagRank(own) => rank(own.rank),
        Element::OutputBuffer(ring) => {
            format!(
                "writes at {}, reads at {}, {} bytes wait",
                ring.index_write,
                ring.index_read,
                ring.index_write.wrapping_sub(ring.index_read)
            )
        }
        Element::Asn(asn) => asn.0.to_string(),
        Element::MacStats(stats) => mac_stats(stats),
        Element::ScheduleRow(row) => schedule_row(row),
        Element::Backoff(backoff) => format!("exponent {}, {} shared cells to skip", backoff.exponent, backoff.backoff),
        Element::Queue(entries) => queue(entries),
        Element::NeighborsRow(row) => neighbors_row(row),
        Element::KaPeriod(slots) => format!("{slots} slots"),
        Element::Joined(asn) if asn.0 == 0 => "not joined".to_owned(),
        Element::Joined(asn) => format!("at ASN {}", asn.0),
        Element::Msf(msf) => format!("cells used: {} to send, {} to receive", msf.num_cells_used_tx, msf.num_cells_used_rx),
        Element::Unknown { element, body } => format!("element {element}, {} bytes: {}", body.len(), HEXLOWER.encode(body)),
    }
}

fn id_manager(id: &IdManager) -> String {
    let role = if id.is_dag_root { "DAG root" } else { "not DAG root" };
    let mut address = [0; 16];
    address[..8].copy_from_slice(&id.prefix);
    format!("{role}, {} ({:04x}), PAN {:04x}, prefix {}/64", id.eui64, id.id16, id.pan_id, Ipv6Addr::from(address))
}

fn rank(rank: u16) -> String {
    if rank == NO_RANK { "no rank".to_owned() } else { format!("rank {rank}") }
}

fn mac_stats(stats: &MacStats) -> String {
    let radio = match stats.num_tics_total {
        0 => "unknown".to_owned(),
        total => format!("{:.1} %", f64::from(stats.num_tics_on) * 100.0 / f64::from(total)),
    };
    format!(
        "synchronised by {} packets and {} acknowledgements, corrections {} to {} ticks, {} desynchronisations, radio on {radio}",
        stats.num_sync_pkt, stats.num_sync_ack, stats.min_correction, stats.max_correction, stats.num_de_sync
    )
}

fn schedule_row(row: &ScheduleRow) -> String {
    let number = row.row;
    if row.cell_type == OFF {
        return format!("row {number}: off");
    }
    let (cell, neighbor) = (cell(row), address(&row.neighbor));
    format!(
        "row {number}: slot {}, channel offset {}, {cell} with {neighbor}, rx {}, tx {}, acknowledged {}, last used at ASN {}",
        row.slot_offset, row.channel_offset, row.num_rx, row.num_tx, row.num_tx_ack, row.last_used_asn.0
    )
}

/// What kind of cell it is.
pub fn cell(row: &ScheduleRow) -> String {
    let name = names::cell_type(row.cell_type).map_or_else(|| format!("type {}", row.cell_type), str::to_owned);
    if row.shared { format!("{name} shared") } else { name }
}

fn neighbors_row(row: &NeighborsRow) -> String {
    let number = row.row;
    if !row.used {
        return format!("row {number}: not used");
    }
    let mut parts = vec![rank(row.dag_rank), format!("{} dBm", row.rssi)];
    parts.extend(traits(row).map(str::to_owned));
    parts.push(format!("rx {}, tx {}, acknowledged {}, halved {} times", row.num_rx, row.num_tx, row.num_tx_ack, row.num_wraps));
    if row.join_prio != NO_JOIN_PRIORITY {
        parts.push(format!("join priority {}", row.join_prio));
    }
    parts.push(format!("6P sequence {}, last heard at ASN {}", row.sixtop_seq_num, row.asn.0));
    format!("row {number}: {}: {}", address(&row.addr), parts.join(", "))
}

/// What is remarkable about a neighbour.
pub fn traits(row: &NeighborsRow) -> impl Iterator<Item = &'static str> {
    let all = [
        (row.parent_preference > 0, "parent"),
        (!row.stable_neighbor, "not stable"),
        (row.insecure, "not secured"),
        (row.f6p_no_res, "refused cells"),
        (row.in_blacklist == Some(true), "blacklisted"),
    ];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word)
}

/// The part of the firmware with this number.
pub fn component(code: u8) -> String {
    names::component(code).map_or_else(|| format!("component {code}"), str::to_owned)
}

fn queue(entries: &[QueueEntry]) -> String {
    let held: Vec<_> = entries.iter().filter(|entry| entry.owner != 0).collect();
    let list: Vec<_> = held.iter().map(|entry| format!("{} in {}", component(entry.creator), component(entry.owner))).collect();
    let colon = if list.is_empty() { "" } else { ": " };
    format!("{} of {} entries in use{colon}{}", held.len(), entries.len(), list.join(", "))
}

/// An address in hex digits; the name of its type when it has none.
pub fn address(address: &Address) -> String {
    match address.value() {
        [] => names::address_type(address.kind).map_or_else(|| format!("address type {}", address.kind), str::to_lowercase),
        value => HEXLOWER.encode(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::{Asn, Eui64};
    use mqtypes::status::{Backoff, IsSync, Msf, MyDagRank, OutputBuffer};

    const EUI: [u8; 8] = [0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1];

    fn of_kind(kind: u8) -> Address {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&EUI);
        Address { kind, bytes }
    }

    fn check(element: &Element, expected: &str) {
        assert_eq!(words(element), expected);
    }

    #[test]
    fn small_elements_are_a_few_words() {
        check(&Element::IsSync(IsSync { is_sync: true }), "synchronised");
        check(&Element::MyDagRank(MyDagRank { rank: 256 }), "rank 256");
        check(&Element::MyDagRank(MyDagRank { rank: 65535 }), "no rank");
        check(&Element::OutputBuffer(OutputBuffer { index_write: 2, index_read: 65533 }), "writes at 2, reads at 65533, 5 bytes wait");
        check(&Element::Asn(Asn(4711)), "4711");
        check(&Element::Backoff(Backoff { exponent: 1, backoff: 0 }), "exponent 1, 0 shared cells to skip");
        check(&Element::KaPeriod(2000), "2000 slots");
        check(&Element::Joined(Asn(0)), "not joined");
        check(&Element::Joined(Asn(9)), "at ASN 9");
        check(&Element::Msf(Msf { num_cells_used_tx: 1, num_cells_used_rx: 2 }), "cells used: 1 to send, 2 to receive");
        check(&Element::Unknown { element: 15, body: vec![1, 255] }, "element 15, 2 bytes: 01ff");
    }

    #[test]
    fn a_mote_tells_who_it_is_and_how_its_mac_fares() {
        let id = IdManager { is_dag_root: true, pan_id: 0xcafe, id16: 1, eui64: Eui64(EUI), prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0] };
        check(&Element::IdManager(id), "DAG root, 141592cc00000001 (0001), PAN cafe, prefix bbbb::/64");
        let stats = MacStats {
            num_sync_pkt: 3,
            num_sync_ack: 4,
            min_correction: -2,
            max_correction: 5,
            num_de_sync: 0,
            num_tics_on: 1,
            num_tics_total: 8,
        };
        let expected = "synchronised by 3 packets and 4 acknowledgements, corrections -2 to 5 ticks, 0 desynchronisations, radio on ";
        check(&Element::MacStats(stats), &format!("{expected}12.5 %"));
        check(&Element::MacStats(MacStats { num_tics_total: 0, ..stats }), &format!("{expected}unknown"));
    }

    #[test]
    fn rows_say_who_and_whether_they_are_used() {
        let row = ScheduleRow {
            row: 3,
            slot_offset: 12,
            cell_type: 3,
            shared: true,
            channel_offset: 4,
            neighbor: of_kind(6),
            num_rx: 1,
            num_tx: 5,
            num_tx_ack: 4,
            last_used_asn: Asn(1234),
        };
        let expected = "row 3: slot 12, channel offset 4, TXRX shared with anycast, rx 1, tx 5, acknowledged 4, last used at ASN 1234";
        check(&Element::ScheduleRow(row), expected);
        check(&Element::ScheduleRow(ScheduleRow { cell_type: 0, ..row }), "row 3: off");
        let odd = words(&Element::ScheduleRow(ScheduleRow { cell_type: 9, shared: false, neighbor: of_kind(9), ..row }));
        assert!(odd.contains("type 9 with address type 9,"), "{odd}");
    }

    #[test]
    fn a_neighbour_is_told_with_what_sets_it_apart() {
        let row = NeighborsRow {
            row: 0,
            used: true,
            insecure: false,
            parent_preference: 1,
            stable_neighbor: true,
            switch_stability_counter: 0,
            addr: of_kind(2),
            dag_rank: 256,
            rssi: -42,
            num_rx: 9,
            num_tx: 8,
            num_tx_ack: 7,
            num_wraps: 0,
            asn: Asn(99),
            join_prio: 255,
            f6p_no_res: false,
            in_blacklist: None,
            sixtop_seq_num: 2,
            backoff_exponent: 1,
            backoff: 0,
        };
        let expected = "row 0: 141592cc00000001: rank 256, -42 dBm, parent, rx 9, tx 8, acknowledged 7, halved 0 times, 6P sequence 2, last heard at ASN 99";
        check(&Element::NeighborsRow(row), expected);
        check(&Element::NeighborsRow(NeighborsRow { used: false, ..row }), "row 0: not used");
        let poor = NeighborsRow { stable_neighbor: false, insecure: true, in_blacklist: Some(true), join_prio: 1, ..row };
        let text = words(&Element::NeighborsRow(poor));
        assert!(text.contains("not stable, not secured, blacklisted") && text.contains("join priority 1,"), "{text}");
    }

    #[test]
    fn the_packet_queue_names_its_components() {
        let entry = |creator, owner| QueueEntry { creator, owner };
        let expected = "2 of 3 entries in use: UINJECT in IEEE802154E, component 200 in SIXTOP";
        check(&Element::Queue(vec![entry(39, 9), entry(0, 0), entry(200, 12)]), expected);
        check(&Element::Queue(vec![entry(0, 0)]), "0 of 1 entries in use");
    }
}
