//! Making a connection: from a host's name to a WebSocket, without ever waiting.
//!
//! A name that has to be resolved is looked up by a [`Resolver`], one at a time; `localhost` and addresses are not.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bus::dial::DialError;
use bus::reactor::Registration;
use bus::resolver::Resolver;
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
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Reaching(bus::dial::Dial),
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
        let dial = match &url.host {
            Host::Localhost => bus::dial::Dial::address(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port), registration),
            Host::Address(address) => bus::dial::Dial::address(SocketAddr::new(*address, port), registration),
            Host::Name(name) => bus::dial::Dial::name(name, port, registration, resolver),
        };
        Ok(Self { url: url.with_port(port), stage: Stage::Reaching(dial.map_err(|error| unreachable(&error))?) })
    }

    /// Takes the next step, if it can be taken.
    pub fn proceed(&mut self) -> Progress {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Reaching(dial) => self.reach(dial),
            Stage::Connected(stream) => self.upgrade(stream),
            Stage::Upgrading(handshake) => self.take_handshake(handshake.handshake()),
            Stage::Over => Progress::Failed("the attempt is over".to_owned()),
        }
    }

    fn reach(&mut self, mut dial: bus::dial::Dial) -> Progress {
        match dial.proceed() {
            Ok(bus::dial::Progress::Waits) => self.wait_in(Stage::Reaching(dial)),
            Ok(bus::dial::Progress::Connected(stream)) => {
                self.stage = Stage::Connected(stream);
                Progress::Connected
            }
            Err(error) => Progress::Failed(unreachable(&error)),
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

fn unreachable(error: &DialError) -> String {
    match error {
        DialError::NobodyListens(_) => format!("{error}: there is no tunnel"),
        DialError::Unreachable { .. } => format!("cannot connect to {error}"),
        DialError::Lookup(_) | DialError::NoAddress | DialError::Over => error.to_string(),
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
