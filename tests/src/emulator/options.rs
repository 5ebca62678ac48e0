//! The command line of `mote-emulator`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mqtypes::ids::Asn;

use super::command;
use super::mote::{FlowControl, LARGEST_ASN};
use super::network::Kit;
use super::plan::Plan;

pub use eventbus::inspect::replay::clock::Speed;
pub use eventbus::inspect::replay::{Ending, Laps};

/// Plays OpenWSN motes on pseudo-terminals: recorded ones, or synthetic ones that obey their host.
///
/// Prints `port NAME PATH` for each mote, then `ready`. A mote is switched on when its path is first opened.
#[derive(Debug, Parser)]
#[command(name = "mote-emulator", version)]
pub(super) struct Options {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    Replay(Replay),
    Emulate(Emulate),
}

/// Plays a recording, each recorded port on a pty of its own
///
/// The clock starts when the first port is opened; what a port says before it is opened itself waits for it. When everything
/// has been played, `done` is printed with the totals as JSON. Serial echoes are answered, and a root command is obeyed by
/// changing the mote's reports that follow.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The recording, as JSON lines, gzipped or not
    pub file: PathBuf,

    /// How many times as fast as it was recorded; 0 is as fast as it is read
    #[arg(long, default_value = "1", value_name = "FACTOR", value_parser = speed)]
    pub speed: Speed,

    /// Begin again at the end, for ever
    #[arg(long = "loop", conflicts_with = "exit_when_done")]
    loops: bool,

    /// End when everything has been played, one second later
    #[arg(long)]
    exit_when_done: bool,

    #[command(flatten)]
    pub place: Place,
}

/// Emulates synthetic motes that form a mesh once one of them is made DAG root
///
/// They behave as boards with OpenWSN firmware 1.25 do: they report, log, join, choose parents, negotiate cells, and obey
/// their host. What those without a cable send (DAOs, uinject) comes up through the root. The same seed and the same host
/// give the same bytes. Everything that goes wrong with real motes can be made to happen: see the commands below.
#[derive(Debug, Args)]
#[command(after_help = command::HELP)]
pub(super) struct Emulate {
    /// How many motes have a cable; mote K has the EUI-64 141592cc0000HHLL, HHLL being K
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub motes: u16,

    /// How many motes without a cable stand behind them, in the same mesh; they are counted on
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub mesh: u16,

    /// What chance starts from: signal strengths, delays, cells, faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Commands and their times, a line each; see below
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,

    /// So many faults a minute by chance, on average: boots, pulled plugs, noise and the like
    #[arg(long, value_name = "RATE", value_parser = rate)]
    faults: Option<f64>,

    /// How far motes wander from their places, percent of the distance between two; from 20 on, neighbours come and go
    #[arg(long, default_value_t = 5, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    wander: u8,

    /// The slot number at which a root begins to count, to see it pass 16 or 32 bits
    #[arg(long, default_value_t = 0, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(0..=LARGEST_ASN))]
    asn: u64,

    /// Send neither XON nor XOFF: the host is woken 10 times a second by each mote, not 210 times
    #[arg(long)]
    no_flow_control: bool,

    #[command(flatten)]
    pub place: Place,
}

/// Where the motes are found.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Directory in which each port has a symbolic link to its pty; made when it is missing
    #[arg(long)]
    pub dir: PathBuf,

    /// File to which each frame from the host is written, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub log_host: Option<PathBuf>,
}

impl Replay {
    pub fn laps(&self) -> Laps {
        if self.loops { Laps::Endless } else { Laps::One }
    }

    pub fn ending(&self) -> Ending {
        if self.exit_when_done { Ending::Leaves } else { Ending::Stays }
    }
}

impl Emulate {
    pub fn kit(&self) -> Kit {
        let flow = if self.no_flow_control { FlowControl::Silent } else { FlowControl::EverySlot };
        let Self { motes: cabled, mesh, seed, wander, .. } = *self;
        Kit { cabled, mesh, seed, flow, first_asn: Asn(self.asn), wander }
    }

    /// What is to happen; the error names what is wrong with the script.
    pub fn plan(&self) -> Result<Plan, String> {
        let motes = self.motes + self.mesh;
        let plan = self.script.as_deref().map_or_else(|| Ok(Plan::default()), |path| Plan::load(path, motes))?;
        Ok(match self.faults {
            Some(per_minute) => plan.with_faults(per_minute, self.seed, self.motes, motes),
            None => plan,
        })
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=600.0).contains(rate));
    rate.ok_or_else(|| "a number of faults a minute from 0.001 to 600 is expected".to_owned())
}

fn speed(text: &str) -> Result<Speed, String> {
    match text.parse() {
        Ok(0.0) => Ok(Speed::Unbounded),
        Ok(factor) if (0.001..=10_000.0).contains(&factor) => Ok(Speed::Times(factor)),
        Ok(_) | Err(_) => Err("a number from 0.001 to 10000 is expected, or 0 for no pauses at all".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_or_none_at_all() {
        assert_eq!([speed("0"), speed("0.0")], [Ok(Speed::Unbounded), Ok(Speed::Unbounded)]);
        assert_eq!([speed("1"), speed("2.5")], [Ok(Speed::Times(1.0)), Ok(Speed::Times(2.5))]);
        for text in ["", "-1", "nan", "inf", "1e9", "0.0001", "fast"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_loop_has_no_end_to_exit_at() {
        let parse = |options: &[&str]| {
            let line = [&["mote-emulator", "replay", "x", "--dir", "d"], options].concat();
            Options::try_parse_from(line).map(|options| match options.task {
                Task::Replay(replay) => (replay.laps(), replay.ending()),
                Task::Emulate(_) => unreachable!("`replay` was asked for"),
            })
        };
        assert_eq!(parse(&[]).ok(), Some((Laps::One, Ending::Stays)));
        assert_eq!(parse(&["--loop"]).ok(), Some((Laps::Endless, Ending::Stays)));
        assert_eq!(parse(&["--exit-when-done"]).ok(), Some((Laps::One, Ending::Leaves)));
        assert!(parse(&["--loop", "--exit-when-done"]).is_err());
    }
}
