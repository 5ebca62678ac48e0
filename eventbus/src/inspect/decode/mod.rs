//! `mq-inspect decode`: what is in a recording of serial lines, frame by frame, or the state that it leaves behind.
//!
//! It works offline, with the code that the router runs, on a file that may come from anywhere: it reads it once, holds a
//! second of it at most, and never opens a queue or a port.

pub mod echoes;
mod elements;
pub mod frames;
pub mod input;
mod object;
mod output;
pub mod reading;
pub mod recording;
mod state;
mod words;

use bus::process::Failure;

use super::End;
use super::options::{DecodeOptions, Dirs};
use super::terminal::{Ink, Reader, complain};
use frames::Seen;
use input::{Input, Place, Trouble};
use output::Output;
use reading::Reading;
use recording::{Chunks, Layout};
#[cfg(not(test))]
use state::State;

#[cfg(test)]
pub use state::State;

/// Runs it.
pub fn run(options: &DecodeOptions) -> Result<End, Failure> {
    let form = if options.json { Form::Json } else { Form::Text(Ink::of_stdout()) };
    let product = if options.state { Product::State(Box::new(State::new(options.prefix)?)) } else { Product::Frames(options.dir) };
    let layout = if options.raw { Layout::Raw } else { Layout::Recording };
    match Input::open(&options.file) {
        Ok(input) => Decoding { form, product, output: Output::open(), seen: 0 }.run(Reading::new(Chunks::new(input, layout))),
        Err(trouble) => end(trouble),
    }
}

/// The way out for whoever gave us a file without times.
const OR_RAW: &str = "; for a mote's bytes as they came off its line say --raw";

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A person.
    Text(Ink),
    /// A program.
    Json,
}

/// What is made of the file.
enum Product {
    /// A line for each frame of these directions.
    Frames(Dirs),
    /// The state at the end.
    State(Box<State>),
}

struct Decoding {
    form: Form,
    product: Product,
    output: Output,
    seen: u64,
}

impl Decoding {
    fn run(mut self, mut reading: Reading) -> Result<End, Failure> {
        for seen in &mut reading {
            if self.take(&seen)? == Reader::Gone {
                return Ok(End::Done);
            }
        }
        if self.conclude()? == Reader::Gone {
            return Ok(End::Done);
        }
        let name = reading.name().to_owned();
        if let Err(trouble) = reading.end() {
            return end(trouble);
        }
        if self.seen == 0 {
            complain(&format!("{name}: no frame is in it"));
        }
        Ok(End::Done)
    }

    fn take(&mut self, seen: &Seen) -> Result<Reader, Failure> {
        self.seen += 1;
        match &mut self.product {
            Product::State(state) => state.handle(seen),
            Product::Frames(dirs) if !dirs.has(seen.content.direction()) => {}
            Product::Frames(_) => {
                let line = match self.form {
                    Form::Json => object::line(seen),
                    Form::Text(ink) => words::line(ink, seen),
                };
                return self.output.line(&line);
            }
        }
        Ok(Reader::There)
    }

    fn conclude(&mut self) -> Result<Reader, Failure> {
        if let Product::State(state) = &self.product {
            let lines = match self.form {
                Form::Json => vec![state.json()],
                Form::Text(ink) => state.lines(ink),
            };
            for line in lines {
                if self.output.line(&line)? == Reader::Gone {
                    return Ok(Reader::Gone);
                }
            }
        }
        self.output.end()
    }
}

/// What was decoded before stays told. What is no recording from the start may be what we alone read beside recordings.
fn end(trouble: Trouble) -> Result<End, Failure> {
    match trouble {
        Trouble::Wrong { name, place: Place::Line(1), cause } => {
            Trouble::Wrong { name, place: Place::Line(1), cause: cause + OR_RAW }.end()
        }
        other => other.end(),
    }
}

/// The event bus at the end of a recording, as far as it is about ports that `keep` wants: for tests of what is shown of it.
#[cfg(test)]
pub fn played(file: &std::path::Path, keep: fn(&str) -> bool) -> State {
    let input = Input::open(file).unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut state = State::new(crate::network::DEFAULT_PREFIX).expect("nothing is needed");
    let mut reading = Reading::new(Chunks::new(input, Layout::Recording));
    reading.by_ref().filter(|seen| keep(&seen.port.0)).for_each(|seen| state.handle(&seen));
    reading.end().unwrap_or_else(|trouble| panic!("{trouble}"));
    state
}
