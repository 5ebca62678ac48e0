//! Tells when a device node appears, changes or goes: by inotify, so that nothing is looked for in vain.
//!
//! What is watched is what a path's look-up depends on: the node and each link on the way, by themselves; and, where a part of
//! the path does not exist, the directory in which it would be made. So what happens beside a port that is there costs
//! nothing. Paths are followed by hand for that. A directory is watched before it is looked into, so that nothing happens
//! unseen in between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

use bus::reactor::Registration;
use mio::Interest;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

/// Links on the way to one node; the kernel follows as many.
const MOST_LINKS: usize = 40;

/// A path that changes each time it is followed is followed no more often.
const MOST_STEPS: usize = 400;

/// Reads of the kernel's list before others have their turn.
const READS_IN_A_ROW: usize = 16;

/// Whom a change concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// The port with this number.
    Port(usize),
    /// The pattern with this number.
    Pattern(usize),
}

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Something on the way of this client's path: follow it again.
    Way(Client),
    /// What has this name, in the directory of this pattern.
    Entry(usize, OsString),
}

/// What is at the end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Something.
    Found,
    /// Nothing; it is told when that changes.
    Missing,
    /// Whatever it is, changes are not told, for this reason.
    Unwatched(String),
}

/// Are there more changes to be taken?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// No.
    None,
    /// Yes.
    More,
}

/// Watches directories for its clients.
#[derive(Debug)]
pub struct Watcher {
    inotify: Result<Inotify, Errno>,
    watched: BTreeMap<WatchDescriptor, Watched>,
    clients: BTreeMap<Client, BTreeSet<Subscription>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subscription {
    /// To one name in a directory.
    Name(WatchDescriptor, OsString),
    /// To everything that happens to it, or in it.
    All(WatchDescriptor),
}

/// Something that is watched: a directory, a link or a node.
#[derive(Debug, Default)]
struct Watched {
    /// Whom it concerns what happens to this name in it.
    names: BTreeMap<OsString, BTreeSet<Client>>,
    /// Whom everything concerns that happens to it, or in it.
    all: BTreeSet<Client>,
}

impl Watcher {
    /// Nothing is watched yet. Changes are reported under `registration`.
    pub fn new(registration: &Registration) -> Self {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).and_then(|inotify| {
            registration.watch(&inotify.as_fd(), Interest::READABLE).map_err(|error| errno_of(&error))?;
            Ok(inotify)
        });
        if let Err(errno) = &inotify {
            log::error!("device nodes cannot be watched (inotify: {errno}): absent ports are looked for every few seconds");
        }
        Self { inotify, watched: BTreeMap::new(), clients: BTreeMap::new() }
    }

    /// Follows the path of a port's node, or of a pattern's directory, and reports from now on when following it would end otherwise.
    pub fn follow(&mut self, client: Client, path: &Path) -> Sight {
        let mut wanted = BTreeSet::new();
        let sight = self.walk(path, &mut wanted).unwrap_or_else(|errno| Sight::Unwatched(errno.desc().to_owned()));
        self.subscribe(client, wanted);
        sight
    }

    /// Nobody asks for this client any more.
    pub fn forget(&mut self, client: Client) {
        self.subscribe(client, BTreeSet::new());
        self.clients.remove(&client);
    }

    /// Takes what has happened; each change once.
    pub fn drain(&mut self) -> (BTreeSet<Change>, Rest) {
        let mut changes = BTreeSet::new();
        for _read in 0..READS_IN_A_ROW {
            let events = match &self.inotify {
                Ok(inotify) => inotify.read_events(),
                Err(_) => return (changes, Rest::None),
            };
            match events {
                Ok(events) => events.iter().for_each(|event| self.note(event, &mut changes)),
                Err(_would_block) => return (changes, Rest::None),
            }
        }
        (changes, Rest::More)
    }

