//! A real port: the one file that talks to the kernel about serial devices.
//!
//! 8N1, non-blocking, ours alone. The kernel takes XON and XOFF out of the input and obeys them
//! (`IXON`), and never sends any (`IXOFF` off). Nothing here waits: in particular nothing drains the
//! output, which a mote can hold up for ever. What failed is judged by errno, not by the kinds of the serial crate, which forgets it.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};

use bus::descriptor::borrow;
use bus::lock_list;
use framing::flow::{XOFF, XON};
use mio_serial::{DataBits, FlowControl as SerialFlowControl, Parity, SerialPort, SerialStream, StopBits};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{major, minor};
use nix::sys::termios::{ControlFlags, FlushArg, InputFlags, SetArg, SpecialCharacterIndices, Termios, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{Gid, Group};

use crate::line::Opened;
use crate::output::FlowControl;
use crate::spec::{Level, Modem};
use crate::trouble::{GroupName, Holder, Trouble};

/// Major device numbers of pseudo-terminals' slave ends (`UNIX98_PTY_SLAVE_MAJOR` and the seven after it).
const PTY_SLAVES: std::ops::RangeInclusive<u64> = 136..=143;

/// Which device a node leads to, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    number: u64,
    /// Ptys of different containers have the same numbers; their file systems differ.
    file_system: Option<u64>,
}

/// An open port. Dropping it closes it at once; what is not on the line yet is thrown away.
#[derive(Debug)]
pub struct Tty {
    /// The lock that says that the port is ours lasts as long as this is open.
    stream: SerialStream,
}

impl Device {
    /// Looks at what is at `path`, and refuses what is no serial port, without opening it.
    pub fn at(path: &str) -> Result<Self, Trouble> {
        let metadata = std::fs::metadata(path).map_err(|error| trouble_of(&error, "looking at it", None))?;
        refuse_what_is_no_device(&metadata)?;
        let is_pty = PTY_SLAVES.contains(&major(metadata.rdev()));
        if !is_pty {
            refuse_other_devices(metadata.rdev())?;
        }
        Ok(Self { number: metadata.rdev(), file_system: is_pty.then(|| metadata.dev()) })
    }
}

impl Tty {
    /// Opens the device at `path` for us alone.
    pub fn open(path: &str, baud: u32, modem: Modem) -> Result<(Self, Opened), Trouble> {
        let metadata = std::fs::metadata(path).map_err(|error| trouble_of(&error, "looking at it", None))?;
        // A descriptor of our own first: it tells errno, and it keeps the device open, so that what
        // follows does not make its modem lines go down and up again.
        let look = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
            .open(path)
            .map_err(|error| trouble_of(&error, "opening", Some(&metadata)))?;
        tcgetattr(&look).map_err(|errno| trouble_of(&errno.into(), "reading its settings", Some(&metadata)))?;
        refuse_while_locked(&look, &metadata)?;
        let stream = open_stream(path, baud).map_err(|trouble| match tcgetattr(&look) {
            // The serial crate has forgotten errno; a device that is going tells it again.
            Err(errno) => trouble_of(&errno.into(), "reading its settings", Some(&metadata)),
            Ok(_) => trouble,
        })?;
        let mut tty = Self { stream };
        lock(&tty.stream, &metadata)?;
        if !PTY_SLAVES.contains(&major(metadata.rdev())) {
            // On a pty it would outlive us, and nobody could open the pty any more.
            tty.stream.set_exclusive(true).map_err(|error| refused("TIOCEXCL", &error))?;
        }
        let flow = tty.set_flow_control()?;
        tty.set_modem_lines(path, modem);
        // A driver may have chosen a rate near the one that was asked for.
        let baud = tty.stream.baud_rate().unwrap_or(baud);
        Ok((tty, Opened { baud, flow }))
    }

