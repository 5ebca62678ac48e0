//! The kernel's message queues: the only file that names the binding.
//!
//! A queue outlives its processes and keeps its messages. Its owner alone creates it and holds a lock
//! on it; writers open what is there. Names, depths, sizes and modes come from `mqtypes::queues`.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use mqtypes::queues::{Spec, kernel_name};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, major, minor};
use nix::unistd::{Uid, User};
use posixmq::{OpenOptions, PosixMq};

use crate::descriptor::borrow;

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
    #[error("{name} exists and belongs to user {uid}, not to us, `lbr` or root: refusing it; remove it as that user or as root")]
    Squatted {
        /// The kernel's name of the queue.
        name: String,
        /// Its owner.
        uid: u32,
    },
    /// It exists, and we may not open it.
    #[error(
        "{name} exists and may not be opened: it was made by another user; remove it as root with `mq-inspect unlink`, or choose another --instance"
    )]
    NotAllowed {
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
    fn system(name: &str, doing: &'static str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOSYS) => Self::Unsupported,
            Some(Errno::ENOENT) => Self::Missing { name },
            Some(Errno::EACCES) => Self::NotAllowed { name },
            Some(Errno::EMFILE | Errno::ENOMEM) => Self::Allowance { name },
            _other => Self::System { name, doing, source },
        }
    }
}

/// A queue of ours, open for reading, with the lock that says so.
#[derive(Debug)]
pub struct OwnedQueue {
    queue: PosixMq,
    name: String,
    // The lock lives as long as this duplicate of the queue's descriptor.
    _lock: Flock<OwnedFd>,
}

/// How often opening is tried again when somebody unlinks the queue in between.
const OPEN_TRIES: usize = 5;

impl OwnedQueue {
    /// Opens the queue that `spec` declares, or makes it. What was sent while we were away is still in it.
    pub fn open(instance: &str, spec: &Spec) -> Result<Self, QueueError> {
        Self::open_named(&kernel_name(instance, spec.name), spec)
    }

