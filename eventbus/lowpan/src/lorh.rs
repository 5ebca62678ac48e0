//! What stands before IPHC: page dispatch (RFC 8025) and routing headers (6LoRH, RFC 8138).
//!
//! `f1`, then any number of headers of two bytes and more. A *critical* one, `100xxxxx`, must be understood or the packet
//! dropped; an *elective* one, `101` and its length, may be passed over. Motes send `f1 | RPI | [IP-in-IP] | IPHC`; a
//! root's source routes come in RH3, which stands first.

use crate::LowpanError;
use crate::address::{self, Address, Scope};
use crate::octets::Reader;
use crate::packet::Tunnel;

/// Everything behind it is read by page 1.
const PAGE_1: u8 = 0xf1;

const CRITICAL: u8 = 0x80;
const ELECTIVE: u8 = 0xa0;
/// The flags, the number or the length in a header's first byte.
const ARGUMENT: u8 = 0x1f;

/// Types 0 to 4 bring source routes, in addresses of 1, 2, 4, 8 or 16 bytes.
const LAST_RH3: u8 = 4;
const RPI: u8 = 5;
const IP_IN_IP: u8 = 6;
const DEADLINE: u8 = 7;

/// How many addresses one RH3 can bring.
const MOST_HOPS: usize = 32;

/// The RPL packet information (RFC 6553) as 6LoRH has it: how a packet travels through the DODAG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rpi {
    /// O: it goes down, away from the root.
    pub is_down: bool,
    /// R: a forwarder saw ranks in the wrong order.
    pub has_rank_error: bool,
    /// F: a forwarder had no route.
    pub has_forwarding_error: bool,
    /// Which RPL instance; OpenWSN has 0 alone.
    pub instance: u8,
    /// Rank of whoever forwarded the packet last: the previous hop, not the origin. 65535 from a mote without a rank.
    pub rank: u16,
}

impl Rpi {
    const DOWN: u8 = 0x10;
    const RANK_ERROR: u8 = 0x08;
    const FORWARDING_ERROR: u8 = 0x04;
    /// I: the instance is left out, and is 0.
    const NO_INSTANCE: u8 = 0x02;
    /// K: only the high byte of the rank is there, the low one is 0.
    const SHORT_RANK: u8 = 0x01;

    /// What a mote of this rank puts into a packet that it sends up.
    pub fn up(rank: u16) -> Self {
        Self { is_down: false, has_rank_error: false, has_forwarding_error: false, instance: 0, rank }
    }

    fn read(flags: u8, reader: &mut Reader<'_>) -> Result<Self, LowpanError> {
        let has = |flag| flags & flag != 0;
        let instance = if has(Self::NO_INSTANCE) { 0 } else { reader.u8("RPI instance")? };
        let rank = if has(Self::SHORT_RANK) { u16::from(reader.u8("RPI rank")?) << 8 } else { reader.u16("RPI rank")? };
        Ok(Self {
            is_down: has(Self::DOWN),
            has_rank_error: has(Self::RANK_ERROR),
            has_forwarding_error: has(Self::FORWARDING_ERROR),
            instance,
            rank,
        })
    }

    fn write(self, bytes: &mut Vec<u8>) {
        let [high, low] = self.rank.to_be_bytes();
        let flags = [
            (self.is_down, Self::DOWN),
            (self.has_rank_error, Self::RANK_ERROR),
            (self.has_forwarding_error, Self::FORWARDING_ERROR),
            (self.instance == 0, Self::NO_INSTANCE),
            (low == 0, Self::SHORT_RANK),
        ];
        let flags = flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).sum::<u8>();
        bytes.extend([CRITICAL | flags, RPI]);
        bytes.extend((self.instance != 0).then_some(self.instance));
        bytes.push(high);
        bytes.extend((low != 0).then_some(low));
    }
}

/// All routing headers of a packet.
#[derive(Debug, Default)]
pub(crate) struct RoutingHeaders<'a> {
    pub rpi: Option<Rpi>,
    pub tunnel: Option<Tunnel>,
    /// As compressed as they came: the first one's reference is known only after IPHC.
    pub hops: Vec<&'a [u8]>,
}

impl<'a> RoutingHeaders<'a> {
    /// Leaves the reader before IPHC. A packet without page dispatch has no routing headers.
    pub fn read(reader: &mut Reader<'a>, scope: Scope) -> Result<Self, LowpanError> {
        let mut headers = Self::default();
        match reader.peek() {
            Some(PAGE_1) => reader.u8("page dispatch")?,
            Some(page) if page & 0xf0 == PAGE_1 & 0xf0 => return Err(LowpanError::UnknownPage { page: page & 0x0f }),
            _no_page => return Ok(headers),
        };
        while reader.peek().is_some_and(|byte| byte & 0xc0 == CRITICAL) {
            headers.read_one(reader, scope)?;
        }
        Ok(headers)
    }

