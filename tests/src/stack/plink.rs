//! `plink`, the SSH client of `PuTTY`, with a `~/.putty` of its own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::login::Login;
use super::place::Place;

/// Where `plink` is and what it needs to get in somewhere.
#[derive(Debug)]
pub struct Plink {
    home: PathBuf,
    key: PathBuf,
    login: Login,
}

impl Plink {
    /// Converts the client's key for it. Its home directory is the place's, as that of a GUI host there.
    pub fn new(place: &Place, login: &Login) -> Result<Self> {
        let key = place.path("client_key.ppk");
        let mut puttygen = Command::new("puttygen");
        puttygen.arg(&login.key).args(["-O", "private", "-o"]).arg(&key).env("HOME", place.path(""));
        let output = puttygen.output().context("puttygen is missing: install putty-tools")?;
        ensure!(output.status.success(), "puttygen: {}", String::from_utf8_lossy(&output.stderr));
        Ok(Self { home: place.path(""), key, login: login.clone() })
    }

    /// `plink` with these words, then the target that needs no saved session, then the command.
    pub fn command(&self, words: &[&str], command: &[&str]) -> Result<Command> {
        let mut plink = self.bare();
        plink.args(words).args(["-batch", "-hostkey", &self.fingerprint()?, "-P", &self.login.port.to_string(), "-i"]).arg(&self.key);
        plink.arg(format!("{}@127.0.0.1", self.login.user.name)).args(command);
        Ok(plink)
    }

    /// Saves a session, as a person does in `PuTTY`'s window. Its host key is not known yet.
    pub fn save_session(&self, name: &str) -> Result<()> {
        let sessions = self.home.join(".putty/sessions");
        fs::create_dir_all(&sessions)?;
        let Login { user, port, .. } = &self.login;
        let session = format!(
            "Protocol=ssh\nHostName=127.0.0.1\nPortNumber={port}\nUserName={}\nPublicKeyFile={}\nPingIntervalSecs=15\n",
            user.name,
            self.key.display()
        );
        Ok(fs::write(sessions.join(name), session)?)
    }

    /// Logs in once with a saved session and says yes to the host key.
    pub fn accept_host_key(&self, session: &str) -> Result<()> {
        let mut plink = self.bare().args([session, "true"]).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        plink.stdin.take().context("piped")?.write_all(b"y\n")?;
        let output = plink.wait_with_output()?;
        ensure!(output.status.success(), "plink: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Makes all host keys that it knows others.
    pub fn falsify_host_keys(&self) -> Result<()> {
        let known = self.home.join(".putty/sshhostkeys");
        Ok(fs::write(&known, fs::read_to_string(&known)?.replace(" 0x", " 0x1"))?)
    }

    fn bare(&self) -> Command {
        let mut plink = Command::new("plink");
        plink.env("HOME", &self.home);
        plink
    }

    fn fingerprint(&self) -> Result<String> {
        let output = Command::new("ssh-keygen").arg("-lf").arg(&self.login.host_key).output()?;
        let printed = String::from_utf8(output.stdout)?;
        printed.split(' ').nth(1).map(str::to_owned).context("`BITS FINGERPRINT …`")
    }
}
