//! `mq-inspect`: what a person at the router's console needs to see.
//!
//! It looks at queues without taking anything from them, and subscribes like any member of the bus,
//! with a queue of its own. It must never receive from an inbox of somebody else's, and takes one away
//! from a living process only when it is told to. Recordings it decodes without any queue.

mod decode;
mod list;
mod name;
mod options;
mod process;
mod survey;
mod tap;
mod terminal;
mod time;
mod unlink;

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
    /// The file is not what it was said to be. Exit code 65, `EX_DATAERR`.
    WrongFile,
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
        Task::Unlink(options) => unlink::run(options),
        Task::Decode(options) => decode::run(options),
    };
    match ended {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::NothingThere | End::Refused) => ExitCode::from(1),
        Ok(End::WrongFile) => ExitCode::from(65),
        Err(failure) => {
            terminal::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
