//! Why the host ends without having been asked to, and the exit status that tells it to scripts.

use std::process::ExitCode;

use crate::terminal;

/// A reason to end, by whose fault it is.
#[derive(Debug)]
pub enum Failure {
    /// The command line: clap says it, with the way out. `--help` and `--version` come here too.
    Usage(clap::Error),
    /// A file or a combination of options.
    Configuration(anyhow::Error),
    /// The system: a port that is taken, no standard output.
    Environment(anyhow::Error),
}

impl Failure {
    /// Tells the reason and gives the exit status: 2 usage, 78 configuration, 69 environment
    /// (the last two as in `sysexits.h`).
    pub fn report(self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // A closed standard output is no reason for another failure.
                let _ = error.print();
                ExitCode::from(error.exit_code() as u8)
            }
            Self::Configuration(error) => {
                terminal::line(format_args!("gui-host: {error:#}"));
                ExitCode::from(78)
            }
            Self::Environment(error) => {
                terminal::line(format_args!("gui-host: {error:#}"));
                ExitCode::from(69)
            }
        }
    }
}
