//! What comes up from the mesh through a root: packets and fragments of 6LoWPAN, and what they carry.
//!
//! The input is a script of any number of packets: seconds since the one before, which mote passed it on, length, bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use eventbus::frame::{DataFrame, Frame};
use lowpan::{
    Dao, Fragment, Icmpv6, Link, LowpanError, MOST_PENDING, Packet, Reassembly, Rpi, RplMessage, Udp, Uinject, address, fragments,
};
use mqtypes::ids::Eui64;
use mqtypes::mono::Mono;

use crate::harness::chance::Chance;
use crate::reader::Reader;
use crate::{Outcome, Target, seeds};

/// The target.
pub const TARGET: Target = Target { name: "lowpan", run, seeds: scripts, repair, longest: 4096, most_held: 64 * 1024, short_run: 5_000 };

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

/// The longest packet of which fragments can be told, bytes.
const LONGEST: usize = 0x07ff;

/// Stands at one end of what `uinject` sends.
const NAME: &[u8] = b"uinject";

/// What an input led to.
type Seen = BTreeSet<&'static str>;

/// Takes `input` for what a root passes on. Whatever it is: fragments are put together within bounds and in time, and what is
/// understood means the same when it is written in our own way.
pub fn run(input: &[u8]) -> Outcome {
    let mut script = Reader::new(input);
    let (mut reassembly, mut now, mut seen) = (Reassembly::default(), Mono(1_000_000), Seen::new());
    while !script.is_at_end() {
        now = now.after(Duration::from_secs(script.u8().into()));
        let link = link(script.u8());
        let length = script.u8();
        let bytes = script.bytes(length.into());
        match Fragment::parse(bytes) {
            Ok(None) => packet(bytes, link, &mut seen),
            Ok(Some(fragment)) => fragment_of(&mut reassembly, now, link, &fragment, &mut seen),
            Err(error) => refused(&error, &mut seen),
        }
        survives_its_fragments(bytes);
    }
    comes_to_rest(reassembly);
    crate::outcome(seen)
}

fn link(hop: u8) -> Link {
    let mote = |number| Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, number]);
    Link { source: mote(2 + hop % 4), destination: mote(1) }
}

fn refused(error: &LowpanError, seen: &mut Seen) {
    assert!((10..200).contains(&error.to_string().len()), "{error}");
    seen.insert(error.reason());
}

fn fragment_of(reassembly: &mut Reassembly, now: Mono, link: Link, fragment: &Fragment<'_>, seen: &mut Seen) {
    let written = fragment.emit();
    assert_eq!(Fragment::parse(&written), Ok(Some(*fragment)));
    match reassembly.handle_fragment(now, link, fragment) {
        Ok(Some(whole)) => {
            assert_eq!(whole.len(), usize::from(fragment.size));
            seen.insert("reassembled");
            packet(&whole, link, seen);
        }
        Ok(None) => {
            seen.insert("fragment");
        }
        Err(error) => refused(&error, seen),
    }
    assert!(reassembly.poll_timeout().is_none_or(|at| at > now), "a deadline that has passed stays");
}

fn packet(bytes: &[u8], link: Link, seen: &mut Seen) {
    let packet = match Packet::parse(bytes, link, PREFIX) {
        Ok(packet) => packet,
        Err(error) => return refused(&error, seen),
    };
    assert!(packet.flow_label < 1 << 20, "{packet:?}");
    assert_eq!(Packet::parse(&packet.emit(PREFIX), link, PREFIX).as_ref(), Ok(&packet));
    if let Err(error) = packet.check() {
        refused(&error, seen);
    }
    // What the checksum says does not matter here: damage is to be survived behind it too.
    match packet.next_header {
        Packet::UDP => udp(&packet, seen),
        Packet::ICMPV6 => icmpv6(&packet, seen),
        _other => {
            seen.insert("other protocol");
        }
    }
}

fn udp(packet: &Packet, seen: &mut Seen) {
    let udp = match Udp::parse(&packet.payload) {
        Ok(udp) => udp,
        Err(error) => return refused(&error, seen),
    };
    let again = with_payload(packet, udp.emit(packet.source, packet.destination));
    assert_eq!((Udp::parse(&again.payload), again.check()), (Ok(udp), Ok(())));
    seen.insert("udp");
    if let Some(told) = Uinject::parse(udp.payload) {
        let written = told.emit();
        // Of a payload that has the name at both ends nobody can tell the layout; such ticks do not occur.
        let is_ambiguous = written.starts_with(NAME) && written.ends_with(NAME);
        assert!(Uinject::parse(&written) == Some(told) || is_ambiguous, "{told:?}");
        assert!(told.asn.0 < 1 << 40);
        seen.insert("uinject");
    }
}

