//! The one frame that `serial-bridge` makes itself: the request for a serial echo, by which it finds a port's rate.
//!
//! It does not read the answer. A mote gives the bytes of a request back at the end of one frame, behind bytes of its
//! own, and that is all that is looked at.

/// The type byte of a request (`SERFRAME_PC2MOTE_TRIGGERSERIALECHO` in the firmware's `openserial.h`).
const REQUEST: u8 = b'S';

/// As many as `OpenVisualizer` takes. No frame ends in them by chance.
const BYTES: usize = 10;

/// A request, and how its answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo([u8; BYTES]);

/// Where a frame came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It answers the request.
    Answer,
    /// It is the request: whatever is at the far end gives back what it hears, and is no mote.
    Reflection,
    /// Anything else.
    Mote,
}

impl Echo {
    /// One of 2^64 requests.
    pub fn new(seed: u64) -> Self {
        let (first, second) = (mix(seed).to_be_bytes(), mix(!seed).to_be_bytes());
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&first);
        bytes[8..].copy_from_slice(&second[..BYTES - 8]);
        Self(bytes)
    }

    /// The payload of the request.
    pub fn request(&self) -> Vec<u8> {
        [&[REQUEST][..], &self.0].concat()
    }

    /// Judges a frame by its end.
    pub fn origin(&self, payload: &[u8]) -> Origin {
        match payload.strip_suffix(&self.0) {
            None => Origin::Mote,
            Some(before) if before == [REQUEST] => Origin::Reflection,
            Some(_) => Origin::Answer,
        }
    }
}

/// `SplitMix64`: neighbouring seeds give unlike numbers.
fn mix(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_end() {
        let echo = Echo::new(1);
        let answer = [&b"D\x12\x34\x01\x02\x03\x04\x05"[..], &echo.request()[1..]].concat();
        assert_eq!(echo.origin(&answer), Origin::Answer);
        assert_eq!(echo.origin(&answer[..17]), Origin::Mote);
        assert_eq!(echo.origin(b"S"), Origin::Mote);
        assert_eq!(Echo::new(2).origin(&answer), Origin::Mote);
    }

    #[test]
    fn a_line_that_gives_back_what_it_hears_is_no_mote() {
        let echo = Echo::new(1);
        assert_eq!(echo.origin(&echo.request()), Origin::Reflection);
    }
}
