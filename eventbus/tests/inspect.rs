//! The real `mq-inspect` against a real `eventbus`, over real queues; the test plays `serial-bridge`.
//!
//! Every test has an instance of its own, and removes its queues; one set is alive at a time, because
//! a user's queues have a common limit.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::queue::{self, OwnedQueue, PeerQueue, QueueError};
use eventbus::frame::{Frame, LogFrame};
use mqtypes::codec::{Packer, encode};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName};
use mqtypes::log::Severity;
use mqtypes::queues::{ALL, EVENTBUS, EVENTBUS_REQUESTS, TAP, kernel_name};
use mqtypes::serial::{PortCounters, PortReport, PortState, ReceivedFrame, SerialNotification};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const INSPECT: &str = env!("CARGO_BIN_EXE_mq-inspect");
const EVENTBUS_BINARY: &str = env!("CARGO_BIN_EXE_eventbus");

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const PORT: &str = "/dev/ttyUSB0";

static TURN: Mutex<()> = Mutex::new(());

struct Stage {
    instance: String,
    directory: TempDir,
    eventbus: Option<Child>,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    fn new(test: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let instance = format!("{test}-{}", std::process::id());
        Self { instance, directory: tempfile::tempdir().expect("made"), eventbus: None, _turn: turn }
    }

    fn with_eventbus(test: &str) -> Self {
        let mut stage = Self::new(test);
        stage.start_eventbus();
        stage
    }

    fn start_eventbus(&mut self) {
        let mut command = Command::new(EVENTBUS_BINARY);
        command.args(["--instance", &self.instance, "--log-level", "off"]);
        command.arg("--state-dir").arg(self.directory.path().join("state"));
        command.arg("--run-dir").arg(self.directory.path().join("run"));
        let child = command.stdout(Stdio::null()).spawn().expect("started");
        let (pid, requests) = (child.id(), self.name(EVENTBUS_REQUESTS.spec.name));
        self.eventbus = Some(child);
        until("eventbus has its inboxes", || queue::glance(&requests).is_ok_and(|glance| glance.holder == Some(pid)));
    }

    fn kill_eventbus(&mut self) {
        if let Some(mut child) = self.eventbus.take() {
            child.kill().expect("ours");
            child.wait().expect("ours");
        }
    }

    fn name(&self, inbox: &str) -> String {
        kernel_name(&self.instance, inbox)
    }

    fn inspect(&self, args: &[&str]) -> Command {
        let mut command = Command::new(INSPECT);
        command.arg(args[0]).args(["--instance", &self.instance]).args(&args[1..]);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.inspect(args).output().expect("run")
    }

    fn list(&self) -> Value {
        json(&self.run(&["list", "--json"]).stdout)
    }

    fn tap(&self, args: &[&str]) -> Tap {
        Tap::start(self, args)
    }

    /// Says something to `eventbus` as `serial-bridge` does.
    fn say(&self, notification: &SerialNotification) {
        self.send(&encode(&envelope(), notification).expect("fits"));
    }

    fn send(&self, message: &[u8]) {
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
struct Tap {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
    name: String,
}

impl Tap {
    fn start(stage: &Stage, args: &[&str]) -> Self {
        let mut command = stage.inspect(&["tap", "--for", &PATIENCE.as_secs().to_string()]);
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let lines = child.stdout.take().map(BufReader::new);
        let name = stage.name(&format!("tap-{}", child.id()));
        Self { child, lines, name }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().expect("open").read_line(&mut line).expect("text");
        assert!(line.ends_with('\n'), "the tap ended: {line:?} {}", self.complaints());
        line.trim_end().to_owned()
    }

    /// The first JSON line whose notification fits, and its whole line.
    fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = json(self.line().as_bytes());
            if wanted(&line["notification"]) {
                return line;
            }
        }
    }

    fn wait_for_snapshot(&mut self) -> Value {
        self.wait_for(|notification| notification == "snapshot-end")
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("ours");
    }

