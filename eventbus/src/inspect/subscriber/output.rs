//! Standard output that never makes us wait when it is a pipe.
//!
//! A reader that does not read would otherwise hold us where no signal reaches us, with a queue left
//! behind once we are killed. The pipe is opened anew for that: its non-blocking mode is then ours
//! alone, and not that of everybody who shares the descriptor.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

use bus::reactor::Registration;
use mio::Interest;

use crate::inspect::pipe;

/// What was pushed and is not written yet, and where it goes.
#[derive(Debug)]
pub struct Output {
    sink: Sink,
    waiting: Vec<u8>,
}

#[derive(Debug)]
enum Sink {
    /// A pipe, in our own non-blocking mode.
    Pipe(File),
    /// A terminal, a file, or anything else: written to as it is.
    Direct(io::Stdout),
}

/// How far the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Flushed {
    /// Everything is written.
    All,
    /// The reader must read first; the reactor tells when it has.
    Waiting,
    /// Nobody reads any more: an ordinary end.
    ReaderGone,
}

impl Output {
    /// Standard output.
    pub fn open() -> Self {
        // A pipe that cannot be opened anew is written to as it is, and writing tells.
        let sink = pipe::of_stdout().map_or_else(|| Sink::Direct(io::stdout()), Sink::Pipe);
        Self { sink, waiting: Vec::new() }
    }

    /// Lets the reactor report room in a pipe, and the end of its reader.
    pub fn watch(&self, registration: &Registration) -> io::Result<()> {
        match &self.sink {
            Sink::Pipe(pipe) => registration.watch(pipe, Interest::WRITABLE),
            Sink::Direct(_) => Ok(()),
        }
    }

    /// Keeps a line to be written by [`Self::flush`].
    pub fn push(&mut self, line: &str) {
        self.waiting.extend_from_slice(line.as_bytes());
        self.waiting.push(b'\n');
    }

    /// Writes as much as there is room for.
    pub fn flush(&mut self) -> io::Result<Flushed> {
        let mut written = 0;
        let end = loop {
            let rest = &self.waiting[written..];
            if rest.is_empty() {
                break Ok(Flushed::All);
            }
            match self.sink.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(len) => written += len,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => break Ok(Flushed::Waiting),
                    ErrorKind::BrokenPipe => break Ok(Flushed::ReaderGone),
                    _other => break Err(error),
                },
            }
        };
        self.waiting.drain(..written);
        end
    }

    /// Has the reader of a pipe gone, though nothing was to be written?
    pub fn is_reader_gone(&self) -> bool {
        match &self.sink {
            Sink::Pipe(pipe) => pipe::is_reader_gone(pipe),
            Sink::Direct(_) => false,
        }
    }
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(pipe) => pipe.write(bytes),
            Self::Direct(stdout) => {
                let mut out = stdout.lock();
                out.write_all(bytes)?;
                out.flush()?;
                Ok(bytes.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn pipe() -> (Output, io::PipeReader) {
        let (reader, writer) = io::pipe().expect("made");
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        let pipe = pipe::open(path.as_ref()).expect("opened").expect("it is read");
        (Output { sink: Sink::Pipe(pipe), waiting: Vec::new() }, reader)
    }

    #[test]
    fn a_reader_that_does_not_read_makes_nobody_wait_and_loses_nothing() {
        let (mut output, mut reader) = pipe();
        let line = "x".repeat(99_999);
        output.push(&line);
        assert_eq!(output.flush().expect("written"), Flushed::Waiting);
        let mut got = Vec::new();
        let mut buffer = [0; 4096];
        while got.len() < 100_000 {
            let len = reader.read(&mut buffer).expect("read");
            got.extend_from_slice(&buffer[..len]);
            let _ = output.flush().expect("written");
        }
        assert_eq!(got, (line + "\n").as_bytes());
        assert_eq!(output.flush().expect("written"), Flushed::All);
    }

    #[test]
    fn a_reader_that_goes_is_noticed_with_and_without_writing() {
        let (mut output, reader) = pipe();
        assert!(!output.is_reader_gone());
        drop(reader);
        assert!(output.is_reader_gone());
        output.push("x");
        assert_eq!(output.flush().expect("an ordinary end"), Flushed::ReaderGone);
    }
}
