//! Keeps one tunnel: runs what `tunnel.rs` asks for, and tells it what came of it.
//!
//! Each process runs under a guard and ends with the task that started it, or with this program however that ends.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep_until, timeout},
};

use crate::{
    clock::Now,
    guard,
    hall::Hall,
    ssh::Ssh,
    target::Target,
    terminal,
    tunnel::{Action, Ended, Speaker, Tunnel, TunnelReport},
};

/// Longest line of ssh's words that is read as one, bytes.
const MAX_LINE: u64 = 1024;

/// Lines that may wait to be taken.
const WAITING_LINES: usize = 64;

/// Time for the last words of a process that has ended: something that it started may still hold its standard error.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a process said.
type Heard = (Speaker, String);

/// A process under its guard. It is ended when this is dropped.
struct Running {
    guard: Child,
    /// What the guard holds on to.
    _leash: ChildStdin,
    hearing: JoinHandle<()>,
}

/// Keeps the tunnel of the target of that index, until the task is ended. `program` is this program itself.
pub async fn keep(program: PathBuf, ssh: Ssh, target: usize, hall: Arc<Hall>) {
    let wake_arguments = ssh.wake_arguments();
    let mut tunnel = Tunnel::new(Now::read(), wake_arguments.len());
    let (lines, mut heard) = mpsc::channel(WAITING_LINES);
    let starter = Starter { program, ssh, lines };
    let (mut forwarding, mut waking) = (None, None);
    let mut bell = hall.bell();
    let mut told = None;
    loop {
        while let Some(action) = tunnel.poll_action() {
            match action {
                Action::StartSsh => match starter.start(Speaker::Tunnel, starter.ssh.tunnel_arguments()).await {
                    Ok(running) => {
                        forwarding = Some(running);
                        tunnel.handle_ssh_started(Now::read());
                    }
                    Err(why) => tunnel.handle_ssh_ended(Now::read(), &why),
                },
                Action::StopSsh => forwarding = None,
                Action::Wake(way) => match starter.start(Speaker::WakeUp, wake_arguments[way].clone()).await {
                    Ok(running) => waking = Some(running),
                    Err(why) => tunnel.handle_wake_ended(Now::read(), &Ended::Failed(why)),
                },
                Action::StopWake => waking = None,
            }
        }
        publish(&hall, target, &starter.ssh.target, &mut told, &tunnel);
        let due = tunnel.poll_timeout();
        tokio::select! {
            Some((speaker, line)) = heard.recv() => tunnel.handle_stderr(Now::read(), speaker, &line),
            status = wait(&mut forwarding) => {
                take_rest(&mut heard, &mut tunnel);
                let why = format!("the tunnel's ssh ended: {}", words(&status));
                tunnel.handle_ssh_ended(Now::read(), &why);
            }
            status = wait(&mut waking) => {
                take_rest(&mut heard, &mut tunnel);
                tunnel.handle_wake_ended(Now::read(), &ended(&status));
            }
            // The bell is not rung for the last time while its hall is here.
            _ = bell.changed() => {
                let link = hall.ask(|hub| hub.link_through(target));
                tunnel.handle_link(Now::read(), link);
            }
            () = at(due) => tunnel.handle_timeout(Now::read()),
        }
    }
}

/// Takes what is there of the words of a process: its end may have to be explained with them.
fn take_rest(heard: &mut mpsc::Receiver<Heard>, tunnel: &mut Tunnel) {
    for _ in 0..WAITING_LINES {
        let Ok((speaker, line)) = heard.try_recv() else { return };
        tunnel.handle_stderr(Now::read(), speaker, &line);
    }
}

/// Tells the hub how the tunnel stands, and failures to who looks at the terminal. The bell is rung only for news: this
/// task hears it too.
fn publish(hall: &Hall, target: usize, name: &Target, told: &mut Option<TunnelReport>, tunnel: &Tunnel) {
    let report = tunnel.report();
    if told.as_ref() == Some(&report) {
        return;
    }
    if report.has_failed() && told.as_ref().is_none_or(|told| told.detail != report.detail) {
        terminal::line(format_args!("tunnel {name}: {}", report.detail));
    }
    hall.tell(|hub, now| hub.handle_tunnel(now, target, report.clone()));
    *told = Some(report);
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

/// Waits for a process and its last words, for ever if there is none.
async fn wait(process: &mut Option<Running>) -> io::Result<ExitStatus> {
    let Some(running) = process else { return std::future::pending().await };
    let status = running.guard.wait().await;
    // Either it has said all, or the rest comes too late to matter.
    let _ = timeout(LAST_WORDS, &mut running.hearing).await;
    *process = None;
    status
}

fn words(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match status.code() {
            Some(255) => "exit status 255: ssh itself failed, its words say why".to_owned(),
            Some(127) => "exit status 127: the router has no such command".to_owned(),
            Some(code) if code == i32::from(guard::KILLED) => "it was killed".to_owned(),
            Some(_) | None => status.to_string(),
        },
        Err(error) => error.to_string(),
    }
}

/// Starts the processes of one tunnel.
struct Starter {
    /// This program, which is its own guard.
    program: PathBuf,
    ssh: Ssh,
    lines: mpsc::Sender<Heard>,
}

impl Starter {
    async fn start(&self, speaker: Speaker, arguments: Vec<OsString>) -> Result<Running, String> {
        let mut command = Command::new(&self.program);
        // A program that holds several looks at its name.
        #[cfg(unix)]
        command.arg0("gui-host");
        command.arg(guard::VERB).arg("--").arg(&self.ssh.program).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = command.spawn().map_err(|error| format!("cannot start {}: {error}", self.program.display()))?;
        let (leash, stdout, stderr) = (guard.stdin.take(), guard.stdout.take(), guard.stderr.take());
        let leash = leash.expect("it is piped");
        let hearing = hear(stderr.expect("it is piped"), speaker, self.ssh.target.clone(), self.lines.clone());
        let running = Running { guard, _leash: leash, hearing: tokio::spawn(hearing) };

        let mut first = String::new();
        let read = BufReader::new(stdout.expect("it is piped").take(MAX_LINE)).read_line(&mut first).await;
        match (read, first.trim_end()) {
            (Ok(_), guard::STARTED) => Ok(running),
            (Ok(_), "") => Err("ssh could not be started".to_owned()),
            (Ok(_), why) => Err(why.to_owned()),
            (Err(error), _) => Err(format!("ssh could not be started: {error}")),
        }
    }
}

/// Reads what a process says until it ends; shows it here and passes it on.
async fn hear(stderr: impl AsyncRead + Unpin, speaker: Speaker, target: Target, lines: mpsc::Sender<Heard>) {
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
        if lines.send((speaker, line)).await.is_err() {
            return;
        }
    }
}
