//! Counts by reason, and the rule for how often a count is worth a log line.

use std::collections::BTreeMap;

use mqtypes::health::Dropped;

/// Counts by reason. Reasons are names in the code, so their number is bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one more; true when it is worth a log line: the 1st, 2nd, 4th, 8th and so on.
    pub fn count(&mut self, reason: &'static str) -> bool {
        self.add(reason, 1).is_power_of_two()
    }

    /// Counts `more`, and tells the total.
    pub fn add(&mut self, reason: &'static str, more: u64) -> u64 {
        let count = self.counts.entry(reason).or_default();
        *count = count.saturating_add(more);
        *count
    }

    /// The count of one reason.
    pub fn of(&self, reason: &'static str) -> u64 {
        self.counts.get(reason).copied().unwrap_or(0)
    }

    /// All that ever occurred.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(reason, count)| (*reason, *count))
    }

    /// All that ever occurred, as a message has them; `prefix` says whose they are.
    pub fn dropped(&self, prefix: &str) -> Vec<Dropped> {
        self.iter().map(|(reason, count)| Dropped { reason: format!("{prefix}{reason}"), count }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_thin_out_while_counts_go_on() {
        let mut tally = Tally::default();
        let told = (1..=100).filter(|_| tally.count("foreign")).count();
        assert_eq!((told, tally.of("foreign"), tally.of("newer-version")), (7, 100, 0));
    }
}
