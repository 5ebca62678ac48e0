//! The file that a recording goes to, plain or gzipped, and its bound.
//!
//! What was written stays whole, whatever comes: a line is written with all of its bytes or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use bus::process::Failure;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::inspect::existing::{self, Existing};

/// What a block of deflate (RFC 1951) and the end of the file (RFC 1952) may need beside the bytes.
const SLACK: u64 = 256;

/// How the bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    None,
    /// Gzipped.
    Gzip,
}

/// Is there room for more?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Room {
    /// The line is written.
    Taken,
    /// It would have made the file too long, and nothing was written.
    Full,
}

/// A recording that is being written.
#[derive(Debug)]
pub struct Sink<W: Write> {
    packer: Packer<W>,
    most: u64,
    /// Bytes that were taken since the last flush: packed, they are no more than that, about.
    pending: u64,
}

#[derive(Debug)]
enum Packer<W: Write> {
    None(BufWriter<Counted<W>>),
    Gzip(GzEncoder<Counted<W>>),
}

/// Counts what goes through.
#[derive(Debug)]
struct Counted<W> {
    inner: W,
    written: u64,
}

/// Makes the file, which its owner alone may read, whatever it was before.
pub fn create(path: &Path, existing: Existing) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match existing {
            Existing::Kept => Err(existing::refuse(path)),
            Existing::Replaced => replace(path, &options).map_err(|error| unwritable(path, &error)),
        },
        made => made.map_err(|error| unwritable(path, &error)),
    }
}

/// A device or a pipe stays as it is.
fn replace(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    Ok(file)
}

/// It takes no more.
pub fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Environment(format!("{}: {error}; what was recorded before that is in it, if anything was", path.display()))
}

impl<W: Write> Sink<W> {
    /// A recording that is to have `most` bytes at most, packed.
    pub fn new(file: W, packing: Packing, most: u64) -> Self {
        let counted = Counted { inner: file, written: 0 };
        let packer = match packing {
            Packing::None => Packer::None(BufWriter::with_capacity(64 * 1024, counted)),
            // The router has other things to do.
            Packing::Gzip => Packer::Gzip(GzEncoder::new(counted, Compression::fast())),
        };
        Self { packer, most, pending: 0 }
    }

    /// Writes a line, if there is room for all of it.
    pub fn line(&mut self, line: &str) -> io::Result<Room> {
        let length = line.len() as u64 + 1;
        if self.bound(length) > self.most {
            // Packed, it is less than was feared.
            self.flush()?;
            if self.bound(length) > self.most {
                return Ok(Room::Full);
            }
        }
        self.pending += length;
        let writer: &mut dyn Write = match &mut self.packer {
            Packer::None(writer) => writer,
            Packer::Gzip(writer) => writer,
        };
        writer.write_all(line.as_bytes())?;
        writer.write_all(b"\n")?;
        Ok(Room::Taken)
    }

    /// Everything so far is in the file, and can be read.
    pub fn flush(&mut self) -> io::Result<()> {
        self.pending = 0;
        match &mut self.packer {
            Packer::None(writer) => writer.flush(),
            Packer::Gzip(writer) => writer.flush(),
        }
    }

    /// Ends the file.
    pub fn finish(self) -> io::Result<W> {
        match self.packer {
            Packer::None(mut writer) => {
                writer.flush()?;
                writer.into_inner().map(|counted| counted.inner).map_err(io::IntoInnerError::into_error)
            }
            Packer::Gzip(writer) => writer.finish().map(|counted| counted.inner),
        }
    }

    /// The file's length at most, with so many bytes more.
    fn bound(&self, more: u64) -> u64 {
        match &self.packer {
            Packer::None(writer) => writer.get_ref().written + self.pending + more,
            Packer::Gzip(writer) => {
                let pending = self.pending + more;
                writer.get_ref().written + pending + pending / 1000 + SLACK
            }
        }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    /// Writes lines until there is no more room; tells them, and the file.
    fn fill(packing: Packing, most: u64, line: impl Fn(u64) -> String) -> (Vec<String>, Vec<u8>) {
        let (mut sink, mut lines) = (Sink::new(Vec::new(), packing, most), Vec::new());
        for number in 0.. {
            match sink.line(&line(number)).expect("memory takes it") {
                Room::Taken => lines.push(line(number)),
                Room::Full => break,
            }
        }
        (lines, sink.finish().expect("memory takes it"))
    }

    #[test]
    fn a_plain_file_is_filled_to_the_last_line_that_fits() {
        let (lines, file) = fill(Packing::None, 100_000, |_| "x".repeat(99));
        assert_eq!((lines.len(), file.len()), (1000, 100_000));
        let (lines, file) = fill(Packing::None, 1_099, |_| "x".repeat(99));
        assert_eq!((lines.len(), file.len()), (10, 1_000));
    }

    #[test]
    fn a_packed_file_is_not_longer_than_it_may_be_and_holds_every_line() {
        // One that can be packed well, and one that cannot.
        let noise = |number: u64| format!("{:x}", u128::from(number + 1).wrapping_pow(31).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060));
        let texts: [&dyn Fn(u64) -> String; 2] = [&|number| format!("line {number} of many that are alike"), &noise];
        for (text, least) in texts.into_iter().zip([2_000, 400]) {
            let (lines, file) = fill(Packing::Gzip, 20_000, text);
            assert!(file.len() <= 20_000 && file.len() > 15_000 && lines.len() > least, "{} {}", file.len(), lines.len());
            let mut unpacked = String::new();
            GzDecoder::new(&file[..]).read_to_string(&mut unpacked).expect("whole");
            assert_eq!(unpacked.lines().collect::<Vec<_>>(), lines);
        }
    }

    #[test]
    fn what_was_flushed_can_be_read_though_the_file_has_no_end() {
        let mut sink = Sink::new(Vec::new(), Packing::Gzip, 10_000);
        assert_eq!(sink.line("first").expect("taken"), Room::Taken);
        sink.flush().expect("flushed");
        let Packer::Gzip(writer) = &sink.packer else { panic!("gzip") };
        let (mut decoder, mut text) = (GzDecoder::new(&writer.get_ref().inner[..]), [0; 6]);
        decoder.read_exact(&mut text).expect("it is there");
        assert_eq!(&text, b"first\n");
    }

    #[test]
    fn a_file_that_is_there_is_kept_unless_it_may_be_replaced_and_nobody_else_may_read_ours() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.jsonl");
        let mode = |file: &File| file.metadata().expect("there").permissions().mode() & 0o777;
        let file = create(&path, Existing::Kept).expect("made");
        assert_eq!(mode(&file), 0o600);
        let refused = create(&path, Existing::Kept).expect_err("there").to_string();
        assert!(refused.contains("a.jsonl: is there already") && refused.contains("--force"), "{refused}");
        std::fs::write(&path, "of yesterday").expect("written");
        file.set_permissions(Permissions::from_mode(0o644)).expect("ours");
        let again = create(&path, Existing::Replaced).expect("replaced");
        assert_eq!((mode(&again), again.metadata().expect("there").len()), (0o600, 0));
        let device = create(Path::new("/dev/null"), Existing::Replaced).expect("opened");
        assert_eq!(mode(&device), 0o666);
        let nowhere = create(Path::new("/nowhere/a"), Existing::Replaced).expect_err("absent").to_string();
        assert!(nowhere.starts_with("/nowhere/a: No such file"), "{nowhere}");
    }
}
