//! Known packets, octet by octet, in both directions.

use lowpan::address::{self, LINK_LOCAL};
use lowpan::{Dao, Icmpv6, Link, LowpanError, Packet, Rpi, RplMessage, Tunnel, Udp, Uinject};
use mqtypes::ids::Eui64;

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];
const UP: Link = Link { source: mote(2), destination: mote(1) };
const DOWN: Link = Link { source: mote(1), destination: mote(2) };

const fn mote(number: u8) -> Eui64 {
    Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, number])
}

fn global(number: u8) -> [u8; 16] {
    address::of(PREFIX, mote(number))
}

/// The border router's own address.
fn router() -> [u8; 16] {
    address::of(PREFIX, Eui64([0, 0, 0, 0, 0, 0, 0, 1]))
}

fn elsewhere() -> [u8; 16] {
    address::of([0xcc, 0xcc, 0, 0, 0, 0, 0, 0], Eui64([0, 0, 0, 0, 0, 0, 0, 1]))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

#[track_caller]
fn check(text: &str, link: Link, expected: &Packet) {
    let bytes = hex(text);
    assert_eq!(Packet::parse(&bytes, link, PREFIX).as_ref(), Ok(expected));
    assert_eq!(expected.emit(PREFIX), bytes);
}

/// Reads a form that we do not write.
#[track_caller]
fn read(text: &str) -> Packet {
    Packet::parse(&hex(text), UP, PREFIX).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refuse(text: &str, expected: LowpanError) {
    assert_eq!(Packet::parse(&hex(text), UP, PREFIX), Err(expected), "{text}");
}

const ECHO: &str = "80 00 12 34 00 01 00 01";

fn echo(source: [u8; 16], destination: u8) -> Packet {
    Packet::new(source, global(destination), Packet::ICMPV6, hex(ECHO))
}

#[test]
fn packets_that_go_down_are_as_openvisualizer_writes_them() {
    let direct = format!("f1 7a 55 3a 0000000000000001 141592cc00000002 {ECHO}");
    check(&direct, DOWN, &echo(router(), 2));
    let one_hop = format!("f1 8003 141592cc00000002 7a553a 0000000000000001 141592cc00000003 {ECHO}");
    check(&one_hop, DOWN, &Packet { route: vec![global(2)], ..echo(router(), 3) });
    let two_hops = format!("f1 8003 141592cc00000002 800003 7a553a 0000000000000001 141592cc00000004 {ECHO}");
    check(&two_hops, DOWN, &Packet { route: vec![global(2), global(3)], ..echo(router(), 4) });
}

#[test]
fn packets_that_come_from_elsewhere_go_down_in_a_tunnel() {
    let rpi = Some(Rpi { is_down: true, ..Rpi::up(0) });
    let tunnel = |hop_limit| Some(Tunnel { hop_limit, source: None });
    let one_hop = format!("f1 8003 141592cc00000002 930500 a10640 7a053a cccc0000000000000000000000000001 141592cc00000003 {ECHO}");
    check(&one_hop, DOWN, &Packet { route: vec![global(2)], rpi, tunnel: tunnel(64), ..echo(elsewhere(), 3) });
    let direct = format!("f1 930500 a1063f 78053a3f cccc0000000000000000000000000001 141592cc00000002 {ECHO}");
    check(&direct, DOWN, &Packet { rpi, tunnel: tunnel(63), hop_limit: 63, ..echo(elsewhere(), 2) });
}

#[test]
fn a_recorded_dao_is_read_and_written() {
    let text = "f183050b7a553a141592cc00000003141592cc000000019b02d31900400001bbbb000000000000141592cc00000001\
                0614000000aabbbb000000000000141592cc00000002";
    let dao = Dao { dodag: Some(global(1)), ..Dao::to_parent(1, global(2)) };
    let message = Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &dao.emit() }.emit(global(3), global(1));
    let packet = Packet { rpi: Some(Rpi::up(0x0b00)), ..Packet::new(global(3), global(1), Packet::ICMPV6, message) };
    check(text, UP, &packet);
    assert_eq!(packet.check(), Ok(()));
    let icmpv6 = Icmpv6::parse(&packet.payload).expect("whole");
    assert_eq!(RplMessage::parse(icmpv6.code, icmpv6.body), Ok(RplMessage::Dao(dao)));
}

#[test]
fn a_recorded_uinject_is_read_and_written_with_its_ports() {
    let text = "f183050b7a5511141592cc000000020000000000000001f0b1f0b10022371375696e6a6563740000\
                4c2900000000000200ce700000e0e23100";
    let payload = &hex(text)[31..];
    let (source_port, destination_port) = (Uinject::PORT, Uinject::PORT);
    let udp = Udp { source_port, destination_port, payload };
    let message = udp.emit(global(2), router());
    let packet = Packet { rpi: Some(Rpi::up(0x0b00)), ..Packet::new(global(2), router(), Packet::UDP, message) };
    check(text, UP, &packet);
    assert_eq!((packet.check(), Udp::parse(&packet.payload)), (Ok(()), Ok(udp)));
    let told = Uinject::parse(payload).expect("uinject");
    assert_eq!((told.counter, told.asn.0, told.id16, told.emit()), (0, 0x294c, 2, payload.to_vec()));
}

#[test]
fn a_recorded_join_request_is_link_local() {
    let text = "f18205ffff7a1111141592cc00000005141592cc0000000116331633003d3e8c5102c9d5c43b3674697363682e617270616b1901\
                08141592cc00000005d411636f6170ffe379bf81ab20435cb0af24e2d6a8d92254";
    let packet = read(text);
    let addresses = [5, 1].map(|number| address::of(LINK_LOCAL, mote(number)));
    assert_eq!((packet.source, packet.destination, packet.rpi), (addresses[0], addresses[1], Some(Rpi::up(0xffff))));
    assert_eq!((packet.check(), Udp::parse(&packet.payload).map(|udp| udp.destination_port)), (Ok(()), Ok(5683)));
    assert_eq!(packet.emit(PREFIX), hex(text));
}

/// The sixth and last bytes of a `D` frame that breaks off behind the IPHC encoding.
#[test]
fn a_packet_that_breaks_off_says_where() {
    refuse("f1 83 05 08 7a 55", LowpanError::Truncated { what: "next header", at: 6, need: 1, left: 0 });
    refuse("", LowpanError::Truncated { what: "IPHC", at: 0, need: 1, left: 0 });
    refuse("f1 80 03 14 15", LowpanError::Truncated { what: "RH3 address", at: 3, need: 8, left: 2 });
}

#[test]
fn rpi_comes_with_or_without_instance_and_short_rank() {
    let rpi = |text: &str| read(&format!("f1 {text} 7a553a 141592cc00000002 141592cc00000001")).rpi;
    assert_eq!(rpi("8305 0b"), Some(Rpi::up(0x0b00)));
    assert_eq!(rpi("8205 0226"), Some(Rpi::up(0x0226)));
    assert_eq!(rpi("8105 07 0b"), Some(Rpi { instance: 7, ..Rpi::up(0x0b00) }));
    let all_flags = Rpi { is_down: true, has_rank_error: true, has_forwarding_error: true, instance: 7, rank: 0x0226 };
    assert_eq!(rpi("9c05 07 0226"), Some(all_flags));
}

#[test]
fn the_encapsulator_is_told_in_any_length() {
    let inner = "7a053a cccc0000000000000000000000000001 141592cc00000001";
    let tunnel = |text: &str| read(&format!("f1 83050b {text} {inner}")).tunnel;
    let from = |source| Some(Tunnel { hop_limit: 63, source });
    assert_eq!(tunnel("a1063f"), from(None));
    assert_eq!(tunnel("a2063f 04"), from(Some(global(4))));
    assert_eq!(tunnel("a9063f 141592cc00000004"), from(Some(global(4))));
    assert_eq!(tunnel("b1063f cccc0000000000000000000000000001"), from(Some(elsewhere())));
    refuse(&format!("f1 a006 {inner}"), LowpanError::BadLength { what: "IP-in-IP 6LoRH", at: 1, length: 0 });
    refuse(&format!("f1 b206 {inner}"), LowpanError::BadLength { what: "IP-in-IP 6LoRH", at: 1, length: 18 });
}

#[test]
fn an_elective_header_may_be_unknown_and_a_critical_one_may_not() {
    let rest = "7a553a 141592cc00000002 141592cc00000001";
    assert_eq!(read(&format!("f1 83050b a22a 0102 {rest}")).source, global(2));
    // The firmware counts the type byte of its deadline: 6 for the type, two bytes of flags, and three of time.
    assert_eq!(read(&format!("f1 83050b a607 10800102 03 {rest}")).source, global(2));
    refuse(&format!("f1 83050b 8009 {rest}"), LowpanError::UnknownCritical { at: 4, kind: 9 });
    refuse(&format!("f2 {rest}"), LowpanError::UnknownPage { page: 2 });
    refuse(&format!("41 {rest}"), LowpanError::UnknownDispatch { at: 0, byte: 0x41 });
    refuse(&format!("f1 41 {rest}"), LowpanError::UnknownDispatch { at: 1, byte: 0x41 });
}

#[test]
fn a_packet_may_do_without_routing_headers() {
    assert_eq!(read("7a553a 141592cc00000002 141592cc00000001").emit(PREFIX), hex("f1 7a553a 141592cc00000002 141592cc00000001"));
}

#[test]
fn a_source_route_is_shortened_against_the_hop_before() {
    let packet = read("f1 8003 141592cc00000002 8100 03 04 8001 0105 7a553a 141592cc00000001 141592cc00000006");
    let far = address::of(PREFIX, Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 1, 5]));
    assert_eq!(packet.route, [global(2), global(3), global(4), far]);
}

