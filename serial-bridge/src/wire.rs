//! An open port's descriptor, whatever is behind it.

use std::os::fd::{AsRawFd, RawFd};

use crate::tcp::Tcp;
use crate::trouble::Trouble;
use crate::tty::{Device, Tty};

/// An open port's descriptor.
#[derive(Debug)]
pub enum Wire {
    /// A device, which nobody else may open.
    Tty(Tty, Device),
    /// A connection.
    Tcp(Tcp),
}

impl Wire {
    /// Reads what is there; `None` when nothing is.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Trouble> {
        match self {
            Self::Tty(tty, _) => tty.read(buffer),
            Self::Tcp(tcp) => tcp.read(buffer),
        }
    }

    /// Writes as much as the kernel takes; `None` when that is nothing.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Trouble> {
        match self {
            Self::Tty(tty, _) => tty.write(bytes),
            Self::Tcp(tcp) => tcp.write(bytes),
        }
    }

    /// Bytes that the kernel holds and has not sent yet, as far as it tells.
    pub fn unsent(&self) -> usize {
        match self {
            Self::Tty(tty, _) => tty.unsent(),
            Self::Tcp(_) => 0,
        }
    }

    /// Lets output go on that the kernel holds back for an XOFF.
    pub fn force_on(&mut self) -> Result<(), Trouble> {
        match self {
            Self::Tty(tty, _) => tty.force_on(),
            Self::Tcp(_) => Ok(()),
        }
    }

    /// Asks for another rate, and tells which one there is now.
    pub fn tune(&mut self, baud: u32) -> Result<u32, Trouble> {
        match self {
            Self::Tty(tty, _) => tty.tune(baud),
            Self::Tcp(_) => Ok(baud),
        }
    }

    /// Which device it is.
    pub fn device(&self) -> Option<Device> {
        match self {
            Self::Tty(_, device) => Some(*device),
            Self::Tcp(_) => None,
        }
    }
}

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tty(tty, _) => tty.as_raw_fd(),
            Self::Tcp(tcp) => tcp.as_raw_fd(),
        }
    }
}
