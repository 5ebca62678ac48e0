//! One process of a stack: its output is kept, and it ends with its owner.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::unistd::Pid;

/// A process that takes longer to end than this is killed.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

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
pub struct Lines(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self(Arc::new((Mutex::new(Vec::new()), Condvar::new())));
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let (lines, arrived) = &*kept.0;
                lines.lock().expect("no reader panics with the lock").push(line);
                arrived.notify_all();
            }
        });
        lines
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        self.0.0.lock().expect("no reader panics with the lock").clone()
    }

    /// How many lines there are so far.
    pub fn len(&self) -> usize {
        self.0.0.lock().expect("no reader panics with the lock").len()
    }

    /// Is there no line yet?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until `find` finds something in a line at or behind `from`.
    pub fn wait_for<T>(&self, what: &str, from: usize, within: Duration, mut find: impl FnMut(&str) -> Option<T>) -> Result<T> {
        let until = Instant::now() + within;
        let (lines, arrived) = &*self.0;
        let mut lines = lines.lock().expect("no reader panics with the lock");
        let mut looked_at = from;
        loop {
            while let Some(line) = lines.get(looked_at) {
                if let Some(found) = find(line) {
                    return Ok(found);
                }
                looked_at += 1;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("waited {within:?} in vain for {what}; the last lines were:\n{}", lines[lines.len().saturating_sub(5)..].join("\n"));
            }
            lines = arrived.wait_timeout(lines, left).expect("no reader panics with the lock").0;
        }
    }
}
