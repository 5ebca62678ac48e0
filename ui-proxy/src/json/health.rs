//! `lbr-health`.

use std::collections::BTreeMap;

use mqtypes::health::ProcessHealth;
use serde::Serialize;

use super::cut;

/// Reasons told of one process, and the longest name of one, bytes.
const MOST_REASONS: usize = 64;
const LONGEST_REASON: usize = 64;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    processes: Vec<Process<'a>>,
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
        let mut dropped = BTreeMap::new();
        for each in health.dropped.iter().take(MOST_REASONS) {
            *dropped.entry(cut(&each.reason, LONGEST_REASON)).or_default() += each.count;
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

pub(super) fn body(processes: &[ProcessHealth]) -> Body<'_> {
    Body { processes: processes.iter().map(Process::from).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use mqtypes::envelope::Sender;
    use mqtypes::health::Dropped;

    #[test]
    fn a_process_tells_its_figures() {
        let health = ProcessHealth {
            process: Sender::SerialBridge,
            pid: 4711,
            uptime_ms: 61_900,
            rss_kib: 700,
            cpu_ms: 35,
            inbox_depth: 1,
            inbox_max: 10,
            dropped: vec![Dropped { reason: "foreign".to_owned(), count: 2 }],
        };
        assert_eq!(
            encode(&Message::Health(vec![health]), 1, NOW),
            concat!(
                r#"{"type":"lbr-health","seq":1,"t":1700000010000,"processes":[{"name":"serial-bridge","pid":4711,"uptime":61,"#,
                r#""rss_kib":700,"cpu_ms":35,"inbox":{"depth":1,"max":10},"dropped":{"foreign":2}}]}"#
            )
        );
    }
}
