//! What is said of a port on the command line: `PATH[,baud=…][,dtr=…][,rts=…]`.
//!
//! A path, a pattern or an address comes first, and a comma begins each option. Options hold for every port of a pattern.

use std::str::FromStr;

use mqtypes::ids::PortName;

use crate::address::{Address, SCHEME};
use crate::pattern::{Pattern, has_wildcards};
use crate::rates::Rates;

/// A name has to fit into every message about its port.
pub const LONGEST_NAME: usize = 512;

/// The options, for whoever names one that does not exist.
const OPTIONS: &str = "baud=RATE, dtr=on|off|keep and rts=on|off|keep";

/// What is said of one `--port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// What it leads to.
    pub place: Place,
    /// At which rates; by default those of `--baud`.
    pub rates: Option<Rates>,
    /// What becomes of the modem lines.
    pub modem: Modem,
}

/// What a `--port` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// One device.
    Device(PortName),
    /// Every device that matches.
    Pattern(Pattern),
    /// A port behind TCP.
    Tcp(PortName, Address),
}

/// What becomes of the modem lines when a port is opened; on many boards they reset the mote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Modem {
    /// Data terminal ready.
    pub dtr: Level,
    /// Request to send.
    pub rts: Level,
}

/// What becomes of one modem line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// Set.
    On,
    /// Cleared.
    Off,
    /// As the system leaves it, which sets both when it opens a port that nobody had open.
    #[default]
    Keep,
}

impl Place {
    /// As its owner wrote it.
    pub fn text(&self) -> &str {
        match self {
            Self::Device(name) | Self::Tcp(name, _) => &name.0,
            Self::Pattern(pattern) => pattern.text(),
        }
    }
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let place = place(parts.next().unwrap_or_default())?;
        let mut spec = Self { place, rates: None, modem: Modem::default() };
        for option in parts {
            spec.set(option)?;
        }
        Ok(spec)
    }
}

impl Spec {
    fn set(&mut self, option: &str) -> Result<(), String> {
        let unknown = || format!("`{option}` is no option of a port: a comma begins one of {OPTIONS}");
        let (name, value) = option.split_once('=').ok_or_else(unknown)?;
        if !matches!(name, "baud" | "dtr" | "rts") {
            return Err(unknown());
        }
        if let Place::Tcp(..) = self.place {
            return Err(format!("`{option}`: a port behind TCP has neither a rate nor modem lines: leave it out"));
        }
        match name {
            "baud" => self.rates = Some(value.parse()?),
            "dtr" => self.modem.dtr = level(option, value)?,
            _rts => self.modem.rts = level(option, value)?,
        }
        Ok(())
    }
}

fn level(option: &str, value: &str) -> Result<Level, String> {
    match value {
        "on" => Ok(Level::On),
        "off" => Ok(Level::Off),
        "keep" => Ok(Level::Keep),
        _other => Err(format!("`{option}`: on, off or keep is expected")),
    }
}

fn place(text: &str) -> Result<Place, String> {
    if !is_name(text) {
        return Err(format!("a path of 1 to {LONGEST_NAME} bytes, without control characters, is expected, such as /dev/ttyUSB0"));
    }
    let name = PortName(text.to_owned());
    if text.starts_with(SCHEME) {
        return Ok(Place::Tcp(name, text.parse()?));
    }
    if has_wildcards(text) { Ok(Place::Pattern(text.parse()?)) } else { Ok(Place::Device(name)) }
}

/// Can a port have this name?
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Spec {
        text.parse().expect(text)
    }

    fn refusal(text: &str) -> String {
        text.parse::<Spec>().expect_err(text)
    }

    #[test]
    fn a_path_alone_is_a_port_with_everything_by_default() {
        let spec = read("/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0");
        let name = PortName("/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0".to_owned());
        assert_eq!(spec, Spec { place: Place::Device(name), rates: None, modem: Modem::default() });
    }

    #[test]
    fn options_follow_behind_commas() {
        let spec = read("/dev/ttyUSB*,baud=115200+500000,dtr=off,rts=on");
        assert!(matches!(&spec.place, Place::Pattern(pattern) if pattern.text() == "/dev/ttyUSB*"));
        assert_eq!(spec.rates, Some("115200+500000".parse().expect("rates")));
        assert_eq!(spec.modem, Modem { dtr: Level::Off, rts: Level::On });
        assert!(matches!(read("tcp://m3-1:20000").place, Place::Tcp(name, _) if name.0 == "tcp://m3-1:20000"));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_way_out() {
        for (text, words) in [
            ("", "such as /dev/ttyUSB0"),
            ("/dev/a\nb", "such as /dev/ttyUSB0"),
            ("/dev/a,speed=1", "`speed=1` is no option of a port: a comma begins one of baud=RATE"),
            ("/dev/a,b", "`b` is no option of a port"),
            ("/dev/a,baud=7", "1200..=4000000"),
            ("/dev/a,dtr=up", "`dtr=up`: on, off or keep"),
            ("tcp://m3-1:20000,baud=500000", "leave it out"),
            ("tcp://m3-1", "tcp://m3-1:20000"),
            ("/dev/*/x", "last part"),
        ] {
            let error = refusal(text);
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(refusal(&"x".repeat(LONGEST_NAME + 1)).contains("512"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_spec_or_an_error(text in "\\PC{0,60}") {
            let _ = text.parse::<Spec>();
        }
    }
}
