//! `mote-status`: the elements under the names and fields that OpenWSN people know.

mod row;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bus::moment::Moment;
use mqtypes::ids::Who;
use mqtypes::names;
use mqtypes::status::{Element, IdManager, MacStats, ParentLink, QueueFill, Summary, TableFill};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::PartJson;
use crate::message::Part;
use crate::session::mote_status::{Reading, Value};
use row::Row;

/// Its name among the elements. The firmware has none of that name.
const SUMMARY: &str = "Summary";

#[derive(Serialize)]
pub(super) struct Body<'a> {
    mote: Option<String>,
    port: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson>,
    elements: Elements,
}

pub(super) fn body<'a>(who: &'a Who, part: Option<Part>, readings: &[Reading], now: Moment) -> Body<'a> {
    Body {
        mote: who.mote.map(|mote| mote.to_string()),
        port: who.port.as_ref().map(|port| port.0.as_str()),
        part: part.map(PartJson::from),
        elements: Elements::new(readings, now),
    }
}

/// How long one reading is at most, with the frame of its table around it.
pub fn length(reading: &Reading, now: Moment) -> usize {
    super::length(&Elements::new(std::slice::from_ref(reading), now))
}

/// Elements by name, the tables apart.
struct Elements {
    plain: Vec<(Cow<'static, str>, Dated<Plain>)>,
    tables: BTreeMap<&'static str, Table>,
}

/// When it was heard, and its fields.
#[derive(Serialize)]
struct Dated<T> {
    t: u64,
    #[serde(flatten)]
    fields: T,
}

#[derive(Serialize)]
struct Table {
    /// The newest row's.
    t: u64,
    rows: BTreeMap<u8, Row>,
}

impl Elements {
    fn new(readings: &[Reading], now: Moment) -> Self {
        let mut elements = Self { plain: Vec::new(), tables: BTreeMap::new() };
        for Reading { value, heard } in readings {
            elements.add(value, now.unix_ms_of(*heard));
        }
        elements
    }

    fn add(&mut self, value: &Value, t: u64) {
        let element = match value {
            Value::QueueRow { row, entry } => return self.add_row("Queue", *row, t, Row::queue(*entry)),
            Value::Summary(summary) => {
                let fields = Plain::Summary(Box::new(SummaryJson::from(summary)));
                return self.plain.push((SUMMARY.into(), Dated { t, fields }));
            }
            Value::Element(element) => element,
        };
        let name = names::element_name(element);
        let fields = match element {
            Element::ScheduleRow(row) => return self.add_row(name, row.row, t, Row::schedule(row, t)),
            Element::NeighborsRow(row) => return self.add_row(name, row.row, t, Row::neighbors(row, t)),
            Element::Queue(entries) => {
                for (row, entry) in (0..=u8::MAX).zip(entries) {
                    self.add_row(name, row, t, Row::queue(*entry));
                }
                return;
            }
            Element::Unknown { element, body } => {
                let fields = Dated { t, fields: Plain::Unknown { raw: hex(body) } };
                return self.plain.push((format!("unknown-{element}").into(), fields));
            }
            Element::IsSync(it) => Plain::IsSync { is_sync: it.is_sync },
            Element::IdManager(it) => Plain::IdManager(IdManagerJson::from(it)),
            Element::MyDagRank(it) => Plain::MyDagRank { rank: it.rank },
            Element::OutputBuffer(it) => Plain::OutputBuffer { index_write: it.index_write, index_read: it.index_read },
            Element::Asn(asn) => Plain::Asn { asn: asn.0 },
            Element::MacStats(it) => Plain::MacStats(MacStatsJson::from(it)),
            Element::Backoff(it) => Plain::Backoff { exponent: it.exponent, backoff: it.backoff },
            Element::KaPeriod(slots) => Plain::KaPeriod { slots: *slots },
            Element::Joined(asn) => Plain::Joined { asn: asn.0 },
            Element::Msf(it) => Plain::Msf { tx: it.num_cells_used_tx, rx: it.num_cells_used_rx },
        };
        self.plain.push((name.into(), Dated { t, fields }));
    }

    fn add_row(&mut self, table: &'static str, number: u8, t: u64, row: Row) {
        let table = self.tables.entry(table).or_insert(Table { t, rows: BTreeMap::new() });
        table.t = table.t.max(t);
        table.rows.insert(number, row);
    }
}

impl Serialize for Elements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.plain.len() + self.tables.len()))?;
        for (name, element) in &self.plain {
            map.serialize_entry(name, element)?;
        }
        for (name, table) in &self.tables {
            map.serialize_entry(name, table)?;
        }
        map.end()
    }
}

