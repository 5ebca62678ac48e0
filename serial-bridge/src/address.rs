//! The address of a port behind TCP: `tcp://HOST:PORT`, as an IoT-LAB node has it on port 20000.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// What such an address begins with.
pub const SCHEME: &str = "tcp://";

/// Where a port behind TCP is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Which machine.
    pub host: Host,
    /// Which of its TCP ports.
    pub port: u16,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Needs no looking up; `localhost` is 127.0.0.1.
    Known(IpAddr),
    /// A name that has to be resolved.
    Name(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Known(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Host::Known(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let explain = |what: &str| format!("{what}: an address such as tcp://m3-1:20000 or tcp://[2001:db8::1]:20000 is expected");
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| explain("it does not begin with tcp://"))?;
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| explain("it names no TCP port"))?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(|| explain("its TCP port is not a number from 1 to 65535"))?;
        let host = parse_host(host).ok_or_else(|| explain("it names no host"))?;
        Ok(Self { host, port })
    }
}

fn parse_host(text: &str) -> Option<Host> {
    if text.eq_ignore_ascii_case("localhost") {
        return Some(Host::Known(Ipv4Addr::LOCALHOST.into()));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse().ok().map(|address| Host::Known(IpAddr::V6(address)));
    }
    if let Ok(address) = text.parse() {
        return Some(Host::Known(IpAddr::V4(address)));
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!text.is_empty() && text.len() <= 253 && text.bytes().all(is_name)).then(|| Host::Name(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_number_a_name_or_localhost() {
        for (text, shown) in [
            ("tcp://localhost:20000", "127.0.0.1:20000"),
            ("tcp://10.0.0.7:20000", "10.0.0.7:20000"),
            ("tcp://[2001:db8::1]:20000", "[2001:db8::1]:20000"),
            ("tcp://m3-1.grenoble.iot-lab.info:20000", "m3-1.grenoble.iot-lab.info:20000"),
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_told_with_an_example() {
        for text in
            ["tcp://", "tcp://m3-1", "tcp://:20000", "tcp://m3-1:0", "tcp://m3-1:70000", "tcp://[::1:20000", "tcp://a b:1", "udp://a:1"]
        {
            let error = text.parse::<Address>().expect_err(text);
            assert!(error.contains("tcp://m3-1:20000"), "{error}");
        }
    }
}
