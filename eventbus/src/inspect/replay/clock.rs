//! The clock of a replay: when a moment of the recording comes.

use std::time::Duration;

use mqtypes::mono::Mono;

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was.
    Times(f64),
    /// As fast as it is read.
    Unbounded,
}

/// Starts when somebody is there to listen.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    speed: Speed,
    started: Option<Mono>,
}

impl Clock {
    /// It stands.
    pub fn new(speed: Speed) -> Self {
        Self { speed, started: None }
    }

    /// Starts the clock, if it does not run yet.
    pub fn start(&mut self, now: Mono) {
        self.started.get_or_insert(now);
    }

    /// When this moment of the recording comes; never, while the clock stands.
    pub fn when(&self, moment: Duration) -> Option<Mono> {
        let started = self.started?;
        Some(match self.speed {
            Speed::Unbounded => started,
            Speed::Times(factor) => started.after(Duration::try_from_secs_f64(moment.as_secs_f64() / factor).unwrap_or(Duration::MAX)),
        })
    }

    /// How far from this moment of the recording `now` is, in the recording's time.
    pub fn since(&self, moment: Duration, now: Mono) -> Duration {
        match (self.when(moment), self.speed) {
            (Some(at), Speed::Times(factor)) => now.since(at).mul_f64(factor.min(10_000.0)),
            (Some(_), Speed::Unbounded) | (None, _) => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_so_many_times_as_fast_from_the_first_start() {
        let mut clock = Clock::new(Speed::Times(10.0));
        assert_eq!(clock.when(Duration::ZERO), None);
        clock.start(Mono(500));
        clock.start(Mono(900));
        assert_eq!(clock.when(Duration::from_secs(10)), Some(Mono(1_000_500)));
        assert_eq!(clock.since(Duration::from_secs(10), Mono(1_100_500)), Duration::from_secs(1));
    }

    #[test]
    fn without_bounds_everything_is_due_at_once() {
        let mut clock = Clock::new(Speed::Unbounded);
        clock.start(Mono(5));
        assert_eq!(clock.when(Duration::from_secs(1_000)), Some(Mono(5)));
    }
}
