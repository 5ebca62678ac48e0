//! The kernel's message queues: the only file that names the binding.
//!
//! A queue outlives its processes and keeps its messages. Its owner alone creates it and holds a lock
//! on it; writers open what is there. Names, depths, sizes and modes come from `mqtypes::queues`.

mod error;
mod lock;

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use mqtypes::queues::{Access, Spec, kernel_name};
use nix::errno::Errno;
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, User, fchown, getgroups, read};
use posixmq::{Attributes, OpenOptions, PosixMq};

use crate::descriptor::borrow;
use crate::lock_list;
pub use error::QueueError;
use lock::{Lock, lock};

/// A queue of ours, open for reading, with the lock that says so.
#[derive(Debug)]
pub struct OwnedQueue {
    queue: PosixMq,
    name: String,
    _lock: Lock,
}

/// How often opening is tried again when somebody unlinks the queue in between.
const OPEN_TRIES: usize = 5;

impl OwnedQueue {
    /// Opens the queue that `spec` declares, or makes it. What was sent while we were away is still in it.
    pub fn open(instance: &str, spec: &Spec) -> Result<Self, QueueError> {
        Self::open_named(&kernel_name(instance, spec.name), spec)
    }

    /// The same under a kernel name of its own.
    pub fn open_named(name: &str, spec: &Spec) -> Result<Self, QueueError> {
        Self::open_or_make(name, spec).map_err(QueueError::for_owner)
    }

    /// The same for a queue that a process of another user writes to, as a member of `group`. Where we may not give it to that
    /// group it stays our own: members of our present group have no business in it.
    pub fn open_for_group(name: &str, spec: &Spec, group: u32) -> Result<Self, QueueError> {
        let owned = Self::open_named(name, &Spec { access: Access::Own, ..*spec })?;
        match fchown(borrow(&owned.queue), None, Some(Gid::from_raw(group))) {
            Ok(()) => owned.set_access(spec.access)?,
            Err(Errno::EPERM) => {}
            Err(errno) => return Err(QueueError::system(name, "giving it to its group", errno.into())),
        }
        Ok(owned)
    }

    fn open_or_make(name: &str, spec: &Spec) -> Result<Self, QueueError> {
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
        Err(QueueError::unsteady(name))
    }

    /// Checks and locks an open queue; `None` when it had to be removed and is to be made anew.
    fn take(queue: PosixMq, name: &str, spec: &Spec) -> Result<Option<Self>, QueueError> {
        let stat = stat(&queue, name)?;
        refuse_a_strangers(&stat, name)?;
        let lock = lock(&queue, name)?;
        if is_unlinked(&queue) {
            return Ok(None);
        }
        let attributes = attributes(&queue, name)?;
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
        let owned = Self { queue, name: name.to_owned(), _lock: lock };
        if stat.st_uid == Uid::effective().as_raw() {
            owned.set_access(spec.access)?;
        }
        Ok(Some(owned))
    }

    /// The mode given at creation passes through the umask; this one does not.
    fn set_access(&self, access: Access) -> Result<(), QueueError> {
        fchmod(borrow(&self.queue), Mode::from_bits_truncate(access.mode()))
            .map_err(|errno| QueueError::system(&self.name, "setting its mode", errno.into()))
    }

    /// The kernel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes one message into `buffer`; `None` when the queue is empty.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        receive(&self.queue, buffer)
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

/// A queue that is emptied for a person, whoever owns it: nobody else will get what is taken.
#[derive(Debug)]
pub struct DrainedQueue {
    queue: PosixMq,
}

impl DrainedQueue {
    /// Opens it without its owner's lock; never creates.
    pub fn open(name: &str) -> Result<Self, QueueError> {
        open_existing(name).map(|queue| Self { queue })
    }

    /// Takes one message into `buffer`; `None` when the queue is empty.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        receive(&self.queue, buffer)
    }
}

/// A queue of somebody else's, open for writing.
#[derive(Debug)]
pub struct PeerQueue {
    queue: PosixMq,
    size: usize,
}

impl PeerQueue {
    /// Opens the inbox of one of the router's processes; never creates. A stranger's queue under its name is refused.
    pub fn open(name: &str) -> Result<Self, QueueError> {
        Self::open_checked(name, refuse_a_strangers)
    }

    /// Opens a queue that a group shares: a subscriber's tap, or, for a tool, the requests of the router that it was told of; never
    /// creates. It must be ours or our group's: a name that its subscriber has given up may be taken by anybody.
    pub fn open_shared(name: &str) -> Result<Self, QueueError> {
        Self::open_checked(name, refuse_an_outsiders)
    }

