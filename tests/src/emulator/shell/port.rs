//! One port of the shell: a pty, whether somebody reads it, and the bytes that it has not taken yet.

use std::io;

use bus::process::Failure;
use bus::reactor::Registration;
use eventbus::inspect::replay::attendance::{Attendance, Due};
use eventbus::inspect::replay::pty::{Got, Pty};
use mio::Interest;
use mqtypes::mono::Mono;

use crate::emulator::script::Script;

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
    attendance: Attendance,
    pending: Vec<u8>,
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
        let mut port = Self { index, registration, pty: None, attendance: Attendance::new(now), pending: Vec::new() };
        port.plug_in(now, pty)?;
        Ok(port)
    }

    /// The port is there again, on another pty.
    pub fn plug_in(&mut self, now: Mono, pty: Pty) -> io::Result<()> {
        self.registration.watch(&pty, Interest::READABLE | Interest::WRITABLE)?;
        self.pty = Some(pty);
        self.attendance = Attendance::new(now);
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
        match self.attendance.handle_timeout(now) {
            Due::Look => self.hear(now, script),
            Due::Nothing => Ok(()),
        }
    }

    pub fn poll_timeout(&self) -> Option<Mono> {
        self.pty.as_ref().and_then(|_| self.attendance.poll_timeout())
    }

    /// Writes what there is, as far as the pty takes it.
    pub fn pump(&mut self, now: Mono, script: &mut impl Script) -> io::Result<Pumped> {
        let Some(pty) = self.pty.as_mut().filter(|_| self.attendance.is_read()) else {
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
        if let Some(came) = self.attendance.handle_sign(now) {
            script.handle_reader(now, self.index, came);
        }
    }

    fn lose_reader(&mut self, now: Mono, script: &mut impl Script) {
        if let Some(left) = self.attendance.handle_nobody(now) {
            script.handle_reader(now, self.index, left);
        }
    }
}
