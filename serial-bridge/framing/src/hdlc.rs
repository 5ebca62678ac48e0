//! HDLC framing as OpenWSN motes speak it: `7e | stuffed(payload | CRC) | 7e`, no address or control field.
//!
//! The decoder takes whatever a line delivers. It never fails, keeps at most one frame, and finds the
//! next frame after any fault, because the flag that ends a bad frame also begins the next one. It
//! does not know what a payload means.

use mqtypes::serial::FrameFault;

use crate::crc;

/// Begins and ends a frame; it occurs nowhere else.
pub const FLAG: u8 = 0x7e;

/// Stands before a byte that has `ESCAPE_BIT` flipped.
pub const ESCAPE: u8 = 0x7d;

/// The bit that an escape flips (RFC 1662, section 4.2).
const ESCAPE_BIT: u8 = 0x20;

/// Bytes of the CRC behind a payload.
const CRC_LEN: usize = 2;

/// A frame has a type byte at least. `7e 00 00 7e`, whose CRC is right, is too short: it says nothing,
/// and neither the firmware nor `OpenVisualizer` takes it.
const SHORTEST: usize = 1 + CRC_LEN;

/// The longest frame that is kept, in bytes without escapes, CRC included. The mote's whole output ring
/// has 1,024 bytes, so that no longer one can be genuine.
pub const LONGEST: usize = 1024;

/// Finds frames in a stream of bytes.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    /// What the frame has so far, without escapes. The state says whether that is anything.
    frame: Vec<u8>,
    noise: u64,
}

#[derive(Debug, Default)]
enum State {
    /// No flag was seen yet.
    #[default]
    Hunting,
    /// Behind a flag.
    Inside,
    /// Behind a flag, and the last byte was an escape.
    Escaped,
    /// Behind a flag and more bytes than a frame may have; nothing is kept.
    Overlong,
}

impl Decoder {
    /// A decoder that waits for its first flag.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next byte. The byte that ends a frame yields its payload, without CRC and never
    /// empty, or the reason why it is none. Flags back to back yield nothing.
    pub fn push(&mut self, byte: u8) -> Option<Result<Vec<u8>, FrameFault>> {
        if byte == FLAG {
            return self.end();
        }
        match self.state {
            State::Hunting => self.noise = self.noise.saturating_add(1),
            State::Inside if byte == ESCAPE => self.state = State::Escaped,
            State::Inside => self.keep(byte),
            State::Escaped => {
                self.state = State::Inside;
                self.keep(byte ^ ESCAPE_BIT);
            }
            State::Overlong => {}
        }
        None
    }

    /// Bytes that came before the first flag.
    pub fn noise(&self) -> u64 {
        self.noise
    }

    fn keep(&mut self, byte: u8) {
        if self.frame.len() == LONGEST {
            self.state = State::Overlong;
            return;
        }
        self.frame.push(byte);
    }

    fn end(&mut self) -> Option<Result<Vec<u8>, FrameFault>> {
        let ended = match std::mem::replace(&mut self.state, State::Inside) {
            State::Hunting => None,
            State::Inside if self.frame.is_empty() => None,
            State::Inside => Some(self.payload()),
            State::Escaped => Some(Err(FrameFault::EscapeAtEnd)),
            State::Overlong => Some(Err(FrameFault::TooLong)),
        };
        self.frame.clear();
        ended
    }

    fn payload(&self) -> Result<Vec<u8>, FrameFault> {
        if self.frame.len() < SHORTEST {
            return Err(FrameFault::TooShort);
        }
        if !crc::is_right(&self.frame) {
            return Err(FrameFault::BadCrc);
        }
        Ok(self.frame[..self.frame.len() - CRC_LEN].to_vec())
    }
}

