//! The command lines of `ssh`: fixed argument vectors, of which no shell of this computer sees anything.
//!
//! The person's own configuration and agent decide how to log in; nothing asks for a password. In the place of
//! OpenSSH there may be `plink` of `PuTTY`, which has other options and no configuration file.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::{shell, target::Target};

/// How a program takes its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenSSH, or what takes the same options.
    OpenSsh,
    /// That of `PuTTY`.
    Plink,
}

impl Dialect {
    /// That of the program of this name.
    pub fn of(program: &OsStr) -> Self {
        let name = Path::new(program).file_stem().unwrap_or_default();
        if name.eq_ignore_ascii_case("plink") { Self::Plink } else { Self::OpenSsh }
    }

    /// Nothing is asked for, neither in the tunnel nor in the wake-up.
    fn common(self) -> &'static [&'static str] {
        match self {
            Self::OpenSsh => &["-o", "BatchMode=yes"],
            // Without -ssh, which would take SSH's own port in place of that of the saved session.
            Self::Plink => &["-batch"],
        }
    }

    /// A tunnel ends with its process (not so one that shares the connection of another ssh), and with its forward.
    /// plink stays when the forward is refused, and says so only if it says everything.
    fn tunnel(self) -> &'static [&'static str] {
        match self {
            Self::OpenSsh => &[
                "-o",
                "ControlMaster=no",
                "-o",
                "ControlPath=none",
                "-N",
                "-T",
                "-o",
                "ExitOnForwardFailure=yes",
                "-o",
                "ServerAliveInterval=15",
                "-o",
                "ServerAliveCountMax=3",
            ],
            Self::Plink => &["-v", "-noshare", "-N", "-T"],
        }
    }

    /// The forwards of the person's configuration belong to the person's own sessions.
    fn wake_up(self) -> &'static [&'static str] {
        match self {
            Self::OpenSsh => &["-o", "ClearAllForwardings=yes", "-T"],
            Self::Plink => &["-T"],
        }
    }

    /// The tunnel's options in a command for people.
    fn tunnel_words(self) -> &'static str {
        match self {
            Self::OpenSsh => "-N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3",
            Self::Plink => "-N -T",
        }
    }
}

/// The ssh command lines of one tunnel.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// The program.
    pub program: OsString,
    /// Its configuration file.
    pub config: Option<PathBuf>,
    /// The router.
    pub target: Target,
    /// The port on the router.
    pub remote_port: u16,
    /// The port of the link listener here.
    pub link_port: u16,
    /// The command that wakes `ui-proxy`, in place of the usual ones.
    pub wake_command: Option<String>,
}

impl Ssh {
    /// Arguments of the process that holds the forward.
    pub fn tunnel_arguments(&self) -> Vec<OsString> {
        let forward = forward(self.remote_port, self.link_port);
        self.arguments(self.dialect().tunnel(), &["-R", &forward, self.target.as_str()])
    }

    /// Arguments of the wake-up commands, in the order in which they are tried.
    pub fn wake_arguments(&self) -> Vec<Vec<OsString>> {
        let with = |command: &String| self.arguments(self.dialect().wake_up(), &[self.target.as_str(), command]);
        self.wake_commands().iter().map(with).collect()
    }