    /// The same under a name of its own, for a subscriber's queue.
    pub fn open_named(name: &str, spec: &Spec) -> Result<Self, QueueError> {
        for _try in 0..OPEN_TRIES {
            let opened = match open_existing(name) {
                Err(QueueError::Missing { .. }) => create(name, spec),
                other => other,
            };
            match opened {
                Ok(queue) => {
                    if let Some(owned) = Self::take(queue, name, spec)? {
                        return Ok(owned);
                    }
                }
                // Made by somebody else between the two attempts.
                Err(QueueError::System { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        let source = io::Error::other("it is removed again and again while it is being opened");
        Err(QueueError::System { name: name.to_owned(), doing: "opening", source })
    }

    /// Checks and locks an open queue; `None` when it had to be removed and is to be made anew.
    fn take(queue: PosixMq, name: &str, spec: &Spec) -> Result<Option<Self>, QueueError> {
        let stat = stat(&queue, name)?;
        refuse_a_strangers(&stat, name)?;
        let lock = lock(&queue, name)?;
        if stat.st_nlink == 0 {
            return Ok(None);
        }
        let attributes = queue.attributes().map_err(|error| QueueError::system(name, "reading its attributes", error))?;
        if (attributes.capacity, attributes.max_msg_len) != (spec.depth, spec.size) {
            log::warn!(
                "{name} was left over with {} x {} bytes instead of {} x {}: replaced, {} waiting messages lost",
                attributes.capacity,
                attributes.max_msg_len,
                spec.depth,
                spec.size,
                attributes.current_messages
            );
            unlink(name)?;
            return Ok(None);
        }
        // The mode given at creation passes through the umask; this one does not.
        if stat.st_uid == Uid::effective().as_raw() {
            fchmod(borrow(&queue), Mode::from_bits_truncate(spec.access.mode()))
                .map_err(|errno| QueueError::system(name, "setting its mode", errno.into()))?;
        }
        Ok(Some(Self { queue, name: name.to_owned(), _lock: lock }))
    }

    /// The kernel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes one message into `buffer`; `None` when the queue is empty.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.queue.recv(buffer) {
            Ok((_priority, len)) => Ok(Some(len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Messages waiting.
    pub fn depth(&self) -> io::Result<usize> {
        self.queue.attributes().map(|attributes| attributes.current_messages)
    }
}

impl AsRawFd for OwnedQueue {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

/// A queue of somebody else's, open for writing.
#[derive(Debug)]
pub struct PeerQueue {
    queue: PosixMq,
    size: usize,
}

impl PeerQueue {
    /// Opens what is there; never creates.
    pub fn open(name: &str) -> Result<Self, QueueError> {
        let queue = OpenOptions::writeonly()
            .nonblocking()
            .existing()
            .open(name)
            .map_err(|error| QueueError::system(name, "opening for writing", error))?;
        refuse_a_strangers(&stat(&queue, name)?, name)?;
        let attributes = queue.attributes().map_err(|error| QueueError::system(name, "reading its attributes", error))?;
        Ok(Self { queue, size: attributes.max_msg_len })
    }

    /// Sends one message; `WouldBlock` when the queue is full.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        self.queue.send(0, message)
    }

    /// Bytes a message may have here.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Was it unlinked since it was opened? Then nobody will ever read what is sent to it.
    pub fn is_unlinked(&self) -> bool {
        fstat(borrow(&self.queue)).is_ok_and(|stat| stat.st_nlink == 0)
    }
}

impl AsRawFd for PeerQueue {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

/// Removes a queue by its kernel name. Whoever has it open keeps talking to nobody.
pub fn unlink(name: &str) -> Result<(), QueueError> {
    posixmq::remove_queue(name).map_err(|error| QueueError::system(name, "removing", error))
}

/// What can be seen of a queue without taking anything from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Messages waiting.
    pub waiting: usize,
    /// Messages it holds.
    pub depth: usize,
    /// Bytes a message may have.
    pub size: usize,
    /// Mode bits.
    pub mode: u32,
    /// Its owner's user id.
    pub uid: u32,
    /// Unix time in seconds when something last came or went.
    pub modified: i64,
    /// Process that holds its lock, if one does.
    pub holder: Option<u32>,
}

/// Looks at a queue without receiving.
pub fn glance(name: &str) -> Result<Glance, QueueError> {
    let queue = open_existing(name)?;
    let stat = stat(&queue, name)?;
    let attributes = queue.attributes().map_err(|error| QueueError::system(name, "reading its attributes", error))?;
    Ok(Glance {
        waiting: attributes.current_messages,
        depth: attributes.capacity,
        size: attributes.max_msg_len,
        mode: stat.st_mode & 0o777,
        uid: stat.st_uid,
        modified: stat.st_mtime,
        holder: lock_holder(&stat),
    })
}

fn open_existing(name: &str) -> Result<PosixMq, QueueError> {
    OpenOptions::readonly().nonblocking().existing().open(name).map_err(|error| QueueError::system(name, "opening for reading", error))
}

fn create(name: &str, spec: &Spec) -> Result<PosixMq, QueueError> {
    OpenOptions::readonly()
        .nonblocking()
        .create_new()
        .mode(spec.access.mode())
        .capacity(spec.depth)
        .max_msg_len(spec.size)
        .open(name)
        .map_err(|error| QueueError::system(name, "creating", error))
}

fn stat(queue: &PosixMq, name: &str) -> Result<FileStat, QueueError> {
    fstat(borrow(queue)).map_err(|errno| QueueError::system(name, "looking at it", errno.into()))
}

fn refuse_a_strangers(stat: &FileStat, name: &str) -> Result<(), QueueError> {
    let owner = Uid::from_raw(stat.st_uid);
    let is_lbr = || User::from_name("lbr").ok().flatten().is_some_and(|lbr| lbr.uid == owner);
    if owner.is_root() || owner == Uid::effective() || is_lbr() {
        return Ok(());
    }
    Err(QueueError::Squatted { name: name.to_owned(), uid: stat.st_uid })
}

fn lock(queue: &PosixMq, name: &str) -> Result<Flock<OwnedFd>, QueueError> {
    let system = |error| QueueError::system(name, "locking", error);
    let duplicate = borrow(queue).try_clone_to_owned().map_err(system)?;
    Flock::lock(duplicate, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => {
            let pid = fstat(borrow(queue)).ok().and_then(|stat| lock_holder(&stat));
            QueueError::InUse { name: name.to_owned(), pid }
        }
        other => system(other.into()),
    })
}

/// Who holds the lock on this file, by the kernel's own list.
fn lock_holder(stat: &FileStat) -> Option<u32> {
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
    use mqtypes::queues::UI_PROXY_REQUESTS;

    /// A queue name of this test alone, removed at its end.
    struct Name(String);

    impl Name {
        fn new(test: &str) -> Self {
            Self(format!("/bus-test-{}.{test}", std::process::id()))
        }
    }

    impl Drop for Name {
        fn drop(&mut self) {
            let _ = unlink(&self.0);
        }
    }

    const SPEC: Spec = Spec { depth: 2, size: 64, ..UI_PROXY_REQUESTS.spec };

    #[test]
    fn messages_outlive_the_reader() {
        let name = Name::new("outlive");
        drop(OwnedQueue::open_named(&name.0, &SPEC).expect("made"));
        PeerQueue::open(&name.0).expect("open").send(b"kept").expect("sent");
        let mut buffer = [0; 64];
        let again = OwnedQueue::open_named(&name.0, &SPEC).expect("opened again");
        assert_eq!(again.receive(&mut buffer).expect("received"), Some(4));
        assert_eq!(again.receive(&mut buffer).expect("empty"), None);
    }

    #[test]
    fn a_full_queue_would_block_and_loses_nothing() {
        let name = Name::new("full");
        let owner = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        let peer = PeerQueue::open(&name.0).expect("open");
        peer.send(b"1").expect("sent");
        peer.send(b"2").expect("sent");
        assert_eq!(peer.send(b"3").expect_err("full").kind(), io::ErrorKind::WouldBlock);
        assert_eq!(owner.depth().expect("known"), 2);
    }

    #[test]
    fn the_second_owner_is_refused_with_the_pid_of_the_first() {
        let name = Name::new("second");
        let _first = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        match OwnedQueue::open_named(&name.0, &SPEC) {
            Err(QueueError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_queue_with_other_attributes_is_replaced() {
        let name = Name::new("other");
        let old = Spec { depth: 1, size: 32, ..SPEC };
        drop(OwnedQueue::open_named(&name.0, &old).expect("made"));
        let stale = PeerQueue::open(&name.0).expect("open");
        let _new = OwnedQueue::open_named(&name.0, &SPEC).expect("replaced");
        assert!(stale.is_unlinked());
        let seen = glance(&name.0).expect("there");
        assert_eq!((seen.depth, seen.size, seen.waiting), (SPEC.depth, SPEC.size, 0));
    }

    #[test]
    fn the_mode_is_the_declared_one_whatever_the_umask() {
        let name = Name::new("mode");
        let _owner = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        let seen = glance(&name.0).expect("there");
        assert_eq!((seen.mode, seen.holder), (0o660, Some(std::process::id())));
    }

    #[test]
    fn a_writer_never_creates() {
        assert!(matches!(PeerQueue::open("/bus-test-nobody.nothing"), Err(QueueError::Missing { .. })));
    }

    #[test]
    fn the_holder_is_found_in_the_kernels_list() {
        let locks = "1: POSIX  ADVISORY  READ 12 00:14:99 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 8 00:14:77 0 EOF\n3: FLOCK  ADVISORY  WRITE 4711 00:14:99 0 EOF\n";
        assert_eq!(holder_in(locks, "00:14:99"), Some(4711));
        assert_eq!(holder_in(locks, "00:15:99"), None);
    }
}
