//! How the MAC fares: `MacStats`, `Backoff` and `MSF`.

use mqtypes::status::{Backoff, MacStats, Msf};

use crate::frame::octets::{Reader, Truncated, Writer};

/// `ieee154e_stats_t`: `numSyncPkt(1) numSyncAck(1) minCorrection(2) maxCorrection(2) numDeSync(1) numTicsOn(4) numTicsTotal(4)`
pub(super) fn read_stats(reader: &mut Reader<'_>) -> Result<MacStats, Truncated> {
    Ok(MacStats {
        num_sync_pkt: reader.u8()?,
        num_sync_ack: reader.u8()?,
        min_correction: reader.i16_le()?,
        max_correction: reader.i16_le()?,
        num_de_sync: reader.u8()?,
        num_tics_on: reader.u32_le()?,
        num_tics_total: reader.u32_le()?,
    })
}

pub(super) fn write_stats(stats: &MacStats, writer: Writer) -> Writer {
    writer
        .u8(stats.num_sync_pkt)
        .u8(stats.num_sync_ack)
        .u16_le(stats.min_correction.cast_unsigned())
        .u16_le(stats.max_correction.cast_unsigned())
        .u8(stats.num_de_sync)
        .u32_le(stats.num_tics_on)
        .u32_le(stats.num_tics_total)
}

pub(super) fn read_backoff(reader: &mut Reader<'_>) -> Result<Backoff, Truncated> {
    Ok(Backoff { exponent: reader.u8()?, backoff: reader.u8()? })
}

pub(super) fn write_backoff(backoff: Backoff, writer: Writer) -> Writer {
    writer.u8(backoff.exponent).u8(backoff.backoff)
}

pub(super) fn read_msf(reader: &mut Reader<'_>) -> Result<Msf, Truncated> {
    Ok(Msf { num_cells_used_tx: reader.u8()?, num_cells_used_rx: reader.u8()? })
}

pub(super) fn write_msf(msf: Msf, writer: Writer) -> Writer {
    writer.u8(msf.num_cells_used_tx).u8(msf.num_cells_used_rx)
}
