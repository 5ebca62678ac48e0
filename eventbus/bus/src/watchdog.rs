//! Feeds the supervisor's watchdog, and only with progress: when a message has come out of the process's own inbox since the last time.
//!
//! Where nothing came anyway, the process puts a *pulse* into that inbox itself ([`Inbox::send_pulse`]). So what is proved is the whole
//! way: the queue has its name and its reader, the reactor wakes, the loop drains. A process that hangs, or whose inbox is full and
//! not drained, is not fed for, whatever its other descriptors do. Without `WATCHDOG_USEC` there is no deadline, no pulse and no wake-up.

use std::time::Duration;

use mqtypes::codec::Item;
use mqtypes::mono::Mono;

use crate::clock;
use crate::inbox::Inbox;
use crate::notify::{State, Supervisor};

/// The watchdog of a process, if its supervisor keeps one.
#[derive(Debug)]
pub struct Watchdog(Option<(Feeder, Supervisor)>);

impl Watchdog {
    /// As the environment says; see `sd_watchdog_enabled(3)`.
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var(name).ok();
        let limit = limit(variable("WATCHDOG_USEC").as_deref(), variable("WATCHDOG_PID").as_deref(), std::process::id());
        Self(limit.and_then(|limit| Some((Feeder::new(clock::now(), limit), Supervisor::from_environment()?))))
    }

    /// When [`Self::handle_round`] is due even if nothing happens.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.0.as_ref().map(|(feeder, _)| feeder.look)
    }

    /// Called after each turn of the process's loop, with the inbox that nobody but the router's own processes writes to.
    pub fn handle_round<M: Item>(&mut self, now: Mono, inbox: &Inbox<M>) {
        let Some((feeder, supervisor)) = &mut self.0 else { return };
        match feeder.handle_round(now, inbox.passed()) {
            Act::Wait => {}
            Act::Feed => supervisor.tell(State::Alive),
            Act::SendPulse => {
                if let Err(error) = inbox.send_pulse() {
                    log::warn!("{}: no pulse for the watchdog: {error}", inbox.name());
                }
            }
        }
    }
}

/// The time after which the supervisor gives a silent process up, if it watches this one.
fn limit(usec: Option<&str>, watched_pid: Option<&str>, own_pid: u32) -> Option<Duration> {
    if watched_pid.is_some_and(|pid| pid.parse() != Ok(own_pid)) {
        return None;
    }
    let usec = usec?.parse().ok().filter(|usec| *usec > 0)?;
    Some(Duration::from_micros(usec))
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Wait,
    Feed,
    SendPulse,
}

/// Decides when.
#[derive(Debug)]
struct Feeder {
    /// From one feeding to the next.
    period: Duration,
    /// When to look whether a message has passed.
    look: Mono,
    /// How many had passed at the last feeding.
    passed: u64,
    pulse: Pulse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pulse {
    NotSent,
    /// Whatever passes next is the answer, in time to feed at once.
    Awaited,
}

impl Feeder {
    fn new(now: Mono, limit: Duration) -> Self {
        let period = limit / 2;
        Self { period, look: now.after(period), passed: 0, pulse: Pulse::NotSent }
    }

    fn handle_round(&mut self, now: Mono, passed: u64) -> Act {
        let is_due = now >= self.look;
        if !is_due && self.pulse == Pulse::NotSent {
            return Act::Wait;
        }
        if passed != self.passed {
            *self = Self { period: self.period, look: now.after(self.period), passed, pulse: Pulse::NotSent };
            return Act::Feed;
        }
        if !is_due {
            return Act::Wait;
        }
        // Again before the supervisor loses patience: the first may have been lost to a full inbox or to another reader.
        self.look = now.after(self.period / 2);
        self.pulse = Pulse::Awaited;
        Act::SendPulse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(2);

    fn at(seconds: u64) -> Mono {
        Mono(0).after(Duration::from_secs(seconds))
    }

    #[test]
    fn an_idle_process_is_fed_when_its_pulse_has_come_out_of_the_queue() {
        let mut feeder = Feeder::new(at(0), LIMIT);
        assert_eq!(feeder.handle_round(at(59), 0), Act::Wait);
        assert_eq!(feeder.handle_round(at(60), 0), Act::SendPulse);
        assert_eq!(feeder.handle_round(at(60), 1), Act::Feed);
        assert_eq!(feeder.look, at(120));
    }

    #[test]
    fn a_busy_process_is_fed_without_a_pulse() {
        let mut feeder = Feeder::new(at(0), LIMIT);
        let acts: Vec<Act> = (1..=120).map(|second| feeder.handle_round(at(second), second)).filter(|act| *act != Act::Wait).collect();
        assert_eq!(acts, [Act::Feed, Act::Feed]);
    }

    #[test]
    fn a_process_that_is_woken_and_takes_nothing_out_of_its_inbox_is_never_fed() {
        let mut feeder = Feeder::new(at(0), LIMIT);
        let acts: Vec<Act> = (0..600).map(|second| feeder.handle_round(at(second), 0)).collect();
        assert!(!acts.contains(&Act::Feed));
    }

    #[test]
    fn a_lost_pulse_is_sent_again_before_the_supervisor_loses_patience() {
        let mut feeder = Feeder::new(at(0), LIMIT);
        assert_eq!(feeder.handle_round(at(60), 0), Act::SendPulse);
        assert_eq!(feeder.handle_round(at(89), 0), Act::Wait);
        assert_eq!(feeder.handle_round(at(90), 0), Act::SendPulse);
        assert_eq!(feeder.handle_round(at(90), 1), Act::Feed);
    }

    #[test]
    fn what_passed_before_the_last_feeding_does_not_count_again() {
        let mut feeder = Feeder::new(at(0), LIMIT);
        assert_eq!(feeder.handle_round(at(60), 7), Act::Feed);
        assert_eq!(feeder.handle_round(at(120), 7), Act::SendPulse);
    }

    #[test]
    fn the_supervisor_watches_when_it_says_how_long_and_means_us() {
        assert_eq!(limit(Some("120000000"), None, 9), Some(LIMIT));
        assert_eq!(limit(Some("120000000"), Some("9"), 9), Some(LIMIT));
        for (usec, pid) in [(None, None), (Some("0"), None), (Some("soon"), None), (Some("120000000"), Some("8")), (Some("1"), Some(""))] {
            assert_eq!(limit(usec, pid, 9), None, "{usec:?} {pid:?}");
        }
    }
}
