//! The inputs that are changed into new ones: genuine ones, and those that led to an outcome seldom seen before.

use std::collections::BTreeMap;

use super::chance::Chance;
use crate::Outcome;

/// Inputs kept of one outcome, beside the genuine ones.
const MOST_OF_ONE: u64 = 8;

/// Inputs kept in all beside the genuine ones; then newer ones take the place of any.
const MOST_FOUND: usize = 2048;

/// Outcomes told apart.
const MOST_OUTCOMES: usize = 4096;

/// Inputs, and how often each outcome was seen.
#[derive(Debug, Default)]
pub struct Corpus {
    genuine: Vec<Vec<u8>>,
    found: Vec<Vec<u8>>,
    outcomes: BTreeMap<Outcome, u64>,
}

impl Corpus {
    /// Genuine inputs only. There is always one, if an empty one.
    pub fn new(mut genuine: Vec<Vec<u8>>) -> Self {
        if genuine.is_empty() {
            genuine.push(Vec::new());
        }
        Self { genuine, ..Self::default() }
    }

    /// The genuine inputs.
    pub fn genuine(&self) -> &[Vec<u8>] {
        &self.genuine
    }

    /// One of the inputs.
    pub fn any(&self, chance: &mut Chance) -> &[u8] {
        let from = if self.found.is_empty() || chance.once_in(2) { &self.genuine } else { &self.found };
        chance.one_of::<Vec<u8>>(from)
    }

    /// `input` led to `outcome`.
    pub fn handle_outcome(&mut self, input: &[u8], outcome: Outcome, chance: &mut Chance) {
        let outcome = if self.outcomes.len() < MOST_OUTCOMES || self.outcomes.contains_key(&outcome) { outcome } else { "others".into() };
        let seen = self.outcomes.entry(outcome).or_default();
        *seen += 1;
        if *seen > MOST_OF_ONE {
            return;
        }
        if self.found.len() < MOST_FOUND {
            self.found.push(input.to_vec());
        } else {
            let at = chance.below(MOST_FOUND);
            self.found[at] = input.to_vec();
        }
    }

    /// How often each outcome was seen.
    pub fn outcomes(&self) -> &BTreeMap<Outcome, u64> {
        &self.outcomes
    }

    /// How many inputs were kept beside the genuine ones.
    pub fn found(&self) -> usize {
        self.found.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_outcome_a_few_inputs_are_kept() {
        let (mut corpus, mut chance) = (Corpus::new(vec![b"genuine".to_vec()]), Chance::new(1));
        for _ in 0..100 {
            corpus.handle_outcome(b"x", "usual".into(), &mut chance);
        }
        corpus.handle_outcome(b"y", "seldom".into(), &mut chance);
        assert_eq!((corpus.found(), &corpus.outcomes()["usual"]), (MOST_OF_ONE as usize + 1, &100));
    }

    #[test]
    fn endless_outcomes_do_not_grow_it() {
        let (mut corpus, mut chance) = (Corpus::new(Vec::new()), Chance::new(1));
        for number in 0..3 * MOST_OUTCOMES {
            corpus.handle_outcome(b"x", number.to_string().into(), &mut chance);
        }
        assert_eq!((corpus.found(), corpus.outcomes().len()), (MOST_FOUND, MOST_OUTCOMES + 1));
    }
}
