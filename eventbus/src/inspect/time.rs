//! Times as a person reads them.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long, in one or two units: `120 ms`, `12 s`, `5 min 2 s`, `3 h 7 min`, `4 d 2 h`.
pub fn span(time: Duration) -> String {
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        small => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        s if s < MINUTE => format!("{s} s"),
        s if s < HOUR => two(s / MINUTE, "min", s % MINUTE, "s"),
        s if s < DAY => two(s / HOUR, "h", s % HOUR / MINUTE, "min"),
        s => two(s / DAY, "d", s % DAY / HOUR, "h"),
    }
}

/// Time of day of a Unix time in milliseconds, UTC: the standard library knows no other.
pub fn of_day(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000 % DAY;
    format!("{:02}:{:02}:{:02}.{:03}Z", seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE, unix_ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::moment::Moment;
    use mqtypes::mono::Mono;

    #[test]
    fn spans_have_at_most_two_units() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (302_000, "5 min 2 s"),
            (3_600_000, "1 h"),
            (11_220_000, "3 h 7 min"),
            (4 * 86_400_000 + 7_200_000, "4 d 2 h"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), text);
        }
        assert_eq!(span(Duration::MAX), "213503982334601 d 7 h");
    }

    #[test]
    fn a_moment_is_as_long_ago_on_both_clocks() {
        let now = Moment { mono: Mono(5_000_000), unix_ms: 1_700_000_000_000 };
        assert_eq!(of_day(now.unix_ms_of(Mono(3_500_000))), "22:13:18.500Z");
        assert_eq!(now.unix_ms_of(Mono(9_000_000)), now.unix_ms);
        assert_eq!(of_day(u64::MAX), "14:25:51.615Z");
    }
}
