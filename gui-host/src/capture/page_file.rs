//! Where a running host leaves its page's address for this user's other programs: a file of mode 0600, gone with the host.
//!
//! The address has the token in it, so the default is a folder that only this user can enter and that a reboot empties. While
//! a host runs, no other one may take its place there: a lock beside the file says so, which ends with the process however that ends.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::bail;

use crate::{private_file, random};

/// Longest file that is read.
const MAX_FILE: u64 = 1024;

/// How the address begins, and what stands between port and token.
const START: &str = "http://127.0.0.1:";
const TOKEN: &str = "/#t=";

/// Where a host is, and what it wants to be shown.
#[derive(PartialEq, Eq)]
pub struct Address {
    /// The page's port on 127.0.0.1.
    pub port: u16,
    /// Its token.
    pub token: String,
}

/// The file of a running host; it is removed with this, unless somebody has put another in its place.
pub struct PageFile {
    path: PathBuf,
    text: String,
    lock: Lock,
}

/// Who has it may write the file.
struct Lock {
    path: PathBuf,
    _file: File,
}

/// Where the file is, unless told otherwise; none where there is no folder for such files.
pub fn default_path() -> Option<PathBuf> {
    let folder = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_RUNTIME_DIR" };
    let folder = env::var_os(folder).filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder).join("openwsn-lbr").join("page"))
}

impl PageFile {
    /// Writes it, unless another host that runs has it. Whoever reads meanwhile gets the old one or the new one.
    pub fn write(path: &Path, address: &str) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_file::make_folder(folder)?;
        }
        let Some(lock) = Lock::take(path)? else {
            let holder = read(path).map_or_else(|_| String::new(), |holder| format!(" on port {}", holder.port));
            bail!("the gui-host{holder} has it, and keeps it; start this one with a --page-file of its own");
        };
        let text = format!("{address}\n");
        let new = beside(path, &random::hex_128()?);
        let written =
            private_file::create_new(&new).and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| fs::rename(&new, path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written?;
        Ok(Self { path: path.to_owned(), text, lock })
    }
}

impl Drop for PageFile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
        // It is held still. Whoever has opened it a moment ago and gets it now is the only one who can be meant by it.
        let _ = fs::remove_file(&self.lock.path);
    }
}

impl Lock {
    /// Takes it; none when a host that runs has it.
    fn take(path: &Path) -> io::Result<Option<Self>> {
        let path = beside(path, "lock");
        let file = match private_file::create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => File::options().write(true).open(&path),
            made => made,
        }?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Where nothing can be locked, the last one to come has the file.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self { path, _file: file })),
        }
    }
}

/// A file with this ending behind the name of another.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

/// Reads the address of the host that runs.
pub fn read(path: &Path) -> Result<Address, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            format!("page file {shown}: there is none; start gui-host first, or name the file that it was started with: --page-file FILE")
        }
        _other => format!("page file {shown}: {error}"),
    })?;
    let metadata = file.metadata().map_err(|error| format!("page file {shown}: {error}"))?;
    if let Some(mode) = private_file::mode_open_to_others(&metadata) {
        return Err(format!("page file {shown}: mode {mode:04o} lets others at it; start gui-host anew"));
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).map_err(|error| format!("page file {shown}: {error}"))?;
    parse(&text).ok_or_else(|| format!("page file {shown}: it has no address such as {START}8080{TOKEN}…; start gui-host anew"))
}

fn parse(text: &str) -> Option<Address> {
    let (port, token) = text.trim_end().strip_prefix(START)?.split_once(TOKEN)?;
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(Address { port: port.parse().ok()?, token: is_token.then(|| token.to_owned())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "http://127.0.0.1:8080/#t=00ff";

    #[test]
    fn the_file_of_a_host_is_read_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lbr/page");
        let file = PageFile::write(&path, ADDRESS).unwrap();
        let read = read(&path).ok().unwrap();
        assert_eq!((read.port, read.token.as_str()), (8080, "00ff"));
        drop(file);
        assert_eq!(fs::read_dir(folder.path().join("lbr")).unwrap().count(), 0);
    }

    #[test]
    fn a_second_host_does_not_take_the_place_of_the_first_before_that_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        let second = || PageFile::write(&path, "http://127.0.0.1:8081/#t=ff");
        let first = PageFile::write(&path, ADDRESS).unwrap();
        let refused = second().err().unwrap().to_string();
        assert!(refused.starts_with("the gui-host on port 8080 has it, and keeps it") && refused.contains("--page-file"), "{refused}");
        assert_eq!(read(&path).ok().unwrap().port, 8080);
        drop(first);
        let _second = second().unwrap();
        assert_eq!(read(&path).ok().unwrap().port, 8081);
    }

    #[test]
    fn what_a_killed_host_has_left_is_replaced_and_what_another_has_put_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        for left in [&path, &beside(&path, "lock")] {
            private_file::create_new(left).unwrap();
        }
        let host = PageFile::write(&path, ADDRESS).unwrap();
        assert_eq!(read(&path).ok().unwrap().port, 8080);
        fs::write(&path, "http://127.0.0.1:8081/#t=ff").unwrap();
        drop(host);
        assert_eq!(read(&path).ok().unwrap().port, 8081);
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_the_way_out() {
        for text in [
            "",
            "x",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:99999/#t=a",
            "http://127.0.0.1:1/#t=",
            "http://evil:1/#t=a",
            "http://127.0.0.1:1/#t=a b",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        let error = read(Path::new("/nonexistent/page")).err().unwrap();
        assert!(error.contains("start gui-host first") && error.contains("--page-file"), "{error}");
    }
}
