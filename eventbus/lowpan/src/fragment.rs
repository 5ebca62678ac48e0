//! Fragments of a packet (RFC 4944, section 5.3), as OpenWSN has them: size and offset count *compressed* bytes.
//!
//! `11000 size(11) | tag(16)` begins the first, `11100 size(11) | tag(16) | offset(8)` the others.

use crate::LowpanError;
use crate::octets::Reader;

/// A packet up to 85 bytes is sent whole; a longer one in pieces of so many bytes (`MAX_FRAGMENT_SIZE`).
pub const PIECE: usize = 80;

/// A piece and the longer of the two headers.
const WHOLE: usize = PIECE + 5;

const FIRST: u8 = 0b11000;
const OTHER: u8 = 0b11100;

/// Offsets are told in units of so many bytes.
const UNIT: u16 = 8;

/// A fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Compressed bytes of the whole packet; 11 bits.
    pub size: u16,
    /// Tells the packets of one sender apart.
    pub tag: u16,
    /// Where in the packet the payload belongs, in bytes; a multiple of 8. 0 for the first.
    pub offset: u16,
    /// Its bytes of the packet.
    pub payload: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// None when this is no fragment, but a packet or nonsense.
    pub fn parse(lowpan: &'a [u8]) -> Result<Option<Self>, LowpanError> {
        let mut reader = Reader::new(lowpan);
        let Some(dispatch @ (FIRST | OTHER)) = reader.peek().map(|byte| byte >> 3) else { return Ok(None) };
        let size = reader.u16("fragment size")? & 0x07ff;
        let tag = reader.u16("fragment tag")?;
        let units = if dispatch == FIRST { 0 } else { reader.u8("fragment offset")? };
        Ok(Some(Self { size, tag, offset: u16::from(units) * UNIT, payload: reader.rest() }))
    }

    /// The mirror of [`Fragment::parse`].
    pub fn emit(&self) -> Vec<u8> {
        let dispatch = if self.offset == 0 { FIRST } else { OTHER };
        let head = u16::from(dispatch) << 11 | self.size & 0x07ff;
        let mut bytes = [head, self.tag].map(u16::to_be_bytes).concat();
        bytes.extend((self.offset != 0).then_some((self.offset / UNIT) as u8));
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

/// What a mote sends of a packet: itself when it is short enough, else its fragments. A packet of 2,048 bytes and more
/// cannot be told, and is cut; no mote has room for it.
pub fn fragments(lowpan: &[u8], tag: u16) -> Vec<Vec<u8>> {
    if lowpan.len() <= WHOLE {
        return vec![lowpan.to_vec()];
    }
    let lowpan = &lowpan[..lowpan.len().min(0x07ff)];
    let size = lowpan.len() as u16;
    let piece = |(at, payload)| Fragment { size, tag, offset: (at * PIECE) as u16, payload }.emit();
    lowpan.chunks(PIECE).enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_of_200_bytes_goes_in_three_fragments() {
        let packet: Vec<u8> = (0..200).collect();
        let sent = fragments(&packet, 1);
        let expected = [(&[0xc0, 0xc8, 0, 1][..], 0..80), (&[0xe0, 0xc8, 0, 1, 0x0a], 80..160), (&[0xe0, 0xc8, 0, 1, 0x14], 160..200)];
        assert_eq!(sent, expected.map(|(header, part)| [header, &packet[part]].concat()));
    }

    #[test]
    fn a_packet_up_to_85_bytes_goes_whole() {
        assert_eq!(fragments(&[0xf1; 85], 1), [vec![0xf1; 85]]);
        assert_eq!(fragments(&[0xf1; 86], 1).iter().map(Vec::len).collect::<Vec<_>>(), [84, 11]);
    }

    #[test]
    fn a_fragment_is_told_from_a_packet() {
        let fragment = Fragment { size: 0x105, tag: 0x0698, offset: 80, payload: &[1, 2] };
        assert_eq!(Fragment::parse(&[0xe1, 0x05, 0x06, 0x98, 0x0a, 1, 2]), Ok(Some(fragment)));
        assert_eq!(Fragment::parse(&[0xf1, 0x83, 0x05]), Ok(None));
        assert_eq!(Fragment::parse(&[]), Ok(None));
        let cut = LowpanError::Truncated { what: "fragment tag", at: 2, need: 2, left: 1 };
        assert_eq!(Fragment::parse(&[0xc0, 0x59, 0x06]), Err(cut));
    }
}
