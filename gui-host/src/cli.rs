//! The command line. It only says what was asked; `lib.rs` does it.
//!
//! There is no option for an address to bind: both listeners are for this computer alone.

#![expect(clippy::doc_markdown, reason = "the comments of options are their help texts, without markup")]

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    capture::client::CaptureOptions,
    discover::DiscoverOptions,
    guard::{self, GuardOptions},
    history::{
        civil::When,
        question::{Export, Format},
        store::Keep,
    },
    ssh::Dialect,
    target::Target,
};

/// The port that `ui-proxy` dials unless it is configured otherwise.
pub const DEFAULT_LINK_PORT: u16 = 8000;

/// Takes the links of OpenWSN border routers and serves the page that shows them.
#[derive(Debug, Parser)]
#[command(name = "gui-host", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: ServeOptions,
}

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// Serve until told to stop.
    Serve(ServeOptions),
    /// Make a key file.
    Keygen(KeygenOptions),
    /// Print history.
    Export(ExportOptions),
    /// List the routers of the local network.
    Discover(DiscoverOptions),
    /// Hand packets to Wireshark.
    Capture(CaptureOptions),
    /// Run a program until nobody wants it any more.
    Guard(GuardOptions),
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the key file that this host and its routers share, and print how to copy it.
    Keygen(KeygenOptions),
    /// List the border routers that announce themselves on the local network.
    Discover(DiscoverOptions),
    /// Write packets of the running host's meshes as pcapng, for Wireshark.
    Capture(CaptureOptions),
    /// Run a program until standard input ends; how the host starts ssh.
    #[command(name = guard::VERB, hide = true)]
    Guard(GuardOptions),
    /// What was kept of figures, events and counters.
    #[command(subcommand)]
    History(HistoryVerb),
}

#[derive(Debug, Subcommand)]
enum HistoryVerb {
    /// Print what was kept, in the order of time; the newest few seconds of a running host are not in it yet.
    Export(ExportOptions),
}

/// Options of `gui-host history export`.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// How it is written.
    #[arg(long, value_enum, value_name = "HOW")]
    pub format: Format,

    /// The database [default: $XDG_DATA_HOME/openwsn-lbr/history.sqlite, or that in ~/.local/share; on Windows in %LOCALAPPDATA%].
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,

    /// Only of the border router of this id.
    #[arg(long, value_name = "ID")]
    lbr: Option<String>,

    /// Only of the mote of this EUI-64, 16 lower-case hex digits.
    #[arg(long, value_name = "EUI")]
    mote: Option<String>,

    /// From this time on: 2026-11-21, 2026-11-21T08:30:00Z, Unix milliseconds, or how long ago, such as 15m, 2h, 7d
    /// [default: all].
    #[arg(long, value_name = "TIME")]
    from: Option<When>,

    /// Until this time [default: now].
    #[arg(long, value_name = "TIME")]
    to: Option<When>,
}

impl ExportOptions {
    /// What is to be printed, if it is now that time (Unix ms).
    pub fn question(&self, now: u64) -> Result<Export, String> {
        let from = self.from.map_or(0, |from| from.unix_ms(now));
        let to = self.to.map_or(now, |to| to.unix_ms(now));
        Export { lbr: self.lbr.clone(), mote: self.mote.clone(), from, to, format: self.format }.check()
    }
}

/// Options of `gui-host keygen`.
#[derive(Debug, Args)]
pub struct KeygenOptions {
    /// Where to put the key
    /// [default: $XDG_CONFIG_HOME/lbr/ui.key, or ~/.config/lbr/ui.key].
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub key_file: Option<PathBuf>,
}

