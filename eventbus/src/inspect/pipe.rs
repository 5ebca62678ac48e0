//! A pipe at our end: opened so that it never makes us wait, and looked at for whether somebody still reads it.
//!
//! What others share with us, as a shell does standard output, keeps its own mode: ours is opened anew.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Opens a FIFO to be written to; none when nobody reads it.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Standard output, if it is a pipe that can be opened anew: one whose reader has gone cannot, nor one of another user's, as
/// behind sudo.
pub fn of_stdout() -> Option<File> {
    let path = Path::new("/proc/self/fd/1");
    let is_pipe = std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if is_pipe { open(path).ok().flatten() } else { None }
}

/// Does nobody read it any more? Of a file that is none, nothing is known.
pub fn is_reader_gone(pipe: &impl AsFd) -> bool {
    reports(pipe, PollFlags::POLLERR | PollFlags::POLLHUP)
}

/// Can something be written without waiting?
pub fn has_room(pipe: &impl AsFd) -> bool {
    reports(pipe, PollFlags::POLLOUT)
}

fn reports(pipe: &impl AsFd, events: PollFlags) -> bool {
    let mut ask = [PollFd::new(pipe.as_fd(), events)];
    poll(&mut ask, PollTimeout::ZERO).is_ok() && ask[0].revents().is_some_and(|reported| reported.intersects(events))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn room_and_the_end_of_the_reader_are_seen() {
        let (reader, writer) = io::pipe().expect("made");
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        let mut pipe = open(Path::new(&path)).expect("opened").expect("it is read");
        assert!(has_room(&pipe) && !is_reader_gone(&pipe));
        while pipe.write(&[0; 4096]).is_ok() {}
        assert!(!has_room(&pipe) && !is_reader_gone(&pipe));
        drop(reader);
        assert!(is_reader_gone(&pipe));
    }
}
