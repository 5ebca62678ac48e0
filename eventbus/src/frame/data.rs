//! `D` frames: a 6LoWPAN packet from the mesh, or the reply to a serial echo.
//!
//! Nothing in the frame tells which of the two it is; whoever waits for an echo must know. So the body stays as it came,
//! and [`DataFrame::mesh`] reads it as a packet for those who expect one.

use mqtypes::ids::{Asn, Eui64};

use super::octets::{Reader, Truncated, Writer};

pub(super) const TYPE: u8 = b'D';

/// `type | id(2) | asn(5) | body` (`openserial_printData`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFrame {
    /// The 16-bit address of the mote on the serial line.
    pub id16: u16,
    /// When it was handed to the serial line; 40 bits on the wire.
    pub asn: Asn,
    /// What follows, as it came: any number of bytes.
    pub body: Vec<u8>,
}

/// What the body of a [`DataFrame`] holds when it came from the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshData<'a> {
    /// Link-layer destination: the root that passes it on.
    pub destination: Eui64,
    /// Link-layer source: the previous hop, which is the IPv6 source when that is elided.
    pub source: Eui64,
    /// A 6LoWPAN packet, or a fragment of one (RFC 4944).
    pub lowpan: &'a [u8],
}

impl DataFrame {
    /// The frame in which a root passes a packet on; the mirror of [`DataFrame::mesh`].
    pub fn from_mesh(id16: u16, asn: Asn, mesh: MeshData<'_>) -> Self {
        Self { id16, asn, body: [mesh.destination.0.as_slice(), &mesh.source.0, mesh.lowpan].concat() }
    }

    /// The body as a packet from the mesh; none when it is too short for the two addresses.
    pub fn mesh(&self) -> Option<MeshData<'_>> {
        let (destination, rest) = self.body.split_first_chunk()?;
        let (source, lowpan) = rest.split_first_chunk()?;
        Some(MeshData { destination: Eui64(*destination), source: Eui64(*source), lowpan })
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self { id16: reader.u16_be()?, asn: reader.asn()?, body: reader.rest().to_vec() })
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.u16_be(self.id16).asn(self.asn).bytes(&self.body)
    }
}
