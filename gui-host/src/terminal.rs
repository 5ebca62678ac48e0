//! Status lines on standard error.
//!
//! Names and words of routers, of `ssh` and of peers end up here, so control characters never
//! reach the terminal. A closed standard error is no reason to stop.

use std::{
    fmt,
    io::{self, Write},
};

/// Longest status line, characters; more is cut.
const MAX_CHARS: usize = 600;

/// Writes one line; control characters become `?`.
pub fn line(text: fmt::Arguments<'_>) {
    let mut line = clean(&text.to_string(), MAX_CHARS);
    line.push('\n');
    // With standard error closed there is nobody to tell, about this failure neither.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// `text` without control characters and with at most `max` characters.
pub fn clean(text: &str, max: usize) -> String {
    let mut cleaned: String = text.chars().take(max).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(max).is_some() {
        cleaned.push('…');
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\n", 80), "a?[2Jb?c?");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(clean("äöü", 2), "äö…");
        assert_eq!(clean("äö", 2), "äö");
    }
}
