//! The lock that says who owns a queue. It is the kernel's, and ends with its holder.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::fstat;

use super::error::QueueError;
use crate::descriptor::borrow;
use crate::lock_list;

/// Held as long as it lives: it has a duplicate of the queue's descriptor.
pub type Lock = Flock<OwnedFd>;

/// Takes the lock, or says who has it.
pub fn lock(queue: &impl AsRawFd, name: &str) -> Result<Lock, QueueError> {
    let system = |error| QueueError::system(name, "locking", error);
    let duplicate = borrow(queue).try_clone_to_owned().map_err(system)?;
    Flock::lock(duplicate, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => {
            let pid = fstat(borrow(queue)).ok().and_then(|stat| lock_list::holder(stat.st_dev, stat.st_ino));
            QueueError::InUse { name: name.to_owned(), pid }
        }
        other => system(other.into()),
    })
}
