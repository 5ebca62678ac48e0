//! `mq-inspect`: what a person at the router's console needs to see.
//!
//! It looks at queues without taking anything from them, and subscribes like any member of the bus,
//! with a queue of its own. It must never receive from an inbox of somebody else's, and takes one away
//! from a living process only when it is told to. Recordings it decodes without any queue.

mod capture;
mod decode;
mod drain;
mod existing;
#[cfg(test)]
mod golden;
mod grid;
mod health;
mod list;
mod mote_name;
mod motes;
mod name;
mod options;
mod picture;
mod pipe;
mod port_name;
mod process;
mod record;
pub mod replay;
mod rows;
mod screen;
mod send;
mod show;
mod stats;
mod subscriber;
mod survey;
mod tap;
mod terminal;
mod time;
mod top;
mod unlink;
mod view;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use options::{Options, Task};

/// How a task ended that nothing kept from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What was asked for is done.
    Done,
    /// The queue or process that was asked for is not there. Exit code 1.
    NothingThere,
    /// Some of what was asked for was refused. Exit code 1.
    Refused,
    /// A command was refused, or is for no mote. Exit code 3.
    CommandRefused,
    /// A command did not end in time. Exit code 4.
    CommandTimedOut,
    /// A command was begun, and broke. Exit code 5.
    CommandFailed,
    /// The file is not what it was said to be. Exit code 65, `EX_DATAERR`.
    WrongFile,
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    <Options as clap::CommandFactory>::command()
}

/// Runs the tool.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match Options::read(args) {
        Ok(options) => options,
        Err(error) => return bus::options::explain(&error),
    };
    let ended = match &options.task {
        Task::List(options) => list::run(options),
        Task::Tap(options) => tap::run(options),
        Task::Drain(options) => drain::run(options),
        Task::Unlink(options) => unlink::run(options),
        Task::Motes(options) => motes::run(options),
        Task::Show(options) => show::run(options),
        Task::Top(options) => top::run(options),
        Task::Stats(options) => stats::run(options),
        Task::Send(options) => send::run(options),
        Task::Decode(options) => decode::run(options),
        Task::Capture(options) => capture::run(options),
        Task::Record(options) => record::run(options),
        Task::Replay(options) => replay::run(options),
    };
    match ended {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::NothingThere | End::Refused) => ExitCode::from(1),
        Ok(End::CommandRefused) => ExitCode::from(3),
        Ok(End::CommandTimedOut) => ExitCode::from(4),
        Ok(End::CommandFailed) => ExitCode::from(5),
        Ok(End::WrongFile) => ExitCode::from(65),
        Err(failure) => {
            terminal::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