/// Makes a frame of `payload`: what a host sends as it is, and what a mote passes on to its flow control.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    // Two flags, and room for a few escapes.
    let mut frame = Vec::with_capacity(payload.len() + CRC_LEN + 8);
    frame.push(FLAG);
    for byte in payload.iter().copied().chain(crc::of(payload).to_le_bytes()) {
        if byte == FLAG || byte == ESCAPE {
            frame.extend([ESCAPE, byte ^ ESCAPE_BIT]);
        } else {
            frame.push(byte);
        }
    }
    frame.push(FLAG);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Vec<Result<Vec<u8>, FrameFault>> {
        let mut decoder = Decoder::new();
        bytes.iter().filter_map(|byte| decoder.push(*byte)).collect()
    }

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect()
    }

    /// A payload and its frame, both made independently of this code.
    const VECTORS: [(&str, &str); 8] = [
        ("31 32 33 34 35 36 37 38 39", "7e 31 32 33 34 35 36 37 38 39 6e 90 7e"),
        ("53", "7e 53 66 90 7e"),
        ("53 b5 af 04 00 00 00 37 c7", "7e 53 b5 af 04 00 00 00 37 c7 c3 6a 7e"),
        ("44 7e 7d 5e 5d", "7e 44 7d 5e 7d 5d 5e 5d 62 68 7e"),
        ("7d 5e", "7e 7d 5d 5e 00 f4 7e"),
        ("53 01 1c", "7e 53 01 1c 7d 5e 69 7e"),
        ("53 00 7c", "7e 53 00 7c a0 13 7e"),
        ("53 4c 01 04 00 01 00 12 13", "7e 53 4c 01 04 00 01 00 12 13 7d 5d 37 7e"),
    ];

    #[test]
    fn known_frames_go_both_ways() {
        for (payload, frame) in VECTORS {
            assert_eq!(encode(&hex(payload)), hex(frame), "{payload}");
            assert_eq!(decode(&hex(frame)), [Ok(hex(payload))], "{frame}");
        }
    }

    #[test]
    fn each_fault_is_told_by_its_reason() {
        let overlong = [&[FLAG][..], &[0x55; LONGEST + 1], &[FLAG]].concat();
        let cases: [(&[u8], FrameFault); 6] = [
            (&hex("7e 53 b5 af 04 00 00 00 37 c7 c4 6a 7e"), FrameFault::BadCrc),
            (&hex("7e 53 7e"), FrameFault::TooShort),
            (&hex("7e 00 00 7e"), FrameFault::TooShort),
            (&hex("7e 53 66 90 7d 7e"), FrameFault::EscapeAtEnd),
            (&overlong, FrameFault::TooLong),
            (&[&overlong[..LONGEST + 2], &hex("7d 7e")[..]].concat(), FrameFault::TooLong),
        ];
        for (bytes, fault) in cases {
            assert_eq!(decode(bytes), [Err(fault)]);
        }
    }

    #[test]
    fn the_longest_frame_passes() {
        let payload = [0x53; LONGEST - CRC_LEN];
        assert_eq!(decode(&encode(&payload)), [Ok(payload.to_vec())]);
        assert_eq!(decode(&encode(&[0x53; LONGEST - CRC_LEN + 1])), [Err(FrameFault::TooLong)]);
    }

    #[test]
    fn frames_may_share_a_flag_or_have_many_between_them() {
        let bytes = hex("7e 53 66 90 7e 53 66 90 7e 7e 7e 7e 53 66 90 7e");
        assert_eq!(decode(&bytes), vec![Ok(vec![0x53]); 3]);
    }

    #[test]
    fn resynchronises_after_noise() {
        let good = hex("7e 53 66 90 7e");
        for noise in ["13 11 13 7e", "53 66 7e", "7e 53 66 7d 7e", "7e 53 66 91 7e", "7e 53 7e 7e 66 7e"] {
            let ended = decode(&[&hex(noise), &good[1..]].concat());
            assert_eq!(ended.last(), Some(&Ok(vec![0x53])), "{noise}");
        }
    }

    #[test]
    fn an_escape_at_the_end_does_not_touch_the_next_frame() {
        assert_eq!(decode(&hex("7e 44 7d 7e 53 66 90 7e")), [Err(FrameFault::EscapeAtEnd), Ok(vec![0x53])]);
    }

    #[test]
    fn what_precedes_the_first_flag_is_counted_and_nothing_else() {
        let mut decoder = Decoder::new();
        assert!((0..100_000).all(|_| decoder.push(0x55).is_none()));
        assert_eq!((decoder.noise(), decoder.frame.capacity()), (100_000, 0));
    }

    proptest! {
        #[test]
        fn any_payload_survives_the_line(payload in prop::collection::vec(any::<u8>(), 1..300)) {
            prop_assert_eq!(decode(&encode(&payload)), [Ok(payload)]);
        }

        #[test]
        fn any_bytes_are_survived_within_bounds_and_the_next_frame_is_found(
            bytes in prop::collection::vec(prop_oneof![8 => any::<u8>(), 1 => Just(FLAG), 1 => Just(ESCAPE)], 0..400),
        ) {
            let mut decoder = Decoder::new();
            for byte in bytes {
                decoder.push(byte);
                prop_assert!(decoder.frame.len() <= LONGEST && decoder.frame.capacity() <= 2 * LONGEST);
            }
            decoder.push(FLAG);
            let ended: Vec<_> = encode(b"S").into_iter().filter_map(|byte| decoder.push(byte)).collect();
            prop_assert_eq!(ended, [Ok(b"S".to_vec())]);
        }
    }
}
