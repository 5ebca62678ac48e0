//! The command line and the file together, at the start and whenever the file is read again.
//!
//! The command line is parsed alone first; then the file's values for what a person left open are put before the person's
//! own words, and all of it is parsed again. So there is one parser, and a flag outranks the file. What is wrong changes nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgMatches, Command, Parser};
use mqtypes::envelope::Sender;

use super::document;
use super::fault::{self, Fault, Faults, MOST_FAULTS};
use super::file::{self, Contents, DEFAULT_FILE};
use super::flags::{self, Called, argument};
use super::given::{Given, look_through};
use super::keys::{Effect, KEYS, Key, Section};
use super::report;
use crate::options::{Common, explain};
use crate::process::Failure;

/// The options of a process that takes its part of the file.
pub trait Settings: Parser {
    /// Who the process is.
    const SENDER: Sender;
    /// Its part of the file, beside the top.
    const SECTION: Section;

    /// What every process takes.
    fn common(&self) -> &Common;

    /// What is wrong with several values together.
    fn objection(&self) -> Option<Objection> {
        None
    }
}

/// A value that is wrong together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The key, or the flag.
    pub key: &'static str,
    /// Which of its values, from 0 on.
    pub at: usize,
    /// What is wrong with it, and the way out.
    pub what: String,
}

/// Each key's values, as they would stand behind its flag. In the order of [`KEYS`], less those that the process does not take.
pub type Values = Vec<(&'static Key, Vec<OsString>)>;

/// The options of a process, and where they come from.
#[derive(Debug)]
pub struct Configuration<O> {
    options: O,
    args: Vec<OsString>,
    source: Source,
    /// What the file gave to the keys that have their effect at a start.
    at_start: Vec<Given>,
    values: Values,
}

/// Which file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// This one; it must be there.
    File(PathBuf),
    /// The usual one, which was not there at the start.
    Absent(PathBuf),
}

/// Why there is no configuration.
enum Refusal {
    CommandLine(clap::Error),
    Together(Failure),
    File(Faults),
}

/// What reading came to.
struct Reading<O> {
    options: O,
    given: Vec<Given>,
    values: Values,
}

/// Reads the command line and the file. A process that is not to run gets the code to exit with; everything is said then.
pub fn begin<O: Settings>(args: impl IntoIterator<Item = OsString>) -> Result<Configuration<O>, ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    let alone = O::try_parse_from(&args).map_err(|error| explain(&error))?;
    let common = alone.common();
    let is_check = common.check_config;
    let configuration = Configuration::<O>::read(args, common.config.as_deref()).map_err(|refusal| match refusal {
        Refusal::CommandLine(error) => explain(&error),
        refusal if is_check => report::refuse(&refusal.lines()),
        refusal => report::complain(O::SENDER, common.log_level, &refusal.lines()),
    })?;
    if is_check { Err(configuration.explain()) } else { Ok(configuration) }
}

impl<O: Settings> Configuration<O> {
    /// The options, for whoever may not change them.
    pub fn options(&self) -> &O {
        &self.options
    }

