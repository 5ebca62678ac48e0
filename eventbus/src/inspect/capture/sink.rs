//! Where live packets go without ever keeping us waiting.
//!
//! A file takes them at once. Standard output is given up with its reader. A FIFO is written to while somebody reads: a new
//! reader gets a new section, and what comes while nobody reads, or reads too slowly, is counted and passed over. Packets are
//! passed over whole, so that what is read is always in order.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use bus::process::Failure;
use bus::reactor::Registration;
use lowpan::capture::{Capture, Record, Section};
use mio::Interest;

use super::file::{self, Destination};
use super::limit::{Limit, Room};
use crate::inspect::existing::Existing;
use crate::inspect::pipe;

/// Bytes that wait for a slow reader: some thousand packets.
const MOST_WAITING: usize = 1 << 20;

/// Bytes written at once: a pipe or socket that has room has room for these.
const PIECE: usize = 4096;

/// Where packets go.
#[derive(Debug)]
pub struct Sink {
    path: PathBuf,
    target: Target,
    /// What the present reader was told.
    section: Section,
    /// Whole blocks, but for the first of which a part is written.
    waiting: Vec<u8>,
    /// Reports room in a pipe, and that its reader has gone.
    registration: Option<Registration>,
    passed_over: u64,
    packets: u64,
}

#[derive(Debug)]
enum Target {
    /// A file that is not begun before there is something to be captured.
    Later(Existing),
    /// It ends with its reader. In non-blocking mode, unless it is no pipe.
    Output(File),
    /// The reader's end, while there is one.
    Fifo(Option<File>),
    /// Nobody reads standard output any more.
    Gone,
}

impl Sink {
    /// Opens the target, and begins the capture there if somebody reads it already. A file is left as it is until [`Self::begin_file`].
    pub fn open(path: &Path, existing: Existing, capture: &Capture, limit: &mut Limit) -> Result<Self, Failure> {
        let target = match Destination::of(path)? {
            Destination::File => Target::Later(existing),
            Destination::Fifo => Target::Fifo(None),
            Destination::StandardOutput => Target::Output(standard_output().map_err(|error| file::unwritable(path, &error))?),
        };
        let (path, section, waiting) = (path.to_owned(), Section::default(), Vec::new());
        let mut sink = Self { path, target, section, waiting, registration: None, passed_over: 0, packets: 0 };
        match &sink.target {
            Target::Output(_) => sink.begin(capture, limit),
            Target::Fifo(_) => sink.look(capture, limit)?,
            Target::Later(_) | Target::Gone => {}
        }
        sink.flush()?;
        Ok(sink)
    }

    /// Begins a file, if that is where packets go.
    pub fn begin_file(&mut self, capture: &Capture, limit: &mut Limit) -> Result<(), Failure> {
        match &self.target {
            Target::Later(existing) => self.target = Target::Output(file::create(&self.path, *existing)?),
            Target::Output(_) | Target::Fifo(_) | Target::Gone => return Ok(()),
        }
        self.watch_target();
        self.begin(capture, limit);
        self.flush()
    }

    /// Lets the reactor report when to [`Self::look`].
    pub fn watch(&mut self, registration: Registration) {
        self.registration = Some(registration);
        self.watch_target();
    }

    /// Takes a packet, or passes it over.
    pub fn take(&mut self, capture: &Capture, record: &Record, limit: &mut Limit) -> Result<(), Failure> {
        self.look(capture, limit)?;
        if !self.has_reader() || self.waiting.len() > MOST_WAITING {
            self.passed_over += 1;
            return Ok(());
        }
        let (mut bytes, mut section) = (Vec::new(), self.section);
        section.write(capture, record, &mut bytes);
        if limit.take_packet(bytes.len()) == Room::Taken {
            self.waiting.extend(bytes);
            self.section = section;
            self.packets += 1;
        }
        self.flush()
    }

