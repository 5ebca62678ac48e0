//! The lock that says who owns a queue. It is the kernel's, and ends with its holder.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{FileStat, fstat, major, minor};

use super::error::QueueError;
use crate::descriptor::borrow;

/// Held as long as it lives: it has a duplicate of the queue's descriptor.
pub type Lock = Flock<OwnedFd>;

/// Takes the lock, or says who has it.
pub fn lock(queue: &impl AsRawFd, name: &str) -> Result<Lock, QueueError> {
    let system = |error| QueueError::system(name, "locking", error);
    let duplicate = borrow(queue).try_clone_to_owned().map_err(system)?;
    Flock::lock(duplicate, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => {
            let pid = fstat(borrow(queue)).ok().and_then(|stat| holder(&stat));
            QueueError::InUse { name: name.to_owned(), pid }
        }
        other => system(other.into()),
    })
}

/// Who holds the lock on this file, by the kernel's own list.
pub fn holder(stat: &FileStat) -> Option<u32> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    holder_in(&locks, &format!("{:02x}:{:02x}:{}", major(stat.st_dev), minor(stat.st_dev), stat.st_ino))
}

/// A line is `1: FLOCK  ADVISORY  WRITE 1234 00:14:5678 0 EOF`.
fn holder_in(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "FLOCK");
        let pid = words.nth(3)?;
        (words.next()? == file).then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_in_the_kernels_list() {
        let locks = "1: POSIX  ADVISORY  READ 12 00:14:99 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 8 00:14:77 0 EOF\n3: FLOCK  ADVISORY  WRITE 4711 00:14:99 0 EOF\n";
        assert_eq!(holder_in(locks, "00:14:99"), Some(4711));
        assert_eq!(holder_in(locks, "00:15:99"), None);
    }
}