    fn note(&mut self, event: &InotifyEvent, changes: &mut BTreeSet<Change>) {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            // Anything may have happened.
            changes.extend(self.clients.keys().copied().map(Change::Way));
            return;
        }
        let Some(watched) = self.watched.get(&event.wd) else { return };
        match &event.name {
            Some(name) => {
                changes.extend(watched.names.get(name).into_iter().flatten().copied().map(Change::Way));
                for client in &watched.all {
                    match client {
                        Client::Pattern(pattern) => drop(changes.insert(Change::Entry(*pattern, name.clone()))),
                        Client::Port(_) => drop(changes.insert(Change::Way(*client))),
                    }
                }
            }
            None => changes.extend(watched.everybody().map(Change::Way)),
        }
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            // It is gone, and the kernel's watch with it.
            self.watched.remove(&event.wd);
        }
    }

    /// Goes along a path as the kernel does, and collects what its end depends on.
    fn walk(&mut self, path: &Path, wanted: &mut BTreeSet<Subscription>) -> Result<Sight, Errno> {
        let mut way = Way::to(path);
        let mut links = 0;
        for _step in 0..MOST_STEPS {
            let Some(name) = way.rest.front().cloned() else { return Ok(Sight::Found) };
            if name == ".." {
                way.directory.pop();
                way.rest.pop_front();
                continue;
            }
            let here = way.directory.join(&name);
            let what = look(&here);
            if what == What::Directory && way.rest.len() > 1 {
                way.directory = here;
                way.rest.pop_front();
                continue;
            }
            let watched = match what {
                What::Link => self.watch(&here, AddWatchFlags::IN_DONT_FOLLOW).map(Subscription::All),
                What::Directory | What::Other => self.watch_node(&way.directory, &here, &name),
                What::Nothing => self.watch(&way.directory, AddWatchFlags::empty()).map(|watch| Subscription::Name(watch, name)),
            };
            match watched {
                Ok(subscription) => drop(wanted.insert(subscription)),
                // It went away meanwhile: begin again.
                Err(Errno::ENOENT | Errno::ENOTDIR) => {
                    way = Way::to(path);
                    continue;
                }
                Err(errno) => return Err(errno),
            }
            match what {
                What::Directory | What::Other => return Ok(if way.rest.len() > 1 { Sight::Missing } else { Sight::Found }),
                What::Nothing if look(&here) == What::Nothing => return Ok(Sight::Missing),
                // It came just now: look again.
                What::Nothing => {}
                // Opening it will tell that these are too many.
                What::Link if links == MOST_LINKS => return Ok(Sight::Found),
                What::Link => {
                    links += 1;
                    if let Ok(target) = fs::read_link(&here) {
                        way.rest.pop_front();
                        way.take_up(&target);
                    }
                }
            }
        }
        Err(Errno::ELOOP)
    }

    /// Has a node watched, or, where it may not be read, its name: that it becomes permitted is told there too.
    fn watch_node(&mut self, directory: &Path, node: &Path, name: &OsStr) -> Result<Subscription, Errno> {
        match self.watch(node, AddWatchFlags::empty()) {
            Ok(watch) => Ok(Subscription::All(watch)),
            Err(Errno::EACCES) => Ok(Subscription::Name(self.watch(directory, AddWatchFlags::empty())?, name.to_owned())),
            Err(errno) => Err(errno),
        }
    }

    /// Has something watched, which does no harm when it is already.
    fn watch(&mut self, path: &Path, how: AddWatchFlags) -> Result<WatchDescriptor, Errno> {
        // The same for everything: a second watch of one thing would replace the first one's events.
        let events = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF;
        let inotify = self.inotify.as_ref().map_err(|errno| *errno)?;
        let watch = inotify.add_watch(path, events | how)?;
        self.watched.entry(watch).or_default();
        Ok(watch)
    }

    /// Replaces what a client wants to be told. What nobody asks about is not watched any more.
    fn subscribe(&mut self, client: Client, wanted: BTreeSet<Subscription>) {
        for subscription in self.clients.remove(&client).unwrap_or_default().difference(&wanted) {
            self.leave(client, subscription);
        }
        for subscription in &wanted {
            self.enter(client, subscription);
        }
        // Also one without any wish is kept: it is told when changes have been missed.
        self.clients.insert(client, wanted);
        let Self { inotify, watched, .. } = self;
        watched.retain(|watch, one| {
            let is_used = !one.names.is_empty() || !one.all.is_empty();
            if !is_used && let Ok(inotify) = inotify {
                // It may have gone by itself.
                let _ = inotify.rm_watch(*watch);
            }
            is_used
        });
    }

    fn enter(&mut self, client: Client, subscription: &Subscription) {
        match subscription {
            Subscription::Name(watch, name) => {
                self.watched.entry(*watch).or_default().names.entry(name.clone()).or_default().insert(client);
            }
            Subscription::All(watch) => drop(self.watched.entry(*watch).or_default().all.insert(client)),
        }
    }

    fn leave(&mut self, client: Client, subscription: &Subscription) {
        let (Subscription::Name(watch, _) | Subscription::All(watch)) = subscription;
        let Some(watched) = self.watched.get_mut(watch) else { return };
        match subscription {
            Subscription::Name(_, name) => {
                if let Some(clients) = watched.names.get_mut(name) {
                    clients.remove(&client);
                    if clients.is_empty() {
                        watched.names.remove(name);
                    }
                }
            }
            Subscription::All(_) => drop(watched.all.remove(&client)),
        }
    }
}

