//! The octets of a frame, field by field and in order: a reader, and a writer that mirrors it.
//!
//! OpenWSN mixes byte orders: what the firmware copies out of its structs is little-endian, addresses and log arguments
//! are big-endian, and the ASN in a status is in an order of its own. Every read is checked, none can panic.

use mqtypes::ids::{Asn, Eui64};
use mqtypes::status::Address;

use super::FrameError;

/// A field that reaches beyond the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Truncated {
    pub need: usize,
    pub got: usize,
}

/// Takes fields off the front of a frame.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, taken: 0 }
    }

    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (field, rest) = self.rest.split_first_chunk::<N>().ok_or(Truncated { need: self.taken + N, got: self.taken + self.left() })?;
        self.rest = rest;
        self.taken += N;
        Ok(*field)
    }

    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.bytes().map(u8::from_le_bytes)
    }

    pub fn i8(&mut self) -> Result<i8, Truncated> {
        self.bytes().map(i8::from_le_bytes)
    }

    /// The firmware's `bool`: one byte, and all but zero is true.
    pub fn flag(&mut self) -> Result<bool, Truncated> {
        self.u8().map(|byte| byte != 0)
    }

    pub fn u16_le(&mut self) -> Result<u16, Truncated> {
        self.bytes().map(u16::from_le_bytes)
    }

    pub fn u16_be(&mut self) -> Result<u16, Truncated> {
        self.bytes().map(u16::from_be_bytes)
    }

    pub fn i16_le(&mut self) -> Result<i16, Truncated> {
        self.bytes().map(i16::from_le_bytes)
    }

    pub fn u32_le(&mut self) -> Result<u32, Truncated> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub fn eui64(&mut self) -> Result<Eui64, Truncated> {
        self.bytes().map(Eui64)
    }

    /// Forty bits, least significant byte first (`ieee154e_getAsn`).
    pub fn asn(&mut self) -> Result<Asn, Truncated> {
        let [b0, b1, b2, b3, b4] = self.bytes()?;
        Ok(Asn(u64::from_le_bytes([b0, b1, b2, b3, b4, 0, 0, 0])))
    }

    /// Forty bits in the order of the struct `asn_t`: byte 4, then bytes 2 and 3, then bytes 0 and 1.
    pub fn asn_struct(&mut self) -> Result<Asn, Truncated> {
        let [b4, b2, b3, b0, b1] = self.bytes()?;
        Ok(Asn(u64::from_le_bytes([b0, b1, b2, b3, b4, 0, 0, 0])))
    }

    /// `open_addr_t`: the type and always sixteen bytes.
    pub fn address(&mut self) -> Result<Address, Truncated> {
        Ok(Address { kind: self.u8()?, bytes: self.bytes()? })
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.taken += self.rest.len();
        std::mem::take(&mut self.rest)
    }

    /// All but the last byte that is left, and that byte.
    pub fn rest_and_last(&mut self) -> Result<(&'a [u8], u8), Truncated> {
        let need = self.taken + 1;
        match self.rest().split_last() {
            Some((last, before)) => Ok((before, *last)),
            None => Err(Truncated { need, got: self.taken }),
        }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses bytes behind the last field.
    pub fn end(&self) -> Result<(), FrameError> {
        if self.is_at_end() {
            return Ok(());
        }
        Err(FrameError::TooLong { most: self.taken, got: self.taken + self.left() })
    }
}

/// Puts fields behind one another.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(field);
        self
    }

    pub fn u8(self, field: u8) -> Self {
        self.bytes(&[field])
    }

    pub fn u16_le(self, field: u16) -> Self {
        self.bytes(&field.to_le_bytes())
    }

    pub fn u16_be(self, field: u16) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub fn u32_le(self, field: u32) -> Self {
        self.bytes(&field.to_le_bytes())
    }

    /// The low forty bits, as [`Reader::asn`] takes them.
    pub fn asn(self, Asn(slots): Asn) -> Self {
        let [b0, b1, b2, b3, b4, ..] = slots.to_le_bytes();
        self.bytes(&[b0, b1, b2, b3, b4])
    }

    /// The low forty bits, as [`Reader::asn_struct`] takes them.
    pub fn asn_struct(self, Asn(slots): Asn) -> Self {
        let [b0, b1, b2, b3, b4, ..] = slots.to_le_bytes();
        self.bytes(&[b4, b2, b3, b0, b1])
    }

    pub fn address(self, address: &Address) -> Self {
        self.u8(address.kind).bytes(&address.bytes)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
