//! `mq-inspect record`: the bytes of a running router's serial lines, as a file that `decode` and `replay` read.
//!
//! A subscriber that asks for bytes by name; while it does, and no longer, `serial-bridge` passes them on. What is missing in
//! between, whoever lost it, is told in the file. It must never write over what it was not told to.

mod choice;
mod gaps;
mod line;
mod options;
mod sink;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::clock;
use bus::moment::Moment;
use bus::process::Failure;
use mqtypes::broker::Notification;
use mqtypes::envelope::Envelope;
use mqtypes::mono::Mono;
use mqtypes::serial::LineBytes;

use super::End;
use super::existing::Existing;
use super::subscriber::{self, Followed, Listener, Output};
use super::terminal::complain;
use super::time::span;
use choice::{Choice, Knowledge};
use gaps::{Gap, Gaps};
use sink::{Packing, Room, Sink};

pub use options::RecordOptions;

/// What was heard is in the file after so long, whatever happens to us.
const FLUSH_AFTER: Duration = Duration::from_millis(900);

/// Readers of recordings take no more ports, and no longer names.
const MOST: (usize, usize) = (1024, 255);

/// Runs it.
pub fn run(options: &RecordOptions) -> Result<End, Failure> {
    let name = if options.file == Path::new("-") { "standard output".to_owned() } else { options.file.display().to_string() };
    let place = Place::of(options);
    let choice = Choice::new(options.ports.clone(), options.motes.clone());
    let topics = choice.topics();
    let begun = clock::now();
    let until = options.seconds.map(|seconds| begun.after(Duration::from_secs(seconds.into())));
    let mut recorder = Recorder::new(begun, until, choice, place);
    let followed = subscriber::follow(&options.set.instance, topics, &mut recorder);
    let (figures, lines, unknown) = (recorder.figures(), recorder.choice.lines(), recorder.choice.unknown());
    let refused = recorder.refused.take();
    let finished = recorder.finish();
    let followed = followed?;
    if let Some(refused) = refused {
        return refused;
    }
    if followed == Followed::Answered {
        for reason in &unknown {
            complain(&reason.to_string());
        }
        complain(&figures.words(&name, lines, clock::now().since(begun)));
    }
    match finished {
        Ok(Ending::Stopped) => {}
        Ok(Ending::Full) => complain(&format!("{name}: ended before it got larger than --max-bytes {}", options.max_bytes)),
        Err(error) => return Err(sink::unwritable(&options.file, &error)),
    }
    Ok(followed.end())
}

/// Where the lines go.
#[derive(Debug)]
enum Place {
    /// A file that is not made before there is something to be recorded.
    Later {
        path: PathBuf,
        existing: Existing,
        packing: Packing,
        most: u64,
    },
    File(Sink<File>),
    /// Standard output, for so many bytes more.
    Output {
        left: u64,
    },
}

impl Place {
    fn of(options: &RecordOptions) -> Self {
        let most = options.max_bytes;
        if options.file == Path::new("-") {
            return Self::Output { left: most };
        }
        let is_packed = options.gzip || options.file.extension().is_some_and(|extension| extension == "gz");
        let existing = options.force.existing();
        let packing = if is_packed { Packing::Gzip } else { Packing::None };
        Self::Later { path: options.file.clone(), existing, packing, most }
    }

    fn begin(&mut self) -> Result<(), Failure> {
        if let Self::Later { path, existing, packing, most } = self {
            *self = Self::File(Sink::new(sink::create(path, *existing)?, *packing, *most));
        }
        Ok(())
    }

    fn line(&mut self, line: &str, output: &mut Output) -> io::Result<Room> {
        match self {
            // What is not begun takes nothing.
            Self::Later { .. } => Ok(Room::Full),
            Self::File(sink) => sink.line(line),
            Self::Output { left } => match left.checked_sub(line.len() as u64 + 1) {
                Some(rest) => {
                    *left = rest;
                    output.push(line);
                    Ok(Room::Taken)
                }
                None => Ok(Room::Full),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(sink) => sink.flush(),
            Self::Later { .. } | Self::Output { .. } => Ok(()),
        }
    }
}

/// Why it is enough, if it is.
#[derive(Debug)]
enum State {
    /// It is not, and not begun either: it is not clear yet whose lines are meant.
    Begins,
    /// It is not.
    Records,
    /// There is no more room within the bound.
    Full,
    /// The file takes no more.
    Broken(io::Error),
}

/// How a recording ended that nothing kept from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Somebody, or the time, ended it.
    Stopped,
    /// Its bound did.
    Full,
}

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Figures {
    bytes: u64,
    ports: usize,
    missing: u64,
    gaps: u64,
}