#[test]
fn traffic_class_and_flow_label_are_read_in_all_forms() {
    let traffic = |first: &str, inline: &str| {
        let packet = read(&format!("{first} 55 {inline} 3a 141592cc00000002 141592cc00000001"));
        (packet.traffic_class, packet.flow_label)
    };
    // ECN 2 and DSCP 46: EF.
    assert_eq!(traffic("62", "ae 01 23 45"), (0xba, 0x12345));
    assert_eq!(traffic("6a", "81 23 45"), (0x02, 0x12345));
    assert_eq!(traffic("72", "ae"), (0xba, 0));
    assert_eq!(traffic("7a", ""), (0, 0));
}

#[test]
fn hop_limits_are_read_in_all_forms() {
    let hop_limit = |text: &str| read(&format!("{text} 141592cc00000002 141592cc00000001")).hop_limit;
    assert_eq!(["78 55 3a 3f", "79 55 3a", "7a 55 3a", "7b 55 3a"].map(hop_limit), [63, 1, 64, 255]);
}

#[test]
fn addresses_are_read_in_all_forms() {
    let addresses = |encoding: &str, inline: &str| {
        let packet = read(&format!("7a {encoding} 3a {inline}"));
        (packet.source, packet.destination)
    };
    let local = |number| address::of(LINK_LOCAL, mote(number));
    let short = |prefix, number| address::of(prefix, Eui64([0, 0, 0, 0xff, 0xfe, 0, 0x12, number]));
    assert_eq!(addresses("00", "cccc0000000000000000000000000001 cccc0000000000000000000000000001"), (elsewhere(), elsewhere()));
    assert_eq!(addresses("11", "141592cc00000003 141592cc00000004"), (local(3), local(4)));
    assert_eq!(addresses("22", "1203 1204"), (short(LINK_LOCAL, 3), short(LINK_LOCAL, 4)));
    assert_eq!(addresses("33", ""), (local(2), local(1)));
    assert_eq!(addresses("66", "1203 1204"), (short(PREFIX, 3), short(PREFIX, 4)));
    assert_eq!(addresses("77", ""), (global(2), global(1)));
    assert_eq!(addresses("47", ""), ([0; 16], global(1)));
    // Contexts told, and both the one there is.
    assert_eq!(read("7a f7 00 3a").source, global(2));
    refuse("7a f7 10 3a", LowpanError::UnknownContext { at: 2, context: 1 });
    refuse("7a f7 02 3a", LowpanError::UnknownContext { at: 2, context: 2 });
    refuse("7a 74 3a", LowpanError::ReservedMode { at: 1, encoding: 0x74 });
}

