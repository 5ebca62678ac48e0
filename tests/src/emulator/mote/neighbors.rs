//! A mote's neighbour table: whom it hears, how well, and who its parent is.

use mqtypes::ids::{Asn, Eui64};
use mqtypes::status::{Address, NeighborsRow};

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

/// Weaker than this, a steady neighbour loses its name for steadiness (`BADNEIGHBORMAXRSSI`), dBm.
const BAD: i8 = -80;

/// Stronger than this, it gets it back (`GOODNEIGHBORMINRSSI`), dBm.
const GOOD: i8 = -70;

/// Frames in a row that it takes (`SWITCHSTABILITYTHRESHOLD`).
const SWITCHES_AT: u8 = 3;

/// A neighbour that was not heard for so many slots is forgotten (`DESYNCTIMEOUT`).
pub(super) const FORGOTTEN_AFTER: u64 = 1_750;

/// A neighbour that was not heard for so many slots is no parent to choose: it missed about nine beacons.
const DOUBTFUL_AFTER: u64 = 900;

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

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.iter().filter(|row| row.used).count()
    }

    /// A beacon came in.
    pub fn heard(&mut self, heard: Heard) {
        if let Some(row) = self.receive(heard.from, heard.rssi, heard.asn) {
            row.dag_rank = heard.rank;
            row.join_prio = heard.join_priority;
        }
    }

    /// A frame came from a neighbour, known or not.
    pub fn received(&mut self, from: Eui64, rssi: i8, asn: Asn) {
        self.receive(from, rssi, asn);
    }

    /// A frame went out to a neighbour.
    pub fn sent(&mut self, to: Eui64) {
        let Some(row) = self.find(to) else { return };
        if row.num_tx == u8::MAX {
            row.num_tx /= 2;
            row.num_tx_ack /= 2;
            row.num_wraps = row.num_wraps.wrapping_add(1);
        }
        row.num_tx += 1;
    }

    /// The neighbour has acknowledged it.
    pub fn acknowledged(&mut self, by: Eui64, asn: Asn) {
        if let Some(row) = self.find(by) {
            row.num_tx_ack = row.num_tx.min(row.num_tx_ack.saturating_add(1));
            row.asn = asn;
        }
    }

    /// The sequence number of the next 6P transaction with a neighbour (RFC 8480, section 3.4.6).
    pub fn sequence_6p(&self, with: Eui64) -> u8 {
        self.get(with).map_or(0, |row| row.sixtop_seq_num)
    }

    /// A 6P transaction with a neighbour has ended.
    pub fn count_6p(&mut self, with: Eui64) {
        if let Some(row) = self.find(with) {
            row.sixtop_seq_num = row.sixtop_seq_num.checked_add(1).unwrap_or(1);
        }
    }

    /// A neighbour and this mote have cleared what they agreed upon.
    pub fn reset_6p(&mut self, with: Eui64) {
        if let Some(row) = self.find(with) {
            row.sixtop_seq_num = 0;
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
        self.get(parent).map_or(NO_RANK, rank_below)
    }

    /// The neighbour that gives the lowest rank, of those who are nearer to the root than `own_rank`, steady and heard
    /// lately; with that rank.
    pub fn best_parent(&self, own_rank: u16, now: Asn) -> Option<(Eui64, u16)> {
        let candidates = self.rows.iter().filter(|row| row.used && row.dag_rank < own_rank && is_trusted(row, now));
        candidates
            .filter_map(|row| Some((row.addr.eui64()?, rank_below(row))))
            .filter(|(_, rank)| *rank < NO_RANK)
            .min_by_key(|best| best.1)
    }

    /// Would this neighbour do as a parent, were there no better?
    pub fn is_trusted(&self, eui64: Eui64, now: Asn) -> bool {
        self.get(eui64).is_some_and(|row| is_trusted(row, now))
    }

    /// The neighbour that a DAO names as its target: the first that is farther from the root.
    pub fn first_beyond(&self, rank: u16) -> Option<Eui64> {
        self.rows.iter().find(|row| row.used && row.dag_rank > rank && row.dag_rank != NO_RANK).and_then(|row| row.addr.eui64())
    }

    /// Forgets whom nobody has heard for long, and tells who that was. Of a row that is given up the address bytes remain.
    pub fn forget_old(&mut self, now: Asn) -> Vec<Eui64> {
        let mut forgotten = Vec::new();
        for row in self.rows.iter_mut().filter(|row| row.used && age(row, now) > FORGOTTEN_AFTER) {
            forgotten.extend(row.addr.eui64());
            *row = NeighborsRow { addr: Address { kind: 0, bytes: row.addr.bytes }, ..unused(row.row.into()) };
        }
        forgotten
    }

    /// The row of whoever sent a frame, which is a new one for a stranger. When the table is full, strangers are not noticed.
    fn receive(&mut self, from: Eui64, rssi: i8, asn: Asn) -> Option<&mut NeighborsRow> {
        let index = self.rows.iter().position(|row| is(row, from)).or_else(|| self.rows.iter().position(|row| !row.used))?;
        let row = &mut self.rows[index];
        if !row.used {
            *row = stranger(index, from);
        }
        row.rssi = rssi;
        row.num_rx = row.num_rx.wrapping_add(1);
        row.asn = asn;
        judge_stability(row);
        Some(row)
    }

    fn find(&mut self, eui64: Eui64) -> Option<&mut NeighborsRow> {
        self.rows.iter_mut().find(|row| is(row, eui64))
    }
}

