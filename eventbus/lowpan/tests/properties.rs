//! Any content: what is written is read back as it was, and any bytes are read or refused, never more.

use lowpan::address::{self, Address, LINK_LOCAL};
use lowpan::{
    Dao, DaoOption, Fragment, Icmpv6, Link, Packet, Reassembly, Rpi, RplMessage, Target, Transit, Tunnel, Udp, Uinject, fragments,
};
use mqtypes::ids::{Asn, Eui64};
use mqtypes::mesh::UinjectLayout;
use mqtypes::mono::Mono;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];
const LINK: Link = Link { source: Eui64([2; 8]), destination: Eui64([1; 8]) };

/// How packets begin, and fragments.
const BEGINNINGS: &[&[u8]] = &[
    &[],
    &[0xf1],
    &[0xf1, 0x83, 5, 0x0b],
    &[0xf1, 0x83, 5, 0x0b, 0xa1, 6, 64],
    &[0x7e, 0x77],
    &[0x7e, 0x77, 0xe1, 0],
    &[0xf1, 0x83, 5, 0x0b, 0x7a, 0x77, 58, 155, 2, 0, 0],
    &[0xc0, 0x60],
    &[0xe0, 0x60],
];

/// Of the network, of the link, and from elsewhere; near ones differ in their last bytes more often than not.
fn any_address() -> impl Strategy<Value = Address> {
    let interface = prop_oneof![any::<[u8; 8]>(), any::<[u8; 2]>().prop_map(|[high, low]| [0x14, 0x15, 0x92, 0xcc, 0, 0, high & 1, low]),];
    let near = (select(&[PREFIX, LINK_LOCAL]), interface).prop_map(|(prefix, interface)| address::of(prefix, Eui64(interface)));
    prop_oneof![4 => near, 1 => any::<Address>(), 1 => any::<[u8; 15]>().prop_map(|rest| {
        let mut group = [0xff; 16];
        group[1..].copy_from_slice(&rest);
        group
    })]
}

fn any_rpi() -> impl Strategy<Value = Rpi> {
    let (instance, rank) =
        (prop_oneof![Just(0), any::<u8>()], prop_oneof![any::<u16>(), any::<u8>().prop_map(|high| u16::from(high) << 8)]);
    (any::<[bool; 3]>(), instance, rank).prop_map(|([is_down, has_rank_error, has_forwarding_error], instance, rank)| Rpi {
        is_down,
        has_rank_error,
        has_forwarding_error,
        instance,
        rank,
    })
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let tunnel = (any::<u8>(), prop::option::of(any_address())).prop_map(|(hop_limit, source)| Tunnel { hop_limit, source });
    let routing = (prop::option::of(any_rpi()), prop::option::of(tunnel), vec(any_address(), 0..40));
    let traffic = (prop_oneof![Just(0), 0_u8..4, any::<u8>()], prop_oneof![Just(0), 0_u32..1 << 20]);
    let hop_limit = prop_oneof![select(&[1, 64, 255]), any::<u8>()];
    let upper = (any::<u8>(), vec(any::<u8>(), 0..120));
    (routing, traffic, hop_limit, any_address(), any_address(), upper).prop_map(
        |((rpi, tunnel, route), (traffic_class, flow_label), hop_limit, source, destination, (next_header, payload))| Packet {
            rpi,
            tunnel,
            route,
            traffic_class,
            flow_label,
            hop_limit,
            source,
            destination,
            next_header,
            payload,
        },
    )
}

fn any_target() -> impl Strategy<Value = Target> {
    (any::<u8>(), 0_u8..=128, any::<Address>()).prop_map(|(flags, prefix_len, mut address)| {
        address[usize::from(prefix_len).div_ceil(8)..].fill(0);
        Target { flags, prefix_len, address }
    })
}

fn any_dao() -> impl Strategy<Value = Dao> {
    let transit =
        (any::<[u8; 4]>(), prop::option::of(any::<Address>())).prop_map(|([flags, path_control, path_sequence, lifetime], parent)| {
            Transit { flags, path_control, path_sequence, lifetime, parent }
        });
    let option = prop_oneof![
        any_target().prop_map(DaoOption::Target),
        transit.prop_map(DaoOption::Transit),
        (7_u8.., vec(any::<u8>(), 0..30)).prop_map(|(kind, data)| DaoOption::Other { kind, data }),
    ];
    (any::<u8>(), any::<bool>(), any::<u8>(), prop::option::of(any::<Address>()), vec(option, 0..5))
        .prop_map(|(instance, wants_ack, sequence, dodag, options)| Dao { instance, wants_ack, sequence, dodag, options })
}

fn any_uinject() -> impl Strategy<Value = Uinject> {
    let layout = select(&[UinjectLayout::NameFirst, UinjectLayout::NameLast]);
    (layout, any::<u16>(), 0_u64..1 << 40, any::<[u8; 2]>(), any::<u16>(), any::<[u32; 2]>()).prop_map(
        |(layout, counter, asn, [tx_cells, rx_cells], id16, [tics_on, tics_total])| Uinject {
            layout,
            counter,
            asn: Asn(asn),
            tx_cells,
            rx_cells,
            id16,
            tics_on,
            tics_total,
        },
    )
}

