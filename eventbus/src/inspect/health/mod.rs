//! How the router's processes and ports fare: what they tell, and of those that do not, what anybody can see.

mod gathering;
mod presence;
mod tables;

use mqtypes::envelope::Sender;
use mqtypes::health::{Dropped, ProcessHealth};
use serde::Serialize;

pub use gathering::{Gathering, WITHIN};
pub use presence::{Presence, Vitals, look};
pub use tables::{link, ports, processes, reasons, silence};

/// A process of the router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Which.
    pub process: Sender,
    /// How it is with it.
    #[serde(flatten)]
    pub standing: Standing,
}

/// How it is with a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// Nobody holds its inbox.
    NotRunning,
    /// It did not answer, and this user may not see whether it runs.
    Unseen,
    /// It runs, and has told nothing: this is what the system tells of it.
    Silent {
        /// Why it has not.
        why: Silence,
        /// What the system tells.
        #[serde(flatten)]
        vitals: Vitals,
    },
    /// Its own figures.
    Told(Figures),
}

/// Why a process has told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// `eventbus` has not answered, without which nobody is asked.
    NotAsked,
    /// It was asked.
    NoAnswer,
}

/// A process's own figures, without its name, which stands beside them already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Its process id.
    pub pid: u32,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Resident memory, KiB.
    pub rss_kib: u64,
    /// Processor time used, milliseconds.
    pub cpu_ms: u64,
    /// Messages waiting in its inbox.
    pub inbox_depth: u32,
    /// Messages its inbox holds.
    pub inbox_max: u32,
    /// What it dropped or refused since its start, by reason.
    pub dropped: Vec<Dropped>,
}

impl From<&ProcessHealth> for Figures {
    fn from(told: &ProcessHealth) -> Self {
        let ProcessHealth { process: _, pid, uptime_ms, rss_kib, cpu_ms, inbox_depth, inbox_max, ref dropped } = *told;
        Self { pid, uptime_ms, rss_kib, cpu_ms, inbox_depth, inbox_max, dropped: dropped.clone() }
    }
}

/// What was told, and of those who told nothing what was seen.
pub fn all(told: &Gathering, seen: &[(Sender, Presence)]) -> Vec<Process> {
    let why = |process: Sender| match process {
        Sender::SerialBridge | Sender::UiProxy | Sender::Tool if told.of(Sender::Eventbus).is_none() => Silence::NotAsked,
        Sender::SerialBridge | Sender::Eventbus | Sender::UiProxy | Sender::Tool => Silence::NoAnswer,
    };
    let standing = |process: Sender, presence: &Presence| match (told.of(process), presence) {
        (Some(health), _) => Standing::Told(health.into()),
        (None, Presence::NotRunning) => Standing::NotRunning,
        (None, Presence::Unseen) => Standing::Unseen,
        (None, Presence::Running(vitals)) => Standing::Silent { why: why(process), vitals: *vitals },
    };
    seen.iter().map(|(process, presence)| Process { process: *process, standing: standing(*process, presence) }).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use mqtypes::broker::Notification;
    use mqtypes::mono::Mono;

    pub fn told(process: Sender, cpu_ms: u64, dropped: &[(&str, u64)]) -> ProcessHealth {
        let dropped = dropped.iter().map(|(reason, count)| Dropped { reason: (*reason).to_owned(), count: *count }).collect();
        ProcessHealth { process, pid: 812, uptime_ms: 3_725_000, rss_kib: 812, cpu_ms, inbox_depth: 1, inbox_max: 10, dropped }
    }

    #[test]
    fn nobody_is_blamed_for_the_silence_of_eventbus() {
        let running = Presence::Running(Vitals::default());
        let seen = [Sender::SerialBridge, Sender::Eventbus, Sender::UiProxy].map(|process| (process, running));
        let why = |told: &Gathering| {
            let silences = all(told, &seen).into_iter().filter_map(|process| match process.standing {
                Standing::Silent { why, .. } => Some(why),
                Standing::NotRunning | Standing::Unseen | Standing::Told(_) => None,
            });
            silences.collect::<Vec<_>>()
        };
        let mut gathering = Gathering::default();
        assert_eq!(why(&gathering), [Silence::NotAsked, Silence::NoAnswer, Silence::NotAsked]);
        gathering.handle_notification(Mono(0), &Notification::Health(told(Sender::Eventbus, 0, &[])));
        assert_eq!(why(&gathering), [Silence::NoAnswer, Silence::NoAnswer]);
    }

    #[test]
    fn json_has_a_processs_figures_beside_its_name() {
        let process = |standing| Process { process: Sender::Eventbus, standing };
        let told = process(Standing::Told((&told(Sender::Eventbus, 7, &[("gap", 1)])).into()));
        assert_eq!(
            serde_json::to_string(&told).expect("plain data"),
            r#"{"process":"eventbus","standing":"told","pid":812,"uptime_ms":3725000,"rss_kib":812,"cpu_ms":7,"inbox_depth":1,"inbox_max":10,"dropped":[{"reason":"gap","count":1}]}"#
        );
        let gone = serde_json::to_string(&process(Standing::NotRunning)).expect("plain data");
        assert_eq!(gone, r#"{"process":"eventbus","standing":"not-running"}"#);
    }
}