    /// Asks for another rate, and tells which one the device does now. What was on its way is thrown away.
    pub fn tune(&mut self, baud: u32) -> Result<u32, Trouble> {
        // Whether it took effect is what the device says it does; the call itself tells less.
        let _ = self.stream.set_baud_rate(baud);
        let _ = tcflush(borrow(&self.stream), FlushArg::TCIOFLUSH);
        // What came in at a wrong rate may have had an XOFF in it.
        self.force_on()?;
        Ok(self.stream.baud_rate().unwrap_or(0))
    }

    /// Reads what is there; `None` when nothing is.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Trouble> {
        match self.stream.read(buffer) {
            Ok(0) => Err(Trouble::Gone("hung up".to_owned())),
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Trouble::Gone(error.to_string())),
        }
    }

    /// Writes as much as the kernel takes; `None` when that is nothing.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Trouble> {
        match self.stream.write(bytes) {
            Ok(0) => Ok(None),
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Trouble::Gone(error.to_string())),
        }
    }

    /// Bytes that the kernel holds and has not sent yet, as far as the driver tells.
    pub fn unsent(&self) -> usize {
        self.stream.bytes_to_write().map_or(0, |count| count as usize)
    }

    /// Lets output go on that an XOFF has stopped. `TCOON` does not do that; clearing `IXON` does.
    pub fn force_on(&mut self) -> Result<(), Trouble> {
        self.change(|termios| termios.input_flags.remove(InputFlags::IXON))?;
        self.change(|termios| termios.input_flags.insert(InputFlags::IXON))
    }

    fn set_flow_control(&mut self) -> Result<FlowControl, Trouble> {
        self.change(|termios| {
            termios.input_flags.insert(InputFlags::IXON);
            termios.input_flags.remove(InputFlags::IXOFF | InputFlags::IXANY);
            termios.control_chars[SpecialCharacterIndices::VSTART as usize] = XON;
            termios.control_chars[SpecialCharacterIndices::VSTOP as usize] = XOFF;
            // A restart of ours must not reset the mote: on many boards the modem lines do.
            termios.control_flags.remove(ControlFlags::HUPCL);
        })?;
        // The call succeeds when any of the changes could be made.
        let is_on = self.settings()?.input_flags.contains(InputFlags::IXON);
        Ok(if is_on { FlowControl::ByKernel } else { FlowControl::InProcess })
    }

    fn set_modem_lines(&mut self, path: &str, modem: Modem) {
        let set = |what, level, result: Result<(), mio_serial::Error>| {
            if let Err(error) = result {
                log::warn!("{path}: {what}={level} was refused ({error}); the port is used all the same");
            }
        };
        match modem.dtr {
            Level::On => set("dtr", "on", self.stream.write_data_terminal_ready(true)),
            Level::Off => set("dtr", "off", self.stream.write_data_terminal_ready(false)),
            Level::Keep => {}
        }
        match modem.rts {
            Level::On => set("rts", "on", self.stream.write_request_to_send(true)),
            Level::Off => set("rts", "off", self.stream.write_request_to_send(false)),
            Level::Keep => {}
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Termios)) -> Result<(), Trouble> {
        let mut termios = self.settings()?;
        change(&mut termios);
        tcsetattr(borrow(&self.stream), SetArg::TCSANOW, &termios).map_err(|errno| trouble_of(&errno.into(), "changing its settings", None))
    }

    fn settings(&self) -> Result<Termios, Trouble> {
        tcgetattr(borrow(&self.stream)).map_err(|errno| trouble_of(&errno.into(), "reading its settings", None))
    }
}

impl AsRawFd for Tty {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // Closing a tty waits, up to 30 s, for output that an XOFF holds up.
        let _ = tcflush(borrow(&self.stream), FlushArg::TCOFLUSH);
    }
}

/// Raw, 8N1, without flow control for now: `FlowControl::Software` of the serial crate would send XON and XOFF too.
/// Not exclusive: that would set `TIOCEXCL` on ptys as well.
fn open_stream(path: &str, baud: u32) -> Result<SerialStream, Trouble> {
    let builder = mio_serial::new(path, baud)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(SerialFlowControl::None)
        .exclusive(false);
    SerialStream::open(&builder).map_err(|error| refused("opening it as a serial port", &error))
}

