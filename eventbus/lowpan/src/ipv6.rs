//! A packet as it would be without any compression: an IPv6 header (RFC 8200), and RPL's option (RFC 6553) in front of the rest.

use crate::packet::Packet;
use crate::{LowpanError, Rpi};

const VERSION: u32 = 6;
const HOP_BY_HOP: u8 = 0;

/// RPL's option, by its first number: a mesh may have it on packets that go elsewhere, and who does not know it drops them.
const RPL_OPTION: u8 = 0x63;
const RPL_OPTION_LENGTH: u8 = 4;

impl Packet {
    /// The packet in full, for readers who know IPv6 and no 6LoWPAN. A tunnel around it and the rest of a source route are
    /// not in it.
    pub fn expand(&self) -> Result<Vec<u8>, LowpanError> {
        let options = self.rpi.map(|rpi| hop_by_hop(rpi, self.next_header)).unwrap_or_default();
        let length = options.len() + self.payload.len();
        let told = u16::try_from(length).map_err(|_| LowpanError::BadLength { what: "IPv6 payload", at: 0, length })?;
        let next_header = if options.is_empty() { self.next_header } else { HOP_BY_HOP };
        let first = VERSION << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0x000f_ffff;
        let mut bytes = first.to_be_bytes().to_vec();
        bytes.extend(told.to_be_bytes());
        bytes.extend([next_header, self.hop_limit]);
        bytes.extend(self.source);
        bytes.extend(self.destination);
        bytes.extend(options);
        bytes.extend_from_slice(&self.payload);
        Ok(bytes)
    }
}

/// `next header | 0 | option | 4 | flags | instance | rank`, which fills the eight bytes that such a header has at least.
fn hop_by_hop(rpi: Rpi, next_header: u8) -> Vec<u8> {
    let flags = u8::from(rpi.is_down) << 7 | u8::from(rpi.has_rank_error) << 6 | u8::from(rpi.has_forwarding_error) << 5;
    let [high, low] = rpi.rank.to_be_bytes();
    vec![next_header, 0, RPL_OPTION, RPL_OPTION_LENGTH, flags, rpi.instance, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address;
    use mqtypes::ids::Eui64;

    #[test]
    fn the_header_is_written_in_full() {
        let [source, destination] = [2, 1].map(|last| address::of([0xbb, 0xbb, 0, 0, 0, 0, 0, 0], Eui64([0, 0, 0, 0, 0, 0, 0, last])));
        let packet = Packet { rpi: Some(Rpi::up(0x0b00)), ..Packet::new(source, destination, Packet::UDP, vec![1, 2, 3]) };
        let expected: [&[u8]; 5] = [&[0x60, 0, 0, 0, 0, 11, 0, 64], &source, &destination, &[17, 0, 0x63, 4, 0, 0, 0x0b, 0], &[1, 2, 3]];
        assert_eq!(packet.expand(), Ok(expected.concat()));
        let bare = Packet { rpi: None, traffic_class: 0xa5, flow_label: 0x00ff_1234, ..packet };
        assert_eq!(bare.expand().expect("short")[..8], [0x6a, 0x5f, 0x12, 0x34, 0, 3, 17, 64]);
    }

    #[test]
    fn a_packet_that_ipv6_cannot_tell_is_refused() {
        let packet = Packet::new([0; 16], [0; 16], Packet::UDP, vec![0; 70_000]);
        assert_eq!(packet.expand(), Err(LowpanError::BadLength { what: "IPv6 payload", at: 0, length: 70_000 }));
    }
}
