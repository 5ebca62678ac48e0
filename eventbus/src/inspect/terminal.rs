//! What may reach a person's terminal: no control characters of others, colour only where it is seen.
//!
//! Queue names, motes' texts and process names are written by others; an escape sequence in one of
//! them must not reach the terminal. A reader that goes away, as `head` does, is an ordinary end.

use std::io::{self, IsTerminal, Write};

use bus::process::Failure;

/// Is there colour?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// A pipe, a file, or a person who set `NO_COLOR`.
    Plain,
    /// A terminal.
    Coloured,
}

/// What a piece of text is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Normal,
    /// Less important than the rest.
    Faint,
    /// To be looked at.
    Warning,
    /// Something is wrong.
    Bad,
}

impl Ink {
    /// What standard output takes.
    pub fn of_stdout() -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if io::stdout().is_terminal() && !is_unwanted { Self::Coloured } else { Self::Plain }
    }

    /// `text` in its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Normal => return text.to_owned(),
            Tone::Faint => 2,
            Tone::Warning => 33,
            Tone::Bad => 31,
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// `text` on one line: each control character becomes its escape, such as `\u{1b}` or `\n`.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Standard output does not take what we print.
pub fn unwritable(error: &io::Error) -> Failure {
    Failure::Environment(format!("standard output: {error}"))
}

/// Says something beside the output proper, on standard error.
pub fn complain(text: &str) {
    // One write, and nobody to tell when it fails.
    let _ = io::stderr().write_all(format!("mq-inspect: {}\n", printable(text)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_of_others_is_shown_and_not_obeyed() {
        assert_eq!(printable("a\x1b[2J\u{9b}b\né"), "a\\u{1b}[2J\\u{9b}b\\né");
    }

    #[test]
    fn colour_is_for_terminals_alone() {
        assert_eq!(Ink::Plain.paint(Tone::Bad, "x"), "x");
        assert_eq!(Ink::Coloured.paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Ink::Coloured.paint(Tone::Normal, "x"), "x");
    }
}
