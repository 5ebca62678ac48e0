//! One browser, from the token to the close frame.
//!
//! A browser that does not read is closed; nobody else waits for it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::WebSocket;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{json, value::to_raw_value};
use sha2::Sha256;
use tokio::time::{sleep_until, timeout};

use super::{
    Web,
    rpc::{self, Refused},
};
use crate::{
    hub::{Hub, ViewerId, viewer::ToViewer},
    loopback::admission::Pass,
    pulse::{Beat, Pulse},
    random,
    socket::{self, Incoming},
};

/// Longest time until the token is shown.
const TOKEN_LIMIT: Duration = Duration::from_secs(2);

/// Time between pings of the host.
const PING_EVERY: Duration = Duration::from_secs(15);

/// Close codes: RFC 6455's, and 4401 for a missing or wrong token.
const POLICY: u16 = 1008;
const TOO_LONG: u16 = 1009;
const TRY_LATER: u16 = 1013;
const UNAUTHORIZED: u16 = 4401;

/// What a browser must show: 128 random bits, new at each start.
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

    /// Compares in a time that does not depend on the shown text: by its MAC under the token.
    fn is(&self, shown: &str) -> bool {
        let mac = |text: &str| {
            let mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes());
            let mut mac = mac.expect("HMAC takes any length");
            mac.update(text.as_bytes());
            mac
        };
        mac(&self.0).verify(&mac(shown).finalize().into_bytes()).is_ok()
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
    let Ok(viewer) = web.hall.tell(Hub::handle_viewer_open) else {
        return Goodbye { answer: None, code: TRY_LATER, reason: "too many pages are open" }.say(socket).await;
    };
    pass.settle();
    let host = json!({"host": {"name": "gui-host", "version": env!("CARGO_PKG_VERSION")}});
    let host = to_raw_value(&host).expect("a value of ours is JSON");
    if socket::send(&mut socket, rpc::result(&admitted, &host)).await.is_ok() {
        converse(&mut socket, &web, viewer).await;
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
        Self { answer: None, code: UNAUTHORIZED, reason: "no token within 2 s" }
    }

    async fn say(self, mut socket: WebSocket) {
        if let Some(answer) = self.answer {
            // Who cannot be told is closed all the same.
            let _ = socket::send(&mut socket, answer.message()).await;
        }
        socket::close_at_once(&mut socket, self.code, self.reason).await;
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
            Incoming::Binary | Incoming::Closed(_) => {
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

/// Whether a conversation goes on.
enum Verdict {
    Continue,
    Over,
    Close(u16, &'static str),
}

async fn converse(socket: &mut WebSocket, web: &Web, viewer: ViewerId) {
    let mut bell = web.hall.bell();
    let mut pulse = Pulse::new(Instant::now(), PING_EVERY);
    loop {
        let mut verdict = send_all(socket, web, viewer).await;
        if matches!(verdict, Verdict::Continue) {
            verdict = tokio::select! {
                // The bell is not rung for the last time while its hall is here.
                _ = bell.changed() => Verdict::Continue,
                incoming = socket::receive(socket) => handle(web, viewer, &mut pulse, incoming),
                () = sleep_until(pulse.poll_timeout().into()) => beat(socket, &mut pulse).await,
            };
        }
        match verdict {
            Verdict::Continue => {}
            Verdict::Over => return,
            Verdict::Close(code, reason) => {
                return socket::close_at_once(socket, code, reason).await;
            }
        }
    }
}

async fn send_all(socket: &mut WebSocket, web: &Web, viewer: ViewerId) -> Verdict {
    const TOO_SLOW: Verdict = Verdict::Close(TRY_LATER, "the page did not keep up; connect again");
    let mut bell = web.hall.bell();
    while let Some(next) = web.hall.ask(|hub| hub.poll_viewer(viewer)) {
        let text = match next {
            ToViewer::Text(text) => text,
            ToViewer::TooSlow => return TOO_SLOW,
        };
        let mut sending = std::pin::pin!(socket::send(socket, text));
        loop {
            tokio::select! {
                sent = &mut sending => match sent {
                    Ok(()) => break,
                    Err(socket::Gone) => return Verdict::Over,
                },
                _ = bell.changed() => {
                    // In the middle of a message no close frame can be sent any more.
                    if web.hall.ask(|hub| hub.is_too_slow(viewer)) {
                        return Verdict::Over;
                    }
                }
            }
        }
    }
    Verdict::Continue
}

fn handle(web: &Web, viewer: ViewerId, pulse: &mut Pulse, incoming: Incoming) -> Verdict {
    let now = Instant::now();
    pulse.handle_traffic(now);
    match incoming {
        Incoming::Text(text) => {
            web.hall.tell(|hub, now| hub.handle_request(now, viewer, &text));
            Verdict::Continue
        }
        Incoming::Pong(payload) => {
            // The page's own round-trip time is of no interest; the answer lets the next ping go.
            pulse.handle_pong(now, &payload);
            Verdict::Continue
        }
        Incoming::Ping => Verdict::Continue,
        Incoming::Binary => Verdict::Close(POLICY, "a binary frame; this speaks JSON in text frames"),
        Incoming::TooLong => Verdict::Close(TOO_LONG, "a message of more than 64 KiB"),
        Incoming::Closed(_) => Verdict::Over,
    }
}

async fn beat(socket: &mut WebSocket, pulse: &mut Pulse) -> Verdict {
    match pulse.poll_beat(Instant::now()) {
        None | Some(Beat::Unanswered) => Verdict::Continue,
        Some(Beat::Ping(payload)) => match socket::ping(socket, payload).await {
            Ok(()) => Verdict::Continue,
            Err(socket::Gone) => Verdict::Over,
        },
        Some(Beat::Dead) => Verdict::Over,
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