    fn read_one(&mut self, reader: &mut Reader<'a>, scope: Scope) -> Result<(), LowpanError> {
        let at = reader.at();
        let [first, kind] = reader.bytes("6LoRH")?;
        let argument = first & ARGUMENT;
        match (first & !ARGUMENT, kind) {
            (CRITICAL, ..=LAST_RH3) => {
                for _ in 0..=argument {
                    self.hops.push(reader.slice("RH3 address", 1 << kind)?);
                }
            }
            (CRITICAL, RPI) => self.rpi = Some(Rpi::read(argument, reader)?),
            (CRITICAL, kind) => return Err(LowpanError::UnknownCritical { at, kind }),
            (_elective, IP_IN_IP) => self.tunnel = Some(read_tunnel(at, usize::from(argument), reader, scope)?),
            // The firmware counts the type byte as well.
            (_elective, DEADLINE) => drop(reader.slice("deadline", usize::from(argument.saturating_sub(1)))?),
            (_elective, _unknown) => drop(reader.slice("elective 6LoRH", usize::from(argument))?),
        }
        Ok(())
    }

    /// The hops in full. Firmware and `OpenVisualizer` differ on the reference of the first one; it matters only when
    /// less than half of it is there, and neither sends that.
    pub fn route(&self, source: Address, scope: Scope) -> Vec<Address> {
        let is_source = self.tunnel.is_none() && address::prefix(source) == scope.prefix;
        let mut reference = if is_source { source } else { scope.root() };
        let expand = |hop: &&[u8]| {
            reference = ending_in(reference, hop);
            reference
        };
        self.hops.iter().map(expand).collect()
    }
}

/// `length | 6 | hop limit | the end of the encapsulator's address`: of the length are the hop limit and the address.
fn read_tunnel(at: usize, length: usize, reader: &mut Reader<'_>, scope: Scope) -> Result<Tunnel, LowpanError> {
    let known = length.checked_sub(1).filter(|len| *len <= 16);
    let len = known.ok_or(LowpanError::BadLength { what: "IP-in-IP 6LoRH", at, length })?;
    let hop_limit = reader.u8("IP-in-IP hop limit")?;
    let end = reader.slice("IP-in-IP source", len)?;
    let source = (len > 0).then(|| ending_in(scope.root(), end));
    Ok(Tunnel { hop_limit, source })
}

/// The reference with its last bytes replaced; `end` has 16 at most.
fn ending_in(mut reference: Address, end: &[u8]) -> Address {
    reference[16 - end.len()..].copy_from_slice(end);
    reference
}

/// The mirror of [`RoutingHeaders::read`].
pub(crate) fn write(bytes: &mut Vec<u8>, prefix: [u8; 8], route: &[Address], rpi: Option<Rpi>, tunnel: Option<Tunnel>) {
    bytes.push(PAGE_1);
    write_route(bytes, prefix, route);
    if let Some(rpi) = rpi {
        rpi.write(bytes);
    }
    if let Some(Tunnel { hop_limit, source }) = tunnel {
        let end = source.as_ref().map_or(&[][..], |source| if address::prefix(*source) == prefix { &source[8..] } else { source });
        bytes.extend([ELECTIVE | (end.len() as u8 + 1), IP_IN_IP, hop_limit]);
        bytes.extend_from_slice(end);
    }
}

/// Hops of equal size share a header.
fn write_route(bytes: &mut Vec<u8>, prefix: [u8; 8], route: &[Address]) {
    let kind = |at: usize| match at.checked_sub(1) {
        None => first_hop_kind(route[0], prefix),
        Some(before) => hop_kind(route[at], route[before]),
    };
    let hops: Vec<(u8, &Address)> = route.iter().enumerate().map(|(at, hop)| (kind(at), hop)).collect();
    for alike in hops.chunk_by(|(kind, _), (next, _)| kind == next).flat_map(|alike| alike.chunks(MOST_HOPS)) {
        for (at, (kind, hop)) in alike.iter().enumerate() {
            if at == 0 {
                bytes.extend([CRITICAL | (alike.len() as u8 - 1), *kind]);
            }
            bytes.extend_from_slice(&hop[16 - (1 << kind)..]);
        }
    }
}

/// Never shorter than half an address: readers differ on its reference.
fn first_hop_kind(hop: Address, prefix: [u8; 8]) -> u8 {
    if address::prefix(hop) == prefix { 3 } else { 4 }
}

/// The shortest form that gives the hop back.
fn hop_kind(hop: Address, reference: Address) -> u8 {
    let differs_from = hop.iter().zip(reference).position(|(byte, other)| *byte != other).unwrap_or(15);
    match differs_from {
        15.. => 0,
        14 => 1,
        12.. => 2,
        8.. => 3,
        _prefix => 4,
    }
}
