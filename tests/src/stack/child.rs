//! One process of a stack: its output is kept, and it ends with its owner.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::unistd::Pid;

/// A process that takes longer to end than this is killed.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// A child of the process may keep its streams open; then they never end.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

/// One process of a stack.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    /// Its lines on standard output.
    pub stdout: Lines,
    /// Its lines on standard error.
    pub stderr: Lines,
}

impl Child {
    /// Starts a process with all three of its streams in our hands.
    pub fn start(name: &str, mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A process inherits the signals that its parent blocks, and would not hear SIGTERM.
        let ours = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let spawned = command.spawn();
        ours.thread_set_mask()?;
        let mut process = spawned.with_context(|| format!("{name}: {}", command.get_program().display()))?;
        let stdin = process.stdin.take();
        let stdout = Lines::of(process.stdout.take().context("piped")?);
        let stderr = Lines::of(process.stderr.take().context("piped")?);
        Ok(Self { name: name.to_owned(), process, stdin, stdout, stderr })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.pid())?), signal)?)
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("its input is open")?;
        writeln!(stdin, "{line}")?;
        Ok(stdin.flush()?)
    }

    /// Has it ended?
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                // Its last words may still be on their way.
                self.stdout.wait_for_end(LAST_WORDS_WITHIN);
                self.stderr.wait_for_end(LAST_WORDS_WITHIN);
                return Ok(status);
            }
            if Instant::now() > until {
                bail!("{} did not end within {within:?}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to end, and kills it when it does not.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal(Signal::SIGTERM)?;
        match self.wait(ENDS_WITHIN) {
            Ok(status) => Ok(status),
            Err(slow) => {
                self.kill();
                Err(slow)
            }
        }
    }

    /// Kills it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// What it said on standard error, for people.
    pub fn log(&self) -> String {
        self.stderr.all().join("\n")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.stop();
        if std::thread::panicking() {
            eprintln!("--- {} said:\n{}", self.name, self.log());
        }
    }
}

/// Lines of a stream, as they come; nothing is ever taken away.
#[derive(Debug, Clone)]
pub struct Lines(Arc<(Mutex<Heard>, Condvar)>);

#[derive(Debug, Default)]
struct Heard {
    lines: Vec<String>,
    end: End,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    NotYet,
    Reached,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self(Arc::default());
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.tell(|heard| heard.lines.push(line));
            }
            kept.tell(|heard| heard.end = End::Reached);
        });
        lines
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        self.heard().lines.clone()
    }

    /// How many lines there are so far.
    pub fn len(&self) -> usize {
        self.heard().lines.len()
    }

    /// Is there no line yet?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until `find` finds something in a line at or behind `from`.
    pub fn wait_for<T>(&self, what: &str, from: usize, within: Duration, mut find: impl FnMut(&str) -> Option<T>) -> Result<T> {
        let until = Instant::now() + within;
        let mut heard = self.heard();
        let mut looked_at = from;
        loop {
            while let Some(line) = heard.lines.get(looked_at) {
                if let Some(found) = find(line) {
                    return Ok(found);
                }
                looked_at += 1;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || heard.end == End::Reached {
                let last = &heard.lines[heard.lines.len().saturating_sub(5)..];
                let why = if left.is_zero() { format!("waited {within:?} in vain") } else { "it ended".to_owned() };
                bail!("{what}: {why}; the last lines were:\n{}", last.join("\n"));
            }
            heard = self.0.1.wait_timeout(heard, left).expect(LOCK).0;
        }
    }

    /// Waits until the stream has ended, or for so long.
    fn wait_for_end(&self, within: Duration) {
        drop(self.0.1.wait_timeout_while(self.heard(), within, |heard| heard.end == End::NotYet).expect(LOCK));
    }

    fn tell(&self, what: impl FnOnce(&mut Heard)) {
        what(&mut self.heard());
        self.0.1.notify_all();
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.0.lock().expect(LOCK)
    }
}

/// Why the lock cannot be poisoned.
const LOCK: &str = "nobody panics while holding the lock";
