//! What programs show in place of a first message: `Authorization: Bearer TOKEN` (RFC 6750).
//!
//! A browser sends no such header to another site's address unless that site agrees, and this one never does. All the same a
//! request from a foreign page is refused by its `Origin`.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::loopback::hosts::has_own_origin;

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A page of another site, or of another port, asks.
    ForeignPage,
    /// Nothing is shown.
    NoToken,
    /// Something else is shown.
    WrongToken,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let what = match self {
            Self::ForeignPage => {
                return (StatusCode::FORBIDDEN, "only programs, and the page of this server, may ask this\n").into_response();
            }
            Self::NoToken => "`Authorization: Bearer TOKEN` is required",
            Self::WrongToken => "wrong token",
        };
        let text = format!("{what}; the token is in the address that gui-host printed\n");
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response()
    }
}

/// Refuses who shows nothing, or what `is_right` denies.
pub fn require(headers: &HeaderMap, is_right: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    // Every browser says where it comes from; who says nothing is a program of this computer.
    if headers.contains_key(header::ORIGIN) && !has_own_origin(headers) {
        return Err(Refusal::ForeignPage);
    }
    match shown(headers) {
        Some(token) if is_right(token) => Ok(()),
        Some(_) => Err(Refusal::WrongToken),
        None => Err(Refusal::NoToken),
    }
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn status(pairs: &[(HeaderName, &str)]) -> u16 {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        require(&headers, |shown| shown == "secret").map_or_else(|refusal| refusal.into_response().status().as_u16(), |()| 200)
    }

    #[test]
    fn only_the_token_and_no_foreign_page_gets_in() {
        let right = (header::AUTHORIZATION, "Bearer secret");
        assert_eq!(status(std::slice::from_ref(&right)), 200);
        assert_eq!(status(&[(header::AUTHORIZATION, "bearer secret")]), 200);
        for wrong in ["Bearer", "Bearer ", "Bearer secret ", "Basic secret", "secret", "Bearer x"] {
            assert_eq!(status(&[(header::AUTHORIZATION, wrong)]), 401, "{wrong}");
        }
        assert_eq!(status(&[]), 401);
        let host = (header::HOST, "localhost:1");
        assert_eq!(status(&[right.clone(), host.clone(), (header::ORIGIN, "http://localhost:1")]), 200);
        assert_eq!(status(&[right, host, (header::ORIGIN, "http://evil.example")]), 403);
    }
}