/// Options of `gui-host`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Border router to set up the tunnel to, as ssh knows it; may be given several times.
    /// It must let you in without a password.
    #[arg(long, value_name = "USER@HOST", allow_hyphen_values = true, verbatim_doc_comment)]
    pub lbr: Vec<Target>,

    /// Port for the links of routers, on 127.0.0.1 and ::1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_LINK_PORT)]
    pub link_port: u16,

    /// Port for the page, on 127.0.0.1 and ::1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,

    /// Port that routers dial on their side of the tunnel; it enters the proof
    /// [default: 8000 with --lbr, else the link port].
    #[arg(long, value_name = "PORT", verbatim_doc_comment, value_parser = clap::value_parser!(u16).range(1..))]
    pub remote_port: Option<u16>,

    /// How routers and this host prove themselves to each other.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Auth::Key)]
    pub auth: Auth,

    /// The shared key, a file of mode 0600 or 0640
    /// [default: $XDG_CONFIG_HOME/lbr/ui.key, or ~/.config/lbr/ui.key].
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub key_file: Option<PathBuf>,

    /// Print each message of the links as a line of JSON, and take commands as lines of JSON.
    #[arg(long)]
    pub json: bool,

    /// Take links only, serve no page.
    #[arg(long)]
    pub no_page: bool,

    /// Open the page in the browser. While that starts, other users of this computer can see
    /// the page's token in the list of processes.
    #[arg(long, conflicts_with = "no_page", verbatim_doc_comment)]
    pub open: bool,

    /// Where to leave the page's address with its token, mode 0600, for `gui-host capture`
    /// [default: $XDG_RUNTIME_DIR/openwsn-lbr/page, if there is such a folder].
    #[arg(long, value_name = "FILE", conflicts_with = "no_page", verbatim_doc_comment)]
    pub page_file: Option<PathBuf>,

    /// A file of mode 0600 or 0640 with a token, 16 to 256 letters and digits, that opens
    /// /metrics and nothing else; the page's token does so too, but is new at each start.
    /// Prometheus sends it with `authorization: {credentials_file: FILE}`.
    #[arg(long, value_name = "FILE", conflicts_with = "no_page", verbatim_doc_comment)]
    pub metrics_token: Option<PathBuf>,

    /// The database of history
    /// [default: $XDG_DATA_HOME/openwsn-lbr/history.sqlite, or that in ~/.local/share;
    /// on Windows in %LOCALAPPDATA%].
    #[arg(long, value_name = "FILE", conflicts_with = "no_history", verbatim_doc_comment)]
    pub history: Option<PathBuf>,

    /// Keep no history but the last 15 minutes, in memory.
    #[arg(long)]
    pub no_history: bool,

    /// Days that history is kept.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    pub history_days: u16,

    /// Megabytes that the database of history may have; the oldest gives way.
    #[arg(long, value_name = "MB", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    pub history_size: u16,

    /// Configuration file for ssh (its -F).
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,

    /// The ssh program. One named plink gets PuTTY's options; it has saved sessions in place of
    /// --ssh-config, and should be told there to send keepalives.
    #[arg(long, value_name = "PROGRAM", default_value = "ssh", verbatim_doc_comment)]
    pub ssh: OsString,

    /// Command that wakes ui-proxy on the router
    /// [default: `pkill -USR1 -x ui-proxy`, else `ui-proxy wake --port PORT`].
    #[arg(long, value_name = "COMMAND", value_parser = wake_command, allow_hyphen_values = true, verbatim_doc_comment)]
    pub wake_command: Option<String>,
}

impl ServeOptions {
    /// How much history is kept.
    pub fn keep(&self) -> Keep {
        Keep { age: u64::from(self.history_days) * 24 * 60 * 60 * 1000, bytes: u64::from(self.history_size) * 1_000_000 }
    }
}

/// Values of `--auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// With the key file.
    Key,
    /// Not at all: for trying out; any user of the router can then pose as the other side.
    None,
}

/// Reads the command line.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Task, clap::Error> {
    let cli = Cli::try_parse_from(arguments)?;
    match cli.verb {
        Some(Verb::Keygen(options)) => Ok(Task::Keygen(options)),
        Some(Verb::History(HistoryVerb::Export(options))) => Ok(Task::Export(options)),
        Some(Verb::Discover(options)) => Ok(Task::Discover(options)),
        Some(Verb::Capture(options)) => Ok(Task::Capture(options)),
        Some(Verb::Guard(options)) => Ok(Task::Guard(options)),
        None => check(cli.serve).map(Task::Serve),
    }
}

