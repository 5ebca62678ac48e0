//! `ICMPv6` (RFC 4443): type and code, then a body that each type lays out its own way.

use crate::address::Address;
use crate::octets::Reader;
use crate::{LowpanError, Packet, checksum};

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmpv6<'a> {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// What stands behind the checksum.
    pub body: &'a [u8],
}

impl<'a> Icmpv6<'a> {
    /// Type of an echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Type of RPL's messages; the code says which (RFC 6550, section 6).
    pub const RPL: u8 = 155;

    /// `type | code | checksum | body`. The checksum is [`Packet::check`]'s.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LowpanError> {
        let mut reader = Reader::new(bytes);
        let [kind, code] = reader.bytes("ICMPv6 type and code")?;
        reader.u16("ICMPv6 checksum")?;
        Ok(Self { kind, code, body: reader.rest() })
    }

    /// The mirror of [`Icmpv6::parse`], with its checksum.
    pub fn emit(&self, source: Address, destination: Address) -> Vec<u8> {
        let mut bytes = [&[self.kind, self.code, 0, 0], self.body].concat();
        let sum = checksum::of(source, destination, Packet::ICMPV6, &bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}