    fn open_checked(name: &str, check: fn(&FileStat, &str) -> Result<(), QueueError>) -> Result<Self, QueueError> {
        let queue = OpenOptions::writeonly()
            .nonblocking()
            .existing()
            .open(name)
            .map_err(|error| QueueError::system(name, "opening for writing", error))?;
        check(&stat(&queue, name)?, name)?;
        let attributes = attributes(&queue, name)?;
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
        is_unlinked(&self.queue)
    }
}

impl AsRawFd for PeerQueue {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

/// Removes a queue by its kernel name. Whoever has it open keeps talking to nobody.
pub fn unlink(name: &str) -> Result<(), QueueError> {
    posixmq::remove_queue(name).map_err(|error| QueueError::system(name, "removing", error).for_owner())
}

/// Removes a queue that no process owns, and tells how many messages were in it.
pub fn unlink_unowned(name: &str) -> Result<usize, QueueError> {
    for _try in 0..OPEN_TRIES {
        let queue = open_existing(name)?;
        // Until the name is gone: a process that starts meanwhile is refused, instead of owning a queue without a name.
        let _lock = lock(&queue, name)?;
        if !is_unlinked(&queue) {
            let waiting = attributes(&queue, name)?.current_messages;
            return unlink(name).map(|()| waiting);
        }
    }
    Err(QueueError::unsteady(name))
}

/// What can be seen of a queue without taking anything from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Messages waiting.
    pub waiting: usize,
    /// Bytes waiting, in all messages together, when the kernel tells it.
    pub bytes: Option<u64>,
    /// Messages it holds.
    pub depth: usize,
    /// Bytes a message may have.
    pub size: usize,
    /// Mode bits.
    pub mode: u32,
    /// Its owner's user id.
    pub uid: u32,
    /// Its group's id.
    pub gid: u32,
    /// Unix time in seconds when something last came or went.
    pub modified: i64,
    /// Process that holds its lock, if one does.
    pub holder: Option<u32>,
}

impl Glance {
    /// Does it belong neither to us, nor to `lbr`, nor to root, nor to a group of ours?
    pub fn is_a_strangers(&self) -> bool {
        !is_one_of_us(self.uid) && !is_our_group(self.gid)
    }
}

/// Looks at a queue without receiving.
pub fn glance(name: &str) -> Result<Glance, QueueError> {
    let queue = open_to_look(name)?;
    let stat = stat(&queue, name)?;
    let attributes = attributes(&queue, name)?;
    Ok(Glance {
        waiting: attributes.current_messages,
        bytes: bytes_waiting(borrow(&queue)),
        depth: attributes.capacity,
        size: attributes.max_msg_len,
        mode: stat.st_mode & 0o777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        modified: seconds(stat.st_mtime),
        holder: lock_list::holder(stat.st_dev, stat.st_ino),
    })
}

/// Unix time, which has 32 bits on some systems.
fn seconds(time: impl Into<i64>) -> i64 {
    time.into()
}

/// Bytes that wait in an open queue. Read as a file, once, it gives a line about itself, and no message is taken.
pub fn bytes_waiting(queue: impl AsFd) -> Option<u64> {
    let mut line = [0; 128];
    let len = read(queue, &mut line).ok()?;
    size_in(std::str::from_utf8(&line[..len]).ok()?)
}

/// The line is `QSIZE:129        NOTIFY:0     SIGNO:0     NOTIFY_PID:0`.
fn size_in(line: &str) -> Option<u64> {
    line.split_whitespace().find_map(|word| word.strip_prefix("QSIZE:"))?.parse().ok()
}

/// A member of the group may not read the queues that it may write to; it sees their attributes all the same.
fn open_to_look(name: &str) -> Result<PosixMq, QueueError> {
    match open_existing(name) {
        Err(QueueError::Closed { .. }) => OpenOptions::writeonly()
            .nonblocking()
            .existing()
            .open(name)
            .map_err(|error| QueueError::system(name, "opening for writing", error)),
        other => other,
    }
}

