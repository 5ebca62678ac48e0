//! What a capture writes, read back by a reader that knows nothing but the format: any packets, any bytes, any reader.

use std::collections::BTreeMap;

use lowpan::capture::{Capture, Form, Handed, MOST_INTERFACES, Overheard, Record, Section};
use lowpan::{Icmpv6, Link, Packet, Rpi, address, fragments, pcapng};
use mqtypes::ids::{Asn, Eui64};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];
const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
const HOP: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
const FAR: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 3]);
const LINK: Link = Link { source: HOP, destination: ROOT };

/// The numbers of the two link types.
const TAP: u16 = 283;
const IPV6: u16 = 229;

/// How packets begin, and fragments.
const BEGINNINGS: &[&[u8]] = &[&[], &[0xf1], &[0xf1, 0x83, 5, 0x0b, 0x7a, 0x55], &[0xc0, 0x60, 0, 1], &[0xe0, 0x60, 0, 1, 10]];

#[derive(Debug, PartialEq, Eq)]
struct Read {
    at_us: u64,
    interface: String,
    link_type: u16,
    bytes: Vec<u8>,
    comment: String,
}

/// Reads one section; every length and every padding has to be right.
fn read(mut bytes: &[u8]) -> Vec<Read> {
    let (mut interfaces, mut packets) = (vec![], vec![]);
    for number in 0.. {
        let Some((kind, body)) = block(&mut bytes) else { break };
        match kind {
            0x0a0d_0d0a => {
                assert_eq!((number, &body[..8]), (0, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..]));
                assert!(options(&body[16..]).contains_key(&4), "who wrote it is told");
            }
            1 => {
                let options = options(&body[8..]);
                assert_eq!((u16_at(body, 2), u32_at(body, 4), options[&9].as_slice()), (0, 0, &[6][..]));
                interfaces.push((u16_at(body, 0), String::from_utf8(options[&2].clone()).expect("text")));
            }
            6 => {
                let [interface, high, low, captured, sent] = [0, 4, 8, 12, 16].map(|at| u32_at(body, at));
                assert_eq!(captured, sent, "packets are never cut");
                let (packet, rest) = body[20..].split_at((captured as usize).next_multiple_of(4));
                let (packet, padding) = packet.split_at(captured as usize);
                assert!(padding.iter().all(|byte| *byte == 0));
                let (link_type, name) = interfaces[interface as usize].clone();
                let comment = options(rest).remove(&1).unwrap_or_default();
                packets.push(Read {
                    at_us: u64::from(high) << 32 | u64::from(low),
                    interface: name,
                    link_type,
                    bytes: packet.to_vec(),
                    comment: String::from_utf8(comment).expect("text"),
                });
            }
            other => panic!("block of type {other}"),
        }
    }
    packets
}

fn block<'a>(bytes: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    if bytes.is_empty() {
        return None;
    }
    let length = u32_at(bytes, 4) as usize;
    let (block, rest) = bytes.split_at(length);
    assert!(length.is_multiple_of(4) && u32_at(block, length - 4) as usize == length);
    *bytes = rest;
    Some((u32_at(block, 0), &block[8..length - 4]))
}