/// The fields of the elements that are no tables.
#[derive(Serialize)]
#[serde(untagged)]
enum Plain {
    IsSync {
        #[serde(rename = "isSync")]
        is_sync: bool,
    },
    IdManager(IdManagerJson),
    MyDagRank {
        #[serde(rename = "myDAGrank")]
        rank: u16,
    },
    OutputBuffer {
        index_write: u16,
        index_read: u16,
    },
    Asn {
        asn: u64,
    },
    MacStats(MacStatsJson),
    Backoff {
        #[serde(rename = "backoffExponent")]
        exponent: u8,
        backoff: u8,
    },
    KaPeriod {
        #[serde(rename = "kaPeriod")]
        slots: u16,
    },
    Joined {
        #[serde(rename = "joinedAsn")]
        asn: u64,
    },
    Msf {
        #[serde(rename = "numCellsUsed_tx")]
        tx: u8,
        #[serde(rename = "numCellsUsed_rx")]
        rx: u8,
    },
    Unknown {
        raw: String,
    },
    Summary(Box<SummaryJson>),
}

#[derive(Serialize)]
struct IdManagerJson {
    #[serde(rename = "isDAGroot")]
    is_dag_root: bool,
    #[serde(rename = "myPANID")]
    pan_id: String,
    #[serde(rename = "my16bID")]
    id16: String,
    #[serde(rename = "my64bID")]
    eui64: String,
    #[serde(rename = "myPrefix")]
    prefix: String,
}

