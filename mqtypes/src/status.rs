//! The status elements of a mote, as values.
//!
//! Names and order are those of the firmware's status frames (`openserial_printStatus`); see the
//! frame families in `eventbus` for the octets. A row is one row of a table that the mote tells
//! row by row.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::{Asn, Eui64};

/// One status report of a mote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub enum Element {
    /// 0: is it synchronised to a network?
    IsSync(IsSync),
    /// 1: its addresses and role.
    IdManager(IdManager),
    /// 2: its rank in the DODAG (RFC 6550).
    MyDagRank(MyDagRank),
    /// 3: indexes of its serial output ring.
    OutputBuffer(OutputBuffer),
    /// 4: its absolute slot number.
    Asn(Asn),
    /// 5: MAC statistics.
    MacStats(MacStats),
    /// 6: one row of its schedule.
    ScheduleRow(ScheduleRow),
    /// 7: its back-off on shared cells.
    Backoff(Backoff),
    /// 8: its packet queue, whole.
    Queue(Vec<QueueEntry>),
    /// 9: one row of its neighbour table.
    NeighborsRow(NeighborsRow),
    /// 10: keep-alive period, slots.
    KaPeriod(u16),
    /// 11: when its secure join completed; 0 when it has not.
    Joined(Asn),
    /// 12: use of its negotiated cells (RFC 9033).
    Msf(Msf),
    /// Any other number, or a known one whose body has an unknown length.
    Unknown {
        /// The element's number.
        element: u8,
        /// Its body.
        body: Vec<u8>,
    },
}

/// Element 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IsSync {
    /// True when synchronised; a root is at once.
    pub is_sync: bool,
}

/// Element 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct IdManager {
    /// Is this mote a DODAG root?
    pub is_dag_root: bool,
    /// PAN identifier, as a number: `0xcafe`.
    pub pan_id: u16,
    /// 16-bit address.
    pub id16: u16,
    /// EUI-64.
    pub eui64: Eui64,
    /// IPv6 /64 prefix, most significant byte first.
    pub prefix: [u8; 8],
}

/// Element 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MyDagRank {
    /// 256 at the root, 65535 for none.
    pub rank: u16,
}

/// Element 3. Both run freely over 16 bits; the ring has 1,024 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OutputBuffer {
    /// Next byte to be written by the firmware.
    pub index_write: u16,
    /// Next byte to go out.
    pub index_read: u16,
}

/// Element 5. All but `num_de_sync` restart when the mote synchronises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MacStats {
    /// Synchronisations on packets; wraps.
    pub num_sync_pkt: u8,
    /// Synchronisations on acknowledgements; wraps.
    pub num_sync_ack: u8,
    /// Smallest time correction, ticks; +127 at the start.
    pub min_correction: i16,
    /// Largest time correction, ticks; -127 at the start.
    pub max_correction: i16,
    /// Desynchronisations since boot.
    pub num_de_sync: u8,
    /// Ticks with the radio on.
    pub num_tics_on: u32,
    /// Ticks in the window; both are halved above `0x7fff_ffff`.
    pub num_tics_total: u32,
}

/// Element 6: `debugScheduleEntry_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ScheduleRow {
    /// Row number.
    pub row: u8,
    /// Slot offset in the slotframe.
    pub slot_offset: u16,
    /// 0 OFF, 1 TX, 2 RX, 3 TXRX; an unused row is OFF.
    pub cell_type: u8,
    /// Shared cell?
    pub shared: bool,
    /// Channel offset.
    pub channel_offset: u8,
    /// The other end.
    pub neighbor: Address,
    /// Frames received; wraps.
    pub num_rx: u8,
    /// Frames sent; halved together with `num_tx_ack` at 255.
    pub num_tx: u8,
    /// Frames acknowledged.
    pub num_tx_ack: u8,
    /// When the cell was last used.
    pub last_used_asn: Asn,
}

/// Element 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Backoff {
    /// 1 to 5.
    pub exponent: u8,
    /// Shared cells left to skip.
    pub backoff: u8,
}

/// One entry of element 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QueueEntry {
    /// Component that made the packet.
    pub creator: u8,
    /// Component that holds it now; 0 when the entry is free.
    pub owner: u8,
}

