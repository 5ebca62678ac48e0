//! A private OpenSSH server on loopback, with keys and a port of its own.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{Uid, User};

use super::child::Child;
use super::free_port;
use super::place::Place;

/// Where distributions put it; it is not in everybody's PATH.
const SSHD: &str = "/usr/sbin/sshd";

/// The name under which the client's configuration knows the server.
pub const HOST: &str = "router";

/// A running server, and the client's configuration for it.
#[derive(Debug)]
pub struct Sshd {
    process: Child,
    port: u16,
    /// For `ssh -F`.
    pub client_config: PathBuf,
    /// `USER@HOST` for it.
    pub target: String,
}

impl Sshd {
    /// Starts one that lets in whoever runs this.
    pub fn start(place: &Place) -> Result<Self> {
        ensure!(Path::new(SSHD).exists(), "{SSHD} is missing: install openssh-server");
        if Uid::effective().is_root() {
            // The server insists on its separation directory, which its package makes at boot only.
            fs::create_dir_all("/run/sshd")?;
        }
        let user = User::from_uid(Uid::effective())?.context("we have a name")?.name;
        let port = free_port()?;
        for key in ["host_key", "client_key"] {
            make_key(&place.path(key))?;
        }
        fs::copy(place.path("client_key.pub"), place.path("authorized_keys"))?;
        fs::set_permissions(place.path("authorized_keys"), fs::Permissions::from_mode(0o600))?;
        fs::write(place.path("sshd_config"), server_config(place, port))?;
        fs::write(place.path("ssh_config"), client_config(place, port, &user))?;
        let process = Child::start("sshd", server(place))?;
        wait_for_port(port, &process)?;
        Ok(Self { process, port, client_config: place.path("ssh_config"), target: format!("{user}@{HOST}") })
    }

    /// Ends the server and every session in it: the tunnel is cut.
    pub fn cut(&mut self) -> Result<()> {
        // Sessions are children of the server, and outlive it.
        let sessions = Command::new("pkill").args(["-KILL", "-P", &self.process.pid().to_string()]).status()?;
        ensure!(sessions.success(), "there was no session to cut");
        Ok(())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn make_key(path: &Path) -> Result<()> {
    let status = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status()?;
    ensure!(status.success(), "ssh-keygen failed");
    Ok(())
}

fn server(place: &Place) -> Command {
    // It must be called by its full path: it executes itself again for each connection.
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f"]).arg(place.path("sshd_config"));
    command
}

fn server_config(place: &Place, port: u16) -> String {
    format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nClientAliveInterval 15\n",
        place.path("host_key").display(),
        place.path("authorized_keys").display()
    )
}

fn client_config(place: &Place, port: u16, user: &str) -> String {
    format!(
        "Host {HOST}\n HostName 127.0.0.1\n Port {port}\n User {user}\n IdentityFile {}\n IdentitiesOnly yes\n\
         StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n",
        place.path("client_key").display()
    )
}

fn wait_for_port(port: u16, process: &Child) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > until {
            bail!("sshd does not listen:\n{}", process.log());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
