//! The packet queue, whole: a creator and an owner for each entry, as many as the firmware was built with (20; 10 in
//! legacy firmware).

use mqtypes::status::QueueEntry;

use crate::frame::octets::{Reader, Truncated, Writer};

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<QueueEntry>, Truncated> {
    let mut entries = Vec::new();
    while !reader.is_at_end() {
        entries.push(QueueEntry { creator: reader.u8()?, owner: reader.u8()? });
    }
    Ok(entries)
}

pub(super) fn write(entries: &[QueueEntry], writer: Writer) -> Writer {
    entries.iter().fold(writer, |writer, entry| writer.u8(entry.creator).u8(entry.owner))
}
