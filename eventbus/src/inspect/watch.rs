//! Blocks of text that follow each other as time goes by: in the same place on a terminal, one below the other elsewhere.
//!
//! Plain ANSI sequences do that. On a terminal a block is made to fit, by the size that the terminal has at that moment.

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use mqtypes::mono::Mono;

use super::screen::Screen;
use super::subscriber::Output;

/// How a subcommand that shows what is known goes on after that.
#[derive(Debug, Args)]
pub struct WatchOptions {
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub watch: bool,

    /// With --watch: how often
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u16).range(1..=3600), requires = "watch")]
    pub interval: u16,
}

impl WatchOptions {
    /// How often; none for once.
    pub fn every(&self) -> Option<Duration> {
        self.watch.then(|| Duration::from_secs(self.interval.into()))
    }

    /// Where blocks of this form go. What is shown once is shown whole.
    pub fn place(&self, form: Form) -> Place {
        if self.watch { Place::of_stdout(form) } else { Place::Below }
    }
}

/// Where the next block goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Onto the one before.
    Over,
    /// Below the one before, with a blank line between them.
    Below,
    /// Below the one before: each is a line.
    Next,
}

/// For whom blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A person.
    Text,
    /// A program: an object a line.
    Json,
}

impl Place {
    /// Where blocks of this form go on standard output.
    pub fn of_stdout(form: Form) -> Self {
        match form {
            Form::Json => Self::Next,
            Form::Text if io::stdout().is_terminal() => Self::Over,
            Form::Text => Self::Below,
        }
    }
}

/// Prints blocks.
#[derive(Debug)]
pub struct Blocks {
    place: Place,
    /// What shows a block whole, for when a terminal does not.
    whole: &'static str,
    printed: u64,
}

impl Blocks {
    /// None yet. `whole` is said, behind the number of rows, when a terminal is too small: what shows them all.
    pub fn new(place: Place, whole: &'static str) -> Self {
        Self { place, whole, printed: 0 }
    }

    /// How many were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Prints one.
    pub fn push(&mut self, lines: &[String], output: &mut Output) {
        output.push(&self.drawn(lines, Screen::of_stdout()));
        self.printed += 1;
    }

    fn drawn(&self, lines: &[String], screen: Option<Screen>) -> String {
        let is_first = self.printed == 0;
        match self.place {
            // Home, no wrapping, should the size not be known; each line erases what was behind it, and the last all below.
            Place::Over => {
                let begin = if is_first { "\x1b[2J" } else { "" };
                let lines = screen.map_or_else(|| lines.to_vec(), |screen| screen.fit(lines, self.whole));
                format!("{begin}\x1b[H\x1b[?7l{}\x1b[K\x1b[J\x1b[?7h", lines.join("\x1b[K\n"))
            }
            Place::Below if !is_first => format!("\n{}", lines.join("\n")),
            Place::Below | Place::Next => lines.join("\n"),
        }
    }
}

/// The next moment of a beat that began at `last` and may have been missed.
pub fn next_beat(last: Mono, every: Duration, now: Mono) -> Mono {
    let next = last.after(every);
    if next > now { next } else { now.after(every) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(place: Place, printed: u64) -> String {
        Blocks { place, whole: "", printed }.drawn(&["a".to_owned(), "b".to_owned()], None)
    }

    #[test]
    fn a_block_is_drawn_over_the_one_before_or_below_it() {
        assert_eq!(drawn(Place::Over, 0), "\x1b[2J\x1b[H\x1b[?7la\x1b[K\nb\x1b[K\x1b[J\x1b[?7h");
        assert_eq!(drawn(Place::Over, 1), "\x1b[H\x1b[?7la\x1b[K\nb\x1b[K\x1b[J\x1b[?7h");
        assert_eq!([drawn(Place::Below, 0), drawn(Place::Below, 1)], ["a\nb", "\na\nb"]);
        assert_eq!([drawn(Place::Next, 0), drawn(Place::Next, 1)], ["a\nb", "a\nb"]);
    }

    #[test]
    fn a_beat_that_was_missed_is_not_made_up_for() {
        let every = Duration::from_micros(10);
        assert_eq!(next_beat(Mono(100), every, Mono(103)), Mono(110));
        assert_eq!(next_beat(Mono(100), every, Mono(125)), Mono(135));
    }
}