    fn wake_commands(&self) -> Vec<String> {
        match &self.wake_command {
            Some(command) => vec![command.clone()],
            None => usual_wake_commands(self.remote_port),
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::of(&self.program)
    }

    fn arguments(&self, options: &[&str], rest: &[&str]) -> Vec<OsString> {
        let config = self.config.iter().flat_map(|config| [OsString::from("-F"), config.into()]);
        let words = [self.dialect().common(), options, rest].concat();
        config.chain(words.into_iter().map(OsString::from)).collect()
    }

    /// The same as shell commands, for people.
    pub fn copy_commands(&self) -> Vec<String> {
        let mut ssh = shell::quote(&self.program.to_string_lossy());
        if let Some(config) = &self.config {
            ssh = format!("{ssh} -F {}", shell::quote_path(config));
        }
        let target = shell::quote(self.target.as_str());
        let forward = forward(self.remote_port, self.link_port);
        copy_commands(&ssh, self.dialect(), &target, &forward, &self.wake_commands())
    }
}

/// Shell commands with a placeholder for the router.
pub fn placeholder_commands(remote_port: u16, link_port: u16) -> Vec<String> {
    copy_commands("ssh", Dialect::OpenSsh, "USER@LBR", &forward(remote_port, link_port), &usual_wake_commands(remote_port))
}

fn copy_commands(ssh: &str, dialect: Dialect, target: &str, forward: &str, wake: &[String]) -> Vec<String> {
    let tunnel = format!("{ssh} {} -R {forward} {target}", dialect.tunnel_words());
    let wake = wake.iter().enumerate().map(|(index, command)| {
        let words = match index {
            0 => "",
            _ => "  # if the one above fails: no pkill there, or another user",
        };
        format!("{ssh} {target} {command}{words}")
    });
    std::iter::once(tunnel).chain(wake).collect()
}

/// The router's side is bound by address: else a port that someone squats on is not noticed.
fn forward(remote_port: u16, link_port: u16) -> String {
    format!("127.0.0.1:{remote_port}:localhost:{link_port}")
}

/// A signal; where that is not possible (no `pkill`, another user), a message in its queue.
fn usual_wake_commands(remote_port: u16) -> Vec<String> {
    vec!["pkill -USR1 -x ui-proxy".to_owned(), format!("ui-proxy wake --port {remote_port}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh() -> Ssh {
        Ssh {
            program: "ssh".into(),
            config: None,
            target: "root@192.0.2.1".parse().unwrap(),
            remote_port: 8000,
            link_port: 9000,
            wake_command: None,
        }
    }

    fn text(arguments: &[OsString]) -> String {
        arguments.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn the_tunnel_has_exactly_these_arguments() {
        assert_eq!(
            text(&ssh().tunnel_arguments()),
            "-o BatchMode=yes -o ControlMaster=no -o ControlPath=none -N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 \
             -o ServerAliveCountMax=3 -R 127.0.0.1:8000:localhost:9000 root@192.0.2.1"
        );
        let configured = Ssh { config: Some("/tmp/a b".into()), ..ssh() };
        assert_eq!(configured.tunnel_arguments()[..2], ["-F", "/tmp/a b"]);
    }

    #[test]
    fn the_signal_is_tried_before_the_queue() {
        let wake: Vec<_> = ssh().wake_arguments().iter().map(|way| text(way)).collect();
        assert_eq!(
            wake,
            [
                "-o BatchMode=yes -o ClearAllForwardings=yes -T root@192.0.2.1 pkill -USR1 -x ui-proxy",
                "-o BatchMode=yes -o ClearAllForwardings=yes -T root@192.0.2.1 ui-proxy wake --port 8000",
            ]
        );
        let own = Ssh { wake_command: Some("sudo wake-it".to_owned()), ..ssh() };
        let wake: Vec<_> = own.wake_arguments().iter().map(|way| text(way)).collect();
        assert_eq!(wake, ["-o BatchMode=yes -o ClearAllForwardings=yes -T root@192.0.2.1 sudo wake-it"]);
    }

    #[test]
    fn plink_is_known_by_its_name_and_has_its_own_options() {
        assert_eq!(Dialect::of("/usr/bin/plink".as_ref()), Dialect::Plink);
        assert_eq!(Dialect::of("PLINK.EXE".as_ref()), Dialect::Plink);
        assert_eq!(Dialect::of("ssh.exe".as_ref()), Dialect::OpenSsh);
        let plink = Ssh { program: "plink".into(), ..ssh() };
        assert_eq!(text(&plink.tunnel_arguments()), "-batch -v -noshare -N -T -R 127.0.0.1:8000:localhost:9000 root@192.0.2.1");
        assert_eq!(text(&plink.wake_arguments()[0]), "-batch -T root@192.0.2.1 pkill -USR1 -x ui-proxy");
        assert_eq!(plink.copy_commands()[0], "plink -N -T -R 127.0.0.1:8000:localhost:9000 root@192.0.2.1");
    }

    #[test]
    fn the_commands_to_copy_are_safe_in_a_shell() {
        let odd = Ssh { target: "root@$(id);x".parse().unwrap(), config: Some("/tmp/my config".into()), ..ssh() };
        assert_eq!(
            odd.copy_commands()[0],
            "ssh -F '/tmp/my config' -N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 \
             -o ServerAliveCountMax=3 -R 127.0.0.1:8000:localhost:9000 'root@$(id);x'"
        );
        let placeholder = placeholder_commands(8000, 8000);
        assert_eq!(placeholder[1], "ssh USER@LBR pkill -USR1 -x ui-proxy");
        assert!(placeholder[2].starts_with("ssh USER@LBR ui-proxy wake --port 8000  #"));
    }
}
