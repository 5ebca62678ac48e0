//! A router of the test's own: an instance, a real `eventbus`, and the test in the place of `serial-bridge`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::queue::{self, PeerQueue, QueueError};
use eventbus::frame::{Frame, LogFrame};
use mqtypes::codec::encode;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName};
use mqtypes::log::Severity;
use mqtypes::queues::{ALL, EVENTBUS, EVENTBUS_REQUESTS, TAP_PREFIX, kernel_name};
use mqtypes::serial::{PortCounters, PortReport, PortState, ReceivedFrame, SerialNotification};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use serde_json::Value;
use tempfile::TempDir;

pub const INSPECT: &str = env!("CARGO_BIN_EXE_mq-inspect");
const EVENTBUS_BINARY: &str = env!("CARGO_BIN_EXE_eventbus");

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub const PORT: &str = "/dev/ttyUSB0";

static TURN: Mutex<()> = Mutex::new(());

/// One of the locks that tests of whole stacks hold while they have a set of queues: Linux gives a user not many more.
fn share() -> Flock<File> {
    let path = std::env::temp_dir().join(format!("lbr-tests-{}-0.lock", Uid::effective()));
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(path).expect("opened");
    Flock::lock(file, FlockArg::LockExclusive).expect("locked")
}

/// Ids that no user of the machine has but `nobody`, whom the router's processes play.
const ROUTER: u32 = 65534;
const PERSON: u32 = 65533;

/// As whom a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// As the test does.
    Ourselves,
    /// As the router's processes do on a router.
    Router,
    /// As a person who is in the router's group.
    Member,
    /// As a person who is not.
    Stranger,
}

impl User {
    pub fn id(self) -> u32 {
        match self {
            Self::Ourselves => Uid::effective().as_raw(),
            Self::Router => ROUTER,
            Self::Member | Self::Stranger => PERSON,
        }
    }

    fn command(self, program: &Path) -> Command {
        let groups = match self {
            Self::Ourselves => return Command::new(program),
            Self::Router | Self::Stranger => "--clear-groups".to_owned(),
            Self::Member => format!("--groups={ROUTER}"),
        };
        let id = self.id().to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, &groups]).arg(program);
        command
    }
}

pub struct Stage {
    pub instance: String,
    directory: TempDir,
    pub eventbus: Option<Child>,
    _turn: MutexGuard<'static, ()>,
    _share: Flock<File>,
}

impl Stage {
    pub fn new(test: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let instance = format!("{test}-{}", std::process::id());
        Self { instance, directory: tempfile::tempdir().expect("made"), eventbus: None, _turn: turn, _share: share() }
    }

    pub fn with_eventbus(test: &str) -> Self {
        let mut stage = Self::new(test);
        stage.start_eventbus();
        stage
    }

    /// A stage for several users; none, and says so, where we may not become others.
    pub fn for_users(test: &str) -> Option<Self> {
        if !Uid::effective().is_root() {
            eprintln!("skipped: only root can play several users");
            return None;
        }
        let stage = Self::new(test);
        // Others may not look into our build directory.
        for binary in [INSPECT, EVENTBUS_BINARY].map(Path::new) {
            fs::copy(binary, stage.program(binary)).expect("copied");
        }
        fs::set_permissions(stage.directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        chown(stage.directory.path(), Some(ROUTER), Some(ROUTER)).expect("we are root");
        Some(stage)
    }

    fn program(&self, binary: &Path) -> PathBuf {
        self.directory.path().join(binary.file_name().expect("a file"))
    }

    fn command(&self, user: User, binary: &str) -> Command {
        match user {
            User::Ourselves => user.command(Path::new(binary)),
            User::Router | User::Member | User::Stranger => user.command(&self.program(Path::new(binary))),
        }
    }

    pub fn eventbus_command(&self, user: User) -> Command {
        let mut command = self.command(user, EVENTBUS_BINARY);
        command.args(["--instance", &self.instance]);
        command.arg("--state-dir").arg(self.directory.path().join("state"));
        command.arg("--run-dir").arg(self.directory.path().join("run"));
        command
    }

    pub fn start_eventbus(&mut self) {
        self.start_eventbus_as(User::Ourselves);
    }

    pub fn start_eventbus_as(&mut self, user: User) {
        let mut command = self.eventbus_command(user);
        command.args(["--log-level", "off"]);
        self.start(command);
    }

    /// Starts it with a log, and tells the log's path.
    pub fn start_eventbus_with_log(&mut self, user: User) -> PathBuf {
        let path = self.directory.path().join("log");
        let mut command = self.eventbus_command(user);
        command.stderr(File::create(&path).expect("made"));
        self.start(command);
        path
    }

    fn start(&mut self, mut command: Command) {
        let child = command.stdout(Stdio::null()).spawn().expect("started");
        let (pid, requests) = (child.id(), self.name(EVENTBUS_REQUESTS.spec.name));
        self.eventbus = Some(child);
        until("eventbus has its inboxes", || queue::glance(&requests).is_ok_and(|glance| glance.holder == Some(pid)));
    }

    pub fn kill_eventbus(&mut self) {
        if let Some(mut child) = self.eventbus.take() {
            child.kill().expect("ours");
            child.wait().expect("ours");
        }
    }

    pub fn name(&self, inbox: &str) -> String {
        kernel_name(&self.instance, inbox)
    }

    fn inspect(&self, user: User, args: &[&str]) -> Command {
        let mut command = self.command(user, INSPECT);
        command.arg(args[0]).args(["--instance", &self.instance]).args(&args[1..]);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.run_as(User::Ourselves, args)
    }

    pub fn run_as(&self, user: User, args: &[&str]) -> Output {
        self.inspect(user, args).output().expect("run")
    }

    /// Runs it where a mqueue file system is mounted, in a mount namespace of its own; none, and says so, where that is not allowed.
    pub fn run_with_mount(&self, args: &[&str]) -> Option<Output> {
        let directory = tempfile::tempdir().expect("made");
        let mounted = |program: &mut Command| {
            let script = "mount -t mqueue none \"$0\" && exec \"$@\"";
            program.args(["--mount", "sh", "-c", script]).arg(directory.path());
        };
        let mut attempt = Command::new("unshare");
        mounted(&mut attempt);
        if !attempt.arg("true").output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: mounting takes privilege");
            return None;
        }
        let mut command = Command::new("unshare");
        mounted(&mut command);
        let inspect = self.inspect(User::Ourselves, args);
        Some(command.arg(inspect.get_program()).args(inspect.get_args()).output().expect("run"))
    }

