//! Frames from the host to a mote. No frame bears an address: the port selects the mote.
//!
//! The firmware acknowledges none of them; what it did shows in its status, in a log, or in the echo. A frame it would not
//! take is an error here, in both directions: nothing longer than its input buffer may reach the line.

use std::fmt;

use mqtypes::ids::Eui64;
use mqtypes::serial::MAX_PAYLOAD_TO_MOTE;

use super::FrameError;
use super::octets::{Reader, Truncated, Writer};

const SET_ROOT: u8 = b'R';
const DATA: u8 = b'D';
const ECHO: u8 = b'S';
const RESET: u8 = b'Q';

/// The longest 6LoWPAN packet or fragment in one frame (`openbridge_triggerData`): its body has at most 126 bytes, eight of
/// them the next hop.
pub const MAX_LOWPAN: usize = 118;

/// The longest serial echo: the longest payload less the type byte.
pub const MAX_ECHO: usize = MAX_PAYLOAD_TO_MOTE - 1;

/// A frame from the host to a mote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostFrame {
    /// `R`: be DAG root, or not.
    SetRoot(SetRoot),
    /// `D`: send this into the mesh; only a root obeys.
    Data {
        /// Link-layer destination.
        next_hop: Eui64,
        /// A 6LoWPAN packet or fragment, at most [`MAX_LOWPAN`] bytes.
        lowpan: Vec<u8>,
    },
    /// `S`: send these bytes back in a `D` frame; at most [`MAX_ECHO`].
    Echo(Vec<u8>),
    /// `Q`: reset the board at once.
    Reset,
}

/// The body of an `R` frame (`idmanager_triggerAboutRoot`). The mote stores prefix and key whatever the action.
#[derive(Clone, PartialEq, Eq)]
pub struct SetRoot {
    /// What to do with the role.
    pub action: RootAction,
    /// IPv6 /64 prefix of the mesh, most significant byte first.
    pub prefix: [u8; 8],
    /// Index of the link-layer key; 0 means no key.
    pub key_index: u8,
    /// AES-128 link-layer key of the network.
    pub key: [u8; 16],
}

/// The network's key must not find its way into a log.
impl fmt::Debug for SetRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetRoot").field("action", &self.action).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// What an `R` frame does with the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootAction {
    /// `Y`: be root.
    Yes,
    /// `N`: be none.
    No,
    /// `T`: the opposite of what the mote is now. Two in a row restore the role, so it cannot be repeated safely.
    Toggle,
}

impl RootAction {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'Y' => Some(Self::Yes),
            b'N' => Some(Self::No),
            b'T' => Some(Self::Toggle),
            _other => None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Yes => b'Y',
            Self::No => b'N',
            Self::Toggle => b'T',
        }
    }
}

impl HostFrame {
    /// Reads the payload of a frame to a mote, as the firmware would.
    pub fn parse(payload: &[u8]) -> Result<Self, FrameError> {
        check_length(payload.len(), MAX_PAYLOAD_TO_MOTE)?;
        let mut reader = Reader::new(payload);
        match reader.u8().map_err(|Truncated { .. }| FrameError::Empty)? {
            SET_ROOT => SetRoot::read(&mut reader).map(Self::SetRoot),
            DATA => read_data(&mut reader),
            ECHO => Ok(Self::Echo(reader.rest().to_vec())),
            RESET => Ok(Self::Reset),
            other => Err(FrameError::UnknownType(other)),
        }
    }

    /// Writes the payload: the mirror of [`HostFrame::parse`]. What the mote would not take is an error.
    pub fn emit(&self) -> Result<Vec<u8>, FrameError> {
        let writer = Writer::default();
        let payload = match self {
            Self::SetRoot(set) => set.write(writer.u8(SET_ROOT)),
            Self::Data { next_hop, lowpan } => {
                check_length(lowpan.len(), MAX_LOWPAN)?;
                writer.u8(DATA).bytes(&next_hop.0).bytes(lowpan)
            }
            Self::Echo(bytes) => {
                check_length(bytes.len(), MAX_ECHO)?;
                writer.u8(ECHO).bytes(bytes)
            }
            Self::Reset => writer.u8(RESET),
        };
        Ok(payload.into_bytes())
    }
}

impl SetRoot {
    fn read(reader: &mut Reader<'_>) -> Result<Self, FrameError> {
        let action = reader.u8()?;
        let (prefix, key_index, key) = (reader.bytes()?, reader.u8()?, reader.bytes()?);
        reader.end()?;
        // The firmware looks at the length first.
        let action = RootAction::from_byte(action).ok_or(FrameError::UnknownAction(action))?;
        Ok(Self { action, prefix, key_index, key })
    }

    fn write(&self, writer: Writer) -> Writer {
        writer.u8(self.action.byte()).bytes(&self.prefix).u8(self.key_index).bytes(&self.key)
    }
}

fn read_data(reader: &mut Reader<'_>) -> Result<HostFrame, FrameError> {
    let next_hop = reader.eui64()?;
    let lowpan = reader.rest().to_vec();
    check_length(lowpan.len(), MAX_LOWPAN)?;
    Ok(HostFrame::Data { next_hop, lowpan })
}

fn check_length(got: usize, most: usize) -> Result<(), FrameError> {
    if got > most { Err(FrameError::TooLong { most, got }) } else { Ok(()) }
}
