//! CRC-16/X-25, the frame check sequence of HDLC and PPP (RFC 1662, appendix C.2).
//!
//! Reflected polynomial `0x8408`, initial value and final XOR `0xffff`.

/// What [`register`] holds after a payload and its CRC, low byte first, when both are right.
const RIGHT: u16 = 0xf0b8;

/// The CRC of `bytes`; on the wire its low byte comes first.
pub fn of(bytes: &[u8]) -> u16 {
    !register(bytes)
}

/// Do the last two bytes check those before them?
pub fn is_right(payload_and_crc: &[u8]) -> bool {
    register(payload_and_crc) == RIGHT
}

fn register(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |register, byte| (register >> 8) ^ TABLE[usize::from((register ^ u16::from(*byte)) & 0xff)])
}

static TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut value = index as u16;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0x8408 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(of(b"123456789"), 0x906e);
        assert_eq!(of(b""), 0);
    }

    #[test]
    fn a_payload_followed_by_its_crc_is_right_and_any_other_bit_is_not() {
        let mut frame = vec![0x53, 0xb5, 0xaf, 0x04, 0x00, 0x00, 0x00, 0x37, 0xc7, 0xc3, 0x6a];
        assert!(is_right(&frame));
        for at in 0..frame.len() * 8 {
            frame[at / 8] ^= 1 << (at % 8);
            assert!(!is_right(&frame), "bit {at}");
            frame[at / 8] ^= 1 << (at % 8);
        }
    }
}
