//! Exports of history: one download for each ticket that was given out over `/ws`.
//!
//! Whoever has the ticket has shown the token, or was given the address by who has. A guess costs
//! nothing and tells nothing.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use tokio::{
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
};

use super::Web;
use crate::{
    clock::Now,
    history::{
        archive,
        export::{self, Reader},
        question::{Export, Format},
        store::{Store, StoreError},
    },
    terminal,
};

/// Pieces that wait for a slow reader; a piece has some 64 KiB.
const MAX_PIECES: usize = 4;

/// Most downloads at once; each has a thread of its own.
static DOWNLOADS: Semaphore = Semaphore::const_new(4);

/// Answers a request for a download.
pub async fn download(State(web): State<Arc<Web>>, Path(secret): Path<String>, method: Method) -> Response {
    // Who only looks at the headers would use the ticket up.
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let Ok(place) = DOWNLOADS.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many downloads at once\n").into_response();
    };
    let Some((state, export)) = web.desk.take_ticket(Now::read(), &secret) else {
        return (StatusCode::NOT_FOUND, "this download was fetched already, or its minute is over; ask for it again\n").into_response();
    };
    let (kind, name) = match export.format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"openwsn-history.csv\""),
        Format::Jsonl => ("application/jsonl; charset=utf-8", "attachment; filename=\"openwsn-history.jsonl\""),
    };
    let (pieces, body) = mpsc::channel(MAX_PIECES);
    spawn_blocking(move || {
        let _place = place;
        send(&state, &export, &pieces);
    });
    let body = stream::unfold(body, |mut body| async { body.recv().await.map(|piece| (piece, body)) });
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], Body::from_stream(body)).into_response()
}

/// An export that fails in the middle breaks off, so that it is not taken for a whole one.
fn send(state: &archive::State, export: &Export, pieces: &mpsc::Sender<Result<String, StoreError>>) {
    let hand_on = |piece| if pieces.blocking_send(Ok(piece)).is_ok() { Reader::Reads } else { Reader::Gone };
    let written = Store::open_to_read(state.path()).and_then(|store| export::write(&store, export, hand_on));
    if let Err(error) = written {
        terminal::line(format_args!("history: an export broke off: {error}"));
        // Who has gone need not know.
        let _ = pieces.blocking_send(Err(error));
    }
}
