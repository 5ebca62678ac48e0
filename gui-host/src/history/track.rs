//! When a reading is kept: the last one of a second, if it is another one than the last that was
//! kept, or if that is ten seconds old.
//!
//! Pure; a second is closed by a reading of a later one or by the clock. It never keeps two readings
//! of one second, and never one that is older than the last.

use super::series::Reading;

/// An unchanged value is kept again after as long, so that silence can be told from sameness.
pub const AGAIN_AFTER: u64 = 10_000;

/// A reading with its time, the host's Unix milliseconds.
pub type Timed = (u64, Reading);

/// How closely a series is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each second that brings another value.
    Second,
    /// A running number, of which one value each ten seconds tells as much.
    TenSeconds,
}

/// One series.
#[derive(Debug)]
pub struct Track {
    pace: Pace,
    kept: Option<Timed>,
    /// The newest reading of a second that is not over.
    open: Option<Timed>,
}

impl Track {
    /// A series without readings.
    pub fn new(pace: Pace) -> Self {
        Self { pace, kept: None, open: None }
    }

    /// Takes a reading; gives that of an earlier second if it is to be kept.
    pub fn handle_reading(&mut self, at: u64, reading: Reading) -> Option<Timed> {
        if self.kept.is_some_and(|(kept, _)| second(at) <= second(kept)) {
            return None;
        }
        let done = match self.open {
            Some((open, _)) if at < open => return None,
            Some((open, _)) if second(open) < second(at) => self.take_due(at),
            Some(_) | None => None,
        };
        self.open = Some((at, reading));
        done
    }

    /// The reading that is to be kept now that it is `now`.
    pub fn poll(&mut self, now: u64) -> Option<Timed> {
        let (open, _) = self.open?;
        if second(open) < second(now) { self.take_due(now) } else { None }
    }

    /// The open reading when nothing follows: at the end of the host, or when the clock was set back.
    pub fn close(&mut self) -> Option<Timed> {
        let last = self.open.take().filter(|&(_, reading)| self.kept.is_none_or(|(_, kept)| kept != reading));
        self.kept = None;
        last
    }

    fn take_due(&mut self, now: u64) -> Option<Timed> {
        let (at, reading) = self.open?;
        let Some((kept_at, kept)) = self.kept else {
            self.kept = self.open.take();
            return self.kept;
        };
        let due = match self.pace {
            Pace::Second => reading != kept || at - kept_at >= AGAIN_AFTER,
            Pace::TenSeconds if reading == kept => at - kept_at >= AGAIN_AFTER,
            // It waits until it is its turn, and newer values take its place.
            Pace::TenSeconds if now.saturating_sub(kept_at) < AGAIN_AFTER => return None,
            Pace::TenSeconds => true,
        };
        self.open = None;
        if due {
            self.kept = Some((at, reading));
        }
        due.then_some((at, reading))
    }
}

fn second(at: u64) -> u64 {
    at / 1000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pace: Pace, readings: &[(u64, f64)], end: u64, expect: &[(u64, f64)]) {
        let mut track = Track::new(pace);
        let mut kept = Vec::new();
        for &(at, value) in readings {
            kept.extend(track.poll(at));
            kept.extend(track.handle_reading(at, Reading::plain(value)));
        }
        kept.extend(track.poll(end));
        let kept: Vec<_> = kept.into_iter().map(|(at, reading)| (at, reading.value)).collect();
        assert_eq!(kept, expect);
    }

    #[test]
    fn the_last_reading_of_a_second_is_kept() {
        check(Pace::Second, &[(1000, 1.0), (1400, 2.0), (1999, 3.0), (2000, 4.0)], 2999, &[(1999, 3.0)]);
        check(Pace::Second, &[(1000, 1.0), (1400, 2.0)], 1999, &[]);
        check(Pace::Second, &[(1000, 1.0), (1400, 2.0)], 2000, &[(1400, 2.0)]);
    }

    #[test]
    fn an_unchanged_reading_is_kept_again_after_ten_seconds() {
        let readings: Vec<_> = (0..25).map(|n| (n * 1000, 7.0)).collect();
        check(Pace::Second, &readings, 25_000, &[(0, 7.0), (10_000, 7.0), (20_000, 7.0)]);
        check(Pace::TenSeconds, &readings, 25_000, &[(0, 7.0), (10_000, 7.0), (20_000, 7.0)]);
    }

    #[test]
    fn a_silent_series_is_not_kept_again() {
        check(Pace::Second, &[(0, 7.0)], 100_000, &[(0, 7.0)]);
    }

    #[test]
    fn every_change_is_kept_and_the_way_back_too() {
        check(Pace::Second, &[(0, 7.0), (1000, 8.0), (2000, 7.0)], 3000, &[(0, 7.0), (1000, 8.0), (2000, 7.0)]);
    }

    #[test]
    fn a_running_number_is_kept_every_ten_seconds_with_its_last_value() {
        let mut readings: Vec<_> = (0..12).map(|n| (n * 1000, n as f64)).collect();
        check(Pace::TenSeconds, &readings, 12_000, &[(0, 0.0), (9_000, 9.0)]);
        readings.truncate(4);
        check(Pace::TenSeconds, &readings, 9_999, &[(0, 0.0)]);
        check(Pace::TenSeconds, &readings, 10_000, &[(0, 0.0), (3000, 3.0)]);
    }

    #[test]
    fn older_readings_are_passed_over() {
        check(Pace::Second, &[(5000, 1.0), (6000, 2.0), (3000, 9.0), (5500, 9.0), (6100, 3.0)], 9000, &[(5000, 1.0), (6100, 3.0)]);
    }

    #[test]
    fn what_is_open_at_the_end_is_not_lost() {
        let mut track = Track::new(Pace::TenSeconds);
        for (at, value) in [(0, 1.0), (1000, 2.0)] {
            track.poll(at);
            track.handle_reading(at, Reading::plain(value));
        }
        assert_eq!(track.close(), Some((1000, Reading::plain(2.0))));
        assert_eq!(track.close(), None);
        // Set back, the clock begins anew.
        assert_eq!(track.handle_reading(500, Reading::plain(2.0)), None);
        assert_eq!(track.poll(1500), Some((500, Reading::plain(2.0))));
    }

    proptest! {
        #[test]
        fn no_two_kept_readings_are_of_one_second_and_times_only_grow(
            readings in prop::collection::vec((0_u64..60_000, prop::sample::select(vec![0.0, 1.0, -2.5])), 0..80),
            coarse: bool,
        ) {
            let mut track = Track::new(if coarse { Pace::TenSeconds } else { Pace::Second });
            let mut kept = Vec::new();
            for (at, value) in readings {
                kept.extend(track.handle_reading(at, Reading::plain(value)));
                kept.extend(track.poll(at));
            }
            for pair in kept.windows(2) {
                prop_assert!(pair[0].0 / 1000 < pair[1].0 / 1000, "{kept:?}");
                prop_assert!(pair[0].1 != pair[1].1 || pair[1].0 - pair[0].0 >= AGAIN_AFTER, "{kept:?}");
            }
        }

        #[test]
        fn no_time_makes_it_panic(readings in prop::collection::vec((any::<u64>(), any::<f64>()), 0..40)) {
            let mut track = Track::new(Pace::TenSeconds);
            for (at, value) in readings {
                track.handle_reading(at, Reading::plain(value));
                track.poll(at.wrapping_mul(7));
            }
            track.close();
        }
    }
}
