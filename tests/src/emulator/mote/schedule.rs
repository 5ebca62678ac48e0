//! A mote's schedule: its own receive cell (RFC 9033), the minimal cell (RFC 8180), and cells negotiated with neighbours.

use mqtypes::ids::{Asn, Eui64};
use mqtypes::status::{Address, ScheduleRow};

use super::neighbors::address;
use super::slots::SLOTFRAME;

/// `1 + NUMSLOTSOFF`.
pub(super) const ROWS: usize = 21;

/// Frequencies to hop on, in the 2.4 GHz band.
const CHANNELS: u16 = 16;

/// `cellType_t`.
mod cell_type {
    pub const TX: u8 = 1;
    pub const RX: u8 = 2;
    pub const TXRX: u8 = 3;
}

const OWN_CELL: usize = 0;
const MINIMAL_CELL: usize = 1;

/// The rows of the schedule, used or not.
#[derive(Debug)]
pub(super) struct Schedule {
    rows: Vec<ScheduleRow>,
}

/// What came of the wish for a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    New,
    /// Its slot is taken.
    Duplicate,
}

/// Which way a negotiated cell goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the neighbour.
    Out,
    /// From the neighbour.
    In,
}

impl Schedule {
    /// After a boot there is but the cell in which anybody may send to this mote.
    pub fn new(id16: u16) -> Self {
        let mut rows: Vec<_> = (0..ROWS).map(unused).collect();
        rows[OWN_CELL] = ScheduleRow {
            slot_offset: 1 + id16 % (SLOTFRAME as u16 - 1),
            cell_type: cell_type::RX,
            channel_offset: (id16 % CHANNELS) as u8,
            neighbor: anycast(),
            ..rows[OWN_CELL]
        };
        Self { rows }
    }

    /// The row at `index`.
    pub fn row(&self, index: usize) -> ScheduleRow {
        self.rows[index]
    }

    /// The shared cell that every network has; it stays when synchronisation is lost.
    pub fn add_minimal(&mut self) -> Added {
        if self.rows[MINIMAL_CELL].cell_type != 0 {
            return Added::Duplicate;
        }
        self.rows[MINIMAL_CELL] = ScheduleRow { cell_type: cell_type::TXRX, shared: true, neighbor: anycast(), ..self.rows[MINIMAL_CELL] };
        Added::New
    }

    /// A cell agreed upon with `neighbor` replaces the one before; when all rows are used it is not kept.
    pub fn add(&mut self, way: Way, neighbor: Eui64, slot_offset: u16, channel_offset: u8) {
        if let Some(index) = self.find(way, neighbor).or_else(|| self.free()) {
            let cell_type = type_of(way);
            self.rows[index] = ScheduleRow { slot_offset, cell_type, channel_offset, neighbor: address(neighbor), ..unused(index) };
        }
    }

    /// All cells agreed upon with `neighbor` are given up.
    pub fn clear(&mut self, neighbor: Eui64) {
        for row in self.rows.iter_mut().filter(|row| row.neighbor.eui64() == Some(neighbor)) {
            *row = unused(row.row.into());
        }
    }

    /// Is there room for one cell more?
    pub fn has_room(&self) -> bool {
        self.free().is_some()
    }

    /// Is there a negotiated cell?
    pub fn has(&self, way: Way, neighbor: Eui64) -> bool {
        self.find(way, neighbor).is_some()
    }

    /// How many negotiated cells go this way.
    pub fn count(&self, way: Way) -> u8 {
        self.rows[MINIMAL_CELL + 1..].iter().filter(|row| row.cell_type == type_of(way)).count() as u8
    }

    /// A broadcast went out in the minimal cell; nobody acknowledges it, and it counts as if somebody had.
    pub fn broadcast(&mut self, asn: Asn) {
        let row = &mut self.rows[MINIMAL_CELL];
        count_sent(row);
        row.num_tx_ack += 1;
        row.last_used_asn = asn;
    }

    /// A broadcast came in in the minimal cell.
    pub fn heard_broadcast(&mut self, asn: Asn) {
        let row = &mut self.rows[MINIMAL_CELL];
        row.num_rx = row.num_rx.wrapping_add(1);
        row.last_used_asn = asn;
    }

