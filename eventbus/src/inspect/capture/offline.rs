//! A capture out of a recording: nobody is kept waiting, so every reader gets everything.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bus::clock;
use bus::process::Failure;
use lowpan::capture::{Capture, Section};

use super::file::{self, Destination};
use super::limit::{Limit, Room};
use super::recorded::Ports;
use super::{CaptureOptions, Totals};
use crate::inspect::End;
use crate::inspect::decode::frames::Seen;
use crate::inspect::decode::input::{Input, Trouble};
use crate::inspect::decode::reading::Reading;
use crate::inspect::decode::recording::{Chunks, Layout};
use crate::inspect::existing::Existing;
use crate::inspect::mote_name::MoteName;

/// Runs it.
pub fn run(options: &CaptureOptions, recording: &Path) -> Result<End, Failure> {
    if is_same(recording, &options.file) {
        let text = format!("{}: the capture would be written over the recording; name another file", recording.display());
        return Err(Failure::Configuration(text));
    }
    let reading = match Input::open(recording) {
        Ok(input) => Reading::new(Chunks::new(input, Layout::Recording)),
        Err(trouble) => return trouble.end(),
    };
    let mut writing = Writing {
        capture: options.capture(options.mote.as_ref().and_then(MoteName::eui)),
        ports: Ports::default(),
        section: Section::default(),
        limit: Limit::new(clock::now(), options),
        out: open(&options.file, options.force.existing())?,
        packets: 0,
    };
    let ended = writing.run(reading).and_then(|end| writing.out.flush().map(|()| end));
    match ended {
        Ok(end) => {
            Totals { packets: writing.packets, passed_over: 0, lost: writing.capture.take_lost() }.tell();
            end.map_or_else(Trouble::end, |()| Ok(End::Done))
        }
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(End::Done),
        Err(error) => Err(file::unwritable(&options.file, &error)),
    }
}

struct Writing {
    capture: Capture,
    ports: Ports,
    section: Section,
    limit: Limit,
    out: Box<dyn Write>,
    packets: u64,
}

impl Writing {
    fn run(&mut self, mut reading: Reading) -> io::Result<Result<(), Trouble>> {
        let mut head = Vec::new();
        self.section = Section::begin(&self.capture, &mut head);
        self.limit.take_bytes(head.len());
        self.out.write_all(&head)?;
        for seen in &mut reading {
            self.handle(&seen)?;
            if self.limit.is_full() {
                return Ok(Ok(()));
            }
        }
        Ok(reading.end())
    }

    fn handle(&mut self, seen: &Seen) -> io::Result<()> {
        // Readers of recordings let no time pass that is none.
        let at_us = (seen.at.unwrap_or(0.0) * 1e6).round() as u64;
        for record in self.ports.handle(&mut self.capture, at_us, seen) {
            let (mut bytes, mut section) = (Vec::new(), self.section);
            section.write(&self.capture, &record, &mut bytes);
            if self.limit.take_packet(bytes.len()) == Room::Taken {
                self.out.write_all(&bytes)?;
                self.section = section;
                self.packets += 1;
            }
        }
        Ok(())
    }
}

/// A FIFO waits here for its reader.
fn open(path: &Path, existing: Existing) -> Result<Box<dyn Write>, Failure> {
    Ok(match Destination::of(path)? {
        Destination::StandardOutput => Box::new(io::BufWriter::new(io::stdout().lock())),
        Destination::File => Box::new(io::BufWriter::new(file::create(path, existing)?)),
        Destination::Fifo => {
            let opened = OpenOptions::new().write(true).open(path).map_err(|error| file::unwritable(path, &error))?;
            Box::new(io::BufWriter::new(opened))
        }
    })
}

fn is_same(recording: &Path, capture: &Path) -> bool {
    let file = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino()));
    file(recording).is_ok_and(|found| file(capture).is_ok_and(|other| other == found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_known_by_any_of_its_names() {
        let directory = tempfile::tempdir().expect("made");
        let [recording, link, absent] = ["a.jsonl", "link", "absent"].map(|name| directory.path().join(name));
        std::fs::write(&recording, "").expect("written");
        std::os::unix::fs::symlink(&recording, &link).expect("made");
        assert!(is_same(&recording, &recording) && is_same(&recording, &link));
        assert!(!is_same(&recording, &absent) && !is_same(&absent, &absent) && !is_same(&recording, directory.path()));
    }
}