    fn read(args: Vec<OsString>, named: Option<&Path>) -> Result<Self, Refusal> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE)).to_owned();
        let (source, given) = match (given_by::<O>(&args, &path)?, named) {
            (Some(given), _) => (Source::File(path), given),
            (None, None) => (Source::Absent(path), Vec::new()),
            (None, Some(_)) => return Err(Refusal::File(Faults { file: path, faults: vec![file::missing()] })),
        };
        let reading = combine::<O>(&args, source.path(), given)?;
        let at_start = reading.given.iter().filter(|given| given.key.effect == Effect::Start).cloned().collect();
        Ok(Self { options: reading.options, args, source, at_start, values: reading.values })
    }

    /// Reads the file again. Tells which keys have another value now; those that have their effect at a start keep theirs.
    /// What is wrong is said, and changes nothing.
    pub fn reload(&mut self) -> Vec<&'static str> {
        match self.read_again() {
            Ok((changed, later)) => {
                let level = self.options.common().log_level;
                // Whoever wants to hear less hears of that once more.
                log::set_max_level(level.max(log::max_level()));
                let what = if changed.is_empty() { "nothing has changed".to_owned() } else { format!("new: {}", changed.join(", ")) };
                log::info!("SIGHUP: {}: {what}", self.source.words());
                for key in later {
                    log::warn!("{key}: takes effect at the next start");
                }
                log::set_max_level(level);
                changed
            }
            Err(refusal) => {
                for line in refusal.lines() {
                    log::error!("{line}");
                }
                log::warn!("SIGHUP: everything stays as it was until {} is put right and read again", self.source.path().display());
                Vec::new()
            }
        }
    }

    fn read_again(&mut self) -> Result<(Vec<&'static str>, Vec<&'static str>), Refusal> {
        let path = self.source.path().to_owned();
        let (source, given) = match (given_by::<O>(&self.args, &path)?, &self.source) {
            (Some(given), _) => (Source::File(path.clone()), given),
            (None, Source::Absent(_)) => (self.source.clone(), Vec::new()),
            (None, Source::File(_)) => return Err(Refusal::File(Faults { file: path, faults: vec![file::missing()] })),
        };
        let wanted = combine::<O>(&self.args, &path, given)?;
        let is_now = |given: &&Given| given.key.effect == Effect::Reload;
        let now = wanted.given.iter().filter(is_now).chain(&self.at_start).cloned().collect();
        let mixed = combine::<O>(&self.args, &path, now)?;
        let changed = differing(&self.values, &mixed.values);
        let later = differing(&mixed.values, &wanted.values);
        (self.options, self.values, self.source) = (mixed.options, mixed.values, source);
        Ok((changed, later))
    }

    fn explain(&self) -> ExitCode {
        let mut command = O::command();
        command.build();
        let Ok(matches) = command.clone().try_get_matches_from(&self.args) else { return ExitCode::SUCCESS };
        let called = Called::new(&command, &matches);
        report::accept(&self.source.words(), &called, &self.values)
    }
}

impl Source {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Absent(path) => path,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::File(path) => format!("{}: in order", path.display()),
            Self::Absent(path) => format!("{}: not there, which is in order", path.display()),
        }
    }
}

impl Refusal {
    fn lines(&self) -> Vec<String> {
        match self {
            Self::CommandLine(error) => vec![error.to_string()],
            Self::Together(failure) => vec![failure.to_string()],
            Self::File(faults) => faults.lines().collect(),
        }
    }
}

/// What a file gives to this process; nothing at all when it is not there.
fn given_by<O: Settings>(args: &[OsString], path: &Path) -> Result<Option<Vec<Given>>, Refusal> {
    match file::read(path) {
        Ok(Contents::Text(text)) => given_in::<O>(args, path, &text).map(Some),
        Ok(Contents::Missing) => Ok(None),
        Err(fault) => Err(Refusal::File(Faults { file: path.to_owned(), faults: vec![fault] })),
    }
}

/// What a text gives to this process.
fn given_in<O: Settings>(args: &[OsString], path: &Path, text: &str) -> Result<Vec<Given>, Refusal> {
    let (mut given, mut faults) = read_for(O::command(), O::SECTION, args, text)?;
    if faults.is_empty() {
        return Ok(given);
    }
    // Those that are right may be wrong together.
    for one in &mut given {
        one.values.retain(|value| faults.iter().all(|fault| fault.line != Some(value.line)));
    }
    if let Err(Refusal::File(more)) = combine::<O>(args, path, given) {
        faults.extend(more.faults);
        fault::sort(&mut faults);
    }
    Err(Refusal::File(Faults { file: path.to_owned(), faults }))
}

/// What a text gives to the command that this command line calls, and what is wrong in it.
fn read_for(mut command: Command, section: Section, args: &[OsString], text: &str) -> Result<(Vec<Given>, Vec<Fault>), Refusal> {
    command.build();
    let alone = command.clone().try_get_matches_from(args).map_err(Refusal::CommandLine)?;
    Ok(read_text(text, section, &command, Called::new(&command, &alone).command()))
}

