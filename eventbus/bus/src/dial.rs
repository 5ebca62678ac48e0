//! Makes a TCP connection without ever waiting: a name is looked up, and its addresses are tried in the system's order.
//!
//! It has no deadline of its own: whoever has waited long enough drops it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use mio::Interest;
use mio::net::TcpStream;
use nix::errno::Errno;

use crate::reactor::Registration;
use crate::resolver::{Lookup, LookupError, Resolver};

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
    /// The connection is there, and is watched for reading and writing.
    Connected(TcpStream),
}

/// Why it did not come about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name leads nowhere.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The system knows the name, but no address.
    #[error("the name has no address")]
    NoAddress,
    /// The machine is there, and refuses.
    #[error("nobody listens at {0}")]
    NobodyListens(SocketAddr),
    /// Any other end of the last attempt.
    #[error("{address}: {error}")]
    Unreachable {
        /// The last that was tried.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// It has ended before.
    #[error("the attempt is over")]
    Over,
}

impl Dial {
    /// Begins without looking anything up. What happens next is reported under `registration`.
    pub fn address(address: SocketAddr, registration: Registration) -> Result<Self, DialError> {
        let stage = connect([address].into(), &registration)?;
        Ok(Self { registration, stage })
    }

    /// Begins by looking up `name`. What happens next is reported under `registration`.
    pub fn name(name: &str, port: u16, registration: Registration, resolver: &Resolver) -> Result<Self, DialError> {
        let stage = Stage::Resolving(resolver.begin(name, port, &registration)?);
        Ok(Self { registration, stage })
    }

    /// Takes the next step, if it can be taken.
    pub fn proceed(&mut self) -> Result<Progress, DialError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Resolving(lookup) => match lookup.poll() {
                None => Stage::Resolving(lookup),
                Some(addresses) => connect(addresses?, &self.registration)?,
            },
            Stage::Connecting { stream, address, others } => match result(&stream) {
                Ok(()) => return Ok(Progress::Connected(stream)),
                Err(error) if is_in_progress(&error) => Stage::Connecting { stream, address, others },
                Err(error) if others.is_empty() => return Err(DialError::of(address, error)),
                Err(_) => connect(others, &self.registration)?,
            },
            Stage::Over => return Err(DialError::Over),
        };
        Ok(Progress::Waits)
    }
}

impl DialError {
    fn of(address: SocketAddr, error: io::Error) -> Self {
        if error.kind() == ErrorKind::ConnectionRefused { Self::NobodyListens(address) } else { Self::Unreachable { address, error } }
    }
}

/// Tries the addresses in order until one can at least be tried.
fn connect(mut addresses: VecDeque<SocketAddr>, registration: &Registration) -> Result<Stage, DialError> {
    let mut trouble = DialError::NoAddress;
    while let Some(address) = addresses.pop_front() {
        let watched = TcpStream::connect(address).and_then(|stream| {
            registration.watch(&stream, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        });
        match watched {
            Ok(stream) => return Ok(Stage::Connecting { stream, address, others: addresses }),
            Err(error) => trouble = DialError::of(address, error),
        }
    }
    Err(trouble)
}

fn result(stream: &TcpStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)?;
    stream.peer_addr().map(|_peer| ())
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotConnected || error.raw_os_error() == Some(Errno::EINPROGRESS as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::reactor::{Reactor, Wake};
    use std::net::TcpListener;
    use std::time::Duration;

    fn reactor() -> Reactor<()> {
        Reactor::without_signals().expect("epoll")
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bound");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    /// Where nobody listens any more.
    fn closed() -> SocketAddr {
        listener().1
    }

    fn end(mut dial: Dial, mut reactor: Reactor<()>) -> Result<SocketAddr, String> {
        loop {
            assert_eq!(reactor.next(Some(clock::now().after(Duration::from_mins(1)))).expect("polled"), Wake::Ready(()));
            match dial.proceed().map_err(|error| error.to_string())? {
                Progress::Waits => {}
                Progress::Connected(stream) => return Ok(stream.peer_addr().expect("connected")),
            }
        }
    }

    #[test]
    fn an_address_is_connected_to_or_nobody_listens_there() {
        let (_listener, open) = listener();
        let dial = |address| {
            let mut reactor = reactor();
            let registration = reactor.register(());
            end(Dial::address(address, registration).expect("begun"), reactor)
        };
        assert_eq!(dial(open), Ok(open));
        let closed = closed();
        assert_eq!(dial(closed), Err(format!("nobody listens at {closed}")));
    }

    #[test]
    fn a_name_is_looked_up_first() {
        let (_listener, open) = listener();
        let mut reactor = reactor();
        let registration = reactor.register(());
        let dial = Dial::name("127.0.0.1", open.port(), registration, &Resolver::new(1)).expect("begun");
        assert_eq!(end(dial, reactor), Ok(open));
    }

    #[test]
    fn of_several_addresses_the_first_that_answers_is_taken_and_the_last_is_told_of() {
        let (_listener, open) = listener();
        let dial = |addresses: &[SocketAddr]| {
            let mut reactor = reactor();
            let registration = reactor.register(());
            let stage = connect(addresses.iter().copied().collect(), &registration).expect("begun");
            end(Dial { registration, stage }, reactor)
        };
        let (first, last) = (closed(), closed());
        assert_eq!(dial(&[first, open, last]), Ok(open));
        assert_eq!(dial(&[first, last]), Err(format!("nobody listens at {last}")));
    }

    #[test]
    fn a_name_without_an_address_is_told_and_what_is_over_stays_over() {
        let registration = reactor().register(());
        assert_eq!(connect(VecDeque::new(), &registration).expect_err("none").to_string(), "the name has no address");
        let mut dial = Dial { registration, stage: Stage::Over };
        assert_eq!(dial.proceed().expect_err("over").to_string(), "the attempt is over");
    }
}
