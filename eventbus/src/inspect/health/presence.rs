//! Who runs, and what the system tells of a process to everybody: for those that do not tell it themselves.

use std::fs;
use std::time::Duration;

use bus::process::Failure;
use bus::queue::{self, QueueError};
use mqtypes::envelope::Sender;
use mqtypes::queues::{EVENTBUS_REQUESTS, SERIAL_BRIDGE, Spec, UI_PROXY_REQUESTS, kernel_name};
use serde::Serialize;

/// The router's processes, and an inbox of each: where there are two, that which the group may look at.
const INBOXES: [(Sender, Spec); 3] =
    [(Sender::SerialBridge, SERIAL_BRIDGE.spec), (Sender::Eventbus, EVENTBUS_REQUESTS.spec), (Sender::UiProxy, UI_PROXY_REQUESTS.spec)];

/// `USER_HZ`: the unit of times in `/proc/PID/stat`, the same on all architectures that we are built for.
const TICK: Duration = Duration::from_millis(10);

/// Does a process run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It holds its inbox.
    Running(Vitals),
    /// Nobody does, or it has none.
    NotRunning,
    /// This user may not look at its inbox.
    Unseen,
}

/// What the system tells of a process to everybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Vitals {
    /// Its process id.
    pub pid: u32,
    /// Milliseconds since it started.
    pub uptime_ms: Option<u64>,
    /// Resident memory, KiB.
    pub rss_kib: Option<u64>,
    /// Processor time used, milliseconds.
    pub cpu_ms: Option<u64>,
    /// Messages waiting in its inbox.
    pub inbox_depth: usize,
    /// Messages its inbox holds.
    pub inbox_max: usize,
}

/// Looks at every process of an instance.
pub fn look(instance: &str) -> Result<Vec<(Sender, Presence)>, Failure> {
    INBOXES.iter().map(|(process, spec)| Ok((*process, presence(&kernel_name(instance, spec.name))?))).collect()
}

fn presence(inbox: &str) -> Result<Presence, QueueError> {
    match queue::glance(inbox) {
        Ok(seen) => Ok(seen.holder.map_or(Presence::NotRunning, |pid| {
            Presence::Running(Vitals { inbox_depth: seen.waiting, inbox_max: seen.depth, ..Vitals::of(pid) })
        })),
        Err(QueueError::Missing { .. }) => Ok(Presence::NotRunning),
        Err(QueueError::Unsupported) => Err(QueueError::Unsupported),
        Err(_other) => Ok(Presence::Unseen),
    }
}

impl Vitals {
    fn of(pid: u32) -> Self {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let times = times_in(&read("stat"));
        let since_boot = fs::read_to_string("/proc/uptime").ok().and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
        Self {
            pid,
            uptime_ms: times
                .zip(since_boot)
                .map(|((_, started), now)| millis(Duration::from_secs_f64(now.max(0.0)).saturating_sub(started))),
            rss_kib: rss_in(&read("status")),
            cpu_ms: times.map(|(used, _)| millis(used)),
            ..Self::default()
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Processor time used, and the start since the system's. The name in parentheses may hold anything; after it come the state
/// and numbers, of which 14, 15 and 22 (counted from 1) are those of proc(5).
fn times_in(stat: &str) -> Option<(Duration, Duration)> {
    let numbers: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |number: usize| numbers.get(number - 3)?.parse::<u32>().ok();
    Some((TICK * ticks(14)?.saturating_add(ticks(15)?), TICK * ticks(22)?))
}

/// The line is `VmRSS:` and a number in kB.
fn rss_in(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "812 (odd) name) S 1 812 812 0 -1 4194560 99 0 0 0 12 3 0 0 20 0 1 0 4711 2000 300 18446744073709551615 1";
        assert_eq!(times_in(stat), Some((Duration::from_millis(150), Duration::from_millis(47_110))));
        assert_eq!((times_in(""), times_in("1 (x) S 1"), rss_in("Name:\tx\n")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_words_of_the_kernel_are_survived(stat in "\\PC{0,60}|1 \\(x\\) S( [0-9]{1,20}){0,30}") {
            let _ = (times_in(&stat), rss_in(&stat));
        }
    }

    #[test]
    fn a_process_that_runs_is_seen_with_its_vitals_and_one_that_does_not_is_not() {
        let own = Vitals::of(std::process::id());
        assert!(own.rss_kib > Some(0) && own.cpu_ms.is_some() && own.uptime_ms.is_some(), "{own:?}");
        assert_eq!(Vitals::of(u32::MAX), Vitals { pid: u32::MAX, ..Vitals::default() });
        let seen = look(&format!("inspect-presence-{}", std::process::id())).expect("queues");
        assert!(seen.len() == 3 && seen.iter().all(|(_, presence)| *presence == Presence::NotRunning));
    }
}
