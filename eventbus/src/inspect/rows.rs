//! The tables of a mote, a row each, as a person reads them: neighbours, cells, and the packet queue.

use mqtypes::status::{Element, Prr, QueueEntry};

use super::grid::{Column, Side};
use super::tap::element;

/// The columns of [`neighbor`].
pub const NEIGHBORS: [Column; 11] = [
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

/// The columns of [`cell`].
pub const CELLS: [Column; 10] = [
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

/// The columns of [`queue`].
pub const QUEUE: [Column; 3] = [("ENTRY", Side::Right), ("CREATED BY", Side::Left), ("HELD BY", Side::Left)];

/// A neighbour; none when the element is something else or the row is not in use.
pub fn neighbor(told: &Element) -> Option<Vec<String>> {
    let Element::NeighborsRow(row) = told else { return None };
    let rank = if row.dag_rank == element::NO_RANK { "none".to_owned() } else { row.dag_rank.to_string() };
    row.used.then(|| {
        vec![
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
            element::traits(row).collect::<Vec<_>>().join(", "),
        ]
    })
}

/// A cell; none when the element is something else or the row is not in use.
pub fn cell(told: &Element) -> Option<Vec<String>> {
    let Element::ScheduleRow(row) = told else { return None };
    (row.cell_type != element::OFF).then(|| {
        vec![
            row.row.to_string(),
            row.slot_offset.to_string(),
            row.channel_offset.to_string(),
            element::cell(row),
            element::address(&row.neighbor),
            row.num_rx.to_string(),
            row.num_tx.to_string(),
            row.num_tx_ack.to_string(),
            prr(row.prr()),
            row.last_used_asn.0.to_string(),
        ]
    })
}

/// The entries of a packet queue that are taken, each with its number.
pub fn queue(entries: &[QueueEntry]) -> Vec<Vec<String>> {
    let taken = entries.iter().enumerate().filter(|(_, entry)| entry.owner != 0);
    taken.map(|(number, entry)| vec![number.to_string(), element::component(entry.creator), element::component(entry.owner)]).collect()
}

/// A ratio in whole percent.
pub fn prr(prr: Prr) -> String {
    prr.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_that_are_taken_are_shown_and_unknown_components_keep_their_number() {
        let entry = |creator, owner| QueueEntry { creator, owner };
        let told = queue(&[entry(0, 0), entry(39, 9), entry(200, 12)]);
        assert_eq!(told, [["1", "UINJECT", "IEEE802154E"], ["2", "component 200", "SIXTOP"]]);
    }
}
