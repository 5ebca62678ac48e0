//! Between `serial-bridge` and `eventbus`: ports, frames, and the way down to a mote.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::health::ProcessHealth;
use crate::ids::{Generation, PortName, WriteId};
use crate::mono::Mono;

/// What `serial-bridge` tells `eventbus`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SerialNotification {
    /// State: the newest report of a port replaces the one before.
    Port(PortReport),
    /// Event: one frame with a right CRC came from a mote.
    Frame(ReceivedFrame),
    /// Event: the end of one [`SerialCommand::Write`].
    Write(WriteReport),
    /// State: answer to [`SerialCommand::ReportHealth`].
    Health(ProcessHealth),
    /// Event: frames that could not be handed over since the last such notice, because the queue was full for too long.
    Lost {
        /// How many frames.
        frames: u64,
    },
    /// Event: bytes crossed a line, while [`SerialCommand::PassBytes`] holds.
    Bytes(LineBytes),
}

/// What `eventbus` asks of `serial-bridge`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SerialCommand {
    /// Frame this payload and send it to the mote.
    Write(FrameToMote),
    /// Report every port again; `eventbus` has restarted.
    ReportPorts,
    /// Report the process's own figures.
    ReportHealth,
    /// Pass on the bytes of all ports as they cross the lines, until this moment. The newest wish replaces the one before; a moment
    /// that has passed ends it.
    PassBytes {
        /// Until when.
        until: Mono,
    },
}

/// One port as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PortReport {
    /// Which port.
    pub port: PortName,
    /// Counts its openings.
    pub generation: Generation,
    /// What it is doing.
    pub state: PortState,
    /// Since when it is in this state.
    pub since: Mono,
    /// Bits per second; 0 when not known yet.
    pub baud: u32,
    /// Totals since `serial-bridge` started.
    pub counters: PortCounters,
}

/// What a port is doing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortState {
    /// Not there, or lost; it is opened when it comes back.
    Down {
        /// Why, in words for a person.
        cause: String,
    },
    /// Open, and looked at: is there a mote, and at which rate?
    Probing,
    /// Open; frames are passed on.
    Up,
    /// It keeps failing; it is still tried, more slowly.
    Fault {
        /// Why, in words for a person.
        cause: String,
    },
}

/// Totals of one port since `serial-bridge` started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PortCounters {
    /// Bytes read from the line.
    pub rx_bytes: u64,
    /// Frames with a right CRC.
    pub rx_frames: u64,
    /// Bytes written to the line.
    pub tx_bytes: u64,
    /// Frames written completely.
    pub tx_frames: u64,
    /// Bytes that came before the first flag of their opening: no mote speaks, or the baud rate is wrong.
    pub noise_bytes: u64,
    /// Times that output stood still because the mote wanted silence or the line took no more.
    pub stalls: u64,
    /// Times that output stood still without an XON and was let go on.
    pub forced_resumes: u64,
    /// Times that the port was opened.
    pub openings: u64,
    /// Frames passed over, by reason; reasons that never occurred are absent.
    pub faults: Vec<FaultCount>,
}

/// How often frames were passed over for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FaultCount {
    /// The reason.
    pub fault: FrameFault,
    /// How often.
    pub count: u64,
}

/// Why bytes between two flags were no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameFault {
    /// The CRC does not match.
    BadCrc,
    /// Fewer bytes than a CRC and a type.
    TooShort,
    /// More bytes than a frame may have.
    TooLong,
    /// The frame ends in the middle of an escape.
    EscapeAtEnd,
}

impl FrameFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BadCrc, Self::TooShort, Self::TooLong, Self::EscapeAtEnd];

    /// The name used in counts: `fromMote.invalid.NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadCrc => "bad-crc",
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::EscapeAtEnd => "escape-at-end",
        }
    }
}

/// One frame with a right CRC.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ReceivedFrame {
    /// Where it came in.
    pub port: PortName,
    /// Which opening of that port.
    pub generation: Generation,
    /// When its closing flag was read.
    pub heard: Mono,
    /// The payload, without flags, escapes and CRC; its first byte is the frame type.
    pub payload: Vec<u8>,
}

/// One frame for a mote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FrameToMote {
    /// Returned in the [`WriteReport`].
    pub id: WriteId,
    /// Where to.
    pub port: PortName,
    /// Which opening of the port it is meant for.
    pub generation: Generation,
    /// Not to be sent after this moment.
    pub deadline: Mono,
    /// The payload, at most [`MAX_PAYLOAD_TO_MOTE`] bytes; its first byte is the frame type.
    pub payload: Vec<u8>,
}

/// The longest payload a mote takes: its input buffer holds 199 bytes, two of them CRC.
pub const MAX_PAYLOAD_TO_MOTE: usize = 197;

/// Bytes as they crossed the line of one port, for whoever records them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct LineBytes {
    /// Which port.
    pub port: PortName,
    /// Which opening of it.
    pub generation: Generation,
    /// Which way they went.
    pub direction: Direction,
    /// When they were read, or taken by the kernel.
    pub at: Mono,
    /// How many went this way before them since `serial-bridge` started: what is missing between two pieces shows here.
    pub offset: u64,
    /// 1 to [`MAX_LINE_BYTES`] of them. From a mote: as the kernel hands them over, which takes XON and XOFF out of what comes from a
    /// device. To a mote: as they were written.
    pub bytes: Vec<u8>,
}

/// So many bytes are passed on in one piece: several pieces fit into a message.
pub const MAX_LINE_BYTES: usize = 1024;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the mote.
    Rx,
    /// To the mote.
    Tx,
}

impl Direction {
    /// As recordings have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rx => "rx",
            Self::Tx => "tx",
        }
    }
}

/// The end of one [`FrameToMote`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct WriteReport {
    /// Which one.
    pub id: WriteId,
    /// How it ended.
    pub end: WriteEnd,
}

/// How a [`FrameToMote`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteEnd {
    /// The kernel has all of its bytes.
    Written,
    /// No such port is configured.
    NoSuchPort,
    /// The port is not open, or was opened anew since.
    PortDown,
    /// More than a port's output buffer holds is waiting already.
    Busy,
    /// The payload is empty or longer than a mote takes.
    BadLength,
    /// The deadline passed before all bytes were out.
    Expired,
}
