//! What a mote says of itself: `IsSync`, `IdManager` and `OutputBuffer`.

use mqtypes::status::{IdManager, IsSync, OutputBuffer};

use crate::frame::octets::{Reader, Truncated, Writer};

pub(super) fn read_is_sync(reader: &mut Reader<'_>) -> Result<IsSync, Truncated> {
    Ok(IsSync { is_sync: reader.flag()? })
}

pub(super) fn write_is_sync(is_sync: IsSync, writer: Writer) -> Writer {
    writer.u8(is_sync.is_sync.into())
}

/// `isDAGroot(1) myPANID(2, low byte first) my16bID(2) my64bID(8) myPrefix(8)`
pub(super) fn read_id_manager(reader: &mut Reader<'_>) -> Result<IdManager, Truncated> {
    Ok(IdManager {
        is_dag_root: reader.flag()?,
        pan_id: reader.u16_le()?,
        id16: reader.u16_be()?,
        eui64: reader.eui64()?,
        prefix: reader.bytes()?,
    })
}

pub(super) fn write_id_manager(id: &IdManager, writer: Writer) -> Writer {
    writer.u8(id.is_dag_root.into()).u16_le(id.pan_id).u16_be(id.id16).bytes(&id.eui64.0).bytes(&id.prefix)
}

pub(super) fn read_output_buffer(reader: &mut Reader<'_>) -> Result<OutputBuffer, Truncated> {
    Ok(OutputBuffer { index_write: reader.u16_le()?, index_read: reader.u16_le()? })
}

pub(super) fn write_output_buffer(buffer: OutputBuffer, writer: Writer) -> Writer {
    writer.u16_le(buffer.index_write).u16_le(buffer.index_read)
}
