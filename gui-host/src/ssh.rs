//! The `ssh` processes of one tunnel, started with a fixed argument vector.
//!
//! No shell of this computer sees anything, nothing asks for a password, and every process ends
//! with the task that started it. What to do and when is decided in `tunnel.rs`.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Instant,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::sleep_until,
};

use crate::{
    clock::Now,
    hall::Hall,
    shell,
    target::Target,
    terminal,
    tunnel::{Action, Ended, Tunnel, TunnelReport},
};

/// Longest line of ssh's words that is read as one, bytes.
const MAX_LINE: u64 = 1024;

/// Lines that may wait to be taken.
const WAITING_LINES: usize = 64;

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
        let mut arguments = self.common_arguments();
        arguments.extend(
            [
                "-N",
                "-T",
                "-o",
                "ExitOnForwardFailure=yes",
                "-o",
                "ServerAliveInterval=15",
                "-o",
                "ServerAliveCountMax=3",
                "-R",
                &forward,
                self.target.as_str(),
            ]
            .map(OsString::from),
        );
        arguments
    }

    /// Arguments of the wake-up commands, in the order in which they are tried.
    pub fn wake_arguments(&self) -> Vec<Vec<OsString>> {
        let with = |command: &String| {
            let mut arguments = self.common_arguments();
            arguments.extend(["-T", self.target.as_str(), command].map(OsString::from));
            arguments
        };
        self.wake_commands().iter().map(with).collect()
    }

    fn wake_commands(&self) -> Vec<String> {
        match &self.wake_command {
            Some(command) => vec![command.clone()],
            None => usual_wake_commands(self.remote_port),
        }
    }

    fn common_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        if let Some(config) = &self.config {
            arguments.extend([OsString::from("-F"), config.into()]);
        }
        arguments.extend(["-o", "BatchMode=yes"].map(OsString::from));
        arguments
    }

    /// The same as shell commands, for people.
    pub fn copy_commands(&self) -> Vec<String> {
        let mut ssh = shell::quote(&self.program.to_string_lossy());
        if let Some(config) = &self.config {
            ssh = format!("{ssh} -F {}", shell::quote_path(config));
        }
        let target = shell::quote(self.target.as_str());
        copy_commands(&ssh, &target, self.remote_port, self.link_port, &self.wake_commands())
    }
}

/// Shell commands with a placeholder for the router.
pub fn placeholder_commands(remote_port: u16, link_port: u16) -> Vec<String> {
    copy_commands("ssh", "USER@LBR", remote_port, link_port, &usual_wake_commands(remote_port))
}

fn copy_commands(ssh: &str, target: &str, remote_port: u16, link_port: u16, wake: &[String]) -> Vec<String> {
    let forward = forward(remote_port, link_port);
    let tunnel = format!(
        "{ssh} -N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 \
         -o ServerAliveCountMax=3 -R {forward} {target}"
    );
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

/// Keeps the tunnel of the target of that index, until the task is ended.
pub async fn keep(ssh: Ssh, target: usize, hall: Arc<Hall>) {
    let wake_arguments = ssh.wake_arguments();
    let mut tunnel = Tunnel::new(Now::read(), wake_arguments.len());
    let (lines, mut heard) = mpsc::channel(WAITING_LINES);
    // A process that is dropped is killed.
    let (mut forwarding, mut waking) = (None, None);
    let mut bell = hall.bell();
    let mut told = None;
    loop {
        while let Some(action) = tunnel.poll_action() {
            match action {
                Action::StartSsh => match start(&ssh, ssh.tunnel_arguments(), &lines) {
                    Ok(child) => {
                        forwarding = Some(child);
                        tunnel.handle_ssh_started(Now::read());
                    }
                    Err(why) => tunnel.handle_ssh_ended(Now::read(), &why),
                },
                Action::Wake(way) => match start(&ssh, wake_arguments[way].clone(), &lines) {
                    Ok(child) => waking = Some(child),
                    Err(why) => tunnel.handle_wake_ended(Now::read(), &Ended::Failed(why)),
                },
                Action::StopWake => waking = None,
            }
        }
        publish(&hall, target, &mut told, &tunnel);
        let due = tunnel.poll_timeout();
        tokio::select! {
            status = wait(&mut forwarding) => {
                let why = format!("the tunnel's ssh ended: {}", words(&status));
                tunnel.handle_ssh_ended(Now::read(), &why);
            }
            status = wait(&mut waking) => tunnel.handle_wake_ended(Now::read(), &ended(&status)),
            Some(line) = heard.recv() => tunnel.handle_stderr(&line),
            // The bell is not rung for the last time while its hall is here.
            _ = bell.changed() => {
                let link = hall.ask(|hub| hub.link_through(target));
                tunnel.handle_link(Now::read(), link);
            }
            () = at(due) => tunnel.handle_timeout(Now::read()),
        }
    }
}

/// Tells the hub how the tunnel stands. The bell is rung only for news: this task hears it too.
fn publish(hall: &Hall, target: usize, told: &mut Option<TunnelReport>, tunnel: &Tunnel) {
    let report = tunnel.report();
    if told.as_ref() != Some(&report) {
        hall.tell(|hub, now| hub.handle_tunnel(now, target, report.clone()));
        *told = Some(report);
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn ended(status: &io::Result<ExitStatus>) -> Ended {
    match status {
        Ok(status) if status.success() => Ended::Done,
        Ok(_) | Err(_) => Ended::Failed(words(status)),
    }
}

/// Waits for a process, for ever if there is none.
async fn wait(child: &mut Option<Child>) -> io::Result<ExitStatus> {
    let Some(running) = child else { return std::future::pending().await };
    let status = running.wait().await;
    *child = None;
    status
}

fn words(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match status.code() {
            Some(255) => "exit status 255 (ssh itself failed; its words say why)".to_owned(),
            Some(127) => "exit status 127 (the router has no such command)".to_owned(),
            Some(_) | None => status.to_string(),
        },
        Err(error) => error.to_string(),
    }
}

fn start(ssh: &Ssh, arguments: Vec<OsString>, lines: &mpsc::Sender<String>) -> Result<Child, String> {
    let mut child = Command::new(&ssh.program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            let program = ssh.program.to_string_lossy();
            format!("cannot start {program}: {error}; install OpenSSH's client, or name it with --ssh PROGRAM")
        })?;
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(hear(stderr, ssh.target.clone(), lines.clone()));
    }
    Ok(child)
}

/// Reads what ssh says until it ends; shows it here and passes it on.
async fn hear(stderr: impl AsyncRead + Unpin, target: Target, lines: mpsc::Sender<String>) {
    let mut stderr = BufReader::new(stderr);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut stderr).take(MAX_LINE).read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned();
        terminal::line(format_args!("ssh {target}: {line}"));
        if lines.send(line).await.is_err() {
            return;
        }
    }
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
            "-o BatchMode=yes -N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 \
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
            ["-o BatchMode=yes -T root@192.0.2.1 pkill -USR1 -x ui-proxy", "-o BatchMode=yes -T root@192.0.2.1 ui-proxy wake --port 8000",]
        );
        let own = Ssh { wake_command: Some("sudo wake-it".to_owned()), ..ssh() };
        let wake: Vec<_> = own.wake_arguments().iter().map(|way| text(way)).collect();
        assert_eq!(wake, ["-o BatchMode=yes -T root@192.0.2.1 sudo wake-it"]);
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
