//! How clients get into a private SSH server: its address, their key, and what that key may do there.
//!
//! All of it lies in a place's directory; nobody's own `~/.ssh` or `~/.putty` is read or written.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};

use super::child::Child;
use super::place::Place;
use super::{binary, free_port};

/// The name under which the client's configuration knows the server.
pub const HOST: &str = "router";

/// How clients get in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Whoever runs the tests.
    pub user: User,
    /// On 127.0.0.1.
    pub port: u16,
    /// The client's private key, in OpenSSH's format.
    pub key: PathBuf,
    /// The server's private key, in OpenSSH's format.
    pub host_key: PathBuf,
    /// For `ssh -F`.
    pub client_config: PathBuf,
    authorized_keys: PathBuf,
}

/// Which server's line of `authorized_keys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// OpenSSH's.
    OpenSsh,
    /// That of dropbear.
    Dropbear,
}

impl Login {
    /// Makes both keys and takes a free port; lets the client's key do everything.
    pub fn make(place: &Place) -> Result<Self> {
        let user = User::from_uid(Uid::effective())?.context("we have a name")?;
        let [key, host_key, client_config, authorized_keys] =
            ["client_key", "host_key", "ssh_config", "authorized_keys"].map(|name| place.path(name));
        for key in [&key, &host_key] {
            make_key(key)?;
        }
        let login = Self { user, port: free_port()?, key, host_key, client_config, authorized_keys };
        login.allow("")?;
        fs::write(&login.client_config, login.client_config())?;
        Ok(login)
    }

    /// `USER@HOST` for the client's configuration.
    pub fn target(&self) -> String {
        format!("{}@{HOST}", self.user.name)
    }

    /// Lets the client's key in with these options, which end in a space.
    pub fn allow(&self, options: &str) -> Result<()> {
        let public = fs::read_to_string(self.key.with_extension("pub"))?;
        fs::write(&self.authorized_keys, format!("{options}{public}"))?;
        Ok(fs::set_permissions(&self.authorized_keys, fs::Permissions::from_mode(0o600))?)
    }

    /// Where what the key may do stands.
    pub fn authorized_keys(&self) -> &Path {
        &self.authorized_keys
    }

    fn client_config(&self) -> String {
        format!(
            "Host {HOST}\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n IdentitiesOnly yes\n\
             StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n",
            self.port,
            self.user.name,
            self.key.display()
        )
    }
}

/// The options with which a key may open the link and nothing else, as `gui-host keygen` prints them, with what a test has to
/// name: the program's path, the instance, and the port in place of 8000.
pub fn link_only(place: &Place, line: Line, port: u16) -> Result<String> {
    let output = place.command("gui-host")?.arg("keygen").arg("--key-file").arg(place.path("ui.key")).output()?;
    let printed = String::from_utf8(output.stdout)?;
    let mut lines = printed.lines().filter_map(|line| line.trim().strip_suffix("YOUR-PUBLIC-KEY"));
    let is_wanted = |options: &str| options.contains("permitlisten") == (line == Line::OpenSsh);
    let options = lines.find(|options| is_wanted(options)).context("a line of authorized_keys")?;
    let wake = format!("\"{} wake --instance {}\"", binary("ui-proxy")?.display(), place.instance());
    let options = options.replace("\"ui-proxy wake\"", &wake).replace(":8000\"", &format!(":{port}\""));
    ensure!(options.contains(&wake), "{options}");
    Ok(options)
}

fn make_key(path: &Path) -> Result<()> {
    let status = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status()?;
    ensure!(status.success(), "ssh-keygen failed");
    Ok(())
}

/// Waits until the server listens.
pub(super) fn wait_for_port(port: u16, process: &Child) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > until {
            bail!("the SSH server does not listen:\n{}", process.log());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Ends every session of a server, and with them the tunnels: they are its descendants, and would outlive it.
///
/// All of them: where the server is not root, the process that holds the tunnel does not end with the one that watches it.
pub(super) fn cut_sessions(server: &Child) -> Result<()> {
    let mut sessions = children(&server.pid().to_string())?;
    ensure!(!sessions.is_empty(), "there was no session to cut");
    let mut youngest = sessions.clone();
    while !youngest.is_empty() {
        youngest = children(&youngest.join(","))?;
        sessions.extend_from_slice(&youngest);
    }
    // Some end with others, before their turn comes.
    for session in sessions {
        let _ = kill(Pid::from_raw(session.parse()?), Signal::SIGKILL);
    }
    Ok(())
}

/// The children of processes, whose ids stand between commas.
fn children(parents: &str) -> Result<Vec<String>> {
    let found = Command::new("pgrep").args(["-P", parents]).output()?;
    Ok(String::from_utf8(found.stdout)?.lines().map(str::to_owned).collect())
}
