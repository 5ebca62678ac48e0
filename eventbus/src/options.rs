//! The command line of `eventbus`.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use bus::config::Settings;
use bus::config::keys::Section;
use bus::options::Common;
use clap::Parser;
use mqtypes::envelope::Sender;

/// The event bus of the border router: gives meaning to the motes' frames, keeps their state and counts, and brokers both.
#[derive(Debug, Parser)]
#[command(name = "eventbus", version)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,

    /// Directory for what must last: the network's prefix and key, and the wanted roles
    #[arg(long, default_value = "/var/lib/lbr", value_name = "DIR")]
    pub state_dir: PathBuf,

    /// Directory for what a restart of the process, but not of the machine, must not lose: the motes' state
    #[arg(long, default_value = "/run/lbr", value_name = "DIR")]
    pub run_dir: PathBuf,

    /// IPv6 prefix of a new network, a /64; the default is `bbbb::`, and a network that exists keeps its own
    #[arg(long, value_name = "ADDRESS", value_parser = prefix)]
    pub prefix: Option<[u8; 8]>,
}

impl Settings for Options {
    const SENDER: Sender = Sender::Eventbus;
    const SECTION: Section = Section::Eventbus;

    fn common(&self) -> &Common {
        &self.common
    }
}

/// Reads a /64 prefix.
pub fn prefix(text: &str) -> Result<[u8; 8], String> {
    let expected = || "an IPv6 /64 prefix such as bbbb:: or fd00:1:2:3::/64 is expected".to_owned();
    let address: Ipv6Addr = text.strip_suffix("/64").unwrap_or(text).parse().map_err(|_| expected())?;
    let (prefix, host) = address.octets().split_first_chunk().map(|(prefix, host)| (*prefix, host.to_vec())).ok_or_else(expected)?;
    if host.iter().any(|byte| *byte != 0) {
        return Err(expected());
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_a_key_of_the_file() {
        use clap::CommandFactory;
        assert_eq!(bus::config::keys::differences(&Options::command(), Section::Eventbus, &[]), [] as [String; 0]);
    }

    #[test]
    fn a_prefix_is_a_slash_64() {
        assert_eq!(prefix("bbbb::"), Ok([0xbb, 0xbb, 0, 0, 0, 0, 0, 0]));
        assert_eq!(prefix("fd00:1:2:3::/64"), Ok([0xfd, 0, 0, 1, 0, 2, 0, 3]));
        for wrong in ["bbbb::1", "bbbb::/48", "10.0.0.0", ""] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
    }
}
