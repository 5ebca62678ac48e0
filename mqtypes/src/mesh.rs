//! What came up through a root: packets, the DODAG as its motes tell it, and the statistics of `uinject`.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::{Asn, Eui64, Who};
use crate::mono::Mono;

/// A packet, or a fragment of one, that a root passed on from the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MoteData {
    /// The root on the serial line.
    pub who: Who,
    /// When it was heard.
    pub heard: Mono,
    /// When the root handed it to its serial line.
    pub asn: Asn,
    /// Link-layer destination: the root.
    pub destination: Eui64,
    /// Link-layer source: the previous hop, not the origin.
    pub source: Eui64,
    /// 6LoWPAN bytes, as they came (RFC 8138, RFC 6282, or a fragment of RFC 4944).
    pub lowpan: Vec<u8>,
}

/// One mote of a DODAG, as its packets and DAOs (RFC 6550, section 6.4) tell it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct DagEntry {
    /// Which mote.
    pub mote: Eui64,
    /// The root that its last packet came through.
    pub root: Eui64,
    /// Its parents as of its newest DAO, the preferred one first; empty when no DAO came for 900 s.
    pub parents: Vec<Eui64>,
    /// When its newest DAO came.
    pub dao_heard: Option<Mono>,
    /// Hops to the root over first parents; none when the chain does not reach it.
    pub hops: Option<u8>,
    /// IPv6 source of its last packet.
    pub address: [u8; 16],
    /// When its last packet came.
    pub last_packet: Mono,
    /// Packets since it is known.
    pub packets: u64,
}

/// What the packets of one mote's `uinject` tell (`openapps/uinject`), from the first one on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct UinjectReport {
    /// Who injects.
    pub mote: Eui64,
    /// When its last packet came.
    pub heard: Mono,
    /// How its payload is laid out.
    pub layout: UinjectLayout,
    /// The counter in its last packet.
    pub counter: u16,
    /// Packets that came, each counted once.
    pub received: u32,
    /// Packets that its counter says were sent, from the first that came to the last.
    pub expected: u32,
    /// Slots from sending to the root's serial line, of the last packet; none when its ASN cannot be right.
    pub latency: Option<u32>,
    /// Sum of all latencies known, slots.
    pub latency_sum: u64,
    /// How many latencies are in the sum.
    pub latencies: u32,
    /// Transmit cells it used in its last window (`MAX_NUMCELLS` is 32 today, 64 in old firmware).
    pub tx_cells: u8,
    /// Receive cells it used in its last window.
    pub rx_cells: u8,
    /// Ticks with the radio on.
    pub tics_on: u32,
    /// Ticks in all.
    pub tics_total: u32,
}

/// How a `uinject` payload is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UinjectLayout {
    /// The word `uinject` comes first: firmware since September 2020.
    NameFirst,
    /// The word `uinject` comes last: firmware before.
    NameLast,
}
