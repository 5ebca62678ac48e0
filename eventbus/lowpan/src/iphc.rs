//! The compressed IPv6 header (IPHC, RFC 6282, section 3).
//!
//! `011 TF NH HLIM | CID SAC SAM M DAC DAM | inline fields`. There is one context, 0: the network's prefix. Elided
//! halves of addresses are the previous hop's and the root's. The firmware elides traffic class and flow label.

use mqtypes::ids::Eui64;

use crate::LowpanError;
use crate::address::{self, Address, LINK_LOCAL, Scope, UNSPECIFIED};
use crate::octets::Reader;
use crate::packet::Packet;

const DISPATCH: u8 = 0x60;
const DISPATCH_MASK: u8 = 0xe0;

/// NH in the first byte.
const NEXT_HEADER_COMPRESSED: u8 = 0x04;

/// In the second byte.
const CONTEXTS_FOLLOW: u8 = 0x80;
const SOURCE_HAS_CONTEXT: u8 = 0x40;
const IS_MULTICAST: u8 = 0x08;
const DESTINATION_HAS_CONTEXT: u8 = 0x04;

const FLOW_LABEL: u32 = 0x000f_ffff;

#[derive(Debug)]
pub(crate) struct Iphc {
    pub traffic_class: u8,
    pub flow_label: u32,
    /// None: it is compressed and stands behind this header.
    pub next_header: Option<u8>,
    pub hop_limit: u8,
    pub source: Address,
    pub destination: Address,
}

/// SAM and DAM: how much of an address is there.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Full,
    Interface,
    Short,
    Elided,
}

impl Mode {
    fn of(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Full,
            1 => Self::Interface,
            2 => Self::Short,
            _three => Self::Elided,
        }
    }
}

/// SAC or DAC, and where the context is named.
#[derive(Debug, Clone, Copy)]
enum Against {
    LinkLocal,
    Context { at: usize, number: u8 },
}

impl Iphc {
    pub fn read(reader: &mut Reader<'_>, scope: Scope) -> Result<Self, LowpanError> {
        let at = reader.at();
        let first = reader.u8("IPHC")?;
        if first & DISPATCH_MASK != DISPATCH {
            return Err(LowpanError::UnknownDispatch { at, byte: first });
        }
        let encoding = reader.u8("IPHC encoding")?;
        let contexts = if encoding & CONTEXTS_FOLLOW == 0 { 0 } else { reader.u8("IPHC contexts")? };
        let against = |flag, number| if encoding & flag == 0 { Against::LinkLocal } else { Against::Context { at: at + 2, number } };
        let (traffic_class, flow_label) = read_traffic(first >> 3, reader)?;
        let is_compressed = first & NEXT_HEADER_COMPRESSED != 0;
        let next_header = if is_compressed { None } else { Some(reader.u8("next header")?) };
        let hop_limit = match first & 3 {
            0 => reader.u8("hop limit")?,
            1 => 1,
            2 => 64,
            _three => 255,
        };
        let reserved = LowpanError::ReservedMode { at: at + 1, encoding };
        let source = read_source(Mode::of(encoding >> 4), against(SOURCE_HAS_CONTEXT, contexts >> 4), reader, scope)?;
        let (mode, to) = (Mode::of(encoding), against(DESTINATION_HAS_CONTEXT, contexts & 0x0f));
        let destination = if encoding & IS_MULTICAST == 0 {
            read_unicast(mode, to, scope.link.destination, reader, scope)?
        } else {
            read_multicast(mode, to, reader, scope)?
        };
        Ok(Self { traffic_class, flow_label, next_header, hop_limit, source, destination: destination.ok_or(reserved)? })
    }
}

/// Traffic class and flow label. What is inline begins with ECN, which IPv6 has at the end.
fn read_traffic(form: u8, reader: &mut Reader<'_>) -> Result<(u8, u32), LowpanError> {
    Ok(match form & 3 {
        0 => {
            let [class, label @ ..]: [u8; 4] = reader.bytes("traffic class and flow label")?;
            (class.rotate_left(2), flow_label(label))
        }
        1 => {
            let label: [u8; 3] = reader.bytes("flow label")?;
            (label[0] >> 6, flow_label(label))
        }
        2 => (reader.u8("traffic class")?.rotate_left(2), 0),
        _three => (0, 0),
    })
}

fn flow_label([high, middle, low]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, high, middle, low]) & FLOW_LABEL
}

fn read_source(mode: Mode, against: Against, reader: &mut Reader<'_>, scope: Scope) -> Result<Address, LowpanError> {
    // The form that would be reserved is that of nobody's address.
    Ok(read_unicast(mode, against, scope.link.source, reader, scope)?.unwrap_or(UNSPECIFIED))
}

