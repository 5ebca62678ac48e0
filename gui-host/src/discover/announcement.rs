//! What one router announces, and how it is shown.
//!
//! Names come from anybody on the network. They are shown without control characters and cut, and none gets into the
//! command that a person may copy: that holds an address and a port, which are numbers.

use mdns_sd::{ResolvedService, ScopedIp};
use serde::Serialize;

use crate::terminal::clean;

/// Longest name, characters; a label of the DNS has 63 bytes.
const MAX_NAME: usize = 63;

/// Most addresses that are shown.
const MAX_ADDRESSES: usize = 8;

/// SSH's own port, which needs no word.
const SSH_PORT: u16 = 22;

/// A router on the local network.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Announcement {
    /// Its name: TXT `name`, else the name under which it is announced.
    name: String,
    /// TXT `id`.
    id: Option<String>,
    /// TXT `version`.
    version: Option<String>,
    /// Its name in the local network.
    host: String,
    /// Where its SSH server listens.
    port: u16,
    /// IPv4 first, link-local addresses last.
    addresses: Vec<String>,
}

impl Announcement {
    /// What a service says.
    pub fn of(service: &ResolvedService) -> Self {
        let txt = |key| service.get_property_val_str(key).map(|value| clean(value, MAX_NAME));
        let instance = || clean(service.fullname.trim_end_matches(&*service.ty_domain).trim_end_matches('.'), MAX_NAME);
        let mut addresses: Vec<&ScopedIp> = service.addresses.iter().collect();
        addresses.sort_by_key(|address| (is_link_local(address), address.to_ip_addr()));
        Self {
            name: txt("name").unwrap_or_else(instance),
            id: txt("id"),
            version: txt("version"),
            host: clean(service.host.trim_end_matches('.'), MAX_NAME),
            port: service.port,
            addresses: addresses.iter().take(MAX_ADDRESSES).map(ToString::to_string).collect(),
        }
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        let json = serde_json::to_string(self).expect("strings and a number are JSON");
        format!("{json}\n")
    }

    /// A few lines for people.
    pub fn text(&self) -> String {
        let id = self.id.as_ref().map(|id| format!(", id {id}")).unwrap_or_default();
        let version = self.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
        let command = self.command().unwrap_or_else(|| "it has not told its address".to_owned());
        format!("{}{id}{version}\n  at {} ({})\n  {command}\n", self.name, self.host, self.addresses.join(", "))
    }

    /// The command that connects to it; none while it has not told an address.
    pub fn command(&self) -> Option<String> {
        let address = self.addresses.first()?;
        Some(match self.port {
            SSH_PORT => format!("gui-host --lbr USER@{address}"),
            port if address.contains(':') => format!("gui-host --lbr 'ssh://USER@[{address}]:{port}'"),
            port => format!("gui-host --lbr ssh://USER@{address}:{port}"),
        })
    }
}

fn is_link_local(address: &ScopedIp) -> bool {
    match address.to_ip_addr() {
        std::net::IpAddr::V4(v4) => v4.is_link_local(),
        std::net::IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(instance: &str, addresses: &str, port: u16, txt: &[(&str, &str)]) -> ResolvedService {
        let info = mdns_sd::ServiceInfo::new(crate::discover::SERVICE, instance, "roof.local.", addresses, port, txt).unwrap();
        info.as_resolved_service()
    }

    #[test]
    fn a_router_is_shown_with_the_command_that_connects_to_it() {
        let txt = [("id", "141592cc00000001"), ("name", "the roof"), ("version", "0.1.0")];
        let announcement = Announcement::of(&service("lbr-roof", "fe80::7,192.0.2.7,fd00::7", 22, &txt));
        assert_eq!(
            announcement.text(),
            "the roof, id 141592cc00000001, version 0.1.0\n  at roof.local (192.0.2.7, fd00::7, fe80::7)\n  gui-host --lbr USER@192.0.2.7\n"
        );
        assert_eq!(
            announcement.json(),
            r#"{"name":"the roof","id":"141592cc00000001","version":"0.1.0","host":"roof.local","port":22,"addresses":["192.0.2.7","fd00::7","fe80::7"]}"#.to_owned()
                + "\n"
        );
    }

    #[test]
    fn a_router_that_says_little_is_shown_by_its_announced_name() {
        let announcement = Announcement::of(&service("attic", "192.0.2.8", 2222, &[]));
        assert_eq!(announcement.text(), "attic\n  at roof.local (192.0.2.8)\n  gui-host --lbr ssh://USER@192.0.2.8:2222\n");
        let announcement = Announcement::of(&service("attic", "fd00::8", 2222, &[]));
        assert!(announcement.text().ends_with("  gui-host --lbr 'ssh://USER@[fd00::8]:2222'\n"));
    }

    #[test]
    fn names_from_the_network_neither_reach_the_terminal_nor_the_command() {
        let long = "x".repeat(200);
        let txt = [("name", "a\x1b[2Jb\n"), ("id", &*long), ("version", "$(id)")];
        let text = Announcement::of(&service("lbr", "192.0.2.7", 22, &txt)).text();
        assert!(text.starts_with("a?[2Jb?, id xxx") && text.len() < 250, "{text}");
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("  gui-host --lbr USER@192.0.2.7\n"));
    }
}
