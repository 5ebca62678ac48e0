//! One recorded port as a pty: who has it open, what it has still to take, and what became of the bytes.

use std::io;

use bus::reactor::Registration;
use mio::Interest;
use mqtypes::mono::Mono;

use super::attendance::{Attendance, Due};
use super::pty::{Got, Pty};

/// Host frames are short, and few.
const READ_AT_ONCE: usize = 4096;

/// One recorded port.
#[derive(Debug)]
pub struct Line {
    pty: Pty,
    attendance: Attendance,
    /// What the kernel has not taken yet.
    pending: Vec<u8>,
    totals: Totals,
}

/// What became of the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes that the kernel took for whoever reads.
    pub said: u64,
    /// Bytes that nobody was there to read.
    pub passed_over: u64,
    /// Bytes that the host sent.
    pub heard: u64,
}

impl Line {
    /// A pty that nobody has opened yet.
    pub fn new(pty: Pty, registration: &Registration, now: Mono) -> io::Result<Self> {
        registration.watch(&pty, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { pty, attendance: Attendance::new(now), pending: Vec::new(), totals: Totals::default() })
    }

    /// What became of the bytes.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Is somebody there, and ready to read?
    pub fn is_read(&self) -> bool {
        self.attendance.is_read()
    }

    /// Must it take what it has before there is more?
    pub fn is_busy(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes bytes of the mote.
    pub fn say(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        if !self.is_read() {
            self.totals.passed_over += bytes.len() as u64;
            return Ok(());
        }
        self.pending = bytes;
        self.pump()
    }

    /// Something may have changed: reads and writes what there is.
    pub fn serve(&mut self, now: Mono) -> io::Result<()> {
        self.hear(now)?;
        self.pump()
    }

    /// The deadline may have come.
    pub fn handle_timeout(&mut self, now: Mono) -> io::Result<()> {
        match self.attendance.handle_timeout(now) {
            Due::Look => self.hear(now),
            Due::Nothing => Ok(()),
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.attendance.poll_timeout()
    }

    fn pump(&mut self) -> io::Result<()> {
        while self.is_busy() && self.is_read() {
            let taken = self.pty.write(&self.pending)?;
            if taken == 0 {
                return Ok(());
            }
            self.totals.said += taken as u64;
            self.pending.drain(..taken);
        }
        Ok(())
    }

    /// Takes what the host has sent, which is answered by nobody.
    fn hear(&mut self, now: Mono) -> io::Result<()> {
        let mut buffer = [0; READ_AT_ONCE];
        loop {
            match self.pty.read(&mut buffer)? {
                Got::Bytes(count) => {
                    self.attendance.handle_sign(now);
                    self.totals.heard += count as u64;
                }
                Got::Nothing => {
                    self.attendance.handle_sign(now);
                    return Ok(());
                }
                Got::Nobody => {
                    self.attendance.handle_nobody(now);
                    self.totals.passed_over += self.pending.len() as u64;
                    self.pending.clear();
                    return Ok(());
                }
            }
        }
    }
}
