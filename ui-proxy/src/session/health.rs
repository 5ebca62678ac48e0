//! The processes' figures: asked for every ten seconds, and told a moment later whether all have answered or not.
//!
//! It also keeps an idle link visibly alive.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::envelope::Sender;
use mqtypes::health::ProcessHealth;
use mqtypes::mono::Mono;
use mqtypes::serial::PortReport;

/// The others answer within a few milliseconds; this much is left for a busy board.
const ANSWERS_WITHIN: Duration = Duration::from_millis(250);

/// Figures older than this are not told: whoever should have answered has missed the last question.
pub const STALE_AFTER: Duration = Duration::from_secs(15);

/// What is told at one time.
#[derive(Debug)]
pub struct Figures {
    /// The processes'.
    pub processes: Vec<ProcessHealth>,
    /// The serial ports'.
    pub ports: Vec<PortReport>,
}

/// What the others have answered.
#[derive(Debug, Default)]
pub struct Health {
    others: BTreeMap<Sender, (ProcessHealth, Mono)>,
    tell_at: Option<Mono>,
}

impl Health {
    /// The others are being asked.
    pub fn asked(&mut self, now: Mono) {
        self.tell_at = Some(now.after(ANSWERS_WITHIN));
    }

    /// Another process has answered.
    pub fn handle_answer(&mut self, now: Mono, health: ProcessHealth) {
        match health.process {
            Sender::SerialBridge | Sender::Eventbus => {
                self.others.insert(health.process, (health, now));
            }
            // Our own are measured when they are told; a tool is no part of the router.
            Sender::UiProxy | Sender::Tool => {}
        }
    }

    /// When our own figures are wanted, to tell all of them.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.tell_at
    }

    /// Our own figures, and with them those of everybody who answered.
    pub fn handle_own(&mut self, now: Mono, own: ProcessHealth) -> Vec<ProcessHealth> {
        self.tell_at = None;
        self.others.retain(|_, (_, heard)| now.since(*heard) < STALE_AFTER);
        self.others.values().map(|(health, _)| health.clone()).chain([own]).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn figures(process: Sender) -> ProcessHealth {
        ProcessHealth { process, pid: 1, uptime_ms: 2, rss_kib: 3, cpu_ms: 4, inbox_depth: 5, inbox_max: 6, dropped: Vec::new() }
    }

    fn told(health: &mut Health, at: u64) -> Vec<Sender> {
        health.handle_own(Mono(at * 1_000_000), figures(Sender::UiProxy)).iter().map(|each| each.process).collect()
    }

    #[test]
    fn it_is_told_without_answers_and_without_those_who_have_fallen_silent() {
        let mut health = Health::default();
        health.asked(Mono(0));
        assert_eq!(health.poll_timeout(), Some(Mono(250_000)));
        assert_eq!(told(&mut health, 1), [Sender::UiProxy]);
        assert_eq!(health.poll_timeout(), None);
        for process in [Sender::Eventbus, Sender::UiProxy, Sender::Tool] {
            health.handle_answer(Mono(2_000_000), figures(process));
        }
        assert_eq!(told(&mut health, 10), [Sender::Eventbus, Sender::UiProxy]);
        assert_eq!(told(&mut health, 20), [Sender::UiProxy]);
    }
}
