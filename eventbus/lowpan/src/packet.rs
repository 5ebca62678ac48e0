//! An IPv6 packet of the mesh: 6LoRH, IPHC and what they carry, with all compression undone.

use mqtypes::ids::Eui64;

use crate::address::{Address, Scope};
use crate::iphc::{self, Iphc};
use crate::lorh::{self, RoutingHeaders, Rpi};
use crate::nhc::{self, Next};
use crate::octets::Reader;
use crate::{LowpanError, checksum};

/// Between whom a packet went last; elided halves of addresses are theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The previous hop, not the origin.
    pub source: Eui64,
    /// The root that passes the packet on.
    pub destination: Eui64,
}

/// A packet. Compression is undone: `payload` is what would stand behind an IPv6 header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// How it travels through the DODAG.
    pub rpi: Option<Rpi>,
    /// The encapsulation around it: it comes from, or goes to, another network.
    pub tunnel: Option<Tunnel>,
    /// The source route that is left, the next hop first; the destination is not in it. Nothing on the way up.
    pub route: Vec<Address>,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// 20 bits.
    pub flow_label: u32,
    /// Hops that it may still go, in its own header.
    pub hop_limit: u8,
    /// Who sent it.
    pub source: Address,
    /// To whom.
    pub destination: Address,
    /// What the payload is: [`Packet::UDP`], [`Packet::ICMPV6`] or any other.
    pub next_header: u8,
    /// The payload with its own header.
    pub payload: Vec<u8>,
}

/// IP-in-IP: an outer header, of which only this is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunnel {
    /// Hops that the outer packet may still go.
    pub hop_limit: u8,
    /// Who encapsulated it; none when elided, which stands for the border router (`bbbb::1` with OpenWSN).
    pub source: Option<Address>,
}

impl Packet {
    /// Next header of UDP.
    pub const UDP: u8 = 17;
    /// Next header of `ICMPv6`.
    pub const ICMPV6: u8 = 58;

    /// Motes send everything with this hop limit.
    const HOP_LIMIT: u8 = 64;

    /// A packet as a mote makes it, without RPI: between motes of one network there is no tunnel.
    pub fn new(source: Address, destination: Address, next_header: u8, payload: Vec<u8>) -> Self {
        Self {
            rpi: None,
            tunnel: None,
            route: vec![],
            traffic_class: 0,
            flow_label: 0,
            hop_limit: Self::HOP_LIMIT,
            source,
            destination,
            next_header,
            payload,
        }
    }

    /// Reads a whole packet: `[f1 | 6LoRH…] | IPHC | [NHC] | payload`. `prefix` is the network's, context 0. The bytes
    /// of a first fragment can be read too, as far as they go; a checksum is [`Packet::check`]'s.
    pub fn parse(lowpan: &[u8], link: Link, prefix: [u8; 8]) -> Result<Self, LowpanError> {
        let scope = Scope { link, prefix };
        let mut reader = Reader::new(lowpan);
        let routing = RoutingHeaders::read(&mut reader, scope)?;
        let mut tunnel = routing.tunnel;
        loop {
            let header = Iphc::read(&mut reader, scope)?;
            let (next_header, payload) = match header.next_header {
                Some(next_header) => (next_header, reader.rest().to_vec()),
                None => match nhc::read(&mut reader, &header)? {
                    Next::Upper { next_header, payload } => (next_header, payload),
                    Next::Ipv6 if tunnel.is_some() => return Err(LowpanError::NestedTunnel { at: reader.at() }),
                    Next::Ipv6 => {
                        tunnel = Some(Tunnel { hop_limit: header.hop_limit, source: Some(header.source) });
                        continue;
                    }
                },
            };
            let route = routing.route(header.source, scope);
            let Iphc { traffic_class, flow_label, hop_limit, source, destination, .. } = header;
            return Ok(Self {
                rpi: routing.rpi,
                tunnel,
                route,
                traffic_class,
                flow_label,
                hop_limit,
                source,
                destination,
                next_header,
                payload,
            });
        }
    }

    /// Writes it as motes and roots do: `f1 | [RH3] | [RPI] | [IP-in-IP] | IPHC | payload`, next header inline, and
    /// addresses of the network `prefix` and of the link without their first halves. The mirror of [`Packet::parse`].
    pub fn emit(&self, prefix: [u8; 8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + 48);
        lorh::write(&mut bytes, prefix, &self.route, self.rpi, self.tunnel);
        iphc::write(&mut bytes, self, prefix);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Refuses a UDP or `ICMPv6` message whose checksum is wrong. A packet whose end a forwarder lost looks right until then.
    pub fn check(&self) -> Result<(), LowpanError> {
        let is_checked = matches!(self.next_header, Self::UDP | Self::ICMPV6);
        if is_checked && !checksum::is_right(self.source, self.destination, self.next_header, &self.payload) {
            return Err(LowpanError::BadChecksum { protocol: self.next_header });
        }
        Ok(())
    }
}
