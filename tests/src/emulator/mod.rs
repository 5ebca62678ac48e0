//! Motes without hardware: recorded ones, played again, and synthetic ones. The program `mote-emulator` is built from here.
//!
//! Each mote is the master end of a pty; its slave end has a stable name, a symbolic link in a directory. The thinking is pure
//! and takes its time from outside: [`replay::Replay`] plays a recording, [`network::Network`] is a mesh of [`mote::Mote`]s,
//! to which [`command::Command`]s happen by a [`plan::Plan`]. Around it lies a shell, which alone touches the kernel. Motes
//! are built from the product's own frame, 6LoWPAN and HDLC code, pinned by the recordings; nothing of this may run on a router.

pub mod command;
mod complaint;
pub mod mote;
pub mod network;
mod options;
pub mod plan;
mod random;
mod receiver;
pub mod replay;
mod script;
mod shell;

use std::ffi::OsString;
use std::process::ExitCode;

use bus::process::{Failure, Process};
use clap::Parser;
use log::LevelFilter;
use mqtypes::envelope::Sender;

use crate::recording::Recording;
use network::Network;
use options::{Emulate, Options, Replay as ReplayOptions, Task};
use replay::Replay;
use shell::Shell;

pub use options::{Ending, Laps, Speed};
pub use receiver::Input;
pub use script::{Event, Plug, Reader, Script};

/// Runs the program until it is told to stop, or until everything is played.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match Options::try_parse_from(args) {
        Ok(options) => options,
        Err(error) => return bus::options::explain(&error),
    };
    bus::process::run(Sender::Tool, LevelFilter::Info, |process| match &options.task {
        Task::Replay(options) => play(process, options),
        Task::Emulate(options) => emulate(process, options),
    })
}

fn play(process: &Process, options: &ReplayOptions) -> Result<(), Failure> {
    let recording = Recording::load(&options.file).map_err(|error| Failure::Configuration(error.to_string()))?;
    let replay = Replay::new(&recording, options.speed, options.laps());
    Shell::new(process, replay, &options.place)?.run(options.ending())
}

fn emulate(process: &Process, options: &Emulate) -> Result<(), Failure> {
    let plan = options.plan().map_err(Failure::Configuration)?;
    let network = Network::new(options.kit(), plan);
    Shell::new(process, network, &options.place)?.with_console()?.run(Ending::Stays)
}
