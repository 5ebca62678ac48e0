//! The serial ports' figures, as `serial-bridge` reported them. They are told with the processes' figures.

use std::collections::BTreeMap;

use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::serial::PortReport;

use super::bounds::{self, Kept, MOST_MOTES};
use super::health::STALE_AFTER;

/// The newest report of every port, and when it came.
#[derive(Debug, Default)]
pub struct Ports(BTreeMap<PortName, (PortReport, Mono)>);

impl Ports {
    /// A port was reported.
    pub fn handle_report(&mut self, now: Mono, report: PortReport) -> Kept {
        let is_known = self.0.contains_key(&report.port);
        if !bounds::is_port(Some(&report.port)) || (!is_known && self.0.len() >= MOST_MOTES) {
            return Kept::No;
        }
        self.0.insert(report.port.clone(), (report, now));
        Kept::Yes
    }

    /// All that were reported lately: `serial-bridge` reports every port whenever the figures are asked for.
    pub fn told(&self, now: Mono) -> Vec<PortReport> {
        let fresh = self.0.values().filter(|(_, heard)| now.since(*heard) < STALE_AFTER);
        fresh.map(|(report, _)| report.clone()).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mqtypes::ids::Generation;
    use mqtypes::serial::{PortCounters, PortState};

    pub(crate) fn report(port: &str) -> PortReport {
        PortReport {
            port: PortName(port.to_owned()),
            generation: Generation(1),
            state: PortState::Up,
            since: Mono(0),
            baud: 115_200,
            counters: PortCounters::default(),
        }
    }

    fn told(ports: &Ports, second: u64) -> Vec<String> {
        ports.told(Mono(second * 1_000_000)).into_iter().map(|report| report.port.0).collect()
    }

    #[test]
    fn a_port_that_is_not_reported_any_more_is_not_told() {
        let mut ports = Ports::default();
        ports.handle_report(Mono(0), report("a"));
        ports.handle_report(Mono(10_000_000), report("b"));
        assert_eq!(told(&ports, 14), ["a", "b"]);
        assert_eq!(told(&ports, 15), ["b"]);
    }

    #[test]
    fn no_sender_grows_it_without_end() {
        let mut ports = Ports::default();
        for number in 0..MOST_MOTES {
            assert_eq!(ports.handle_report(Mono(0), report(&number.to_string())), Kept::Yes);
        }
        assert_eq!(ports.handle_report(Mono(0), report("one more")), Kept::No);
        assert_eq!(ports.handle_report(Mono(0), report("7")), Kept::Yes);
        assert_eq!(Ports::default().handle_report(Mono(0), report(&"long".repeat(100))), Kept::No);
    }
}
