//! A browser as the host sees it.

use serde_json::{Value, json};
use tungstenite::{Error, Message, client::ClientRequestBuilder, http::Uri};

use crate::{
    program::Program,
    websocket::{self, Socket},
};

pub struct Viewer {
    socket: Socket,
    last_id: u64,
}

impl Viewer {
    /// Connects as a page of `origin` would.
    pub fn try_dial(port: u16, host: &str, origin: Option<&str>) -> Result<Self, Error> {
        let uri: Uri = format!("ws://{host}/ws").parse().unwrap();
        let mut request = ClientRequestBuilder::new(uri);
        if let Some(origin) = origin {
            request = request.with_header("Origin", origin);
        }
        Ok(Self { socket: websocket::dial(port, request)?, last_id: 0 })
    }

    /// Connects as the page itself, and shows nothing yet.
    pub fn dial(program: &Program) -> Self {
        let (port, _) = program.page.as_ref().unwrap();
        let host = format!("127.0.0.1:{port}");
        Self::try_dial(*port, &host, Some(&format!("http://{host}"))).unwrap()
    }

    /// Connects and shows the token.
    pub fn admitted(program: &Program) -> Self {
        let mut viewer = Self::dial(program);
        let (_, token) = program.page.as_ref().unwrap();
        let answer = viewer.ask("authenticate", &json!({"token": token}));
        assert_eq!(answer["result"]["host"]["name"], "gui-host");
        viewer
    }

    pub fn send_text(&mut self, text: &str) {
        // What the host refuses it may not have read.
        let _ = self.socket.send(Message::text(text));
    }

    /// Sends a request and gives its answer; notifications before it are passed over.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send_text(&request.to_string());
        loop {
            let message = self.receive();
            if message["id"] == id {
                return message;
            }
        }
    }

    pub fn subscribe(&mut self) -> Value {
        self.ask("subscribe", &json!({}))["result"].clone()
    }

    pub fn receive(&mut self) -> Value {
        websocket::receive(&mut self.socket)
    }

    /// The params of the next notification of a topic that fits.
    pub fn told(&mut self, topic: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive();
            if message["method"] == topic && fits(&message["params"]["message"]) {
                return message["params"].clone();
            }
        }
    }

    /// Reads until the host closes; gives the close code and the last text before.
    pub fn closed(&mut self) -> (u16, Option<Value>) {
        websocket::closed(&mut self.socket)
    }

    /// Reads until the connection ends, however it does; gives the number of texts before.
    pub fn end(&mut self) -> usize {
        let mut texts = 0;
        loop {
            match self.socket.read() {
                Ok(Message::Text(_)) => texts += 1,
                Ok(Message::Close(_)) | Err(_) => return texts,
                Ok(_) => {}
            }
        }
    }
}