impl Figures {
    fn words(self, name: &str, lines: &str, time: Duration) -> String {
        let Self { bytes, ports, missing, gaps } = self;
        if bytes == 0 {
            return format!(
                "{name}: no byte crossed {lines} in {}; `mq-inspect tap --topic ports --for 1` shows what the ports do",
                span(time)
            );
        }
        let losses = match gaps {
            0 => "nothing is missing".to_owned(),
            gaps => format!("{missing} bytes are missing in {gaps} places, which are marked"),
        };
        format!("{name}: {bytes} bytes of {ports} ports in {}; {losses}", span(time))
    }
}

struct Recorder {
    begun: Mono,
    until: Option<Mono>,
    choice: Choice,
    place: Place,
    gaps: Gaps,
    /// When what was written must be flushed.
    flush_at: Option<Mono>,
    state: State,
    /// Why nothing is recorded at all, if so.
    refused: Option<Result<End, Failure>>,
    bytes: u64,
    missing: u64,
    places: u64,
}

impl Recorder {
    fn new(begun: Mono, until: Option<Mono>, choice: Choice, place: Place) -> Self {
        let (gaps, flush_at, state) = (Gaps::default(), None, State::Begins);
        Self { begun, until, choice, place, gaps, flush_at, state, refused: None, bytes: 0, missing: 0, places: 0 }
    }

    /// Begins as soon as it is clear whose lines are meant.
    fn settle(&mut self) {
        self.refused = match self.choice.knowledge() {
            Knowledge::Awaited => return,
            Knowledge::Told => self.place.begin().err().map(Err),
            Knowledge::Ambiguous(reason) => {
                complain(&reason.to_string());
                Some(Ok(End::NothingThere))
            }
        };
        self.state = State::Records;
    }

    fn figures(&self) -> Figures {
        Figures { bytes: self.bytes, ports: self.gaps.ports(), missing: self.missing, gaps: self.places }
    }

    fn take(&mut self, now: Mono, piece: &LineBytes, output: &mut Output) {
        let is_too_much = !self.gaps.has(&piece.port) && self.gaps.ports() >= MOST.0;
        if is_too_much || piece.port.0.len() > MOST.1 || !self.choice.has(&piece.port) {
            return;
        }
        if let Some(gap) = self.gaps.note(piece) {
            self.places += 1;
            self.missing += if let Gap::Bytes(count) = gap { count } else { 0 };
            if self.write(now, &line::gap(self.begun, piece, gap), output) == Room::Full {
                return;
            }
        }
        if self.write(now, &line::piece(self.begun, piece), output) == Room::Taken {
            self.bytes += piece.bytes.len() as u64;
        }
    }

    fn write(&mut self, now: Mono, line: &str, output: &mut Output) -> Room {
        let State::Records = self.state else { return Room::Full };
        match self.place.line(line, output) {
            Ok(Room::Taken) => {
                self.flush_at.get_or_insert(now.after(FLUSH_AFTER));
                return Room::Taken;
            }
            Ok(Room::Full) => self.state = State::Full,
            Err(error) => self.state = State::Broken(error),
        }
        Room::Full
    }

    fn finish(self) -> io::Result<Ending> {
        let finished = match self.place {
            Place::File(sink) => sink.finish().map(drop),
            Place::Later { .. } | Place::Output { .. } => Ok(()),
        };
        match self.state {
            State::Broken(error) => Err(error),
            State::Begins | State::Records => finished.map(|()| Ending::Stopped),
            State::Full => finished.map(|()| Ending::Full),
        }
    }
}

impl Listener for Recorder {
    fn begin(&mut self) -> Result<(), Failure> {
        self.settle();
        Ok(())
    }