fn receive(queue: &PosixMq, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match queue.recv(buffer) {
        Ok((_priority, len)) => Ok(Some(len)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
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

fn attributes(queue: &PosixMq, name: &str) -> Result<Attributes, QueueError> {
    queue.attributes().map_err(|error| QueueError::system(name, "reading its attributes", error))
}

fn is_unlinked(queue: &PosixMq) -> bool {
    fstat(borrow(queue)).is_ok_and(|stat| stat.st_nlink == 0)
}

fn refuse_a_strangers(stat: &FileStat, name: &str) -> Result<(), QueueError> {
    if is_one_of_us(stat.st_uid) {
        return Ok(());
    }
    Err(QueueError::Squatted { name: name.to_owned(), uid: stat.st_uid })
}

fn refuse_an_outsiders(stat: &FileStat, name: &str) -> Result<(), QueueError> {
    // Root may do what the members of any group may.
    if is_one_of_us(stat.st_uid) || is_our_group(stat.st_gid) || Uid::effective().is_root() {
        return Ok(());
    }
    Err(QueueError::Outsider { name: name.to_owned(), uid: stat.st_uid, gid: stat.st_gid })
}

fn is_one_of_us(uid: u32) -> bool {
    let user = Uid::from_raw(uid);
    user.is_root() || user == Uid::effective() || User::from_name("lbr").ok().flatten().is_some_and(|lbr| lbr.uid == user)
}

fn is_our_group(gid: u32) -> bool {
    let group = Gid::from_raw(gid);
    group == Gid::effective() || getgroups().is_ok_and(|groups| groups.contains(&group))
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
    fn what_a_person_takes_is_gone_for_the_owner() {
        let name = Name::new("drained");
        assert!(matches!(DrainedQueue::open(&name.0), Err(QueueError::Missing { .. })));
        let owner = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        PeerQueue::open(&name.0).expect("open").send(b"taken").expect("sent");
        let mut buffer = [0; 64];
        let drained = DrainedQueue::open(&name.0).expect("its lock is no hindrance");
        assert_eq!(drained.receive(&mut buffer).expect("received"), Some(5));
        assert_eq!((drained.receive(&mut buffer).expect("empty"), owner.receive(&mut buffer).expect("empty")), (None, None));
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
        assert_eq!((seen.mode, seen.holder), (0o620, Some(std::process::id())));
    }

    #[test]
    fn a_writer_never_creates() {
        assert!(matches!(PeerQueue::open("/bus-test-nobody.nothing"), Err(QueueError::Missing { .. })));
    }

    #[test]
    fn an_owned_queue_is_not_removed_and_an_unowned_one_tells_what_was_in_it() {
        let name = Name::new("unowned");
        let owner = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        PeerQueue::open(&name.0).expect("open").send(b"lost").expect("sent");
        assert!(matches!(unlink_unowned(&name.0), Err(QueueError::InUse { pid: Some(pid), .. }) if pid == std::process::id()));
        drop(owner);
        assert_eq!(unlink_unowned(&name.0).expect("nobody's"), 1);
        assert!(matches!(unlink_unowned(&name.0), Err(QueueError::Missing { .. })));
    }

    #[test]
    fn waiting_bytes_are_seen_again_and_again_and_stay() {
        let name = Name::new("bytes");
        let owner = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        let peer = PeerQueue::open(&name.0).expect("open");
        for (message, bytes) in [(&b"three"[..], 5), (b"more", 9)] {
            peer.send(message).expect("sent");
            assert_eq!(glance(&name.0).expect("there").bytes, Some(bytes));
        }
        assert_eq!(owner.receive(&mut [0; 64]).expect("still there"), Some(5));
        assert_eq!(glance(&name.0).expect("there").bytes, Some(4));
    }

    #[test]
    fn the_kernels_line_about_a_queue_is_read_with_care() {
        assert_eq!(size_in("QSIZE:129        NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n"), Some(129));
        for foreign in ["", "QSIZE:", "QSIZE:-1", "SIZE:9"] {
            assert_eq!(size_in(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_queue_is_shared_with_the_group_it_was_given_to() {
        let name = Name::new("group");
        let group = Gid::effective().as_raw();
        let _owner = OwnedQueue::open_for_group(&name.0, &SPEC, group).expect("made");
        let seen = glance(&name.0).expect("there");
        assert_eq!((seen.gid, seen.mode), (group, 0o620));
    }

    #[test]
    fn a_strangers_queue_is_no_inbox_and_only_our_groups_is_shared_without_notice() {
        if !Uid::effective().is_root() {
            eprintln!("skipped: only root can make a queue of another user");
            return;
        }
        let name = Name::new("stranger");
        let owner = OwnedQueue::open_named(&name.0, &SPEC).expect("made");
        for (uid, gid, is_a_strangers) in
            [(4711, Gid::effective(), false), (4711, Gid::from_raw(4712), true), (0, Gid::from_raw(4712), false)]
        {
            fchown(borrow(&owner), Some(Uid::from_raw(uid)), Some(gid)).expect("we are root");
            assert_eq!(glance(&name.0).expect("there").is_a_strangers(), is_a_strangers);
            assert_eq!(matches!(PeerQueue::open(&name.0), Err(QueueError::Squatted { uid: 4711, .. })), uid == 4711);
            PeerQueue::open_shared(&name.0).expect("we are root");
        }
    }
}