    /// Writes as much as there is room for.
    pub fn flush(&mut self) -> Result<(), Failure> {
        while let (Target::Output(file) | Target::Fifo(Some(file)), false) = (&mut self.target, self.waiting.is_empty()) {
            if !pipe::has_room(file) && !pipe::is_reader_gone(file) {
                return Ok(());
            }
            match file.write(&self.waiting[..self.waiting.len().min(PIECE)]) {
                Ok(0) => return Err(file::unwritable(&self.path, &ErrorKind::WriteZero.into())),
                Ok(len) => drop(self.waiting.drain(..len)),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => return Ok(()),
                    ErrorKind::BrokenPipe => self.lose_reader(),
                    _other => return Err(file::unwritable(&self.path, &error)),
                },
            }
        }
        Ok(())
    }

    /// Looks whether the reader of a FIFO has gone, or another one come.
    pub fn look(&mut self, capture: &Capture, limit: &mut Limit) -> Result<(), Failure> {
        match &self.target {
            Target::Output(_) | Target::Later(_) | Target::Gone => return Ok(()),
            Target::Fifo(Some(file)) if !pipe::is_reader_gone(file) => return Ok(()),
            Target::Fifo(Some(_)) => self.lose_reader(),
            Target::Fifo(None) => {}
        }
        if let Some(file) = pipe::open(&self.path).map_err(|error| file::unwritable(&self.path, &error))? {
            self.target = Target::Fifo(Some(file));
            self.watch_target();
            self.begin(capture, limit);
            self.flush()?;
        }
        Ok(())
    }

    /// Can packets be written now?
    pub fn has_reader(&self) -> bool {
        matches!(self.target, Target::Output(_) | Target::Fifo(Some(_)))
    }

    /// Was the one reader that there can be lost?
    pub fn is_gone(&self) -> bool {
        match &self.target {
            Target::Gone => true,
            Target::Output(file) => pipe::is_reader_gone(file),
            Target::Fifo(_) | Target::Later(_) => false,
        }
    }

    /// Does something wait for a reader that is there?
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Does somebody have to look from time to time? Nothing tells when a reader comes.
    pub fn needs_looks(&self) -> bool {
        self.is_waiting() || matches!(self.target, Target::Fifo(None))
    }

    /// Packets that were written, and those that were passed over.
    pub fn totals(&self) -> (u64, u64) {
        (self.packets, self.passed_over)
    }

    fn watch_target(&self) {
        if let (Target::Output(file) | Target::Fifo(Some(file)), Some(registration)) = (&self.target, &self.registration) {
            // A file takes everything, and cannot be watched.
            let _ = registration.watch(file, Interest::WRITABLE);
        }
    }

    fn begin(&mut self, capture: &Capture, limit: &mut Limit) {
        self.waiting.clear();
        self.section = Section::begin(capture, &mut self.waiting);
        limit.take_bytes(self.waiting.len());
    }

    fn lose_reader(&mut self) {
        self.waiting.clear();
        self.target = match self.target {
            Target::Fifo(_) => Target::Fifo(None),
            Target::Output(_) | Target::Later(_) | Target::Gone => Target::Gone,
        };
    }
}

