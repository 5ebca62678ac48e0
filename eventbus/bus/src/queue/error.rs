//! What went wrong with a queue, in words that say what a person can do.

use std::io;

use nix::errno::Errno;

/// What went wrong with a queue. Every text says what a person can do.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Another process owns it.
    #[error("{name} is in use by {}: one process of each kind per instance; stop that one, or choose another --instance", holder(*pid))]
    InUse {
        /// The kernel's name of the queue.
        name: String,
        /// The holder's process id, when the kernel told it.
        pid: Option<u32>,
    },
    /// It exists, and someone else made it.
    #[error(
        "{name} exists and belongs to user {uid}, not to us, `lbr` or root: refusing it; remove it as that user or as root with `mq-inspect unlink {name}`"
    )]
    Squatted {
        /// The kernel's name of the queue.
        name: String,
        /// Its owner.
        uid: u32,
    },
    /// It should be shared with our group, and is not.
    #[error(
        "{name} belongs to user {uid} and group {gid}, neither of them ours: not writing to it; both ends of a queue must have a group in common"
    )]
    Outsider {
        /// The kernel's name of the queue.
        name: String,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
    },
    /// It should be ours, and we may not open or remove it.
    #[error(
        "{name} exists, and another user made it: remove it as that user or as root with `mq-inspect unlink {name}`, or choose another --instance"
    )]
    NotAllowed {
        /// The kernel's name of the queue.
        name: String,
    },
    /// It is somebody else's, and we may not look into it or write to it.
    #[error("{name} is closed to this user: it is open to its owner, and to its owner's group if at all; join that group, or try as root")]
    Closed {
        /// The kernel's name of the queue.
        name: String,
    },
    /// The user's allowance is used up.
    #[error(
        "{name} cannot be made: this user's message queues are at their limit (RLIMIT_MSGQUEUE, `ulimit -q`); remove queues that nobody needs, or raise the limit"
    )]
    Allowance {
        /// The kernel's name of the queue.
        name: String,
    },
    /// No such thing in this kernel.
    #[error("this kernel has no POSIX message queues (CONFIG_POSIX_MQUEUE)")]
    Unsupported,
    /// Nobody has made it yet.
    #[error("{name} does not exist: its owner is not running")]
    Missing {
        /// The kernel's name of the queue.
        name: String,
    },
    /// Anything else the system refuses.
    #[error("{name}: {doing}: {source}")]
    System {
        /// The kernel's name of the queue.
        name: String,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl QueueError {
    pub(super) fn system(name: &str, doing: &'static str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOSYS) => Self::Unsupported,
            Some(Errno::ENOENT) => Self::Missing { name },
            Some(Errno::EACCES) => Self::Closed { name },
            Some(Errno::EMFILE | Errno::ENOMEM) => Self::Allowance { name },
            _other => Self::System { name, doing, source },
        }
    }

    /// The same, told to whoever should own the queue.
    pub(super) fn for_owner(self) -> Self {
        match self {
            Self::Closed { name } => Self::NotAllowed { name },
            other => other,
        }
    }

    pub(super) fn unsteady(name: &str) -> Self {
        let source = io::Error::other("it is removed again and again while it is being opened");
        Self::System { name: name.to_owned(), doing: "opening", source }
    }
}