/// Bytes that are a packet for a while, far more often than chance would have it.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let damaged =
        (any_packet(), any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>()).prop_map(|(packet, at, byte, end)| {
            let mut bytes = packet.emit(PREFIX);
            let (at, end) = (at.index(bytes.len()), end.index(bytes.len()));
            bytes[at] = byte;
            bytes.truncate(end + 1);
            bytes
        });
    prop_oneof![(select(BEGINNINGS), vec(any::<u8>(), 0..120)).prop_map(|(beginning, rest)| [beginning, &rest].concat()), damaged]
}

proptest! {
    #[test]
    fn every_packet_comes_back(packet in any_packet()) {
        prop_assert_eq!(Packet::parse(&packet.emit(PREFIX), LINK, PREFIX), Ok(packet));
    }

    #[test]
    fn every_dao_comes_back(dao in any_dao()) {
        prop_assert_eq!(Dao::parse(&dao.emit()), Ok(dao.clone()));
        prop_assert_eq!(RplMessage::parse(Dao::CODE, &dao.emit()), Ok(RplMessage::Dao(dao)));
    }

    #[test]
    fn every_uinject_comes_back(told in any_uinject()) {
        prop_assert_eq!(Uinject::parse(&told.emit()), Some(told));
    }

    #[test]
    fn udp_and_icmpv6_come_back_and_any_wrong_bit_is_noticed(
        ports in any::<[u16; 2]>(), kind in any::<[u8; 2]>(), payload in vec(any::<u8>(), 0..80),
        ends in any::<[Address; 2]>(), flip in any::<prop::sample::Index>(),
    ) {
        let [source, destination] = ends;
        let udp = Udp { source_port: ports[0], destination_port: ports[1], payload: &payload };
        let icmpv6 = Icmpv6 { kind: kind[0], code: kind[1], body: &payload };
        let messages = [(Packet::UDP, udp.emit(source, destination)), (Packet::ICMPV6, icmpv6.emit(source, destination))];
        prop_assert_eq!(Udp::parse(&messages[0].1), Ok(udp));
        prop_assert_eq!(Icmpv6::parse(&messages[1].1), Ok(icmpv6));
        for (protocol, message) in messages {
            let mut packet = Packet::new(source, destination, protocol, message);
            prop_assert_eq!(packet.check(), Ok(()));
            let bit = flip.index(packet.payload.len() * 8);
            packet.payload[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(packet.check().map_err(|error| error.reason()), Err("bad-checksum"));
        }
    }

    #[test]
    fn every_packet_survives_its_fragments_in_any_order(
        (lowpan, order) in vec(any::<u8>(), 86..2048).prop_flat_map(|lowpan| {
            let pieces = lowpan.len().div_ceil(lowpan::PIECE);
            (Just(lowpan), Just((0..pieces).collect::<Vec<_>>()).prop_shuffle())
        }),
        tag in any::<u16>(),
    ) {
        let sent = fragments(&lowpan, tag);
        let mut reassembly = Reassembly::default();
        for (count, index) in order.iter().enumerate() {
            let fragment = Fragment::parse(&sent[*index]).expect("well formed").expect("a fragment");
            prop_assert_eq!(&fragment.emit(), &sent[*index]);
            let whole = reassembly.handle_fragment(Mono(0), LINK, &fragment).expect("it fits");
            prop_assert_eq!(whole, (count + 1 == order.len()).then(|| lowpan.clone()));
        }
    }

    #[test]
    fn any_bytes_are_a_packet_or_an_error(bytes in anything()) {
        match Packet::parse(&bytes, LINK, PREFIX) {
            // What was read in another form is written in ours, and is the same packet then.
            Ok(packet) => prop_assert_eq!(Packet::parse(&packet.emit(PREFIX), LINK, PREFIX), Ok(packet)),
            Err(error) => prop_assert!(!error.reason().is_empty() && error.to_string().len() > 10),
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in vec(any::<u8>(), 0..120), code in any::<u8>()) {
        if let Ok(udp) = Udp::parse(&bytes) {
            prop_assert!(udp.payload.len() + 8 <= bytes.len());
        }
        if let Ok(icmpv6) = Icmpv6::parse(&bytes) {
            prop_assert_eq!(icmpv6.body, &bytes[4..]);
        }
        if let Ok(RplMessage::Dao(dao)) = RplMessage::parse(code, &bytes) {
            prop_assert_eq!(code, Dao::CODE);
            prop_assert_eq!(Dao::parse(&dao.emit()).map(|again| again.options.len()), Ok(dao.options.len()));
        }
        if let Some(told) = Uinject::parse(&bytes) {
            prop_assert_eq!(Uinject::parse(&told.emit()), Some(told));
        }
    }

    #[test]
    fn any_fragments_in_any_number_are_taken_or_refused(
        pieces in vec((0_u16..300, 0_u16..3, any::<u8>(), vec(any::<u8>(), 0..90), 0_u64..30_000_000), 0..60),
    ) {
        let mut reassembly = Reassembly::default();
        let mut now = Mono(0);
        for (size, tag, units, payload, pause) in pieces {
            now = Mono(now.0 + pause);
            let fragment = Fragment { size, tag, offset: u16::from(units % 40) * 8, payload: &payload };
            match reassembly.handle_fragment(now, LINK, &fragment) {
                Ok(whole) => prop_assert!(whole.is_none_or(|whole| whole.len() == usize::from(size))),
                Err(error) => prop_assert_eq!(error.reason(), "bad-fragment"),
            }
            prop_assert!(reassembly.poll_timeout().is_none_or(|at| at > now));
        }
    }
}
