//! `S` frames: one element of the mote's state, or one row of a table.
//!
//! The bodies are C structs as the firmware holds them, packed and little-endian. A body is taken for what its number says
//! only when every byte finds its field; else it stays as it came, so that newer firmware is shown and never misread.

mod mac;
mod neighbors;
mod node;
mod queue;
mod schedule;

use mqtypes::status::{Element, MyDagRank};

use super::octets::{Reader, Truncated, Writer};

pub(super) const TYPE: u8 = b'S';

/// The numbers of the elements (`debugPrint_*` in the order of the firmware's `STATUS_*`).
mod number {
    pub const IS_SYNC: u8 = 0;
    pub const ID_MANAGER: u8 = 1;
    pub const MY_DAG_RANK: u8 = 2;
    pub const OUTPUT_BUFFER: u8 = 3;
    pub const ASN: u8 = 4;
    pub const MAC_STATS: u8 = 5;
    pub const SCHEDULE_ROW: u8 = 6;
    pub const BACKOFF: u8 = 7;
    pub const QUEUE: u8 = 8;
    pub const NEIGHBORS_ROW: u8 = 9;
    pub const KA_PERIOD: u8 = 10;
    pub const JOINED: u8 = 11;
    pub const MSF: u8 = 12;
}

/// `type | id(2) | element(1) | body` (`openserial_printStatus`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusFrame {
    /// The mote's 16-bit address.
    pub id16: u16,
    /// What it reports.
    pub element: Element,
}

impl StatusFrame {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let id16 = reader.u16_be()?;
        let number = reader.u8()?;
        let body = reader.rest();
        let element = known(number, body).unwrap_or_else(|| Element::Unknown { element: number, body: body.to_vec() });
        Ok(Self { id16, element })
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        write_element(&self.element, writer.u16_be(self.id16))
    }
}

/// The element, when its number and the length of its body are known.
fn known(number: u8, body: &[u8]) -> Option<Element> {
    let mut reader = Reader::new(body);
    let element = read_element(number, &mut reader).ok().flatten()?;
    reader.is_at_end().then_some(element)
}

fn read_element(number: u8, reader: &mut Reader<'_>) -> Result<Option<Element>, Truncated> {
    Ok(Some(match number {
        number::IS_SYNC => Element::IsSync(node::read_is_sync(reader)?),
        number::ID_MANAGER => Element::IdManager(node::read_id_manager(reader)?),
        number::MY_DAG_RANK => Element::MyDagRank(MyDagRank { rank: reader.u16_le()? }),
        number::OUTPUT_BUFFER => Element::OutputBuffer(node::read_output_buffer(reader)?),
        number::ASN => Element::Asn(reader.asn_struct()?),
        number::MAC_STATS => Element::MacStats(mac::read_stats(reader)?),
        number::SCHEDULE_ROW => Element::ScheduleRow(schedule::read_row(reader)?),
        number::BACKOFF => Element::Backoff(mac::read_backoff(reader)?),
        number::QUEUE => Element::Queue(queue::read(reader)?),
        number::NEIGHBORS_ROW => Element::NeighborsRow(neighbors::read_row(reader)?),
        number::KA_PERIOD => Element::KaPeriod(reader.u16_le()?),
        number::JOINED => Element::Joined(reader.asn_struct()?),
        number::MSF => Element::Msf(mac::read_msf(reader)?),
        _unknown => return Ok(None),
    }))
}

fn write_element(element: &Element, writer: Writer) -> Writer {
    match element {
        Element::IsSync(is_sync) => node::write_is_sync(*is_sync, writer.u8(number::IS_SYNC)),
        Element::IdManager(id) => node::write_id_manager(id, writer.u8(number::ID_MANAGER)),
        Element::MyDagRank(MyDagRank { rank }) => writer.u8(number::MY_DAG_RANK).u16_le(*rank),
        Element::OutputBuffer(buffer) => node::write_output_buffer(*buffer, writer.u8(number::OUTPUT_BUFFER)),
        Element::Asn(asn) => writer.u8(number::ASN).asn_struct(*asn),
        Element::MacStats(stats) => mac::write_stats(stats, writer.u8(number::MAC_STATS)),
        Element::ScheduleRow(row) => schedule::write_row(row, writer.u8(number::SCHEDULE_ROW)),
        Element::Backoff(backoff) => mac::write_backoff(*backoff, writer.u8(number::BACKOFF)),
        Element::Queue(entries) => queue::write(entries, writer.u8(number::QUEUE)),
        Element::NeighborsRow(row) => neighbors::write_row(row, writer.u8(number::NEIGHBORS_ROW)),
        Element::KaPeriod(slots) => writer.u8(number::KA_PERIOD).u16_le(*slots),
        Element::Joined(asn) => writer.u8(number::JOINED).asn_struct(*asn),
        Element::Msf(msf) => mac::write_msf(*msf, writer.u8(number::MSF)),
        Element::Unknown { element, body } => writer.u8(*element).bytes(body),
    }
}
