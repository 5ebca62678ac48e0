//! One port of the shell: a pty, whether somebody reads it, and the bytes that it has not taken yet.

use std::io;
use std::time::Duration;

use bus::process::Failure;
use bus::reactor::Registration;
use mio::Interest;
use mqtypes::mono::Mono;

use super::pty::{Got, Pty};
use crate::emulator::script::{Reader, Script};

/// How often an unread port is looked at: no event tells that somebody opened it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A reader opens a port first and makes its settings then, which may throw away input. So it is left in peace for a moment.
const SETTLING: Duration = Duration::from_millis(100);

/// Host frames are short, and few.
const READ_AT_ONCE: usize = 4096;

/// Pieces that are written before the other ports have their turn.
const PIECES_AT_ONCE: usize = 16;

/// One port, with its place in the script.
#[derive(Debug)]
pub(super) struct Port {
    index: usize,
    registration: Registration,
    /// None while it is unplugged.
    pty: Option<Pty>,
    state: State,
    pending: Vec<u8>,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody.
    Unread { look_at: Mono },
    /// Somebody who has just come.
    Settling { until: Mono },
    /// Somebody who reads.
    Read,
}

/// How a turn at writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pumped {
    /// There is nothing more, or the pty takes nothing more for now.
    Done,
    /// There may be more.
    More,
}

impl Port {
    pub fn new(index: usize, pty: Pty, registration: Registration, now: Mono) -> Result<Self, Failure> {
        let mut port = Self { index, registration, pty: None, state: State::Unread { look_at: now }, pending: Vec::new() };
        port.plug_in(now, pty)?;
        Ok(port)
    }

    /// The port is there again, on another pty.
    pub fn plug_in(&mut self, now: Mono, pty: Pty) -> io::Result<()> {
        self.registration.watch(&pty, Interest::READABLE | Interest::WRITABLE)?;
        self.pty = Some(pty);
        self.state = State::Unread { look_at: now };
        Ok(())
    }

    /// The plug is pulled: pty and link are gone, with what was on its way.
    pub fn pull_out(&mut self, now: Mono, script: &mut impl Script) {
        self.pty = None;
        self.pending.clear();
        self.lose_reader(now, script);
    }

    /// Has the kernel everything that the script had for this port?
    pub fn is_flushed(&self) -> bool {
        self.pending.is_empty()
    }

    /// Reads what the host has sent, and whether it is still there.
    pub fn hear(&mut self, now: Mono, script: &mut impl Script) -> io::Result<()> {
        let mut buffer = [0; READ_AT_ONCE];
        while let Some(pty) = &mut self.pty {
            match pty.read(&mut buffer)? {
                Got::Bytes(count) => {
                    self.notice_reader(now, script);
                    script.handle_bytes(now, self.index, &buffer[..count]);
                }
                Got::Nothing => {
                    self.notice_reader(now, script);
                    return Ok(());
                }
                Got::Nobody => {
                    self.lose_reader(now, script);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Looks for a reader, when it is time to.
    pub fn handle_timeout(&mut self, now: Mono, script: &mut impl Script) -> io::Result<()> {
        match self.state {
            State::Unread { look_at } if look_at <= now => self.hear(now, script),
            State::Settling { until } if until <= now => {
                self.state = State::Read;
                Ok(())
            }
            State::Unread { .. } | State::Settling { .. } | State::Read => Ok(()),
        }
    }

    pub fn poll_timeout(&self) -> Option<Mono> {
        match self.state {
            _unplugged if self.pty.is_none() => None,
            State::Unread { look_at } => Some(look_at),
            State::Settling { until } => Some(until),
            State::Read => None,
        }
    }

    /// Writes what there is, as far as the pty takes it.
    pub fn pump(&mut self, now: Mono, script: &mut impl Script) -> io::Result<Pumped> {
        let Some(pty) = self.pty.as_mut().filter(|_| self.state == State::Read) else {
            return Ok(Pumped::Done);
        };
        for _piece in 0..PIECES_AT_ONCE {
            if self.pending.is_empty() {
                match script.poll_output(now, self.index) {
                    Some(bytes) => self.pending = bytes,
                    None => return Ok(Pumped::Done),
                }
            }
            let taken = pty.write(&self.pending)?;
            if taken == 0 {
                return Ok(Pumped::Done);
            }
            self.pending.drain(..taken);
        }
        Ok(Pumped::More)
    }

    fn notice_reader(&mut self, now: Mono, script: &mut impl Script) {
        if let State::Unread { .. } = self.state {
            self.state = State::Settling { until: now.after(SETTLING) };
            script.handle_reader(now, self.index, Reader::Came);
        }
    }

    fn lose_reader(&mut self, now: Mono, script: &mut impl Script) {
        if let State::Settling { .. } | State::Read = self.state {
            script.handle_reader(now, self.index, Reader::Left);
        }
        self.state = State::Unread { look_at: now.after(LOOK_EVERY) };
    }
}
