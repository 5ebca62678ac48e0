//! What a person is told of the configuration: its faults, or that there are none and what differs from the defaults.

use std::ffi::OsString;
use std::process::ExitCode;

use log::LevelFilter;
use mqtypes::envelope::Sender;

use super::configuration::Values;
use super::flags::Called;
use super::keys::{Key, Kind};
use crate::{console, logging};

/// `EX_CONFIG`.
const WRONG: u8 = 78;

/// Prints what is wrong, for `--check-config`.
pub fn refuse(lines: &[String]) -> ExitCode {
    for line in lines {
        console::complain(line);
    }
    ExitCode::from(WRONG)
}

/// Says what is wrong as the process would, before it has its log.
pub fn complain(sender: Sender, level: LevelFilter, lines: &[String]) -> ExitCode {
    logging::start(sender, level);
    for line in lines {
        log::error!("{line}");
    }
    ExitCode::from(WRONG)
}

/// Prints that all is right, and what differs from the defaults.
pub fn accept(verdict: &str, called: &Called<'_>, values: &Values) -> ExitCode {
    console::tell(verdict);
    for line in differences(called, values) {
        console::tell(&line);
    }
    ExitCode::SUCCESS
}

fn differences(called: &Called<'_>, values: &Values) -> Vec<String> {
    let differing = values.iter().filter_map(|(key, now)| {
        let source = if called.is_on_command_line(key) { "   # by the command line" } else { "" };
        (*now != called.defaults(key)).then(|| format!("{} = {}{source}", key.place(), written(key, now)))
    });
    let lines: Vec<_> = differing.collect();
    if lines.is_empty() { vec!["every option has its default".to_owned()] } else { lines }
}

/// Values as the file would have them.
fn written(key: &Key, values: &[OsString]) -> String {
    let one = |value: &OsString| {
        let text = value.to_string_lossy();
        match key.kind {
            Kind::Number => text.into_owned(),
            Kind::TextOrNumber if text.bytes().all(|byte| byte.is_ascii_digit()) => text.into_owned(),
            Kind::Text | Kind::TextOrNumber | Kind::Texts => quoted(&text),
        }
    };
    let values: Vec<_> = values.iter().map(one).collect();
    match key.kind {
        Kind::Texts => format!("[{}]", values.join(", ")),
        Kind::Text | Kind::Number | Kind::TextOrNumber => values.concat(),
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_so_that_it_can_be_read_again() {
        for text in ["plain", "with \"marks\" and \\", "bell\u{7}", "ä"] {
            let line = format!("a = {}", quoted(text));
            let (document, faults) = super::super::document::read(&line);
            assert!(faults.is_empty(), "{line}");
            assert_eq!(document.entries[0].value.what, super::super::document::What::Text(text.to_owned()));
        }
    }
}
