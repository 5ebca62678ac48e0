//! One interval as a person reads it: processes, ports, queues, and what was lost.

use bus::moment::Moment;

use super::rates::{PortRates, ProcessRates, Rates};
use crate::inspect::grid::{self, Column, Side};
use crate::inspect::health::{self, Process, Standing};
use crate::inspect::list;
use crate::inspect::tap::figures::port_tone;
use crate::inspect::terminal::{Ink, Tone};
use crate::inspect::time::of_day;

const PROCESSES: [Column; 6] = [
    ("PROCESS", Side::Left),
    ("PID", Side::Right),
    ("CPU", Side::Right),
    ("MEMORY", Side::Right),
    ("INBOX", Side::Right),
    ("LOST", Side::Left),
];

const PORTS: [Column; 9] = [
    ("PORT", Side::Left),
    ("LINK", Side::Left),
    ("FRAMES IN/S", Side::Right),
    ("BYTES IN/S", Side::Right),
    ("FRAMES OUT/S", Side::Right),
    ("PASSED OVER/S", Side::Right),
    ("STATUS/S", Side::Right),
    ("DATA/S", Side::Right),
    ("LOGS/S", Side::Right),
];

const LOSSES: [Column; 4] = [("PROCESS", Side::Left), ("LOST BECAUSE", Side::Left), ("EACH SECOND", Side::Right), ("IN ALL", Side::Right)];

/// The block, a line each.
pub fn lines(rates: &Rates, queues: &[list::Row], now: Moment, ink: Ink) -> Vec<String> {
    let mut lines = vec![format!("{}, over {:.1} s", of_day(now.unix_ms), rates.seconds), String::new()];
    lines.extend(grid::lines(&PROCESSES, rates.processes.iter().map(process).collect(), ink));
    let ports = rates.ports.iter().map(|port| (port_tone(&port.state), cells(port))).collect::<Vec<_>>();
    let losses = losses(&rates.processes);
    let tables = [
        if ports.is_empty() { Vec::new() } else { grid::lines(&PORTS, ports, ink) },
        list::fills(queues, ink),
        if losses.is_empty() { Vec::new() } else { grid::lines(&LOSSES, losses, ink) },
    ];
    for table in tables.into_iter().filter(|table| !table.is_empty()) {
        lines.push(String::new());
        lines.extend(table);
    }
    lines
}

fn process(rates: &ProcessRates) -> grid::Row {
    let Process { process, standing } = &rates.now;
    let cpu = rates.cpu.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let row = |pid: u32, kib: Option<u64>, (waiting, most): (u64, u64), lost: String| {
        let memory = kib.map_or_else(|| "-".to_owned(), |kib| format!("{kib} KiB"));
        vec![process.to_string(), pid.to_string(), cpu.clone(), memory, format!("{waiting}/{most}"), lost]
    };
    let nothing = |text: &str| [vec![process.to_string()], vec!["-".to_owned(); 4], vec![text.to_owned()]].concat();
    match standing {
        Standing::NotRunning => (Tone::Bad, nothing("not running")),
        Standing::Unseen => (Tone::Warning, nothing("no answer")),
        Standing::Silent { why, vitals } => {
            let (tone, text) = health::silence(*why);
            (tone, row(vitals.pid, vitals.rss_kib, (vitals.inbox_depth as u64, vitals.inbox_max as u64), text))
        }
        Standing::Told(told) => {
            let lost = rates.lost.iter().try_fold(0.0, |sum, loss| Some(sum + loss.per_second?));
            let tone = if lost.is_some_and(|lost| lost > 0.0) { Tone::Warning } else { Tone::Normal };
            (tone, row(told.pid, Some(told.rss_kib), (told.inbox_depth.into(), told.inbox_max.into()), each_second(lost)))
        }
    }
}

fn each_second(rate: Option<f64>) -> String {
    format!("{}/s", number(rate))
}

fn number(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
}

fn cells(port: &PortRates) -> Vec<String> {
    let rates = [port.frames_in, port.bytes_in, port.frames_out, port.passed_over, port.status, port.data, port.logs];
    [vec![port.port.to_string(), health::link(&port.state).to_owned()], rates.map(number).to_vec()].concat()
}

/// What goes on being lost stands out from what was lost once.
fn losses(processes: &[ProcessRates]) -> Vec<grid::Row> {
    let rows = processes.iter().flat_map(|process| process.lost.iter().map(move |loss| (process.now.process, loss)));
    let row = |(process, loss): (mqtypes::envelope::Sender, &super::rates::Loss)| {
        let tone = if loss.per_second.is_some_and(|rate| rate > 0.0) { Tone::Warning } else { Tone::Faint };
        (tone, vec![process.to_string(), loss.reason.clone(), number(loss.per_second), loss.in_all.to_string()])
    };
    rows.map(row).collect()
}
