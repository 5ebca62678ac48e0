//! Who a request may think it is talking to.
//!
//! A page of another site can make a browser connect to this computer under a name of its own
//! (DNS rebinding); only the `Host` header tells. So it must be exactly one of our names, and a
//! browser's `Origin` exactly the page that we serve under that name.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The allowed values of `Host`.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    /// `127.0.0.1`, `localhost` and `[::1]` with each of `ports`.
    pub fn new(ports: &[u16]) -> Self {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        Self(ports.iter().flat_map(|port| names.map(|name| format!("{name}:{port}"))).collect())
    }

    /// The one `Host` of a request, if it is ours.
    pub fn host<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let host = single(headers, &header::HOST)?;
        self.0.iter().any(|ours| ours == host).then_some(host)
    }
}

/// Whether a request comes from the page of the very host that it asks: scheme, host and port.
pub fn has_own_origin(headers: &HeaderMap) -> bool {
    match (single(headers, &header::ORIGIN), single(headers, &header::HOST)) {
        (Some(origin), Some(host)) => origin.strip_prefix("http://") == Some(host),
        _ => false,
    }
}

/// The value of a header that is there exactly once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Middleware: answers 421 to a request for any other host.
pub async fn require_own_host(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.host(request.headers()).is_some() {
        next.run(request).await
    } else {
        let ours = hosts.0.join(", ");
        let text = format!("this server answers to the hosts {ours} and no other\n");
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_exact_hosts_are_ours() {
        let hosts = Hosts::new(&[8080]);
        let check = |host: &str, expect: bool| {
            let headers = headers(&[(header::HOST, host)]);
            assert_eq!(hosts.host(&headers).is_some(), expect, "{host}");
        };
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            check(host, true);
        }
        for host in [
            "127.0.0.1",
            "localhost",
            "localhost:80801",
            "localhost:8081",
            "localhost.evil.example:8080",
            "evil.example:8080",
            "LOCALHOST:8080",
            "",
        ] {
            check(host, false);
        }
        let mut two = headers(&[(header::HOST, "localhost:8080")]);
        two.append(header::HOST, "evil.example".parse().unwrap());
        assert!(hosts.host(&two).is_none());
        assert!(hosts.host(&HeaderMap::new()).is_none());
    }

    #[test]
    fn only_the_page_of_the_same_host_has_our_origin() {
        let check = |origin: &str, expect: bool| {
            let headers = headers(&[(header::HOST, "localhost:8080"), (header::ORIGIN, origin)]);
            assert_eq!(has_own_origin(&headers), expect, "{origin}");
        };
        check("http://localhost:8080", true);
        for origin in [
            "https://localhost:8080",
            "http://127.0.0.1:8080",
            "http://localhost:3000",
            "http://localhost:8080.evil.example",
            "http://localhost",
            "null",
        ] {
            check(origin, false);
        }
        assert!(!has_own_origin(&headers(&[(header::HOST, "localhost:8080")])));
    }
}