fn refused(doing: &'static str, error: &mio_serial::Error) -> Trouble {
    Trouble::Refused { doing, error: error.to_string() }
}

fn refuse_what_is_no_device(metadata: &Metadata) -> Result<(), Trouble> {
    let kind = metadata.file_type();
    let what = if kind.is_char_device() {
        return Ok(());
    } else if kind.is_file() {
        "a regular file"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a block device"
    };
    Err(Trouble::NotASerialPort(what))
}

/// Opening a device may be an act (a watchdog begins to run): only what the kernel counts among its terminals is opened.
fn refuse_other_devices(number: u64) -> Result<(), Trouble> {
    let subsystem = std::fs::read_link(format!("/sys/dev/char/{}:{}/subsystem", major(number), minor(number)));
    match subsystem {
        Ok(path) if path.file_name().is_some_and(|name| name != "tty") => Err(Trouble::NotASerialPort("a device of another kind")),
        // Not every container has a sysfs.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn trouble_of(error: &io::Error, doing: &'static str, device: Option<&Metadata>) -> Trouble {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENOTDIR) => Trouble::Absent,
        // The node may be there before or after the device behind it.
        Some(Errno::ENODEV | Errno::ENXIO) => Trouble::NoDevice,
        Some(Errno::EACCES | Errno::EPERM) => Trouble::NotPermitted(GroupName(device.and_then(group_of))),
        Some(Errno::ENOTTY) => Trouble::NotASerialPort("a device of another kind"),
        Some(Errno::EIO) => Trouble::Gone(error.to_string()),
        // Somebody has set TIOCEXCL, and that does not tell who.
        Some(Errno::EBUSY) => Trouble::InUse(Holder::Unknown),
        _other => Trouble::Refused { doing, error: error.to_string() },
    }
}

fn group_of(device: &Metadata) -> Option<String> {
    Some(Group::from_gid(Gid::from_raw(device.gid())).ok()??.name)
}

/// Finds out whether somebody has a lock on the device, and keeps none.
fn refuse_while_locked(look: &File, device: &Metadata) -> Result<(), Trouble> {
    lock(look, device)?;
    look.unlock().map_err(|error| trouble_of(&error, "unlocking", None))
}

/// Locks the device (`flock`) for as long as `owner` is open: a lock belongs to what was opened, not to one of its descriptors.
fn lock(owner: &impl AsRawFd, device: &Metadata) -> Result<(), Trouble> {
    let duplicate = borrow(owner).try_clone_to_owned().map_err(|error| trouble_of(&error, "locking", None))?;
    File::from(duplicate).try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Trouble::InUse(holder_of(device)),
        TryLockError::Error(error) => trouble_of(&error, "locking", None),
    })
}

