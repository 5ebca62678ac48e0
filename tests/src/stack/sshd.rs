//! A private OpenSSH server on loopback, with keys and a port of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use nix::unistd::Uid;

use super::child::Child;
use super::login::{Login, cut_sessions, wait_for_port};
use super::place::Place;

/// Where distributions put it; it is not in everybody's PATH.
const SSHD: &str = "/usr/sbin/sshd";

/// A running server, and the client's configuration for it.
#[derive(Debug)]
pub struct Sshd {
    process: Child,
    /// How clients get in.
    pub login: Login,
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
        let login = Login::make(place)?;
        fs::write(place.path("sshd_config"), server_config(&login))?;
        let process = Child::start("sshd", server(place))?;
        wait_for_port(login.port, &process)?;
        Ok(Self { process, client_config: login.client_config.clone(), target: login.target(), login })
    }

    /// Ends every session: the tunnel is cut.
    pub fn cut(&mut self) -> Result<()> {
        cut_sessions(&self.process)
    }
}

fn server(place: &Place) -> Command {
    // It must be called by its full path: it executes itself again for each connection.
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f"]).arg(place.path("sshd_config"));
    command
}

fn server_config(login: &Login) -> String {
    format!(
        "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nClientAliveInterval 15\n",
        login.port,
        login.host_key.display(),
        login.authorized_keys().display()
    )
}
