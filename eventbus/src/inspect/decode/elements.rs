//! The elements of a mote's state as the firmware's structs have them, by the field names of OpenVisualizer: for programs
//! that know those. Numbers stay numbers; flags are 0 or 1.

use data_encoding::HEXLOWER;
use mqtypes::ids::Asn;
use mqtypes::status::{Address, Element, IdManager, MacStats, NeighborsRow, QueueEntry, ScheduleRow};
use serde_json::{Map, Value, json};

/// A JSON object.
pub type Fields = Map<String, Value>;

/// The name of an element, of a row where it is one of a table.
pub fn name(element: &Element) -> &'static str {
    match element {
        Element::IsSync(_) => "IsSync",
        Element::IdManager(_) => "IdManager",
        Element::MyDagRank(_) => "MyDagRank",
        Element::OutputBuffer(_) => "OutputBuffer",
        Element::Asn(_) => "Asn",
        Element::MacStats(_) => "MacStats",
        Element::ScheduleRow(_) => "ScheduleRow",
        Element::Backoff(_) => "Backoff",
        Element::Queue(_) => "QueueRow",
        Element::NeighborsRow(_) => "NeighborsRow",
        Element::KaPeriod(_) => "kaPeriod",
        Element::Joined(_) => "Joined",
        Element::Msf(_) => "MSF",
        Element::Unknown { .. } => "unknown",
    }
}

/// Its values.
pub fn fields(element: &Element) -> Fields {
    match element {
        Element::IsSync(each) => object([("isSync", json!(u8::from(each.is_sync)))]),
        Element::IdManager(each) => id_manager(each),
        Element::MyDagRank(each) => object([("myDAGrank", json!(each.rank))]),
        Element::OutputBuffer(each) => object([("index_write", json!(each.index_write)), ("index_read", json!(each.index_read))]),
        Element::Asn(each) => asn("asn", *each).collect(),
        Element::MacStats(each) => mac_stats(each),
        Element::ScheduleRow(each) => schedule_row(each),
        Element::Backoff(each) => object([("backoffExponent", json!(each.exponent)), ("backoff", json!(each.backoff))]),
        Element::Queue(entries) => queue(entries),
        Element::NeighborsRow(each) => neighbors_row(each),
        Element::KaPeriod(slots) => object([("kaPeriod", json!(slots))]),
        Element::Joined(each) => asn("joinedAsn", *each).collect(),
        Element::Msf(each) => {
            object([("numCellsUsed_tx", json!(each.num_cells_used_tx)), ("numCellsUsed_rx", json!(each.num_cells_used_rx))])
        }
        Element::Unknown { element, body } => object([("element", json!(element)), ("body", json!(HEXLOWER.encode(body)))]),
    }
}

/// An object of these fields.
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn id_manager(id: &IdManager) -> Fields {
    let mut fields = object([("isDAGroot", json!(u8::from(id.is_dag_root)))]);
    fields.extend(numbered("myPANID", &id.pan_id.to_le_bytes()));
    fields.extend(numbered("my16bID", &id.id16.to_be_bytes()));
    fields.extend(numbered("my64bID", &id.eui64.0));
    fields.extend(numbered("myPrefix", &id.prefix));
    fields
}

fn mac_stats(stats: &MacStats) -> Fields {
    object([
        ("numSyncPkt", json!(stats.num_sync_pkt)),
        ("numSyncAck", json!(stats.num_sync_ack)),
        ("minCorrection", json!(stats.min_correction)),
        ("maxCorrection", json!(stats.max_correction)),
        ("numDeSync", json!(stats.num_de_sync)),
        ("numTicsOn", json!(stats.num_tics_on)),
        ("numTicsTotal", json!(stats.num_tics_total)),
    ])
}

fn schedule_row(row: &ScheduleRow) -> Fields {
    let mut fields = object([
        ("row", json!(row.row)),
        ("slotOffset", json!(row.slot_offset)),
        ("type", json!(row.cell_type)),
        ("shared", json!(u8::from(row.shared))),
        ("channelOffset", json!(row.channel_offset)),
        ("numRx", json!(row.num_rx)),
        ("numTx", json!(row.num_tx)),
        ("numTxACK", json!(row.num_tx_ack)),
    ]);
    fields.extend(address("neighbor", &row.neighbor));
    fields.extend(asn("lastUsedAsn", row.last_used_asn));
    fields
}

