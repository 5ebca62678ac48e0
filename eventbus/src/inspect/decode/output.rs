//! Lines to standard output, in blocks: a recording has a hundred thousand of them.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};

use bus::process::Failure;

use crate::inspect::terminal::{Reader, unwritable};

/// Standard output, and whether anybody reads it.
pub struct Output {
    sink: BufWriter<StdoutLock<'static>>,
    pace: Pace,
}

/// When lines leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// At once: a person looks on.
    Lines,
    /// When there are many.
    Blocks,
}

impl Output {
    /// Standard output.
    pub fn open() -> Self {
        let stdout = io::stdout();
        let pace = if stdout.is_terminal() { Pace::Lines } else { Pace::Blocks };
        Self { sink: BufWriter::with_capacity(64 * 1024, stdout.lock()), pace }
    }

    /// Prints a line.
    pub fn line(&mut self, line: &str) -> Result<Reader, Failure> {
        let flush = |sink: &mut BufWriter<_>, pace| match pace {
            Pace::Lines => sink.flush(),
            Pace::Blocks => Ok(()),
        };
        let written = writeln!(self.sink, "{line}").and_then(|()| flush(&mut self.sink, self.pace));
        reader(written)
    }

    /// Prints what is left.
    pub fn end(&mut self) -> Result<Reader, Failure> {
        reader(self.sink.flush())
    }
}

fn reader(written: io::Result<()>) -> Result<Reader, Failure> {
    match written {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(unwritable(&error)),
    }
}