    fn handle_notification(&mut self, now: Moment, _envelope: &Envelope, notification: &Notification, output: &mut Output) {
        match (notification, &self.state) {
            (Notification::Bytes(_), State::Begins) => {}
            (Notification::Bytes(piece), State::Records | State::Full | State::Broken(_)) => self.take(now.mono, piece, output),
            (_of_motes, state) => {
                let begins = matches!(state, State::Begins);
                self.choice.handle_notification(notification);
                if begins {
                    self.settle();
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Moment, _output: &mut Output) {
        if self.flush_at.is_some_and(|at| at <= now.mono) {
            self.flush_at = None;
            if let Err(error) = self.place.flush() {
                self.state = State::Broken(error);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        Mono::earliest(self.flush_at, self.until)
    }

    fn is_satisfied(&self, now: Mono) -> bool {
        let is_ended = match &self.state {
            State::Begins | State::Records => false,
            State::Full | State::Broken(_) => true,
        };
        is_ended || self.refused.is_some() || self.until.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::entry;
    use mqtypes::envelope::Sender;
    use mqtypes::ids::{BootId, Generation, PortName};
    use mqtypes::serial::Direction;

    const BEGUN: Mono = Mono(1_000_000);

    fn recorder(directory: &tempfile::TempDir, most: u64) -> Recorder {
        let file = File::create(directory.path().join("a.jsonl")).expect("made");
        let choice = Choice::new(vec!["ttyUSB0".to_owned()], Vec::new());
        begun(Some(BEGUN.after(Duration::from_mins(1))), choice, Place::File(Sink::new(file, Packing::None, most)))
    }

    fn begun(until: Option<Mono>, choice: Choice, place: Place) -> Recorder {
        let mut recorder = Recorder::new(BEGUN, until, choice, place);
        recorder.begin().expect("nothing is in the way");
        recorder
    }

    fn hear(recorder: &mut Recorder, port: &str, offset: u64, bytes: &[u8]) {
        let (port, bytes, generation) = (PortName(port.to_owned()), bytes.to_vec(), Generation(1));
        let piece = LineBytes { port, generation, direction: Direction::Rx, at: BEGUN, offset, bytes };
        let envelope = Envelope { sender: Sender::Eventbus, boot: BootId(1), seq: 0, sent: BEGUN };
        let now = Moment { mono: BEGUN, unix_ms: 0 };
        recorder.handle_notification(now, &envelope, &Notification::Bytes(piece), &mut Output::open());
    }

    fn text(directory: &tempfile::TempDir) -> String {
        std::fs::read_to_string(directory.path().join("a.jsonl")).expect("text")
    }

    #[test]
    fn the_chosen_port_is_recorded_with_its_gaps_and_flushed_within_a_second() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut recorder = recorder(&directory, 10_000);
        assert_eq!(recorder.poll_timeout(), Some(BEGUN.after(Duration::from_mins(1))));
        hear(&mut recorder, "/dev/ttyUSB0", 100, b"~S");
        hear(&mut recorder, "/dev/ttyUSB1", 0, b"another");
        hear(&mut recorder, "/dev/ttyUSB0", 107, b"~");
        let due = recorder.poll_timeout().expect("to be flushed");
        assert!(due.since(BEGUN) < Duration::from_secs(1) && text(&directory).is_empty());
        recorder.handle_timeout(Moment { mono: due, unix_ms: 0 }, &mut Output::open());
        let lines: Vec<_> = text(&directory).lines().map(|line| line.split_once("\"hex\": ").expect("a line").1.to_owned()).collect();
        assert_eq!(lines, ["\"7e53\"}", "\"\", \"lost\": 5}", "\"7e\"}"]);
        assert_eq!(recorder.figures(), Figures { bytes: 3, ports: 1, missing: 5, gaps: 1 });
        assert_eq!(recorder.finish().expect("whole"), Ending::Stopped);
    }

    #[test]
    fn the_bound_and_the_time_end_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut recorder = recorder(&directory, 1_024);
        assert!(!recorder.is_satisfied(BEGUN) && recorder.is_satisfied(BEGUN.after(Duration::from_mins(1))));
        hear(&mut recorder, "/dev/ttyUSB0", 0, &[0; 400]);
        assert!(!recorder.is_satisfied(BEGUN));
        hear(&mut recorder, "/dev/ttyUSB0", 400, &[0; 400]);
        assert!(recorder.is_satisfied(BEGUN));
        assert_eq!((recorder.figures().bytes, recorder.finish().expect("whole")), (400, Ending::Full));
        assert_eq!(text(&directory).lines().count(), 1);
    }

    #[test]
    fn a_name_of_several_motes_ends_it_before_a_file_is_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.jsonl");
        let place = Place::Later { path: path.clone(), existing: Existing::Kept, packing: Packing::None, most: 1024 };
        let mut recorder = begun(None, Choice::new(Vec::new(), vec!["ttyUSB0".parse().expect("a name")]), place);
        let envelope = Envelope { sender: Sender::Eventbus, boot: BootId(1), seq: 0, sent: BEGUN };
        let now = Moment { mono: BEGUN, unix_ms: 0 };
        for at in ["/dev/ttyUSB0", "/run/ttyUSB0"] {
            let mote = Notification::Mote(entry(None, Some(at)));
            recorder.handle_notification(now, &envelope, &mote, &mut Output::open());
            hear(&mut recorder, at, 0, b"~");
        }
        assert!(!recorder.is_satisfied(BEGUN));
        recorder.handle_notification(now, &envelope, &Notification::SnapshotEnd, &mut Output::open());
        assert!(recorder.is_satisfied(BEGUN) && matches!(recorder.refused, Some(Ok(End::NothingThere))) && !path.exists());
    }

    #[test]
    fn a_full_disk_ends_it_with_what_the_system_said() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let place = Place::File(Sink::new(full, Packing::None, 1 << 20));
        let mut recorder = begun(None, Choice::new(Vec::new(), Vec::new()), place);
        hear(&mut recorder, "a", 0, b"~");
        recorder.handle_timeout(Moment { mono: recorder.poll_timeout().expect("due"), unix_ms: 0 }, &mut Output::open());
        assert!(recorder.is_satisfied(BEGUN));
        assert_eq!(recorder.finish().expect_err("full").kind(), io::ErrorKind::StorageFull);
    }
}
