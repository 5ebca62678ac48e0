//! A notification in words. No clock: how long ago something was is reckoned from when it was told.

use std::time::Duration;

use mqtypes::broker::{Notification, StatusReport};
use mqtypes::command::{CommandOutcome, OutcomeState};
use mqtypes::health::{Dropped, ProcessHealth};
use mqtypes::ids::Who;
use mqtypes::log::{MoteLog, Severity};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::names::element_name;

use super::element;
use super::figures::{bytes, dag, data, port, port_tone, summary, uinject};
use crate::inspect::terminal::Tone;
use crate::inspect::time::span;

/// A notification as a person reads it.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// What it is about, in a word.
    pub kind: &'static str,
    /// How much it wants to be seen.
    pub tone: Tone,
    /// What it says; text of others is in it as they wrote it.
    pub text: String,
}

/// `notification`, told at `sent`, in words.
pub fn words(notification: &Notification, sent: Mono) -> Words {
    match notification {
        Notification::SnapshotBegin => Words::new("snapshot", Tone::Faint, "begins"),
        Notification::SnapshotEnd => Words::new("snapshot", Tone::Faint, "is complete; changes follow"),
        Notification::Mote(entry) => Words::new("mote", link_tone(entry.link), mote(entry, sent)),
        Notification::MoteGone(who) => Words::new("mote", Tone::Warning, format!("{}: gone", name(who))),
        Notification::Status(report) => Words::new("status", Tone::Normal, status(report)),
        Notification::Count(count) => Words::new("count", Tone::Normal, format!("{} {}: {}", count.sender, count.signal, count.num)),
        Notification::Log(entry) => Words::new("log", severity_tone(entry.severity), log(entry)),
        Notification::Outcome(outcome) => Words::new("outcome", outcome_tone(outcome.state), outcome_words(outcome)),
        Notification::Health(figures) => Words::new("health", Tone::Normal, health(figures)),
        Notification::Gap { dropped } => {
            let text = format!("{}: this subscriber reads too slowly", dropped_words(dropped));
            Words::new("missed", Tone::Bad, text)
        }
        Notification::Started => Words::new("started", Tone::Warning, ""),
        Notification::Summary(report) => Words::new("summary", Tone::Normal, summary(report)),
        Notification::Port(report) => Words::new("port", port_tone(&report.state), port(report)),
        Notification::Data(packet) => Words::new("data", Tone::Normal, data(packet)),
        Notification::Dag(entry) => Words::new("dag", Tone::Normal, dag(entry, sent)),
        Notification::DagGone(mote) => Words::new("dag", Tone::Warning, format!("{mote}: in no DODAG any more")),
        Notification::Uinject(report) => Words::new("uinject", Tone::Normal, uinject(report)),
        Notification::Bytes(piece) => Words::new("bytes", Tone::Normal, bytes(piece)),
    }
}

impl Words {
    fn new(kind: &'static str, tone: Tone, text: impl Into<String>) -> Self {
        Self { kind, tone, text: text.into() }
    }
}

fn name(who: &Who) -> String {
    match (&who.mote, &who.port) {
        (Some(mote), Some(port)) => format!("{mote} on {port}"),
        (Some(mote), None) => mote.to_string(),
        (None, Some(port)) => port.to_string(),
        (None, None) => "a mote without a name".to_owned(),
    }
}

/// By address alone where it is known: what is told often must be short.
pub(super) fn short_name(who: &Who) -> String {
    who.mote.map_or_else(|| name(who), |mote| mote.to_string())
}

fn mote(entry: &MoteEntry, sent: Mono) -> String {
    let ago = |moment| span(sent.since(moment));
    let mut parts = vec![format!("{} for {}", link(entry.link), ago(entry.since))];
    if !entry.cause.is_empty() {
        parts.push(entry.cause.clone());
    }
    if entry.baud != 0 {
        parts.push(format!("{} baud", entry.baud));
    }
    match entry.dagroot {
        Some(true) => parts.push("DAG root".to_owned()),
        Some(false) => parts.push("not DAG root".to_owned()),
        None => {}
    }
    if let Some(booted) = entry.booted {
        parts.push(format!("booted {} ago ({} times since it is known)", ago(booted), entry.boots));
    }
    match entry.source {
        Source::Serial => {}
        Source::Dao => parts.push("known through the mesh".to_owned()),
    }
    parts.push(entry.last_heard.map_or_else(|| "never heard".to_owned(), |heard| format!("heard {} ago", ago(heard))));
    format!("{}: {}", name(&entry.who()), parts.join(", "))
}

