//! UDP (RFC 768), never compressed here: [`crate::Packet`] has undone that, by the IPHC bit that says so.
//!
//! The first byte must not be guessed from: `uinject` speaks from port 61617, whose bytes look like a compressed header.

use crate::address::Address;
use crate::octets::Reader;
use crate::{LowpanError, Packet, checksum};

const HEADER: usize = 8;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp<'a> {
    /// Whence.
    pub source_port: u16,
    /// Where to.
    pub destination_port: u16,
    /// What. At most 65,527 bytes can be told.
    pub payload: &'a [u8],
}

impl<'a> Udp<'a> {
    /// `source | destination | length | checksum | payload`. The checksum is [`Packet::check`]'s.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LowpanError> {
        let mut reader = Reader::new(bytes);
        let [source_port, destination_port] = [reader.u16("UDP source port")?, reader.u16("UDP destination port")?];
        let at = reader.at();
        let length = usize::from(reader.u16("UDP length")?);
        reader.u16("UDP checksum")?;
        let len = length.checked_sub(HEADER).ok_or(LowpanError::BadLength { what: "UDP", at, length })?;
        Ok(Self { source_port, destination_port, payload: reader.slice("UDP payload", len)? })
    }

    /// The mirror of [`Udp::parse`], with its checksum.
    pub fn emit(&self, source: Address, destination: Address) -> Vec<u8> {
        let mut bytes = self.emit_with(0);
        let sum = match checksum::of(source, destination, Packet::UDP, &bytes) {
            // Zero would say that there is none.
            0 => u16::MAX,
            sum => sum,
        };
        bytes[6..HEADER].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    pub(crate) fn emit_with(&self, checksum: u16) -> Vec<u8> {
        let length = (HEADER + self.payload.len()) as u16;
        let header = [self.source_port, self.destination_port, length, checksum].map(u16::to_be_bytes);
        [header.as_flattened(), self.payload].concat()
    }
}