/// All that is wrong with a text for the process with these options, in the order of its lines.
pub fn examine<O: Settings>(text: &str) -> Vec<Fault> {
    let args = [OsString::from(O::command().get_name())];
    let path = Path::new(DEFAULT_FILE);
    match given_in::<O>(&args, path, text).and_then(|given| combine::<O>(&args, path, given)) {
        Ok(_) => Vec::new(),
        Err(Refusal::File(faults)) => faults.faults,
        Err(refusal @ (Refusal::CommandLine(_) | Refusal::Together(_))) => refusal.lines().into_iter().map(Fault::of_file).collect(),
    }
}

/// A subcommand asks about nothing that it does not take itself: it shall work beside a process that still has what the file
/// said before.
fn read_text(text: &str, section: Section, process: &Command, called: &Command) -> (Vec<Given>, Vec<Fault>) {
    let (document, mut faults) = document::read(text);
    let (given, unknown) = look_through(&document, section);
    if process.get_name() == called.get_name() {
        faults.extend(unknown);
    }
    for one in &given {
        faults.extend(flags::judge(called, one));
    }
    fault::sort(&mut faults);
    if let Some(Fault { line, .. }) = faults.get(MOST_FAULTS) {
        let more = Fault { line: *line, place: String::new(), what: "more is wrong from here on: begin with what is before".to_owned() };
        faults.truncate(MOST_FAULTS);
        faults.push(more);
    }
    (given, faults)
}

/// Parses the command line with the file's values in it.
fn combine<O: Settings>(args: &[OsString], path: &Path, given: Vec<Given>) -> Result<Reading<O>, Refusal> {
    let (matches, given, values) = parse_together(O::command(), args, given)?;
    let options = O::from_arg_matches(&matches).map_err(Refusal::CommandLine)?;
    match options.objection() {
        Some(objection) => Err(refuse_together(&objection, path, &given)),
        None => Ok(Reading { options, given, values }),
    }
}

/// What clap makes of the command line with the file's values in it, those values that are used, and what each key comes to.
fn parse_together(mut command: Command, args: &[OsString], given: Vec<Given>) -> Result<(ArgMatches, Vec<Given>, Values), Refusal> {
    command.build();
    let alone = command.clone().try_get_matches_from(args).map_err(Refusal::CommandLine)?;
    let called = Called::new(&command, &alone);
    let used: Vec<Given> = given.into_iter().filter(|given| called.leaves_open(given.key)).collect();
    let matches = parse_with(&command, args, called.command().get_name(), &used)?;
    let together = Called::new(&command, &matches);
    let values = KEYS.iter().filter_map(|key| Some((key, together.values(key)?))).collect();
    Ok((matches, used, values))
}

/// The file's words come first, behind the name of the command that they are for.
fn parse_with(command: &Command, args: &[OsString], name: &str, given: &[Given]) -> Result<ArgMatches, Refusal> {
    let behind = args.iter().skip(1).position(|arg| arg == name).map_or(1, |at| at + 2);
    let (before, after) = args.split_at(behind.min(args.len()));
    let words = given.iter().flat_map(|given| given.values.iter().map(|value| argument(given.key, value)));
    let all = before.iter().cloned().chain(words).chain(after.iter().cloned());
    command.clone().try_get_matches_from(all).map_err(Refusal::CommandLine)
}

fn refuse_together(objection: &Objection, path: &Path, given: &[Given]) -> Refusal {
    let Objection { key, at, what } = objection;
    let by_file = given.iter().find(|given| given.key.name == *key).and_then(|given| Some((given.key, given.values.get(*at)?)));
    match by_file {
        Some((key, value)) => {
            let fault = Fault::new(value.line, format!("{} = {}", key.place(), value.shown), what);
            Refusal::File(Faults { file: path.to_owned(), faults: vec![fault] })
        }
        None => Refusal::Together(Failure::Configuration(format!("--{key} {what}"))),
    }
}

fn differing(before: &Values, after: &Values) -> Vec<&'static str> {
    after.iter().filter(|one| !before.contains(one)).map(|(key, _)| key.name).collect()
}
