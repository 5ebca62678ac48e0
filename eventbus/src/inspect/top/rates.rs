//! What happened between two samples, per second.
//!
//! A counter that went back belongs to another start of its process: nothing is said of such a pair.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::broker::Notification;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::serial::{PortReport, PortState};
use serde::Serialize;

use crate::inspect::health::{Process, Standing};

/// All counters at one time.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// When.
    pub at: Mono,
    /// The processes.
    pub processes: Vec<Process>,
    /// The ports.
    pub ports: BTreeMap<PortName, PortReport>,
    /// What came through each port.
    pub messages: BTreeMap<PortName, Messages>,
}

/// What came through a port since `eventbus` started, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// Status frames.
    pub status: u64,
    /// Packets from the mesh.
    pub data: u64,
    /// Logs of all severities.
    pub logs: u64,
}

/// What happened in a while.
#[derive(Debug, Clone, Serialize)]
pub struct Rates {
    /// How long that was, seconds.
    pub seconds: f64,
    /// Each process.
    pub processes: Vec<ProcessRates>,
    /// Each port.
    pub ports: Vec<PortRates>,
}

/// A process: how it is, and what it did. Null where its counters began anew.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessRates {
    /// How it is.
    #[serde(flatten)]
    pub now: Process,
    /// Share of one processor, 0 to 1.
    pub cpu: Option<f64>,
    /// What it lost each second, and in all, by reason: those that it ever lost something for.
    pub lost: Vec<Loss>,
}

/// What was lost for one reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// Its name.
    pub reason: String,
    /// Each second.
    pub per_second: Option<f64>,
    /// Since the process's start.
    pub in_all: u64,
}

/// A port, each second. Null where its counters began anew.
#[derive(Debug, Clone, Serialize)]
pub struct PortRates {
    /// Which.
    pub port: PortName,
    /// What it is doing.
    pub state: PortState,
    /// Frames with a right CRC.
    pub frames_in: Option<f64>,
    /// Bytes read.
    pub bytes_in: Option<f64>,
    /// Frames written.
    pub frames_out: Option<f64>,
    /// What was no frame.
    pub passed_over: Option<f64>,
    /// Status frames.
    pub status: Option<f64>,
    /// Packets from the mesh.
    pub data: Option<f64>,
    /// Logs.
    pub logs: Option<f64>,
}

/// Keeps the newest of those counts that are of messages.
pub fn handle_count(messages: &mut BTreeMap<PortName, Messages>, notification: &Notification) {
    let Notification::Count(count) = notification else { return };
    let Some(port) = count.sender.strip_prefix("mote_connector@") else { return };
    let of_port = |messages: &mut BTreeMap<PortName, Messages>, set: fn(&mut Messages, u64)| {
        set(messages.entry(PortName(port.to_owned())).or_default(), count.num);
    };
    match count.signal.as_str() {
        "fromMote.status" => of_port(messages, |messages, num| messages.status = num),
        "fromMote.data" => of_port(messages, |messages, num| messages.data = num),
        // All logs, as OpenVisualizer has it.
        "fromMote.error" => of_port(messages, |messages, num| messages.logs = num),
        _of_something_else => {}
    }
}

/// The rates between two samples.
pub fn between(before: &Sample, after: &Sample) -> Rates {
    let over = after.at.since(before.at);
    let processes = after.processes.iter().map(|now| process(before.processes.iter().find(|then| then.process == now.process), now, over));
    let ports = after.ports.values().map(|now| port(before, after, now, over));
    Rates { seconds: over.as_secs_f64(), processes: processes.collect(), ports: ports.collect() }
}

fn process(then: Option<&Process>, now: &Process, over: Duration) -> ProcessRates {
    let cpu = then.and_then(|then| busy(now)?.since(&busy(then)?, over));
    let lost = match &now.standing {
        Standing::Told(told) => told.dropped.iter().map(|dropped| (dropped.reason.clone(), dropped.count)).collect(),
        Standing::NotRunning | Standing::Unseen | Standing::Silent { .. } => Vec::new(),
    };
    let per_second = |reason: &str, count: u64| per_second(lost_before(then?, now, reason)?, count, over);
    let lost = lost.into_iter().map(|(reason, in_all)| Loss { per_second: per_second(&reason, in_all), reason, in_all });
    ProcessRates { now: now.clone(), cpu, lost: lost.collect() }
}

/// How long a start of a process has been busy.
struct Busy {
    pid: u32,
    uptime_ms: Option<u64>,
    cpu_ms: u64,
}

fn busy(process: &Process) -> Option<Busy> {
    match &process.standing {
        Standing::Told(told) => Some(Busy { pid: told.pid, uptime_ms: Some(told.uptime_ms), cpu_ms: told.cpu_ms }),
        Standing::Silent { vitals, .. } => Some(Busy { pid: vitals.pid, uptime_ms: vitals.uptime_ms, cpu_ms: vitals.cpu_ms? }),
        Standing::NotRunning | Standing::Unseen => None,
    }
}

impl Busy {
    /// By the process's own clock, which stood still while it was waited for.
    fn since(&self, then: &Self, over: Duration) -> Option<f64> {
        let over_ms = match (self.uptime_ms, then.uptime_ms) {
            (Some(now), Some(then)) => now.checked_sub(then)? as f64,
            _not_told => over.as_secs_f64() * 1000.0,
        };
        let used = self.cpu_ms.checked_sub(then.cpu_ms)? as f64;
        (self.pid == then.pid && over_ms > 0.0).then(|| used / over_ms)
    }
}

