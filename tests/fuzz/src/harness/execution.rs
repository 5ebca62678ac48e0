//! One execution of a target, and all the ways in which it can fail.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::{Outcome, Target, allocation};

/// Why an execution failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It panicked: something does not hold.
    Panic {
        /// File and line.
        place: String,
        /// What was said.
        message: String,
    },
    /// It held more memory at once than it may.
    Memory {
        /// Bytes it held.
        held: usize,
        /// Bytes it may hold.
        most: usize,
    },
}

impl Fault {
    /// Tells one cause from another; inputs of one cause are told once.
    pub fn cause(&self) -> String {
        match self {
            Self::Panic { place, .. } => place.clone(),
            Self::Memory { .. } => "memory".to_owned(),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panic { place, message } => write!(f, "panic at {place}: {message}"),
            Self::Memory { held, most } => write!(f, "held {held} bytes at once, {most} are the most"),
        }
    }
}

/// What came of an execution.
#[derive(Debug)]
pub struct Executed {
    /// Where it led, or why it failed.
    pub result: Result<Outcome, Fault>,
    /// The most bytes it held at once.
    pub held: usize,
}

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

/// Executes `target` once; a panic in it is caught, and not printed.
pub fn execute(target: &Target, input: &[u8]) -> Executed {
    watch_panics();
    IS_WATCHED.set(true);
    let (caught, held) = allocation::measure(|| panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input))));
    IS_WATCHED.set(false);
    let result = match caught {
        Ok(_) if held > target.most_held => Err(Fault::Memory { held, most: target.most_held }),
        Ok(outcome) => Ok(outcome),
        Err(_) => Err(LAST.take().expect("the hook ran before the panic was caught")),
    };
    Executed { result, held }
}

/// Panics of a target are kept for its report; all others are told as ever.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_WATCHED.get() {
                return usual(info);
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let message = info.payload_as_str().unwrap_or("no words").chars().take(600).collect();
            LAST.set(Some(Fault::Panic { place, message }));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target = Target {
        name: "test",
        run: |input| {
            assert!(!input.contains(&b'!'), "an exclamation");
            format!("{} bytes", input.len()).into()
        },
        seeds: Vec::new,
        repair: |_, _| {},
        longest: 8,
        most_held: 1024,
        short_run: 1,
    };

    #[test]
    fn a_panic_is_caught_with_its_place_and_words() {
        assert_eq!(execute(&TARGET, b"ab").result, Ok("2 bytes".into()));
        let Err(Fault::Panic { place, message }) = execute(&TARGET, b"a!").result else { panic!("no panic") };
        assert!(place.contains("execution.rs"), "{place}");
        assert_eq!(message, "an exclamation");
    }
}
