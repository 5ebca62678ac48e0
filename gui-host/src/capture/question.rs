//! What somebody wants to capture, as the query of `/capture` and as options of `gui-host capture` say it.

use std::net::Ipv6Addr;

use clap::Args;
use lowpan::capture::{Capture, Form};
use mqtypes::ids::Eui64;

/// The network's prefix unless told otherwise.
const PREFIX: &str = "bbbb::";

/// Longest query that is read, bytes.
const MAX_QUERY: usize = 512;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Question {
    /// Only of the border router of this id [default: of all].
    #[arg(long, value_name = "ID", value_parser = router)]
    pub router: Option<String>,

    /// Only what this mote sent, forwarded or handed up; fragments tell no origin.
    #[arg(long, value_name = "EUI64")]
    pub mote: Option<Eui64>,

    /// Write plain IPv6 packets in place of 6LoWPAN.
    #[arg(long)]
    pub expand: bool,

    /// Prefix of the network, a /64.
    #[arg(long, value_name = "ADDRESS", default_value = PREFIX)]
    pub prefix: Ipv6Addr,
}

impl Question {
    /// Reads `router=ID&mote=EUI&expand&prefix=ADDRESS`; all of it may be left out.
    pub fn parse(query: &str) -> Result<Self, String> {
        let mut question = Self { router: None, mote: None, expand: false, prefix: PREFIX.parse().expect("it is an address") };
        if query.len() > MAX_QUERY {
            return Err(format!("a query of more than {MAX_QUERY} bytes"));
        }
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key {
                "router" => question.router = Some(router(value)?),
                "mote" => question.mote = Some(value.parse().map_err(|error| format!("mote: {error}"))?),
                "expand" if value.is_empty() => question.expand = true,
                "prefix" => question.prefix = value.parse().map_err(|error| format!("prefix={value}: {error}"))?,
                _unknown => return Err(format!("`{part}` is not understood; there are router=ID, mote=EUI, expand and prefix=ADDRESS")),
            }
        }
        Ok(question)
    }

    /// The mirror of [`Question::parse`].
    pub fn query(&self) -> String {
        let mut parts = vec![format!("prefix={}", self.prefix)];
        parts.extend(self.router.as_ref().map(|router| format!("router={router}")));
        parts.extend(self.mote.map(|mote| format!("mote={mote}")));
        parts.extend(self.expand.then(|| "expand".to_owned()));
        parts.join("&")
    }

    /// A capture of it, which is empty so far.
    pub fn capture(&self) -> Capture {
        let form = if self.expand { Form::Expanded } else { Form::Sent };
        let prefix = std::array::from_fn(|at| self.prefix.octets()[at]);
        Capture::new(concat!("gui-host ", env!("CARGO_PKG_VERSION")), form, prefix, self.mote)
    }
}

/// Ids have letters, digits, dots and dashes; what else a router may say of itself cannot be told in a query.
fn router(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("the id of a router is expected, of letters, digits, `-`, `_` and `.`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_goes_into_a_query_and_comes_out_again() {
        let all = Question {
            router: Some("roof-1".to_owned()),
            mote: Some(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1])),
            expand: true,
            prefix: "fd00:1::".parse().expect("an address"),
        };
        assert_eq!(Question::parse(&all.query()), Ok(all));
        let nothing = Question::parse("").expect("everything");
        assert_eq!(Question::parse(&nothing.query()), Ok(nothing));
    }

    #[test]
    fn a_query_that_is_not_understood_is_refused_with_what_there_is() {
        for (query, word) in [
            ("router=", "id of a router"),
            ("router=a%20b", "id of a router"),
            ("mote=1", "16 hex digits"),
            ("prefix=x", "prefix=x"),
            ("expand=1", "not understood"),
            ("token=secret", "not understood"),
            (&"x".repeat(600), "more than 512"),
        ] {
            let error = Question::parse(query).expect_err(query);
            assert!(error.contains(word), "{error}");
        }
    }
}
