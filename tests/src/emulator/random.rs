//! Chance that can be repeated: the same seed gives the same motes. Not for secrets.

/// Sebastiano Vigna's splitmix64: one number of state, and good enough for delays and signal strengths.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Chance that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// True once in `times`, on average.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn bounds_are_kept_and_reached() {
        let mut random = Random::new(1);
        let drawn: std::collections::BTreeSet<u64> = (0..1000).map(|_| random.between(3, 7)).collect();
        assert_eq!(drawn, (3..=7).collect());
        assert!((150..350).contains(&(0..1000).filter(|_| random.once_in(4)).count()));
    }
}