impl From<&IdManager> for IdManagerJson {
    fn from(it: &IdManager) -> Self {
        Self {
            is_dag_root: it.is_dag_root,
            pan_id: format!("{:04x}", it.pan_id),
            id16: format!("{:04x}", it.id16),
            eui64: it.eui64.to_string(),
            prefix: hex(&it.prefix),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MacStatsJson {
    num_sync_pkt: u8,
    num_sync_ack: u8,
    min_correction: i16,
    max_correction: i16,
    num_de_sync: u8,
    num_tics_on: u32,
    num_tics_total: u32,
    /// A ratio; null before there is anything to divide by.
    duty_cycle: Option<f64>,
}

impl From<&MacStats> for MacStatsJson {
    fn from(it: &MacStats) -> Self {
        Self {
            num_sync_pkt: it.num_sync_pkt,
            num_sync_ack: it.num_sync_ack,
            min_correction: it.min_correction,
            max_correction: it.max_correction,
            num_de_sync: it.num_de_sync,
            num_tics_on: it.num_tics_on,
            num_tics_total: it.num_tics_total,
            duty_cycle: it.duty_cycle(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryJson {
    preferred_parent: Option<ParentJson>,
    neighbors: FillJson,
    schedule: FillJson,
    queue: Option<QueueFillJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ParentJson {
    mote: String,
    rssi: i8,
    prr: Option<f64>,
    /// Of so many frames.
    num_tx: u8,
}

#[derive(Serialize)]
struct FillJson {
    used: u8,
    heard: u16,
    of: Option<u16>,
}

#[derive(Serialize)]
struct QueueFillJson {
    used: u8,
    of: u8,
}

impl From<&Summary> for SummaryJson {
    fn from(Summary { parent, neighbors, schedule, queue }: &Summary) -> Self {
        let fill = |&TableFill { used, heard, of }: &TableFill| FillJson { used, heard, of };
        Self {
            preferred_parent: parent.as_ref().map(ParentJson::from),
            neighbors: fill(neighbors),
            schedule: fill(schedule),
            queue: queue.map(|QueueFill { used, of }| QueueFillJson { used, of }),
        }
    }
}

impl From<&ParentLink> for ParentJson {
    fn from(ParentLink { mote, rssi, prr }: &ParentLink) -> Self {
        Self { mote: mote.to_string(), rssi: *rssi, prr: prr.ratio(), num_tx: prr.sent }
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use mqtypes::ids::{Asn, Eui64, PortName};
    use mqtypes::mono::Mono;
    use mqtypes::status::{Address, Backoff, IsSync, Msf, MyDagRank, NeighborsRow, OutputBuffer, Prr, QueueEntry, ScheduleRow};

    const EUI: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);

    fn who() -> Who {
        Who { mote: Some(EUI), port: Some(PortName("/dev/ttyUSB0".to_owned())) }
    }

    fn reading(seconds: u64, element: Element) -> Reading {
        Reading { value: Value::Element(element), heard: Mono(seconds * 1_000_000) }
    }

    fn elements(readings: Vec<Reading>) -> serde_json::Value {
        let text = encode(&Message::Status { who: who(), part: None, readings }, 1, NOW);
        let message: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        message["elements"].clone()
    }

    fn address(kind: u8) -> Address {
        Address { kind, bytes: [0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9] }
    }

    fn schedule_row(row: u8) -> ScheduleRow {
        ScheduleRow {
            row,
            slot_offset: 2,
            cell_type: 3,
            shared: true,
            channel_offset: 4,
            neighbor: address(6),
            num_rx: 5,
            num_tx: 8,
            num_tx_ack: 7,
            last_used_asn: Asn(0xff_ffff_ffff),
        }
    }

    fn neighbors_row() -> NeighborsRow {
        NeighborsRow {
            row: 1,
            used: true,
            insecure: false,
            parent_preference: 1,
            stable_neighbor: true,
            switch_stability_counter: 2,
            addr: address(2),
            dag_rank: 256,
            rssi: -63,
            num_rx: 3,
            num_tx: 0,
            num_tx_ack: 0,
            num_wraps: 6,
            asn: Asn(7),
            join_prio: 8,
            f6p_no_res: false,
            in_blacklist: None,
            sixtop_seq_num: 9,
            backoff_exponent: 10,
            backoff: 11,
        }
    }

    #[test]
    fn a_mote_without_a_name_is_told_by_its_port() {
        let who = Who { mote: None, ..who() };
        let readings = vec![reading(9, Element::IsSync(IsSync { is_sync: true }))];
        assert_eq!(
            encode(&Message::Status { who, part: Some(Part { n: 1, of: 2, snapshot: 3 }), readings }, 1, NOW),
            concat!(
                r#"{"type":"mote-status","seq":1,"t":1700000010000,"mote":null,"port":"/dev/ttyUSB0","#,
                r#""part":{"n":1,"of":2,"snapshot":3},"elements":{"IsSync":{"t":1700000009000,"isSync":true}}}"#
            )
        );
    }

    #[test]
    fn every_plain_element_has_its_fields_and_no_other() {
        let id_manager = IdManager { is_dag_root: true, pan_id: 0xcafe, id16: 1, eui64: EUI, prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0] };
        let mac_stats = MacStats {
            num_sync_pkt: 1,
            num_sync_ack: 2,
            min_correction: -3,
            max_correction: 4,
            num_de_sync: 5,
            num_tics_on: 1,
            num_tics_total: 4,
        };
        let t = "1700000009000";
        for (element, expect) in [
            (
                Element::IdManager(id_manager),
                r#"{"IdManager":{"t":WHEN,"isDAGroot":true,"myPANID":"cafe","my16bID":"0001","my64bID":"141592cc00000001","myPrefix":"bbbb000000000000"}}"#,
            ),
            (Element::MyDagRank(MyDagRank { rank: 65535 }), r#"{"MyDagRank":{"t":WHEN,"myDAGrank":65535}}"#),
            (
                Element::OutputBuffer(OutputBuffer { index_write: 7, index_read: 6 }),
                r#"{"OutputBuffer":{"t":WHEN,"index_write":7,"index_read":6}}"#,
            ),
            (Element::Asn(Asn(1 << 39)), r#"{"Asn":{"t":WHEN,"asn":549755813888}}"#),
            (
                Element::MacStats(mac_stats),
                r#"{"MacStats":{"t":WHEN,"numSyncPkt":1,"numSyncAck":2,"minCorrection":-3,"maxCorrection":4,"numDeSync":5,"numTicsOn":1,"numTicsTotal":4,"dutyCycle":0.25}}"#,
            ),
            (
                Element::MacStats(MacStats { num_tics_total: 0, ..mac_stats }),
                r#"{"MacStats":{"t":WHEN,"numSyncPkt":1,"numSyncAck":2,"minCorrection":-3,"maxCorrection":4,"numDeSync":5,"numTicsOn":1,"numTicsTotal":0,"dutyCycle":null}}"#,
            ),
            (Element::Backoff(Backoff { exponent: 1, backoff: 2 }), r#"{"Backoff":{"t":WHEN,"backoffExponent":1,"backoff":2}}"#),
            (Element::KaPeriod(1000), r#"{"kaPeriod":{"t":WHEN,"kaPeriod":1000}}"#),
            (Element::Joined(Asn(0)), r#"{"Joined":{"t":WHEN,"joinedAsn":0}}"#),
            (
                Element::Msf(Msf { num_cells_used_tx: 1, num_cells_used_rx: 2 }),
                r#"{"MSF":{"t":WHEN,"numCellsUsed_tx":1,"numCellsUsed_rx":2}}"#,
            ),
            (Element::Unknown { element: 13, body: vec![0, 255] }, r#"{"unknown-13":{"t":WHEN,"raw":"00ff"}}"#),
        ] {
            let expect: serde_json::Value = serde_json::from_str(&expect.replace("WHEN", t)).expect("JSON");
            assert_eq!(elements(vec![reading(9, element)]), expect);
        }
    }

    #[test]
    fn the_rows_of_a_table_stand_under_their_numbers_and_the_newest_dates_it() {
        let row = |seconds, row| reading(seconds, Element::ScheduleRow(schedule_row(row)));
        let told = elements(vec![row(8, 0), row(7, 19)]);
        assert_eq!(told["Schedule"]["t"], 1_700_000_008_000_u64);
        let expect = serde_json::json!({
            "slotOffset": 2, "type": {"code": 3, "name": "TXRX"}, "shared": true, "channelOffset": 4,
            "neighbor": {"type": "anycast", "value": ""}, "numRx": 5, "numTx": 8, "numTxACK": 7, "prr": 0.875,
            "lastUsedAsn": 1_099_511_627_775_u64, "t": 1_700_000_007_000_u64,
        });
        assert_eq!(told["Schedule"]["rows"]["19"], expect);
        assert_eq!(told["Schedule"]["rows"].as_object().map(serde_json::Map::len), Some(2));
    }

    #[test]
    fn a_neighbours_row_has_every_field_and_old_firmwares_row_one_more() {
        let mut expect = serde_json::json!({
            "used": true, "insecure": false, "parentPreference": 1, "stableNeighbor": true, "switchStabilityCounter": 2,
            "addr": {"type": "64b", "value": "141592cc00000002"}, "DAGrank": 256, "rssi": -63, "numRx": 3, "numTx": 0,
            "numTxACK": 0, "prr": null, "numWraps": 6, "asn": 7, "joinPrio": 8, "f6PNORES": false, "sixtopSeqNum": 9,
            "backoffExponent": 10, "backoff": 11, "t": 1_700_000_009_000_u64,
        });
        assert_eq!(elements(vec![reading(9, Element::NeighborsRow(neighbors_row()))])["Neighbors"]["rows"]["1"], expect);
        let old = NeighborsRow { in_blacklist: Some(true), ..neighbors_row() };
        expect["inBlacklist"] = true.into();
        assert_eq!(elements(vec![reading(9, Element::NeighborsRow(old))])["Neighbors"]["rows"]["1"], expect);
    }

    #[test]
    fn the_queue_is_a_table_of_named_components() {
        let queue_row =
            |row, creator, owner| Reading { value: Value::QueueRow { row, entry: QueueEntry { creator, owner } }, heard: Mono(0) };
        let told = elements(vec![queue_row(0, 12, 10), queue_row(3, 200, 0)]);
        let expect = serde_json::json!({
            "0": {"creator": {"code": 12, "name": "SIXTOP"}, "owner": {"code": 10, "name": "SIXTOP_TO_IEEE802154E"}},
            "3": {"creator": {"code": 200, "name": "unknown"}, "owner": {"code": 0, "name": "NULL"}},
        });
        assert_eq!(told["Queue"]["rows"], expect);
    }

    #[test]
    fn the_summary_stands_beside_the_elements() {
        let parent = ParentLink { mote: EUI, rssi: -63, prr: Prr { acked: 19, sent: 20 } };
        let fill = |of| TableFill { used: 4, heard: 30, of };
        let queue = Some(QueueFill { used: 2, of: 20 });
        let summary = Summary { parent: Some(parent), neighbors: fill(Some(30)), schedule: fill(None), queue };
        let told = |summary| elements(vec![Reading { value: Value::Summary(summary), heard: Mono(9_000_000) }])["Summary"].clone();
        let expect = serde_json::json!({
            "t": 1_700_000_009_000_u64, "preferredParent": {"mote": "141592cc00000001", "rssi": -63, "prr": 0.95, "numTx": 20},
            "neighbors": {"used": 4, "heard": 30, "of": 30}, "schedule": {"used": 4, "heard": 30, "of": null},
            "queue": {"used": 2, "of": 20},
        });
        assert_eq!(told(summary), expect);
        let unsent = ParentLink { prr: Prr { acked: 0, sent: 0 }, ..parent };
        assert_eq!(told(Summary { parent: Some(unsent), ..summary })["preferredParent"]["prr"], serde_json::Value::Null);
        let nothing = told(Summary::default());
        assert_eq!((&nothing["preferredParent"], &nothing["queue"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    }
}
