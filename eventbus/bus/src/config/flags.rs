//! From the file's values to the command line: one parser, and one judge of each value, whoever gives it.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::fault::{Fault, MOST_FAULTS};
use super::given::{Given, GivenValue};
use super::keys::Key;

/// The command, or its subcommand, that a command line is for.
pub struct Called<'a> {
    command: &'a Command,
    matches: &'a ArgMatches,
}

impl<'a> Called<'a> {
    /// Finds out from what the command line alone came to.
    pub fn new(command: &'a Command, matches: &'a ArgMatches) -> Self {
        let below = matches.subcommand().and_then(|(name, matches)| Some(Self { command: command.find_subcommand(name)?, matches }));
        below.unwrap_or(Self { command, matches })
    }

    /// The command itself.
    pub fn command(&self) -> &'a Command {
        self.command
    }

    /// May the file speak for this key? Not where a person has spoken, or said what excludes it.
    pub fn leaves_open(&self, key: &Key) -> bool {
        let Some(arg) = self.flag(key) else { return false };
        let excluded = self.command.get_arguments().filter(|other| self.is_given(other)).any(|other| {
            other.get_id() == arg.get_id() || self.command.get_arg_conflicts_with(other).iter().any(|one| one.get_id() == arg.get_id())
        });
        !excluded
    }

    /// The values that a key has now, defaults included.
    pub fn values(&self, key: &Key) -> Option<Vec<OsString>> {
        let arg = self.flag(key)?;
        let raw = self.matches.try_get_raw(arg.get_id().as_str()).ok()?;
        Some(raw.map(|values| values.map(OsString::from).collect()).unwrap_or_default())
    }

    /// The values that a key has when nobody says anything.
    pub fn defaults(&self, key: &Key) -> Vec<OsString> {
        self.flag(key).map(|arg| arg.get_default_values().iter().map(OsString::from).collect()).unwrap_or_default()
    }

    /// Is the flag of this key on the command line?
    pub fn is_on_command_line(&self, key: &Key) -> bool {
        self.flag(key).is_some_and(|arg| self.is_given(arg))
    }

    fn is_given(&self, arg: &Arg) -> bool {
        let id = arg.get_id().as_str();
        self.matches.try_contains_id(id).unwrap_or(false) && self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    fn flag(&self, key: &Key) -> Option<&'a Arg> {
        flag(self.command, key)
    }
}

fn flag<'a>(command: &'a Command, key: &Key) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key.name))
}

/// What is wrong with the values of a key, each looked at by itself, if the command takes it.
pub fn judge(command: &Command, given: &Given) -> Vec<Fault> {
    let mut faults = Vec::new();
    if flag(command, given.key).is_some() {
        judge_among(command, given.key, &given.values, &mut faults);
    }
    faults
}

/// Among thousands of values that are right, those that are wrong are found by halves.
fn judge_among(command: &Command, key: &Key, values: &[GivenValue], faults: &mut Vec<Fault>) {
    let name = OsString::from(command.get_name());
    let words = std::iter::once(name).chain(values.iter().map(|value| argument(key, value)));
    match (command.clone().try_get_matches_from(words), values) {
        (Err(error), [value]) => {
            faults.push(Fault::new(value.line, format!("{} = {}", key.place(), value.shown), reason(&error, key, value)));
        }
        (Err(_), several) if faults.len() <= MOST_FAULTS => {
            let (before, behind) = several.split_at(several.len() / 2);
            judge_among(command, key, before, faults);
            judge_among(command, key, behind, faults);
        }
        (Ok(_) | Err(_), _) => {}
    }
}

/// A value of the file as an argument.
pub fn argument(key: &Key, value: &GivenValue) -> OsString {
    format!("--{}={}", key.name, value.text).into()
}

/// What clap has against a value, without what surrounds it on a command line.
fn reason(error: &clap::Error, key: &Key, value: &GivenValue) -> String {
    let one_of = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => Some(values.join(", ")),
        _no_list => None,
    };
    match (error.kind(), error.source(), one_of) {
        (ErrorKind::ValueValidation, Some(reason), _) => reason.to_string(),
        (_, _, Some(values)) if !value.text.is_empty() => format!("one of these is expected: {values}"),
        (_, _, _) => format!("a value is expected, as in {} = {}", key.name, key.example),
    }
}
