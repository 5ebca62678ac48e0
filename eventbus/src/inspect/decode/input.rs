//! The file to decode: plain or gzipped, or standard input. It is read once, from its beginning, and never kept.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use bus::process::Failure;
use flate2::bufread::MultiGzDecoder;

use crate::inspect::End;
use crate::inspect::terminal::complain;

/// How a gzipped file begins (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why decoding came to an end before the file did.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The system does not hand the file over.
    #[error("{name}: {error}")]
    Unreadable {
        /// Which file.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// What is in it is not what was promised.
    #[error("{name}{place}: {cause}")]
    Wrong {
        /// Which file.
        name: String,
        /// Where in it.
        place: Place,
        /// What is wrong, and the way out.
        cause: String,
    },
}

impl Trouble {
    /// As the end of a task; what it did before stays done.
    pub fn end(self) -> Result<End, Failure> {
        let text = self.to_string();
        match self {
            Self::Unreadable { .. } => Err(Failure::Environment(text)),
            Self::Wrong { .. } => {
                complain(&text);
                Ok(End::WrongFile)
            }
        }
    }
}

/// Where in a file something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of a recording, from 1.
    Line(u64),
    /// So many bytes came before it.
    Byte(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, ", line {number}"),
            Self::Byte(before) => write!(f, ", after {before} bytes"),
        }
    }
}

/// The unpacked bytes of a file, and its name for messages.
pub struct Input {
    source: Box<dyn BufRead>,
    packing: Packing,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
}

impl Input {
    /// Opens a file; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        if path == Path::new("-") {
            return Self::new(io::stdin().lock(), "standard input".to_owned());
        }
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::new(BufReader::new(file), name),
            Err(error) => Err(Trouble::Unreadable { name, error }),
        }
    }

    /// Looks at the first bytes: a gzipped file tells that it is one, whatever its name.
    pub fn new(source: impl BufRead + 'static, name: String) -> Result<Self, Trouble> {
        // A pipe may hand over its first byte alone.
        let mut source = source;
        let mut start = Vec::new();
        if let Err(error) = source.by_ref().take(GZIP.len() as u64).read_to_end(&mut start) {
            return Err(Trouble::Unreadable { name, error });
        }
        let packing = if start == GZIP { Packing::Gzip } else { Packing::None };
        let whole = BufReader::new(io::Cursor::new(start).chain(source));
        let source: Box<dyn BufRead> = match packing {
            Packing::Gzip => Box::new(BufReader::new(MultiGzDecoder::new(whole))),
            Packing::None => Box::new(whole),
        };
        Ok(Self { source, packing, name })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next line, its end included; empty at the end of the file. A longer one than `most` is cut behind that.
    pub fn line(&mut self, most: usize, place: Place) -> Result<Vec<u8>, Trouble> {
        let mut line = Vec::new();
        let read = self.source.by_ref().take(most as u64 + 1).read_until(b'\n', &mut line);
        read.map_err(|error| self.trouble(place, error))?;
        Ok(line)
    }

    /// The next bytes, at most so many; none at the end of the file.
    pub fn bytes(&mut self, most: usize, place: Place) -> Result<Vec<u8>, Trouble> {
        let mut bytes = vec![0; most];
        loop {
            match self.source.read(&mut bytes) {
                Ok(length) => {
                    bytes.truncate(length);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.trouble(place, error)),
            }
        }
    }

    /// Something there is wrong.
    pub fn wrong(&self, place: Place, cause: String) -> Trouble {
        Trouble::Wrong { name: self.name.clone(), place, cause }
    }

    fn trouble(&self, place: Place, error: io::Error) -> Trouble {
        match (self.packing, error.kind()) {
            (Packing::Gzip, ErrorKind::UnexpectedEof) => {
                self.wrong(place, "the gzip file ends in the middle; what came before was decoded; copy the file again".to_owned())
            }
            (Packing::Gzip, ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
                self.wrong(place, format!("the gzip file is damaged ({error}); what came before was decoded; copy the file again"))
            }
            (Packing::Gzip | Packing::None, _other) => Trouble::Unreadable { name: self.name.clone(), error },
        }
    }
}
