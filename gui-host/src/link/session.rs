//! One connection of a router, from the handshake to the close frame.
//!
//! It moves text between the socket and the hub. Nothing that arrives can stop more than this
//! connection.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::{Utf8Bytes, WebSocket};
use serde_json::json;
use tokio::time::{sleep_until, timeout};

use super::{
    Link,
    handshake::{self, Hello, Next, Refusal, check_auth, close},
    message::Fault,
};
use crate::{
    hub::{ConnectionId, ToRouter},
    loopback::admission::Pass,
    pulse::{Beat, Pulse},
    random,
    socket::{self, Incoming},
    terminal,
};

/// Longest time for the handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// Time between pings of the host.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Broken messages in a row that end the link.
const STRIKES: u32 = 3;

/// Runs a connection to its end.
pub async fn run(mut socket: WebSocket, link: Arc<Link>, pass: Pass) {
    let greeted = timeout(HANDSHAKE_LIMIT, greet(&mut socket, &link)).await;
    let greeted = greeted.unwrap_or_else(|_| Err(Ending::Refused(Refusal::late())));
    let admitted = greeted.and_then(|greeting| {
        let hello = greeting.hello.clone();
        let opened = link.hall.tell(|hub, now| hub.handle_link_open(now, hello, link.target));
        opened.map(|connection| (greeting, connection)).map_err(|_| Ending::Refused(Refusal::crowded()))
    });
    let (greeting, connection) = match admitted {
        Ok(admitted) => admitted,
        Err(ending) => return refuse(socket, &link, ending).await,
    };
    pass.settle();
    greeting.print(&link);
    let id = greeting.hello.id;
    terminal::line(format_args!("link: border router {id} is here"));
    let session = Session { socket, link: &link, connection, id: &id, strikes: 0 };
    let reason = session.converse().await;
    link.hall.tell(|hub, now| hub.handle_link_closed(now, connection, &reason));
    terminal::line(format_args!("link: border router {id} is gone: {reason}"));
}

/// How a handshake fails.
enum Ending {
    /// The peer has to be told why.
    Refused(Refusal),
    /// There is nobody to tell.
    Gone(String),
}