/// None for a full address against a context: there is no such thing.
fn read_unicast(
    mode: Mode,
    against: Against,
    elided: Eui64,
    reader: &mut Reader<'_>,
    scope: Scope,
) -> Result<Option<Address>, LowpanError> {
    let prefix = match (against, mode) {
        (Against::LinkLocal, Mode::Full) => return reader.bytes("address").map(Some),
        (Against::Context { .. }, Mode::Full) => return Ok(None),
        (Against::LinkLocal, Mode::Interface | Mode::Short | Mode::Elided) => LINK_LOCAL,
        (Against::Context { at, number }, Mode::Interface | Mode::Short | Mode::Elided) => known(at, number, scope)?,
    };
    let interface = match mode {
        Mode::Full | Mode::Interface => Eui64(reader.bytes("interface identifier")?),
        Mode::Short => {
            let [high, low] = reader.bytes("16-bit address")?;
            Eui64([0, 0, 0, 0xff, 0xfe, 0, high, low])
        }
        Mode::Elided => elided,
    };
    Ok(Some(address::of(prefix, interface)))
}

/// None for what is reserved: a context with anything but a full form.
fn read_multicast(mode: Mode, against: Against, reader: &mut Reader<'_>, scope: Scope) -> Result<Option<Address>, LowpanError> {
    let mut address = [0; 16];
    address[0] = 0xff;
    match (against, mode) {
        (Against::LinkLocal, Mode::Full) => address = reader.bytes("multicast address")?,
        (Against::LinkLocal, Mode::Interface) => {
            let [flags_and_scope, group @ ..] = reader.bytes::<6>("multicast address")?;
            address[1] = flags_and_scope;
            address[11..].copy_from_slice(&group);
        }
        (Against::LinkLocal, Mode::Short) => {
            let [flags_and_scope, group @ ..] = reader.bytes::<4>("multicast address")?;
            address[1] = flags_and_scope;
            address[13..].copy_from_slice(&group);
        }
        (Against::LinkLocal, Mode::Elided) => {
            address[1] = 0x02;
            address[15] = reader.u8("multicast group")?;
        }
        (Against::Context { at, number }, Mode::Full) => {
            // Based on a unicast prefix (RFC 3306), here of 64 bits.
            let [flags_and_scope, reserved, group @ ..] = reader.bytes::<6>("multicast address")?;
            address[1..4].copy_from_slice(&[flags_and_scope, reserved, 64]);
            address[4..12].copy_from_slice(&known(at, number, scope)?);
            address[12..].copy_from_slice(&group);
        }
        (Against::Context { .. }, Mode::Interface | Mode::Short | Mode::Elided) => return Ok(None),
    }
    Ok(Some(address))
}

fn known(at: usize, context: u8, scope: Scope) -> Result<[u8; 8], LowpanError> {
    if context == 0 { Ok(scope.prefix) } else { Err(LowpanError::UnknownContext { at, context }) }
}

/// The mirror of [`Iphc::read`] for a packet as motes and roots send it: next header inline.
pub(crate) fn write(bytes: &mut Vec<u8>, packet: &Packet, prefix: [u8; 8]) {
    let (form, traffic) = traffic(packet.traffic_class, packet.flow_label & FLOW_LABEL);
    let (limit, hop_limit) = match packet.hop_limit {
        1 => (1, None),
        64 => (2, None),
        255 => (3, None),
        other => (0, Some(other)),
    };
    let (from, source) = compressed(&packet.source, prefix);
    let (to, destination) = match packet.destination {
        [0xff, ..] => (IS_MULTICAST, &packet.destination[..]),
        _unicast => compressed(&packet.destination, prefix),
    };
    bytes.extend([DISPATCH | form << 3 | limit, from << 4 | to]);
    bytes.extend(traffic);
    bytes.push(packet.next_header);
    bytes.extend(hop_limit);
    bytes.extend_from_slice(source);
    bytes.extend_from_slice(destination);
}

/// TF, and what it leaves inline.
fn traffic(class: u8, label: u32) -> (u8, Vec<u8>) {
    let [_, high, middle, low] = label.to_be_bytes();
    match (class, label) {
        (0, 0) => (3, vec![]),
        (class, 0) => (2, vec![class.rotate_right(2)]),
        (ecn @ 0..4, _) => (1, vec![ecn << 6 | high, middle, low]),
        (class, _) => (0, vec![class.rotate_right(2), high, middle, low]),
    }
}

/// Context and mode of an address, in the places that the destination's have, and what they leave inline.
fn compressed(address: &Address, prefix: [u8; 8]) -> (u8, &[u8]) {
    match address::prefix(*address) {
        LINK_LOCAL => (1, &address[8..]),
        network if network == prefix => (DESTINATION_HAS_CONTEXT | 1, &address[8..]),
        _elsewhere => (0, address),
    }
}
