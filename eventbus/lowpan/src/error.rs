//! Why bytes are not what they should be: what was read, at which byte, and what was expected there.

/// What is wrong with a packet, or with a part of one. Offsets count from the first byte that was given to `parse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LowpanError {
    /// A field reaches beyond the last byte.
    #[error("truncated: {what} at byte {at} needs {need} bytes, and {left} are left")]
    Truncated {
        /// Which field.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// How long it is.
        need: usize,
        /// How much there is.
        left: usize,
    },
    /// A length that its field cannot have.
    #[error("bad length: {what} at byte {at} cannot have {length} bytes")]
    BadLength {
        /// Which field.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// What was told.
        length: usize,
    },
    /// No header begins like this; a fragment is for [`crate::Fragment::parse`].
    #[error("unknown dispatch 0x{byte:02x} at byte {at}: IPHC (011xxxxx) is expected, behind page 1 (0xf1) also 6LoRH (10xxxxxx)")]
    UnknownDispatch {
        /// Where.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// A dispatch of RFC 8025 for a page other than 1.
    #[error("page {page} of RFC 8025 is not known: 6LoRH is on page 1")]
    UnknownPage {
        /// Which.
        page: u8,
    },
    /// A 6LoRH that must be understood (RFC 8138, section 4.2) and is not.
    #[error("unknown critical 6LoRH of type {kind} at byte {at}: such a packet has to be dropped")]
    UnknownCritical {
        /// Where it begins.
        at: usize,
        /// Its type.
        kind: u8,
    },
    /// An address compressed in a way that RFC 6282 reserves.
    #[error("reserved address mode in the IPHC encoding 0x{encoding:02x} at byte {at}")]
    ReservedMode {
        /// Where the encoding stands.
        at: usize,
        /// Its second byte.
        encoding: u8,
    },
    /// An address compressed against a context other than 0, the network's prefix.
    #[error("unknown context {context} at byte {at}: there is only 0, the network's prefix")]
    UnknownContext {
        /// Where it is named.
        at: usize,
        /// Which.
        context: u8,
    },
    /// A compressed next header that is neither UDP, hop-by-hop nor IPv6.
    #[error("unknown compressed next header 0x{byte:02x} at byte {at}")]
    UnknownNextHeader {
        /// Where.
        at: usize,
        /// Its first byte.
        byte: u8,
    },
    /// A tunnel inside a tunnel.
    #[error("a second encapsulation at byte {at}: one is the most")]
    NestedTunnel {
        /// Where the inner one begins.
        at: usize,
    },
    /// A fragment that lies outside of its datagram, or ends within a unit of eight bytes.
    #[error("bad fragment: {length} bytes at offset {offset} of {size}")]
    BadFragment {
        /// Bytes of the whole datagram.
        size: u16,
        /// Where the fragment begins.
        offset: u16,
        /// How many bytes it brings.
        length: usize,
    },
    /// The checksum of UDP or `ICMPv6` does not fit its packet.
    #[error("wrong checksum of protocol {protocol}")]
    BadChecksum {
        /// The IPv6 next header.
        protocol: u8,
    },
}

impl LowpanError {
    /// A short name for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::BadLength { .. } => "bad-length",
            Self::UnknownDispatch { .. } => "unknown-dispatch",
            Self::UnknownPage { .. } => "unknown-page",
            Self::UnknownCritical { .. } => "unknown-critical",
            Self::ReservedMode { .. } => "reserved-mode",
            Self::UnknownContext { .. } => "unknown-context",
            Self::UnknownNextHeader { .. } => "unknown-next-header",
            Self::NestedTunnel { .. } => "nested-tunnel",
            Self::BadFragment { .. } => "bad-fragment",
            Self::BadChecksum { .. } => "bad-checksum",
        }
    }
}
