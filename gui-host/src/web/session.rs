//! One browser, from the token to the close frame.

use std::{fmt, sync::Arc, time::Duration};

use axum::extract::ws::WebSocket;
use serde_json::{json, value::to_raw_value};
use tokio::time::timeout;

use super::{
    Web,
    conversation::{Hearing, POLICY, TOO_LONG, TRY_LATER, UNAUTHORIZED, Verdict, converse},
    rpc::{self, Refused},
};
use crate::{
    hall::Hall,
    hub::{ViewerId, viewer::Dialect},
    loopback::admission::Pass,
    random, secret,
    socket::{self, Incoming},
};

/// Longest time until the token is shown.
const TOKEN_LIMIT: Duration = Duration::from_secs(2);

/// What a viewer must show: 128 random bits, new at each start.
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A new token.
    pub fn make() -> anyhow::Result<Self> {
        random::hex_128().map(Self)
    }

    /// The token for the page's address, where people and scripts find it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Is it what was shown? Compared in constant time.
    pub fn is(&self, shown: &str) -> bool {
        secret::is_shown(&self.0, shown)
    }
}

/// Runs a connection to its end.
pub async fn run(mut socket: WebSocket, web: Arc<Web>, pass: Pass) {
    let shown = timeout(TOKEN_LIMIT, authenticate(&mut socket, &web.token)).await;
    let admitted = match shown {
        Ok(Ok(id)) => id,
        Ok(Err(goodbye)) => return goodbye.say(socket).await,
        Err(_) => return Goodbye::late().say(socket).await,
    };
    let Ok(viewer) = web.hall.tell(|hub, now| hub.handle_viewer_open(now, Dialect::JsonRpc)) else {
        return Goodbye { answer: None, code: TRY_LATER, reason: "too many pages are open" }.say(socket).await;
    };
    pass.settle();
    let host = json!({"host": {"name": "gui-host", "version": env!("CARGO_PKG_VERSION")}});
    let host = to_raw_value(&host).expect("a value of ours is JSON");
    if socket::send(&mut socket, rpc::result(&admitted, &host)).await.is_ok() {
        converse(&mut socket, &web.hall, viewer, &mut Ear).await;
    }
    web.hall.tell(|hub, _| hub.handle_viewer_closed(viewer));
}

/// How a browser is sent away.
struct Goodbye {
    answer: Option<Refused>,
    code: u16,
    reason: &'static str,
}

impl Goodbye {
    fn unauthorized(answer: Refused) -> Self {
        Self { answer: Some(answer), code: UNAUTHORIZED, reason: "wrong token" }
    }

    fn late() -> Self {
        Self { answer: None, code: TRY_LATER, reason: "no token within 2 s" }
    }

    async fn say(self, mut socket: WebSocket) {
        let Some(answer) = self.answer else { return socket::close_at_once(&mut socket, self.code, self.reason).await };
        // Who cannot be told is closed all the same.
        let _ = socket::send(&mut socket, answer.message()).await;
        // The page has asked more without waiting for this answer. Left unread, it would have the connection reset, and the
        // answer lost.
        socket::close(&mut socket, self.code, self.reason).await;
    }
}

/// Gives the id of the request that showed the token.
async fn authenticate(socket: &mut WebSocket, token: &Token) -> Result<Box<serde_json::value::RawValue>, Goodbye> {
    let too_long = Goodbye { answer: None, code: TOO_LONG, reason: "the first message has at most 512 bytes" };
    loop {
        let text = match socket::receive(socket).await {
            Incoming::Text(text) => text,
            Incoming::Ping | Incoming::Pong(_) => continue,
            Incoming::TooLong => return Err(too_long),
            Incoming::Binary(_) | Incoming::Closed(_) => {
                return Err(Goodbye::unauthorized(rpc::wrong_token(None)));
            }
        };
        if text.len() > rpc::MAX_FIRST {
            return Err(too_long);
        }
        let (id, shown) = rpc::parse_authenticate(&text).map_err(Goodbye::unauthorized)?;
        return if token.is(&shown) { Ok(id) } else { Err(Goodbye::unauthorized(rpc::wrong_token(Some(id)))) };
    }
}

/// Understands the frames of a page that is in.
struct Ear;

impl Hearing for Ear {
    const TOO_LONG: &'static str = "a message of more than 64 KiB";

    fn handle_text(&mut self, hall: &Hall, viewer: ViewerId, text: &str) -> Verdict {
        hall.tell(|hub, now| hub.handle_request(now, viewer, text));
        Verdict::Continue
    }

    fn handle_binary(&mut self, _: &Hall, _: ViewerId, _: &[u8]) -> Verdict {
        Verdict::Close(POLICY, "a binary frame; this speaks JSON in text frames".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_accepted() {
        let token = Token::make().unwrap();
        assert!(token.is(token.reveal()));
        for shown in ["", "x", &token.reveal()[1..], &format!("{}0", token.reveal())] {
            assert!(!token.is(shown));
        }
        assert!(!format!("{token:?}").contains(token.reveal()));
        assert_eq!(token.reveal().len(), 32);
    }
}
