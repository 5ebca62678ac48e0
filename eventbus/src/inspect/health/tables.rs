//! Figures as a person reads them: processes, ports, and what was lost by reason.

use std::time::Duration;

use mqtypes::envelope::Sender;
use mqtypes::health::Dropped;
use mqtypes::serial::{PortReport, PortState};

use super::{Process, Silence, Standing, Vitals, WITHIN};
use crate::inspect::grid::{self, Column, Row, Side};
use crate::inspect::tap::figures::port_tone;
use crate::inspect::terminal::{Ink, Tone};
use crate::inspect::time::span;

const PROCESSES: [Column; 7] = [
    ("PROCESS", Side::Left),
    ("PID", Side::Right),
    ("UP", Side::Right),
    ("CPU", Side::Right),
    ("MEMORY", Side::Right),
    ("INBOX", Side::Right),
    ("LOST", Side::Left),
];

const PORTS: [Column; 13] = [
    ("PORT", Side::Left),
    ("LINK", Side::Left),
    ("BAUD", Side::Right),
    ("FRAMES IN", Side::Right),
    ("BYTES IN", Side::Right),
    ("FRAMES OUT", Side::Right),
    ("BYTES OUT", Side::Right),
    ("PASSED OVER", Side::Right),
    ("NOISE", Side::Right),
    ("STALLS", Side::Right),
    ("RESUMED", Side::Right),
    ("OPENED", Side::Right),
    ("", Side::Left),
];

const REASONS: [Column; 3] = [("PROCESS OR PORT", Side::Left), ("LOST BECAUSE", Side::Left), ("COUNT", Side::Right)];

/// Every process, a line each.
pub fn processes(processes: &[Process], ink: Ink) -> Vec<String> {
    grid::lines(&PROCESSES, processes.iter().map(process).collect(), ink)
}

fn process(process: &Process) -> Row {
    let name = process.process.to_string();
    let nothing = |text: &str| [vec![name.clone()], vec!["-".to_owned(); 5], vec![text.to_owned()]].concat();
    match &process.standing {
        Standing::NotRunning => (Tone::Bad, nothing("not running")),
        Standing::Unseen => (Tone::Warning, nothing(&format!("no answer within {}; this user cannot see whether it runs", span(WITHIN)))),
        Standing::Silent { why, vitals } => silent(process.process, *why, vitals),
        Standing::Told(told) => {
            let lost: u64 = told.dropped.iter().map(|dropped| dropped.count).fold(0, u64::saturating_add);
            let cells = vec![
                name,
                told.pid.to_string(),
                span(Duration::from_millis(told.uptime_ms)),
                span(Duration::from_millis(told.cpu_ms)),
                format!("{} KiB", told.rss_kib),
                format!("{}/{}", told.inbox_depth, told.inbox_max),
                if lost == 0 { "nothing".to_owned() } else { lost.to_string() },
            ];
            (Tone::Normal, cells)
        }
    }
}

/// Why a process has told nothing, and how much that wants to be seen.
pub fn silence(why: Silence) -> (Tone, String) {
    match why {
        Silence::NotAsked => (Tone::Warning, "not asked: eventbus has not answered".to_owned()),
        Silence::NoAnswer => (Tone::Bad, format!("no answer within {}", span(WITHIN))),
    }
}

fn silent(process: Sender, why: Silence, vitals: &Vitals) -> Row {
    let unknown = || "-".to_owned();
    let time = |ms: Option<u64>| ms.map_or_else(unknown, |ms| span(Duration::from_millis(ms)));
    let (tone, text) = silence(why);
    let cells = vec![
        process.to_string(),
        vitals.pid.to_string(),
        time(vitals.uptime_ms),
        time(vitals.cpu_ms),
        vitals.rss_kib.map_or_else(unknown, |kib| format!("{kib} KiB")),
        format!("{}/{}", vitals.inbox_depth, vitals.inbox_max),
        text,
    ];
    (tone, cells)
}

