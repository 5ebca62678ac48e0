//! Which mote a person means: by its address, by the end of that, or by its port.

use std::fmt;
use std::str::FromStr;

use mqtypes::command::Target;
use mqtypes::ids::{Eui64, PortName, Who};
use mqtypes::mote::MoteEntry;

use super::picture::{Mote, Picture};

/// Digits by which a mote's address may end: its 16-bit address.
const SHORT: usize = 4;

/// A path has no more bytes.
const LONGEST: usize = 4096;

/// So many motes are named in a complaint.
const MOST_NAMED: usize = 8;

/// A mote as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoteName(String);

/// Why a name is not one mote's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSuchMote {
    /// No mote has it.
    Unknown {
        /// The name.
        name: String,
        /// The motes there are.
        known: Vec<String>,
    },
    /// Several have it.
    Several {
        /// The name.
        name: String,
        /// These.
        motes: Vec<String>,
    },
}

impl FromStr for MoteName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > LONGEST {
            return Err("a mote's EUI-64, its last four hex digits, or its port is expected, as in 141592cc00000001, 0001 or /dev/ttyUSB0"
                .to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl MoteName {
    /// The mote of this name.
    pub fn find<'a>(&self, picture: &'a Picture) -> Result<&'a Mote, NoSuchMote> {
        if let Some(mote) = self.eui().and_then(|eui| picture.by_eui(eui)) {
            return Ok(mote);
        }
        let exact = |mote: &&Mote| mote.entry.port.as_ref().is_some_and(|port| port.0 == self.0);
        if let Some(mote) = picture.motes().find(exact) {
            return Ok(mote);
        }
        let fitting: Vec<_> = picture.motes().filter(|mote| self.is_short_for(&mote.entry.who())).collect();
        match fitting[..] {
            [mote] => Ok(mote),
            [] => Err(NoSuchMote::Unknown { name: self.0.clone(), known: described(picture.motes()) }),
            [..] => Err(NoSuchMote::Several { name: self.0.clone(), motes: described(fitting.into_iter()) }),
        }
    }

    /// Whom a command is for. Whole names are passed on as they are: `eventbus` knows best whether they are known.
    pub fn target(&self, picture: &Picture) -> Result<Target, NoSuchMote> {
        match self.find(picture) {
            Ok(mote) => {
                Ok(mote.entry.mote.map(Target::Mote).or_else(|| mote.entry.port.clone().map(Target::Port)).expect("a mote has a name"))
            }
            Err(NoSuchMote::Unknown { name, known }) => match self.eui() {
                Some(eui) => Ok(Target::Mote(eui)),
                None if self.0.starts_with('/') => Ok(Target::Port(PortName(self.0.clone()))),
                None => Err(NoSuchMote::Unknown { name, known }),
            },
            Err(several) => Err(several),
        }
    }

    /// The whole address, if that is the name: it needs no inventory.
    pub fn eui(&self) -> Option<Eui64> {
        self.0.parse().ok()
    }

    /// Could this be the mote that is meant? It is, unless the inventory knows better.
    pub fn fits(&self, who: &Who) -> bool {
        let is_port = || who.port.as_ref().is_some_and(|port| port.0 == self.0);
        self.eui().map_or_else(|| is_port() || self.is_short_for(who), |eui| who.mote == Some(eui))
    }

    /// The end of an address, or the file name of a port.
    fn is_short_for(&self, who: &Who) -> bool {
        let is_digits = self.0.len() == SHORT && self.0.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ends = |eui: Eui64| is_digits && eui.to_string().ends_with(&self.0.to_ascii_lowercase());
        let is_file = |port: &PortName| port.0.rsplit('/').next() == Some(&self.0);
        who.mote.is_some_and(ends) || who.port.as_ref().is_some_and(is_file)
    }
}

fn described<'a>(motes: impl Iterator<Item = &'a Mote>) -> Vec<String> {
    motes.map(|mote| describe(&mote.entry)).collect()
}

/// A mote by its address and its port, as far as it has them.
pub fn describe(entry: &MoteEntry) -> String {
    match (entry.mote, &entry.port) {
        (Some(mote), Some(port)) => format!("{mote} on {port}"),
        (Some(mote), None) => mote.to_string(),
        (None, Some(port)) => format!("{port}, which has not named itself"),
        (None, None) => "a mote without a name".to_owned(),
    }
}

impl fmt::Display for MoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NoSuchMote {
    /// Can it be that the mote comes later?
    pub fn may_come(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Several { .. } => false,
        }
    }
}

