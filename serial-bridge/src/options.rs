//! The command line of `serial-bridge`.

use std::collections::BTreeSet;

use bus::config::keys::Section;
use bus::config::{Objection, Settings};
use bus::options::Common;
use clap::Parser;
use mqtypes::envelope::Sender;

use crate::harbour::MOST_PORTS;
use crate::rates::Rates;
use crate::spec::Spec;

/// Owns the serial ports of the border router: finds frames in what motes send, and sends them frames.
#[derive(Debug, Parser)]
#[command(name = "serial-bridge", version, after_help = PORTS)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,

    /// Serial device of a mote, a pattern of such, or tcp://HOST:PORT; may be given several times, and need not be there yet
    #[arg(long = "port", value_name = "PATH[,OPTION]")]
    ports: Vec<Spec>,

    /// Rate of all ports that name none, bits per second; several to be tried as in 115200+500000, or `auto`
    #[arg(long, default_value = "115200", value_name = "RATE")]
    pub baud: Rates,

    /// Try one port out instead: open it, find its rate, listen, send echoes, and say what is wrong
    #[arg(long, value_name = "PORT[,OPTION]", conflicts_with = "ports")]
    pub check: Option<Spec>,
}

const PORTS: &str = "\
Ports:
  --port /dev/ttyUSB0                  one device; it is opened whenever it is there
  --port '/dev/serial/by-id/*'         every device of a directory, now and later; quote it from the shell
  --port /dev/ttyACM0,baud=500000      with a rate of its own
  --port '/dev/ttyUSB*,baud=auto'      whose rate is looked for among 115200, 500000 and 1000000
  --port tcp://m3-1:20000              a port behind TCP, as on IoT-LAB
  Options behind a comma: baud=RATE, dtr=on|off|keep and rts=on|off|keep (the modem lines; keep by default).
  A device with several names is opened once: under a path rather than a pattern, and under the one given first.

Exit codes:
  0 stopped, or the checked port is fine; 2 a wrong command line; 69 something is missing or taken, or no mote answers;
  78 something has to be set right: the command line, the configuration, the device's rights, its rate";

impl Options {
    /// The ports, each of them once.
    pub fn ports(&self) -> &[Spec] {
        &self.ports
    }
}

impl Settings for Options {
    const SENDER: Sender = Sender::SerialBridge;
    const SECTION: Section = Section::SerialBridge;

    fn common(&self) -> &Common {
        &self.common
    }

    fn objection(&self) -> Option<Objection> {
        if self.ports.len() > MOST_PORTS {
            let what = format!("is given {} times: at most {MOST_PORTS} ports", self.ports.len());
            return Some(Objection { key: "port", at: MOST_PORTS, what });
        }
        let mut seen = BTreeSet::new();
        let at = self.ports.iter().position(|port| !seen.insert(port.place.text()))?;
        let what = format!("{} is given twice: give each port once", self.ports[at].place.text());
        Some(Objection { key: "port", at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["serial-bridge"], args].concat())
    }

    #[test]
    fn several_ports_are_kept_in_their_order() {
        let options = parse(&["--port", "/dev/ttyUSB1", "--port", "/dev/ttyUSB0,baud=auto"]).expect("valid");
        let names: Vec<_> = options.ports().iter().map(|port| port.place.text()).collect();
        assert_eq!((names, options.baud.clone()), (vec!["/dev/ttyUSB1", "/dev/ttyUSB0"], Rates::fixed(115_200)));
    }

    #[test]
    fn every_flag_is_a_key_of_the_file() {
        use clap::CommandFactory;
        assert_eq!(bus::config::keys::differences(&Options::command(), Section::SerialBridge, &["check"]), [] as [String; 0]);
    }

    #[test]
    fn no_port_is_no_error() {
        assert!(parse(&[]).expect("valid").ports().is_empty());
    }

    #[test]
    fn a_port_that_is_given_twice_is_refused_by_name() {
        let options = parse(&["--port", "/dev/a", "--port", "/dev/b", "--port", "/dev/a,baud=9600"]).expect("parsed");
        let Objection { key, at, what } = options.objection().expect("twice");
        assert_eq!((key, at, what.as_str()), ("port", 2, "/dev/a is given twice: give each port once"));
    }

    #[test]
    fn what_is_out_of_range_is_named_with_the_range() {
        for rate in ["0", "1199", "4000001", "fast"] {
            let text = parse(&["--baud", rate]).expect_err(rate).to_string();
            assert!(text.contains(rate) && text.contains("--baud"), "{text}");
        }
        let text = parse(&["--baud", "300"]).expect_err("too slow").to_string();
        assert!(text.contains("1200..=4000000"), "{text}");
        let text = parse(&["--port", "/dev/a,dtr=up"]).expect_err("no level").to_string();
        assert!(text.contains("--port") && text.contains("on, off or keep"), "{text}");
    }

    #[test]
    fn a_check_is_for_one_port_alone() {
        assert!(parse(&["--check", "/dev/ttyUSB0,baud=auto"]).expect("valid").check.is_some());
        assert!(parse(&["--check", "/dev/ttyUSB0", "--port", "/dev/ttyUSB1"]).is_err());
    }
}