impl Ending {
    /// A router that leaves now has refused the host's proof.
    fn after_welcome(self) -> Self {
        match self {
            Self::Gone(why) => Self::Refused(Refusal::declined(&why)),
            Self::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// A finished handshake.
struct Greeting {
    hello: Hello,
    welcome: String,
    auth: Option<Utf8Bytes>,
}

impl Greeting {
    /// Nothing of a handshake is printed before it has succeeded.
    fn print(&self, link: &Link) {
        if let Some(printer) = &link.printer {
            printer.received(self.hello.text.get());
            printer.sent(&self.hello.id, &self.welcome);
            if let Some(auth) = &self.auth {
                printer.received(auth);
            }
        }
    }
}

async fn greet(socket: &mut WebSocket, link: &Link) -> Result<Greeting, Ending> {
    let hello = Hello::parse(&receive_short(socket).await?).map_err(Ending::Refused)?;
    let nonce = random::hex_128().map_err(|error| Ending::Gone(format!("{error:#}")))?;
    let welcome = hello.welcome(&link.authentication, link.remote_port, &nonce).map_err(Ending::Refused)?;
    let gone = |socket::Gone| Ending::Gone("the peer left in the handshake".to_owned());
    socket::send(socket, welcome.text.clone()).await.map_err(gone)?;
    let auth = match welcome.next {
        Next::Snapshot => None,
        Next::Proof(key, transcript) => {
            let auth = receive_short(socket).await.map_err(Ending::after_welcome)?;
            check_auth(&auth, &key, &transcript).map_err(Ending::Refused)?;
            Some(auth)
        }
    };
    Ok(Greeting { hello, welcome: welcome.text, auth })
}

/// A text of the handshake.
async fn receive_short(socket: &mut WebSocket) -> Result<Utf8Bytes, Ending> {
    loop {
        match socket::receive(socket).await {
            Incoming::Text(text) if text.len() > handshake::MAX_MESSAGE => {
                return Err(Ending::Refused(Refusal::too_long(text.len())));
            }
            Incoming::Text(text) => return Ok(text),
            Incoming::Binary(_) => return Err(Ending::Refused(Refusal::binary())),
            Incoming::TooLong => {
                return Err(Ending::Refused(Refusal::too_long(super::message::MAX_MESSAGE + 1)));
            }
            Incoming::Closed(why) => return Err(Ending::Gone(why)),
            Incoming::Ping | Incoming::Pong(_) => {}
        }
    }
}

async fn refuse(mut socket: WebSocket, link: &Link, ending: Ending) {
    match ending {
        Ending::Refused(refusal) => {
            link.refusals.tell(&refusal.text);
            link.hall.tell(|hub, now| hub.handle_refused(now, &refusal.text));
            // Who cannot be told is closed all the same.
            let _ = socket::send(&mut socket, refusal.message()).await;
            socket::close_at_once(&mut socket, refusal.close, &refusal.text).await;
        }
        Ending::Gone(why) => link.refusals.tell(&why),
    }
}

/// A connection after its handshake.
struct Session<'a> {
    socket: WebSocket,
    link: &'a Link,
    connection: ConnectionId,
    /// The router's id.
    id: &'a str,
    strikes: u32,
}

/// What follows from a frame.
enum Verdict {
    Continue,
    /// Close with this code; the socket may still be read.
    Close(u16, String),
    /// Close with this code and read nothing more.
    CloseUnread(u16, String),
    /// It is closed.
    Over(String),
}

impl Session<'_> {
    /// Gives the reason of the end.
    async fn converse(mut self) -> String {
        let mut bell = self.link.hall.bell();
        let mut pulse = Pulse::new(Instant::now(), PING_EVERY);
        loop {
            let mut verdict = self.send_all().await;
            if matches!(verdict, Verdict::Continue) {
                verdict = tokio::select! {
                    // The bell is not rung for the last time while its hall is here.
                    _ = bell.changed() => Verdict::Continue,
                    incoming = socket::receive(&mut self.socket) => {
                        self.handle(&mut pulse, incoming).await
                    }
                    () = sleep_until(pulse.poll_timeout().into()) => self.beat(&mut pulse).await,
                };
            }
            match verdict {
                Verdict::Continue => {}
                Verdict::Close(code, reason) => {
                    socket::close(&mut self.socket, code, &reason).await;
                    return reason;
                }
                Verdict::CloseUnread(code, reason) => {
                    socket::close_at_once(&mut self.socket, code, &reason).await;
                    return reason;
                }
                Verdict::Over(reason) => return reason,
            }
        }
    }

    async fn send_all(&mut self) -> Verdict {
        while let Some(next) = self.link.hall.ask(|hub| hub.poll_router(self.connection)) {
            match next {
                ToRouter::Text(text) => {
                    if let Some(printer) = &self.link.printer {
                        printer.sent(self.id, &text);
                    }
                    if socket::send(&mut self.socket, text).await.is_err() {
                        return Verdict::Over("the router takes no messages".to_owned());
                    }
                }
                ToRouter::Replaced => {
                    let reason = "a newer connection of the same router took its place";
                    return Verdict::Close(close::REPLACED, reason.to_owned());
                }
            }
        }
        Verdict::Continue
    }

    async fn beat(&mut self, pulse: &mut Pulse) -> Verdict {
        match pulse.poll_beat(Instant::now()) {
            None => Verdict::Continue,
            Some(Beat::Ping(payload)) => match socket::ping(&mut self.socket, payload).await {
                Ok(()) => Verdict::Continue,
                Err(socket::Gone) => Verdict::Over("the router takes no messages".to_owned()),
            },
            Some(Beat::Unanswered) => {
                self.link.hall.tell(|hub, now| hub.handle_ping_unanswered(now, self.connection));
                Verdict::Continue
            }
            Some(Beat::Dead) => Verdict::CloseUnread(close::POLICY, "no traffic for 40 s".to_owned()),
        }
    }

    async fn handle(&mut self, pulse: &mut Pulse, incoming: Incoming) -> Verdict {
        let now = Instant::now();
        pulse.handle_traffic(now);
        match incoming {
            Incoming::Text(text) => self.hear(&text).await,
            Incoming::Binary(_) => {
                let fault = Fault::Binary;
                self.link.hall.tell(|hub, _| hub.handle_broken_frame(self.connection, &fault));
                self.strike(&fault).await
            }
            Incoming::Pong(payload) => {
                if let Some(rtt) = pulse.handle_pong(now, &payload) {
                    self.link.hall.tell(|hub, now| hub.handle_pong(now, self.connection, rtt));
                }
                Verdict::Continue
            }
            Incoming::Ping => Verdict::Continue,
            Incoming::TooLong => {
                let max = super::message::MAX_MESSAGE;
                let reason = format!("a message of more than {max} bytes");
                Verdict::CloseUnread(close::TOO_LONG, reason)
            }
            Incoming::Closed(reason) => Verdict::Over(reason),
        }
    }

    async fn hear(&mut self, text: &str) -> Verdict {
        let hall = &self.link.hall;
        let heard = hall.tell(|hub, now| hub.handle_link_message(now, self.connection, text));
        // Each printed line is a JSON object, so what is none is only told of.
        let is_object = !matches!(heard, Err(Fault::Json(_) | Fault::Shape(_)));
        if let Some(printer) = self.link.printer.as_ref().filter(|_| is_object) {
            printer.received(text);
        }
        match heard {
            Ok(()) => {
                self.strikes = 0;
                Verdict::Continue
            }
            Err(fault) => self.strike(&fault).await,
        }
    }

    /// Answers a broken message; the third in a row ends the link.
    async fn strike(&mut self, fault: &Fault) -> Verdict {
        self.strikes += 1;
        terminal::line(format_args!("link: border router {}: {fault}", self.id));
        let answer = json!({"type": "error", "code": fault.code(), "text": fault.to_string()});
        if socket::send(&mut self.socket, answer.to_string()).await.is_err() {
            return Verdict::Over("the router takes no messages".to_owned());
        }
        if self.strikes < STRIKES {
            return Verdict::Continue;
        }
        Verdict::Close(close::POLICY, format!("{STRIKES} broken messages in a row: {fault}"))
    }
}
