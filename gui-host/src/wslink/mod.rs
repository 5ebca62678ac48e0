//! # wslink
//!
//! The hub for stock clients of wslink (<https://github.com/Kitware/wslink>: scripts, VTK and trame),
//! at `/wslink` of the page's listener. The wire format is that of wslink 2; this file is the home of
//! what is said in it.
//!
//! 1. The frames are binary; each is a chunk of a message, with a header of 12 bytes (`chunk`). A
//!    message is a msgpack map (`message`): a call, a result, an error, or a publication, which is a
//!    result whose id is `publish:TOPIC:0`.
//! 2. The first call is `wslink.hello` with `[{secret}]`, at most 512 bytes, within 5 s. The secret is
//!    the token `#t=…` of the page's address, new at each start; the well-known default of wslink is
//!    no secret here. A wrong one is answered with the error -32000, the third one closes the
//!    connection (4401). A browser may come only from our own page, as to `/ws`; a script, which has
//!    no `Origin`, may come.
//! 3. After the hello's answer `{clientID, maxMsgSize}` the client is told whatever changes, under the
//!    topics of the hub with dots: `link`, `mote.inventory`, `mote.status`, `event.count`, `mote.log`,
//!    `dag`, `uinject`, `lbr.health`, `command.outcome`, `gap`; and `mote.data` if it has subscribed to
//!    that. A publication is `{seq, lbr, message}`, with the meaning and the rules for merging that
//!    `web::rpc` tells of notifications. What there is already it asks for, with its listeners in
//!    place: a stock client cannot listen before a moment has passed after the hello, so a snapshot
//!    that came by itself would be lost. It can also receive messages of very different size in
//!    another order than they were sent in: compare `seq`.
//! 4. Bytes are bytes: the packet of a `mote-data` (`lowpan`) is binary, in place.
//!
//! | method | arguments | result |
//! |---|---|---|
//! | `lbr.snapshot` | | the snapshot `{seq, links, lbrs}` of `web::rpc` |
//! | `lbr.subscribe` | `topics`, a list; without it all but `mote.data` | the snapshot; only these topics follow |
//! | `lbr.export` | | the snapshot as a file: `{name, type, data}`, with the bytes of its JSON |
//! | `lbr.command` | `lbr`, `event`, `mote` or `port`, … as `ui-event` of `web::rpc` | `{id}`; outcomes as `command.outcome`, to whom they go there |
//! | `lbr.refresh` | `lbr` | `{}` |
//! | `application.exit`, `application.exit.later` | | none: the client's own connection ends, since the host is not a client's to stop |
//!
//! Arguments come by name, or as one map. `lbr` is a router's id, or `*` for all whose link is open.
//! Errors: -32601 unknown method; -32602 wrong arguments, or unknown router; -32003 more than 10 calls a
//! second; -32004 the router cannot be reached now; `data` is the method's name.
//!
//! Limits: 32 KiB per frame in both directions, 64 KiB per message to the host in at most 256 chunks,
//! 4 messages begun and not finished. What breaks the format or a limit closes the connection with 1008
//! or 1009 and the reason. Pings and slow readers as in `web::rpc`.

mod assembler;
pub mod chunk;
mod fault;
mod greeting;
mod message;
mod request;
mod session;
mod topic;
mod value;
#[cfg(test)]
mod vectors;

use std::sync::Arc;

use axum::{
    extract::{
        ConnectInfo, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rmpv::Value;
use serde_json::value::RawValue;

pub use self::{
    fault::Fault,
    request::{CallError, Heard, parse},
};
use self::{
    greeting::Step,
    message::{Message, field},
};
use crate::{
    hub::topic::Topic,
    loopback::{admission::Pass, hosts::has_own_origin},
    web::Web,
};

/// Longest frame, bytes, in both directions; what the hello's answer calls `maxMsgSize`. So a client's
/// longest message needs several, and a large snapshot cannot keep a small message waiting for long.
pub const MAX_FRAME: usize = 32 * 1024;

/// Longest message of a client, bytes; as of a page.
const MAX_MESSAGE: usize = 64 * 1024;

/// Lets a client in that no foreign page has sent.
pub async fn enter(
    State(web): State<Arc<Web>>,
    ConnectInfo(pass): ConnectInfo<Pass>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    // Every browser says where it comes from; who says nothing is a program of this computer.
    if headers.contains_key(header::ORIGIN) && !has_own_origin(&headers) {
        return (StatusCode::FORBIDDEN, "only the page of this server, or a program, may connect here\n").into_response();
    }
    match upgrade {
        Ok(upgrade) => {
            upgrade.max_message_size(MAX_FRAME).max_frame_size(MAX_FRAME).on_upgrade(move |socket| session::run(socket, web, pass))
        }
        Err(rejection) => rejection.into_response(),
    }
}

/// The publication of something that has happened.
pub fn notification(topic: Topic, seq: u64, lbr: Option<&str>, message: &RawValue) -> Vec<u8> {
    let mut message = value::from_json(message);
    value::attach_packet(&mut message);
    let lbr = lbr.map_or(Value::Nil, Value::from);
    let fields = vec![field("seq", seq), field("lbr", lbr), field("message", message)];
    Message::publication(&topic::name(topic), Value::Map(fields)).encode()
}
