//! Many executions of one target, one after the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::corpus::Corpus;
use super::execution::execute;
use super::failure::{self, Failure};
use super::mutation::mutate;
use super::watch::Watch;
use crate::{AND, Outcome, Target};

/// How long a campaign is to be.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// So many executions.
    pub executions: u64,
    /// Or so long, if that is shorter.
    pub time: Option<Duration>,
    /// The same seed gives the same inputs.
    pub seed: u64,
}

/// Different causes of failure after which a campaign ends.
const MOST_FAILURES: usize = 10;

/// The clock is looked at once in so many executions.
const BETWEEN_LOOKS: u64 = 256;

/// Parts of outcomes listed in a report; of the others there is a sum.
const MOST_SHOWN: usize = 24;

/// What came of a campaign.
#[derive(Debug)]
pub struct Report {
    /// Of which target.
    pub target: &'static str,
    /// Executions made.
    pub executions: u64,
    /// How long they took.
    pub elapsed: Duration,
    /// Genuine inputs that it began with.
    pub genuine: usize,
    /// Inputs that were kept since they led to something seldom.
    pub found: usize,
    /// The most bytes that one execution held at once.
    pub held: usize,
    /// How often each outcome was seen.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// One failure for each cause.
    pub failures: Vec<Failure>,
}

struct Campaign<'a> {
    target: &'a Target,
    corpus: Corpus,
    chance: Chance,
    watch: Watch,
    executions: u64,
    held: usize,
    failures: BTreeMap<String, Failure>,
}

/// Runs `target` with its genuine inputs, and then with changed ones.
pub fn run(target: &Target, plan: Plan) -> Report {
    let corpus = Corpus::new((target.seeds)());
    let name = target.name;
    let watch = Watch::start(move |input| give_up(name, input));
    let chance = Chance::new(plan.seed);
    let mut campaign = Campaign { target, corpus, chance, watch, executions: 0, held: 0, failures: BTreeMap::new() };
    let start = Instant::now();
    campaign.run(plan, start);
    Report {
        target: target.name,
        executions: campaign.executions,
        elapsed: start.elapsed(),
        genuine: campaign.corpus.genuine().len(),
        found: campaign.corpus.found(),
        held: campaign.held,
        outcomes: campaign.corpus.outcomes().clone(),
        failures: campaign.failures.into_values().collect(),
    }
}

impl Campaign<'_> {
    fn run(&mut self, plan: Plan, start: Instant) {
        for at in 0..self.corpus.genuine().len() {
            if self.executions < plan.executions {
                let input = self.corpus.genuine()[at].clone();
                self.execute(&input);
            }
        }
        let is_time_up = |now: Instant| plan.time.is_some_and(|time| now.duration_since(start) >= time);
        let mut input = Vec::new();
        while self.executions < plan.executions && self.failures.len() < MOST_FAILURES {
            if self.executions.is_multiple_of(BETWEEN_LOOKS) && is_time_up(Instant::now()) {
                break;
            }
            self.make(&mut input);
            self.execute(&input);
        }
    }

    fn make(&mut self, input: &mut Vec<u8>) {
        input.clear();
        input.extend_from_slice(self.corpus.any(&mut self.chance));
        let other = self.corpus.any(&mut self.chance);
        mutate(input, other, self.target.longest, &mut self.chance);
        if self.chance.once_in(2) {
            (self.target.repair)(input, &mut self.chance);
            input.truncate(self.target.longest);
        }
    }

    fn execute(&mut self, input: &[u8]) {
        self.watch.begin(input);
        self.executions += 1;
        let executed = execute(self.target, input);
        self.held = self.held.max(executed.held);
        match executed.result {
            Ok(outcome) => self.corpus.handle_outcome(input, outcome, &mut self.chance),
            Err(fault) if self.failures.contains_key(&fault.cause()) => {}
            Err(fault) => {
                let failure = Failure::reduced(self.target, input, fault, |input| self.watch.begin(input));
                self.failures.insert(failure.fault.cause(), failure);
            }
        }
    }
}

/// An execution does not come back, and its thread cannot be stopped: the process ends.
fn give_up(target: &str, input: &[u8]) {
    eprintln!("{target}: an execution does not come back");
    tell(target, failure::keep(target, input));
    std::process::exit(1);
}

fn tell(target: &str, kept: std::io::Result<std::path::PathBuf>) {
    match kept {
        Ok(path) => eprintln!("    repeat it with: fuzz {target} --replay {}", path.display()),
        Err(error) => eprintln!("    its input cannot be kept: {error}"),
    }
}

impl Report {
    /// Keeps the inputs of all failures, and tells how to repeat them.
    pub fn keep_failures(&self) {
        for failure in &self.failures {
            eprintln!("{}: FAILED: {} ({} bytes)", self.target, failure.fault, failure.input.len());
            tell(self.target, failure.keep());
        }
    }
}

impl Report {
    /// What outcomes are made of, and in how many executions each part was seen; the most frequent first.
    fn parts(&self) -> Vec<(&str, u64)> {
        let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
        for (outcome, count) in &self.outcomes {
            for part in outcome.split(AND) {
                *parts.entry(part).or_default() += count;
            }
        }
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_by_key(|(_, count)| Reverse(*count));
        parts
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.executions as f64 / self.elapsed.as_secs_f64().max(1e-9);
        writeln!(
            f,
            "{}: {} executions in {:.1} s, {rate:.0}/s; {} genuine inputs, {} found; {} outcomes; {} bytes held at most; {} failures",
            self.target,
            self.executions,
            self.elapsed.as_secs_f64(),
            self.genuine,
            self.found,
            self.outcomes.len(),
            self.held,
            self.failures.len()
        )?;
        let parts = self.parts();
        let (shown, others) = parts.split_at(parts.len().min(MOST_SHOWN));
        shown.iter().try_for_each(|(part, count)| writeln!(f, "    {count:>10}  {part}"))?;
        if others.is_empty() {
            return Ok(());
        }
        writeln!(f, "    {:>10}  {} others", others.iter().map(|(_, count)| *count).sum::<u64>(), others.len())
    }
}