    /// Waits for its end; it must be long before the tap ends by itself. Its queue is gone then.
    fn exit_code(&mut self) -> Option<i32> {
        let started = Instant::now();
        let code = self.child.wait().expect("ours").code();
        assert!(started.elapsed() < PATIENCE / 2, "it did not end in time");
        assert!(matches!(queue::glance(&self.name), Err(QueueError::Missing { .. })), "{} is left over", self.name);
        code
    }

    fn complaints(&mut self) -> String {
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

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn row(list: &Value, inbox: &str) -> Value {
    let ends = |row: &&Value| row["queue"].as_str().is_some_and(|name| name.ends_with(&format!(".{inbox}")));
    list["queues"].as_array().expect("rows").iter().find(ends).cloned().unwrap_or(Value::Null)
}

fn envelope() -> Envelope {
    Envelope { sender: Sender::SerialBridge, boot: BootId(1), seq: 0, sent: bus::clock::now() }
}

fn port() -> SerialNotification {
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

fn frame(payload: Vec<u8>) -> SerialNotification {
    let heard = bus::clock::now();
    SerialNotification::Frame(ReceivedFrame { port: PortName(PORT.to_owned()), generation: Generation(1), heard, payload })
}

/// The `IdManager` report of a DAG root.
fn id_manager() -> SerialNotification {
    let mut payload = vec![b'S', 0, 1, 1, 1, 0xfe, 0xca, 0, 1];
    payload.extend([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
    payload.extend([0xbb, 0xbb, 0, 0, 0, 0, 0, 0]);
    frame(payload)
}

fn booted() -> SerialNotification {
    let log = LogFrame { severity: Severity::Info, id16: 1, component: 1, code: 0x4f, arg1: 0, arg2: 0 };
    frame(Frame::Log(log).emit())
}

#[test]
fn list_says_what_is_there_and_what_is_missing() {
    let stage = Stage::with_eventbus("il1");
    let list = stage.list();
    let inbox = row(&list, "eventbus");
    assert_eq!((&inbox["standing"], &inbox["holder"]["process"]), (&"held".into(), &"eventbus".into()));
    let pid = stage.eventbus.as_ref().map(Child::id);
    assert_eq!(inbox["holder"]["pid"].as_u64(), pid.map(u64::from));
    assert_eq!((&inbox["waiting"], &inbox["depth"], &inbox["size"]), (&0.into(), &10.into(), &8192.into()));
    assert_eq!((&inbox["mode"], &inbox["bytes"]), (&"0600".into(), &0.into()));
    assert_eq!(row(&list, "serial-bridge")["standing"], "missing");
    let output = stage.run(&["list"]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(table.contains("not there: its owner is not running (serial-bridge)") && !table.contains('\x1b'), "{table}");
}

#[test]
fn list_of_a_router_that_is_not_there_says_so_and_fails() {
    let stage = Stage::new("il2");
    let output = stage.run(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout).matches("not there").count(), ALL.len());
}

#[test]
fn list_shows_queues_without_a_reader_and_takes_nothing_from_them() {
    let mut stage = Stage::with_eventbus("il3");
    stage.kill_eventbus();
    PeerQueue::open(&stage.name(EVENTBUS.spec.name)).expect("there").send(b"not a message at all").expect("room");
    for _look in 0..2 {
        let inbox = row(&stage.list(), "eventbus");
        assert_eq!((&inbox["standing"], &inbox["waiting"]), (&"orphan".into(), &1.into()));
    }
    let output = stage.run(&["list"]);
    assert!(text(&output.stdout).contains("nobody: its owner is not running (eventbus)"));
}

#[test]
fn list_shows_a_queue_whose_name_was_removed_while_it_was_open() {
    let stage = Stage::with_eventbus("il4");
    queue::unlink(&stage.name(EVENTBUS.spec.name)).expect("there");
    let inbox = row(&stage.list(), "eventbus");
    assert_eq!((&inbox["standing"], &inbox["open_in"][0]["process"]), (&"unlinked".into(), &"eventbus".into()));
}

#[test]
fn list_finds_taps_that_are_open_and_with_a_mounted_file_system_those_left_over() {
    let stage = Stage::new("il5");
    let name = stage.name("tap-left");
    let tap = OwnedQueue::open_named(&name, &TAP.spec).expect("made");
    assert_eq!(row(&stage.list(), "tap-left")["standing"], "held");
    drop(tap);
    PeerQueue::open(&name).expect("there").send(b"twelve bytes").expect("room");
    let list = list_with_mount(&stage);
    queue::unlink(&name).expect("there");
    // Mounting takes privilege; without it, there is nothing to see.
    if let Some(list) = list {
        let left = row(&list, "tap-left");
        assert_eq!((&left["standing"], &left["waiting"], &left["bytes"]), (&"orphan".into(), &1.into(), &12.into()));
    }
}

/// The list as it is where a mqueue file system is mounted, in a mount namespace of our own.
fn list_with_mount(stage: &Stage) -> Option<Value> {
    let with_mount = |at: &Path, args: &[&str]| {
        let script = "mount -t mqueue none \"$0\" && exec \"$@\"";
        let output = Command::new("unshare").args(["--mount", "sh", "-c", script]).arg(at).args(args).output();
        output.ok().filter(|output| output.status.success())
    };
    let directory = tempfile::tempdir().expect("made");
    with_mount(directory.path(), &["true"])?;
    let listed = with_mount(directory.path(), &[INSPECT, "list", "--json", "--instance", &stage.instance]).expect("there is a queue");
    Some(json(&listed.stdout))
}

#[test]
fn tap_prints_what_motes_say_as_json() {
    let stage = Stage::with_eventbus("it1");
    let mut tap = stage.tap(&["--json", "--topic", "inventory,status,counts,logs"]);
    let snapshot = tap.wait_for_snapshot();
    assert_eq!(snapshot["sender"], "eventbus");
    stage.say(&port());
    stage.say(&id_manager());
    let named = tap.wait_for(|told| told["mote"]["mote"] == "141592cc00000001");
    assert_eq!(named["notification"]["mote"]["port"], PORT);
    stage.say(&booted());
    let log = tap.wait_for(|told| told.get("log").is_some());
    assert_eq!(log["notification"]["log"]["error"]["name"], "BOOTED");
    assert!(log["seq"].as_u64() >= snapshot["seq"].as_u64() && log["time"].as_u64() >= snapshot["time"].as_u64());
    tap.signal(Signal::SIGTERM);
    assert_eq!((tap.exit_code(), tap.complaints()), (Some(0), String::new()));
}

#[test]
fn tap_prints_what_is_known_of_one_mote_as_text() {
    let stage = Stage::with_eventbus("it2");
    stage.say(&port());
    stage.say(&id_manager());
    let args = ["tap", "--topic", "status", "--mote", "141592cc00000001", "--count", "1", "--for", "20"];
    let output = stage.run(&args);
    let lines: Vec<_> = text(&output.stdout).lines().map(|line| line.split_once("Z ").expect("a time").1).collect();
    let words = "DAG root, 141592cc00000001 (0001), PAN cafe, prefix bbbb::/64";
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines, ["eventbus snapshot begins".to_owned(), format!("eventbus status   141592cc00000001 IdManager: {words}")]);
}

#[test]
fn tap_says_when_there_is_nobody_to_subscribe_with() {
    let mut stage = Stage::new("it3");
    let output = stage.run(&["tap"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(text(&output.stderr).contains("eventbus is not running"), "{}", text(&output.stderr));
    stage.start_eventbus();
    stage.kill_eventbus();
    let output = stage.run(&["tap"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("nobody reads it"), "{}", text(&output.stderr));
}

#[test]
fn tap_follows_eventbus_over_a_restart() {
    let mut stage = Stage::with_eventbus("it4");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    let before = tap.wait_for_snapshot();
    stage.kill_eventbus();
    stage.start_eventbus();
    let after = tap.wait_for_snapshot();
    assert_ne!(before["boot"], after["boot"]);
    stage.say(&port());
    stage.say(&booted());
    tap.wait_for(|told| told.get("log").is_some());
    tap.signal(Signal::SIGINT);
    assert_eq!(tap.exit_code(), Some(0));
    let complaints = tap.complaints();
    assert!(complaints.contains("eventbus has restarted") && !complaints.contains("never came"), "{complaints}");
}

#[test]
fn tap_ends_when_its_reader_has_read_enough() {
    let stage = Stage::with_eventbus("it5");
    let mut tap = stage.tap(&["--topic", "logs"]);
    assert!(tap.line().ends_with("eventbus snapshot begins"));
    tap.lines = None;
    assert_eq!((tap.exit_code(), tap.complaints()), (Some(0), String::new()));
    let output =
        Command::new("sh").args(["-c", "\"$0\" list --instance \"$1\" | head -n 1", INSPECT, &stage.instance]).output().expect("run");
    assert_eq!((text(&output.stderr), text(&output.stdout).lines().count()), ("", 1));
}

#[test]
fn tap_can_be_stopped_while_its_reader_does_not_read() {
    let stage = Stage::with_eventbus("it6");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    stage.say(&port());
    let mut buffer = [0; 8192];
    let mut logs = Packer::new(&mut buffer, &envelope()).expect("fits");
    while logs.push(&booted()).is_ok() {}
    let is_stuck = || queue::glance(&tap.name).is_ok_and(|glance| glance.waiting == glance.depth);
    until("the tap stops reading", || {
        stage.send(logs.bytes());
        is_stuck()
    });
    tap.signal(Signal::SIGTERM);
    assert_eq!(tap.exit_code(), Some(0));
}

#[test]
fn tap_tells_of_what_was_dropped_because_it_was_slow() {
    let stage = Stage::with_eventbus("it7");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    stage.say(&port());
    let mut buffer = [0; 8192];
    let mut logs = Packer::new(&mut buffer, &envelope()).expect("fits");
    while logs.push(&booted()).is_ok() {}
    until("the tap stops reading", || {
        stage.send(logs.bytes());
        queue::glance(&tap.name).is_ok_and(|glance| glance.waiting == glance.depth)
    });
    for _message in 0..20 {
        stage.send(logs.bytes());
    }
    let gap = tap.wait_for(|told| told.get("gap").is_some());
    assert_eq!(gap["notification"]["gap"]["dropped"][0]["reason"], "mote-log");
}

#[test]
fn tap_passes_over_foreign_bytes_and_says_so() {
    let stage = Stage::with_eventbus("it8");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    PeerQueue::open(&tap.name).expect("there").send(b"not a message at all").expect("room");
    stage.say(&port());
    stage.say(&booted());
    tap.wait_for(|told| told.get("log").is_some());
    tap.signal(Signal::SIGHUP);
    assert_eq!(tap.exit_code(), Some(0));
    let complaints = tap.complaints();
    assert!(complaints.contains("passed over: 1 (foreign)"), "{complaints}");
}

#[test]
fn tap_ends_when_its_queue_was_removed() {
    let stage = Stage::with_eventbus("it9");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    queue::unlink(&tap.name).expect("there");
    assert_eq!(tap.exit_code(), Some(69));
    let complaints = tap.complaints();
    assert!(complaints.contains("was removed by somebody else"), "{complaints}");
}

#[test]
fn a_wrong_command_line_is_explained() {
    for args in [&["tap", "--topic", "weather"][..], &["list", "--instance", "a.b"], &["tap", "--for", "0"], &[]] {
        let output = Command::new(INSPECT).args(args).output().expect("run");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let output = Command::new(INSPECT).args(["tap", "--mote", "141592cc00000001", "--topic", "counts"]).output().expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not about a mote"));
}
