//! The lines of a file, gzipped or not, within bounds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::RecordingError;

/// The longest genuine line is one of 512 bytes in hex, or some kilobytes of an oracle's opinion.
const LONGEST_LINE: u64 = 1 << 20;

/// An hour of a hundred motes is less; what is longer, unpacked, is not worth the memory.
const LONGEST_FILE: u64 = 1 << 30;

/// How a gzipped file begins (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The lines of a file, one at a time.
pub(super) struct Lines {
    source: Box<dyn BufRead>,
    path: PathBuf,
    number: u64,
    taken: u64,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(|error| RecordingError::Unreadable { path: path.to_owned(), error })?;
        Self::new(BufReader::new(file), path)
    }

    pub fn new(mut source: impl BufRead + 'static, path: &Path) -> Result<Self, RecordingError> {
        let start = source.fill_buf().map_err(|error| RecordingError::Unreadable { path: path.to_owned(), error })?;
        let source: Box<dyn BufRead> =
            if start.starts_with(&GZIP) { Box::new(BufReader::new(MultiGzDecoder::new(source))) } else { Box::new(source) };
        Ok(Self { source, path: path.to_owned(), number: 0, taken: 0 })
    }

    /// The next line that is not empty.
    pub fn next_line(&mut self) -> Result<Option<String>, RecordingError> {
        loop {
            self.number += 1;
            let mut line = Vec::new();
            let length =
                self.source.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(|error| self.unreadable(error))? as u64;
            self.taken += length;
            if length > LONGEST_LINE {
                return Err(self.bad(format!("longer than {LONGEST_LINE} bytes")));
            }
            if self.taken > LONGEST_FILE {
                return Err(self.bad(format!("the file is longer than {LONGEST_FILE} bytes")));
            }
            let text = String::from_utf8(line).map_err(|error| self.bad(error.to_string()))?;
            if length == 0 || !text.trim().is_empty() {
                return Ok((length != 0).then_some(text));
            }
        }
    }

    /// The error that says what is wrong with the line that was read last.
    pub fn bad(&self, cause: String) -> RecordingError {
        RecordingError::BadLine { path: self.path.clone(), number: self.number, cause }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn unreadable(&self, error: io::Error) -> RecordingError {
        RecordingError::Unreadable { path: self.path.clone(), error }
    }
}
