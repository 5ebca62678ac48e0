//! `/metrics`: what routers tell of themselves every ten seconds, and how their links are, for Prometheus and others that read
//! `OpenMetrics`.
//!
//! Routers are asked for nothing: it is their `lbr-health`, inventory and counts as they came, and how old they are. What is
//! older than [`families::STALE_AFTER`] is not told any more, so that nothing pretends to be fresh. Names that come from
//! routers are escaped, and their number has bounds.

mod exposition;
mod families;
mod health;
mod token;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

pub use self::token::MetricsToken;
use crate::{
    clock::Now,
    web::{Web, bearer},
};

/// What it is, as `OpenMetrics` 1.0 names itself.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers a request for the figures.
pub async fn page(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    let is_right = |shown: &str| web.token.is(shown) || web.metrics_token.as_ref().is_some_and(|token| token.is(shown));
    if let Err(refusal) = bearer::require(&headers, is_right) {
        return refusal.into_response();
    }
    let figures = web.hall.ask(|hub| hub.figures(Now::read()));
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], families::text(&figures)).into_response()
}
