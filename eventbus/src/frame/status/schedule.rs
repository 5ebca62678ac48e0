//! One row of the schedule: 31 bytes.

use mqtypes::status::ScheduleRow;

use crate::frame::octets::{Reader, Truncated, Writer};

/// `debugScheduleEntry_t`: `row(1) slotOffset(2) type(1) shared(1) channelOffset(1) neighbor(17) numRx(1) numTx(1)
/// numTxACK(1) lastUsedAsn(5)`
pub(super) fn read_row(reader: &mut Reader<'_>) -> Result<ScheduleRow, Truncated> {
    Ok(ScheduleRow {
        row: reader.u8()?,
        slot_offset: reader.u16_le()?,
        cell_type: reader.u8()?,
        shared: reader.flag()?,
        channel_offset: reader.u8()?,
        neighbor: reader.address()?,
        num_rx: reader.u8()?,
        num_tx: reader.u8()?,
        num_tx_ack: reader.u8()?,
        last_used_asn: reader.asn_struct()?,
    })
}

pub(super) fn write_row(row: &ScheduleRow, writer: Writer) -> Writer {
    writer
        .u8(row.row)
        .u16_le(row.slot_offset)
        .u8(row.cell_type)
        .u8(row.shared.into())
        .u8(row.channel_offset)
        .address(&row.neighbor)
        .u8(row.num_rx)
        .u8(row.num_tx)
        .u8(row.num_tx_ack)
        .asn_struct(row.last_used_asn)
}
