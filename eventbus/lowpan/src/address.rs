//! IPv6 addresses as OpenWSN makes them: a prefix of 64 bits, then the EUI-64 as it is.
//!
//! RFC 4291 would have the universal/local bit flipped in the second half. OpenWSN does not, on neither side, and so
//! neither do we.

use mqtypes::ids::Eui64;

use crate::packet::Link;

/// An IPv6 address, most significant byte first.
pub type Address = [u8; 16];

/// `fe80::/64`.
pub const LINK_LOCAL: [u8; 8] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0];

/// `::`, nobody's address.
pub(crate) const UNSPECIFIED: Address = [0; 16];

/// The address of a mote in a network.
pub fn of(prefix: [u8; 8], Eui64(interface): Eui64) -> Address {
    let mut address = [0; 16];
    address[..8].copy_from_slice(&prefix);
    address[8..].copy_from_slice(&interface);
    address
}

/// The first half.
pub fn prefix(address: Address) -> [u8; 8] {
    std::array::from_fn(|at| address[at])
}

/// The second half.
pub fn interface(address: Address) -> Eui64 {
    Eui64(std::array::from_fn(|at| address[8 + at]))
}

/// Whose address it is: a mote's of the network with this prefix, or a link-local one. None for a multicast address,
/// one from elsewhere, and one without an EUI-64, such as `::1` or what is made of a 16-bit address: no manufacturer
/// has number 0.
pub fn mote(address: Address, network: [u8; 8]) -> Option<Eui64> {
    let eui = interface(address);
    let is_near = [network, LINK_LOCAL].contains(&prefix(address)) && address[0] != 0xff;
    (is_near && eui.0[..3] != [0; 3]).then_some(eui)
}

/// What the elided parts of a packet's addresses stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    pub link: Link,
    pub prefix: [u8; 8],
}

impl Scope {
    /// The root's address, which is the DODAGID too.
    pub fn root(self) -> Address {
        of(self.prefix, self.link.destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

    #[test]
    fn a_mote_is_known_by_its_global_and_by_its_link_local_address() {
        let eui = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
        assert_eq!(mote(of(NETWORK, eui), NETWORK), Some(eui));
        assert_eq!(mote(of(LINK_LOCAL, eui), NETWORK), Some(eui));
    }

    #[test]
    fn an_address_that_is_no_motes_is_told() {
        let eui = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
        let multicast = [0xff, 0x02, 0, 0, 0, 0, 0, 0];
        for address in [
            UNSPECIFIED,
            of(NETWORK, Eui64([0, 0, 0, 0, 0, 0, 0, 1])),
            of(NETWORK, Eui64([0, 0, 0, 0xff, 0xfe, 0, 0, 2])),
            of([0xcc, 0xcc, 0, 0, 0, 0, 0, 0], eui),
            of(multicast, eui),
        ] {
            assert_eq!(mote(address, NETWORK), None, "{address:02x?}");
        }
        assert_eq!(mote(of(multicast, eui), multicast), None);
    }
}
