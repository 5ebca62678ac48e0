//! `lbr-health`.

use std::collections::BTreeMap;

use bus::moment::Moment;
use mqtypes::health::ProcessHealth;
use mqtypes::serial::PortReport;
use serde::Serialize;

use super::PartJson;
use super::port::PortJson;
use crate::message::Part;

/// Reasons told of one process, and the longest name of one, bytes. The rest is told together, as `other`.
const MOST_REASONS: usize = 64;
const LONGEST_REASON: usize = 64;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson>,
    processes: Vec<Process<'a>>,
    ports: Vec<PortJson<'a>>,
}

#[derive(Serialize)]
struct Process<'a> {
    name: String,
    pid: u32,
    /// Whole seconds.
    uptime: u64,
    rss_kib: u64,
    cpu_ms: u64,
    inbox: Fill,
    dropped: BTreeMap<&'a str, u64>,
}

#[derive(Serialize)]
struct Fill {
    depth: u32,
    max: u32,
}

impl<'a> From<&'a ProcessHealth> for Process<'a> {
    fn from(health: &'a ProcessHealth) -> Self {
        let mut dropped = BTreeMap::<_, u64>::new();
        for each in &health.dropped {
            let reason = each.reason.as_str();
            let is_told = is_plain(reason) && (dropped.len() < MOST_REASONS || dropped.contains_key(reason));
            let number = dropped.entry(if is_told { reason } else { "other" }).or_default();
            *number = number.saturating_add(each.count);
        }
        Self {
            name: health.process.to_string(),
            pid: health.pid,
            uptime: health.uptime_ms / 1000,
            rss_kib: health.rss_kib,
            cpu_ms: health.cpu_ms,
            inbox: Fill { depth: health.inbox_depth, max: health.inbox_max },
            dropped,
        }
    }
}

/// A name that is as long in JSON as it is.
fn is_plain(reason: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    reason.len() <= LONGEST_REASON && reason.bytes().all(is_plain)
}

pub(super) fn body<'a>(part: Option<Part>, processes: &'a [ProcessHealth], ports: &'a [PortReport], now: Moment) -> Body<'a> {
    Body {
        part: part.map(PartJson::from),
        processes: processes.iter().map(Process::from).collect(),
        ports: ports.iter().map(|port| PortJson::new(port, now)).collect(),
    }
}

/// How long all processes together are.
pub fn length(processes: &[ProcessHealth]) -> usize {
    super::length(&processes.iter().map(Process::from).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use crate::session::pages::ROOM;
    use crate::session::ports::tests::report;
    use mqtypes::envelope::Sender;
    use mqtypes::health::Dropped;
    use mqtypes::ids::PortName;
    use mqtypes::mono::Mono;
    use mqtypes::serial::{FaultCount, FrameFault, PortCounters, PortState};

    fn health(dropped: Vec<Dropped>) -> ProcessHealth {
        ProcessHealth {
            process: Sender::SerialBridge,
            pid: 4711,
            uptime_ms: 61_900,
            rss_kib: 700,
            cpu_ms: 35,
            inbox_depth: 1,
            inbox_max: 10,
            dropped,
        }
    }

    fn dropped(reason: impl Into<String>, count: u64) -> Dropped {
        Dropped { reason: reason.into(), count }
    }

    #[test]
    fn processes_and_ports_tell_their_figures() {
        let faults = [(FrameFault::TooLong, 1), (FrameFault::BadCrc, 8), (FrameFault::BadCrc, u64::MAX)];
        let up = PortReport {
            counters: PortCounters {
                rx_bytes: 1,
                rx_frames: 2,
                tx_bytes: 3,
                tx_frames: 4,
                noise_bytes: 5,
                stalls: 6,
                forced_resumes: 7,
                openings: 8,
                faults: faults.map(|(fault, count)| FaultCount { fault, count }).to_vec(),
            },
            since: Mono(4_000_000),
            ..report("a")
        };
        let down = PortReport { state: PortState::Down { cause: "x".to_owned() }, baud: 0, since: Mono(4_000_000), ..report("b") };
        let processes = vec![health(vec![dropped("foreign", 2)])];
        assert_eq!(
            encode(&Message::Health { part: None, processes, ports: vec![up, down] }, 1, NOW),
            concat!(
                r#"{"type":"lbr-health","seq":1,"t":1700000010000,"processes":[{"name":"serial-bridge","pid":4711,"uptime":61,"#,
                r#""rss_kib":700,"cpu_ms":35,"inbox":{"depth":1,"max":10},"dropped":{"foreign":2}}],"ports":["#,
                r#"{"port":"a","link":"up","since":1700000004000,"baud":115200,"rx_bytes":1,"rx_frames":2,"tx_bytes":3,"tx_frames":4,"#,
                r#""noise_bytes":5,"stalls":6,"forced_resumes":7,"openings":8,"faults":{"bad-crc":18446744073709551615,"too-long":1}},"#,
                r#"{"port":"b","link":"down","since":1700000004000,"baud":null,"rx_bytes":0,"rx_frames":0,"tx_bytes":0,"tx_frames":0,"#,
                r#""noise_bytes":0,"stalls":0,"forced_resumes":0,"openings":0,"faults":{}}]}"#
            )
        );
    }

    #[test]
    fn many_and_odd_reasons_are_told_together_and_leave_room_for_a_port() {
        let reasons = (0..1000).map(|number| dropped(format!("{number:-<64}"), u64::MAX));
        let odd = ["", "\u{1}", "\"", "ä"].map(|reason| dropped(reason, 1));
        let process = health(reasons.chain(odd).collect());
        let told = serde_json::to_value(Process::from(&process)).expect("JSON");
        assert_eq!(told["dropped"].as_object().map(serde_json::Map::len), Some(MOST_REASONS + 1));
        assert_eq!(told["dropped"]["other"], u64::MAX);
        let port = PortReport { port: PortName("\"".repeat(255)), ..report("") };
        assert!(length(&[process.clone(), process.clone(), process]) + crate::json::port::length(&port, NOW) < ROOM);
    }
}
