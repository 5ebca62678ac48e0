//! Listening on this computer's own addresses, and letting connections in.
//!
//! No address is ever an argument: what binds here binds 127.0.0.1 and `::1` and nothing else.

pub mod admission;
pub mod hosts;

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;

/// How often a free port is asked for that is free on both addresses.
const FREE_PORT_ATTEMPTS: usize = 16;

/// One port, on both loopback addresses (on one where the system has no IPv6).
pub struct Bound {
    /// The port.
    pub port: u16,
    /// A listener for each address.
    pub listeners: Vec<TcpListener>,
}

/// Binds `port`, or a free one for 0. `option` is the flag that the error names.
pub async fn bind(port: u16, option: &str) -> anyhow::Result<Bound> {
    if port != 0 {
        return bind_both(port).await.with_context(|| {
            format!(
                "cannot listen on port {port} of 127.0.0.1 and ::1; is another gui-host running? \
                 Stop what holds the port, or choose another with {option} PORT"
            )
        });
    }
    for _ in 0..FREE_PORT_ATTEMPTS {
        if let Ok(bound) = bind_both(0).await {
            return Ok(bound);
        }
    }
    Err(anyhow!("no port is free on both 127.0.0.1 and ::1; choose one with {option} PORT"))
}

async fn bind_both(port: u16) -> io::Result<Bound> {
    let v4 = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = v4.local_addr()?.port();
    let mut listeners = vec![v4];
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
        Ok(v6) => listeners.push(v6),
        // A port that is taken on ::1 alone is an error: `localhost` may lead to its holder.
        Err(error) if has_no_ipv6(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(Bound { port, listeners })
}

/// A system without IPv6 says EADDRNOTAVAIL, or EAFNOSUPPORT, for which std has no name.
fn has_no_ipv6(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_listener_is_on_a_loopback_address_and_the_same_port() {
        let bound = bind(0, "--port").await.unwrap();
        for listener in &bound.listeners {
            let address = listener.local_addr().unwrap();
            assert!(address.ip().is_loopback());
            assert_eq!(address.port(), bound.port);
        }
    }

    #[tokio::test]
    async fn a_taken_port_names_the_port_and_the_option() {
        let first = bind(0, "--port").await.unwrap();
        let error = format!("{:#}", bind(first.port, "--port").await.err().unwrap());
        assert!(error.contains(&first.port.to_string()) && error.contains("--port"), "{error}");
    }
}
