//! A pseudo-terminal: the master end is the mote's, the slave end is what a host opens as a serial port.
//!
//! We do not keep the slave end open. So reading the master says EIO as long as nobody has the port open, which is the only
//! thing on Linux that tells whether a reader is there. A hang-up wakes us; an opening does not, and is looked for. What is
//! written while nobody is there would be kept by the kernel for the next reader; hence nothing may be written then.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

/// The mote's end of a pty, and the name under which hosts find the other end. Dropping it hangs up and removes the link.
#[derive(Debug)]
pub struct Pty {
    master: PtyMaster,
    device: PathBuf,
    link: Option<PathBuf>,
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    /// So many bytes from the host.
    Bytes(usize),
    /// None for now.
    Nothing,
    /// Nobody has the port open.
    Nobody,
}

impl Pty {
    /// Makes a pty in raw mode.
    pub fn open() -> io::Result<Self> {
        let (master, device) = make()?;
        Ok(Self { master, device, link: None })
    }

    /// Gives it a symbolic link. One that an earlier run left behind is replaced, anything else is not touched.
    pub fn linked(mut self, link: PathBuf) -> io::Result<Self> {
        place(&self.device, &link)?;
        self.link = Some(link);
        Ok(self)
    }

    /// Where a host opens it.
    pub fn path(&self) -> &Path {
        self.link.as_ref().unwrap_or(&self.device)
    }

    /// Takes what the host has sent.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Got> {
        match self.master.read(buffer) {
            Ok(count) => Ok(Got::Bytes(count)),
            Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => Ok(Got::Nobody),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Got::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Writes as much as the kernel takes, which may be nothing.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.master.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }
}

impl AsRawFd for Pty {
    fn as_raw_fd(&self) -> RawFd {
        self.master.as_raw_fd()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Somebody else may have put a link of the same name there in the meantime.
        if let Some(link) = self.link.as_ref().filter(|link| fs::read_link(link).is_ok_and(|target| target == self.device)) {
            let _ = fs::remove_file(link);
        }
    }
}

fn make() -> io::Result<(PtyMaster, PathBuf)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let device = PathBuf::from(ptsname_r(&master)?);
    // The settings outlive this opening. Closing it again is what makes the master tell that nobody is there.
    let slave = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&device)?;
    let mut settings = tcgetattr(&slave)?;
    cfmakeraw(&mut settings);
    tcsetattr(&slave, SetArg::TCSANOW, &settings)?;
    Ok((master, device))
}

fn place(device: &Path, link: &Path) -> io::Result<()> {
    if fs::read_link(link).is_ok_and(|target| target.starts_with("/dev/pts")) {
        fs::remove_file(link)?;
    }
    symlink(device, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pty() -> (tempfile::TempDir, Pty) {
        let directory = tempfile::tempdir().expect("a directory");
        let pty = Pty::open().and_then(|pty| pty.linked(directory.path().join("mote1"))).expect("a pty");
        (directory, pty)
    }

    fn reader(pty: &Pty) -> fs::File {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
            .open(pty.path())
            .expect("opened")
    }

    #[test]
    fn a_reader_is_noticed_when_it_comes_and_when_it_goes() {
        let (_directory, mut pty) = pty();
        let mut buffer = [0; 8];
        assert_eq!(pty.read(&mut buffer).expect("asked"), Got::Nobody);
        let mut slave = reader(&pty);
        assert_eq!(pty.read(&mut buffer).expect("asked"), Got::Nothing);
        slave.write_all(b"Q").expect("written");
        drop(slave);
        assert_eq!(pty.read(&mut buffer).expect("asked"), Got::Bytes(1));
        assert_eq!(pty.read(&mut buffer).expect("asked"), Got::Nobody);
        drop(reader(&pty));
    }

    #[test]
    fn every_byte_passes_as_it_is_in_both_directions() {
        let (_directory, mut pty) = pty();
        let mut slave = reader(&pty);
        let all: Vec<u8> = (0..=255).collect();
        let mut got = [0; 300];
        slave.write_all(&all).expect("written");
        assert_eq!(pty.read(&mut got).expect("asked"), Got::Bytes(256));
        assert_eq!(got[..256], all);
        assert_eq!(pty.write(&all).expect("written"), 256);
        let mut heard = Vec::new();
        while heard.len() < all.len() {
            // The kernel hands it over from a worker of its own.
            if let Ok(count) = slave.read(&mut got) {
                heard.extend_from_slice(&got[..count]);
            }
        }
        assert_eq!(heard, all);
    }

    #[test]
    fn a_slow_reader_makes_writing_stop_and_not_wait() {
        let (_directory, mut pty) = pty();
        let _slave = reader(&pty);
        let taken: usize = std::iter::from_fn(|| pty.write(&[0x55; 1000]).ok().filter(|count| *count > 0)).sum();
        assert!((4_096..1_000_000).contains(&taken), "{taken}");
    }

    #[test]
    fn the_link_replaces_a_stale_one_spares_anything_else_and_goes_with_its_pty() {
        let directory = tempfile::tempdir().expect("a directory");
        let link = directory.path().join("mote1");
        symlink("/dev/pts/no-such", &link).expect("made");
        drop(Pty::open().and_then(|pty| pty.linked(link.clone())).expect("a pty"));
        assert!(fs::symlink_metadata(&link).is_err(), "it is gone");
        let refused = || Pty::open().and_then(|pty| pty.linked(link.clone())).expect_err("refused").kind();
        symlink("/dev/null", &link).expect("made");
        assert_eq!((refused(), fs::read_link(&link).expect("spared")), (ErrorKind::AlreadyExists, PathBuf::from("/dev/null")));
        fs::remove_file(&link).expect("ours");
        fs::write(&link, "a file of somebody's").expect("written");
        assert_eq!(refused(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&link).expect("spared"), "a file of somebody's");
    }
}
