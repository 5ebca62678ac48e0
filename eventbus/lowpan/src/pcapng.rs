//! Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as Wireshark and tshark read them.
//!
//! A section header first, then an interface description for each source, then a block for each packet. Everything is
//! little-endian, which the section header tells; times are microseconds. Only bytes are made here: nothing is written.

/// Section header, interface description, enhanced packet.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// A reader that finds its bytes in another order reads the rest in that order.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Of the format.
const VERSION: [u16; 2] = [1, 0];

/// How long a section is: not known, as nobody goes back to write it.
const UNKNOWN_LENGTH: u64 = u64::MAX;

/// Options of all blocks, of sections and of interfaces.
const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const NAME: u16 = 2;
const DESCRIPTION: u16 = 3;
const RESOLUTION: u16 = 9;

/// Times are counted in units of 10^-6 s.
const MICROSECONDS: u8 = 6;

/// Longest text of an option, bytes; what is longer is cut.
pub const LONGEST_TEXT: usize = 1024;

/// What the packets of an interface begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkType {
    /// An IEEE 802.15.4 frame behind TLVs that tell of its reception (`LINKTYPE_IEEE802_15_4_TAP`).
    Ieee802154Tap,
    /// An IPv6 header (`LINKTYPE_IPV6`).
    Ipv6,
}

impl LinkType {
    fn number(self) -> u16 {
        match self {
            Self::Ieee802154Tap => 283,
            Self::Ipv6 => 229,
        }
    }
}

/// A source of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface<'a> {
    /// How its packets begin.
    pub link_type: LinkType,
    /// Its name.
    pub name: &'a str,
    /// More about it; may be empty.
    pub description: &'a str,
}

/// A packet, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The number of its interface, in the order of their blocks, from 0.
    pub interface: u32,
    /// When it came, microseconds of Unix time.
    pub at_us: u64,
    /// As its interface's link type has it.
    pub bytes: &'a [u8],
    /// For whoever looks at it; may be empty.
    pub comment: &'a str,
}

/// The block that every section begins with: who wrote it, and a word for its reader.
pub fn section(application: &str, comment: &str) -> Vec<u8> {
    let mut body = BYTE_ORDER.to_le_bytes().to_vec();
    body.extend(VERSION.map(u16::to_le_bytes).as_flattened());
    body.extend(UNKNOWN_LENGTH.to_le_bytes());
    write_options(&mut body, &[(COMMENT, text(comment)), (APPLICATION, text(application))]);
    block(SECTION, &body)
}

impl Interface<'_> {
    /// Its block, which stands before its packets.
    pub fn emit(&self) -> Vec<u8> {
        let [number, reserved] = [self.link_type.number(), 0].map(u16::to_le_bytes);
        // Packets are never cut.
        let most = 0_u32.to_le_bytes();
        let mut body = [&number[..], &reserved, &most].concat();
        write_options(&mut body, &[(NAME, text(self.name)), (DESCRIPTION, text(self.description)), (RESOLUTION, &[MICROSECONDS])]);
        block(INTERFACE, &body)
    }
}

impl Packet<'_> {
    /// Its block.
    pub fn emit(&self) -> Vec<u8> {
        let len = self.bytes.len() as u32;
        let [high, low] = [(self.at_us >> 32) as u32, self.at_us as u32];
        let mut body = [self.interface, high, low, len, len].map(u32::to_le_bytes).as_flattened().to_vec();
        write_padded(&mut body, self.bytes);
        write_options(&mut body, &[(COMMENT, text(self.comment))]);
        block(PACKET, &body)
    }
}

/// `type | length | body | length`: readers go forwards and backwards.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

/// `code | length | value`, and an end; nothing at all without a value.
fn write_options(body: &mut Vec<u8>, options: &[(u16, &[u8])]) {
    let mut told = options.iter().filter(|(_, value)| !value.is_empty()).peekable();
    if told.peek().is_none() {
        return;
    }
    for (code, value) in told {
        body.extend([*code, value.len() as u16].map(u16::to_le_bytes).as_flattened());
        write_padded(body, value);
    }
    body.extend([END_OF_OPTIONS, 0].map(u16::to_le_bytes).as_flattened());
}

/// Everything begins at a multiple of four bytes, counted from the block's beginning.
fn write_padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn text(text: &str) -> &[u8] {
    &text.as_bytes()[..text.floor_char_boundary(LONGEST_TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_tells_its_byte_order_and_who_wrote_it() {
        let expected = [
            &[0x0a, 0x0d, 0x0d, 0x0a, 48, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..],
            &[0xff; 8],
            &[1, 0, 2, 0, b'h', b'i', 0, 0, 4, 0, 3, 0, b'l', b'b', b'r', 0, 0, 0, 0, 0],
            &[48, 0, 0, 0],
        ];
        assert_eq!(section("lbr", "hi"), expected.concat());
    }

    #[test]
    fn an_interface_has_its_link_type_name_and_resolution() {
        let interface = Interface { link_type: LinkType::Ieee802154Tap, name: "mote1", description: "" };
        let expected: [&[u8]; 5] = [
            &[1, 0, 0, 0, 44, 0, 0, 0, 0x1b, 1, 0, 0, 0, 0, 0, 0],
            &[2, 0, 5, 0, b'm', b'o', b't', b'e', b'1', 0, 0, 0],
            &[9, 0, 1, 0, 6, 0, 0, 0],
            &[0, 0, 0, 0],
            &[44, 0, 0, 0],
        ];
        assert_eq!(interface.emit(), expected.concat());
    }

    #[test]
    fn a_packet_is_padded_and_its_length_is_not() {
        let packet = Packet { interface: 2, at_us: 0x0001_0203_0405_0607, bytes: &[0xaa; 5], comment: "" };
        let expected: [&[u8]; 4] = [
            &[6, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 3, 2, 1, 0, 7, 6, 5, 4],
            &[5, 0, 0, 0, 5, 0, 0, 0],
            &[0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0, 0, 0],
            &[40, 0, 0, 0],
        ];
        assert_eq!(packet.emit(), expected.concat());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "ä".repeat(LONGEST_TEXT);
        let name = Interface { link_type: LinkType::Ipv6, name: "", description: &long }.emit();
        assert_eq!(name.len(), 12 + 8 + 4 + LONGEST_TEXT + 8 + 4);
        assert_eq!(text(&format!("x{long}")).len(), LONGEST_TEXT - 1);
    }
}
