//! `lbr-health` as figures. What is not as it should be is left out, and so is what is more than a router has.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Most processes, reasons of one process or faults of one port, and ports that are told.
const MAX_PROCESSES: usize = 16;
const MAX_REASONS: usize = 80;
const MAX_PORTS: usize = 512;

/// The figures of a router's processes and ports.
#[derive(Debug, Default, Deserialize)]
pub struct Health<'a> {
    /// By process.
    #[serde(borrow, default)]
    pub processes: Vec<Process<'a>>,
    /// By port.
    #[serde(borrow, default)]
    pub ports: Vec<Port<'a>>,
}

/// A process. Totals count from its start.
#[derive(Debug, Deserialize)]
pub struct Process<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Seconds since its start.
    pub uptime: u64,
    /// Resident memory, KiB.
    pub rss_kib: u64,
    /// Processor time, milliseconds.
    pub cpu_ms: u64,
    /// Its queue.
    pub inbox: Fill,
    /// What it dropped or refused, by reason.
    #[serde(borrow, default)]
    pub dropped: BTreeMap<Cow<'a, str>, u64>,
}

/// Messages in a queue.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Fill {
    /// That wait.
    pub depth: u64,
    /// That there is room for.
    pub max: u64,
}

/// A serial port. Totals count from the start of `serial-bridge`.
#[derive(Debug, Deserialize)]
pub struct Port<'a> {
    /// Its name.
    #[serde(borrow, rename = "port")]
    pub name: Cow<'a, str>,
    /// `probing`, `up`, `down`, `fault`.
    #[serde(borrow)]
    pub link: Cow<'a, str>,
    /// Bits a second, if they are known.
    pub baud: Option<u64>,
    /// From the mote.
    pub rx_bytes: u64,
    /// From the mote.
    pub rx_frames: u64,
    /// To the mote.
    pub tx_bytes: u64,
    /// To the mote.
    pub tx_frames: u64,
    /// Bytes before the first frame of an opening.
    pub noise_bytes: u64,
    /// Times that output stood still.
    pub stalls: u64,
    /// Times that it was let go on without an XON.
    pub forced_resumes: u64,
    /// Times that it was opened.
    pub openings: u64,
    /// Bytes that were no frame, by reason.
    #[serde(borrow, default)]
    pub faults: BTreeMap<Cow<'a, str>, u64>,
}

impl<'a> Health<'a> {
    /// Reads a report; one that makes no sense is empty.
    pub fn parse(text: &'a str) -> Self {
        #[derive(Deserialize)]
        struct Loose<'a> {
            #[serde(borrow, default)]
            processes: Vec<&'a RawValue>,
            #[serde(borrow, default)]
            ports: Vec<&'a RawValue>,
        }
        let Ok(Loose { processes, ports }) = serde_json::from_str(text) else { return Self::default() };
        let mut processes: Vec<Process<'a>> = processes.into_iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect();
        let mut ports: Vec<Port<'a>> = ports.into_iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect();
        // No two samples may have the same labels.
        processes.sort_by(|one, other| one.name.cmp(&other.name));
        processes.dedup_by(|one, other| one.name == other.name);
        ports.sort_by(|one, other| one.name.cmp(&other.name));
        ports.dedup_by(|one, other| one.name == other.name);
        processes.truncate(MAX_PROCESSES);
        ports.truncate(MAX_PORTS);
        let dropped = processes.iter_mut().map(|process| &mut process.dropped);
        for counts in dropped.chain(ports.iter_mut().map(|port| &mut port.faults)) {
            bound(counts);
        }
        Self { processes, ports }
    }
}

/// What is beyond the bound becomes `other`.
fn bound(counts: &mut BTreeMap<Cow<'_, str>, u64>) {
    let Some(first) = counts.keys().nth(MAX_REASONS).cloned() else { return };
    let beyond = counts.split_off(&first);
    let sum = beyond.into_values().fold(0, u64::saturating_add);
    let other = counts.entry(Cow::Borrowed("other")).or_default();
    *other = other.saturating_add(sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_left_out_and_the_rest_is_told() {
        let good = r#"{"name":"eventbus","pid":1,"uptime":2,"rss_kib":3,"cpu_ms":4,"inbox":{"depth":5,"max":10},"dropped":{"gap":6}}"#;
        let health = format!(r#"{{"type":"lbr-health","processes":[1,{good},{{"name":"x"}},{good}],"ports":[{{"port":"a"}}]}}"#);
        let health = Health::parse(&health);
        assert_eq!((health.processes.len(), health.ports.len()), (1, 0));
        assert_eq!((health.processes[0].inbox.depth, &health.processes[0].dropped["gap"]), (5, &6));
        for text in ["", "null", "[]", r#"{"processes":1}"#] {
            assert_eq!(Health::parse(text).processes.len(), 0, "{text}");
        }
    }

    #[test]
    fn more_reasons_than_there_are_become_other() {
        let mut counts: BTreeMap<Cow<'_, str>, u64> = (0..200).map(|number| (Cow::Owned(format!("r{number:03}")), 2)).collect();
        bound(&mut counts);
        assert_eq!((counts.len(), counts["other"]), (MAX_REASONS + 1, 2 * 120));
    }
}
