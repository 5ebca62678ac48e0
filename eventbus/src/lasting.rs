//! Files that are replaced as a whole, by rename, so that a reader never sees half of one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a replaced file must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// A restart of the process. Nothing waits for a disk.
    Restart,
    /// A loss of power too. This waits for the disk, so it is for what changes rarely.
    PowerLoss,
}

/// Replaces the file at `path`; nobody but the owner may read it.
pub fn replace(path: &Path, content: &[u8], survives: Survives) -> io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _removed_or_not_there => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    if survives == Survives::Restart {
        return fs::rename(&beside, path);
    }
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}

/// Reads the file at `path`; `None` when there is none.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path) {
        // What is no text makes no sense to the reader, who says so.
        Ok(content) => Ok(Some(String::from_utf8_lossy(&content).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_kept_private() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("network");
        assert_eq!(read(&path).expect("read"), None);
        replace(&path, b"one", Survives::PowerLoss).expect("written");
        // What a killed writer left behind does not stand in the way.
        fs::write(directory.path().join("network.new"), "half").expect("written");
        replace(&path, b"two", Survives::Restart).expect("written");
        assert_eq!(read(&path).expect("read").as_deref(), Some("two"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
