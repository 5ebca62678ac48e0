//! The main job without hardware: motes on ptys, the three processes, and a GUI host with its page.
//!
//! `scripts/demo` builds everything and runs this. It listens on free loopback ports, keeps its files
//! in a directory of its own, and leaves nothing behind.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bus::process::{Failure, Process};
use bus::reactor::{Reactor, Wake};
use bus::signals::Signal;
use clap::Parser;
use lbr_tests::demo::{Demo, Way};
use lbr_tests::stack::Motes;
use mqtypes::envelope::Sender;

/// Shows the border router without hardware: emulated motes, the three processes, and the page.
#[derive(Debug, Parser)]
#[command(name = "scripts/demo")]
struct Options {
    /// Wait until everything has been seen to work once, print one line with the times, and end
    #[arg(long)]
    once: bool,

    /// Connect through a private SSH server and a reverse tunnel, as a real GUI host does
    #[arg(long)]
    ssh: bool,

    /// Number of emulated motes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    motes: u16,

    /// Number of emulated motes without a cable, which are known through the root alone
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=100))]
    mesh: u16,

    /// Play a recording instead of emulated motes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["motes", "mesh"])]
    replay: Option<PathBuf>,

    /// How many times as fast as it was the recording is played
    #[arg(long, default_value_t = 1.0, requires = "replay")]
    speed: f64,
}

/// How often the processes are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return bus::options::explain(&error),
    };
    bus::process::run(Sender::Tool, log::LevelFilter::Info, |process| {
        show(process, &options).map_err(|error| Failure::Environment(format!("{error:#}")))
    })
}

fn show(process: &Process, options: &Options) -> anyhow::Result<()> {
    let motes = match &options.replay {
        Some(file) => Motes::Replayed { file: std::fs::canonicalize(file)?, speed: options.speed },
        None => Motes::Mesh { cabled: options.motes, cableless: options.mesh },
    };
    let mut demo = Demo::start(&motes, if options.ssh { Way::Ssh } else { Way::Direct })?;
    if options.once {
        println!("{}", demo.watch_it_work()?);
        return demo.stop();
    }
    println!("\n  The page: {}\n\n  Ctrl-C stops everything.\n", demo.page());
    look_after(process, &mut demo)?;
    demo.stop()
}

/// Waits for Ctrl-C, or for a process that ends by itself.
fn look_after(process: &Process, demo: &mut Demo) -> anyhow::Result<()> {
    let mut reactor: Reactor<()> = Reactor::new(process)?;
    loop {
        match reactor.next(Some(bus::clock::now().after(LOOK_EVERY)))? {
            Wake::Signal(Signal::Stop) => return Ok(()),
            Wake::Signal(Signal::Reload | Signal::Wake) | Wake::Ready(()) => {}
            Wake::Timeout => demo.check()?,
        }
    }
}
