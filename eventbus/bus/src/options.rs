//! The options that every process of the router takes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use log::LevelFilter;
use mqtypes::queues::{DEFAULT_INSTANCE, is_instance_name};

/// The options that every process of the router takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Name of this set of processes: the first part of its queues' names
    #[arg(long, default_value = DEFAULT_INSTANCE, value_parser = instance)]
    pub instance: String,

    /// What to log: off, error, warn, info, debug or trace
    #[arg(long, default_value = "info", value_name = "LEVEL", value_parser = level)]
    pub log_level: LevelFilter,

    /// File of settings for all processes, which flags outrank; default: /etc/lbr/lbr.toml, if it is there
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Look through the file and the flags, say what is wrong or what differs from the defaults, and end
    #[arg(long)]
    pub check_config: bool,
}

/// Prints what clap has to say, help included. The exit code of a wrong command line is 2.
pub fn explain(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn level(text: &str) -> Result<LevelFilter, String> {
    text.parse().map_err(|_| "off, error, warn, info, debug or trace is expected".to_owned())
}

/// Reads the name of an instance, for tools that take it without the other options.
pub fn instance(text: &str) -> Result<String, String> {
    if is_instance_name(text) {
        return Ok(text.to_owned());
    }
    Err("1 to 32 letters, digits, `-` or `_` are expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_name_cannot_leave_its_place() {
        assert_eq!(instance("lbr"), Ok("lbr".to_owned()));
        for name in ["", "a/b", "a.b", &"x".repeat(33)] {
            assert!(instance(name).is_err(), "{name}");
        }
    }
}
