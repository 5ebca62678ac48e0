//! `mq-inspect stats`: the counters of all processes and ports, once.

use bus::clock;
use bus::moment::Moment;
use bus::process::Failure;
use clap::Args;
use mqtypes::broker::{Notification, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::mono::Mono;
use mqtypes::serial::PortReport;
use serde::Serialize;

use super::End;
use super::health::{self, Gathering, Presence, Process};
use super::options::Set;
use super::subscriber::{self, Listener, Notice, Output};
use super::terminal::{self, Ink, complain, plain_json};

/// `mq-inspect stats`.
#[derive(Debug, Args)]
#[command(after_help = "\
Counters begin at each process's start. Of a process that does not answer within 2 s, what the
system tells everybody is shown. Exit status 1 if nobody answered. In JSON a port's `since` is in
microseconds of CLOCK_MONOTONIC.")]
pub struct StatsOptions {
    #[command(flatten)]
    pub set: Set,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// Unix time in milliseconds.
    time: u64,
    instance: &'a str,
    processes: &'a [Process],
    ports: Vec<&'a PortReport>,
}

/// Runs it.
pub fn run(options: &StatsOptions) -> Result<End, Failure> {
    let instance = &options.set.instance;
    let seen = health::look(instance)?;
    let mut stats = Stats { gathering: Gathering::new(clock::now(), awaited(&seen)), silence: Silence::NotYet };
    subscriber::follow(instance, &[Topic::Health, Topic::Ports], &mut stats)?;
    let told = stats.gathering;
    let processes = health::all(&told, &seen);
    if options.json {
        let document = Document { time: clock::unix_ms(), instance, processes: &processes, ports: told.ports().collect() };
        terminal::print(&(plain_json(&document) + "\n"))?;
    } else {
        terminal::print(&(text(&processes, &told, Ink::of_stdout()).join("\n") + "\n"))?;
    }
    Ok(if told.is_answered() { End::Done } else { End::NothingThere })
}

/// Those that will answer, as far as they may be running.
pub fn awaited(seen: &[(Sender, Presence)]) -> impl Iterator<Item = Sender> {
    seen.iter().filter(|(_, presence)| *presence != Presence::NotRunning).map(|(process, _)| *process)
}

/// All tables, a blank line between two.
pub fn text(processes: &[Process], told: &Gathering, ink: Ink) -> Vec<String> {
    let mut lines = health::processes(processes, ink);
    let ports = if told.ports().next().is_some() { health::ports(told.ports(), ink) } else { Vec::new() };
    for table in [ports, health::reasons(processes, told.ports(), ink)] {
        if !table.is_empty() {
            lines.push(String::new());
            lines.extend(table);
        }
    }
    lines
}

struct Stats {
    gathering: Gathering,
    silence: Silence,
}

/// Is it known that nothing more will be told?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    NotYet,
    Known,
}

impl Listener for Stats {
    fn handle_notification(&mut self, now: Moment, _envelope: &Envelope, notification: &Notification, _output: &mut Output) {
        self.gathering.handle_notification(now.mono, notification);
    }

    fn handle_notice(&mut self, notice: Notice) {
        complain(&notice.to_string());
        if notice.is_silence() {
            self.silence = Silence::Known;
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        Some(self.gathering.poll_timeout())
    }

    fn is_satisfied(&self, now: Mono) -> bool {
        self.silence == Silence::Known || self.gathering.is_over(now)
    }
}
