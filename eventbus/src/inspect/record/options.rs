//! The command line of `mq-inspect record`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::inspect::existing::ForceOption;
use crate::inspect::mote_name::MoteName;
use crate::inspect::options::Set;

/// `mq-inspect record`.
#[derive(Debug, Args)]
#[command(after_help = "\
A JSON object a line, as `decode` and `replay` read it: seconds since the beginning, rx from a mote
or tx to it, port, and the bytes. Those of a device lack XON and XOFF, which the kernel takes for
itself. Where bytes are missing, a line without bytes says how many (`lost`; null when nobody
knows). Whoever has the recording has the network's key, if a mote was made root meanwhile: the file
is readable by its owner alone. Ctrl-C ends the recording; eventbus and serial-bridge may restart.")]
pub struct RecordOptions {
    #[command(flatten)]
    pub set: Set,

    /// Where to: a file that is not there yet, or - for standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Only this port, by its path or the last part of that; may be repeated
    #[arg(long = "port", value_name = "PORT")]
    pub ports: Vec<String>,

    /// Only the port of this mote, an EUI-64 or the end of it; may be repeated
    #[arg(long = "mote", value_name = "MOTE")]
    pub motes: Vec<MoteName>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: Option<u32>,

    /// End before it gets larger than so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1024..))]
    pub max_bytes: u64,

    /// Pack it, as for a FILE that ends in .gz
    #[arg(long)]
    pub gzip: bool,

    #[command(flatten)]
    pub force: ForceOption,
}

impl RecordOptions {
    /// Why these do not go together, if so.
    pub fn check(&self) -> Result<(), String> {
        if self.gzip && self.file == Path::new("-") {
            return Err("--gzip and -: standard output is not packed; pipe it through gzip instead".to_owned());
        }
        Ok(())
    }
}
