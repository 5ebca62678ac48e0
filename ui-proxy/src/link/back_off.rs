//! How long to wait before dialling again: 0.25 s, doubling to 8 s, each wait shortened by up to a quarter at random, so
//! that many routers do not dial one host in step.

use std::time::Duration;

/// First and longest wait: a tunnel that is being made again is found soon, and one that stays away costs little.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// The next wait.
#[derive(Debug, Clone, Copy)]
pub struct BackOff(Duration);

impl Default for BackOff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl BackOff {
    /// How long to wait now; twice as long the next time.
    pub fn next(&mut self, jitter: &mut Jitter) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST);
        wait * (400 - jitter.percent()) / 400
    }
}

/// Small random numbers that need no quality, so that the link stays a function of what happens to it (`SplitMix64`).
#[derive(Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 0 to 99.
    fn percent(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % 100) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_the_longest_and_differ_by_up_to_a_quarter() {
        let (mut back_off, mut jitter) = (BackOff::default(), Jitter::new(1));
        let waits: Vec<u128> = (0..8).map(|_| back_off.next(&mut jitter).as_millis()).collect();
        for (wait, full) in waits.iter().zip([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]) {
            assert!((full * 3 / 4..=full).contains(wait), "{waits:?}");
        }
        let spread: std::collections::BTreeSet<u128> = (0..100).map(|_| back_off.next(&mut jitter).as_millis()).collect();
        assert!(spread.len() > 30);
    }
}
