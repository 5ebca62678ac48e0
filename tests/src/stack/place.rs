//! Where one stack lives: its instance name, its directory, its share of the queues' budget, its user.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bus::queue;
use mqtypes::queues;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;
use tempfile::TempDir;

use super::binary;

/// Linux gives one user queues for three sets; two leave room for taps, and for a third party.
const SETS_AT_ONCE: usize = 2;

/// Stacks live for seconds, those of tests that wait for many things for two minutes.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);
const SILENT_FOR: Duration = Duration::from_secs(5);
const SHARE_WITHIN: Duration = Duration::from_mins(10);

/// `nobody`, on every Linux.
const NOBODY: u32 = 65534;

/// Whom the stack's processes run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Same,
    /// Somebody without privileges, even when root runs the tests.
    Unprivileged,
}

impl User {
    /// Whose queues they are.
    fn uid(self) -> Uid {
        match self {
            Self::Same => Uid::effective(),
            Self::Unprivileged => Uid::from_raw(NOBODY),
        }
    }
}

/// Where one stack lives.
#[derive(Debug)]
pub struct Place {
    instance: String,
    directory: TempDir,
    user: User,
    // Held as long as the stack lives, so that tests of any number share the user's queue budget.
    _share: Flock<File>,
}

impl Place {
    /// A new place, whose instance is named after its purpose; waits until there is room for another set of queues.
    pub fn new(purpose: &str, user: User) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let user = if Uid::effective().is_root() { user } else { User::Same };
        let share = wait_for_share(user.uid())?;
        let instance = format!("{purpose}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let directory = tempfile::Builder::new().prefix(&format!("lbr-{purpose}-")).tempdir()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        if user == User::Unprivileged {
            chown(directory.path(), Some(NOBODY), Some(NOBODY))?;
        }
        Ok(Self { instance, directory, user, _share: share })
    }

    /// The instance name of its queues.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// A path inside its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command that runs one of our binaries as the stack's user.
    pub fn command(&self, name: &str) -> Result<Command> {
        let program = binary(name)?;
        let mut command = Command::new(self.reachable(&program)?);
        command.current_dir(self.directory.path()).env("HOME", self.directory.path()).env_remove("XDG_RUNTIME_DIR");
        if self.user == User::Unprivileged {
            command.uid(NOBODY).gid(NOBODY);
        }
        Ok(command)
    }

    /// The stack's user may not be able to reach the directories of whoever runs it; then a copy of the file serves.
    pub fn reachable(&self, file: &Path) -> Result<PathBuf> {
        let is_open = |directory: &Path| fs::metadata(directory).is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
        if self.user == User::Same || file.ancestors().skip(1).all(is_open) {
            return Ok(file.to_owned());
        }
        let copy = self.path(&file.file_name().context("a file has a name")?.to_string_lossy());
        if !copy.exists() {
            // Not by us: what another thread starts meanwhile would inherit the open file, and a program that is written is not started.
            let copied = Command::new("cp").arg(file).arg(&copy).status()?;
            ensure!(copied.success(), "{} was not copied", file.display());
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        }
        Ok(copy)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for spec in queues::ALL {
            let _ = queue::unlink(&queues::kernel_name(&self.instance, spec.name));
        }
    }
}

/// Waits for whichever of that user's shares is given back first.
fn wait_for_share(uid: Uid) -> Result<Flock<File>> {
    let began = Instant::now();
    let mut is_told = false;
    while began.elapsed() < SHARE_WITHIN {
        for number in 0..SETS_AT_ONCE {
            match Flock::lock(share_file(uid, number)?, FlockArg::LockExclusiveNonblock) {
                Ok(share) => return Ok(share),
                Err((_, Errno::EWOULDBLOCK)) => {}
                Err((_, errno)) => return Err(errno.into()),
            }
        }
        if !is_told && began.elapsed() > SILENT_FOR {
            eprintln!("waiting: other tests or demos hold all message queues that user {uid} may have");
            is_told = true;
        }
        thread::sleep(LOOK_AGAIN_AFTER);
    }
    let minutes = SHARE_WITHIN.as_secs() / 60;
    bail!("for {minutes} minutes other tests, or demos, have held all message queues that user {uid} may have: end them")
}

fn share_file(uid: Uid, number: usize) -> Result<File> {
    let path = std::env::temp_dir().join(format!("lbr-tests-{uid}-{number}.lock"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(&path).with_context(|| format!("{}", path.display()))
}
