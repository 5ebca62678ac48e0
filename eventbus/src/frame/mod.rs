//! The frames that an OpenWSN mote and its host exchange over the serial line, after HDLC.
//!
//! Each family has its file and two directions that mirror each other: reading never panics, whatever the bytes, and
//! writing what was read gives the same bytes (flags that are neither 0 nor 1 become 1). The emulated motes of the tests
//! speak through the same code. What is unknown stays visible as what it is: an element by its number, a body by its bytes.

mod data;
mod log;
mod octets;
mod printf;
mod sniffed;
mod status;
mod tables;
mod to_mote;

pub use data::{DataFrame, MeshData};
pub use log::{Described, LogFrame};
pub use printf::PrintfFrame;
pub use sniffed::SniffedFrame;
pub use status::StatusFrame;
pub use to_mote::{HostFrame, MAX_ECHO, MAX_LOWPAN, RootAction, SetRoot};

use octets::{Reader, Truncated, Writer};

/// Acknowledgement of a host frame; firmware REL-1.20.0 only.
const LEGACY_ACK: u8 = b'A';

/// "The host may send now"; firmware up to REL-1.18.0.
const LEGACY_REQUEST: u8 = b'R';

/// A frame from a mote. The first byte of its payload is its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// `S`: an element of the mote's state.
    Status(StatusFrame),
    /// `V`, `I`, `W`, `U`, `E`, `C`: a log message.
    Log(LogFrame),
    /// `D`: a 6LoWPAN packet from the mesh, or the reply to a serial echo.
    Data(DataFrame),
    /// `F`: text that the firmware printed.
    Printf(PrintfFrame),
    /// `P`: an IEEE 802.15.4 frame off the air.
    Sniffed(SniffedFrame),
    /// `A`: acknowledgement of a host frame, firmware REL-1.20.0 only.
    LegacyAck {
        /// The mote's 16-bit address.
        id16: u16,
    },
    /// `R`: the host may send now, firmware up to REL-1.18.0.
    LegacyRequest,
}

impl Frame {
    /// Reads the payload of a frame from a mote: what is left once flags, escapes and CRC are gone.
    pub fn parse(payload: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader::new(payload);
        let kind = reader.u8().map_err(|Truncated { .. }| FrameError::Empty)?;
        let frame = match kind {
            status::TYPE => Self::Status(StatusFrame::read(&mut reader)?),
            data::TYPE => Self::Data(DataFrame::read(&mut reader)?),
            printf::TYPE => Self::Printf(PrintfFrame::read(&mut reader)?),
            sniffed::TYPE => Self::Sniffed(SniffedFrame::read(&mut reader)?),
            LEGACY_ACK => Self::LegacyAck { id16: reader.u16_be()? },
            LEGACY_REQUEST => Self::LegacyRequest,
            other => {
                let severity = log::severity(other).ok_or(FrameError::UnknownType(other))?;
                Self::Log(LogFrame::read(severity, &mut reader)?)
            }
        };
        reader.end()?;
        Ok(frame)
    }

    /// Writes the payload: the mirror of [`Frame::parse`].
    pub fn emit(&self) -> Vec<u8> {
        let writer = Writer::default();
        match self {
            Self::Status(frame) => frame.write(writer.u8(status::TYPE)),
            Self::Log(frame) => frame.write(writer.u8(log::type_byte(frame.severity))),
            Self::Data(frame) => frame.write(writer.u8(data::TYPE)),
            Self::Printf(frame) => frame.write(writer.u8(printf::TYPE)),
            Self::Sniffed(frame) => frame.write(writer.u8(sniffed::TYPE)),
            Self::LegacyAck { id16 } => writer.u8(LEGACY_ACK).u16_be(*id16),
            Self::LegacyRequest => writer.u8(LEGACY_REQUEST),
        }
        .into_bytes()
    }
}

/// Why bytes are no frame, in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not even a type byte.
    #[error("an empty frame")]
    Empty,
    /// The first byte names no family.
    #[error("unknown frame type 0x{0:02x}")]
    UnknownType(u8),
    /// Fewer bytes than the family must have.
    #[error("truncated frame: it needs {need} bytes at least and has {got}")]
    Truncated {
        /// The least that would have carried the reading on.
        need: usize,
        /// What there was.
        got: usize,
    },
    /// More bytes than the family can have, or than a mote takes as packet or echo.
    #[error("too long: {most} bytes are the most, and there are {got}")]
    TooLong {
        /// The most there may be.
        most: usize,
        /// What there was.
        got: usize,
    },
    /// An `R` frame to a mote that says neither yes, no nor toggle.
    #[error("unknown root action 0x{0:02x}: Y, N or T is expected")]
    UnknownAction(u8),
}

impl FrameError {
    /// A short name for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::UnknownType(_) => "unknown-type",
            Self::Truncated { .. } => "truncated",
            Self::TooLong { .. } => "too-long",
            Self::UnknownAction(_) => "unknown-action",
        }
    }
}

impl From<Truncated> for FrameError {
    fn from(Truncated { need, got }: Truncated) -> Self {
        Self::Truncated { need, got }
    }
}
