//! The listener for viewers: the page, the WebSocket `/ws` that it speaks over, and `/wslink` for
//! stock wslink clients.
//!
//! It is never named in a tunnel. No request changes anything but through `/ws`, which takes only
//! the page of this very listener, and `/wslink`, which takes programs too; both only with the token.
//! `/history/TICKET` is a download that somebody with the token asked for. `/capture` and `/metrics` are for programs, which
//! show the token in a header.

mod assets;
pub mod bearer;
pub mod conversation;
mod download;
mod headers;
pub mod rpc;
mod session;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{
        ConnectInfo, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::task::JoinSet;

pub use self::session::Token;
use crate::{
    capture,
    hall::Hall,
    history::desk::Desk,
    loopback::{
        Bound,
        admission::{Door, House, Pass},
        hosts::{Hosts, has_own_origin, require_own_host},
    },
    metrics::{self, MetricsToken},
    wslink,
};

/// Connections without the token: those that fetch the page's files.
const HOUSE: House = House { strangers: 64, patience: Duration::from_mins(1) };

/// What a session needs to know.
pub struct Web {
    /// The hub.
    pub hall: Arc<Hall>,
    /// What a browser must show.
    pub token: Token,
    /// Who gives out downloads.
    pub desk: Arc<Desk>,
    /// What opens `/metrics` beside the token, and nothing else.
    pub metrics_token: Option<MetricsToken>,
}

/// Serves the page on both loopback addresses.
pub fn serve(tasks: &mut JoinSet<()>, bound: Bound, web: Web) {
    let routes = Router::new()
        .route("/ws", get(enter))
        .route("/wslink", get(wslink::enter))
        .route("/history/{ticket}", get(download::download))
        .route("/capture", get(capture::stream))
        .route("/metrics", get(metrics::page))
        .fallback(get(assets::asset))
        .layer(middleware::from_fn_with_state(Hosts::new(&[bound.port]), require_own_host))
        .layer(middleware::map_response(headers::protect))
        .with_state(Arc::new(web));
    for door in Door::all(bound.listeners, HOUSE) {
        let service = routes.clone().into_make_service_with_connect_info::<Pass>();
        tasks.spawn(async move {
            // It ends with an error never (axum retries what can be retried), and with the host.
            let _ = axum::serve(door, service).await;
        });
    }
}

async fn enter(
    State(web): State<Arc<Web>>,
    ConnectInfo(pass): ConnectInfo<Pass>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !has_own_origin(&headers) {
        let text = "only the page of this server may connect here\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(rpc::MAX_MESSAGE)
            .max_frame_size(rpc::MAX_MESSAGE)
            .on_upgrade(move |socket| session::run(socket, web, pass)),
        Err(rejection) => rejection.into_response(),
    }
}
