//! Notices an execution that does not come back, and keeps its input: the thread that hangs cannot.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// No execution takes longer, not even in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// What is being executed.
#[derive(Debug, Default)]
struct Current {
    number: AtomicU64,
    is_over: AtomicBool,
    input: Mutex<Vec<u8>>,
}

/// A watch over the executions of one campaign; it ends when this is dropped.
#[derive(Debug)]
pub struct Watch(Arc<Current>);

impl Watch {
    /// Calls `hung` with the input, on a thread of its own, when an execution takes too long.
    pub fn start(hung: impl Fn(&[u8]) + Send + 'static) -> Self {
        let current = Arc::new(Current::default());
        let watched = Arc::clone(&current);
        thread::spawn(move || watch(&watched, hung));
        Self(current)
    }

    /// The next execution begins.
    pub fn begin(&self, input: &[u8]) {
        let mut current = self.0.input.lock().unwrap_or_else(PoisonError::into_inner);
        current.clear();
        current.extend_from_slice(input);
        self.0.number.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

fn watch(current: &Current, hung: impl Fn(&[u8])) {
    let mut before = 0;
    loop {
        thread::sleep(LONGEST);
        if current.is_over.load(Ordering::Relaxed) {
            return;
        }
        let number = current.number.load(Ordering::Relaxed);
        if number == before {
            return hung(&current.input.lock().unwrap_or_else(PoisonError::into_inner));
        }
        before = number;
    }
}