impl fmt::Display for NoSuchMote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } if known.is_empty() => {
                write!(f, "`{name}`: no mote is known at all; `mq-inspect stats` shows whether serial-bridge runs and what its ports do")
            }
            Self::Unknown { name, known } => write!(f, "`{name}` is no mote that is known; known are: {}", some(known)),
            Self::Several { name, motes } => write!(f, "`{name}` fits several motes: {}; name one by its whole EUI-64", some(motes)),
        }
    }
}

fn some(motes: &[String]) -> String {
    let named = motes[..motes.len().min(MOST_NAMED)].join("; ");
    match motes.len().checked_sub(MOST_NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named}; and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::{entry, eui};
    use mqtypes::broker::Notification;
    use proptest::prelude::*;

    fn picture() -> Picture {
        let twin = MoteEntry { mote: Some(Eui64([1, 2, 3, 4, 5, 6, 0, 2])), ..entry(Some(2), None) };
        let mut picture = Picture::default();
        for entry in [entry(Some(1), Some("/dev/ttyUSB0")), entry(Some(2), Some("/run/b/mote2")), twin, entry(None, Some("/run/a/mote2"))] {
            picture.handle_notification(&Notification::Mote(entry));
        }
        picture
    }

    fn found(name: &str) -> Result<String, String> {
        let name: MoteName = name.parse().expect("a name");
        name.find(&picture()).map(|mote| describe(&mote.entry)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mote_is_found_by_its_address_the_end_of_it_and_its_port() {
        for name in ["141592cc00000001", "0001", "/dev/ttyUSB0", "ttyUSB0"] {
            assert_eq!(found(name).as_deref(), Ok("141592cc00000001 on /dev/ttyUSB0"), "{name}");
        }
        assert_eq!(found("/run/a/mote2").as_deref(), Ok("/run/a/mote2, which has not named itself"));
    }

    #[test]
    fn a_name_of_several_motes_is_told_with_the_way_out() {
        assert_eq!(
            found("0002"),
            Err("`0002` fits several motes: 0102030405060002; 141592cc00000002 on /run/b/mote2; name one by its whole EUI-64".to_owned())
        );
        let ports = found("mote2").expect_err("two");
        assert!(ports.contains("141592cc00000002 on /run/b/mote2; /run/a/mote2, which has not named itself;"), "{ports}");
    }

    #[test]
    fn a_name_of_no_mote_is_told_with_those_that_are_known() {
        let unknown = found("0009").expect_err("unknown");
        assert!(unknown.starts_with("`0009` is no mote that is known; known are: 0102030405060002; 141592cc00000001 on"), "{unknown}");
        let name: MoteName = "0009".parse().expect("a name");
        assert!(name.find(&Picture::default()).expect_err("none").to_string().contains("no mote is known at all"));
        assert!("".parse::<MoteName>().is_err() && "x".repeat(5000).parse::<MoteName>().is_err());
    }

    #[test]
    fn without_an_inventory_a_name_fits_by_what_is_told_of_whom() {
        let [cabled, meshed] = [entry(Some(1), Some("/dev/ttyUSB0")), entry(Some(2), None)].map(|entry| entry.who());
        for (name, fits) in [
            ("141592cc00000001", [true, false]),
            ("141592cc00000002", [false, true]),
            ("0001", [true, false]),
            ("0002", [false, true]),
            ("/dev/ttyUSB0", [true, false]),
            ("ttyUSB0", [true, false]),
            ("01", [false, false]),
        ] {
            let name: MoteName = name.parse().expect("a name");
            assert_eq!([&cabled, &meshed].map(|who| name.fits(who)), fits, "{name}");
        }
    }

    #[test]
    fn a_command_for_a_whole_name_is_passed_on_though_it_is_not_known() {
        let target = |name: &str| name.parse::<MoteName>().expect("a name").target(&picture()).ok();
        assert_eq!(target("0001"), Some(Target::Mote(eui(1))));
        assert_eq!(target("141592cc00000009"), Some(Target::Mote(eui(9))));
        assert_eq!(target("/dev/ttyUSB9"), Some(Target::Port(PortName("/dev/ttyUSB9".to_owned()))));
        assert_eq!((target("0009"), target("ttyUSB9"), target("0002")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_text_names_a_mote_or_none(text in "\\PC{0,40}|[0-9a-fA-F]{4}|[0-9a-f]{16}") {
            if let Ok(name) = text.parse::<MoteName>() {
                let picture = picture();
                let found = name.find(&picture).is_ok();
                prop_assert!(!found || name.target(&picture).is_ok());
            }
        }
    }
}
