//! `ui-proxy`: carries the bus to a GUI host on a person's PC, as JSON over WebSocket, and a person's commands back.
//!
//! It listens on nothing. It sleeps until somebody wakes it, dials the GUI host (through a reverse tunnel), proves that it
//! holds the shared key, says everything it knows and then what changes. It is the only process that speaks JSON to the network.
//!
//! The thinking is in [`link`] (is there a link?) and [`session`] (what is said over it); both are told what time it is and
//! touch neither clock nor descriptor. [`proxy`], [`dial`] and [`socket`] are the thin shell around them.

use std::ffi::OsString;
use std::process::ExitCode;

use bus::signals;
use mqtypes::envelope::Sender;

pub mod announce;
pub mod dial;
pub mod identity;
pub mod json;
pub mod key;
pub mod link;
pub mod message;
pub mod options;
pub mod proof;
pub mod proxy;
pub mod request;
#[cfg(test)]
#[path = "../tests/schema/mod.rs"]
mod schema;
pub mod session;
pub mod socket;
pub mod url;
pub mod wake;

use options::{Arguments, Subcommand};

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Before anything else: until then SIGUSR1 kills. A failure is told when the process blocks them for good.
    let _ = signals::block();
    let configuration = match bus::config::begin::<Arguments>(args) {
        Ok(configuration) => configuration,
        Err(end) => return end,
    };
    let Arguments { subcommand, options } = configuration.options();
    match subcommand {
        Some(Subcommand::Wake(call)) => wake::run(call),
        Some(Subcommand::Announce(call)) => announce::run(call),
        None => bus::process::run(Sender::UiProxy, options.common.log_level, |process| proxy::run(process, configuration)),
    }
}
