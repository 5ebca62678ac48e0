//! The real process between a pseudo-terminal and an inbox of ours, under an instance of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bus::clock;
use bus::inbox::{Drained, Inbox};
use bus::queue::{PeerQueue, unlink};
use bus::reactor::{Reactor, Wake};
use framing::hdlc;
use mqtypes::codec;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName, WriteId};
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS, SERIAL_BRIDGE, kernel_name};
use mqtypes::serial::{FrameToMote, PortReport, PortState, SerialCommand, SerialNotification, WriteEnd};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A user's queues are few: one set at a time.
static ONE_SET: Mutex<()> = Mutex::new(());

/// The mote's end of a serial line.
pub struct Mote(PtyMaster);

impl Mote {
    /// A new line; tells the path of the host's end.
    pub fn new() -> (Self, String) {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a pty");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("non-blocking");
        let path = ptsname_r(&master).expect("named");
        (Self(master), path)
    }

    /// Says all of `bytes`, as fast as the line takes them.
    pub fn say(&mut self, mut bytes: &[u8]) {
        let end = Instant::now() + PATIENCE;
        while !bytes.is_empty() {
            assert!(Instant::now() < end, "the line takes nothing");
            match self.0.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(_full) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// What has come by now.
    pub fn hear(&mut self) -> Vec<u8> {
        let mut buffer = [0; 4096];
        let count = self.0.read(&mut buffer).unwrap_or(0);
        buffer[..count].to_vec()
    }

    /// The payloads of the frames that have come by now, each in one piece.
    pub fn hear_frames(&mut self) -> Vec<Vec<u8>> {
        let mut decoder = hdlc::Decoder::new();
        self.hear().iter().filter_map(|byte| decoder.push(*byte)).flatten().collect()
    }

    /// Waits for the next frame; tells its payload.
    pub fn hear_frame(&mut self) -> Vec<u8> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(payload) = self.hear_frames().pop() {
                return payload;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nothing was sent to the mote");
    }

    /// Waits until `len` bytes have come.
    pub fn hear_all(&mut self, len: usize) -> Vec<u8> {
        let (mut heard, end) = (Vec::new(), Instant::now() + PATIENCE);
        while heard.len() < len && Instant::now() < end {
            heard.extend(self.hear());
            std::thread::sleep(Duration::from_millis(1));
        }
        heard
    }
}

/// Tells a thread of a test to end, however the test ends.
pub struct AtEnd<'a>(pub &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The process under test, and what it says.
pub struct Stage {
    pub directory: TempDir,
    pub said: Vec<SerialNotification>,
    instance: String,
    child: Child,
    inbox: Inbox<SerialNotification>,
    reactor: Reactor<()>,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// Starts the process with these ports, as `--port` options.
    pub fn start(test: &str, ports: impl FnOnce(&TempDir) -> Vec<PathBuf>) -> Self {
        Self::start_with(test, |directory| ports(directory).into_iter().map(|path| path.display().to_string()).collect())
    }

    /// Starts the process with these values of `--port`.
    pub fn start_with(test: &str, ports: impl FnOnce(&TempDir) -> Vec<String>) -> Self {
        Self::start_saying(test, |directory| ports(directory).into_iter().map(|port| format!("--port={port}")).collect())
    }

    /// Starts the process with the file `lbr.toml` of the test's directory.
    pub fn start_configured(test: &str, prepare: impl FnOnce(&TempDir)) -> Self {
        Self::start_saying(test, |directory| {
            prepare(directory);
            vec![format!("--config={}", directory.path().join("lbr.toml").display())]
        })
    }

    fn start_saying(test: &str, words: impl FnOnce(&TempDir) -> Vec<String>) -> Self {
        let turn = ONE_SET.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let instance = format!("serial-{test}-{}", std::process::id());
        let directory = tempfile::tempdir().expect("directory");
        let mut reactor = Reactor::without_signals().expect("epoll");
        let inbox = Inbox::own(&instance, &EVENTBUS).expect("inbox");
        inbox.watch(&reactor.register(())).expect("watched");
        let words = words(&directory);
        let log = File::create(directory.path().join("log")).expect("log");
        let child = program(&instance).args(words).stderr(log).spawn().expect("started");
        Self { directory, said: Vec::new(), instance, child, inbox, reactor, _turn: turn }
    }

    /// Starts the process with one port, and waits until it is open.
    pub fn with_mote(test: &str) -> (Self, Mote, PortName) {
        let (mote, path) = Mote::new();
        let mut stage = Self::start(test, |directory| {
            let link = directory.path().join("mote");
            symlink(path, &link).expect("link");
            vec![link]
        });
        let port = stage.port("mote");
        stage.wait_for_state(&port, |state| *state == PortState::Up);
        (stage, mote, port)
    }

    /// The name of a port in the test's directory.
    pub fn port(&self, file: &str) -> PortName {
        PortName(self.directory.path().join(file).display().to_string())
    }

    /// Takes what has been said; tells whether there is more.
    pub fn take(&mut self) -> bool {
        self.inbox.drain(|_, notification| self.said.push(notification)).expect("drained") == Drained::More
    }

    /// Takes what has been said until `found` finds what it looks for.
    pub fn wait_for<T>(&mut self, what: &str, mut found: impl FnMut(&[SerialNotification]) -> Option<T>) -> T {
        let end = clock::now().after(PATIENCE);
        loop {
            while self.take() {}
            if let Some(found) = found(&self.said) {
                return found;
            }
            let wake = self.reactor.next(Some(end)).expect("woken");
            assert!(wake != Wake::Timeout, "{what} did not come; said: {:#?}; log: {}", self.said, self.log());
        }
    }

    /// Waits until the newest report of a port is as wanted.
    pub fn wait_for_state(&mut self, port: &PortName, is_wanted: impl Fn(&PortState) -> bool) -> PortReport {
        self.wait_for("a port's state", |said| newest_report(said, port).filter(|report| is_wanted(&report.state)))
    }

    /// Waits for this many frames in all; tells the payloads.
    pub fn wait_for_frames(&mut self, count: usize) -> Vec<Vec<u8>> {
        self.wait_for("a frame", |said| Some(payloads(said)).filter(|payloads| payloads.len() >= count))
    }

    /// Waits for the end of a write.
    pub fn wait_for_end(&mut self, id: u64) -> WriteEnd {
        self.wait_for("the end of a write", |said| {
            said.iter().find_map(|notification| match notification {
                SerialNotification::Write(report) if report.id == WriteId(id) => Some(report.end),
                SerialNotification::Write(_)
                | SerialNotification::Port(_)
                | SerialNotification::Frame(_)
                | SerialNotification::Health(_)
                | SerialNotification::Lost { .. }
                | SerialNotification::Bytes(_) => None,
            })
        })
    }

    /// Puts bytes into the process's inbox, whatever they are.
    pub fn post(&self, message: &[u8]) {
        let (queue, end) = (PeerQueue::open(&self.queue()).expect("its inbox"), Instant::now() + PATIENCE);
        while queue.send(message).is_err() {
            assert!(Instant::now() < end, "it takes nothing from its inbox");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Asks the process for something.
    pub fn ask(&self, command: &SerialCommand) {
        let envelope = Envelope { sender: Sender::Tool, boot: BootId(1), seq: 0, sent: clock::now() };
        self.post(&codec::encode(&envelope, command).expect("fits"));
    }

    /// Has a payload sent to the mote on the first opening of a port.
    pub fn write(&self, id: u64, port: &PortName, deadline: Mono, payload: &[u8]) {
        let (id, port, generation, payload) = (WriteId(id), port.clone(), Generation(1), payload.to_vec());
        self.ask(&SerialCommand::Write(FrameToMote { id, port, generation, deadline, payload }));
    }

    /// What the process has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("log")
    }

    /// Another process of the same instance: how it ends, and what it says.
    pub fn start_another(&self) -> (ExitStatus, String) {
        let output = program(&self.instance).stderr(Stdio::piped()).output().expect("started");
        (output.status, String::from_utf8(output.stderr).expect("text"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How often the process has slept and was woken during `span`.
    pub fn wake_ups(&self, span: Duration) -> u64 {
        let before = self.switches();
        std::thread::sleep(span);
        self.switches() - before
    }

    /// How often the process has slept so far.
    pub fn switches(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("alive");
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("told");
        line.trim().parse().expect("a number")
    }

    /// Memory that the process has in use, in KiB.
    pub fn rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("alive");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("told");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Descriptors that the process has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("alive").count()
    }

    /// Lets the process open no more descriptors than these; those that it has stay.
    pub fn limit_descriptors(&self, most: usize) {
        let limit = Command::new("prlimit").args(["--pid", &self.pid().to_string(), &format!("--nofile={most}:")]).status();
        assert!(limit.expect("prlimit").success());
    }

    /// Processor time that the process has used, in ticks of 10 ms.
    pub fn cpu(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("alive");
        let words: Vec<_> = stat.rsplit(')').next().expect("told").split_whitespace().collect();
        words[11..13].iter().map(|word| word.parse::<u64>().expect("a number")).sum()
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")), signal).expect("alive");
    }

    /// Asks the process to end, and waits.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.child.wait().expect("ended")
    }

    fn queue(&self) -> String {
        kernel_name(&self.instance, SERIAL_BRIDGE.spec.name)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for queue in [self.queue(), self.inbox.name().to_owned()] {
            let _ = unlink(&queue);
        }
    }
}

/// The program under test, to be given more options.
pub fn program(instance: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_serial-bridge"));
    program.args(["--instance", instance]).stdin(Stdio::null());
    program
}

pub fn payloads(said: &[SerialNotification]) -> Vec<Vec<u8>> {
    let payload = |notification: &SerialNotification| match notification {
        SerialNotification::Frame(frame) => Some(frame.payload.clone()),
        SerialNotification::Port(_)
        | SerialNotification::Write(_)
        | SerialNotification::Health(_)
        | SerialNotification::Lost { .. }
        | SerialNotification::Bytes(_) => None,
    };
    said.iter().filter_map(payload).collect()
}

/// The newest report of a port.
pub fn newest_report(said: &[SerialNotification], port: &PortName) -> Option<PortReport> {
    said.iter().rev().find_map(|notification| match notification {
        SerialNotification::Port(report) if report.port == *port => Some(report.clone()),
        SerialNotification::Port(_)
        | SerialNotification::Frame(_)
        | SerialNotification::Write(_)
        | SerialNotification::Health(_)
        | SerialNotification::Lost { .. }
        | SerialNotification::Bytes(_) => None,
    })
}