    /// A frame went to `neighbor` in its negotiated cell, if there is one.
    pub fn sent(&mut self, neighbor: Eui64, asn: Asn) {
        if let Some(index) = self.find(Way::Out, neighbor) {
            count_sent(&mut self.rows[index]);
            self.rows[index].last_used_asn = asn;
        }
    }

    /// The neighbour has acknowledged it.
    pub fn acknowledged(&mut self, by: Eui64) {
        if let Some(index) = self.find(Way::Out, by) {
            let row = &mut self.rows[index];
            row.num_tx_ack = row.num_tx.min(row.num_tx_ack.saturating_add(1));
        }
    }

    /// A frame came from `neighbor`, in its negotiated cell or in the own one.
    pub fn heard(&mut self, neighbor: Eui64, asn: Asn) {
        let index = self.find(Way::In, neighbor).unwrap_or(OWN_CELL);
        let row = &mut self.rows[index];
        row.num_rx = row.num_rx.wrapping_add(1);
        row.last_used_asn = asn;
    }

    fn find(&self, way: Way, neighbor: Eui64) -> Option<usize> {
        self.rows.iter().position(|row| row.cell_type == type_of(way) && row.neighbor.eui64() == Some(neighbor))
    }

    fn free(&self) -> Option<usize> {
        self.rows.iter().position(|row| row.cell_type == 0 && usize::from(row.row) > MINIMAL_CELL)
    }
}

fn count_sent(row: &mut ScheduleRow) {
    if row.num_tx == u8::MAX {
        row.num_tx /= 2;
        row.num_tx_ack /= 2;
    }
    row.num_tx += 1;
}

fn type_of(way: Way) -> u8 {
    match way {
        Way::Out => cell_type::TX,
        Way::In => cell_type::RX,
    }
}

fn anycast() -> Address {
    Address { kind: 6, bytes: [0; 16] }
}

fn unused(row: usize) -> ScheduleRow {
    ScheduleRow {
        row: row as u8,
        slot_offset: 0,
        cell_type: 0,
        shared: false,
        channel_offset: 0,
        neighbor: Address { kind: 0, bytes: [0; 16] },
        num_rx: 0,
        num_tx: 0,
        num_tx_ack: 0,
        last_used_asn: Asn(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);

    #[test]
    fn a_cell_agreed_upon_anew_replaces_the_one_before_and_clearing_removes_it() {
        let mut schedule = Schedule::new(1);
        schedule.add(Way::Out, PEER, 17, 3);
        schedule.sent(PEER, Asn(5));
        assert_eq!((schedule.row(2).num_tx, schedule.row(2).num_tx_ack, schedule.row(2).last_used_asn), (1, 0, Asn(5)));
        schedule.add(Way::Out, PEER, 18, 4);
        assert_eq!((schedule.row(2).slot_offset, schedule.row(2).num_tx, schedule.count(Way::Out)), (18, 0, 1));
        schedule.sent(PEER, Asn(6));
        schedule.acknowledged(PEER);
        assert_eq!((schedule.row(2).num_tx, schedule.row(2).num_tx_ack), (1, 1));
        schedule.clear(PEER);
        assert_eq!((schedule.row(2), schedule.count(Way::Out)), (unused(2), 0));
    }

    #[test]
    fn the_minimal_cell_is_added_once() {
        let mut schedule = Schedule::new(1);
        assert_eq!([schedule.add_minimal(), schedule.add_minimal()], [Added::New, Added::Duplicate]);
        assert_eq!((schedule.row(1).cell_type, schedule.row(1).shared, schedule.row(1).neighbor.kind), (3, true, 6));
    }

    #[test]
    fn a_full_schedule_takes_no_more_and_counters_are_halved_at_their_end() {
        let mut schedule = Schedule::new(1);
        for peer in 0..40 {
            schedule.add(Way::In, Eui64([peer; 8]), 5, 5);
        }
        assert_eq!((usize::from(schedule.count(Way::In)), schedule.has_room()), (ROWS - 2, false));
        (0..256).for_each(|slot| schedule.broadcast(Asn(slot)));
        assert_eq!((schedule.row(1).num_tx, schedule.row(1).num_tx_ack), (128, 128));
    }
}