/// What a link does, in a word or two.
pub fn link(link: Link) -> &'static str {
    match link {
        Link::Probing => "probing",
        Link::Up => "up",
        Link::Silent => "silent",
        Link::Down => "down",
        Link::Fault => "at fault",
    }
}

/// How much a link wants to be seen.
pub fn link_tone(link: Link) -> Tone {
    match link {
        Link::Probing | Link::Up => Tone::Normal,
        Link::Silent | Link::Down => Tone::Warning,
        Link::Fault => Tone::Bad,
    }
}

fn status(report: &StatusReport) -> String {
    format!("{} {}: {}", short_name(&report.who), element_name(&report.element), element::words(&report.element))
}

fn log(entry: &MoteLog) -> String {
    let who = short_name(&entry.who);
    let severity = entry.severity.name();
    match entry.severity {
        Severity::Printf => format!("{who} {severity}: {}", entry.text),
        Severity::Verbose | Severity::Info | Severity::Warning | Severity::Success | Severity::Error | Severity::Critical => {
            format!("{who} {severity} {}: {}", entry.component.name, entry.text)
        }
    }
}

/// How much a log wants to be seen.
pub fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Verbose => Tone::Faint,
        Severity::Info | Severity::Success | Severity::Printf => Tone::Normal,
        Severity::Warning => Tone::Warning,
        Severity::Error | Severity::Critical => Tone::Bad,
    }
}

fn outcome_words(outcome: &CommandOutcome) -> String {
    format!("command {}: {}", outcome.id.0, state_words(outcome))
}

/// How far a command is, and why.
pub fn state_words(outcome: &CommandOutcome) -> String {
    let detail = if outcome.detail.is_empty() { String::new() } else { format!(" ({})", outcome.detail) };
    let state = match outcome.state {
        OutcomeState::Accepted => "accepted",
        OutcomeState::Sent => "sent",
        OutcomeState::Confirmed => "confirmed",
        OutcomeState::TimedOut => "timed out",
        OutcomeState::Refused => "refused",
        OutcomeState::Failed => "failed",
    };
    format!("{state}{detail}")
}

/// How much a step of a command wants to be seen.
pub fn outcome_tone(state: OutcomeState) -> Tone {
    match state {
        OutcomeState::Accepted | OutcomeState::Sent | OutcomeState::Confirmed => Tone::Normal,
        OutcomeState::TimedOut | OutcomeState::Refused => Tone::Warning,
        OutcomeState::Failed => Tone::Bad,
    }
}

/// A process's figures.
pub fn health(figures: &ProcessHealth) -> String {
    let ProcessHealth { process, pid, uptime_ms, rss_kib, cpu_ms, inbox_depth, inbox_max, dropped } = figures;
    let (up, busy) = (span(Duration::from_millis(*uptime_ms)), span(Duration::from_millis(*cpu_ms)));
    let inbox = format!("inbox {inbox_depth}/{inbox_max}");
    let losses = if dropped.is_empty() { "nothing dropped".to_owned() } else { format!("dropped {}", dropped_words(dropped)) };
    format!("{process} ({pid}): up {up}, {rss_kib} KiB, {busy} of processor time, {inbox}, {losses}")
}

