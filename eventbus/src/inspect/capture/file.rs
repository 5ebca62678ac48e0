//! Where a capture goes to, by what its path is.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use bus::process::Failure;

use crate::inspect::existing::{self, Existing};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// `-`.
    StandardOutput,
    /// A pipe with a name: its readers come and go.
    Fifo,
    /// A file, which may not be there yet, or a device.
    File,
}

impl Destination {
    /// Looks at the path. A person's terminal is refused: a capture would garble it.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            if io::stdout().is_terminal() {
                let text = "a capture is not for a terminal: name a file, or pipe it, as in mq-inspect capture - | wireshark -k -i -";
                return Err(Failure::Configuration(text.to_owned()));
            }
            return Ok(Self::StandardOutput);
        }
        let is_fifo = fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
        Ok(if is_fifo { Self::Fifo } else { Self::File })
    }
}

/// Begins a file. A device stays what it is.
pub fn create(path: &Path, existing: Existing) -> Result<File, Failure> {
    let made = match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match existing {
            Existing::Kept if path.is_file() => return Err(existing::refuse(path)),
            Existing::Kept | Existing::Replaced => File::create(path),
        },
        made => made,
    };
    made.map_err(|error| unwritable(path, &error))
}

/// It does not take what we write.
pub fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Environment(format!("{}: cannot write the capture: {error}", path.display()))
}
