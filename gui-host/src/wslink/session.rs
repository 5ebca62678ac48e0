//! One wslink client, from its hello to the close frame.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::WebSocket;
use tokio::time::timeout;

use super::{
    Fault, Heard, MAX_FRAME, Step,
    assembler::{Assembler, Limits},
    chunk,
    greeting::{Greeting, welcome},
    message::Message,
};
use crate::{
    hall::Hall,
    hub::{Hub, ViewerId, viewer::Dialect},
    loopback::admission::Pass,
    random,
    socket::{self, Incoming},
    web::{
        Web,
        conversation::{DONE, Hearing, POLICY, TOO_LONG, TRY_LATER, UNAUTHORIZED, Verdict, converse},
    },
};

/// Longest time until the secret is shown.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// What is held of a client's unfinished messages.
const LIMITS: Limits = Limits { message: super::MAX_MESSAGE, chunks: 256, open: 4 };

/// Runs a connection to its end.
pub async fn run(mut socket: WebSocket, web: Arc<Web>, pass: Pass) {
    let greeted = timeout(HELLO_LIMIT, greet(&mut socket, &web));
    let id = match greeted.await.unwrap_or_else(|_| Err(Goodbye::unauthorized("no hello within 5 s"))) {
        Ok(id) => id,
        Err(goodbye) => return goodbye.say(&mut socket).await,
    };
    let Ok(number) = random::hex_128() else { return };
    let Ok(viewer) = web.hall.tell(|hub, now| hub.handle_viewer_open(now, Dialect::Wslink)) else {
        return Goodbye { code: TRY_LATER, reason: "too many viewers are here".to_owned() }.say(&mut socket).await;
    };
    pass.settle();
    if send(&mut socket, welcome(id, &format!("c{number}"), MAX_FRAME)).await.is_ok() {
        converse(&mut socket, &web.hall, viewer, &mut Ear(Assembler::new(LIMITS))).await;
    }
    web.hall.tell(|hub: &mut Hub, _| hub.handle_viewer_closed(viewer));
}

/// How a client is sent away.
struct Goodbye {
    code: u16,
    reason: String,
}

impl Goodbye {
    fn unauthorized(reason: &str) -> Self {
        Self { code: UNAUTHORIZED, reason: reason.to_owned() }
    }

    async fn say(self, socket: &mut WebSocket) {
        socket::close_at_once(socket, self.code, &self.reason).await;
    }
}

impl From<Fault> for Goodbye {
    fn from(fault: Fault) -> Self {
        Self { code: code(&fault), reason: fault.to_string() }
    }
}

fn code(fault: &Fault) -> u16 {
    match fault {
        Fault::TooLong { .. } => TOO_LONG,
        Fault::Short { .. }
        | Fault::Empty
        | Fault::PastEnd { .. }
        | Fault::Overlap { .. }
        | Fault::OtherTotal { .. }
        | Fault::TooManyChunks { .. }
        | Fault::TooManyOpen { .. }
        | Fault::Msgpack(_)
        | Fault::Trailing(_)
        | Fault::Shape(_) => POLICY,
    }
}

/// Gives the id of the call that showed the secret.
async fn greet(socket: &mut WebSocket, web: &Web) -> Result<String, Goodbye> {
    let mut greeting = Greeting::new();
    loop {
        let frame = match socket::receive(socket).await {
            Incoming::Binary(frame) => frame,
            Incoming::Ping | Incoming::Pong(_) => continue,
            Incoming::TooLong => return Err(Goodbye { code: TOO_LONG, reason: Ear::TOO_LONG.to_owned() }),
            Incoming::Text(_) | Incoming::Closed(_) => return Err(Goodbye::unauthorized("the first message is wslink.hello")),
        };
        match greeting.handle_frame(&frame, |secret| web.token.is(secret))? {
            Step::Wait => {}
            Step::Admit(id) => return Ok(id),
            Step::Answer(answer) => send(socket, answer).await?,
            Step::Close(answer) => {
                send(socket, answer).await?;
                return Err(Goodbye::unauthorized("wrong secret; it is the token in the address that gui-host printed"));
            }
        }
    }
}

/// Sends a message that fits into one frame.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Goodbye> {
    for frame in chunk::cut(0, &message.encode(), MAX_FRAME) {
        let sent = socket::send_binary(socket, frame).await;
        sent.map_err(|socket::Gone| Goodbye::unauthorized("the client does not read"))?;
    }
    Ok(())
}

/// Understands the frames of a client that is in.
struct Ear(Assembler);

impl Hearing for Ear {
    const TOO_LONG: &'static str = "a frame of more than 32 KiB, which is maxMsgSize";

    fn handle_text(&mut self, _: &Hall, _: ViewerId, _: &str) -> Verdict {
        Verdict::Close(POLICY, "a text frame; this speaks wslink in binary frames".into())
    }

    fn handle_binary(&mut self, hall: &Hall, viewer: ViewerId, bytes: &[u8]) -> Verdict {
        let heard = self.0.handle_frame(bytes).and_then(|message| match message {
            None => Ok(None),
            Some(message) => hall.tell(|hub, now| hub.handle_wslink_message(now, viewer, &message)).map(Some),
        });
        match heard {
            Ok(None | Some(Heard::Call)) => Verdict::Continue,
            Ok(Some(Heard::Goodbye)) => Verdict::Close(DONE, "goodbye".into()),
            Err(fault) => Verdict::Close(code(&fault), fault.to_string().into()),
        }
    }
}
