//! What becomes of a file that is there already, where something is about to be written: it is kept, unless somebody says `--force`.

use std::path::Path;

use bus::process::Failure;
use clap::Args;

/// May what is there be written over?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// No.
    Kept,
    /// Yes.
    Replaced,
}

/// The option by which a person says so.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ForceOption {
    /// Write over a FILE that is there
    #[arg(long)]
    pub force: bool,
}

impl ForceOption {
    /// What a person wants.
    pub fn existing(self) -> Existing {
        if self.force { Existing::Replaced } else { Existing::Kept }
    }
}

/// It is kept.
pub fn refuse(path: &Path) -> Failure {
    Failure::Environment(format!("{}: is there already; name another file, or say --force to write over it", path.display()))
}