fn check(options: ServeOptions) -> Result<ServeOptions, clap::Error> {
    if !options.no_page && options.port != 0 && options.port == options.link_port {
        return Err(conflict(&format!(
            "--port {} and --link-port {} are the same; what the tunnel exposes and the page need a port each",
            options.port, options.link_port
        )));
    }
    if options.auth == Auth::None && options.key_file.is_some() {
        return Err(conflict("--auth none uses no key; leave out either it or --key-file"));
    }
    if options.lbr.len() > MAX_TARGETS {
        return Err(conflict(&format!("--lbr was given {} times; a host takes at most {MAX_TARGETS}", options.lbr.len())));
    }
    if let Some(twice) = options.lbr.iter().enumerate().find_map(|(index, lbr)| options.lbr[..index].contains(lbr).then_some(lbr)) {
        return Err(conflict(&format!("--lbr {twice} was given twice; a router gives its port to one tunnel")));
    }
    if options.ssh_config.is_some() && Dialect::of(&options.ssh) == Dialect::Plink {
        return Err(conflict("--ssh-config is for OpenSSH; with plink, give the name of a saved session as --lbr"));
    }
    Ok(options)
}

/// Most `--lbr` options; each has an ssh of its own.
const MAX_TARGETS: usize = 8;

fn conflict(text: &str) -> clap::Error {
    use clap::CommandFactory;
    Cli::command().error(ErrorKind::ArgumentConflict, text)
}

/// The refusal of values that do not fit together.
pub fn refusal(text: &str) -> clap::Error {
    use clap::CommandFactory;
    Cli::command().error(ErrorKind::ValueValidation, text)
}

/// A remote command is one argument of `ssh`, after the target, where `ssh` still takes options.
fn wake_command(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("it is empty; give the command that wakes ui-proxy".to_owned())
    } else if text.starts_with('-') {
        Err("it must not begin with '-'; ssh would take it for an option".to_owned())
    } else if text.contains(|c: char| c.is_control()) {
        Err("control characters are not allowed".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> String {
        let all = std::iter::once(&"gui-host").chain(arguments);
        parse(all).unwrap_err().to_string()
    }

    #[test]
    fn wrong_flags_name_the_flag_the_value_and_the_reason() {
        let check = |arguments: &[&str], expect: &[&str]| {
            let error = refused(arguments);
            for word in expect {
                assert!(error.contains(word), "{arguments:?}: {error}");
            }
        };
        check(&["--lbr", "a b"], &["--lbr", "a b", "white space"]);
        check(&["--lbr=-oProxyCommand=id"], &["--lbr", "begin with '-'"]);
        check(&["--port", "70000"], &["--port", "70000", "65535"]);
        check(&["--remote-port", "0"], &["--remote-port", "0"]);
        check(&["--port", "8000"], &["--port 8000", "--link-port 8000"]);
        check(&["--wake-command=-v"], &["--wake-command", "begin with '-'"]);
        check(&["--auth", "none", "--key-file", "x"], &["--auth none", "--key-file"]);
        check(&["keygen", "--json"], &["--json"]);
        check(&["--lbr", "me@a", "--lbr", "b", "--lbr", "me@a"], &["--lbr me@a", "twice"]);
        check(&["--ssh", "plink", "--ssh-config", "x"], &["--ssh-config", "saved session"]);
        check(&["--open", "--no-page"], &["--open", "--no-page"]);
        check(&["discover", "--time", "0"], &["--time", "0"]);
    }

    #[test]
    fn the_same_port_is_fine_without_a_page() {
        assert!(parse(["gui-host", "--port", "8000", "--no-page"]).is_ok());
    }
}
