//! What `openapps/uinject` sends: a counter, when it was sent, and how busy the mote's radio was.
//!
//! It is told by its name, not by its port. Since September 2020 the name comes first, and the fields follow front to
//! back; before, it came last, and the same fields stood before it in the opposite order.

use mqtypes::ids::Asn;
use mqtypes::mesh::UinjectLayout;

const NAME: &[u8; 7] = b"uinject";
const LEN: usize = 26;

/// The payload of a packet of `uinject`. All its numbers are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uinject {
    /// How it is laid out.
    pub layout: UinjectLayout,
    /// Counts what was sent since boot; wraps.
    pub counter: u16,
    /// When it was sent; 40 bits.
    pub asn: Asn,
    /// Transmit cells used in the last window.
    pub tx_cells: u8,
    /// Receive cells used in the last window.
    pub rx_cells: u8,
    /// Whose it is: the 16-bit address.
    pub id16: u16,
    /// Ticks with the radio on.
    pub tics_on: u32,
    /// Ticks in all.
    pub tics_total: u32,
}

impl Uinject {
    /// The port from and to which it is sent, UDP.
    pub const PORT: u16 = 61617;

    /// None when this is no payload of `uinject`.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        if let Some(bytes) = payload.first_chunk::<LEN>().filter(|bytes| bytes.starts_with(NAME)) {
            return Some(Self::parse_name_first(bytes));
        }
        payload.last_chunk::<LEN>().filter(|bytes| bytes.ends_with(NAME)).map(Self::parse_name_last)
    }

    /// The mirror of [`Uinject::parse`].
    pub fn emit(&self) -> Vec<u8> {
        let [a0, a1, a2, a3, a4, ..] = self.asn.0.to_le_bytes();
        let (counter, asn, id16) = (self.counter.to_le_bytes(), [a0, a1, a2, a3, a4], self.id16.to_le_bytes());
        let (on, total) = (self.tics_on.to_le_bytes(), self.tics_total.to_le_bytes());
        match self.layout {
            UinjectLayout::NameFirst => [&NAME[..], &counter, &asn, &[self.tx_cells, self.rx_cells], &id16, &on, &total].concat(),
            UinjectLayout::NameLast => [&total[..], &on, &id16, &[self.rx_cells, self.tx_cells], &asn, &counter, NAME].concat(),
        }
    }

    fn parse_name_first(bytes: &[u8; LEN]) -> Self {
        Self {
            layout: UinjectLayout::NameFirst,
            counter: u16::from_le_bytes(field(bytes, 7)),
            asn: asn(field(bytes, 9)),
            tx_cells: bytes[14],
            rx_cells: bytes[15],
            id16: u16::from_le_bytes(field(bytes, 16)),
            tics_on: u32::from_le_bytes(field(bytes, 18)),
            tics_total: u32::from_le_bytes(field(bytes, 22)),
        }
    }

    fn parse_name_last(bytes: &[u8; LEN]) -> Self {
        Self {
            layout: UinjectLayout::NameLast,
            counter: u16::from_le_bytes(field(bytes, 17)),
            asn: asn(field(bytes, 12)),
            tx_cells: bytes[11],
            rx_cells: bytes[10],
            id16: u16::from_le_bytes(field(bytes, 8)),
            tics_on: u32::from_le_bytes(field(bytes, 4)),
            tics_total: u32::from_le_bytes(field(bytes, 0)),
        }
    }
}

/// `at` is one of the offsets above: all are within the payload.
fn field<const N: usize>(bytes: &[u8; LEN], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

fn asn([b0, b1, b2, b3, b4]: [u8; 5]) -> Asn {
    Asn(u64::from_le_bytes([b0, b1, b2, b3, b4, 0, 0, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_payload_goes_both_ways() {
        let payload = *b"uinject\x02\x00\x51\x15\x00\x00\x00\x00\x00\x04\x00\x60\x27\x00\x00\xc8\xbe\x14\x00";
        let told = Uinject {
            layout: UinjectLayout::NameFirst,
            counter: 2,
            asn: Asn(0x1551),
            tx_cells: 0,
            rx_cells: 0,
            id16: 4,
            tics_on: 0x2760,
            tics_total: 0x0014_bec8,
        };
        assert_eq!((Uinject::parse(&payload), told.emit()), (Some(told), payload.to_vec()));
    }

    #[test]
    fn the_old_layout_is_read_from_its_end() {
        let payload = *b"\xc8\xbe\x14\x00\x60\x27\x00\x00\x04\x00\x03\x07\x51\x15\x00\x00\x01\x02\x00uinject";
        let told = Uinject::parse(&[&[0xaa; 9], &payload[..]].concat()).expect("the name is there");
        assert_eq!((told.layout, told.counter, told.asn, told.id16), (UinjectLayout::NameLast, 2, Asn(0x01_0000_1551), 4));
        assert_eq!((told.tx_cells, told.rx_cells, told.tics_on, told.tics_total), (7, 3, 0x2760, 0x0014_bec8));
        assert_eq!(told.emit(), payload);
    }

    #[test]
    fn other_payloads_are_not_taken_for_it() {
        for payload in [&b""[..], b"uinject", b"uinject but far too short", b"something else that is as long as it"] {
            assert_eq!(Uinject::parse(payload), None);
        }
    }
}
