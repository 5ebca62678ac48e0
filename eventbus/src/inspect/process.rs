//! Processes as a person knows them.

use std::fmt;
use std::fs;

use serde::Serialize;

use super::terminal::printable;

/// A process as a person knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessName {
    /// Its process id.
    pub pid: u32,
    /// Its name, as it chose it; empty when it has ended meanwhile.
    pub process: String,
}

impl ProcessName {
    /// Who that is.
    pub fn of(pid: u32) -> Self {
        let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        Self { pid, process: String::from_utf8_lossy(&name).trim_end().to_owned() }
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process.as_str() {
            "" => write!(f, "process {}", self.pid),
            name => write!(f, "{} ({})", printable(name), self.pid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_shown_by_its_name_and_its_number() {
        let name = |process: &str| ProcessName { pid: 7, process: process.to_owned() }.to_string();
        assert_eq!(name("eventbus"), "eventbus (7)");
        assert_eq!(name("odd\x1b[m"), "odd\\u{1b}[m (7)");
        assert_eq!(name(""), "process 7");
    }

    #[test]
    fn a_process_that_is_not_there_has_no_name() {
        assert_eq!(ProcessName::of(u32::MAX).process, "");
        assert_ne!(ProcessName::of(std::process::id()).process, "");
    }
}
