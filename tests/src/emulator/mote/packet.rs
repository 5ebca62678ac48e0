//! Packets that travel up a mesh: what their bytes are when the root hands them to its host (compare recording B).
//!
//! A packet is carried as what it means, since a genuine mote writes its own rank into what it passes on. Fragments travel
//! as the bytes they are.

use lowpan::address::{self, Address, LINK_LOCAL};
use lowpan::{Dao, DaoOption, Icmpv6, Rpi, Target, Udp, Uinject};
use mqtypes::ids::Eui64;
use mqtypes::status::QueueEntry;

use super::neighbors::NO_RANK;

/// A packet that was passed on more often than this has lost its way.
const MOST_HOPS: u8 = 32;

/// Of these an EUI-64 has no more than 128 bits of address.
const WHOLE_ADDRESS: u8 = 128;

/// The UDP port of `CoAP`, on both sides of a join.
const COAP: u16 = 5_683;

/// A non-confirmable POST with a token of one byte.
const POST: [u8; 2] = [0x51, 0x02];

/// Options of a join request, up to their values: Uri-Host and Proxy-Scheme, which the proxy takes away.
const URI_HOST: &[u8] = b"\x3b6tisch.arpa";
const PROXY_SCHEME: &[u8] = b"\xd4\x11coap";

/// The OSCORE option behind Uri-Host, and where there is none: partial IV 1, and the pledge as context.
const OSCORE_BEHIND_HOST: [u8; 4] = [0x6b, 0x19, 0x01, 0x08];
const OSCORE_FIRST: [u8; 4] = [0x9b, 0x19, 0x01, 0x08];

/// The proxy's Stateless-Proxy option: the pledge's EUI-64 follows.
const STATELESS_PROXY: [u8; 2] = [0xd8, 0x12];

/// Behind it the ciphertext.
const PAYLOAD: [u8; 1] = [0xff];

/// A packet on its way to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The mote whose address it bears.
    source: Eui64,
    prefix: [u8; 8],
    root: Eui64,
    /// The rank of the mote that sent it last.
    sender_rank: u16,
    hops: u8,
    content: Content,
}

/// What a packet is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The mote tells its parent, and one neighbour that is farther from the root.
    Dao { sequence: u8, parent: Eui64, target: Option<Eui64> },
    /// A sign of life with figures.
    Uinject(Uinject),
    /// A pledge wants to join: message id, token and ciphertext, [`Content::JOIN_NONCE`] bytes.
    Join { pledge: Eui64, request: Vec<u8> },
    /// A part of a packet, as it is on the wire.
    Fragment(Vec<u8>),
}

impl Content {
    /// Message id (2), token (1), ciphertext (17).
    pub const JOIN_NONCE: u64 = 20;
}

impl Packet {
    /// A packet of `source`, in the network of `prefix` and `root`.
    pub(super) fn new(source: Eui64, prefix: [u8; 8], root: Eui64, content: Content) -> Self {
        Self { source, prefix, root, sender_rank: NO_RANK, hops: 0, content }
    }

    /// The same packet, sent by a mote of this rank.
    pub(super) fn sent_by(&self, sender_rank: u16) -> Self {
        Self { sender_rank, ..self.clone() }
    }

    /// The packet as `relay` passes it on; none when it has lost its way. A join request is the proxy's own from then on.
    pub(super) fn relayed_by(&self, relay: Eui64, prefix: [u8; 8]) -> Option<Self> {
        let source = if self.is_from_pledge() { relay } else { self.source };
        let prefix = if self.is_from_pledge() { prefix } else { self.prefix };
        (self.hops < MOST_HOPS).then(|| Self { source, prefix, hops: self.hops + 1, ..self.clone() })
    }

    /// A part of this packet.
    pub(super) fn fragment(&self, bytes: Vec<u8>) -> Self {
        Self { content: Content::Fragment(bytes), ..self.clone() }
    }

    /// The bytes as the root's host gets them.
    pub(super) fn lowpan(&self) -> Vec<u8> {
        let message = match &self.content {
            Content::Fragment(bytes) => return bytes.clone(),
            Content::Dao { sequence, parent, target } => self.dao(*sequence, *parent, *target),
            Content::Uinject(figures) => {
                let border_router = address::of(self.prefix, Eui64([0, 0, 0, 0, 0, 0, 0, 1]));
                udp(Uinject::PORT, address::of(self.prefix, self.source), border_router, &figures.emit())
            }
            Content::Join { pledge, request } => self.join(*pledge, request),
        };
        lowpan::Packet { rpi: Some(Rpi::up(self.sender_rank)), ..message }.emit(self.prefix)
    }

    /// How it lies in the queue of the mote `holder`: creator and owner as `COMPONENT_*`.
    pub(super) fn queue_entry(&self, holder: Eui64) -> QueueEntry {
        let creator = match &self.content {
            _relayed if self.source != holder => 0x14,
            Content::Dao { .. } => 0x18,
            Content::Uinject(_) | Content::Join { .. } => 0x1a,
            Content::Fragment(_) => 0x13,
        };
        QueueEntry { creator, owner: 0x0a }
    }

    fn is_from_pledge(&self) -> bool {
        matches!(self.content, Content::Join { pledge, .. } if pledge == self.source)
    }