fn icmpv6(packet: &Packet, seen: &mut Seen) {
    let message = match Icmpv6::parse(&packet.payload) {
        Ok(message) => message,
        Err(error) => return refused(&error, seen),
    };
    let again = with_payload(packet, message.emit(packet.source, packet.destination));
    assert_eq!((Icmpv6::parse(&again.payload), again.check()), (Ok(message), Ok(())));
    if message.kind != Icmpv6::RPL {
        seen.insert("icmpv6");
        return;
    }
    match RplMessage::parse(message.code, message.body) {
        Ok(RplMessage::Dao(dao)) => {
            assert_eq!(Dao::parse(&dao.emit()).as_ref(), Ok(&dao));
            assert!(dao.parents().count() <= dao.options.len());
            seen.insert("dao");
        }
        Ok(RplMessage::Dis | RplMessage::Dio | RplMessage::DaoAck | RplMessage::Other(_)) => {
            seen.insert("rpl");
        }
        Err(error) => refused(&error, seen),
    }
}

fn with_payload(packet: &Packet, payload: Vec<u8>) -> Packet {
    Packet { payload, ..packet.clone() }
}

/// What is sent in fragments comes together, in whatever order.
fn survives_its_fragments(bytes: &[u8]) {
    let sent = fragments(bytes, 7);
    if sent.len() < 2 {
        return assert_eq!(sent, [bytes]);
    }
    let mut reassembly = Reassembly::default();
    let wholes = sent.iter().rev().filter_map(|piece| {
        let fragment = Fragment::parse(piece).expect("it was just written").expect("a fragment");
        reassembly.handle_fragment(Mono(0), link(0), &fragment).expect("it lies within its packet")
    });
    assert_eq!(wholes.collect::<Vec<_>>(), [&bytes[..bytes.len().min(LONGEST)]]);
}

fn comes_to_rest(mut reassembly: Reassembly) {
    let mut left = 0;
    while let Some(at) = reassembly.poll_timeout() {
        reassembly.handle_timeout(at);
        left += 1;
        assert!(left <= MOST_PENDING, "more wait than may");
    }
}

/// Packets that roots of the recordings passed on, some in a row: fragments belong together.
fn scripts() -> Vec<Vec<u8>> {
    let frames: Vec<_> = seeds::from_motes(b"D").iter().filter_map(|payload| Frame::parse(payload).ok()).collect();
    let packets: Vec<_> = frames.iter().filter_map(|frame| if let Frame::Data(data) = frame { step_of(data) } else { None }).collect();
    packets.chunks(5).map(<[_]>::concat).chain(packets.iter().cloned()).collect()
}

fn step_of(data: &DataFrame) -> Option<Vec<u8>> {
    let mesh = data.mesh()?;
    let hop = mesh.source.0[7].wrapping_sub(2);
    Some(step(0, hop, mesh.lowpan))
}

fn step(seconds: u8, hop: u8, bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(255)];
    [&[seconds, hop, bytes.len() as u8], bytes].concat()
}

/// Adds a packet that is whole up to its checksum, or the fragments of one.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let payload: Vec<u8> = input.iter().copied().skip(chance.below(64)).take(chance.below(200)).collect();
    let hop = chance.byte() % 4;
    let link = link(hop);
    let [source, destination] = [link.source, link.destination].map(|mote| address::of(PREFIX, mote));
    let (protocol, message) = match chance.below(3) {
        0 => {
            (Packet::UDP, Udp { source_port: Uinject::PORT, destination_port: Uinject::PORT, payload: &payload }.emit(source, destination))
        }
        1 => (Packet::ICMPV6, Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &payload }.emit(source, destination)),
        _other => (chance.byte(), payload),
    };
    let rpi = if chance.once_in(2) { Some(Rpi::up(chance.number() as u16)) } else { None };
    let packet = Packet { rpi, ..Packet::new(source, destination, protocol, message) }.emit(PREFIX);
    if chance.once_in(2) {
        return input.extend(step(0, hop, &packet));
    }
    for fragment in fragments(&packet, chance.number() as u16) {
        input.extend(step(0, hop, &fragment));
    }
}