fn judge_stability(row: &mut NeighborsRow) {
    let should_switch = if row.stable_neighbor { row.rssi < BAD } else { row.rssi > GOOD };
    row.switch_stability_counter = if should_switch { row.switch_stability_counter + 1 } else { 0 };
    if row.switch_stability_counter == SWITCHES_AT {
        row.stable_neighbor = !row.stable_neighbor;
        row.switch_stability_counter = 0;
    }
}

fn rank_below(parent: &NeighborsRow) -> u16 {
    let increase = match (parent.num_tx, parent.num_tx_ack) {
        (sent @ ENOUGH.., acknowledged @ 1..) => {
            let three_etx = 3 * u32::from(sent) * u32::from(ROOT_RANK) / u32::from(acknowledged);
            three_etx - 2 * u32::from(ROOT_RANK)
        }
        (_too_few, _to_tell) => UNKNOWN_LINK,
    };
    u16::try_from(u32::from(parent.dag_rank) + increase).unwrap_or(NO_RANK)
}

fn is_trusted(row: &NeighborsRow, now: Asn) -> bool {
    row.stable_neighbor && row.dag_rank != NO_RANK && age(row, now) <= DOUBTFUL_AFTER
}

/// Slots since a neighbour was heard; without end when it was in a count of slots that is over.
fn age(row: &NeighborsRow, now: Asn) -> u64 {
    now.0.checked_sub(row.asn.0).unwrap_or(u64::MAX)
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

fn stranger(row: usize, eui64: Eui64) -> NeighborsRow {
    NeighborsRow {
        used: true,
        stable_neighbor: true,
        addr: address(eui64),
        dag_rank: NO_RANK,
        join_prio: u8::MAX,
        backoff_exponent: FIRST_BACKOFF,
        ..unused(row)
    }
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

    fn exchange(table: &mut Neighbors, frames: usize) {
        for _frame in 0..frames {
            table.sent(peer(1));
            table.acknowledged(peer(1), Asn(8));
        }
    }

    #[test]
    fn a_rank_starts_high_and_sinks_to_what_the_link_is_worth() {
        let mut table = table();
        assert_eq!(table.rank_below(peer(1)), 0x0b00, "as a genuine mote's first rank");
        exchange(&mut table, 10);
        assert_eq!(table.rank_below(peer(1)), 0x0200);
        table.sent(peer(1));
        assert!(table.rank_below(peer(1)) > 0x0200);
        assert_eq!(table.rank_below(peer(9)), NO_RANK);
    }

    #[test]
    fn counters_are_halved_before_they_would_overflow_and_receptions_wrap() {
        let mut table = table();
        exchange(&mut table, 256);
        let row = table.row(0);
        assert_eq!((row.num_tx, row.num_tx_ack, row.num_wraps), (128, 128, 1));
        (0..255).for_each(|_| table.received(peer(1), -50, Asn(9)));
        assert_eq!(table.row(0).num_rx, 0);
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

    #[test]
    fn a_neighbour_is_unsteady_after_three_weak_frames_and_steady_after_three_strong_ones() {
        let mut table = table();
        let mut hear = |rssi| {
            table.received(peer(1), rssi, Asn(8));
            (table.row(0).stable_neighbor, table.row(0).switch_stability_counter)
        };
        assert_eq!([-81, -81, -79, -81, -81, -90].map(&mut hear), [(true, 1), (true, 2), (true, 0), (true, 1), (true, 2), (false, 0)]);
        assert_eq!([-75, -69, -60, -60].map(&mut hear), [(false, 0), (false, 1), (false, 2), (true, 0)]);
    }

    #[test]
    fn who_is_not_heard_is_forgotten_and_the_row_is_used_again() {
        let mut table = table();
        table.heard(Heard { from: peer(2), rssi: -60, rank: 512, join_priority: 1, asn: Asn(1_500) });
        assert!(table.is_trusted(peer(1), Asn(900)) && !table.is_trusted(peer(1), Asn(1_000)));
        assert_eq!(table.forget_old(Asn(1_757)), []);
        assert_eq!(table.forget_old(Asn(1_758)), [peer(1)]);
        let row = table.row(0);
        assert_eq!((row.used, row.addr.kind, row.addr.bytes[7], row.num_rx), (false, 0, 1, 0), "the address bytes remain");
        table.received(peer(3), -70, Asn(1_800));
        assert_eq!((table.row(0).addr.eui64(), table.row(0).dag_rank), (Some(peer(3)), NO_RANK));
        assert_eq!(table.forget_old(Asn(3)).len(), 2, "a count of slots that began anew makes all of them old");
    }

    #[test]
    fn the_best_parent_is_nearer_to_the_root_and_steady() {
        let mut table = table();
        exchange(&mut table, 10);
        table.heard(Heard { from: peer(2), rssi: -60, rank: 300, join_priority: 1, asn: Asn(8) });
        assert_eq!(table.best_parent(NO_RANK, Asn(9)), Some((peer(1), 0x0200)));
        (0..3).for_each(|_| table.received(peer(1), -85, Asn(9)));
        assert_eq!(table.best_parent(NO_RANK, Asn(9)), Some((peer(2), 300 + 2_560)));
        assert_eq!(table.best_parent(300, Asn(9)), None);
        assert_eq!((table.first_beyond(256), table.first_beyond(300)), (Some(peer(2)), None));
    }
}
