//! The only file that calls the encoding crate.
//!
//! A message is `prefix | envelope | item+`. Items are packed until the next does not fit, so that
//! several frames share one message when they are there anyway. The encoding is bincode 2 with
//! variable-length integers (`config::standard()`): little-endian, `u8` as it is, wider integers as
//! one byte below 251, else 251/252/253 and 2/4/8 bytes; signed ones zig-zag; text and lists with
//! their length in front; an enum's variant as a `u32` in the same form, an `Option` as 0 or 1.

use bincode::config::{self, Config};
use bincode::{Decode, Encode};

use crate::broker::{Notification, Request};
use crate::envelope::{CURRENT, Envelope, MAGIC, MIN, NO_FLAGS, PREFIX_LEN};
use crate::serial::{SerialCommand, SerialNotification};
use crate::wake::ProxyRequest;

/// The longest message: what a queue takes without privilege on Linux.
pub const MAX_MESSAGE: usize = 8192;

/// Bound on what one decoded item may claim, in bytes. The limit counts decoded size, and a claimed
/// length above it is refused before anything is reserved for it.
const DECODE_LIMIT: usize = 4 * MAX_MESSAGE;

/// What a queue can carry. Its encoding is compiled here, once, and not again in each crate that says or hears it.
pub trait Item: Sized {
    /// Writes it to the start of `buffer`: how many bytes that took.
    fn write(&self, buffer: &mut [u8]) -> Result<usize, DoesNotFit>;

    /// Reads one from the start of `bytes`: with how many bytes that took, or what the decoder stumbled over.
    fn read(bytes: &[u8]) -> Result<(Self, usize), String>;
}

macro_rules! items {
    ($($name:ty),+) => {
        $(impl Item for $name {
            fn write(&self, buffer: &mut [u8]) -> Result<usize, DoesNotFit> {
                write(self, buffer)
            }

            fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
                read(bytes)
            }
        })+
    };
}

// What `queues.rs` declares.
items!(SerialNotification, SerialCommand, Request, Notification, ProxyRequest);

fn config() -> impl Config {
    config::standard().with_limit::<DECODE_LIMIT>()
}

/// Why bytes are not a message for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not from this family of processes at all.
    #[error("foreign bytes: {len} bytes that do not start with the bus's magic")]
    Foreign {
        /// Length of the message.
        len: usize,
    },
    /// From a build that is ahead of this one.
    #[error("protocol version {got} is newer than {CURRENT}, the newest this build understands")]
    Newer {
        /// The version in the prefix.
        got: u8,
    },
    /// From a build that this one no longer understands.
    #[error("protocol version {got} is older than {MIN}, the oldest this build understands")]
    Older {
        /// The version in the prefix.
        got: u8,
    },
    /// The prefix is right, the rest is not.
    #[error("malformed message: {what}")]
    Malformed {
        /// Who claims to have sent it, when that could be read.
        sender: Option<crate::envelope::Sender>,
        /// What the decoder stumbled over.
        what: String,
    },
    /// A well-formed item, and bytes behind it that are none.
    #[error("{len} trailing bytes after {items} items")]
    Trailing {
        /// Who claims to have sent it.
        sender: crate::envelope::Sender,
        /// Items that decoded.
        items: usize,
        /// Bytes that did not.
        len: usize,
    },
}

impl DecodeError {
    /// A short name for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "foreign",
            Self::Newer { .. } => "newer-version",
            Self::Older { .. } => "older-version",
            Self::Malformed { .. } => "malformed",
            Self::Trailing { .. } => "trailing-bytes",
        }
    }

    /// Who claims to have sent it, when the envelope could be read.
    pub fn sender(&self) -> Option<crate::envelope::Sender> {
        match self {
            Self::Foreign { .. } | Self::Newer { .. } | Self::Older { .. } => None,
            Self::Malformed { sender, .. } => *sender,
            Self::Trailing { sender, .. } => Some(*sender),
        }
    }
}

/// An item that no message can carry: it is longer than [`MAX_MESSAGE`] less the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not fit into what is left of the message")]
pub struct DoesNotFit;

/// Packs items into one message of bounded size, in place.
#[derive(Debug)]
pub struct Packer<'a> {
    buffer: &'a mut [u8],
    used: usize,
    items: usize,
}

impl<'a> Packer<'a> {
    /// Starts a message in `buffer`, whose length is the bound (the queue's message size).
    pub fn new(buffer: &'a mut [u8], envelope: &Envelope) -> Result<Self, DoesNotFit> {
        let prefix = buffer.get_mut(..PREFIX_LEN).ok_or(DoesNotFit)?;
        prefix[..MAGIC.len()].copy_from_slice(&MAGIC);
        prefix[MAGIC.len()] = CURRENT;
        prefix[MAGIC.len() + 1] = NO_FLAGS;
        let mut packer = Self { buffer, used: PREFIX_LEN, items: 0 };
        packer.used += write(envelope, &mut packer.buffer[PREFIX_LEN..])?;
        Ok(packer)
    }

    /// Adds an item, or leaves the message as it was when the item does not fit.
    pub fn push<T: Item>(&mut self, item: &T) -> Result<(), DoesNotFit> {
        self.used += item.write(&mut self.buffer[self.used..])?;
        self.items += 1;
        Ok(())
    }

    /// How many items are in.
    pub fn items(&self) -> usize {
        self.items
    }

