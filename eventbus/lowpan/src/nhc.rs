//! Compressed next headers (NHC, RFC 6282, section 4), undone: behind this there is plain UDP, or whatever was told.
//!
//! They are read only where IPHC says so. The firmware sends none; older ones did, and `OpenVisualizer` knows UDP,
//! hop-by-hop and IPv6 in IPv6. A hop-by-hop header is for forwarders and passed over.

use crate::iphc::Iphc;
use crate::octets::Reader;
use crate::{LowpanError, Packet, Udp};

/// `11110 C P`.
const UDP: u8 = 0xf0;
const UDP_MASK: u8 = 0xf8;
/// The checksum is elided.
const NO_CHECKSUM: u8 = 0x04;

/// `1110 EID NH`: an IPv6 extension header.
const EXTENSION: u8 = 0xe0;
const EXTENSION_MASK: u8 = 0xf0;
const HOP_BY_HOP: u8 = 0;
const IPV6: u8 = 7;

/// Ports that need one byte and those that need half of one begin like this.
const BYTE_PORTS: u16 = 0xf000;
const NIBBLE_PORTS: u16 = 0xf0b0;

/// What an IPv6 header is followed by.
#[derive(Debug)]
pub(crate) enum Next {
    Upper {
        next_header: u8,
        payload: Vec<u8>,
    },
    /// Another IPHC.
    Ipv6,
}

pub(crate) fn read(reader: &mut Reader<'_>, header: &Iphc) -> Result<Next, LowpanError> {
    loop {
        let at = reader.at();
        let byte = reader.u8("compressed next header")?;
        if byte & UDP_MASK == UDP {
            return Ok(Next::Upper { next_header: Packet::UDP, payload: read_udp(at, byte, reader, header)? });
        }
        match (byte & EXTENSION_MASK, byte >> 1 & 7) {
            (EXTENSION, HOP_BY_HOP) => {
                let is_compressed = byte & 1 != 0;
                let next_header = if is_compressed { None } else { Some(reader.u8("next header")?) };
                let length = reader.u8("hop-by-hop length")?;
                reader.slice("hop-by-hop options", usize::from(length))?;
                if let Some(next_header) = next_header {
                    return Ok(Next::Upper { next_header, payload: reader.rest().to_vec() });
                }
            }
            (EXTENSION, IPV6) => return Ok(Next::Ipv6),
            _unknown => return Err(LowpanError::UnknownNextHeader { at, byte }),
        }
    }
}

fn read_udp(at: usize, byte: u8, reader: &mut Reader<'_>, header: &Iphc) -> Result<Vec<u8>, LowpanError> {
    let (source_port, destination_port) = match byte & 3 {
        0 => (reader.u16("UDP source port")?, reader.u16("UDP destination port")?),
        1 => (reader.u16("UDP source port")?, read_short_port(reader)?),
        2 => (read_short_port(reader)?, reader.u16("UDP destination port")?),
        _three => {
            let ports = u16::from(reader.u8("UDP ports")?);
            (NIBBLE_PORTS | ports >> 4, NIBBLE_PORTS | ports & 0x0f)
        }
    };
    let checksum = if byte & NO_CHECKSUM == 0 { Some(reader.u16("UDP checksum")?) } else { None };
    let payload = reader.rest();
    if payload.len() > usize::from(u16::MAX) - 8 {
        return Err(LowpanError::BadLength { what: "UDP", at, length: payload.len() });
    }
    let udp = Udp { source_port, destination_port, payload };
    Ok(checksum.map_or_else(|| udp.emit(header.source, header.destination), |checksum| udp.emit_with(checksum)))
}

fn read_short_port(reader: &mut Reader<'_>) -> Result<u16, LowpanError> {
    Ok(BYTE_PORTS | u16::from(reader.u8("short UDP port")?))
}
