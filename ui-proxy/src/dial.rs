//! Making a connection: from a host's name to a WebSocket, without ever waiting.
//!
//! A name that has to be resolved is looked up by a [`Resolver`], one at a time; `localhost` and addresses are not.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bus::reactor::Registration;
use bus::resolver::{Lookup, Resolver};
use mio::Interest;
use mio::net::TcpStream;
use tungstenite::client::{ClientRequestBuilder, client_with_config};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::{Error, HandshakeError, WebSocket};

use crate::socket;
use crate::url::{Host, WsUrl};

/// The WebSocket subprotocol (RFC 6455 section 1.9) of the link.
pub const SUBPROTOCOL: &str = "openwsn-lbr.v1";

/// Names that are looked up at a time: there is one GUI host.
pub const MOST_LOOKUPS: usize = 1;

/// A connection that is being made.
#[derive(Debug)]
pub struct Dial {
    url: String,
    registration: Registration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Resolving(Lookup),
    Connecting {
        stream: TcpStream,
        address: SocketAddr,
        others: VecDeque<SocketAddr>,
    },
    /// Connected; nothing was said yet.
    Connected(TcpStream),
    Upgrading(MidHandshake<ClientHandshake<TcpStream>>),
    Over,
}

/// How far it is.
#[derive(Debug)]
pub enum Progress {
    /// Wait for the next event.
    Waits,
    /// The connection is there; proceed at once.
    Connected,
    /// The host speaks WebSocket.
    Open(Box<WebSocket<TcpStream>>),
    /// It did not come about.
    Failed(String),
}

impl Dial {
    /// Begins. What happens next is reported under `registration`.
    pub fn begin(url: &WsUrl, port: u16, registration: Registration, resolver: &Resolver) -> Result<Self, String> {
        let stage = match &url.host {
            Host::Localhost => connect([SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)].into(), &registration)?,
            Host::Address(address) => connect([SocketAddr::new(IpAddr::clone(address), port)].into(), &registration)?,
            Host::Name(name) => Stage::Resolving(resolver.begin(name, port, &registration).map_err(|error| error.to_string())?),
        };
        Ok(Self { url: url.with_port(port), registration, stage })
    }

    /// Takes the next step, if it can be taken.
    pub fn proceed(&mut self) -> Progress {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Resolving(lookup) => self.take_addresses(lookup),
            Stage::Connecting { stream, address, others } => self.check_connection(stream, address, others),
            Stage::Connected(stream) => self.upgrade(stream),
            Stage::Upgrading(handshake) => self.take_handshake(handshake.handshake()),
            Stage::Over => Progress::Failed("the attempt is over".to_owned()),
        }
    }

    fn take_addresses(&mut self, lookup: Lookup) -> Progress {
        match lookup.poll() {
            None => self.wait_in(Stage::Resolving(lookup)),
            Some(found) => match found.map_err(|error| error.to_string()).and_then(|addresses| connect(addresses, &self.registration)) {
                Ok(stage) => self.wait_in(stage),
                Err(cause) => Progress::Failed(cause),
            },
        }
    }

    fn check_connection(&mut self, stream: TcpStream, address: SocketAddr, others: VecDeque<SocketAddr>) -> Progress {
        let failure = match stream.take_error().and_then(|pending| pending.map_or(Ok(()), Err)).and_then(|()| stream.peer_addr()) {
            Ok(_) => {
                self.stage = Stage::Connected(stream);
                return Progress::Connected;
            }
            Err(error) if is_in_progress(&error) => return self.wait_in(Stage::Connecting { stream, address, others }),
            Err(error) => error,
        };
        if others.is_empty() {
            return Progress::Failed(cannot_connect(address, &failure));
        }
        match connect(others, &self.registration) {
            Ok(stage) => self.wait_in(stage),
            Err(cause) => Progress::Failed(cause),
        }
    }

    fn upgrade(&mut self, stream: TcpStream) -> Progress {
        // Small messages are not held back to be sent together: a person waits for them.
        let _ = stream.set_nodelay(true);
        let uri = match self.url.parse() {
            Ok(uri) => uri,
            Err(error) => return Progress::Failed(format!("{}: {error}", self.url)),
        };
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
        self.take_handshake(client_with_config(request, stream, Some(socket::config())))
    }

    fn take_handshake<R>(&mut self, handshake: Result<(WebSocket<TcpStream>, R), HandshakeError<ClientHandshake<TcpStream>>>) -> Progress {
        match handshake {
            Ok((stream, _response)) => Progress::Open(Box::new(stream)),
            Err(HandshakeError::Interrupted(handshake)) => self.wait_in(Stage::Upgrading(handshake)),
            Err(HandshakeError::Failure(error)) => Progress::Failed(no_websocket(&self.url, &error)),
        }
    }

    fn wait_in(&mut self, stage: Stage) -> Progress {
        self.stage = stage;
        Progress::Waits
    }
}

/// Tries the addresses in order until one can at least be tried.
fn connect(mut addresses: VecDeque<SocketAddr>, registration: &Registration) -> Result<Stage, String> {
    let mut cause = "the name has no address".to_owned();
    while let Some(address) = addresses.pop_front() {
        let watched = TcpStream::connect(address).and_then(|mut stream| {
            registration.watch_source(&mut stream, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        });
        match watched {
            Ok(stream) => return Ok(Stage::Connecting { stream, address, others: addresses }),
            Err(error) => cause = cannot_connect(address, &error),
        }
    }
    Err(cause)
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotConnected || error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32)
}

fn cannot_connect(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nobody listens at {address}: there is no tunnel"),
        _other => format!("cannot connect to {address}: {error}"),
    }
}

/// The words for what happens when something else is at the far end, or nothing behind the tunnel.
fn no_websocket(url: &str, error: &Error) -> String {
    match error {
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            format!("{url}: the connection was closed at once: there is a tunnel, but no GUI host behind it")
        }
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            format!("{url}: the connection was reset at once: there is a tunnel, but no GUI host behind it")
        }
        Error::Http(response) => format!("{url}: what listens there answers with HTTP status {}", response.status().as_u16()),
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
            format!("{url}: what listens there does not know the subprotocol {SUBPROTOCOL}; is it a GUI host?")
        }
        other => format!("{url}: what listens there is no WebSocket: {other}"),
    }
}
