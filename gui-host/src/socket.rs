//! What sessions with routers and with browsers do alike with their WebSocket: send within a bounded
//! time, tell frames apart, and say goodbye with a reason.

use std::{error::Error, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use tokio::time::timeout;

/// Longest time for one message to go out; a peer that reads nothing for so long is gone.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Longest time to wait for the peer's answer to our close frame.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Longest reason in a close frame, bytes (RFC 6455, section 5.5).
const MAX_REASON: usize = 123;

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame.
    Binary(Bytes),
    /// A ping, which is answered already.
    Ping,
    /// A pong.
    Pong(Bytes),
    /// The end; with the peer's reason.
    Closed(String),
    /// A message above the limit. The socket must not be read again.
    TooLong,
}

/// The peer does not take what is sent to it.
#[derive(Debug)]
pub struct Gone;

/// Waits for the next frame.
pub async fn receive(socket: &mut WebSocket) -> Incoming {
    match socket.recv().await {
        Some(Ok(Message::Text(text))) => Incoming::Text(text),
        Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
        Some(Ok(Message::Ping(_))) => Incoming::Ping,
        Some(Ok(Message::Pong(payload))) => Incoming::Pong(payload),
        Some(Ok(Message::Close(Some(frame)))) => Incoming::Closed(format!("closed by the peer: {} {}", frame.code, frame.reason)),
        Some(Ok(Message::Close(None))) => Incoming::Closed("closed by the peer".to_owned()),
        Some(Err(error)) if is_too_long(&error) => Incoming::TooLong,
        Some(Err(error)) => Incoming::Closed(format!("the connection broke: {error}")),
        None => Incoming::Closed("the connection broke".to_owned()),
    }
}

/// The error's type belongs to a crate that axum does not show; its words do.
fn is_too_long(error: &axum::Error) -> bool {
    let words = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    words.contains("too long")
}

/// Sends a text frame.
pub async fn send(socket: &mut WebSocket, text: String) -> Result<(), Gone> {
    send_message(socket, Message::Text(text.into())).await
}

/// Sends a binary frame.
pub async fn send_binary(socket: &mut WebSocket, frame: Vec<u8>) -> Result<(), Gone> {
    send_message(socket, Message::Binary(frame.into())).await
}

/// Sends a ping.
pub async fn ping(socket: &mut WebSocket, payload: [u8; 8]) -> Result<(), Gone> {
    send_message(socket, Message::Ping(Bytes::copy_from_slice(&payload))).await
}

async fn send_message(socket: &mut WebSocket, message: Message) -> Result<(), Gone> {
    match timeout(SEND_LIMIT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Gone),
    }
}

/// Sends a close frame, and does not wait for its answer.
pub async fn close_at_once(socket: &mut WebSocket, code: u16, reason: &str) {
    let reason = cut(reason).into();
    let frame = Message::Close(Some(CloseFrame { code, reason }));
    // Whether it arrives or not, the connection ends.
    let _ = timeout(CLOSE_LIMIT, socket.send(frame)).await;
}

/// Sends a close frame and waits for its answer for a moment.
pub async fn close(socket: &mut WebSocket, code: u16, reason: &str) {
    close_at_once(socket, code, reason).await;
    let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
    // A peer that does not answer is left all the same.
    let _ = timeout(CLOSE_LIMIT, answered).await;
}

fn cut(reason: &str) -> String {
    let end = (0..=reason.len().min(MAX_REASON)).rev().find(|&end| reason.is_char_boundary(end));
    reason[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ä".repeat(100)), "ä".repeat(61));
    }
}
