//! The rows of a mote's tables.

use mqtypes::names;
use mqtypes::status::{Address, NeighborsRow, QueueEntry, ScheduleRow};
use serde::Serialize;

use super::hex;
use crate::json::CodedJson;

/// A row of any table; its number stands before it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Row {
    Schedule(Box<ScheduleJson>),
    Queue(QueueJson),
    Neighbors(Box<NeighborsJson>),
}

impl Row {
    /// An entry of the queue, which has no time of its own.
    pub fn queue(entry: QueueEntry) -> Self {
        Self::Queue(entry.into())
    }

    /// A row of the schedule, heard at `t`.
    pub fn schedule(row: &ScheduleRow, t: u64) -> Self {
        Self::Schedule(Box::new(ScheduleJson::new(row, t)))
    }

    /// A row of the neighbours' table, heard at `t`.
    pub fn neighbors(row: &NeighborsRow, t: u64) -> Self {
        Self::Neighbors(Box::new(NeighborsJson::new(row, t)))
    }
}

#[derive(Serialize)]
pub(super) struct QueueJson {
    creator: CodedJson<'static>,
    owner: CodedJson<'static>,
}

impl From<QueueEntry> for QueueJson {
    fn from(entry: QueueEntry) -> Self {
        let component = |code| CodedJson::new(code, names::component(code));
        Self { creator: component(entry.creator), owner: component(entry.owner) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleJson {
    slot_offset: u16,
    #[serde(rename = "type")]
    kind: CodedJson<'static>,
    shared: bool,
    channel_offset: u8,
    neighbor: AddressJson,
    num_rx: u8,
    num_tx: u8,
    #[serde(rename = "numTxACK")]
    num_tx_ack: u8,
    /// Packet reception ratio; null when nothing was sent.
    prr: Option<f64>,
    last_used_asn: u64,
    t: u64,
}

impl ScheduleJson {
    fn new(row: &ScheduleRow, t: u64) -> Self {
        Self {
            slot_offset: row.slot_offset,
            kind: CodedJson::new(row.cell_type, names::cell_type(row.cell_type)),
            shared: row.shared,
            channel_offset: row.channel_offset,
            neighbor: AddressJson::from(&row.neighbor),
            num_rx: row.num_rx,
            num_tx: row.num_tx,
            num_tx_ack: row.num_tx_ack,
            prr: row.prr().ratio(),
            last_used_asn: row.last_used_asn.0,
            t,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NeighborsJson {
    used: bool,
    insecure: bool,
    parent_preference: u8,
    stable_neighbor: bool,
    switch_stability_counter: u8,
    addr: AddressJson,
    #[serde(rename = "DAGrank")]
    dag_rank: u16,
    rssi: i8,
    num_rx: u8,
    num_tx: u8,
    #[serde(rename = "numTxACK")]
    num_tx_ack: u8,
    /// Packet reception ratio; null when nothing was sent.
    prr: Option<f64>,
    num_wraps: u8,
    asn: u64,
    join_prio: u8,
    #[serde(rename = "f6PNORES")]
    f6p_no_res: bool,
    /// Rows of old firmware alone have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_blacklist: Option<bool>,
    sixtop_seq_num: u8,
    backoff_exponent: u8,
    backoff: u8,
    t: u64,
}

impl NeighborsJson {
    fn new(row: &NeighborsRow, t: u64) -> Self {
        Self {
            used: row.used,
            insecure: row.insecure,
            parent_preference: row.parent_preference,
            stable_neighbor: row.stable_neighbor,
            switch_stability_counter: row.switch_stability_counter,
            addr: AddressJson::from(&row.addr),
            dag_rank: row.dag_rank,
            rssi: row.rssi,
            num_rx: row.num_rx,
            num_tx: row.num_tx,
            num_tx_ack: row.num_tx_ack,
            prr: row.prr().ratio(),
            num_wraps: row.num_wraps,
            asn: row.asn.0,
            join_prio: row.join_prio,
            f6p_no_res: row.f6p_no_res,
            in_blacklist: row.in_blacklist,
            sixtop_seq_num: row.sixtop_seq_num,
            backoff_exponent: row.backoff_exponent,
            backoff: row.backoff,
            t,
        }
    }
}

#[derive(Serialize)]
struct AddressJson {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl From<&Address> for AddressJson {
    fn from(address: &Address) -> Self {
        let kind = names::address_type(address.kind).map_or_else(|| format!("unknown-{}", address.kind), str::to_ascii_lowercase);
        Self { kind, value: hex(address.value()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(kind: u8) -> Address {
        Address { kind, bytes: [0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9] }
    }

    #[test]
    fn addresses_show_as_much_as_their_type_says() {
        let shown = |kind| serde_json::to_value(AddressJson::from(&address(kind))).expect("JSON");
        assert_eq!(shown(0), serde_json::json!({"type": "none", "value": ""}));
        assert_eq!(shown(1), serde_json::json!({"type": "16b", "value": "1415"}));
        assert_eq!(shown(3)["value"], "141592cc000000020909090909090909");
        assert_eq!(shown(77), serde_json::json!({"type": "unknown-77", "value": ""}));
    }
}
