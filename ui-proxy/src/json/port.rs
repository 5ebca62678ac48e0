//! A serial port in `lbr-health`.

use std::collections::BTreeMap;

use mqtypes::serial::{PortReport, PortState};
use serde::Serialize;

use bus::moment::Moment;

#[derive(Serialize)]
pub(super) struct PortJson<'a> {
    port: &'a str,
    link: &'static str,
    since: u64,
    /// Null when not known yet.
    baud: Option<u32>,
    rx_bytes: u64,
    rx_frames: u64,
    tx_bytes: u64,
    tx_frames: u64,
    noise_bytes: u64,
    stalls: u64,
    forced_resumes: u64,
    openings: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl<'a> PortJson<'a> {
    pub(super) fn new(report: &'a PortReport, now: Moment) -> Self {
        let counters = &report.counters;
        let mut faults = BTreeMap::<_, u64>::new();
        for each in &counters.faults {
            let number = faults.entry(each.fault.name()).or_default();
            *number = number.saturating_add(each.count);
        }
        Self {
            port: &report.port.0,
            link: match report.state {
                PortState::Down { .. } => "down",
                PortState::Probing => "probing",
                PortState::Up => "up",
                PortState::Fault { .. } => "fault",
            },
            since: now.unix_ms_of(report.since),
            baud: Some(report.baud).filter(|baud| *baud != 0),
            rx_bytes: counters.rx_bytes,
            rx_frames: counters.rx_frames,
            tx_bytes: counters.tx_bytes,
            tx_frames: counters.tx_frames,
            noise_bytes: counters.noise_bytes,
            stalls: counters.stalls,
            forced_resumes: counters.forced_resumes,
            openings: counters.openings,
            faults,
        }
    }
}

/// How long one port is.
pub fn length(report: &PortReport, now: Moment) -> usize {
    super::length(&PortJson::new(report, now))
}
