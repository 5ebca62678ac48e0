//! The WebSocket of a link: frames in and out, never waiting.
//!
//! What `tungstenite` demands is kept here: a message that "would block" is queued all the same, and after a message that is
//! too long it must never be read again. So [`Socket::close`] takes the socket away and leaves a [`Farewell`] that reads
//! bytes, not frames.

use std::io::{self, Read};

use mio::net::TcpStream;
use tungstenite::error::CapacityError;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Bytes, Error, Message, Utf8Bytes, WebSocket};

use crate::link::action::Room;
use crate::link::pulse::Payload;

/// Longest message that is taken of a host that has not proved itself, bytes.
const LONGEST_OF_STRANGERS: usize = 1024;

/// Longest message that is taken of one that has, bytes.
const LONGEST: usize = 64 * 1024;

/// Small, since it is allocated at once; a longer message makes it grow and no more than it needs.
const READ_BUFFER: usize = 4096;

/// Messages gather up to this before they are written, so that a snapshot takes few system calls.
const WRITE_BUFFER: usize = 16 * 1024;

/// More than can wait: nothing is added while something does, except a page just begun, pings and the last words.
const MOST_WAITING: usize = 256 * 1024;

/// Reads of a farewell in one go.
const READS_AT_ONCE: usize = 64;

/// How a WebSocket is set up, before the host has proved itself.
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MOST_WAITING)
        .max_message_size(Some(LONGEST_OF_STRANGERS))
        .max_frame_size(Some(LONGEST_OF_STRANGERS))
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocket<TcpStream>,
    room: Room,
}

/// What came.
#[derive(Debug)]
pub enum Received {
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame.
    Binary,
    /// A pong.
    Pong(Bytes),
    /// A ping, which is answered already.
    Ping,
    /// Nothing more for now.
    Nothing,
    /// A message longer than allowed: close, and receive no more.
    TooLong,
    /// The host closes; there is nothing more to do than to drop the socket.
    Closed {
        /// Its code.
        code: Option<u16>,
        /// Its words.
        reason: String,
    },
    /// The connection is gone, or what came is no WebSocket: drop it.
    Failed(String),
}

impl Socket {
    /// A WebSocket whose upgrade is done.
    pub fn new(stream: WebSocket<TcpStream>) -> Self {
        Self { stream, room: Room::Free }
    }

    /// The next frame.
    pub fn receive(&mut self) -> Received {
        match self.stream.read() {
            Ok(Message::Text(text)) => Received::Text(text),
            Ok(Message::Binary(_)) => Received::Binary,
            Ok(Message::Pong(payload)) => Received::Pong(payload),
            Ok(Message::Ping(_) | Message::Frame(_)) => Received::Ping,
            Ok(Message::Close(frame)) => {
                // Lets the answer out that the library has prepared; nobody minds when it does not get through.
                let _ = self.stream.flush();
                let (code, reason) = frame.map_or((None, String::new()), |frame| (Some(frame.code.into()), frame.reason.to_string()));
                Received::Closed { code, reason }
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => Received::TooLong,
            Err(error) => Received::Failed(format!("the connection to the GUI host broke: {error}")),
        }
    }

    /// Takes longer messages from now on.
    pub fn trust(&mut self) {
        self.stream.set_config(|config| {
            config.max_message_size = Some(LONGEST);
            config.max_frame_size = Some(LONGEST);
        });
    }

    /// Is there room for another message?
    pub fn room(&self) -> Room {
        self.room
    }

    /// Sends a text frame, now or as soon as there is room.
    pub fn send(&mut self, text: String) -> Result<(), String> {
        let written = self.stream.write(Message::text(text));
        self.note(written)
    }

    /// Sends a ping, likewise.
    pub fn ping(&mut self, payload: Payload) -> Result<(), String> {
        let written = self.stream.write(Message::Ping(Bytes::copy_from_slice(&payload)));
        self.note(written)
    }

    /// Lets out what waits.
    pub fn flush(&mut self) -> Result<(), String> {
        let flushed = self.stream.flush();
        if flushed.is_ok() {
            self.room = Room::Free;
        }
        self.note(flushed)
    }

    /// Says goodbye.
    pub fn close(mut self, code: u16, reason: &'static str) -> Farewell {
        // Whether it gets through shows in the farewell.
        let _ = self.stream.close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) }));
        Farewell { stream: self.stream }
    }

    fn note(&mut self, result: Result<(), Error>) -> Result<(), String> {
        match result {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.room = Room::Full;
                Ok(())
            }
            Err(error) => Err(format!("the connection to the GUI host broke: {error}")),
        }
    }
}

/// A connection after its goodbye. Closing it with bytes unread would make the kernel reset it, and the host might lose the
/// reason; so what still comes is read, and thrown away, until the host closes too.
#[derive(Debug)]
pub struct Farewell {
    stream: WebSocket<TcpStream>,
}

/// How far a farewell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Wait for the next event.
    Waits,
    /// There is more to read: come again before sleeping.
    HasMore,
    /// The connection can be dropped.
    Over,
}

impl Farewell {
    /// Sends what waits and throws away what comes.
    pub fn proceed(&mut self) -> Leaving {
        match self.stream.flush() {
            Ok(()) => {}
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Leaving::Over,
        }
        let mut thrown_away = [0; READ_BUFFER];
        for _read in 0..READS_AT_ONCE {
            match self.stream.get_mut().read(&mut thrown_away) {
                Ok(0) => return Leaving::Over,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Leaving::Waits,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Leaving::Over,
            }
        }
        Leaving::HasMore
    }
}
