//! The address of the GUI host: `ws://HOST[:PORT][/PATH]`, and nothing else.
//!
//! No encryption of its own: the tunnel has it. No names and passwords: the key proves both sides.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Port when the address names none (RFC 6455 section 3).
const DEFAULT_PORT: u16 = 80;

/// A checked address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsUrl {
    /// Where.
    pub host: Host,
    /// Which port, unless somebody asks for another.
    pub port: u16,
    path: String,
}

/// Where a GUI host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// `localhost`: 127.0.0.1 and nothing else. The tunnel's port is there; whoever holds the same port of `::1` is somebody else.
    Localhost,
    /// An address as it is.
    Address(IpAddr),
    /// A name that has to be resolved.
    Name(String),
}

/// Why a text is no address of a GUI host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAWsUrl {
    /// Encrypted.
    #[error("wss:// is not spoken here: the tunnel encrypts; write ws://localhost:8000/lbr and let ssh -R carry it")]
    Wss,
    /// Some other scheme, or none.
    #[error("it must begin with ws://, as in ws://localhost:8000/lbr")]
    Scheme,
    /// Before the port.
    #[error("it names no host that can be dialled, as in ws://localhost:8000/lbr")]
    Host,
    /// After the colon.
    #[error("its port is not a number from 1 to 65535, as in ws://localhost:8000/lbr")]
    Port,
    /// After the slash.
    #[error("its path has characters that an address cannot have: spaces, control characters, `#` or letters beyond ASCII")]
    Path,
}

impl WsUrl {
    /// The same place with another port, as text.
    pub fn with_port(&self, port: u16) -> String {
        Self { port, ..self.clone() }.to_string()
    }
}

impl fmt::Display for WsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        write!(f, "ws://{host}:{port}{path}")
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Localhost => f.write_str("localhost"),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for WsUrl {
    type Err = NotAWsUrl;

    fn from_str(text: &str) -> Result<Self, NotAWsUrl> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("wss") => return Err(NotAWsUrl::Wss),
            _other => return Err(NotAWsUrl::Scheme),
        };
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let (host, port) = split_authority(authority)?;
        if !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(NotAWsUrl::Path);
        }
        Ok(Self { host, port, path: path.to_owned() })
    }
}

fn split_authority(authority: &str) -> Result<(Host, u16), NotAWsUrl> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(NotAWsUrl::Host)?;
        let address = address.parse().map_err(|_| NotAWsUrl::Host)?;
        return Ok((Host::Address(IpAddr::V6(address)), parse_port(port)?));
    }
    let (host, port) = authority.find(':').map_or((authority, ""), |at| authority.split_at(at));
    Ok((parse_host(host)?, parse_port(port)?))
}

fn parse_host(text: &str) -> Result<Host, NotAWsUrl> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Host::Localhost);
    }
    if let Ok(address) = text.parse() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || text.len() > 253 || !text.bytes().all(is_name) {
        return Err(NotAWsUrl::Host);
    }
    Ok(Host::Name(text.to_owned()))
}

/// `text` is empty, or begins with the colon.
fn parse_port(text: &str) -> Result<u16, NotAWsUrl> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    let digits = text.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).ok_or(NotAWsUrl::Port)?;
    match digits.parse() {
        Ok(0) | Err(_) => Err(NotAWsUrl::Port),
        Ok(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WsUrl, NotAWsUrl> {
        text.parse()
    }

    #[test]
    fn a_good_address_is_taken_apart_and_put_together_again() {
        for (text, host, port) in [
            ("ws://localhost:8000/lbr", Host::Localhost, 8000),
            ("ws://127.0.0.1:1/", Host::Address([127, 0, 0, 1].into()), 1),
            ("ws://[::1]:65535/a/b?c=d", Host::Address([0, 0, 0, 0, 0, 0, 0, 1_u16].into()), 65535),
            ("ws://pc.example:80/lbr", Host::Name("pc.example".to_owned()), 80),
        ] {
            let url = parse(text).expect(text);
            assert_eq!((&url.host, url.port, url.to_string().as_str()), (&host, port, text));
        }
    }

    #[test]
    fn port_and_path_may_be_left_out_and_case_does_not_matter() {
        assert_eq!(parse("WS://LocalHost").expect("valid").to_string(), "ws://localhost:80/");
        assert_eq!(parse("ws://localhost:8000/lbr").expect("valid").with_port(9), "ws://localhost:9/lbr");
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (text, expect) in [
            ("", NotAWsUrl::Scheme),
            ("localhost:8000", NotAWsUrl::Scheme),
            ("http://localhost:8000", NotAWsUrl::Scheme),
            ("wss://localhost:8000", NotAWsUrl::Wss),
            ("ws://", NotAWsUrl::Host),
            ("ws:///lbr", NotAWsUrl::Host),
            ("ws://user@host/", NotAWsUrl::Host),
            ("ws://[::1", NotAWsUrl::Host),
            ("ws://[zz]:1/", NotAWsUrl::Host),
            ("ws://localhost:", NotAWsUrl::Port),
            ("ws://localhost:0/", NotAWsUrl::Port),
            ("ws://localhost:65536/", NotAWsUrl::Port),
            ("ws://localhost:+80/", NotAWsUrl::Port),
            ("ws://[::1]80/", NotAWsUrl::Port),
            ("ws://localhost:80/a b", NotAWsUrl::Path),
            ("ws://localhost:80/#x", NotAWsUrl::Path),
            ("ws://localhost:80/\u{e4}", NotAWsUrl::Path),
        ] {
            assert_eq!(parse(text), Err(expect), "{text}");
        }
    }
}
