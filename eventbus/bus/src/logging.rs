//! The log: lines on standard error, with `<priority>` in front as journald and procd read it.
//!
//! Lines are limited in rate, so that a broken peer cannot fill a disk; what is held back is counted
//! and told. On a terminal the priority is left out.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use mqtypes::envelope::Sender;
use mqtypes::mono::Mono;

use crate::clock;

/// Lines at once, and the time in which one more is allowed.
const BURST: u32 = 100;
const REFILL: Duration = Duration::from_millis(200);

/// A line longer than this is cut: text of others may be in it.
const LONGEST_LINE: usize = 1000;

/// Sends what is logged from now on to standard error. A second call changes nothing.
pub fn start(sender: Sender, level: LevelFilter) {
    let style = if std::io::stderr().is_terminal() { Style::Person } else { Style::Supervisor };
    let logger = Logger { sender, style, limit: Mutex::new(Limit::new()) };
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(level);
    }
}

struct Logger {
    sender: Sender,
    style: Style,
    limit: Mutex<Limit>,
}

#[derive(Clone, Copy)]
enum Style {
    Person,
    Supervisor,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries below us speak only when something is wrong.
        let is_ours = ["tungstenite", "mio"].iter().all(|library| !metadata.target().starts_with(library));
        is_ours || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let Ok(mut limit) = self.limit.lock() else { return };
        match limit.ask(clock::now()) {
            Verdict::Say => self.say(record.level(), &record.args().to_string()),
            Verdict::SayAfter(held_back) => {
                self.say(Level::Warn, &format!("{held_back} log lines were held back"));
                self.say(record.level(), &record.args().to_string());
            }
            Verdict::HoldBack => {}
        }
    }

    fn flush(&self) {}
}

impl Logger {
    fn say(&self, level: Level, text: &str) {
        // One write, so that the lines of several processes do not mix; nobody to tell when it fails.
        let _ = std::io::stderr().write_all(line(self.style, level, self.sender, text).as_bytes());
    }
}

fn line(style: Style, level: Level, sender: Sender, text: &str) -> String {
    let mut line = match style {
        Style::Person => String::new(),
        Style::Supervisor => format!("<{}>", priority(level)),
    };
    let _ = write!(line, "{sender}: ");
    line.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_LINE));
    line.push('\n');
    line
}

/// Priorities of syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// A token bucket.
struct Limit {
    tokens: u32,
    refilled: Mono,
    held_back: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Say,
    SayAfter(u64),
    HoldBack,
}

impl Limit {
    fn new() -> Self {
        Self { tokens: BURST, refilled: Mono(0), held_back: 0 }
    }

    fn ask(&mut self, now: Mono) -> Verdict {
        let earned = u32::try_from(now.since(self.refilled).as_micros() / REFILL.as_micros()).unwrap_or(BURST);
        if earned > 0 {
            self.tokens = self.tokens.saturating_add(earned).min(BURST);
            self.refilled = now;
        }
        if self.tokens == 0 {
            self.held_back += 1;
            return Verdict::HoldBack;
        }
        self.tokens -= 1;
        match std::mem::take(&mut self.held_back) {
            0 => Verdict::Say,
            held_back => Verdict::SayAfter(held_back),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_bears_its_priority_and_stays_one_line() {
        let text = line(Style::Supervisor, Level::Warn, Sender::Eventbus, "a\nb\x1b[31m");
        assert_eq!(text, "<4>eventbus: a b [31m\n");
        assert_eq!(line(Style::Person, Level::Error, Sender::Tool, "x"), "tool: x\n");
    }

    #[test]
    fn a_flood_is_held_back_and_told_later() {
        let mut limit = Limit::new();
        let start = Mono(1_000_000_000);
        let said = (0..1000).filter(|_| limit.ask(start) != Verdict::HoldBack).count();
        assert_eq!(said, BURST as usize);
        assert_eq!(limit.ask(start.after(REFILL)), Verdict::SayAfter(1000 - u64::from(BURST)));
        assert_eq!(limit.ask(start.after(REFILL)), Verdict::HoldBack);
    }
}
