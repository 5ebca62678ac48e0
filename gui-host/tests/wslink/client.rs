//! A wslink client. It frames messages here once more, from the description of the protocol and not
//! with the host's code.

use std::collections::BTreeMap;

use rmpv::Value;
use serde_json::json;
use tungstenite::{Error, Message, client::ClientRequestBuilder, http::Uri};

use crate::{
    program::Program,
    websocket::{self, Socket},
};

pub struct Client {
    socket: Socket,
    unfinished: BTreeMap<u32, Vec<u8>>,
    /// Lengths of the frames that came.
    pub frames: Vec<usize>,
}

pub fn pack(value: &serde_json::Value) -> Vec<u8> {
    let value: Value = serde_json::from_value(value.clone()).unwrap();
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &value).unwrap();
    bytes
}

/// A frame with these numbers in its header.
pub fn frame(message: u32, offset: u32, total: u32, payload: &[u8]) -> Vec<u8> {
    [message, offset, total].into_iter().flat_map(u32::to_le_bytes).chain(payload.iter().copied()).collect()
}

/// The one frame of a message.
pub fn whole(message: &[u8]) -> Vec<u8> {
    frame(0x1234_5678, 0, message.len() as u32, message)
}

pub fn hello(secret: &str) -> Vec<u8> {
    pack(&json!({"wslink": "1.0", "id": "system:c0:0", "method": "wslink.hello", "args": [{"secret": secret}], "kwargs": {}}))
}

pub fn call(number: u32, method: &str, kwargs: &serde_json::Value) -> Vec<u8> {
    pack(&json!({"wslink": "1.0", "id": format!("rpc:c1:{number}"), "method": method, "args": [], "kwargs": kwargs}))
}

impl Client {
    /// Connects to `host`, as a page of `origin` if there is one.
    pub fn try_dial(port: u16, host: &str, origin: Option<&str>) -> Result<Self, Error> {
        let uri: Uri = format!("ws://{host}/wslink").parse().unwrap();
        let mut request = ClientRequestBuilder::new(uri);
        if let Some(origin) = origin {
            request = request.with_header("Origin", origin);
        }
        Ok(Self { socket: websocket::dial(port, request)?, unfinished: BTreeMap::new(), frames: Vec::new() })
    }

    /// Connects as a script does, and says nothing yet.
    pub fn dial(program: &Program) -> Self {
        let (port, _) = program.page.as_ref().unwrap();
        Self::try_dial(*port, &format!("127.0.0.1:{port}"), None).unwrap()
    }

    /// Connects and shows the secret.
    pub fn admitted(program: &Program) -> Self {
        let mut client = Self::dial(program);
        let (_, token) = program.page.as_ref().unwrap();
        client.send(&whole(&hello(token)));
        let answer = client.receive();
        assert_eq!(answer["id"], "system:c0:0");
        assert_eq!(answer["result"]["maxMsgSize"], 32 * 1024);
        client
    }

    pub fn send(&mut self, frame: &[u8]) {
        self.try_send(Message::binary(frame.to_vec()));
    }

    /// Sends what the host may refuse before it has read it all.
    pub fn try_send(&mut self, message: Message) {
        let _ = self.socket.send(message);
    }

    /// Calls, and gives the answer; publications before it are passed over.
    pub fn ask(&mut self, method: &str, kwargs: &serde_json::Value) -> serde_json::Value {
        self.send(&whole(&call(1, method, kwargs)));
        loop {
            let message = self.receive();
            if message["id"] == "rpc:c1:1" {
                return message;
            }
        }
    }

    /// The next publication of a topic.
    pub fn told(&mut self, topic: &str) -> serde_json::Value {
        let id = format!("publish:{topic}:0");
        loop {
            let message = self.receive();
            if message["id"] == id.as_str() {
                return message["result"].clone();
            }
        }
    }

    /// The next message. Bytes in it come as arrays of numbers.
    pub fn receive(&mut self) -> serde_json::Value {
        loop {
            match self.socket.read().unwrap() {
                Message::Binary(frame) => {
                    if let Some(message) = self.take(&frame) {
                        return message;
                    }
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The host sends the chunks of a message in order.
    fn take(&mut self, frame: &[u8]) -> Option<serde_json::Value> {
        self.frames.push(frame.len());
        let number = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().unwrap());
        let (id, offset, total) = (number(0), number(4) as usize, number(8) as usize);
        let message = self.unfinished.entry(id).or_default();
        assert_eq!(message.len(), offset);
        message.extend_from_slice(&frame[12..]);
        if message.len() < total {
            return None;
        }
        let message = self.unfinished.remove(&id).unwrap();
        let value = rmpv::decode::read_value(&mut &message[..]).unwrap();
        Some(serde_json::to_value(value).unwrap())
    }

    /// Reads until the host closes; gives the close code, the reason, and the messages before.
    pub fn closed(&mut self) -> (u16, String, Vec<serde_json::Value>) {
        let mut before = Vec::new();
        loop {
            match self.socket.read().unwrap() {
                Message::Binary(frame) => before.extend(self.take(&frame)),
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string(), before),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