    /// The message so far.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.used]
    }
}

/// One message of a single item, for tools and tests.
pub fn encode<T: Item>(envelope: &Envelope, item: &T) -> Result<Vec<u8>, DoesNotFit> {
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut packer = Packer::new(&mut buffer, envelope)?;
    packer.push(item)?;
    let used = packer.bytes().len();
    buffer.truncate(used);
    Ok(buffer)
}

/// Decodes a whole message: all of its items, or an error and none.
pub fn decode<T: Item>(message: &[u8]) -> Result<(Envelope, Vec<T>), DecodeError> {
    let body = check_prefix(message)?;
    let (envelope, mut at) = read::<Envelope>(body).map_err(|what| DecodeError::Malformed { sender: None, what })?;
    let mut items = Vec::new();
    while at < body.len() {
        match T::read(&body[at..]) {
            Ok((item, len)) => {
                items.push(item);
                at += len.max(1);
            }
            Err(_) if !items.is_empty() => {
                return Err(DecodeError::Trailing { sender: envelope.sender, items: items.len(), len: body.len() - at });
            }
            Err(what) => return Err(DecodeError::Malformed { sender: Some(envelope.sender), what }),
        }
    }
    if items.is_empty() {
        return Err(DecodeError::Malformed { sender: Some(envelope.sender), what: "no item".to_owned() });
    }
    Ok((envelope, items))
}

fn check_prefix(message: &[u8]) -> Result<&[u8], DecodeError> {
    if message.len() < PREFIX_LEN || message[..MAGIC.len()] != MAGIC {
        return Err(DecodeError::Foreign { len: message.len() });
    }
    match message[MAGIC.len()] {
        got if got > CURRENT => Err(DecodeError::Newer { got }),
        got if got < MIN => Err(DecodeError::Older { got }),
        _understood => Ok(&message[PREFIX_LEN..]),
    }
}

fn write<T: Encode>(value: &T, buffer: &mut [u8]) -> Result<usize, DoesNotFit> {
    bincode::encode_into_slice(value, buffer, config()).map_err(|_| DoesNotFit)
}

fn read<T: Decode<()>>(bytes: &[u8]) -> Result<(T, usize), String> {
    bincode::decode_from_slice(bytes, config()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Sender;
    use crate::ids::BootId;
    use crate::mono::Mono;
    use crate::wake::ProxyRequest;

    const HEAD: Envelope = Envelope { sender: Sender::Tool, boot: BootId(7), seq: 3, sent: Mono(9) };

    fn wake() -> Vec<u8> {
        encode(&HEAD, &ProxyRequest::Wake { port: Some(8000) }).expect("fits")
    }

    #[test]
    fn several_items_share_a_message_and_come_out_in_order() {
        let mut buffer = [0; 64];
        let mut packer = Packer::new(&mut buffer, &HEAD).expect("fits");
        let wakes: Vec<_> = (0..4).map(|port| ProxyRequest::Wake { port: Some(port) }).collect();
        for wake in &wakes {
            packer.push(wake).expect("fits");
        }
        assert_eq!(decode::<ProxyRequest>(packer.bytes()), Ok((HEAD, wakes)));
    }

    #[test]
    fn an_item_that_does_not_fit_leaves_the_message_as_it_was() {
        let mut buffer = vec![0; wake().len() + 1];
        let mut packer = Packer::new(&mut buffer, &HEAD).expect("fits");
        packer.push(&ProxyRequest::Wake { port: Some(8000) }).expect("fits");
        assert_eq!(packer.push(&ProxyRequest::Wake { port: Some(8000) }), Err(DoesNotFit));
        assert_eq!(packer.bytes(), wake());
    }

    #[test]
    fn foreign_newer_and_older_are_told_apart() {
        let mut newer = wake();
        newer[4] = CURRENT + 1;
        let mut older = wake();
        older[4] = MIN - 1;
        assert_eq!(decode::<ProxyRequest>(b"hello"), Err(DecodeError::Foreign { len: 5 }));
        assert_eq!(decode::<ProxyRequest>(&newer), Err(DecodeError::Newer { got: CURRENT + 1 }));
        assert_eq!(decode::<ProxyRequest>(&older), Err(DecodeError::Older { got: MIN - 1 }));
    }

    #[test]
    fn trailing_bytes_are_an_error_of_their_own() {
        let mut bytes = wake();
        bytes.extend([0xff, 0xff]);
        assert_eq!(decode::<ProxyRequest>(&bytes), Err(DecodeError::Trailing { sender: Sender::Tool, items: 1, len: 2 }));
    }

    #[test]
    fn a_message_without_items_is_malformed() {
        let mut buffer = [0; 64];
        let packer = Packer::new(&mut buffer, &HEAD).expect("fits");
        let error = decode::<ProxyRequest>(packer.bytes()).expect_err("no item");
        assert_eq!((error.reason(), error.sender()), ("malformed", Some(Sender::Tool)));
    }

    #[test]
    fn a_hostile_length_is_refused_and_reserves_nothing() {
        let mut bytes = wake();
        bytes.truncate(wake().len() - 5);
        // A frame whose port name claims 2^63 bytes.
        bytes.extend([1, 253, 0, 0, 0, 0, 0, 0, 0, 0x80]);
        let error = decode::<SerialNotification>(&bytes).expect_err("hostile");
        assert_eq!(error.reason(), "malformed");
    }
}
