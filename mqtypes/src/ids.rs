//! Names that a person could swap by mistake, each with a type of its own.

use std::fmt;
use std::str::FromStr;

use bincode::{Decode, Encode};
use serde::{Serialize, Serializer};

/// An EUI-64, most significant byte first. Shown as 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Eui64(pub [u8; 8]);

impl Eui64 {
    /// The 16-bit address that OpenWSN derives from it: bytes 6 and 7.
    pub fn id16(self) -> u16 {
        u16::from_be_bytes([self.0[6], self.0[7]])
    }
}

impl fmt::Display for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Eui64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no EUI-64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an EUI-64: 16 hex digits are expected, as in 141592cc00000001")]
pub struct NotAnEui64(pub String);

impl FromStr for Eui64 {
    type Err = NotAnEui64;

    fn from_str(text: &str) -> Result<Self, NotAnEui64> {
        let wrong = || NotAnEui64(text.chars().take(40).collect());
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        u64::from_str_radix(text, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| wrong())
    }
}

/// A serial port as its owner names it: a device path such as `/dev/ttyUSB0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct PortName(pub String);

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Counts the openings of one port. What bears an older one belongs to the past and is dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct Generation(pub u32);

impl Generation {
    /// The generation of the next opening.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Was this opening before that one? Numbers wrap, so the nearer way round counts.
    pub fn is_before(self, other: Self) -> bool {
        self != other && other.0.wrapping_sub(self.0) < u32::MAX / 2
    }
}

/// Random at each start of a process: tells a restart from a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct BootId(pub u32);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Chosen by who asks; names a command and all of its outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// Chosen by `eventbus`; names one frame on its way to a mote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct WriteId(pub u64);

/// Absolute slot number: slots since the network started, 40 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct Asn(pub u64);

/// Which mote a message is about: by its address once it has told it, and by the port it speaks through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Who {
    /// Null until the mote has reported its `IdManager` element.
    pub mote: Option<Eui64>,
    /// Null for a mote that is known through the mesh alone.
    pub port: Option<PortName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_ordered_over_the_wrap() {
        assert!(Generation(1).is_before(Generation(2)));
        assert!(Generation(u32::MAX).is_before(Generation(0)));
        assert!(!Generation(2).is_before(Generation(2)) && !Generation(2).is_before(Generation(1)));
    }

    #[test]
    fn eui64_text_goes_both_ways() {
        let eui: Eui64 = "141592cc00000102".parse().expect("valid");
        assert_eq!(eui.to_string(), "141592cc00000102");
        assert_eq!(eui.id16(), 0x0102);
    }

    #[test]
    fn what_is_no_eui64_is_refused_with_the_text() {
        for text in ["", "14-15-92-cc-00-00-00-01", "141592cc0000000g", "+41592cc00000001", "141592cc000000011"] {
            assert!(text.parse::<Eui64>().is_err(), "{text}");
        }
    }
}