#[test]
fn multicast_destinations_are_read_in_all_forms() {
    let destination = |encoding: &str, inline: &str| read(&format!("7a {encoding} 3a {inline}")).destination;
    let group = |text: &str| <[u8; 16]>::try_from(hex(text)).expect("16 bytes");
    assert_eq!(destination("38", "ff02000000000000000000000000001a"), group("ff02 0000000000000000 00000000 001a"));
    assert_eq!(destination("39", "05 0102030405"), group("ff05 000000000000000000 0102030405"));
    assert_eq!(destination("3a", "05 030405"), group("ff05 0000000000000000000000 030405"));
    assert_eq!(destination("3b", "1a"), group("ff02 00000000000000000000000000 1a"));
    assert_eq!(destination("3c", "35 00 01020304"), group("ff35 00 40 bbbb000000000000 01020304"));
    refuse("7a 3d 3a", LowpanError::ReservedMode { at: 1, encoding: 0x3d });
}

#[test]
fn a_compressed_udp_header_is_undone_when_iphc_says_so() {
    let ports = |nhc: &str| {
        let packet = read(&format!("7e 55 141592cc00000002 141592cc00000001 {nhc} 616263"));
        assert_eq!(packet.next_header, Packet::UDP);
        let udp = Udp::parse(&packet.payload).expect("whole");
        assert_eq!(udp.payload, b"abc");
        (udp.source_port, udp.destination_port, packet.payload[6..8].to_vec())
    };
    let told = vec![0x12, 0x34];
    assert_eq!(ports("f0 1633 1388 1234"), (5683, 5000, told.clone()));
    assert_eq!(ports("f1 1633 b1 1234"), (5683, 61617, told.clone()));
    assert_eq!(ports("f2 b1 1633 1234"), (61617, 5683, told.clone()));
    assert_eq!(ports("f3 12 1234"), (0xf0b1, 0xf0b2, told));
    let elided = read("7e 55 141592cc00000002 141592cc00000001 f7 12 616263");
    assert_eq!(elided.check(), Ok(()));
}

#[test]
fn a_compressed_hop_by_hop_header_is_passed_over_and_a_tunnel_entered() {
    let hop_by_hop = read("7e 55 141592cc00000002 141592cc00000001 e0 3a 04 63040000 81001234");
    assert_eq!((hop_by_hop.next_header, hop_by_hop.payload), (Packet::ICMPV6, hex("81001234")));
    let inner = "7a 05 3a cccc0000000000000000000000000001 141592cc00000001 81001234";
    let tunnelled = read(&format!("7d 77 e1 04 63040000 ee {inner}"));
    assert_eq!(tunnelled.tunnel, Some(Tunnel { hop_limit: 1, source: Some(global(2)) }));
    assert_eq!((tunnelled.source, tunnelled.hop_limit, tunnelled.payload), (elsewhere(), 64, hex("81001234")));
    refuse(&format!("f1 a10640 7d 77 ee {inner}"), LowpanError::NestedTunnel { at: 7 });
    refuse("7d 77 e3", LowpanError::UnknownNextHeader { at: 2, byte: 0xe3 });
    refuse("7d 77 00", LowpanError::UnknownNextHeader { at: 2, byte: 0 });
}
