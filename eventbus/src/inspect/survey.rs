//! What the system shows of queues beside the queues themselves: a mounted mqueue file system, and
//! the descriptors of running processes.
//!
//! It only ever opens what is a message queue for certain: reading from anything else could take
//! something away from its owner.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bus::queue::bytes_waiting;
use nix::fcntl::OFlag;
use nix::sys::statfs::{FsType, fstatfs, statfs};

use super::process::ProcessName;

/// `MQUEUE_MAGIC` in the kernel's `ipc/mqueue.c`.
const MQUEUE: FsType = FsType(0x1980_0202);

/// What cannot be seen without a mounted file system, and the way out.
pub const UNMOUNTED: &str = "No mqueue file system is mounted, so that a queue left over by a subscriber cannot be seen. \
                             To see all: mkdir -p /dev/mqueue; mount -t mqueue none /dev/mqueue";

/// What a queue shows as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// Mode bits.
    pub mode: u32,
    /// Its owner's user id.
    pub uid: u32,
    /// Unix time in seconds when something last came or went.
    pub modified: i64,
}

/// A queue that some process has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQueue {
    /// Its name, or the one that it had.
    pub name: String,
    /// Was its name removed?
    pub is_unlinked: bool,
    /// Who has it open.
    pub processes: Vec<ProcessName>,
    /// What it shows.
    pub traces: Traces,
    /// Bytes that wait in it, when we may read that.
    pub bytes: Option<u64>,
}

/// Everything that was found.
#[derive(Debug)]
pub struct Survey {
    /// Where a mqueue file system is mounted.
    pub mounted_at: Option<PathBuf>,
    mounted: BTreeMap<String, Traces>,
    open: Vec<OpenQueue>,
}

impl Survey {
    /// Looks around.
    pub fn take() -> Self {
        let mounted_at = fs::read_to_string("/proc/self/mounts").ok().and_then(|mounts| mount_point(&mounts));
        let mounted = mounted_at.as_deref().map(mounted_queues).unwrap_or_default();
        Self { mounted_at, mounted, open: open_queues(Path::new("/proc")) }
    }

    /// The names of all queues that have one.
    pub fn names(&self) -> BTreeSet<String> {
        let open = self.open.iter().filter(|open| !open.is_unlinked).map(|open| &open.name);
        self.mounted.keys().chain(open).cloned().collect()
    }

    /// What a queue with a name shows as a file.
    pub fn traces(&self, name: &str) -> Option<&Traces> {
        let open = || self.open.iter().find(|open| !open.is_unlinked && open.name == name).map(|open| &open.traces);
        self.mounted.get(name).or_else(open)
    }

    /// Queues that have lost their names.
    pub fn unlinked(&self) -> impl Iterator<Item = &OpenQueue> {
        self.open.iter().filter(|open| open.is_unlinked)
    }
}

/// The first mount of type `mqueue`: device, mount point and type are the first three words of a line.
fn mount_point(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let point = words.next()?;
        (words.next()? == "mqueue").then(|| PathBuf::from(OsString::from_vec(unescaped(point))))
    })
}

/// Space, tab, newline and backslash are written as a backslash and three octal digits there.
fn unescaped(word: &str) -> Vec<u8> {
    let mut bytes = word.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    while let Some((first, rest)) = bytes.split_first() {
        let escaped = rest.get(..3).filter(|_| *first == b'\\').and_then(octal);
        plain.push(escaped.unwrap_or(*first));
        bytes = if escaped.is_some() { &rest[3..] } else { rest };
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

fn mounted_queues(at: &Path) -> BTreeMap<String, Traces> {
    let entries = fs::read_dir(at).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name, Traces::of(&entry.metadata().ok()?)))
        })
        .collect()
}

/// Queues that are open in processes whose descriptors we may see: our own, or everybody's for root.
fn open_queues(proc: &Path) -> Vec<OpenQueue> {
    let mut queues: BTreeMap<(u64, u64), OpenQueue> = BTreeMap::new();
    for pid in process_ids(proc) {
        let descriptors = fs::read_dir(proc.join(format!("{pid}/fd"))).into_iter().flatten().flatten();
        for (inode, queue) in descriptors.filter_map(|descriptor| open_queue(&descriptor.path())) {
            let processes = &mut queues.entry(inode).or_insert(queue).processes;
            if processes.last().is_none_or(|last| last.pid != pid) {
                processes.push(ProcessName::of(pid));
            }
        }
    }
    queues.into_values().collect()
}

fn process_ids(proc: &Path) -> Vec<u32> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// What a descriptor refers to, with device and inode, when it is a message queue.
fn open_queue(descriptor: &Path) -> Option<((u64, u64), OpenQueue)> {
    let link = fs::read_link(descriptor).ok()?;
    let name = link.to_str()?.strip_prefix('/').filter(|name| !name.contains('/'))?;
    if statfs(descriptor).ok()?.filesystem_type() != MQUEUE {
        return None;
    }
    let metadata = fs::metadata(descriptor).ok()?;
    let is_unlinked = metadata.nlink() == 0;
    let name = if is_unlinked { name.strip_suffix(" (deleted)").unwrap_or(name) } else { name };
    // The descriptor may have become another one meanwhile.
    let file = open(descriptor).filter(|file| fstatfs(file).is_ok_and(|system| system.filesystem_type() == MQUEUE));
    let (traces, bytes) = (Traces::of(&metadata), file.and_then(bytes_waiting));
    Some(((metadata.dev(), metadata.ino()), OpenQueue { name: name.to_owned(), is_unlinked, processes: Vec::new(), traces, bytes }))
}

impl Traces {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { mode: metadata.mode() & 0o777, uid: metadata.uid(), modified: metadata.mtime() }
    }
}

fn open(path: &Path) -> Option<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::queue::{OwnedQueue, PeerQueue, unlink};
    use mqtypes::queues::UI_PROXY_REQUESTS;

    #[test]
    fn the_mount_point_is_found_with_its_spaces() {
        let mounts = "proc /proc proc rw 0 0\nnone /run/a\\040b mqueue rw,relatime 0 0\nnone /dev/mqueue mqueue rw 0 0\n";
        assert_eq!(mount_point(mounts), Some(PathBuf::from("/run/a b")));
        assert_eq!(mount_point("mqueue /x tmpfs rw 0 0\n\nshort\n"), None);
        assert_eq!(unescaped("a\\09\\777\\"), b"a\\09\\777\\");
    }

    #[test]
    fn a_queue_that_lost_its_name_is_found_in_those_who_have_it_open() {
        let name = format!("inspect-survey-{}.tap-1", std::process::id());
        let kernel_name = format!("/{name}");
        let spec = mqtypes::queues::Spec { depth: 2, size: 64, ..UI_PROXY_REQUESTS.spec };
        let owner = OwnedQueue::open_named(&kernel_name, &spec).expect("made");
        PeerQueue::open(&kernel_name).expect("there").send(b"seven b").expect("sent");
        let seen = |name: &str| open_queues(Path::new("/proc")).into_iter().find(|open| open.name == name);
        let before = seen(&name).expect("open in this process");
        unlink(&kernel_name).expect("there");
        let after = seen(&name).expect("still open");
        assert_eq!((before.is_unlinked, after.is_unlinked), (false, true));
        assert_eq!((before.bytes, after.bytes), (Some(7), Some(7)));
        assert_eq!(after.processes, [ProcessName::of(std::process::id())]);
        drop(owner);
        assert_eq!(seen(&name), None);
    }
}
