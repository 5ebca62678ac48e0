//! The owner of the border router's serial ports.
//!
//! It knows bytes and frames, and not what a frame means. The thinking is in [`bridge::Bridge`], which is pure; `tty` and
//! `tcp` talk to the kernel about descriptors, `watcher` about device nodes; this file is wiring.

mod address;
mod backoff;
pub mod bridge;
mod check;
mod claims;
mod echo;
pub mod gate;
mod harbour;
pub mod line;
mod options;
pub mod output;
mod pattern;
pub mod port;
pub mod rates;
mod search;
mod spec;
mod station;
mod tcp;
pub mod trouble;
mod tty;
mod watcher;
mod wire;
mod wishes;

use std::ffi::OsString;
use std::process::ExitCode;

use bus::clock;
use bus::config::Configuration;
use bus::inbox::{Drained, Inbox};
use bus::process::{self, Failure, Process};
use bus::reactor::{Reactor, Wake};
use bus::signals::Signal;
use bus::watchdog::Watchdog;
use mqtypes::envelope::Sender;
use mqtypes::mono::Mono;
use mqtypes::queues::SERIAL_BRIDGE;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use harbour::Source;
use options::Options;
use station::Station;

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    <Options as clap::CommandFactory>::command()
}

/// Runs the process until it is told to stop.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let configuration = match bus::config::begin::<Options>(args) {
        Ok(configuration) => configuration,
        Err(end) => return end,
    };
    let options = configuration.options();
    match &options.check {
        Some(port) => check::run(port, &options.baud),
        None => process::run(Sender::SerialBridge, options.common.log_level, |process| serve(process, configuration)),
    }
}

fn serve(process: &Process, mut configuration: Configuration<Options>) -> Result<(), Failure> {
    let options = configuration.options();
    let (ports, instance) = (options.ports(), options.common.instance.as_str());
    let mut reactor = Reactor::new(process)?;
    // The inbox comes before the ports: it tells whether another of us is running.
    let mut commands = Inbox::own(instance, &SERIAL_BRIDGE)?;
    commands.watch(&reactor.register(Source::Commands))?;
    process.ready(instance);
    if ports.is_empty() {
        log::info!("no port is configured: idle until one is named, in the file or by --port PATH");
    }
    allow_many_descriptors();
    let mut station = Station::new(process.identity, instance, ports, &options.baud, &mut reactor, clock::now());
    station.flush(clock::now(), &commands);
    let mut watchdog = Watchdog::from_environment();
    loop {
        let wake = reactor.next(Mono::earliest(station.poll_timeout(), watchdog.poll_timeout()))?;
        let now = clock::now();
        match wake {
            Wake::Ready(Source::Commands) => {
                if commands.drain(|_, command| station.command(now, command))? == Drained::More {
                    reactor.again(Source::Commands);
                }
            }
            Wake::Ready(Source::Port(id)) => {
                if station.serve(now, id) == Drained::More {
                    reactor.again(Source::Port(id));
                }
            }
            Wake::Ready(Source::Nodes) => {
                if station.look_around(now, &mut reactor) == Drained::More {
                    reactor.again(Source::Nodes);
                }
            }
            Wake::Timeout => station.timeout(now),
            Wake::Signal(Signal::Stop) => return Ok(()),
            Wake::Signal(Signal::Reload) => process::reload(|| {
                if !configuration.reload().is_empty() {
                    let options = configuration.options();
                    station.refit(now, options.ports(), &options.baud, &mut reactor);
                }
            }),
            Wake::Ready(Source::Room) | Wake::Signal(Signal::Wake) => {}
        }
        if reactor.is_round_done() {
            station.flush(now, &commands);
        }
        watchdog.handle_round(now, &commands);
    }
}

/// A port costs a descriptor, and a process is usually given 1,024 unless it asks for what it may have.
fn allow_many_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = hard.min(harbour::MOST_PORTS as rlim_t + 64);
        if soft < wanted {
            // What is missing is told for each port that cannot be opened.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
        }
    }
}
