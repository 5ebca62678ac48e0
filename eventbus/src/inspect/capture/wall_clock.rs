//! When something was heard, in microseconds of Unix time.
//!
//! The wall clock is read in milliseconds. The difference of the two clocks is therefore the greatest of what was seen lately,
//! so that packets keep the distances that they were heard in; a wall clock that is set is followed at once.

use bus::moment::Moment;
use mqtypes::mono::Mono;

/// What a reading in milliseconds can be behind, and what clocks drift meanwhile.
const UNSHARP_US: u64 = 5_000;

/// The wall clock against the machine's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock {
    ahead_us: i64,
}

impl WallClock {
    /// When that was, seen from `now`.
    pub fn us_of(&mut self, now: Moment, heard: Mono) -> u64 {
        let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
        let seen = signed(now.unix_ms.saturating_mul(1000)).saturating_sub(signed(now.mono.0));
        let is_reading_of_the_same = self.ahead_us.saturating_sub(seen).unsigned_abs() <= UNSHARP_US;
        self.ahead_us = if is_reading_of_the_same { self.ahead_us.max(seen) } else { seen };
        u64::try_from(signed(heard.0).saturating_add(self.ahead_us)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_exact_clock() {
        let mut clock = WallClock::default();
        let at = |mono: u64, unix_us: u64| Moment { mono: Mono(mono), unix_ms: unix_us / 1000 };
        let first = clock.us_of(at(5_000_000, 1_700_000_000_000_000), Mono(4_999_000));
        assert_eq!(first, 1_699_999_999_999_000);
        let second = clock.us_of(at(5_100_900, 1_700_000_000_100_900), Mono(5_100_123));
        assert_eq!(second - first, 101_123);
    }

    #[test]
    fn a_clock_that_is_set_is_followed() {
        let mut clock = WallClock::default();
        clock.us_of(Moment { mono: Mono(5_000_000), unix_ms: 10_000 }, Mono(5_000_000));
        for unix_ms in [1_700_000_000_000, 20_000] {
            assert_eq!(clock.us_of(Moment { mono: Mono(6_000_000), unix_ms }, Mono(6_000_000)), unix_ms * 1000);
        }
    }

    #[test]
    fn no_clock_is_too_odd() {
        let mut clock = WallClock::default();
        for (mono, unix_ms) in [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
            clock.us_of(Moment { mono: Mono(mono), unix_ms }, Mono(mono));
        }
        assert_eq!(clock.us_of(Moment { mono: Mono(u64::MAX), unix_ms: 0 }, Mono(0)), 0);
    }
}