    fn dao(&self, sequence: u8, parent: Eui64, target: Option<Eui64>) -> lowpan::Packet {
        let [source, root, parent] = [self.source, self.root, parent].map(|mote| address::of(self.prefix, mote));
        let target =
            target.map(|child| DaoOption::Target(Target { flags: 0, prefix_len: WHOLE_ADDRESS, address: address::of(self.prefix, child) }));
        let Dao { options, .. } = Dao::to_parent(sequence, parent);
        let options = target.into_iter().chain(options).collect();
        let dao = Dao { dodag: Some(root), options, ..Dao::to_parent(sequence, parent) };
        let message = Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &dao.emit() }.emit(source, root);
        lowpan::Packet::new(source, root, lowpan::Packet::ICMPV6, message)
    }

    fn join(&self, pledge: Eui64, request: &[u8]) -> lowpan::Packet {
        let (nonce, ciphertext) = request.split_at(3);
        let coap = if self.is_from_pledge() {
            [&POST, nonce, URI_HOST, &OSCORE_BEHIND_HOST, &pledge.0, PROXY_SCHEME, &PAYLOAD, ciphertext].concat()
        } else {
            [&POST, nonce, &OSCORE_FIRST, &pledge.0, &STATELESS_PROXY, &pledge.0, &PAYLOAD, ciphertext].concat()
        };
        let prefix = if self.is_from_pledge() { LINK_LOCAL } else { self.prefix };
        udp(COAP, address::of(prefix, self.source), address::of(prefix, self.root), &coap)
    }
}

fn udp(port: u16, source: Address, destination: Address, payload: &[u8]) -> lowpan::Packet {
    let datagram = Udp { source_port: port, destination_port: port, payload }.emit(source, destination);
    lowpan::Packet::new(source, destination, lowpan::Packet::UDP, datagram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use mqtypes::ids::Asn;
    use mqtypes::mesh::UinjectLayout;

    const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

    fn mote(number: u8) -> Eui64 {
        Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, number])
    }

    fn packet(source: u8, content: Content) -> Packet {
        Packet::new(mote(source), PREFIX, mote(1), content)
    }

    fn check(packet: &Packet, expected: &str) {
        assert_eq!(HEXLOWER.encode(&packet.lowpan()), expected);
    }

    /// Recording B, at 52 s, 84 s and 87 s.
    #[test]
    fn a_dao_is_byte_for_byte_a_genuine_motes() {
        let dao = packet(2, Content::Dao { sequence: 1, parent: mote(1), target: None }).sent_by(0x0b00);
        check(
            &dao,
            "f183050b7a553a141592cc00000002141592cc000000019b02d31b00400001bbbb000000000000141592cc000000010614000000aabbbb000000000000141592cc00000001",
        );
        let relayed = packet(3, Content::Dao { sequence: 1, parent: mote(2), target: None });
        let relayed = relayed.relayed_by(mote(2), PREFIX).expect("it has far to go").sent_by(0x0b00);
        check(
            &relayed,
            "f183050b7a553a141592cc00000003141592cc000000019b02d31900400001bbbb000000000000141592cc000000010614000000aabbbb000000000000141592cc00000002",
        );
        let long = packet(5, Content::Dao { sequence: 3, parent: mote(1), target: Some(mote(3)) }).sent_by(0x0b00);
        let first = "f183050b7a553a141592cc00000005141592cc000000019b0268d000400003bbbb000000000000141592cc0000000105120080bbbb000000000000141592cc000000030614000002aabbbb0000000000";
        check(&long, &format!("{first}00141592cc00000001"));
    }

    /// Recording B, at 121 s.
    #[test]
    fn uinject_is_byte_for_byte_a_genuine_motes() {
        let figures = Uinject {
            layout: UinjectLayout::NameFirst,
            counter: 0,
            asn: Asn(0x294c),
            tx_cells: 0,
            rx_cells: 0,
            id16: 2,
            tics_on: 0x70ce,
            tics_total: 0x0031_e2e0,
        };
        let packet = packet(2, Content::Uinject(figures)).sent_by(0x0b00);
        check(
            &packet,
            "f183050b7a5511141592cc000000020000000000000001f0b1f0b10022371375696e6a65637400004c2900000000000200ce700000e0e23100",
        );
    }

    /// Recording B, at 23 s, and through a proxy at 80 s.
    #[test]
    fn a_join_request_is_byte_for_byte_a_genuine_motes() {
        let request = HEXLOWER.decode(b"02c9d5c4e379bf81ab20435cb0af24e2d6a8d92254").expect("hex")[1..].to_vec();
        let direct = packet(5, Content::Join { pledge: mote(5), request });
        check(
            &direct,
            "f18205ffff7a1111141592cc00000005141592cc0000000116331633003d3e8c5102c9d5c43b3674697363682e617270616b190108141592cc00000005d411636f6170ffe379bf81ab20435cb0af24e2d6a8d92254",
        );
        let request = HEXLOWER.decode(b"b8b433cff3e9ddaf7c4a242efa9c5ab40393442c").expect("hex");
        let proxied = packet(3, Content::Join { pledge: mote(3), request });
        let proxied = proxied.relayed_by(mote(2), PREFIX).expect("it has far to go").sent_by(0x0b00);
        check(
            &proxied,
            "f183050b7a5511141592cc00000002141592cc00000001163316330035e0585102b8b4339b190108141592cc00000003d812141592cc00000003ffcff3e9ddaf7c4a242efa9c5ab40393442c",
        );
    }

    #[test]
    fn a_packet_that_has_lost_its_way_is_not_passed_on_for_ever() {
        let first = packet(2, Content::Fragment(vec![0xc0]));
        let hops = std::iter::successors(Some(first), |packet| packet.relayed_by(mote(3), PREFIX)).count();
        assert_eq!(hops, usize::from(MOST_HOPS) + 1);
    }
}
