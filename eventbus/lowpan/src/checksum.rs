//! The checksum of UDP and `ICMPv6`: one's complement over the IPv6 pseudo header and the message (RFC 8200, section 8.1).

use crate::address::Address;

/// The checksum of `message`, in which its own two bytes are zero.
pub fn of(source: Address, destination: Address, protocol: u8, message: &[u8]) -> u16 {
    !sum(source, destination, protocol, message)
}

/// Does the checksum in `message` fit the rest?
pub fn is_right(source: Address, destination: Address, protocol: u8, message: &[u8]) -> bool {
    sum(source, destination, protocol, message) == u16::MAX
}

fn sum(source: Address, destination: Address, protocol: u8, message: &[u8]) -> u16 {
    let pseudo = u64::from(protocol) + message.len() as u64;
    let words = [&source[..], &destination, message].into_iter().flat_map(|part| part.chunks(2));
    let mut sum: u64 = pseudo + words.map(word).sum::<u64>();
    while sum > u64::from(u16::MAX) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// An odd byte at the end is the high one of its word.
fn word(pair: &[u8]) -> u64 {
    let [high, low] = [0, 1].map(|at| pair.get(at).copied().unwrap_or(0));
    u64::from(u16::from_be_bytes([high, low]))
}