fn dropped_words(dropped: &[Dropped]) -> String {
    let words: Vec<_> = dropped.iter().map(|dropped| format!("{} {}", dropped.count, dropped.reason)).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::count::Count;
    use mqtypes::envelope::Sender;
    use mqtypes::ids::{Eui64, PortName, RequestId};
    use mqtypes::log::Coded;
    use mqtypes::status::{Element, MyDagRank};

    const SENT: Mono = Mono(60_000_000);

    fn who() -> Who {
        Who { mote: Some(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1])), port: Some(PortName("/dev/ttyUSB0".to_owned())) }
    }

    fn entry() -> MoteEntry {
        MoteEntry {
            source: Source::Serial,
            port: who().port,
            link: Link::Up,
            cause: String::new(),
            since: Mono(48_000_000),
            baud: 115_200,
            mote: who().mote,
            id16: Some(1),
            dagroot: Some(true),
            last_heard: Some(Mono(59_880_000)),
            first_heard: Some(Mono(1_000_000)),
            boots: 0,
            booted: None,
        }
    }

    fn log_entry(severity: Severity) -> Notification {
        let coded = |code, name: &str| Coded { code, name: name.to_owned() };
        let (component, error) = (coded(1, "OPENWSN"), coded(0x4f, "BOOTED"));
        Notification::Log(MoteLog { who: who(), heard: SENT, severity, component, error, args: [0; 2], text: "booted".to_owned() })
    }

    fn check(notification: &Notification, tone: Tone, expected: &str) {
        let words = words(notification, SENT);
        assert_eq!((format!("{} {}", words.kind, words.text).trim_end(), words.tone), (expected, tone));
    }

    #[test]
    fn the_inventory_is_told_with_ages() {
        let up = "mote 141592cc00000001 on /dev/ttyUSB0: up for 12 s, 115200 baud, DAG root, heard 120 ms ago";
        check(&Notification::Mote(entry()), Tone::Normal, up);
        let unnamed = MoteEntry {
            link: Link::Fault,
            cause: "no such device".to_owned(),
            baud: 0,
            mote: None,
            dagroot: None,
            last_heard: None,
            first_heard: None,
            ..entry()
        };
        check(&Notification::Mote(unnamed), Tone::Bad, "mote /dev/ttyUSB0: at fault for 12 s, no such device, never heard");
        let meshed = MoteEntry { source: Source::Dao, port: None, baud: 0, dagroot: Some(false), ..entry() };
        let expected = "mote 141592cc00000001: up for 12 s, not DAG root, known through the mesh, heard 120 ms ago";
        check(&Notification::Mote(meshed), Tone::Normal, expected);
        check(&Notification::MoteGone(who()), Tone::Warning, "mote 141592cc00000001 on /dev/ttyUSB0: gone");
    }

    #[test]
    fn status_counts_and_logs_are_told() {
        let element = Element::MyDagRank(MyDagRank { rank: 256 });
        let report = StatusReport { who: who(), heard: SENT, element };
        check(&Notification::Status(report), Tone::Normal, "status 141592cc00000001 MyDagRank: rank 256");
        let count = Count { sender: "mote_connector@/dev/ttyUSB0".to_owned(), signal: "fromMote.status".to_owned(), num: 7 };
        check(&Notification::Count(count), Tone::Normal, "count mote_connector@/dev/ttyUSB0 fromMote.status: 7");
        check(&log_entry(Severity::Critical), Tone::Bad, "log 141592cc00000001 critical OPENWSN: booted");
        check(&log_entry(Severity::Printf), Tone::Normal, "log 141592cc00000001 printf: booted");
    }

    #[test]
    fn outcomes_figures_and_the_stream_itself_are_told() {
        let outcome =
            |state, detail: &str| Notification::Outcome(CommandOutcome { id: RequestId(9), state, detail: detail.to_owned(), echo: None });
        check(&outcome(OutcomeState::Confirmed, ""), Tone::Normal, "outcome command 9: confirmed");
        check(&outcome(OutcomeState::Refused, "busy: wait"), Tone::Warning, "outcome command 9: refused (busy: wait)");
        let dropped = vec![Dropped { reason: "foreign".to_owned(), count: 3 }, Dropped { reason: "gap".to_owned(), count: 1 }];
        let figures = ProcessHealth {
            process: Sender::SerialBridge,
            pid: 812,
            uptime_ms: 3_725_000,
            rss_kib: 812,
            cpu_ms: 120,
            inbox_depth: 1,
            inbox_max: 10,
            dropped: dropped.clone(),
        };
        let expected = "health serial-bridge (812): up 1 h 2 min, 812 KiB, 120 ms of processor time, inbox 1/10, dropped 3 foreign, 1 gap";
        check(&Notification::Health(figures), Tone::Normal, expected);
        check(&Notification::Gap { dropped }, Tone::Bad, "missed 3 foreign, 1 gap: this subscriber reads too slowly");
        check(&Notification::SnapshotEnd, Tone::Faint, "snapshot is complete; changes follow");
        check(&Notification::Started, Tone::Warning, "started");
    }
}
