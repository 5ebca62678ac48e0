//! A port behind TCP, as IoT-LAB's nodes have it: connected, read and written without ever waiting.
//!
//! A name that has to be resolved is looked up by a [`Resolver`], few at a time; `localhost` and addresses are not.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use bus::descriptor::borrow;
use bus::dial::{Dial, DialError};
use bus::reactor::Registration;
use bus::resolver::Resolver;
use mio::net::TcpStream;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{KeepAlive, TcpKeepCount, TcpKeepIdle, TcpKeepInterval};

use crate::address::{Address, Host};
use crate::line::Opened;
use crate::output::FlowControl;
use crate::trouble::Trouble;

/// Names that are looked up at a time.
pub const MOST_LOOKUPS: usize = 4;

/// A far end that has died is noticed after about a minute: silence of 30 s, and three questions 10 s apart.
const KEEP_ALIVE: (u32, u32, u32) = (30, 10, 3);

/// An open connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
}

impl Tcp {
    /// What is known of any such port: the far end has the rate.
    pub const OPENED: Opened = Opened { baud: 0, flow: FlowControl::InProcess };

    /// Small frames go out at once, and a far end that dies is noticed.
    pub fn new(stream: TcpStream) -> Self {
        if let Err(errno) = keep_alive(&stream) {
            log::warn!("TCP keep-alive cannot be set ({errno}): a far end that dies may go unnoticed until something is sent");
        }
        let _ = stream.set_nodelay(true);
        Self { stream }
    }

    /// Reads what is there; `None` when nothing is.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Trouble> {
        match some(self.stream.read(buffer))? {
            Some(0) => Err(Trouble::Gone("the other end has closed the connection".to_owned())),
            read => Ok(read),
        }
    }

    /// Writes as much as the kernel takes; `None` when that is nothing.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Trouble> {
        Ok(some(self.stream.write(bytes))?.filter(|count| *count > 0))
    }
}

impl AsRawFd for Tcp {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

fn some(result: io::Result<usize>) -> Result<Option<usize>, Trouble> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(Trouble::Gone(error.to_string())),
    }
}

/// Begins to connect. What happens next is reported under `registration`.
pub fn dial(address: &Address, registration: Registration, resolver: &Resolver) -> Result<Dial, DialError> {
    match &address.host {
        Host::Known(host) => Dial::address(SocketAddr::new(*host, address.port), registration),
        Host::Name(name) => Dial::name(name, address.port, registration, resolver),
    }
}

fn keep_alive(stream: &TcpStream) -> nix::Result<()> {
    let (idle, interval, count) = KEEP_ALIVE;
    let socket = borrow(stream);
    setsockopt(&socket, KeepAlive, &true)?;
    setsockopt(&socket, TcpKeepIdle, &idle)?;
    setsockopt(&socket, TcpKeepInterval, &interval)?;
    setsockopt(&socket, TcpKeepCount, &count)
}

impl From<DialError> for Trouble {
    fn from(error: DialError) -> Self {
        Self::Unreachable(error.to_string())
    }
}
