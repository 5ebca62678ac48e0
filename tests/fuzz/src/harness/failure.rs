//! An input that makes a target fail: made smaller, kept in a file, and told with the way to repeat it.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::execution::{Fault, execute};
use crate::Target;

/// Executions spent on making one input smaller.
const MOST_ATTEMPTS: usize = 4000;

/// An input that makes a target fail.
#[derive(Debug)]
pub struct Failure {
    /// Which target.
    pub target: &'static str,
    /// Why.
    pub fault: Fault,
    /// The input, made smaller.
    pub input: Vec<u8>,
}

impl Failure {
    /// Makes `input` smaller as long as it fails for the same cause; `begin` is told of each attempt.
    pub fn reduced(target: &Target, input: &[u8], fault: Fault, begin: impl Fn(&[u8])) -> Self {
        let mut failure = Self { target: target.name, fault, input: input.to_vec() };
        let mut attempts = 0;
        let mut length = failure.input.len().div_ceil(2);
        while length > 0 && attempts < MOST_ATTEMPTS {
            let mut at = 0;
            while at < failure.input.len() && attempts < MOST_ATTEMPTS {
                attempts += 1;
                let end = (at + length).min(failure.input.len());
                if !failure.try_without(target, at..end, &begin) {
                    at += length;
                }
            }
            length /= 2;
        }
        failure
    }

    fn try_without(&mut self, target: &Target, range: Range<usize>, begin: impl Fn(&[u8])) -> bool {
        let mut smaller = self.input.clone();
        smaller.drain(range);
        begin(&smaller);
        match execute(target, &smaller).result {
            Err(fault) if fault.cause() == self.fault.cause() => {
                (self.fault, self.input) = (fault, smaller);
                true
            }
            Err(_) | Ok(_) => false,
        }
    }

    /// Keeps the input, and tells where.
    pub fn keep(&self) -> io::Result<PathBuf> {
        keep(self.target, &self.input)
    }
}

/// Keeps an input of `target` beside the targets, and tells where.
pub fn keep(target: &str, input: &[u8]) -> io::Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("crashes");
    fs::create_dir_all(&directory)?;
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = directory.join(format!("{target}-{:016x}", hasher.finish()));
    fs::write(&path, input)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target = Target {
        name: "test",
        run: |input| {
            assert!(!input.windows(2).any(|pair| pair == b"!?"), "seen");
            "fine".into()
        },
        seeds: Vec::new,
        repair: |_, _| {},
        longest: 64,
        most_held: usize::MAX,
        short_run: 1,
    };

    #[test]
    fn an_input_is_reduced_to_what_makes_it_fail() {
        let input = b"much that does not matter!?and more";
        let fault = execute(&TARGET, input).result.expect_err("it fails");
        assert_eq!(Failure::reduced(&TARGET, input, fault, |_| {}).input, b"!?");
    }
}
