//! One row of the neighbour table: 40 bytes, or 41 from legacy firmware, which has `inBlacklist` too.

use mqtypes::status::NeighborsRow;

use crate::frame::octets::{Reader, Truncated, Writer};

/// What follows `inBlacklist`, or its absence: `sixtopSeqNum`, `backoffExponent` and `backoff`.
const TAIL: usize = 3;

/// `debugNeighborEntry_t`: `row(1) used(1) insecure(1) parentPreference(1) stableNeighbor(1) switchStabilityCounter(1)
/// addr(17) DAGrank(2) rssi(1) numRx(1) numTx(1) numTxACK(1) numWraps(1) asn(5) joinPrio(1) f6PNORES(1) [inBlacklist(1)]
/// sixtopSeqNum(1) backoffExponent(1) backoff(1)`
pub(super) fn read_row(reader: &mut Reader<'_>) -> Result<NeighborsRow, Truncated> {
    Ok(NeighborsRow {
        row: reader.u8()?,
        used: reader.flag()?,
        insecure: reader.flag()?,
        parent_preference: reader.u8()?,
        stable_neighbor: reader.flag()?,
        switch_stability_counter: reader.u8()?,
        addr: reader.address()?,
        dag_rank: reader.u16_le()?,
        rssi: reader.i8()?,
        num_rx: reader.u8()?,
        num_tx: reader.u8()?,
        num_tx_ack: reader.u8()?,
        num_wraps: reader.u8()?,
        asn: reader.asn_struct()?,
        join_prio: reader.u8()?,
        f6p_no_res: reader.flag()?,
        in_blacklist: if reader.left() > TAIL { Some(reader.flag()?) } else { None },
        sixtop_seq_num: reader.u8()?,
        backoff_exponent: reader.u8()?,
        backoff: reader.u8()?,
    })
}

pub(super) fn write_row(row: &NeighborsRow, writer: Writer) -> Writer {
    let writer = writer
        .u8(row.row)
        .u8(row.used.into())
        .u8(row.insecure.into())
        .u8(row.parent_preference)
        .u8(row.stable_neighbor.into())
        .u8(row.switch_stability_counter)
        .address(&row.addr)
        .u16_le(row.dag_rank)
        .u8(row.rssi.cast_unsigned())
        .u8(row.num_rx)
        .u8(row.num_tx)
        .u8(row.num_tx_ack)
        .u8(row.num_wraps)
        .asn_struct(row.asn)
        .u8(row.join_prio)
        .u8(row.f6p_no_res.into());
    let writer = match row.in_blacklist {
        Some(in_blacklist) => writer.u8(in_blacklist.into()),
        None => writer,
    };
    writer.u8(row.sixtop_seq_num).u8(row.backoff_exponent).u8(row.backoff)
}
