//! The command line. It only says what was asked; `lib.rs` does it.
//!
//! There is no option for an address to bind: both listeners are for this computer alone.

#![expect(clippy::doc_markdown, reason = "the comments of options are their help texts, without markup")]

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::target::Target;

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
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the key file that this host and its routers share, and print how to copy it.
    Keygen(KeygenOptions),
}

/// Options of `gui-host keygen`.
#[derive(Debug, Args)]
pub struct KeygenOptions {
    /// Where to put the key [default: $XDG_CONFIG_HOME/lbr/ui.key, or ~/.config/lbr/ui.key].
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// Options of `gui-host`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Border router to set up the tunnel to, with ssh; may be given several times.
    #[arg(long, value_name = "USER@HOST", allow_hyphen_values = true)]
    pub lbr: Vec<Target>,

    /// Port for the links of routers, on 127.0.0.1 and ::1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_LINK_PORT)]
    pub link_port: u16,

    /// Port for the page, on 127.0.0.1 and ::1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,

    /// Port that routers dial on their side of the tunnel; it enters the proof
    /// [default: 8000 with --lbr, else the link port].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub remote_port: Option<u16>,

    /// How routers and this host prove themselves to each other.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Auth::Key)]
    pub auth: Auth,

    /// The shared key, a file of mode 0600 or 0640
    /// [default: $XDG_CONFIG_HOME/lbr/ui.key, or ~/.config/lbr/ui.key].
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Print each message of the links as a line of JSON, and take commands as lines of JSON.
    #[arg(long)]
    pub json: bool,

    /// Take links only, serve no page.
    #[arg(long)]
    pub no_page: bool,

    /// Configuration file for ssh (its -F).
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,

    /// The ssh program.
    #[arg(long, value_name = "PROGRAM", default_value = "ssh")]
    pub ssh: OsString,

    /// Command that wakes ui-proxy on the router
    /// [default: `pkill -USR1 -x ui-proxy`, else `ui-proxy wake --port PORT`].
    #[arg(long, value_name = "COMMAND", value_parser = wake_command, allow_hyphen_values = true)]
    pub wake_command: Option<String>,
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
    Ok(options)
}

/// Most `--lbr` options; each has an ssh of its own.
const MAX_TARGETS: usize = 8;

fn conflict(text: &str) -> clap::Error {
    use clap::CommandFactory;
    Cli::command().error(ErrorKind::ArgumentConflict, text)
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
    }

    #[test]
    fn the_same_port_is_fine_without_a_page() {
        assert!(parse(["gui-host", "--port", "8000", "--no-page"]).is_ok());
    }
}
