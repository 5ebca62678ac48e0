//! What is wrong with a file, in a line for a person: where, what, and the way out.

use std::fmt;
use std::path::{Path, PathBuf};

/// More of a value is not shown.
const LONGEST_SHOWN: usize = 60;

/// More are not told: whoever has so many begins with the first, and the log takes a hundred lines at once.
pub const MOST_FAULTS: usize = 50;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which line, from 1 on. What is wrong with the file as a whole is in none.
    pub line: Option<usize>,
    /// Section, key and value, as far as there are any.
    pub place: String,
    /// What is wrong with it, and the way out.
    pub what: String,
}

/// All that is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// Which file.
    pub file: PathBuf,
    /// In the order of their lines; at least one.
    pub faults: Vec<Fault>,
}

impl Fault {
    /// Something wrong in this line.
    pub fn new(line: usize, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { line: Some(line), place: place.into(), what: what.into() }
    }

    /// Something wrong with the whole file.
    pub fn of_file(what: impl Into<String>) -> Self {
        Self { line: None, place: String::new(), what: what.into() }
    }
}

/// Those of earlier lines first.
pub fn sort(faults: &mut [Fault]) {
    faults.sort_by_key(|fault| fault.line);
}

impl Faults {
    /// One line for each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.faults.iter().map(|fault| printable(&line(&self.file, fault)))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines().enumerate() {
            let before = if at == 0 { "" } else { "\n" };
            write!(f, "{before}{line}")?;
        }
        Ok(())
    }
}

fn line(file: &Path, fault: &Fault) -> String {
    let Fault { line, place, what } = fault;
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
    format!("{}{line}: {place}{what}", file.display())
}

/// Nothing of a file can steer a terminal, or make a second line.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The first line of a piece of the file, and not too much of it.
pub fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let short: String = line.chars().take(LONGEST_SHOWN).collect();
    if short.len() < text.trim_end().len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_with_file_line_place_and_reason() {
        let faults = vec![Fault::new(12, "[ui-proxy] retry-for = 86401", "too\u{1b}long\n"), Fault::of_file("gone")];
        let all = Faults { file: "/etc/lbr.toml".into(), faults };
        let told: Vec<_> = all.lines().collect();
        assert_eq!(told, ["/etc/lbr.toml:12: [ui-proxy] retry-for = 86401: too\\u{1b}long\\n", "/etc/lbr.toml: gone"]);
        assert_eq!(all.to_string().lines().count(), 2);
    }

    #[test]
    fn a_long_value_is_shown_in_part() {
        assert_eq!(shorten("60"), "60");
        assert_eq!(shorten("[\n  1,\n]"), "[…");
        assert_eq!(shorten(&"x".repeat(100)).chars().count(), LONGEST_SHOWN + 1);
    }
}
