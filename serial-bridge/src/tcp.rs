//! A port behind TCP, as IoT-LAB's nodes have it: connected, read and written without ever waiting.
//!
//! A name that has to be resolved is looked up by a [`Resolver`], few at a time; `localhost` and addresses are not.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use bus::descriptor::borrow;
use bus::reactor::Registration;
use bus::resolver::{Lookup, LookupError, Resolver};
use mio::Interest;
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

/// A connection that is being made.
#[derive(Debug)]
pub struct Dial {
    registration: Registration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Resolving(Lookup),
    Connecting { stream: TcpStream, address: SocketAddr, others: VecDeque<SocketAddr> },
    Over,
}

/// How far it is.
#[derive(Debug)]
pub enum Progress {
    /// Wait for the next event.
    Waits,
    /// The connection is there.
    Open(Tcp, Opened),
}

impl Dial {
    /// Begins. What happens next is reported under `registration`.
    pub fn begin(address: &Address, registration: Registration, resolver: &Resolver) -> Result<Self, Trouble> {
        let stage = match &address.host {
            Host::Known(host) => connect([SocketAddr::new(*host, address.port)].into(), &registration)?,
            Host::Name(name) => Stage::Resolving(resolver.begin(name, address.port, &registration)?),
        };
        Ok(Self { registration, stage })
    }

    /// Takes the next step, if it can be taken.
    pub fn proceed(&mut self) -> Result<Progress, Trouble> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Resolving(lookup) => match lookup.poll() {
                None => {
                    self.stage = Stage::Resolving(lookup);
                    Ok(Progress::Waits)
                }
                Some(found) => {
                    self.stage = connect(found?, &self.registration)?;
                    Ok(Progress::Waits)
                }
            },
            Stage::Connecting { stream, address, others } => self.check(stream, address, others),
            Stage::Over => Err(Trouble::Unreachable("the attempt is over".to_owned())),
        }
    }

    fn check(&mut self, stream: TcpStream, address: SocketAddr, others: VecDeque<SocketAddr>) -> Result<Progress, Trouble> {
        let failure = match stream.take_error().and_then(|pending| pending.map_or(Ok(()), Err)).and_then(|()| stream.peer_addr()) {
            Ok(_) => {
                prepare(&stream);
                return Ok(Progress::Open(Tcp { stream }, Opened { baud: 0, flow: FlowControl::InProcess }));
            }
            Err(error) if is_in_progress(&error) => {
                self.stage = Stage::Connecting { stream, address, others };
                return Ok(Progress::Waits);
            }
            Err(error) => error,
        };
        if others.is_empty() {
            return Err(cannot_connect(address, &failure));
        }
        self.stage = connect(others, &self.registration)?;
        Ok(Progress::Waits)
    }
}

/// Small frames go out at once, and a far end that dies is noticed.
fn prepare(stream: &TcpStream) {
    let socket = borrow(stream);
    let (idle, interval, count) = KEEP_ALIVE;
    let set = setsockopt(&socket, KeepAlive, &true)
        .and_then(|()| setsockopt(&socket, TcpKeepIdle, &idle))
        .and_then(|()| setsockopt(&socket, TcpKeepInterval, &interval))
        .and_then(|()| setsockopt(&socket, TcpKeepCount, &count));
    if let Err(errno) = set {
        log::warn!("TCP keep-alive cannot be set ({errno}): a far end that dies may go unnoticed until something is sent");
    }
    let _ = stream.set_nodelay(true);
}

/// Tries the addresses in order until one can at least be tried.
fn connect(mut addresses: VecDeque<SocketAddr>, registration: &Registration) -> Result<Stage, Trouble> {
    let mut trouble = Trouble::Unreachable("the name has no address".to_owned());
    while let Some(address) = addresses.pop_front() {
        let watched = TcpStream::connect(address).and_then(|stream| {
            registration.watch(&stream, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        });
        match watched {
            Ok(stream) => return Ok(Stage::Connecting { stream, address, others: addresses }),
            Err(error) => trouble = cannot_connect(address, &error),
        }
    }
    Err(trouble)
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotConnected || error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32)
}

fn cannot_connect(address: SocketAddr, error: &io::Error) -> Trouble {
    Trouble::Unreachable(match error.kind() {
        ErrorKind::ConnectionRefused => format!("nobody listens at {address}"),
        _other => format!("{address}: {error}"),
    })
}

impl From<LookupError> for Trouble {
    fn from(error: LookupError) -> Self {
        Self::Unreachable(error.to_string())
    }
}
