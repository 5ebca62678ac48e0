//! Why what a wslink client sent cannot be understood. The connection ends with it, as it does with
//! the reference server; unlike there, the client is told the reason.

/// A broken frame or message. It is the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No room for the header.
    #[error("a frame of {got} bytes; the header alone has 12")]
    Short {
        /// Its length.
        got: usize,
    },
    /// A chunk without bytes never completes anything.
    #[error("a chunk without payload")]
    Empty,
    /// More than is taken.
    #[error("a message of {total} bytes; at most {max} are taken")]
    TooLong {
        /// What the header claims.
        total: u32,
        /// The bound.
        max: usize,
    },
    /// It does not fit into the message that it belongs to.
    #[error("a chunk of {len} bytes at offset {offset} of a message of {total}")]
    PastEnd {
        /// Where it begins.
        offset: u32,
        /// Its payload's length.
        len: usize,
        /// The message's length.
        total: u32,
    },
    /// Some of its bytes were there before.
    #[error("a chunk at offset {offset} overlaps an earlier one")]
    Overlap {
        /// Where it begins.
        offset: u32,
    },
    /// Two chunks of one message claim different lengths.
    #[error("a chunk of a message of {then} bytes, of which an earlier chunk said {first}")]
    OtherTotal {
        /// What the first one claimed.
        first: u32,
        /// What this one claims.
        then: u32,
    },
    /// A message in crumbs.
    #[error("a message in more than {max} chunks")]
    TooManyChunks {
        /// The bound.
        max: usize,
    },
    /// Messages are begun and not finished.
    #[error("more than {max} messages are begun and not finished")]
    TooManyOpen {
        /// The bound.
        max: usize,
    },
    /// Not msgpack, or deeper than is taken.
    #[error("no msgpack: {0}")]
    Msgpack(String),
    /// Bytes after the end of the value.
    #[error("{0} bytes after the end of the msgpack value")]
    Trailing(usize),
    /// msgpack, but not a message.
    #[error("no wslink message: {0}")]
    Shape(&'static str),
}
