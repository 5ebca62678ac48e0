//! Standard input, as lines: what a person types, or what another program says. It never waits.
//!
//! The file is opened anew, so that only our opening of it does not block. A pipe of another user cannot be; it is read as it
//! is, and only when something is there. A terminal is read only while it is ours: reading
//! it from the background would stop the process. An input that cannot be watched, such as a file, is read to its end at once.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use bus::reactor::Registration;
use mio::Interest;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{getpgrp, tcgetpgrp};

/// Longer lines are no commands; what is too much of them is thrown away.
const LONGEST: usize = 1_024;

/// Standard input, while it lasts.
#[derive(Debug)]
pub(super) struct Console {
    input: File,
    line: Vec<u8>,
}

/// What there was on standard input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// Whole lines.
    pub lines: Vec<String>,
    /// Will there ever be more?
    pub rest: Rest,
}

/// Is there an end in sight?
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// More may come.
    #[default]
    Open,
    /// Everything was said.
    Ended,
}

impl Console {
    /// None where there is no input of a kind that we can read.
    pub fn open() -> Option<Self> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let anew = OpenOptions::new().read(true).custom_flags(flags.bits()).open("/proc/self/fd/0");
        let input = anew.or_else(|_| io::stdin().as_fd().try_clone_to_owned().map(File::from)).ok()?;
        Some(Self { input, line: Vec::new() })
    }

    /// Wakes us when something is typed. What cannot be watched never makes us wait either.
    pub fn watch(&self, registration: &Registration) -> io::Result<()> {
        match registration.watch(&self.input, Interest::READABLE) {
            Err(error) if error.raw_os_error() == Some(Errno::EPERM as i32) => Ok(()),
            other => other,
        }
    }

    /// Everything there is for now.
    pub fn read(&mut self) -> Typed {
        let mut typed = Typed::default();
        let mut buffer = [0; LONGEST];
        while self.is_ours() && self.has_something() {
            match self.input.read(&mut buffer) {
                Ok(count @ 1..) => typed.lines.extend(buffer[..count].iter().filter_map(|byte| self.push(*byte))),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return typed,
                // Whatever is wrong with it, nothing more will come from there.
                Ok(0) | Err(_) => {
                    typed.lines.extend(self.push(b'\n'));
                    return Typed { rest: Rest::Ended, ..typed };
                }
            }
        }
        typed
    }

    fn is_ours(&self) -> bool {
        !self.input.is_terminal() || tcgetpgrp(&self.input).is_ok_and(|group| group == getpgrp())
    }

    /// The end counts too.
    fn has_something(&self) -> bool {
        let mut input = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
        poll(&mut input, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn push(&mut self, byte: u8) -> Option<String> {
        if byte == b'\n' {
            return Some(String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned());
        }
        if self.line.len() < LONGEST {
            self.line.push(byte);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_whole_and_long_ones_are_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lines");
        std::fs::write(&path, format!("boot 1\n\n{}\nlast", "x".repeat(5_000))).expect("written");
        let mut console = Console { input: File::open(path).expect("there"), line: Vec::new() };
        let typed = console.read();
        assert_eq!(typed.rest, Rest::Ended);
        assert_eq!(typed.lines.iter().map(String::len).collect::<Vec<_>>(), [6, 0, LONGEST, 4]);
        assert_eq!([typed.lines[0].as_str(), typed.lines[3].as_str()], ["boot 1", "last"]);
    }
}
