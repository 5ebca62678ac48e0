//! The command line of `mq-inspect replay`.

use std::path::PathBuf;

use clap::Args;

use super::clock::Speed;

/// `mq-inspect replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each recorded port becomes a pseudo-terminal, whose path is printed; serial-bridge opens it as it
opens any port. Playing begins when all of them are open, and what the host sends is read and not
answered:

  mq-inspect replay --link /tmp/ports mesh.jsonl.gz
  serial-bridge --port '/tmp/ports/*'

Nobody else may open them while they are played. What a port said while nobody had it open any more
is passed over, as a mote's words would be, and how much that was is told at the end.")]
pub struct ReplayOptions {
    /// A recording, plain or gzipped
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Only this port of it; may be repeated
    #[arg(long = "port", value_name = "PORT")]
    pub ports: Vec<String>,

    /// How many times as fast as recorded; max is as fast as read
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    pub speed: Speed,

    /// Begin again at the end, until stopped
    #[arg(long = "loop", conflicts_with = "stay")]
    pub again: bool,

    /// Keep the ports there after the last byte, until stopped
    #[arg(long)]
    pub stay: bool,

    /// Make a link for each port in this directory, under its recorded name
    #[arg(long, value_name = "DIR")]
    pub link: Option<PathBuf>,
}

/// How often a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laps {
    /// To its end.
    One,
    /// Again and again.
    Endless,
}

/// What comes after the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The ports go.
    Leaves,
    /// They stay.
    Stays,
}

impl ReplayOptions {
    pub fn laps(&self) -> Laps {
        if self.again { Laps::Endless } else { Laps::One }
    }

    pub fn ending(&self) -> Ending {
        if self.stay { Ending::Stays } else { Ending::Leaves }
    }
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Unbounded);
    }
    match text.parse::<f64>() {
        Ok(factor) if (0.001..=10_000.0).contains(&factor) => Ok(Speed::Times(factor)),
        Ok(_) | Err(_) => Err("a factor from 0.001 to 10000 is expected, or max".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_or_none() {
        assert_eq!(
            [speed("1"), speed("0.5"), speed("max")].map(Result::ok),
            [Some(Speed::Times(1.0)), Some(Speed::Times(0.5)), Some(Speed::Unbounded)]
        );
        for text in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
