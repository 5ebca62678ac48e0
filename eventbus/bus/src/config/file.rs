//! Reading the file: never more than it may be, and never waiting for a pipe or a device that somebody put in its place.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use super::fault::Fault;

/// Where the file is when nobody says otherwise.
pub const DEFAULT_FILE: &str = "/etc/lbr/lbr.toml";

/// Thirty times the file that is shipped.
const LONGEST: u64 = 64 * 1024;

/// What reading came to.
#[derive(Debug)]
pub enum Contents {
    /// The text.
    Text(String),
    /// There is no such file.
    Missing,
}

/// Reads the file.
pub fn read(path: &Path) -> Result<Contents, Fault> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::Missing),
        Err(error) => return Err(unreadable(&error)),
    };
    refuse_others(&metadata)?;
    // What was put there since then is not waited for either.
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(|error| unreadable(&error))?;
    refuse_others(&file.metadata().map_err(|error| unreadable(&error))?)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Fault::of_file(format!(
            "longer than {} KiB: this is no configuration; name the right file with --config",
            LONGEST / 1024
        )));
    }
    String::from_utf8(bytes).map(Contents::Text).map_err(|error| no_text(&error))
}

/// What to say of a file that somebody named, or that was there before.
pub fn missing() -> Fault {
    Fault::of_file("there is no such file (ENOENT): put it there, name another with --config, or leave --config out")
}

fn refuse_others(metadata: &Metadata) -> Result<(), Fault> {
    if metadata.is_file() { Ok(()) } else { Err(Fault::of_file("not an ordinary file: name one with --config")) }
}

fn unreadable(error: &io::Error) -> Fault {
    let way_out = match error.kind() {
        io::ErrorKind::PermissionDenied => "let this process's user read it, by `chmod 0644` and `chmod 0755` for its directory",
        _other => "put a readable file there, or name another with --config",
    };
    Fault::of_file(format!("cannot be read: {error}; {way_out}"))
}

fn no_text(error: &std::string::FromUtf8Error) -> Fault {
    let right = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n');
    let line = right.count();
    Fault::new(line, "", "bytes that are no UTF-8: save the file as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    use nix::sys::stat::Mode;

    fn refusal(path: &Path) -> String {
        read(path).expect_err("refused").what
    }

    #[test]
    fn what_is_no_ordinary_file_is_refused_at_once() {
        let directory = tempfile::tempdir().expect("made");
        assert!(refusal(directory.path()).contains("not an ordinary file"));
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).expect("made");
        assert!(refusal(&pipe).contains("not an ordinary file"));
        assert!(refusal(Path::new("/dev/zero")).contains("not an ordinary file"));
    }

    #[test]
    fn a_file_that_is_too_long_or_no_text_is_refused_with_the_way_out() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("lbr.toml");
        fs::write(&path, "#".repeat(LONGEST as usize)).expect("written");
        assert!(matches!(read(&path), Ok(Contents::Text(_))));
        fs::write(&path, "#".repeat(LONGEST as usize + 1)).expect("written");
        assert!(refusal(&path).contains("64 KiB"));
        fs::write(&path, b"# right\n# \xff\n").expect("written");
        assert_eq!(read(&path).expect_err("no text").line, Some(2));
    }

    #[test]
    fn an_absent_file_is_told_from_an_unreadable_one() {
        assert!(matches!(read(Path::new("/no/such/lbr.toml")), Ok(Contents::Missing)));
        let below_a_file = PathBuf::from("/etc/passwd/lbr.toml");
        assert!(refusal(&below_a_file).contains("os error 20"));
    }
}
