//! The thread that writes to the database, and what others know of it.
//!
//! Nobody waits for it: what does not fit into its queue is counted. When the file cannot be used,
//! it says so once, and the host goes on without.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    ledger::{Batch, MAX_WAITING},
    record::Record,
    store::{Keep, Store, StoreError},
};
use crate::{clock::Now, terminal};

/// Batches that wait for the thread; there is one a second.
const MAX_BATCHES: usize = 32;

/// Time between commits: each costs some writes to the disk, however little is in it.
const COMMIT_EVERY: Duration = Duration::from_secs(5);

/// Longest time at the end for the last records.
const LAST_RECORDS: Duration = Duration::from_secs(3);

/// The archive, as the rest of the host sees it. The thread ends when the last copy is gone.
#[derive(Clone)]
pub struct Archive {
    batches: SyncSender<Vec<Record>>,
    state: Arc<State>,
}

/// How the archive is.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    phase: Mutex<Phase>,
    /// Rung when the thread has ended.
    bell: Condvar,
    lost: AtomicU64,
}

/// How far the thread is.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Writing,
    /// Nothing is written at the moment, or any more.
    Trouble(String),
    Ended,
}

impl State {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why nothing is written at the moment.
    pub fn trouble(&self) -> Option<String> {
        match &*self.lock() {
            Phase::Trouble(why) => Some(why.clone()),
            Phase::Writing | Phase::Ended => None,
        }
    }

    /// Records that were not written since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn lose(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    /// Says what has gone wrong, or that it goes on; the same trouble once.
    fn tell(&self, phase: Phase) {
        let mut known = self.lock();
        if *known == phase {
            return;
        }
        match &phase {
            Phase::Trouble(why) => terminal::line(format_args!("history: {why}; the host goes on without history")),
            Phase::Writing => terminal::line(format_args!("history: it is written again; {} records were lost", self.lost())),
            Phase::Ended => self.bell.notify_all(),
        }
        *known = phase;
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `$XDG_DATA_HOME/openwsn-lbr/history.sqlite`, or that in `~/.local/share`; on Windows that in `%LOCALAPPDATA%`.
pub fn default_path() -> Result<PathBuf, StoreError> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    };
    data.map(|data| data.join("openwsn-lbr").join("history.sqlite")).ok_or(StoreError::NoHome)
}

impl Archive {
    /// Starts the thread. The file is opened by it, since a disk can be slow.
    pub fn start(path: PathBuf, keep: Keep) -> Self {
        let state = Arc::new(State { path, phase: Mutex::new(Phase::Writing), bell: Condvar::new(), lost: AtomicU64::new(0) });
        let (batches, incoming) = mpsc::sync_channel(MAX_BATCHES);
        let writer = Writer { state: state.clone(), keep, waiting: Vec::new() };
        thread::spawn(move || {
            let state = writer.state.clone();
            writer.run(&incoming);
            state.tell(Phase::Ended);
        });
        Self { batches, state }
    }

    /// How it is.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Hands over records; never waits.
    pub fn write(&self, batch: Batch) {
        self.state.lose(batch.lost);
        if batch.records.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(records) | TrySendError::Disconnected(records)) = self.batches.try_send(batch.records) {
            self.state.lose(records.len() as u64);
        }
    }

    /// Lets the last records be written, for a bounded time.
    pub fn finish(self) {
        let Self { batches, state } = self;
        drop(batches);
        // Longer is not waited; the database is whole at any moment.
        let _ = state.bell.wait_timeout_while(state.lock(), LAST_RECORDS, |phase| *phase != Phase::Ended);
    }
}

struct Writer {
    state: Arc<State>,
    keep: Keep,
    waiting: Vec<Record>,
}

impl Writer {
    fn run(mut self, batches: &Receiver<Vec<Record>>) {
        let mut store = match Store::open(&self.state.path, self.keep) {
            Ok(store) => store,
            Err(error) => return self.give_up(&error, batches),
        };
        let mut next = Instant::now() + COMMIT_EVERY;
        loop {
            let ending = match batches.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(records) => {
                    self.waiting.extend(records);
                    if self.waiting.len() < MAX_WAITING {
                        continue;
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if let Err(error) = self.commit(&mut store) {
                return self.give_up(&error, batches);
            }
            if ending {
                return;
            }
            next = Instant::now() + COMMIT_EVERY;
        }
    }

    /// An error means that this file is of no use any more.
    fn commit(&mut self, store: &mut Store) -> Result<(), StoreError> {
        let records = std::mem::take(&mut self.waiting);
        let written = if records.is_empty() { Ok(()) } else { store.write(&records) };
        if written.is_err() {
            self.state.lose(records.len() as u64);
        }
        // When there is no room, this may make some.
        let kept = store.handle_retention(Now::read().unix_ms, self.keep);
        match written.and(kept) {
            Ok(()) if !records.is_empty() => self.state.tell(Phase::Writing),
            Ok(()) => {}
            Err(error) if error.may_pass() => self.state.tell(Phase::Trouble(error.to_string())),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Says why and writes nothing any more. What still comes is counted.
    fn give_up(&self, error: &StoreError, batches: &Receiver<Vec<Record>>) {
        self.state.tell(Phase::Trouble(error.to_string()));
        for records in batches {
            self.state.lose(records.len() as u64);
        }
    }
}