/// Element 9: `debugNeighborEntry_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct NeighborsRow {
    /// Row number.
    pub row: u8,
    /// Is the row in use?
    pub used: bool,
    /// Was its last frame not secured?
    pub insecure: bool,
    /// 1 for the preferred parent.
    pub parent_preference: u8,
    /// Is its signal steady?
    pub stable_neighbor: bool,
    /// Toggles `stable_neighbor` at 3.
    pub switch_stability_counter: u8,
    /// Its address.
    pub addr: Address,
    /// 65535 when unknown.
    pub dag_rank: u16,
    /// dBm.
    pub rssi: i8,
    /// Frames received; wraps.
    pub num_rx: u8,
    /// Frames sent on TX cells; halved before overflow.
    pub num_tx: u8,
    /// Frames acknowledged; halved with `num_tx`.
    pub num_tx_ack: u8,
    /// Halvings; wraps.
    pub num_wraps: u8,
    /// When it was last heard or last acknowledged.
    pub asn: Asn,
    /// Join priority; 255 when unknown.
    pub join_prio: u8,
    /// It refused cells and never becomes a parent.
    pub f6p_no_res: bool,
    /// Legacy rows of 41 bytes only.
    pub in_blacklist: Option<bool>,
    /// 6P sequence number (RFC 8480); 0 after a reset.
    pub sixtop_seq_num: u8,
    /// 1 to 5; 0 in rows never used.
    pub backoff_exponent: u8,
    /// Shared cells left to skip.
    pub backoff: u8,
}

/// Element 12: cells used in the last complete window of 32 elapsed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Msf {
    /// Negotiated transmit cells.
    pub num_cells_used_tx: u8,
    /// Negotiated receive cells.
    pub num_cells_used_rx: u8,
}

/// What users read off a mote's elements. Only what was heard since its last boot is in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Summary {
    /// Its preferred parent; none when its neighbour table has none, as a root's.
    pub parent: Option<ParentLink>,
    /// How much of its neighbour table is known.
    pub neighbors: TableFill,
    /// How much of its schedule is known.
    pub schedule: TableFill,
    /// How full its packet queue is; none until it has told.
    pub queue: Option<QueueFill>,
}

/// The link to the preferred parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ParentLink {
    /// Which mote.
    pub mote: Eui64,
    /// dBm.
    pub rssi: i8,
    /// Packet reception ratio on it.
    pub prr: Prr,
}

/// How much of a table that is told row by row is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TableFill {
    /// Rows that are in use.
    pub used: u8,
    /// Rows that were heard.
    pub heard: u16,
    /// Rows that there are; none until the mote has gone through all of them once.
    pub of: Option<u16>,
}

/// Entries of a packet queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QueueFill {
    /// Taken.
    pub used: u8,
    /// In all.
    pub of: u8,
}

/// Packet reception ratio: acknowledged of sent.
///
/// The firmware halves both counters together before they overflow, so their ratio means something at
/// any moment, weighted towards the present, and differences between two reports mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Prr {
    /// Frames acknowledged.
    pub acked: u8,
    /// Frames sent: how much the ratio is worth.
    pub sent: u8,
}

impl Prr {
    /// 0 to 1; none when nothing was sent.
    pub fn ratio(self) -> Option<f64> {
        (self.sent > 0).then(|| (f64::from(self.acked) / f64::from(self.sent)).min(1.0))
    }
}

impl NeighborsRow {
    /// The packet reception ratio towards this neighbour.
    pub fn prr(&self) -> Prr {
        Prr { acked: self.num_tx_ack, sent: self.num_tx }
    }
}

impl ScheduleRow {
    /// The packet reception ratio of this cell.
    pub fn prr(&self) -> Prr {
        Prr { acked: self.num_tx_ack, sent: self.num_tx }
    }
}

impl MacStats {
    /// Share of the time that the radio was on; none when no time has passed.
    pub fn duty_cycle(&self) -> Option<f64> {
        (self.num_tics_total > 0).then(|| f64::from(self.num_tics_on) / f64::from(self.num_tics_total))
    }
}

/// `open_addr_t`: a type and sixteen bytes, of which the type says how many count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Address {
    /// 0 none, 1 16-bit, 2 64-bit, 3 128-bit, 4 PAN, 5 prefix, 6 anycast.
    pub kind: u8,
    /// All sixteen as the mote sent them; a removed entry keeps old bytes.
    pub bytes: [u8; 16],
}

impl Address {
    /// The bytes that mean something, most significant first; empty for an unknown type.
    pub fn value(&self) -> &[u8] {
        let len = match self.kind {
            1 | 4 => 2,
            2 | 5 => 8,
            3 => 16,
            _none_anycast_or_unknown => 0,
        };
        &self.bytes[..len]
    }

    /// The EUI-64, when it is one.
    pub fn eui64(&self) -> Option<Eui64> {
        (self.kind == 2).then(|| Eui64(*self.bytes.first_chunk().expect("sixteen bytes hold eight")))
    }
}