fn queue(entries: &[QueueEntry]) -> Fields {
    let entry =
        |(at, entry): (usize, &QueueEntry)| [(format!("creator_{at}"), json!(entry.creator)), (format!("owner_{at}"), json!(entry.owner))];
    entries.iter().enumerate().flat_map(entry).collect()
}

fn neighbors_row(row: &NeighborsRow) -> Fields {
    let mut fields = object([
        ("row", json!(row.row)),
        ("used", json!(u8::from(row.used))),
        ("insecure", json!(u8::from(row.insecure))),
        ("parentPreference", json!(row.parent_preference)),
        ("stableNeighbor", json!(u8::from(row.stable_neighbor))),
        ("switchStabilityCounter", json!(row.switch_stability_counter)),
        ("DAGrank", json!(row.dag_rank)),
        ("rssi", json!(row.rssi)),
        ("numRx", json!(row.num_rx)),
        ("numTx", json!(row.num_tx)),
        ("numTxACK", json!(row.num_tx_ack)),
        ("numWraps", json!(row.num_wraps)),
        ("joinPrio", json!(row.join_prio)),
        ("f6PNORES", json!(u8::from(row.f6p_no_res))),
        ("sixtopSeqNum", json!(row.sixtop_seq_num)),
        ("backoffExponent", json!(row.backoff_exponent)),
        ("backoff", json!(row.backoff)),
    ]);
    fields.extend(row.in_blacklist.map(|is_in| ("inBlacklist".to_owned(), json!(u8::from(is_in)))));
    fields.extend(address("addr", &row.addr));
    fields.extend(asn("asn", row.asn));
    fields
}

fn numbered(name: &str, bytes: &[u8]) -> impl Iterator<Item = (String, Value)> {
    bytes.iter().enumerate().map(move |(at, byte)| (format!("{name}_{at}"), json!(byte)))
}

/// The three parts of the firmware's struct.
fn asn(name: &str, Asn(slots): Asn) -> impl Iterator<Item = (String, Value)> {
    let parts = [("4", slots >> 32), ("2_3", slots >> 16 & 0xffff), ("0_1", slots & 0xffff)];
    parts.map(|(part, value)| (format!("{name}_{part}"), json!(value))).into_iter()
}

/// OpenVisualizer reads the sixteen bytes as two little-endian halves.
fn address(name: &str, address: &Address) -> impl Iterator<Item = (String, Value)> {
    let half = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| address.bytes[at + byte]));
    let parts = [("type", u64::from(address.kind)), ("bodyH", half(0)), ("bodyL", half(8))];
    parts.map(|(part, value)| (format!("{name}_{part}"), json!(value))).into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;

    fn element(payload: &[u8]) -> Element {
        let Ok(Frame::Status(status)) = Frame::parse(payload) else { panic!("a status frame") };
        status.element
    }

    #[test]
    fn a_legacy_row_has_one_field_more() {
        let row = |body: &[u8]| fields(&element(&[&[b'S', 0, 1, 9][..], body].concat()));
        assert_eq!(row(&[0; 40]).get("inBlacklist"), None);
        assert_eq!(row(&[1; 41]).get("inBlacklist"), Some(&json!(1)));
        assert_eq!(row(&[1; 41]).len(), row(&[0; 40]).len() + 1);
    }

    #[test]
    fn what_is_unknown_keeps_its_number_and_its_bytes() {
        let unknown = element(&[b'S', 0, 1, 13, 0xab, 0xcd]);
        assert_eq!((name(&unknown), Value::Object(fields(&unknown))), ("unknown", json!({"element": 13, "body": "abcd"})));
    }

    #[test]
    fn a_queue_has_as_many_entries_as_the_firmware_told() {
        let told = fields(&element(&[b'S', 0, 1, 8, 12, 10, 24, 11]));
        assert_eq!(Value::Object(told), json!({"creator_0": 12, "owner_0": 10, "creator_1": 24, "owner_1": 11}));
    }
}
