//! A private dropbear on loopback: the SSH server of OpenWrt, with keys, a port and a home directory of its own.
//!
//! dropbear looks for `authorized_keys` in the home directory that `/etc/passwd` names and nowhere else, so it sees another
//! `/etc/passwd` than the rest of the machine, in a mount namespace of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use nix::unistd::{Uid, User};

use super::child::Child;
use super::login::{Login, cut_sessions, wait_for_port};
use super::place::Place;

/// Where Debian puts it; it is not in everybody's PATH.
const DROPBEAR: &str = "/usr/sbin/dropbear";

/// A running server.
#[derive(Debug)]
pub struct Dropbear {
    process: Child,
    /// How clients get in.
    pub login: Login,
}

impl Dropbear {
    /// Starts one that lets in whoever runs this; none where only root may have a mount namespace (in containers, for one).
    pub fn start(place: &Place) -> Result<Option<Self>> {
        ensure!(Path::new(DROPBEAR).exists(), "{DROPBEAR} is missing: install dropbear-bin");
        if !unshare().arg("true").output()?.status.success() {
            eprintln!("dropbear was not tried: only root may have a mount namespace here");
            return Ok(None);
        }
        let login = Login::make(place)?;
        let passwd = place.path("passwd");
        fs::write(&passwd, with_home(&login.user, &home(place, &login)?)?)?;
        let host_key = place.path("host_key.dropbear");
        let status = Command::new("dropbearconvert").args(["openssh", "dropbear"]).arg(&login.host_key).arg(&host_key).output()?.status;
        ensure!(status.success(), "dropbearconvert failed");
        let process = Child::start("dropbear", server(place, &passwd, &host_key, login.port))?;
        wait_for_port(login.port, &process)?;
        Ok(Some(Self { process, login }))
    }

    /// Ends every session: the tunnel is cut.
    pub fn cut(&mut self) -> Result<()> {
        cut_sessions(&self.process)
    }
}

/// A home directory in which dropbear finds what the key may do.
fn home(place: &Place, login: &Login) -> Result<PathBuf> {
    let home = place.path("home");
    let folder = home.join(".ssh");
    fs::create_dir_all(&folder)?;
    for closed in [&home, &folder] {
        fs::set_permissions(closed, fs::Permissions::from_mode(0o700))?;
    }
    symlink(login.authorized_keys(), folder.join("authorized_keys"))?;
    Ok(home)
}

/// `/etc/passwd` with another home directory for this user, and a shell that everybody has.
fn with_home(user: &User, home: &Path) -> Result<String> {
    let ours = format!("{}:", user.name);
    let passwd = fs::read_to_string("/etc/passwd")?;
    let others = passwd.lines().filter(|line| !line.starts_with(&ours)).map(|line| format!("{line}\n"));
    Ok(std::iter::once(format!("{ours}x:{}:{}::{}:/bin/sh\n", user.uid, user.gid, home.display())).chain(others).collect())
}

fn server(place: &Place, passwd: &Path, host_key: &Path, port: u16) -> Command {
    let mut command = unshare();
    command.args(["sh", "-c", "mount --bind \"$1\" /etc/passwd && shift && exec \"$@\"", "sh"]).arg(passwd);
    command.args([DROPBEAR, "-F", "-E", "-s", "-p", &format!("127.0.0.1:{port}"), "-r"]).arg(host_key);
    command.arg("-P").arg(place.path("dropbear.pid"));
    command
}

/// A command in a mount namespace of its own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !Uid::effective().is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.arg("--mount");
    command
}
