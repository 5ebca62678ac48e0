//! A border router as the host sees it. Its proof is computed here once more, from the text of the
//! contract and not with the host's code.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tungstenite::{Error, Message, client::ClientRequestBuilder, http::Uri};

use crate::{
    program::KEY,
    websocket::{self, Socket},
};

pub const SUBPROTOCOL: &str = "openwsn-lbr.v1";
pub const NONCE: &str = "000102030405060708090a0b0c0d0e0f";

pub struct Router {
    socket: Socket,
}

pub fn hello(id: &str) -> Value {
    let lbr = json!({"id": id, "name": "roof", "hostname": "pi", "version": "0.1.0", "boot": 1});
    json!({"type": "hello", "v": [1], "lbr": lbr, "nonce": NONCE})
}

pub fn proof(role: &str, port: u16, host_nonce: &str) -> String {
    let text = format!("{role}\0{port}\0{NONCE}\0{host_nonce}");
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
    mac.update(text.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

impl Router {
    /// Connects, and says nothing yet.
    pub fn dial(port: u16) -> Self {
        Self::try_dial(port, "localhost", port, &[]).unwrap()
    }

    /// Connects with that host in the request, and further headers.
    pub fn try_dial(port: u16, host: &str, named_port: u16, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let uri: Uri = format!("ws://{host}:{named_port}/lbr").parse().unwrap();
        let mut request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
        for (name, value) in headers {
            request = request.with_header(*name, *value);
        }
        Ok(Self { socket: websocket::dial(port, request)? })
    }

    /// Connects and proves itself.
    pub fn admitted(port: u16, id: &str) -> Self {
        let mut router = Self::dial(port);
        router.send(&hello(id));
        let welcome = router.receive();
        let host_nonce = welcome["nonce"].as_str().unwrap();
        assert_eq!(welcome["proof"], proof("host", port, host_nonce));
        router.send(&json!({"type": "auth", "proof": proof("router", port, host_nonce)}));
        router
    }

    pub fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string());
    }

    pub fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Sends what the host may refuse before it has read it all.
    pub fn try_send(&mut self, message: Message) {
        let _ = self.socket.send(message);
    }

    /// The next text frame; pings are answered on the way.
    pub fn receive(&mut self) -> Value {
        websocket::receive(&mut self.socket)
    }

    /// Reads until the host closes; gives the close code and the last text before.
    pub fn closed(&mut self) -> (u16, Option<Value>) {
        websocket::closed(&mut self.socket)
    }
}
