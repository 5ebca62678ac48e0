//! One question for everybody's figures, and the answers until all have come or time is up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mqtypes::broker::Notification;
use mqtypes::envelope::Sender;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::serial::PortReport;

/// A process answers within milliseconds; one that is as slow as this is stuck, or its board is.
pub const WITHIN: Duration = Duration::from_secs(2);

/// Ports are told beside the processes, in any order: so long after the last answer nothing follows.
const SETTLES_WITHIN: Duration = Duration::from_millis(100);

/// The answers to one question.
#[derive(Debug, Clone, Default)]
pub struct Gathering {
    awaited: BTreeSet<Sender>,
    processes: BTreeMap<Sender, ProcessHealth>,
    ports: BTreeMap<PortName, PortReport>,
    until: Mono,
    settled: Mono,
}

impl Gathering {
    /// The question is put now, and these should answer.
    pub fn new(now: Mono, awaited: impl Iterator<Item = Sender>) -> Self {
        Self { awaited: awaited.collect(), until: now.after(WITHIN), settled: now.after(SETTLES_WITHIN), ..Self::default() }
    }

    /// Something was told.
    pub fn handle_notification(&mut self, now: Mono, notification: &Notification) {
        match notification {
            Notification::Health(health) => drop(self.processes.insert(health.process, health.clone())),
            Notification::Port(report) => drop(self.ports.insert(report.port.clone(), report.clone())),
            _no_figures => return,
        }
        self.settled = now.after(SETTLES_WITHIN);
    }

    /// Is there nothing more to wait for?
    pub fn is_over(&self, now: Mono) -> bool {
        self.poll_timeout() <= now
    }

    /// When it is over unless more is told.
    pub fn poll_timeout(&self) -> Mono {
        let have_all = self.awaited.iter().all(|process| self.processes.contains_key(process));
        if have_all { self.settled.min(self.until) } else { self.until }
    }

    /// The figures of a process, if it has told them.
    pub fn of(&self, process: Sender) -> Option<&ProcessHealth> {
        self.processes.get(&process)
    }

    /// Has anybody answered?
    pub fn is_answered(&self) -> bool {
        !self.processes.is_empty()
    }

    /// The ports that were told.
    pub fn ports(&self) -> impl Iterator<Item = &PortReport> {
        self.ports.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::health::tests::told;

    const START: Mono = Mono(10_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn answer(gathering: &mut Gathering, at: Mono, process: Sender) {
        gathering.handle_notification(at, &Notification::Health(told(process, 0, &[])));
    }

    #[test]
    fn it_is_over_a_moment_after_the_last_answer() {
        let mut gathering = Gathering::new(START, [Sender::SerialBridge, Sender::Eventbus].into_iter());
        answer(&mut gathering, START, Sender::Eventbus);
        assert_eq!(gathering.poll_timeout(), START.after(WITHIN));
        answer(&mut gathering, START.after(SECOND), Sender::SerialBridge);
        assert!(!gathering.is_over(START.after(SECOND)));
        assert!(gathering.is_over(START.after(SECOND).after(SETTLES_WITHIN)));
    }

    #[test]
    fn it_is_over_in_time_though_somebody_does_not_answer_or_all_never_stop() {
        let mut gathering = Gathering::new(START, [Sender::SerialBridge].into_iter());
        assert!(!gathering.is_over(START.after(SECOND)) && gathering.is_over(START.after(WITHIN)) && !gathering.is_answered());
        answer(&mut gathering, START.after(WITHIN), Sender::SerialBridge);
        assert!(gathering.is_over(START.after(WITHIN)));
    }
}