fn options(mut bytes: &[u8]) -> BTreeMap<u16, Vec<u8>> {
    let mut options = BTreeMap::new();
    while !bytes.is_empty() {
        let [code, length] = [0, 2].map(|at| u16_at(bytes, at));
        let (value, rest) = bytes[4..].split_at(usize::from(length).next_multiple_of(4));
        bytes = rest;
        if code == 0 {
            assert_eq!((length, bytes.len()), (0, 0), "nothing follows the end");
            return options;
        }
        let (value, padding) = value.split_at(usize::from(length));
        assert!(!value.is_empty() && padding.iter().all(|byte| *byte == 0));
        options.insert(code, value.to_vec());
    }
    assert!(options.is_empty(), "options have an end");
    options
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn handed<'a>(port: &'a str, at_us: u64, lowpan: &'a [u8]) -> Handed<'a> {
    Handed { port, at_us, asn: Asn(7), link: LINK, pan: Some(0xcafe), lowpan }
}

fn captured(form: Form, only: Option<Eui64>, packets: &[Handed<'_>]) -> Vec<Read> {
    let mut capture = Capture::new("test", form, PREFIX, only);
    let records: Vec<Record> = packets.iter().flat_map(|packet| capture.handle_packet(packet)).collect();
    written(&capture, &records)
}

/// All that a reader of these records gets.
fn written(capture: &Capture, records: &[Record]) -> Vec<Read> {
    let mut bytes = Vec::new();
    let mut section = Section::begin(capture, &mut bytes);
    for record in records {
        let before = bytes.len();
        section.write(capture, record, &mut bytes);
        assert!(bytes.len() - before >= record.size());
    }
    read(&bytes)
}

fn echo(from: Eui64, size: usize) -> Vec<u8> {
    let [source, destination] = [from, ROOT].map(|eui| address::of(PREFIX, eui));
    let message = Icmpv6 { kind: Icmpv6::ECHO_REPLY, code: 0, body: &vec![7; size] }.emit(source, destination);
    Packet { rpi: Some(Rpi::up(0x0b00)), ..Packet::new(source, destination, Packet::ICMPV6, message) }.emit(PREFIX)
}

#[test]
fn a_packet_is_written_as_it_was_sent_and_says_that_its_header_is_made_up() {
    let lowpan = echo(HOP, 4);
    let read = captured(Form::Sent, None, &[handed("mote1", 5_000_000_123, &lowpan)]);
    let [Read { at_us: 5_000_000_123, interface, link_type: TAP, bytes, comment }] = &read[..] else { panic!("{read:?}") };
    assert_eq!((interface.as_str(), comment.as_str()), ("mote1", "ASN 7; the MAC header is made up"));
    assert!(bytes.ends_with(&lowpan));
}

#[test]
fn fragments_are_written_and_so_is_the_packet_that_they_make() {
    let lowpan = echo(FAR, 120);
    let sent = fragments(&lowpan, 9);
    let packets: Vec<Handed<'_>> = (0..).zip(&sent).map(|(at, fragment)| handed("mote1", at, fragment)).collect();
    let read = captured(Form::Sent, None, &packets);
    let names: Vec<&str> = read.iter().map(|read| read.interface.as_str()).collect();
    assert_eq!(names, ["mote1", "mote1", "mote1 reassembled"]);
    assert!(read[2].bytes.ends_with(&lowpan) && read[2].comment.contains("never sent like this"), "{read:?}");
    let expanded = captured(Form::Expanded, None, &packets);
    let [Read { link_type: IPV6, bytes, .. }] = &expanded[..] else { panic!("{expanded:?}") };
    assert_eq!(bytes, &Packet::parse(&lowpan, LINK, PREFIX).and_then(|packet| packet.expand()).expect("a packet"));
}

#[test]
fn what_cannot_be_expanded_stays_as_it_was_sent_and_says_why() {
    let read = captured(Form::Expanded, None, &[handed("mote1", 0, &[0xf1, 0x9f, 0x30])]);
    assert_eq!((read[0].link_type, read[0].bytes.ends_with(&[0xf1, 0x9f, 0x30])), (TAP, true));
    assert!(read[0].comment.starts_with("not expanded: unknown critical 6LoRH of type 48"), "{read:?}");
}

#[test]
fn a_fragment_that_fits_nowhere_is_shown_and_a_packet_that_is_not_complete_is_counted() {
    let wrong = [0xc0, 0x60, 0, 1, 0xf1];
    let read = captured(Form::Expanded, None, &[handed("mote1", 0, &wrong)]);
    assert!(read[0].link_type == TAP && read[0].comment.starts_with("not expanded: "), "{read:?}");
    let mut capture = Capture::new("test", Form::Expanded, PREFIX, None);
    let sent = fragments(&echo(FAR, 120), 9);
    assert_eq!(capture.handle_packet(&handed("mote1", 0, &sent[0])), []);
    assert_eq!(capture.handle_packet(&handed("mote1", 61_000_000, &sent[1])), []);
    assert_eq!(capture.take_lost(), 1);
}

#[test]
fn a_mote_is_found_as_origin_as_hop_and_as_root() {
    let (far, near) = (echo(FAR, 4), echo(HOP, 4));
    let packets = [handed("a", 0, &far), handed("a", 0, &near)];
    for (mote, number) in [(ROOT, 2), (HOP, 2), (FAR, 1), (Eui64([9; 8]), 0)] {
        assert_eq!(captured(Form::Sent, Some(mote), &packets).len(), number, "{mote}");
        assert_eq!(captured(Form::Expanded, Some(mote), &packets).len(), number, "{mote}");
    }
}

#[test]
fn a_sniffed_frame_is_whole_but_for_its_last_two_bytes() {
    let mut capture = Capture::new("test", Form::Sent, PREFIX, Some(HOP));
    let mut reversed = HOP.0;
    reversed.reverse();
    let about = [&[0x41, 0xcc, 1, 0xfe, 0xca], &reversed[..], &[0xaa, 0xbb]].concat();
    let mut heard = |frame: &[u8]| capture.handle_sniffed(&Overheard { port: "s", at_us: 1, channel: 20, frame });
    assert_eq!([heard(&[1]), heard(&[1, 2, 3])], [None, None]);
    let record = heard(&about).expect("it names the mote");
    let read = written(&capture, &[record]);
    assert!(read[0].interface == "s sniffed" && read[0].bytes.ends_with(&about[..about.len() - 2]), "{read:?}");
}

#[test]
fn a_reader_that_comes_late_is_told_all_interfaces_that_it_needs() {
    let mut capture = Capture::new("test", Form::Sent, PREFIX, None);
    let lowpan = echo(HOP, 4);
    let records: Vec<Record> = ["a", "b", "c"].iter().flat_map(|port| capture.handle_packet(&handed(port, 0, &lowpan))).collect();
    let names = |records: &[Record]| written(&capture, records).into_iter().map(|read| read.interface).collect::<Vec<_>>();
    assert_eq!(names(&records[2..]), ["c"]);
    assert_eq!(names(&[&records[1..], &records[..1]].concat()), ["b", "c", "a"]);
}

#[test]
fn endless_ports_do_not_grow_it() {
    let mut capture = Capture::new("test", Form::Sent, PREFIX, None);
    let names = (0..2 * MOST_INTERFACES).map(|number| format!("port {number}"));
    let records: Vec<Record> = names.flat_map(|port| capture.handle_packet(&handed(&port, 0, &[0xf1]))).collect();
    let read = written(&capture, &records);
    assert_eq!(read.iter().filter(|read| read.interface == "others").count(), MOST_INTERFACES);
}

fn any_lowpan() -> impl Strategy<Value = Vec<u8>> {
    (select(BEGINNINGS), vec(any::<u8>(), 0..120)).prop_map(|(start, rest)| [start, &rest].concat())
}

proptest! {
    #[test]
    fn any_block_can_be_read_back(
        at_us in any::<u64>(),
        bytes in vec(any::<u8>(), 0..300),
        name in "\\PC{1,40}",
        comment in "\\PC{0,1100}",
    ) {
        let link_type = pcapng::LinkType::Ipv6;
        let interface = pcapng::Interface { link_type, name: &name, description: &comment }.emit();
        let packet = pcapng::Packet { interface: 0, at_us, bytes: &bytes, comment: &comment }.emit();
        let read = read(&[pcapng::section(&name, &comment), interface, packet].concat());
        prop_assert_eq!(read.len(), 1);
        prop_assert!(comment.starts_with(&read[0].comment) && read[0].comment.len() + 4 > comment.len().min(pcapng::LONGEST_TEXT));
        prop_assert_eq!((read[0].at_us, &read[0].interface, read[0].link_type, &read[0].bytes), (at_us, &name, IPV6, &bytes));
    }

    #[test]
    fn whatever_a_mesh_sends_the_capture_can_be_read(
        form in select(&[Form::Sent, Form::Expanded]),
        packets in vec((any_lowpan(), select(&["a", "b"]), any::<u32>(), any::<u64>()), 0..40),
        frames in vec(vec(any::<u8>(), 0..140), 0..4),
    ) {
        let mut capture = Capture::new("test", form, PREFIX, None);
        let mut records = Vec::new();
        for (lowpan, port, at, asn) in &packets {
            let packet = Handed { asn: Asn(*asn), pan: None, ..handed(port, u64::from(*at), lowpan) };
            let more = capture.handle_packet(&packet);
            prop_assert!(form == Form::Expanded || !more.is_empty());
            records.extend(more);
        }
        for frame in &frames {
            records.extend(capture.handle_sniffed(&Overheard { port: "a", at_us: 0, channel: 11, frame }));
        }
        prop_assert_eq!(written(&capture, &records).len(), records.len());
    }
}
