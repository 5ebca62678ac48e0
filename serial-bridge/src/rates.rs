//! The rates at which a mote may speak: one that is known, or several to be tried.

use std::fmt;
use std::str::FromStr;

/// Rates from the slowest of any board to the fastest that Linux knows.
const POSSIBLE: std::ops::RangeInclusive<u32> = 1_200..=4_000_000;

/// What `auto` tries: what `OpenWSN` boards are built with, the most frequent first.
const AUTO: [u32; 3] = [115_200, 500_000, 1_000_000];

/// Each costs three seconds and a half of looking.
const MOST: usize = 8;

/// A UART that is off by more than this, with the mote's own error added, does not read what the other writes.
const TOLERANCE_PER_MILLE: u64 = 25;

/// One rate or more, in bits per second, each of them once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates(Vec<u32>);

/// How a port comes by its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is told.
    Fixed,
    /// It is looked for.
    Probed,
}

impl Rates {
    /// One rate that is known.
    pub fn fixed(rate: u32) -> Self {
        Self(vec![rate])
    }

    /// The rate to begin with.
    pub fn first(&self) -> u32 {
        self.0[0]
    }

    /// The rate that is tried at this place, if there are so many.
    pub fn get(&self, at: usize) -> Option<u32> {
        self.0.get(at).copied()
    }

    /// Is there anything to look for?
    pub fn choice(&self) -> Choice {
        if self.0.len() == 1 { Choice::Fixed } else { Choice::Probed }
    }

    /// The others, when one has turned out to be impossible; `None` when it was the only one.
    #[must_use]
    pub fn without(&self, at: usize) -> Option<Self> {
        let others: Vec<_> = self.0.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, rate)| *rate).collect();
        (!others.is_empty()).then_some(Self(others))
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Does a device that was asked for one rate and does another do what was asked?
pub fn is_near(asked: u32, done: u32) -> bool {
    u64::from(asked.abs_diff(done)) * 1_000 <= u64::from(asked) * TOLERANCE_PER_MILLE
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rate) in self.0.iter().enumerate() {
            let before = match at {
                0 => "",
                _ if at + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{before}{rate}")?;
        }
        Ok(())
    }
}

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(AUTO.to_vec()));
        }
        let mut rates = Vec::new();
        for part in text.split('+') {
            let rate = part.parse().ok().filter(|rate| POSSIBLE.contains(rate)).ok_or_else(|| explain(part))?;
            if !rates.contains(&rate) {
                rates.push(rate);
            }
        }
        if rates.len() > MOST {
            return Err(format!("{} rates are too many: name at most {MOST}", rates.len()));
        }
        Ok(Self(rates))
    }
}

fn explain(part: &str) -> String {
    let (least, most) = (POSSIBLE.start(), POSSIBLE.end());
    format!("`{part}` is no rate: bits per second in {least}..={most} are expected, several joined as in 115200+500000, or `auto`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<u32> {
        text.parse::<Rates>().expect(text).0
    }

    #[test]
    fn one_rate_several_or_auto() {
        assert_eq!(read("500000"), [500_000]);
        assert_eq!(read("500000+115200+500000"), [500_000, 115_200]);
        assert_eq!(read("auto"), AUTO);
        assert_eq!("auto".parse::<Rates>().expect("auto").to_string(), "115200, 500000 and 1000000");
    }

    #[test]
    fn what_is_no_rate_is_named_with_what_is() {
        for text in ["", "0", "1199", "4000001", "fast", "115200+", "115200,500000", "-1"] {
            let error = text.parse::<Rates>().expect_err(text);
            assert!(error.contains("1200..=4000000") && error.contains("auto"), "{error}");
        }
        let many: Vec<_> = (0..9).map(|at| (115_200 + at).to_string()).collect();
        assert!(many.join("+").parse::<Rates>().expect_err("many").contains("at most 8"));
    }

    #[test]
    fn a_divisor_may_be_a_little_off() {
        assert!(is_near(115_200, 115_200) && is_near(115_200, 117_647) && is_near(1_000_000, 983_040));
        assert!(!is_near(1_000_000, 921_600) && !is_near(500_000, 460_800));
    }
}
