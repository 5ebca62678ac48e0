//! Times as people write them: ISO 8601 in UTC (RFC 3339), Unix milliseconds, or how long ago.
//!
//! The calendar is the proleptic Gregorian one, after Howard Hinnant's `days_from_civil`.

use std::str::FromStr;

const DAY: u64 = 86_400_000;

/// First millisecond of the year 10000, which ISO 8601 cannot write any more.
const END: u64 = 253_402_300_800_000;

/// A time on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Unix time, milliseconds.
    At(u64),
    /// Milliseconds before now.
    Ago(u64),
}

impl When {
    /// The Unix time in milliseconds.
    pub fn unix_ms(self, now: u64) -> u64 {
        match self {
            Self::At(t) => t,
            Self::Ago(ms) => now.saturating_sub(ms),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WAYS: &str = "write 2026-11-21, 2026-11-21T08:30:00Z, Unix milliseconds, or how long ago, such as 90s, 15m, 2h, 7d";
        let found = if text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().ok().filter(|&t| t < END).map(Self::At)
        } else if let Some(iso) = parse_iso(text) {
            Some(Self::At(iso))
        } else {
            parse_ago(text).map(Self::Ago)
        };
        found.ok_or_else(|| format!("no time that is understood; {WAYS}"))
    }
}

fn parse_ago(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let ms: u64 = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY,
        _ => return None,
    };
    digits(number)?.checked_mul(ms)
}

/// `YYYY-MM-DD`, or that with `THH:MM`, `:SS` and `.mmm`, and `Z`.
fn parse_iso(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (text, "00:00"),
    };
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let (clock, ms) = match time.split_once('.') {
        Some((clock, ms)) if ms.len() == 3 && clock.len() == 8 => (clock, digits(ms)?),
        Some(_) => return None,
        None => (time, 0),
    };
    let [hour, minute, second] = match clock.len() {
        5 => {
            let [hour, minute] = fields(clock, ':', [2, 2])?;
            [hour, minute, 0]
        }
        _ => fields(clock, ':', [2, 2, 2])?,
    };
    let is_valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    is_valid.then(|| days(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

fn fields<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for (value, length) in found.iter_mut().zip(lengths) {
        *value = digits(parts.next().filter(|part| part.len() == length)?)?;
    }
    parts.next().is_none().then_some(found)
}

/// Digits alone: `parse` would take a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn days_in(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. The year begins in March, so that the leap day is its last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Unix milliseconds as `2026-11-21T08:30:00.000Z`; what ISO 8601 cannot write stays a number.
pub fn iso(t: u64) -> String {
    if t >= END {
        return t.to_string();
    }
    let shifted = t / DAY + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let ms = t % DAY;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let check = |text: &str, expect: When| assert_eq!(text.parse(), Ok(expect), "{text}");
        check("1700000000000", When::At(1_700_000_000_000));
        check("2023-11-14T22:13:20Z", When::At(1_700_000_000_000));
        check("2023-11-14T22:13:20.125Z", When::At(1_700_000_000_125));
        check("2023-11-14T22:13Z", When::At(1_699_999_980_000));
        check("2024-02-29", When::At(1_709_164_800_000));
        check("1970-01-01", When::At(0));
        check("15m", When::Ago(900_000));
        check("7d", When::Ago(604_800_000));
        for wrong in [
            "",
            "x",
            "m",
            "-1h",
            "+5m",
            "2023-02-29",
            "2023-13-01",
            "2023-11-14T22:13:20",
            "2023-11-14T24:00Z",
            "99999999999999999999d",
            "é",
        ] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_written_as_iso_8601() {
        assert_eq!(iso(1_700_000_000_125), "2023-11-14T22:13:20.125Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(END - 1), "9999-12-31T23:59:59.999Z");
        assert_eq!(iso(u64::MAX), u64::MAX.to_string());
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(t in 0..END) {
            prop_assert_eq!(iso(t).parse(), Ok(When::At(t)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}") {
            let _ = text.parse::<When>();
        }
    }
}
