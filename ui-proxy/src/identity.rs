//! Who this border router is, for a GUI host that may hold links to several: an id that lasts, and a name for people.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use mqtypes::ids::BootId;

/// Longest id and longest name, bytes. With both, `hello` stays below the 1,024 bytes that are allowed before authentication.
const LONGEST: usize = 64;

/// What `hello` says of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lbr {
    /// Lasts as long as the state directory.
    pub id: String,
    /// For people.
    pub name: String,
    /// The machine's.
    pub hostname: String,
    /// Of this program.
    pub version: &'static str,
    /// Changes when this process restarts.
    pub boot: BootId,
}

/// The router's id cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum IdError {
    /// The system refuses.
    #[error("the router's id, {0}: {1}; make the directory writable for this user, choose another with --state-dir, or give --id")]
    System(PathBuf, #[source] io::Error),
    /// Something else is in the file.
    #[error("the router's id, {0}: what is in it is no id ({1}); remove the file and a new one is made, or give --id")]
    Content(PathBuf, String),
}

/// An id as `--id` and the file take it.
pub fn parse_id(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("1 to 64 letters, digits, `-`, `_` or `.` are expected".to_owned())
}

/// A name as `--name` takes it.
pub fn parse_name(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("1 to 64 bytes without control characters are expected".to_owned())
}

/// The machine's name, cut to what a name may be.
pub fn hostname() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = name.chars().filter(char::is_ascii_graphic).take(LONGEST).collect();
    if plain.is_empty() { "unnamed".to_owned() } else { plain }
}

/// The id kept in `state_dir`; made at random the first time.
pub fn lasting_id(state_dir: &Path) -> Result<String, IdError> {
    let path = state_dir.join("lbr-id");
    match read(&path) {
        Ok(text) => parse_id(text.trim()).map_err(|expected| IdError::Content(path, expected)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(state_dir, &path).map_err(|error| IdError::System(path.clone(), error))
        }
        Err(error) => Err(IdError::System(path, error)),
    }
}

fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not an ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(2 * LONGEST as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Written beside its place and renamed into it: a power cut leaves an id or none, never half of one.
fn make(state_dir: &Path, path: &Path) -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let id = HEXLOWER.encode(&random);
    fs::create_dir_all(state_dir)?;
    let beside = state_dir.join(format!(".lbr-id.{}", std::process::id()));
    // Made new: root, too, may run `announce`, and follows no link that stands there in another user's directory.
    let _ = fs::remove_file(&beside);
    let mut file = File::options().write(true).create_new(true).mode(0o644).open(&beside)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_kept() {
        let dir = tempfile::tempdir().expect("made");
        let state_dir = dir.path().join("new");
        let id = lasting_id(&state_dir).expect("made");
        assert_eq!(id.len(), 32);
        assert_eq!(lasting_id(&state_dir).expect("read"), id);
        let files: Vec<_> = fs::read_dir(&state_dir).expect("there").map(|entry| entry.expect("readable").file_name()).collect();
        assert_eq!(files, ["lbr-id"]);
    }

    #[test]
    fn a_damaged_or_unreachable_id_names_the_file_and_the_way_out() {
        let dir = tempfile::tempdir().expect("made");
        fs::write(dir.path().join("lbr-id"), "\u{1b}[2J\n").expect("written");
        let error = lasting_id(dir.path()).expect_err("damaged").to_string();
        assert!(error.contains("lbr-id") && error.contains("remove the file"), "{error}");
        let error = lasting_id(Path::new("/proc/no-such")).expect_err("unreachable").to_string();
        assert!(error.contains("/proc/no-such/lbr-id") && error.contains("--state-dir"), "{error}");
    }

    #[test]
    fn a_hostname_is_always_a_name() {
        assert!(parse_name(&hostname()).is_ok());
    }
}