/// What is no pipe, as the socket of an SSH session, is written to in pieces that have room.
fn standard_output() -> io::Result<File> {
    pipe::of_stdout().map_or_else(|| io::stdout().as_fd().try_clone_to_owned().map(File::from), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowpan::Link;
    use lowpan::capture::{Form, Handed};
    use mqtypes::ids::{Asn, Eui64};
    use nix::fcntl::OFlag;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::fs::OpenOptions;
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;

    /// A FIFO in a folder of its own, and a capture.
    struct Stage {
        folder: tempfile::TempDir,
        capture: Capture,
    }

    impl Stage {
        fn new() -> Self {
            let stage = Self { folder: tempfile::tempdir().expect("made"), capture: Capture::new("test", Form::Sent, [0; 8], None) };
            mkfifo(&stage.path(), Mode::S_IRUSR | Mode::S_IWUSR).expect("made");
            stage
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("fifo")
        }

        fn open(&self, limit: &mut Limit) -> Sink {
            Sink::open(&self.path(), Existing::Kept, &self.capture, limit).expect("opened")
        }

        fn reader(&self) -> File {
            OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(self.path()).expect("opened")
        }

        fn record(&mut self, size: usize) -> Record {
            let link = Link { source: Eui64([2; 8]), destination: Eui64([1; 8]) };
            let lowpan = vec![0xf1; size];
            let packet = Handed { port: "a", at_us: 0, asn: Asn(1), link, pan: None, lowpan: &lowpan };
            self.capture.handle_packet(&packet).remove(0)
        }
    }

    /// Everything that is there now.
    fn read(reader: &mut File) -> Vec<u8> {
        let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(len @ 1..) = reader.read(&mut buffer) {
            read.extend_from_slice(&buffer[..len]);
        }
        read
    }

    /// How many blocks of this type; every length has to be right.
    fn blocks(bytes: &[u8], kind: u32) -> usize {
        let (mut rest, mut found) = (bytes, 0);
        while let Some((head, _)) = rest.split_first_chunk::<8>() {
            let [told, length] = [0, 4].map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
            found += usize::from(told == kind);
            rest = &rest[length as usize..];
        }
        found
    }

    const SECTION: u32 = 0x0a0d_0d0a;
    const PACKET: u32 = 6;

    #[test]
    fn packets_that_nobody_reads_are_counted_and_every_reader_gets_a_section() {
        let mut stage = Stage::new();
        let mut limit = Limit::ENDLESS;
        let mut sink = stage.open(&mut limit);
        let record = stage.record(20);
        sink.take(&stage.capture, &record, &mut limit).expect("passed over");
        assert_eq!(sink.totals(), (0, 1));
        for taken in 1..=2 {
            let mut reader = stage.reader();
            sink.look(&stage.capture, &mut limit).expect("looked");
            sink.take(&stage.capture, &record, &mut limit).expect("taken");
            let bytes = read(&mut reader);
            assert_eq!((blocks(&bytes, SECTION), blocks(&bytes, PACKET), sink.totals()), (1, 1, (taken, 1)));
            drop(reader);
            sink.look(&stage.capture, &mut limit).expect("looked");
            assert!(!sink.has_reader() && !sink.is_gone());
        }
    }

    #[test]
    fn a_slow_reader_loses_whole_packets_and_nothing_grows() {
        let mut stage = Stage::new();
        let mut limit = Limit::ENDLESS;
        let mut reader = stage.reader();
        let mut sink = stage.open(&mut limit);
        let record = stage.record(2000);
        for _ in 0..1000 {
            sink.take(&stage.capture, &record, &mut limit).expect("taken or passed over");
            assert!(sink.waiting.len() <= MOST_WAITING + 4096);
        }
        let (packets, passed_over) = sink.totals();
        assert!(packets > 400 && passed_over > 200 && packets + passed_over == 1000, "{packets}, {passed_over}");
        let mut bytes = read(&mut reader);
        while sink.is_waiting() {
            sink.flush().expect("written");
            bytes.extend(read(&mut reader));
        }
        assert_eq!(blocks(&bytes, PACKET) as u64, packets);
    }

    #[test]
    fn a_file_that_may_be_written_over_gets_everything_and_a_full_disk_is_told() {
        let mut stage = Stage::new();
        let mut limit = Limit::ENDLESS;
        let record = stage.record(20);
        let path = stage.folder.path().join("file");
        std::fs::write(&path, "of yesterday").expect("written");
        let mut kept = Sink::open(&path, Existing::Kept, &stage.capture, &mut limit).expect("looked at");
        let refused = kept.begin_file(&stage.capture, &mut limit).expect_err("there").to_string();
        assert!(refused.contains("is there already") && refused.contains("--force"), "{refused}");
        let mut sink = Sink::open(&path, Existing::Replaced, &stage.capture, &mut limit).expect("looked at");
        assert_eq!(std::fs::read(&path).expect("read"), b"of yesterday");
        sink.begin_file(&stage.capture, &mut limit).expect("begun anew");
        sink.take(&stage.capture, &record, &mut limit).expect("taken");
        assert!(!sink.is_waiting() && !sink.needs_looks() && !sink.is_gone());
        assert_eq!(blocks(&std::fs::read(&path).expect("read"), PACKET), 1);
        let mut sink = Sink::open(Path::new("/dev/full"), Existing::Kept, &stage.capture, &mut limit).expect("looked at");
        let full = sink.begin_file(&stage.capture, &mut limit).expect_err("nothing fits");
        assert!(full.to_string().contains("/dev/full: cannot write the capture"), "{full}");
    }
}
