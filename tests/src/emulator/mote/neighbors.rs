//! A mote's neighbour table: whom it hears, how well, and who its parent is.

use mqtypes::ids::{Asn, Eui64};
use mqtypes::status::{Address, NeighborsRow};

use super::schedule::Acknowledged;

/// `MAXNUMNEIGHBORS`.
pub(super) const ROWS: usize = 30;

/// No rank, or none that is known.
pub(super) const NO_RANK: u16 = 0xffff;

/// `MINHOPRANKINCREASE`: also the root's rank.
pub(super) const ROOT_RANK: u16 = 256;

/// What a link costs before enough was sent over it: as if a quarter of all frames were acknowledged.
const UNKNOWN_LINK: u32 = 10 * ROOT_RANK as u32;

/// Frames after which a link's cost is believed.
const ENOUGH: u8 = 5;

/// Where back-off starts (`MINBE - 1`).
const FIRST_BACKOFF: u8 = 1;

/// The rows of the neighbour table, used or not.
#[derive(Debug)]
pub(super) struct Neighbors {
    rows: Vec<NeighborsRow>,
}

/// What a neighbour says of itself in a beacon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub from: Eui64,
    pub rssi: i8,
    pub rank: u16,
    pub join_priority: u8,
    pub asn: Asn,
}

impl Neighbors {
    /// After a boot nobody was heard.
    pub fn new() -> Self {
        Self { rows: (0..ROWS).map(unused).collect() }
    }

    /// The row at `index`.
    pub fn row(&self, index: usize) -> NeighborsRow {
        self.rows[index]
    }

    /// The neighbour with this address.
    pub fn get(&self, eui64: Eui64) -> Option<&NeighborsRow> {
        self.rows.iter().find(|row| is(row, eui64))
    }

    /// A beacon came in. When the table is full, strangers are not noticed.
    pub fn heard(&mut self, heard: Heard) {
        let index = self.rows.iter().position(|row| is(row, heard.from)).or_else(|| self.rows.iter().position(|row| !row.used));
        let Some(row) = index.map(|index| &mut self.rows[index]) else { return };
        row.used = true;
        row.stable_neighbor = true;
        row.addr = address(heard.from);
        row.dag_rank = heard.rank;
        row.rssi = heard.rssi;
        row.num_rx = row.num_rx.wrapping_add(1);
        row.asn = heard.asn;
        row.join_prio = heard.join_priority;
        row.backoff_exponent = FIRST_BACKOFF;
    }

    /// A frame went out to a neighbour.
    pub fn sent(&mut self, to: Eui64, acknowledged: Acknowledged, asn: Asn) {
        let Some(row) = self.rows.iter_mut().find(|row| is(row, to)) else { return };
        if row.num_tx == u8::MAX {
            row.num_tx /= 2;
            row.num_tx_ack /= 2;
            row.num_wraps = row.num_wraps.wrapping_add(1);
        }
        row.num_tx += 1;
        if acknowledged == Acknowledged::Yes {
            row.num_tx_ack += 1;
            row.asn = asn;
        }
    }

    /// A frame came from a neighbour that is known.
    pub fn received(&mut self, from: Eui64, asn: Asn) {
        if let Some(row) = self.rows.iter_mut().find(|row| is(row, from)) {
            row.num_rx = row.num_rx.wrapping_add(1);
            row.asn = asn;
        }
    }

    /// A 6P transaction with a neighbour has ended (RFC 8480, section 3.4.6).
    pub fn count_6p(&mut self, with: Eui64) {
        if let Some(row) = self.rows.iter_mut().find(|row| is(row, with)) {
            row.sixtop_seq_num = row.sixtop_seq_num.checked_add(1).unwrap_or(1);
        }
    }

    /// Prefers this neighbour to all others.
    pub fn prefer(&mut self, parent: Eui64) {
        for row in &mut self.rows {
            row.parent_preference = is(row, parent).into();
        }
    }

    /// The rank of a mote with this parent: `3 * ETX - 2` times the least increase (RFC 8180, section 5.1.1).
    pub fn rank_below(&self, parent: Eui64) -> u16 {
        let Some(row) = self.get(parent) else { return NO_RANK };
        let increase = match (row.num_tx, row.num_tx_ack) {
            (sent @ ENOUGH.., acknowledged @ 1..) => {
                let three_etx = 3 * u32::from(sent) * u32::from(ROOT_RANK) / u32::from(acknowledged);
                three_etx - 2 * u32::from(ROOT_RANK)
            }
            (_too_few, _to_tell) => UNKNOWN_LINK,
        };
        u16::try_from(u32::from(row.dag_rank) + increase).unwrap_or(NO_RANK)
    }
}

/// An EUI-64 as the tables hold it.
pub(super) fn address(eui64: Eui64) -> Address {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&eui64.0);
    Address { kind: 2, bytes }
}

fn is(row: &NeighborsRow, eui64: Eui64) -> bool {
    row.used && row.addr.eui64() == Some(eui64)
}

fn unused(row: usize) -> NeighborsRow {
    NeighborsRow {
        row: row as u8,
        used: false,
        insecure: false,
        parent_preference: 0,
        stable_neighbor: false,
        switch_stability_counter: 0,
        addr: Address { kind: 0, bytes: [0; 16] },
        dag_rank: 0,
        rssi: 0,
        num_rx: 0,
        num_tx: 0,
        num_tx_ack: 0,
        num_wraps: 0,
        asn: Asn(0),
        join_prio: 0,
        f6p_no_res: false,
        in_blacklist: None,
        sixtop_seq_num: 0,
        backoff_exponent: 0,
        backoff: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> Eui64 {
        Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, number])
    }

    fn table() -> Neighbors {
        let mut table = Neighbors::new();
        table.heard(Heard { from: peer(1), rssi: -50, rank: ROOT_RANK, join_priority: 0, asn: Asn(7) });
        table
    }

    #[test]
    fn a_rank_starts_high_and_sinks_to_what_the_link_is_worth() {
        let mut table = table();
        assert_eq!(table.rank_below(peer(1)), 0x0b00, "as a genuine mote's first rank");
        (0..10).for_each(|_| table.sent(peer(1), Acknowledged::Yes, Asn(8)));
        assert_eq!(table.rank_below(peer(1)), 0x0200);
        table.sent(peer(1), Acknowledged::No, Asn(9));
        assert!(table.rank_below(peer(1)) > 0x0200);
        assert_eq!(table.rank_below(peer(9)), NO_RANK);
    }

    #[test]
    fn counters_are_halved_before_they_would_overflow() {
        let mut table = table();
        (0..256).for_each(|_| table.sent(peer(1), Acknowledged::Yes, Asn(8)));
        let row = table.row(0);
        assert_eq!((row.num_tx, row.num_tx_ack, row.num_wraps), (128, 128, 1));
    }

    #[test]
    fn a_full_table_notices_no_stranger() {
        let mut table = Neighbors::new();
        for number in 0..40 {
            table.heard(Heard { from: peer(number), rssi: -50, rank: NO_RANK, join_priority: 255, asn: Asn(1) });
        }
        assert!(table.get(peer(29)).is_some() && table.get(peer(30)).is_none());
    }

    #[test]
    fn only_one_neighbour_is_preferred() {
        let mut table = table();
        table.heard(Heard { from: peer(2), rssi: -60, rank: 512, join_priority: 1, asn: Asn(8) });
        table.prefer(peer(1));
        table.prefer(peer(2));
        assert_eq!([table.row(0).parent_preference, table.row(1).parent_preference], [0, 1]);
    }
}
