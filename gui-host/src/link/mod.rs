//! The listener for routers: `/lbr` and nothing else.
//!
//! This is what the tunnel exposes to every user of a router. So no browser may come in (any
//! `Origin` is refused), no request for another host is answered, and nothing is served.

pub mod handshake;
pub mod message;
pub mod pages;
mod session;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{
        ConnectInfo, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::task::JoinSet;

use self::handshake::Authentication;
use crate::{
    hall::Hall,
    json_lines::Printer,
    loopback::{
        Bound,
        admission::{Door, House, Pass},
        hosts::{Hosts, require_own_host},
    },
    terminal,
};

/// The WebSocket subprotocol of the link.
const SUBPROTOCOL: &str = "openwsn-lbr.v1";

/// Peers that have not proved themselves yet. Request and handshake have 5 s each.
const HOUSE: House = House { strangers: 32, patience: Duration::from_secs(10) };

/// At most one line about refused connections in this time.
const REFUSAL_LINES: Duration = Duration::from_secs(1);

/// What a session needs to know.
pub struct Link {
    /// The hub.
    pub hall: Arc<Hall>,
    /// How a router proves itself.
    pub authentication: Authentication,
    /// The port that routers dial.
    pub remote_port: u16,
    /// Prints the messages, with `--json`.
    pub printer: Option<Printer>,
    /// The target whose tunnel leads to this listener.
    pub target: Option<usize>,
    /// Who was refused.
    pub refusals: Arc<Refusals>,
}

/// Tells of refused connections, not too often.
#[derive(Default)]
pub struct Refusals(Mutex<(Option<Instant>, u64)>);

impl Refusals {
    fn tell(&self, why: &str) {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.0 {
            Some(told) if now < told + REFUSAL_LINES => last.1 += 1,
            Some(_) | None => {
                let more = std::mem::take(&mut last.1);
                last.0 = Some(now);
                drop(last);
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                terminal::line(format_args!("link: a connection was refused: {why}{more}"));
            }
        }
    }
}

/// Serves the link on both loopback addresses.
pub fn serve(tasks: &mut JoinSet<()>, bound: Bound, link: Link) {
    // Through the tunnel a router asks for the port that it dialled.
    let hosts = Hosts::new(&[bound.port, link.remote_port]);
    let routes = Router::new()
        .route("/lbr", get(enter))
        .layer(middleware::from_fn(refuse_browsers))
        .layer(middleware::from_fn_with_state(hosts, require_own_host))
        .with_state(Arc::new(link));
    for door in Door::all(bound.listeners, HOUSE) {
        let service = routes.clone().into_make_service_with_connect_info::<Pass>();
        tasks.spawn(async move {
            // It ends with an error never (axum retries what can be retried), and with the host.
            let _ = axum::serve(door, service).await;
        });
    }
}

/// A browser always says where it comes from, a router never.
async fn refuse_browsers(request: axum::extract::Request, next: middleware::Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        let text = "this port is for border routers, not for browsers\n";
        (StatusCode::FORBIDDEN, text).into_response()
    } else {
        next.run(request).await
    }
}

async fn enter(
    State(link): State<Arc<Link>>,
    ConnectInfo(pass): ConnectInfo<Pass>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL);
        let text = format!("offer the WebSocket subprotocol {SUBPROTOCOL}, not {offered:?}\n");
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    upgrade
        .max_message_size(message::MAX_MESSAGE)
        .max_frame_size(message::MAX_MESSAGE)
        .on_upgrade(move |socket| session::run(socket, link, pass))
}
