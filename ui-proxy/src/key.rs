//! The key that the router and the GUI host share: a file of 32 random bytes in base64.
//!
//! Made on the PC (`gui-host keygen`) and copied here. It is never shown, and a file that others could read or change is refused.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;

/// Bytes in a key.
const KEY_BYTES: usize = 32;

/// More of the file is not read; 45 bytes are enough.
const LONGEST_FILE: u64 = 1024;

/// Mode bits that a key file may have.
const ALLOWED_MODE: u32 = 0o640;

/// The shared key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What is wrong with the key file, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error(
        "key file {0}: there is none, and without it nothing is dialled; make one on the PC with `gui-host keygen` and copy it here with mode 0640, or use --auth none on both sides for trying out"
    )]
    Missing(PathBuf),
    /// A directory, a pipe, a device.
    #[error("key file {0}: not an ordinary file; name one with --key-file")]
    NotAFile(PathBuf),
    /// Others could read or change it.
    #[error("key file {path}: mode {mode:04o} lets others at it; run `chmod 0600 {path}` (0640 if its group is to read it)")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Something else is in it.
    #[error("key file {0}: not 32 bytes of base64 on one line; make a new one on the PC with `gui-host keygen` and copy it here")]
    Content(PathBuf),
    /// The system refuses.
    #[error("key file {0}: {1}; this process must be able to read it")]
    System(PathBuf, #[source] io::Error),
}

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the proof alone.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads a key file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let system = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
            _other => KeyError::System(path.to_owned(), error),
        };
        // Looked at before it is opened: opening a pipe would wait for a writer.
        let metadata = fs::metadata(path).map_err(system)?;
        if !metadata.is_file() {
            return Err(KeyError::NotAFile(path.to_owned()));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & !ALLOWED_MODE != 0 {
            return Err(KeyError::Mode { path: path.to_owned(), mode });
        }
        let mut text = Vec::new();
        File::open(path).map_err(system)?.take(LONGEST_FILE).read_to_end(&mut text).map_err(system)?;
        let bytes = BASE64.decode(text.trim_ascii()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| KeyError::Content(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("made");
        let path = dir.path().join("ui.key");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        (dir, path)
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_with_or_without_a_newline() {
        let text = BASE64.encode(&[7; 32]);
        for text in [text.clone(), format!("{text}\n")] {
            let (_dir, path) = file(&text, 0o640);
            assert_eq!(Key::read(&path).expect("a key"), Key::new([7; 32]));
        }
    }

    #[test]
    fn a_key_that_others_can_reach_is_refused_with_the_way_out() {
        for mode in [0o644, 0o660, 0o700, 0o604] {
            let (_dir, path) = file(&BASE64.encode(&[7; 32]), mode);
            let error = Key::read(&path).expect_err("refused").to_string();
            assert!(error.contains(&format!("{mode:04o}")) && error.contains("chmod 0600"), "{error}");
        }
    }

    #[test]
    fn other_contents_are_refused() {
        for text in ["", "short", &BASE64.encode(&[7; 31]), &BASE64.encode(&[7; 33]), &"A".repeat(5000)] {
            let (_dir, path) = file(text, 0o600);
            assert!(matches!(Key::read(&path), Err(KeyError::Content(_))), "{text}");
        }
    }

    #[test]
    fn a_missing_key_names_the_command_that_makes_one_and_a_directory_is_none() {
        let error = Key::read(Path::new("/no/such/ui.key")).expect_err("missing").to_string();
        assert!(error.contains("/no/such/ui.key") && error.contains("gui-host keygen"), "{error}");
        let dir = tempfile::tempdir().expect("made");
        assert!(matches!(Key::read(dir.path()), Err(KeyError::NotAFile(_))));
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", Key::new([7; 32])), "Key(…)");
    }
}
