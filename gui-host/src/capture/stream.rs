//! `GET /capture`: packets as they come, to whoever shows the token.
//!
//! To the hub it is a viewer that wants `mote-data` alone. It always reads: what its own reader does not take in time is
//! passed over, packet by packet, so that the stream stays in order.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use lowpan::capture::{Capture, Section};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{packet, question::Question};
use crate::{
    hall::Hall,
    hub::{
        ViewerId,
        viewer::{Dialect, ToViewer, Words},
    },
    loopback::admission::Pass,
    terminal,
    web::{Web, bearer},
};

/// What the viewer asks for.
const SUBSCRIBE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"subscribe","params":{"topics":["mote-data"]}}"#;

/// Packets that wait for a slow reader.
const MAX_WAITING: usize = 1024;

type Piece = Result<Vec<u8>, Infallible>;

/// Answers a request for a capture.
pub async fn stream(
    State(web): State<Arc<Web>>,
    ConnectInfo(pass): ConnectInfo<Pass>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = bearer::require(&headers, |shown| web.token.is(shown)) {
        return refusal.into_response();
    }
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let question = match Question::parse(uri.query().unwrap_or_default()) {
        Ok(question) => question,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let Ok(viewer) = web.hall.tell(|hub, now| hub.handle_viewer_open(now, Dialect::JsonRpc)) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages and captures at once\n").into_response();
    };
    pass.settle();
    let (pieces, body) = mpsc::channel(MAX_WAITING);
    let viewer = Viewer { hall: web.hall.clone(), viewer };
    tokio::spawn(Streaming::new(viewer, &question, pieces).run());
    let body = stream::unfold(body, |mut body| async { body.recv().await.map(|piece| (piece, body)) });
    ([(header::CONTENT_TYPE, "application/x-pcapng")], Body::from_stream(body)).into_response()
}

/// A viewer of the hub's, until this is dropped.
struct Viewer {
    hall: Arc<Hall>,
    viewer: ViewerId,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.hall.tell(|hub, _| hub.handle_viewer_closed(self.viewer));
    }
}

/// Why a stream ends.
enum End {
    /// Its reader has gone.
    Unread,
    /// The hub has let it go.
    LetGo,
}

struct Streaming {
    viewer: Viewer,
    router: Option<String>,
    capture: Capture,
    section: Section,
    pieces: mpsc::Sender<Piece>,
    passed_over: u64,
}

impl Streaming {
    fn new(viewer: Viewer, question: &Question, pieces: mpsc::Sender<Piece>) -> Self {
        let capture = question.capture();
        let mut head = Vec::new();
        let section = Section::begin(&capture, &mut head);
        // The channel is empty, and its reader is told later.
        let _ = pieces.try_send(Ok(head));
        Self { viewer, router: question.router.clone(), capture, section, pieces, passed_over: 0 }
    }

    async fn run(mut self) {
        let mut bell = self.viewer.hall.bell();
        let viewer = self.viewer.viewer;
        self.viewer.hall.tell(|hub, now| hub.handle_request(now, viewer, SUBSCRIBE));
        while self.pump().is_ok() {
            tokio::select! {
                // The bell is not rung for the last time while its hall is here.
                _ = bell.changed() => {}
                () = self.pieces.closed() => break,
            }
        }
        if self.passed_over > 0 {
            terminal::line(format_args!("capture: {} packets passed over, which were not read in time", self.passed_over));
        }
    }

    /// Hands on what there is.
    fn pump(&mut self) -> Result<(), End> {
        let viewer = self.viewer.viewer;
        while let Some(next) = self.viewer.hall.ask(|hub| hub.poll_viewer(viewer)) {
            match next {
                ToViewer::Words(Words::Json(text)) => self.take(&text)?,
                ToViewer::Words(Words::Wslink(_)) | ToViewer::TooSlow => return Err(End::LetGo),
            }
        }
        Ok(())
    }

    fn take(&mut self, text: &str) -> Result<(), End> {
        for record in packet::records(&mut self.capture, self.router.as_deref(), text) {
            let (mut bytes, mut section) = (Vec::new(), self.section);
            section.write(&self.capture, &record, &mut bytes);
            match self.pieces.try_send(Ok(bytes)) {
                Ok(()) => self.section = section,
                Err(TrySendError::Full(_)) => self.passed_over += 1,
                Err(TrySendError::Closed(_)) => return Err(End::Unread),
            }
        }
        Ok(())
    }
}
