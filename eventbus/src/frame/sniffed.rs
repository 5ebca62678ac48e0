//! `P` frames: what a sniffer mote hears on the air.

use super::octets::{Reader, Truncated, Writer};

pub(super) const TYPE: u8 = b'P';

/// `type | id(2) | frame | channel(1)` (`openserial_printSniffedPacket`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SniffedFrame {
    /// The sniffer's 16-bit address.
    pub id16: u16,
    /// The IEEE 802.15.4 frame; its last two bytes stand for the FCS, but many radios put something else there.
    pub frame: Vec<u8>,
    /// IEEE 802.15.4 channel, 11 to 26.
    pub channel: u8,
}

impl SniffedFrame {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let id16 = reader.u16_be()?;
        let (frame, channel) = reader.rest_and_last()?;
        Ok(Self { id16, frame: frame.to_vec(), channel })
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.u16_be(self.id16).bytes(&self.frame).u8(self.channel)
    }
}
