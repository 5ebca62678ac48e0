//! Event counts by (sender, signal), with OpenVisualizer's names and ours beside them.
//!
//! OpenVisualizer counts every log frame, whatever its severity, as `fromMote.error`, and leaves status
//! frames out; both are kept countable here. The number of keys is bounded by ports and signals.

use std::collections::BTreeMap;

use mqtypes::count::Count;
use mqtypes::ids::{BootId, PortName};
use mqtypes::log::Severity;
use mqtypes::serial::{FrameFault, PortReport};

use crate::mesh::PacketKind;

/// Names a port in keys, so that counting a frame copies no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortIndex(u16);

/// What is counted, per port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// A status frame.
    Status,
    /// A data frame: from the mesh, or an echo reply.
    Data,
    /// A log or printf frame of any severity.
    Error,
    /// A log or printf frame, by severity.
    Log(Severity),
    /// A data frame that an echo test waited for.
    Echo,
    /// A data frame that no root passed on: an echo that came too late.
    Stray,
    /// A packet from the mesh, by kind.
    Packet(PacketKind),
    /// A sniffed frame.
    Sniffed,
    /// A frame of an earlier opening of its port.
    Stale,
    /// A frame of old firmware that has no meaning any more.
    Legacy,
    /// Bytes that were no frame.
    Invalid(FrameFault),
    /// A frame with a right CRC whose content makes no sense, by reason.
    Unreadable(&'static str),
    /// The mote's role changed, or was told for the first time.
    InfoDagRoot,
    /// A person's command for the mote.
    CmdToMote,
    /// A frame for the mote.
    ToMote,
}

impl Signal {
    fn sender(self) -> &'static str {
        match self {
            Self::InfoDagRoot | Self::CmdToMote => "motestate",
            Self::Status
            | Self::Data
            | Self::Error
            | Self::Log(_)
            | Self::Echo
            | Self::Stray
            | Self::Packet(_)
            | Self::Sniffed
            | Self::Stale
            | Self::Legacy
            | Self::Invalid(_)
            | Self::Unreadable(_)
            | Self::ToMote => "mote_connector",
        }
    }

    fn name(self, port: &PortName) -> String {
        match self {
            Self::Status => "fromMote.status".to_owned(),
            Self::Data => "fromMote.data".to_owned(),
            Self::Error => "fromMote.error".to_owned(),
            Self::Log(severity) => format!("fromMote.log.{}", severity.name()),
            Self::Echo => "fromMote.data.echo".to_owned(),
            Self::Stray => "fromMote.data.stray".to_owned(),
            Self::Packet(kind) => packet_name(kind),
            Self::Sniffed => "fromMote.sniffedPacket".to_owned(),
            Self::Stale => "fromMote.stale".to_owned(),
            Self::Legacy => "fromMote.legacy".to_owned(),
            Self::Invalid(fault) => format!("fromMote.invalid.{}", fault.name()),
            Self::Unreadable(reason) => format!("fromMote.unreadable.{reason}"),
            Self::InfoDagRoot => "infoDagRoot".to_owned(),
            Self::CmdToMote => "cmdToMote".to_owned(),
            Self::ToMote => format!("fromMoteConnector@{port}"),
        }
    }
}

fn packet_name(kind: PacketKind) -> String {
    let kind = match kind {
        PacketKind::Dao => "dao",
        PacketKind::Rpl => "rpl",
        PacketKind::Icmpv6 => "icmpv6",
        PacketKind::Uinject => "uinject",
        PacketKind::Udp => "udp",
        PacketKind::Other => "other",
        PacketKind::Fragment => "fragment",
        PacketKind::Unreadable(reason) => return format!("fromMote.data.unreadable.{reason}"),
    };
    format!("fromMote.data.{kind}")
}

/// One counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountKey {
    /// Of one port.
    OfPort(PortIndex, Signal),
    /// Frames that `serial-bridge` could not hand over.
    Lost,
}

/// Ports beyond this number share the last one's counters.
const MOST_PORTS: u16 = 4096;

/// All counters.
#[derive(Debug, Default)]
pub struct Counts {
    ports: Vec<PortName>,
    by_name: BTreeMap<PortName, PortIndex>,
    totals: BTreeMap<CountKey, u64>,
    /// What earlier starts of `serial-bridge` had counted, and the present start.
    faults_before: BTreeMap<CountKey, u64>,
    bridge: Option<BootId>,
}

impl Counts {
    /// The name of a port in keys.
    pub fn port(&mut self, port: &PortName) -> PortIndex {
        if let Some(index) = self.by_name.get(port) {
            return *index;
        }
        let index = PortIndex(u16::try_from(self.ports.len()).unwrap_or(MOST_PORTS).min(MOST_PORTS));
        if index.0 < MOST_PORTS {
            self.ports.push(port.clone());
            self.by_name.insert(port.clone(), index);
        }
        index
    }

