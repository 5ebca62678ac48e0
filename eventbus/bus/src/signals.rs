//! Signals as events, by signalfd.
//!
//! They are blocked before anything else happens in a process: the default action of `SIGUSR1` kills.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What a signal asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM` or `SIGINT`: end in good order.
    Stop,
    /// `SIGHUP`: read the configuration again.
    Reload,
    /// `SIGUSR1`: the GUI host is there.
    Wake,
}

fn ours() -> SigSet {
    [Number::SIGTERM, Number::SIGINT, Number::SIGHUP, Number::SIGUSR1].into_iter().collect()
}

/// Keeps the signals from acting by themselves. Called first in `main`.
pub fn block() -> io::Result<()> {
    Ok(ours().thread_block()?)
}

/// The descriptor on which blocked signals arrive.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Signals must be blocked already.
    pub fn open() -> io::Result<Self> {
        Ok(Self(SignalFd::with_flags(&ours(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Hands over what has come.
    pub fn drain(&mut self, mut take: impl FnMut(Signal)) -> io::Result<()> {
        while let Some(info) = self.0.read_signal()? {
            if let Some(signal) = meaning(info.ssi_signo) {
                take(signal);
            }
        }
        Ok(())
    }
}

fn meaning(number: u32) -> Option<Signal> {
    match Number::try_from(i32::try_from(number).ok()?).ok()? {
        Number::SIGTERM | Number::SIGINT => Some(Signal::Stop),
        Number::SIGHUP => Some(Signal::Reload),
        Number::SIGUSR1 => Some(Signal::Wake),
        _not_blocked => None,
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