/// A reason that was not there before had a count of zero, in the same start of the process.
fn lost_before(then: &Process, now: &Process, reason: &str) -> Option<u64> {
    match (&then.standing, &now.standing) {
        (Standing::Told(then), Standing::Told(now)) if then.pid == now.pid => {
            Some(then.dropped.iter().find(|dropped| dropped.reason == reason).map_or(0, |dropped| dropped.count))
        }
        _no_common_start => None,
    }
}

fn port(before: &Sample, after: &Sample, now: &PortReport, over: Duration) -> PortRates {
    let then = before.ports.get(&now.port).map(|then| &then.counters);
    let counted = |count: fn(&PortReport) -> u64| {
        let then = before.ports.get(&now.port)?;
        per_second(count(then), count(now), over)
    };
    let (told, told_before) = (after.messages.get(&now.port), before.messages.get(&now.port).copied().unwrap_or_default());
    let messages = |count: fn(&Messages) -> u64| per_second(count(&told_before), told.map_or(0, count), over);
    PortRates {
        port: now.port.clone(),
        state: now.state.clone(),
        frames_in: counted(|report| report.counters.rx_frames),
        bytes_in: counted(|report| report.counters.rx_bytes),
        frames_out: counted(|report| report.counters.tx_frames),
        passed_over: counted(|report| report.counters.faults.iter().map(|fault| fault.count).fold(0, u64::saturating_add)),
        status: then.and_then(|_| messages(|messages| messages.status)),
        data: then.and_then(|_| messages(|messages| messages.data)),
        logs: then.and_then(|_| messages(|messages| messages.logs)),
    }
}

fn per_second(then: u64, now: u64, over: Duration) -> Option<f64> {
    let seconds = over.as_secs_f64();
    let more = now.checked_sub(then)?;
    (seconds > 0.0).then(|| more as f64 / seconds)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::inspect::health::tests::told;
    use crate::inspect::health::{Silence, Vitals};
    use mqtypes::count::Count;
    use mqtypes::envelope::Sender;
    use mqtypes::ids::Generation;
    use mqtypes::serial::{FaultCount, FrameFault, PortCounters};

    /// A sample in which all has been going on evenly for so many seconds.
    pub fn sample(seconds: u64) -> Sample {
        let eventbus = mqtypes::health::ProcessHealth {
            uptime_ms: 1000 * seconds,
            ..told(Sender::Eventbus, 5 * seconds, &[("foreign", 3), ("tap.full", 2 * seconds)])
        };
        let vitals =
            Vitals { pid: 814, uptime_ms: Some(1000 * seconds), rss_kib: Some(640), cpu_ms: Some(seconds), inbox_depth: 0, inbox_max: 4 };
        let processes = vec![
            Process { process: Sender::SerialBridge, standing: Standing::NotRunning },
            Process { process: Sender::Eventbus, standing: Standing::Told((&eventbus).into()) },
            Process { process: Sender::UiProxy, standing: Standing::Silent { why: Silence::NoAnswer, vitals } },
        ];
        let counters = PortCounters {
            rx_frames: 10 * seconds,
            rx_bytes: 420 * seconds,
            faults: vec![FaultCount { fault: FrameFault::BadCrc, count: seconds / 2 }],
            ..PortCounters::default()
        };
        let port = PortName("/dev/ttyUSB0".to_owned());
        let report =
            PortReport { port: port.clone(), generation: Generation(1), state: PortState::Up, since: Mono(0), baud: 115_200, counters };
        let messages = Messages { status: 9 * seconds, data: seconds, logs: 7 };
        Sample { at: Mono(seconds * 1_000_000), processes, ports: [(port.clone(), report)].into(), messages: [(port, messages)].into() }
    }

    #[test]
    fn rates_are_differences_by_time() {
        let rates = between(&sample(100), &sample(104));
        let cpu: Vec<_> = rates.processes.iter().map(|process| process.cpu).collect();
        assert_eq!(cpu, [None, Some(0.005), Some(0.001)]);
        let lost: Vec<_> = rates.processes[1].lost.iter().map(|loss| (loss.reason.as_str(), loss.per_second, loss.in_all)).collect();
        assert_eq!(lost, [("foreign", Some(0.0), 3), ("tap.full", Some(2.0), 208)]);
        let port = &rates.ports[0];
        assert_eq!((port.frames_in, port.bytes_in, port.frames_out, port.passed_over), (Some(10.0), Some(420.0), Some(0.0), Some(0.5)));
        assert_eq!((port.status, port.data, port.logs), (Some(9.0), Some(1.0), Some(0.0)));
    }

    #[test]
    fn of_counters_that_began_anew_nothing_is_said() {
        let rates = between(&sample(100), &Sample { at: Mono(102_000_000), ..sample(1) });
        assert_eq!((rates.processes[1].cpu, rates.processes[1].lost[1].per_second), (None, None));
        assert_eq!((rates.ports[0].frames_in, rates.ports[0].status), (None, None));
    }

    #[test]
    fn without_time_and_without_a_sample_before_there_is_no_rate() {
        let rates = between(&sample(100), &sample(100));
        assert_eq!((rates.processes[1].cpu, rates.ports[0].frames_in), (None, None));
        let first = between(&Sample::default(), &sample(3));
        assert_eq!((first.processes[1].cpu, first.ports[0].status), (None, None));
    }

    #[test]
    fn only_counts_of_messages_are_kept() {
        let mut messages = BTreeMap::new();
        for (sender, signal) in
            [("mote_connector@a", "fromMote.data"), ("mote_connector@a", "fromMote.lost"), ("motestate@a", "fromMote.data")]
        {
            let count = Count { sender: sender.to_owned(), signal: signal.to_owned(), num: 7 };
            handle_count(&mut messages, &Notification::Count(count));
        }
        assert_eq!(messages, [(PortName("a".to_owned()), Messages { data: 7, ..Messages::default() })].into());
    }
}
