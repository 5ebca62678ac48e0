//! The network that our roots lead: its prefix, and the link-layer key of its motes.
//!
//! Made once and kept, so that a root that is set again after a restart speaks to the motes of before.

use std::net::Ipv6Addr;
use std::path::Path;

use bus::process::Failure;
use data_encoding::HEXLOWER_PERMISSIVE as HEX;

use crate::lasting::{self, Survives};

/// `bbbb::/64`, as OpenWSN and OpenVisualizer have it.
pub const DEFAULT_PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

/// Of the link-layer key.
const KEY_INDEX: u8 = 1;

/// What an `R` frame tells a root.
#[derive(Clone, PartialEq, Eq)]
pub struct Network {
    /// IPv6 /64 prefix, most significant byte first.
    pub prefix: [u8; 8],
    /// Index of the key in IEEE 802.15.4's security header; 0 would mean no key.
    pub key_index: u8,
    /// AES-128 key for beacons and data.
    pub key: [u8; 16],
}

/// What is wrong with the network's file.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// It cannot be read or written.
    #[error("the network's file, {path}: {source}; make room there, and let this user read and write it")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line makes no sense.
    #[error(
        "{path}: `{line}` is not understood: `prefix` with 16 hex digits and `key` with 32 are expected; correct it, or remove the file to found a new network"
    )]
    Malformed {
        /// The file.
        path: String,
        /// The line, with a key left out.
        line: String,
    },
    /// The option says otherwise.
    #[error("{path} has prefix {kept}, --prefix says {told}: leave the option out, or remove the file to found a new network")]
    OtherPrefix {
        /// The file.
        path: String,
        /// The prefix in it.
        kept: Ipv6Addr,
        /// The prefix on the command line.
        told: Ipv6Addr,
    },
    /// There is no randomness for a key.
    #[error("no random key can be made: {0}")]
    Random(getrandom::Error),
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        let words = error.to_string();
        match error {
            // Another start may succeed.
            NetworkError::Io { .. } | NetworkError::Random(_) => Self::Environment(words),
            NetworkError::Malformed { .. } | NetworkError::OtherPrefix { .. } => Self::Configuration(words),
        }
    }
}

impl Network {
    /// Reads the network's file, or founds a network and writes it.
    pub fn load(path: &Path, prefix: Option<[u8; 8]>) -> Result<Self, NetworkError> {
        let io = |source| NetworkError::Io { path: path.display().to_string(), source };
        let Some(text) = lasting::read(path).map_err(io)? else {
            let network = Self::found(prefix.unwrap_or(DEFAULT_PREFIX))?;
            lasting::replace(path, network.text().as_bytes(), Survives::PowerLoss).map_err(io)?;
            log::info!("{}: a new network with prefix {}/64 and a new key", path.display(), address(network.prefix));
            return Ok(network);
        };
        let network =
            Self::parse(&text).map_err(|line| NetworkError::Malformed { path: path.display().to_string(), line: line.to_owned() })?;
        match prefix {
            Some(told) if told != network.prefix => {
                Err(NetworkError::OtherPrefix { path: path.display().to_string(), kept: address(network.prefix), told: address(told) })
            }
            _same_or_not_told => Ok(network),
        }
    }

    fn found(prefix: [u8; 8]) -> Result<Self, NetworkError> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(NetworkError::Random)?;
        Ok(Self { prefix, key_index: KEY_INDEX, key })
    }

    fn text(&self) -> String {
        format!("prefix {}\nkey {}\n", HEX.encode(&self.prefix), HEX.encode(&self.key))
    }

    /// The error is the line that is not understood.
    fn parse(text: &str) -> Result<Self, &str> {
        let (mut prefix, mut key) = (None, None);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(' ') {
                Some(("prefix", value)) => prefix = Some(hex(value).ok_or(line)?),
                Some(("key", value)) => key = Some(hex(value).ok_or("key …")?),
                _neither => return Err(line.split(' ').next().unwrap_or_default()),
            }
        }
        let (Some(prefix), Some(key)) = (prefix, key) else { return Err("(end of file)") };
        Ok(Self { prefix, key_index: KEY_INDEX, key })
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEX.decode(text.trim().as_bytes()).ok()?.try_into().ok()
}

fn address(prefix: [u8; 8]) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets[..8].copy_from_slice(&prefix);
    Ipv6Addr::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_founded_once_and_kept() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("network");
        let first = Network::load(&path, None).expect("founded");
        let again = Network::load(&path, Some(DEFAULT_PREFIX)).expect("kept");
        assert!(first == again && first.key != [0; 16] && first.prefix == DEFAULT_PREFIX);
    }

    #[test]
    fn a_disk_that_takes_no_file_is_no_wrong_configuration() {
        let directory = tempfile::tempdir().expect("made");
        let class = |name: &str| Network::load(&directory.path().join(name), None).map(|_| ()).map_err(Failure::from);
        assert!(matches!(class("gone/network"), Err(Failure::Environment(words)) if words.contains("gone/network")));
        std::fs::write(directory.path().join("damaged"), "colour blue").expect("written");
        assert!(matches!(class("damaged"), Err(Failure::Configuration(_))));
    }

    #[test]
    fn another_prefix_than_the_kept_one_is_refused() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("network");
        Network::load(&path, None).expect("founded");
        let error = Network::load(&path, Some([0xfd, 0, 0, 0, 0, 0, 0, 1])).map(|_| ()).expect_err("other");
        assert!(error.to_string().contains("bbbb::") && error.to_string().contains("fd00:0:0:1::"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_named_and_its_key_is_not_shown() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("network");
        for damaged in ["prefix bbbb\nkey 00", "prefix bbbb000000000000\nkey 0011223344", "colour blue", "prefix bbbb000000000000\n"] {
            std::fs::write(&path, damaged).expect("written");
            let text = Network::load(&path, None).map(|_| ()).expect_err("damaged").to_string();
            assert!(text.contains("network") && !text.contains("0011223344"), "{text}");
        }
    }
}