fn holder_of(device: &Metadata) -> Holder {
    match lock_list::holder(device.dev(), device.ino()) {
        Some(pid) if pid == std::process::id() => Holder::Ourselves,
        Some(pid) => Holder::Process(pid),
        None => Holder::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};

    fn pty() -> (PtyMaster, String) {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a pty");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let path = ptsname_r(&master).expect("named");
        (master, path)
    }

    fn open(path: &str, baud: u32) -> Result<(Tty, Opened), Trouble> {
        Tty::open(path, baud, Modem::default())
    }

    #[test]
    fn a_port_is_raw_and_the_kernel_takes_the_motes_flow_control() {
        let (_master, path) = pty();
        let (tty, opened) = open(&path, 250_000).expect("opened");
        assert_eq!(opened, Opened { baud: 250_000, flow: FlowControl::ByKernel });
        let settings = tty.settings().expect("settings");
        assert!(settings.input_flags.contains(InputFlags::IXON));
        assert!(!settings.input_flags.intersects(InputFlags::IXOFF | InputFlags::IXANY | InputFlags::ICRNL));
        assert!(!settings.control_flags.intersects(ControlFlags::HUPCL | ControlFlags::PARENB | ControlFlags::CSTOPB));
        assert!(settings.control_flags.contains(ControlFlags::CS8 | ControlFlags::CREAD | ControlFlags::CLOCAL));
    }

    #[test]
    fn output_stops_at_xoff_and_can_be_forced_on() {
        let (mut master, path) = pty();
        let (mut tty, _) = open(&path, 115_200).expect("opened");
        // The line discipline works on its own; the byte behind XOFF tells that it has come to it.
        master.write_all(&[XOFF, b'.']).expect("written");
        assert_eq!(read_when_there(&mut tty), b".");
        assert_eq!(tty.write(b"held"), Ok(None));
        tty.force_on().expect("forced");
        assert_eq!(tty.write(b"sent"), Ok(Some(4)));
    }

    fn read_when_there(tty: &mut Tty) -> Vec<u8> {
        let (mut buffer, end) = ([0; 8], Instant::now() + Duration::from_secs(10));
        while Instant::now() < end {
            if let Some(count) = tty.read(&mut buffer).expect("open") {
                return buffer[..count].to_vec();
            }
            std::thread::yield_now();
        }
        Vec::new()
    }

    #[test]
    fn a_port_belongs_to_one_and_is_free_again_when_closed() {
        let (_master, path) = pty();
        let first = open(&path, 115_200).expect("opened");
        assert_eq!(open(&path, 115_200).expect_err("taken"), Trouble::InUse(Holder::Ourselves));
        drop(first);
        open(&path, 115_200).expect("free again");
    }

    #[test]
    fn a_hang_up_is_told_by_reading_and_by_writing() {
        let (master, path) = pty();
        let (mut tty, _) = open(&path, 115_200).expect("opened");
        drop(master);
        assert_eq!(tty.read(&mut [0; 8]), Err(Trouble::Gone("hung up".to_owned())));
        assert!(matches!(tty.write(b"x"), Err(Trouble::Gone(_))));
    }

    #[test]
    fn another_rate_is_set_and_what_stopped_the_output_is_forgotten() {
        let (mut master, path) = pty();
        let (mut tty, _) = open(&path, 115_200).expect("opened");
        master.write_all(&[XOFF, b'.']).expect("written");
        assert_eq!(read_when_there(&mut tty), b".");
        assert_eq!(tty.tune(1_000_000), Ok(1_000_000));
        assert_eq!(tty.write(b"sent"), Ok(Some(4)));
    }

    #[test]
    fn a_device_is_known_under_any_name() {
        let (_master, path) = pty();
        let directory = tempfile::tempdir().expect("directory");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("link");
        let (_other, other) = pty();
        let device = Device::at(&path).expect("there");
        assert_eq!(Device::at(link.to_str().expect("text")), Ok(device));
        assert_ne!(Device::at(&other), Ok(device));
    }

    #[test]
    fn modem_lines_that_a_device_does_not_have_do_not_keep_it_closed() {
        let (_master, path) = pty();
        Tty::open(&path, 115_200, Modem { dtr: Level::Off, rts: Level::On }).expect("opened");
    }

    #[test]
    fn what_is_no_serial_port_is_told_by_what_it_is() {
        let directory = tempfile::tempdir().expect("directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "x").expect("written");
        let cases = [
            (directory.path().to_str(), Trouble::NotASerialPort("a directory")),
            (file.to_str(), Trouble::NotASerialPort("a regular file")),
            (Some("/dev/null"), Trouble::NotASerialPort("a device of another kind")),
            (Some("/dev/there-is-no-such-device"), Trouble::Absent),
        ];
        for (path, trouble) in cases {
            assert_eq!(Device::at(path.expect("text")), Err(trouble));
        }
    }
}
