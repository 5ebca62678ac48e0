//! What may reach a person's terminal: no control characters of others, colour only where it is seen.
//!
//! Queue names, motes' texts and process names are written by others; an escape sequence in one of
//! them must not reach the terminal. A reader that goes away, as `head` does, is an ordinary end.

use std::io::{self, IsTerminal, Write};

use bus::process::Failure;
use serde::Serialize;

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

/// Is it worth printing more?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Reader {
    /// As far as we know.
    There,
    /// It has seen enough, as `head` does: an ordinary end.
    Gone,
}

/// `text` on one line: each control character becomes its escape, such as `\u{1b}` or `\n`, and so does what turns the direction of writing.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || turns_direction(character) { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

/// JSON that a terminal may show too: DEL and the controls behind it, which JSON allows in a text, become escapes.
pub fn plain_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("plain data with text keys");
    if !json.contains(char::is_control) {
        return json;
    }
    let escaped = |control: char| format!("\\u{:04x}", u32::from(control));
    json.chars().map(|each| if each.is_control() { escaped(each) } else { each.to_string() }).collect()
}

/// Unicode's bidirectional marks, embeddings, overrides and isolates, and its separators of lines: they let a text look like another one.
fn turns_direction(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints to standard output, and tells whether anybody reads on.
pub fn print_to(text: &str) -> Result<Reader, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(unwritable(&error)),
    }
}

/// Prints the last there is to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    print_to(text).map(drop)
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
        assert_eq!(printable("a\u{202e}b\u{2028}c"), "a\\u{202e}b\\u{2028}c");
    }

    #[test]
    fn colour_is_for_terminals_alone() {
        assert_eq!(Ink::Plain.paint(Tone::Bad, "x"), "x");
        assert_eq!(Ink::Coloured.paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Ink::Coloured.paint(Tone::Normal, "x"), "x");
    }
}