    pub fn list(&self) -> Value {
        json(&self.run(&["list", "--json"]).stdout)
    }

    pub fn tap(&self, args: &[&str]) -> Tap {
        self.tap_as(User::Ourselves, args)
    }

    pub fn tap_as(&self, user: User, args: &[&str]) -> Tap {
        let command = self.inspect(user, &["tap", "--for", &PATIENCE.as_secs().to_string()]);
        Tap::start(command, args, |pid| self.name(&format!("{TAP_PREFIX}{pid}")))
    }

    /// Says something to `eventbus` as `serial-bridge` does.
    pub fn say(&self, notification: &SerialNotification) {
        self.send(&encode(&envelope(), notification).expect("fits"));
    }

    pub fn send(&self, message: &[u8]) {
        let peer = PeerQueue::open(&self.name(EVENTBUS.spec.name)).expect("there");
        until("eventbus reads", || peer.send(message).is_ok());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut child) = self.eventbus.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for spec in ALL {
            let _ = queue::unlink(&self.name(spec.name));
        }
    }
}

/// A running `mq-inspect tap`. It ends by itself, so that a test cannot hang on reading from it.
pub struct Tap {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
    /// The kernel's name of its queue.
    pub name: String,
}

impl Tap {
    fn start(mut command: Command, args: &[&str], name: impl FnOnce(u32) -> String) -> Self {
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let lines = child.stdout.take().map(BufReader::new);
        let name = name(child.id());
        Self { child, lines, name }
    }

    /// Goes away as a reader, as `head` does.
    pub fn stop_reading(&mut self) {
        self.lines = None;
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().expect("open").read_line(&mut line).expect("text");
        assert!(line.ends_with('\n'), "the tap ended: {line:?} {}", self.complaints());
        line.trim_end().to_owned()
    }

    /// The first JSON line whose notification fits, and its whole line.
    pub fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = json(self.line().as_bytes());
            if wanted(&line["notification"]) {
                return line;
            }
        }
    }

    pub fn wait_for_snapshot(&mut self) -> Value {
        self.wait_for(|notification| notification == "snapshot-end")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("ours");
    }

    /// Waits for its end; it must be long before the tap ends by itself. Its queue is gone then.
    pub fn exit_code(&mut self) -> Option<i32> {
        let started = Instant::now();
        let code = self.child.wait().expect("ours").code();
        assert!(started.elapsed() < PATIENCE / 2, "it did not end in time");
        assert!(matches!(queue::glance(&self.name), Err(QueueError::Missing { .. })), "{} is left over", self.name);
        code
    }

    pub fn complaints(&mut self) -> String {
        let mut text = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut text).expect("text");
        }
        text
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = queue::unlink(&self.name);
    }
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

pub fn row(list: &Value, inbox: &str) -> Value {
    let ends = |row: &&Value| row["queue"].as_str().is_some_and(|name| name.ends_with(&format!(".{inbox}")));
    list["queues"].as_array().expect("rows").iter().find(ends).cloned().unwrap_or(Value::Null)
}

pub fn envelope() -> Envelope {
    Envelope { sender: Sender::SerialBridge, boot: BootId(1), seq: 0, sent: bus::clock::now() }
}

pub fn port() -> SerialNotification {
    let (state, counters) = (PortState::Up, PortCounters::default());
    let since = bus::clock::now();
    SerialNotification::Port(PortReport {
        port: PortName(PORT.to_owned()),
        generation: Generation(1),
        state,
        since,
        baud: 115_200,
        counters,
    })
}

pub fn frame(payload: Vec<u8>) -> SerialNotification {
    let heard = bus::clock::now();
    SerialNotification::Frame(ReceivedFrame { port: PortName(PORT.to_owned()), generation: Generation(1), heard, payload })
}

/// The `IdManager` report of a DAG root.
pub fn id_manager() -> SerialNotification {
    let mut payload = vec![b'S', 0, 1, 1, 1, 0xfe, 0xca, 0, 1];
    payload.extend([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
    payload.extend([0xbb, 0xbb, 0, 0, 0, 0, 0, 0]);
    frame(payload)
}

pub fn booted() -> SerialNotification {
    let log = LogFrame { severity: Severity::Info, id16: 1, component: 1, code: 0x4f, arg1: 0, arg2: 0 };
    frame(Frame::Log(log).emit())
}
