//! What the host does alike with every viewer that is in, whichever protocol it speaks: say what the
//! hub has for it, hear it, and feel its pulse.
//!
//! A viewer that does not read is closed; nobody else waits for it.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use axum::extract::ws::WebSocket;
use tokio::{sync::watch, time::sleep_until};

use crate::{
    hall::Hall,
    hub::{
        ViewerId,
        viewer::{ToViewer, Words},
    },
    pulse::{Beat, Pulse},
    socket::{self, Gone, Incoming},
    wslink::{MAX_FRAME, chunk},
};

/// Time between pings of the host.
const PING_EVERY: Duration = Duration::from_secs(15);

/// Close codes: RFC 6455's, and 4401 for a missing or wrong token.
pub const DONE: u16 = 1000;
/// See [`DONE`].
pub const POLICY: u16 = 1008;
/// See [`DONE`].
pub const TOO_LONG: u16 = 1009;
/// See [`DONE`].
pub const TRY_LATER: u16 = 1013;
/// See [`DONE`].
pub const UNAUTHORIZED: u16 = 4401;

/// How the frames of a viewer are understood.
pub trait Hearing {
    /// Why a frame above the limit of the socket is too long.
    const TOO_LONG: &'static str;

    /// A text frame.
    fn handle_text(&mut self, hall: &Hall, viewer: ViewerId, text: &str) -> Verdict;

    /// A binary frame.
    fn handle_binary(&mut self, hall: &Hall, viewer: ViewerId, bytes: &[u8]) -> Verdict;
}

/// Whether a conversation goes on.
pub enum Verdict {
    /// It does.
    Continue,
    /// The connection is gone.
    Over,
    /// The host ends it, with a code and a reason.
    Close(u16, Cow<'static, str>),
}

/// Runs the connection of a viewer to its end.
pub async fn converse<H: Hearing>(socket: &mut WebSocket, hall: &Hall, viewer: ViewerId, hearing: &mut H) {
    let mut bell = hall.bell();
    let mut pulse = Pulse::new(Instant::now(), PING_EVERY);
    let mut speaker = Speaker { hall, viewer, last_message: 0 };
    loop {
        let mut verdict = speaker.send_all(socket).await;
        if matches!(verdict, Verdict::Continue) {
            verdict = tokio::select! {
                // The bell is not rung for the last time while its hall is here.
                _ = bell.changed() => Verdict::Continue,
                incoming = socket::receive(socket) => handle(hall, viewer, hearing, &mut pulse, incoming),
                () = sleep_until(pulse.poll_timeout().into()) => beat(socket, &mut pulse).await,
            };
        }
        match verdict {
            Verdict::Continue => {}
            Verdict::Over => return,
            Verdict::Close(code, reason) => {
                return socket::close_at_once(socket, code, &reason).await;
            }
        }
    }
}

/// Says to a viewer what the hub has for it.
struct Speaker<'a> {
    hall: &'a Hall,
    viewer: ViewerId,
    /// Tells the chunks of one wslink message from those of another.
    last_message: u32,
}

impl Speaker<'_> {
    async fn send_all(&mut self, socket: &mut WebSocket) -> Verdict {
        const TOO_SLOW: &str = "the viewer did not keep up; connect again";
        let mut bell = self.hall.bell();
        while let Some(next) = self.hall.ask(|hub| hub.poll_viewer(self.viewer)) {
            let said = match next {
                ToViewer::TooSlow => return Verdict::Close(TRY_LATER, TOO_SLOW.into()),
                ToViewer::Words(Words::Json(text)) => self.unless_too_slow(&mut bell, socket::send(socket, text)).await,
                ToViewer::Words(Words::Wslink(message)) => {
                    self.last_message = self.last_message.wrapping_add(1);
                    let frames = chunk::cut(self.last_message, &message, MAX_FRAME);
                    self.unless_too_slow(&mut bell, send_frames(socket, frames)).await
                }
            };
            if let Err(Gone) = said {
                return Verdict::Over;
            }
        }
        Verdict::Continue
    }

    /// Sends, but gives up on a viewer that has not kept up meanwhile: in the middle of a message no
    /// close frame can be sent any more.
    async fn unless_too_slow(&self, bell: &mut watch::Receiver<()>, sending: impl Future<Output = Result<(), Gone>>) -> Result<(), Gone> {
        let mut sending = std::pin::pin!(sending);
        loop {
            tokio::select! {
                sent = &mut sending => return sent,
                _ = bell.changed() => {
                    if self.hall.ask(|hub| hub.is_too_slow(self.viewer)) {
                        return Err(Gone);
                    }
                }
            }
        }
    }
}

async fn send_frames(socket: &mut WebSocket, frames: impl Iterator<Item = Vec<u8>>) -> Result<(), Gone> {
    for frame in frames {
        socket::send_binary(socket, frame).await?;
    }
    Ok(())
}

fn handle<H: Hearing>(hall: &Hall, viewer: ViewerId, hearing: &mut H, pulse: &mut Pulse, incoming: Incoming) -> Verdict {
    let now = Instant::now();
    pulse.handle_traffic(now);
    match incoming {
        Incoming::Text(text) => hearing.handle_text(hall, viewer, &text),
        Incoming::Binary(bytes) => hearing.handle_binary(hall, viewer, &bytes),
        Incoming::Pong(payload) => {
            // The viewer's own round-trip time is of no interest; the answer lets the next ping go.
            pulse.handle_pong(now, &payload);
            Verdict::Continue
        }
        Incoming::Ping => Verdict::Continue,
        Incoming::TooLong => Verdict::Close(TOO_LONG, H::TOO_LONG.into()),
        Incoming::Closed(_) => Verdict::Over,
    }
}

async fn beat(socket: &mut WebSocket, pulse: &mut Pulse) -> Verdict {
    match pulse.poll_beat(Instant::now()) {
        None | Some(Beat::Unanswered) => Verdict::Continue,
        Some(Beat::Ping(payload)) => match socket::ping(socket, payload).await {
            Ok(()) => Verdict::Continue,
            Err(Gone) => Verdict::Over,
        },
        Some(Beat::Dead) => Verdict::Over,
    }
}
