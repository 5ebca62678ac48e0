//! A WebSocket to the host, on which nobody waits for ever.

use std::net::TcpStream;

use serde_json::Value;
use tungstenite::{Error, Message, WebSocket, client::ClientRequestBuilder};

use crate::program::PATIENCE;

pub type Socket = WebSocket<TcpStream>;

/// Connects to a port of this machine; what the request names as its host may be another one.
pub fn dial(port: u16, request: ClientRequestBuilder) -> Result<Socket, Error> {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    match tungstenite::client::client(request, stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("no answer in time"),
    }
}

/// The next text frame; pings are answered on the way.
pub fn receive(socket: &mut Socket) -> Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads until the host closes; gives the close code and the last text before.
pub fn closed(socket: &mut Socket) -> (u16, Option<Value>) {
    let mut last = None;
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => last = Some(serde_json::from_str(&text).unwrap()),
            Message::Close(Some(frame)) => return (frame.code.into(), last),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
