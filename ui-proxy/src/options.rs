//! The command line. Everything a person can get wrong is refused here, with the way out.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use bus::config::Settings;
use bus::config::keys::Section;
use bus::options::Common;
use clap::{Args, Parser, ValueEnum};
use mqtypes::envelope::Sender;

use crate::announce::AnnounceCall;
use crate::identity;
use crate::url::WsUrl;

/// Carries the border router's state to the GUI host on a person's PC, when it is woken
///
/// It waits for SIGUSR1 or `ui-proxy wake`, then connects to the GUI host, usually through a reverse tunnel that the GUI
/// host has opened.
#[derive(Debug, Parser)]
#[command(name = "ui-proxy", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do; without it, run.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// How to run.
    #[command(flatten)]
    pub options: Options,
}

/// Whoever wakes from a script or through SSH has only this.
const WAKE_STATUS: &str = "Whoever is root, the user that ui-proxy runs as, or a member of its group may do this.\n\n\
     Exit status: 0 it was told; 2 wrong command line; 69 none runs here under this instance, or this user may not\n\
     wake it, or it does not read its queue; 78 wrong configuration file.";

/// What else the program can do.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Tell the running ui-proxy to connect, as SIGUSR1 does
    #[command(after_help = WAKE_STATUS)]
    Wake(WakeCall),
    /// Print the service file with which avahi-daemon announces this router on the local network
    Announce(AnnounceCall),
}

impl Settings for Arguments {
    const SENDER: Sender = Sender::UiProxy;
    const SECTION: Section = Section::UiProxy;

    fn common(&self) -> &Common {
        match &self.subcommand {
            Some(Subcommand::Wake(call)) => &call.common,
            Some(Subcommand::Announce(call)) => &call.common,
            None => &self.options.common,
        }
    }
}

/// How to run.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where the GUI host listens, seen from here; `localhost` means 127.0.0.1
    #[arg(long, default_value = "ws://localhost:8000/lbr")]
    pub url: WsUrl,

    /// File with the key shared with the GUI host; default: ui.key in the state directory
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Directory for what lasts: the router's id and key
    #[arg(long, value_name = "DIR", default_value = "/var/lib/lbr")]
    pub state_dir: PathBuf,

    /// How the two sides prove themselves; `none` is for trying out, on both sides
    #[arg(long, value_name = "HOW", default_value = "key")]
    pub auth: AuthMode,

    /// The router's id, 1 to 64 letters, digits, `-`, `_` or `.`; default: a random one, kept in the state directory
    #[arg(long, value_parser = identity::parse_id)]
    pub id: Option<String>,

    /// The router's name for people, at most 64 bytes; default: the host name
    #[arg(long, value_parser = identity::parse_name)]
    pub name: Option<String>,

    /// How long to try again after a link was lost, or could not be made, seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub retry_for: u32,

    /// Port of this machine's SSH server: what `ui-proxy announce` tells, here only so that the file's value is checked
    #[arg(long, value_name = "PORT", default_value = "22", value_parser = clap::value_parser!(u16).range(1..))]
    pub ssh_port: u16,

    /// What every process takes.
    #[command(flatten)]
    pub common: Common,
}

impl Options {
    /// Where the key is.
    pub fn key_path(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.state_dir.join("ui.key"))
    }

    /// [`Self::retry_for`] as a duration.
    pub fn retry_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.retry_for))
    }
}

/// A day at most: whoever wants a link for longer wakes it again.
fn seconds(text: &str) -> Result<u32, String> {
    const RANGE: RangeInclusive<u32> = 0..=86_400;
    let seconds = text.parse().ok().filter(|seconds| RANGE.contains(seconds));
    seconds.ok_or_else(|| format!("{text} is not in {}..={}: give seconds in that range", RANGE.start(), RANGE.end()))
}

/// How the two sides prove themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// By a key that both hold
    Key,
    /// Not at all
    None,
}

/// `ui-proxy wake`.
#[derive(Debug, Clone, Args)]
pub struct WakeCall {
    /// Port to dial instead of the configured one, for this connection
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// What every process takes.
    #[command(flatten)]
    pub common: Common,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_is_a_key_of_the_file() {
        use clap::CommandFactory;
        assert_eq!(bus::config::keys::differences(&Arguments::command(), Section::UiProxy, &[]), [] as [String; 0]);
    }

    #[test]
    fn without_arguments_it_runs_with_the_documented_defaults() {
        let arguments = parse("ui-proxy").expect("valid");
        assert!(arguments.subcommand.is_none());
        let options = arguments.options;
        assert_eq!(options.url.to_string(), "ws://localhost:8000/lbr");
        assert_eq!(options.key_path(), PathBuf::from("/var/lib/lbr/ui.key"));
        assert_eq!((options.auth, options.retry_for()), (AuthMode::Key, Duration::from_mins(1)));
    }

    #[test]
    fn wake_takes_a_port_and_an_instance() {
        let arguments = parse("ui-proxy wake --port 8001 --instance test").expect("valid");
        let Some(Subcommand::Wake(call)) = arguments.subcommand else { panic!("no wake") };
        assert_eq!((call.port, call.common.instance.as_str()), (Some(8001), "test"));
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_its_name() {
        for (line, named) in [
            ("ui-proxy --url http://localhost/", "--url"),
            ("ui-proxy --retry-for 86401", "--retry-for"),
            ("ui-proxy --retry-for -1", "-1"),
            ("ui-proxy --id a/b", "--id"),
            ("ui-proxy --name \u{7}", "--name"),
            ("ui-proxy --auth maybe", "--auth"),
            ("ui-proxy wake --port 0", "--port"),
            ("ui-proxy --instance x wake", "wake"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
