//! A reader that takes fields off the front of a packet. Every read is checked, none can panic, and a field that is
//! cut off is named in the error. Fields are in network order unless a caller swaps them.

use crate::LowpanError;

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    pub fn bytes<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], LowpanError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(self.truncated(what, N))?;
        (self.rest, self.at) = (rest, self.at + N);
        Ok(*field)
    }

    pub fn u8(&mut self, what: &'static str) -> Result<u8, LowpanError> {
        self.bytes(what).map(u8::from_be_bytes)
    }

    pub fn u16(&mut self, what: &'static str) -> Result<u16, LowpanError> {
        self.bytes(what).map(u16::from_be_bytes)
    }

    /// So many bytes.
    pub fn slice(&mut self, what: &'static str, len: usize) -> Result<&'a [u8], LowpanError> {
        let (field, rest) = self.rest.split_at_checked(len).ok_or(self.truncated(what, len))?;
        (self.rest, self.at) = (rest, self.at + len);
        Ok(field)
    }

    /// The next byte, which stays.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.at += self.rest.len();
        std::mem::take(&mut self.rest)
    }

    /// How many bytes were taken.
    pub fn at(&self) -> usize {
        self.at
    }

    fn truncated(&self, what: &'static str, need: usize) -> LowpanError {
        LowpanError::Truncated { what, at: self.at, need, left: self.rest.len() }
    }
}
