//! The command line of `serial-bridge`.

use std::collections::BTreeSet;

use bus::options::Common;
use bus::process::Failure;
use clap::Parser;
use mqtypes::ids::PortName;

/// Rates from the slowest of any board to the fastest that Linux knows.
const BAUD: std::ops::RangeInclusive<i64> = 1_200..=4_000_000;

/// A name has to fit into every message about its port.
const LONGEST_NAME: usize = 512;

/// Owns the serial ports of the border router: finds frames in what motes send, and sends them frames.
#[derive(Debug, Parser)]
#[command(name = "serial-bridge", version)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,

    /// Serial device of a mote, such as /dev/ttyUSB0; may be given several times, and need not be there yet
    #[arg(long = "port", value_name = "PATH", value_parser = port)]
    ports: Vec<PortName>,

    /// Rate of all ports, bits per second
    #[arg(long, default_value_t = 115_200, value_parser = clap::value_parser!(u32).range(BAUD))]
    pub baud: u32,
}

impl Options {
    /// The ports, each of them once.
    pub fn ports(&self) -> Result<&[PortName], Failure> {
        let mut seen = BTreeSet::new();
        match self.ports.iter().find(|port| !seen.insert(*port)) {
            None => Ok(&self.ports),
            Some(twice) => Err(Failure::Configuration(format!("--port {twice} is given twice: give each port once"))),
        }
    }
}

fn port(text: &str) -> Result<PortName, String> {
    if text.is_empty() || text.len() > LONGEST_NAME || text.contains(char::is_control) {
        return Err(format!("a path of 1 to {LONGEST_NAME} bytes, without control characters, is expected, such as /dev/ttyUSB0"));
    }
    Ok(PortName(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["serial-bridge"], args].concat())
    }

    #[test]
    fn several_ports_are_kept_in_their_order() {
        let options = parse(&["--port", "/dev/ttyUSB1", "--port", "/dev/ttyUSB0"]).expect("valid");
        let names: Vec<_> = options.ports().expect("distinct").iter().map(ToString::to_string).collect();
        assert_eq!((names, options.baud), (vec!["/dev/ttyUSB1".to_owned(), "/dev/ttyUSB0".to_owned()], 115_200));
    }

    #[test]
    fn no_port_is_no_error() {
        assert!(parse(&[]).expect("valid").ports().expect("none").is_empty());
    }

    #[test]
    fn a_port_that_is_given_twice_is_refused_by_name() {
        let options = parse(&["--port", "/dev/a", "--port", "/dev/b", "--port", "/dev/a"]).expect("parsed");
        let text = options.ports().expect_err("twice").to_string();
        assert_eq!(text, "--port /dev/a is given twice: give each port once");
    }

    #[test]
    fn what_is_out_of_range_is_named_with_the_range() {
        for rate in ["0", "1199", "4000001", "fast"] {
            let text = parse(&["--baud", rate]).expect_err(rate).to_string();
            assert!(text.contains(rate) && text.contains("--baud"), "{text}");
        }
        let text = parse(&["--baud", "300"]).expect_err("too slow").to_string();
        assert!(text.contains("1200..=4000000"), "{text}");
        for path in ["", "a\nb", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(parse(&["--port", path]).is_err(), "{path}");
        }
    }
}
