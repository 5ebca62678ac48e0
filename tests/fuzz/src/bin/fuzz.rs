//! `fuzz`: runs the fuzz targets with stable Rust.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use clap::Parser;
use lbr_fuzz::allocation::{self, Counting};
use lbr_fuzz::harness::campaign::{self, Plan};
use lbr_fuzz::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs fuzz targets with inputs changed at random; ends with 1 if one fails.
#[derive(Debug, Parser)]
#[command(name = "fuzz")]
struct Options {
    /// Name of a target, or `all`
    target: String,
    /// Executions of each target
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    executions: u64,
    /// Stop each target after so many seconds
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,
    /// The same seed gives the same inputs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Give this file to the target, once, and let it fail as it fails
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Run nothing; write the target's genuine inputs into this directory, one a file, for `cargo fuzz`
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "replay")]
    write_seeds: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let targets: Vec<&Target> = TARGETS.iter().filter(|target| options.target == "all" || target.name == options.target).collect();
    match (targets.as_slice(), &options.replay, &options.write_seeds) {
        ([], _, _) => {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            complain(&format!("there is no target `{}`: it is `all`, or one of {}", options.target, names.join(", ")))
        }
        ([target], Some(path), _) => replay(target, path),
        ([target], None, Some(directory)) => write_seeds(target, directory),
        (_, Some(_), _) | (_, _, Some(_)) => complain("--replay and --write-seeds need the name of one target"),
        (targets, None, None) => run(targets, &options),
    }
}

fn complain(words: &str) -> ExitCode {
    eprintln!("fuzz: {words}");
    ExitCode::from(2)
}

fn run(targets: &[&Target], options: &Options) -> ExitCode {
    let plan = Plan { executions: options.executions, time: options.time.map(Duration::from_secs), seed: options.seed };
    let mut failures = 0;
    for target in targets {
        let report = campaign::run(target, plan);
        print!("{report}");
        report.keep_failures();
        failures += report.failures.len();
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(target: &Target, path: &Path) -> ExitCode {
    let input = match fs::read(path) {
        Ok(input) => input,
        Err(error) => return complain(&format!("{}: {error}", path.display())),
    };
    let (outcome, held) = allocation::measure(|| (target.run)(&input));
    println!("{}: {outcome}; {held} bytes held at most, {} are allowed", target.name, target.most_held);
    if held > target.most_held { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn write_seeds(target: &Target, directory: &Path) -> ExitCode {
    match write_all((target.seeds)(), directory) {
        Ok(count) => {
            println!("{}: {count} genuine inputs in {}", target.name, directory.display());
            ExitCode::SUCCESS
        }
        Err(error) => complain(&format!("{}: {error}", directory.display())),
    }
}

fn write_all(inputs: Vec<Vec<u8>>, directory: &Path) -> io::Result<usize> {
    fs::create_dir_all(directory)?;
    let count = inputs.len();
    inputs.into_iter().enumerate().try_for_each(|(number, input)| fs::write(directory.join(format!("seed-{number:04}")), input))?;
    Ok(count)
}