/// Every port, a line each.
pub fn ports<'a>(ports: impl Iterator<Item = &'a PortReport>, ink: Ink) -> Vec<String> {
    grid::lines(&PORTS, ports.map(port).collect(), ink)
}

fn port(report: &PortReport) -> Row {
    let it = &report.counters;
    let cells = vec![
        report.port.to_string(),
        link(&report.state).to_owned(),
        if report.baud == 0 { "-".to_owned() } else { report.baud.to_string() },
        it.rx_frames.to_string(),
        it.rx_bytes.to_string(),
        it.tx_frames.to_string(),
        it.tx_bytes.to_string(),
        it.faults.iter().map(|fault| fault.count).fold(0, u64::saturating_add).to_string(),
        it.noise_bytes.to_string(),
        it.stalls.to_string(),
        it.forced_resumes.to_string(),
        it.openings.to_string(),
        match &report.state {
            PortState::Down { cause } | PortState::Fault { cause } => cause.clone(),
            PortState::Probing | PortState::Up => String::new(),
        },
    ];
    (port_tone(&report.state), cells)
}

/// What a port does, in a word or two.
pub fn link(state: &PortState) -> &'static str {
    match state {
        PortState::Up => "up",
        PortState::Probing => "probing",
        PortState::Down { .. } => "down",
        PortState::Fault { .. } => "at fault",
    }
}

/// What was lost, by process or port and reason; nothing when nothing was.
pub fn reasons<'a>(processes: &[Process], ports: impl Iterator<Item = &'a PortReport>, ink: Ink) -> Vec<String> {
    let row = |who: String, reason: &str, count: u64| (Tone::Warning, vec![who, reason.to_owned(), count.to_string()]);
    let mut rows = Vec::new();
    for process in processes {
        if let Standing::Told(told) = &process.standing {
            rows.extend(told.dropped.iter().map(|Dropped { reason, count }| row(process.process.to_string(), reason, *count)));
        }
    }
    for report in ports {
        rows.extend(report.counters.faults.iter().map(|told| row(report.port.to_string(), told.fault.name(), told.count)));
    }
    if rows.is_empty() { Vec::new() } else { grid::lines(&REASONS, rows, ink) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::health::tests::told;

    #[test]
    fn whoever_does_not_answer_is_told_apart_from_who_is_not_there() {
        let vitals = Vitals { pid: 7, uptime_ms: Some(61_000), rss_kib: Some(600), cpu_ms: None, inbox_depth: 10, inbox_max: 10 };
        let standings = [
            (Sender::SerialBridge, Standing::Silent { why: Silence::NoAnswer, vitals }),
            (Sender::Eventbus, Standing::Told((&told(Sender::Eventbus, 120, &[("foreign", 3), ("gap", 1)])).into())),
            (Sender::UiProxy, Standing::Silent { why: Silence::NotAsked, vitals }),
            (Sender::UiProxy, Standing::NotRunning),
        ];
        let all: Vec<_> = standings.into_iter().map(|(process, standing)| Process { process, standing }).collect();
        let expected = "\
PROCESS        PID         UP     CPU   MEMORY  INBOX  LOST
serial-bridge    7  1 min 1 s       -  600 KiB  10/10  no answer within 2 s
eventbus       812  1 h 2 min  120 ms  812 KiB   1/10  4
ui-proxy         7  1 min 1 s       -  600 KiB  10/10  not asked: eventbus has not answered
ui-proxy         -          -       -        -      -  not running";
        assert_eq!(processes(&all, Ink::Plain).join("\n"), expected);
        let lost = reasons(&all, std::iter::empty(), Ink::Plain).join("\n");
        assert_eq!(
            lost,
            "PROCESS OR PORT  LOST BECAUSE  COUNT\neventbus         foreign           3\neventbus         gap               1"
        );
    }
}