    /// Counts one more, and tells the key.
    pub fn count(&mut self, port: PortIndex, signal: Signal) -> CountKey {
        self.add(CountKey::OfPort(port, signal), 1)
    }

    /// Counts frames that were lost between the processes.
    pub fn count_lost(&mut self, frames: u64) -> CountKey {
        self.add(CountKey::Lost, frames)
    }

    /// Takes the totals of a port's report; tells the keys that changed. Totals restart with
    /// `serial-bridge`, ours go on.
    pub fn take_report(&mut self, bridge: BootId, report: &PortReport) -> Vec<CountKey> {
        if self.bridge != Some(bridge) {
            self.bridge = Some(bridge);
            self.faults_before.clear();
            self.faults_before.extend(self.totals.iter().filter(|(key, _)| is_fault(key)).map(|(key, count)| (*key, *count)));
        }
        let port = self.port(&report.port);
        let mut changed = Vec::new();
        for told in &report.counters.faults {
            let key = CountKey::OfPort(port, Signal::Invalid(told.fault));
            let total = self.faults_before.get(&key).copied().unwrap_or(0).saturating_add(told.count);
            if self.totals.insert(key, total) != Some(total) {
                changed.push(key);
            }
        }
        changed
    }

    /// Every counter that ever counted.
    pub fn keys(&self) -> impl Iterator<Item = CountKey> {
        self.totals.keys().copied()
    }

    /// A counter as the bus has it.
    pub fn get(&self, key: CountKey) -> Option<Count> {
        let num = *self.totals.get(&key)?;
        let (sender, signal) = match key {
            CountKey::OfPort(index, signal) => {
                let others = PortName("other ports".to_owned());
                let port = self.ports.get(usize::from(index.0)).unwrap_or(&others);
                (format!("{}@{port}", signal.sender()), signal.name(port))
            }
            CountKey::Lost => ("serial-bridge".to_owned(), "fromMote.lost".to_owned()),
        };
        Some(Count { sender, signal, num })
    }

    fn add(&mut self, key: CountKey, more: u64) -> CountKey {
        let total = self.totals.entry(key).or_default();
        *total = total.saturating_add(more);
        key
    }
}

fn is_fault(key: &CountKey) -> bool {
    matches!(key, CountKey::OfPort(_, Signal::Invalid(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::Generation;
    use mqtypes::mono::Mono;
    use mqtypes::serial::{FaultCount, PortCounters, PortState};

    fn report(count: u64) -> PortReport {
        let faults = vec![FaultCount { fault: FrameFault::BadCrc, count }];
        PortReport {
            port: PortName("usb0".to_owned()),
            generation: Generation(1),
            state: PortState::Up,
            since: Mono(0),
            baud: 0,
            counters: PortCounters { faults, ..PortCounters::default() },
        }
    }

    #[test]
    fn names_are_those_that_openvisualizer_uses() {
        let mut counts = Counts::default();
        let port = counts.port(&PortName("/dev/ttyUSB0".to_owned()));
        let mut name = |signal| {
            let key = counts.count(port, signal);
            counts.get(key).map(|count| format!("{} {} {}", count.sender, count.signal, count.num)).unwrap_or_default()
        };
        assert_eq!(name(Signal::Status), "mote_connector@/dev/ttyUSB0 fromMote.status 1");
        assert_eq!(name(Signal::InfoDagRoot), "motestate@/dev/ttyUSB0 infoDagRoot 1");
        assert_eq!(name(Signal::Log(Severity::Error)), "mote_connector@/dev/ttyUSB0 fromMote.log.error 1");
    }

    #[test]
    fn faults_follow_the_bridges_totals_over_its_restarts() {
        let mut counts = Counts::default();
        let invalid = |counts: &Counts| counts.keys().filter_map(|key| counts.get(key)).map(|count| count.num).sum::<u64>();
        assert_eq!(counts.take_report(BootId(1), &report(3)).len(), 1);
        assert_eq!(counts.take_report(BootId(1), &report(3)).len(), 0);
        counts.take_report(BootId(1), &report(5));
        counts.take_report(BootId(2), &report(1));
        counts.take_report(BootId(2), &report(2));
        assert_eq!(invalid(&counts), 7);
    }

    #[test]
    fn endless_port_names_do_not_grow_the_counts() {
        let mut counts = Counts::default();
        for number in 0..2 * u32::from(MOST_PORTS) {
            let port = counts.port(&PortName(number.to_string()));
            counts.count(port, Signal::Status);
        }
        assert_eq!(counts.keys().count(), usize::from(MOST_PORTS) + 1);
    }
}