impl Watched {
    fn everybody(&self) -> impl Iterator<Item = Client> {
        self.names.values().flatten().chain(&self.all).copied()
    }
}

/// A path that is being followed: where we are, free of links, and what is still to go.
struct Way {
    directory: PathBuf,
    rest: VecDeque<OsString>,
}

impl Way {
    fn to(path: &Path) -> Self {
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let mut way = Self { directory, rest: VecDeque::new() };
        way.take_up(path);
        way
    }

    /// This comes before the rest.
    fn take_up(&mut self, path: &Path) {
        if path.is_absolute() {
            self.directory = PathBuf::from("/");
        }
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.rest.push_front(name.to_owned()),
                Component::ParentDir => self.rest.push_front("..".into()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Nothing,
    Directory,
    Link,
    /// A node, or what we may not look at: opening it tells.
    Other,
}

fn look(path: &Path) -> What {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => What::Directory,
        Ok(metadata) if metadata.is_symlink() => What::Link,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => What::Nothing,
        Ok(_) | Err(_) => What::Other,
    }
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use bus::reactor::Reactor;
    use tempfile::TempDir;

    const PORT: Client = Client::Port(0);

    struct Stage {
        directory: TempDir,
        watcher: Watcher,
        _reactor: Reactor<()>,
    }

    impl Stage {
        fn new() -> Self {
            let mut reactor = Reactor::without_signals().expect("epoll");
            let watcher = Watcher::new(&reactor.register(()));
            Self { directory: tempfile::tempdir().expect("directory"), watcher, _reactor: reactor }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn touch(&self, name: &str) {
            fs::write(self.path(name), "").expect("written");
        }

        fn follow(&mut self, name: &str) -> Sight {
            let path = self.path(name);
            self.watcher.follow(PORT, &path)
        }

        /// The kernel tells of a change before the call that made it returns.
        fn is_told(&mut self) -> bool {
            self.watcher.drain().0.contains(&Change::Way(PORT))
        }
    }

    #[test]
    fn a_node_that_appears_changes_moves_or_goes_is_told_and_others_are_not() {
        let mut stage = Stage::new();
        assert_eq!(stage.follow("node"), Sight::Missing);
        stage.touch("other");
        assert!(!stage.is_told());
        stage.touch("node");
        assert!(stage.is_told());
        assert_eq!(stage.follow("node"), Sight::Found);
        fs::set_permissions(stage.path("node"), fs::Permissions::from_mode(0o600)).expect("changed");
        assert!(stage.is_told());
        fs::rename(stage.path("node"), stage.path("away")).expect("moved");
        assert!(stage.is_told());
        fs::rename(stage.path("away"), stage.path("node")).expect("moved");
        assert!(stage.is_told());
        fs::remove_file(stage.path("node")).expect("removed");
        assert!(stage.is_told());
    }

    #[test]
    fn directories_that_do_not_exist_yet_are_waited_for_one_by_one() {
        let mut stage = Stage::new();
        assert_eq!(stage.follow("serial/by-id/node"), Sight::Missing);
        for made in ["serial", "serial/by-id"] {
            fs::create_dir(stage.path(made)).expect("made");
            assert!(stage.is_told(), "{made}");
            assert_eq!(stage.follow("serial/by-id/node"), Sight::Missing);
        }
        stage.touch("serial/by-id/node");
        assert!(stage.is_told());
        assert_eq!(stage.follow("serial/by-id/node"), Sight::Found);
        fs::remove_dir_all(stage.path("serial")).expect("removed");
        assert!(stage.is_told());
        assert_eq!(stage.follow("serial/by-id/node"), Sight::Missing);
        fs::create_dir_all(stage.path("serial/by-id")).expect("made");
        assert!(stage.is_told());
    }

    #[test]
    fn both_ends_of_a_link_are_watched() {
        let mut stage = Stage::new();
        fs::create_dir(stage.path("by-id")).expect("made");
        symlink("../node", stage.path("by-id/link")).expect("link");
        assert_eq!(stage.follow("by-id/link"), Sight::Missing);
        stage.touch("node");
        assert!(stage.is_told());
        assert_eq!(stage.follow("by-id/link"), Sight::Found);
        fs::set_permissions(stage.path("node"), fs::Permissions::from_mode(0o600)).expect("changed");
        assert!(stage.is_told());
        fs::remove_file(stage.path("by-id/link")).expect("removed");
        assert!(stage.is_told());
        assert_eq!(stage.follow("by-id/link"), Sight::Missing);
        symlink(stage.path("node"), stage.path("by-id/link")).expect("link");
        assert!(stage.is_told());
    }

    #[test]
    fn a_link_to_itself_ends() {
        let mut stage = Stage::new();
        symlink("loop", stage.path("loop")).expect("link");
        assert_eq!(stage.follow("loop"), Sight::Found);
        fs::remove_file(stage.path("loop")).expect("removed");
        assert!(stage.is_told());
        assert_eq!(stage.follow("loop"), Sight::Missing);
    }

    #[test]
    fn entries_of_a_patterns_directory_are_told_by_name() {
        let mut stage = Stage::new();
        let nodes = stage.path("nodes");
        assert_eq!(stage.watcher.follow(Client::Pattern(3), &nodes), Sight::Missing);
        fs::create_dir(&nodes).expect("made");
        assert_eq!(stage.watcher.drain().0, BTreeSet::from([Change::Way(Client::Pattern(3))]));
        assert_eq!(stage.watcher.follow(Client::Pattern(3), &nodes), Sight::Found);
        stage.touch("nodes/ttyUSB0");
        stage.touch("nodes/ttyUSB1");
        let entry = |name: &str| Change::Entry(3, name.into());
        assert_eq!(stage.watcher.drain().0, BTreeSet::from([entry("ttyUSB0"), entry("ttyUSB1")]));
    }

    #[test]
    fn a_directory_is_watched_as_long_as_somebody_asks_about_it() {
        let mut stage = Stage::new();
        fs::create_dir(stage.path("one")).expect("made");
        fs::create_dir(stage.path("two")).expect("made");
        for (name, watched) in [("one/a", 1), ("one/b", 1), ("two/a", 1), ("none/a", 1)] {
            stage.follow(name);
            assert_eq!(stage.watcher.watched.len(), watched, "{name}");
        }
        stage.touch("one/a");
        stage.touch("two/a");
        assert!(!stage.is_told());
    }

    #[test]
    fn who_is_forgotten_is_told_nothing_and_costs_nothing() {
        let mut stage = Stage::new();
        stage.follow("node");
        stage.watcher.forget(PORT);
        assert!(stage.watcher.watched.is_empty() && stage.watcher.clients.is_empty());
        stage.touch("node");
        assert!(!stage.is_told());
    }

    #[test]
    fn when_changes_were_missed_everybody_looks_again() {
        let mut stage = Stage::new();
        stage.follow("node");
        let watch = *stage.watcher.watched.keys().next().expect("watched");
        let event = InotifyEvent { wd: watch, mask: AddWatchFlags::IN_Q_OVERFLOW, cookie: 0, name: None };
        let mut changes = BTreeSet::new();
        stage.watcher.note(&event, &mut changes);
        assert_eq!(changes, BTreeSet::from([Change::Way(PORT)]));
    }
}
