//! The stage: the program's process, the queues around it, and a port on which a GUI host may listen.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bus::inbox::Inbox;
use bus::queue::{PeerQueue, unlink};
use data_encoding::BASE64;
use mqtypes::broker::{Notification, Request};
use mqtypes::codec;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS_REQUESTS, UI_PROXY, UI_PROXY_REQUESTS, kernel_name};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tungstenite::handshake::server::{ErrorResponse, Request as HttpRequest, Response};
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};
use ui_proxy::key::Key;
use ui_proxy::proof::{Nonce, Role, Transcript, Verdict};

use crate::judge::check_router;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The key of both sides.
pub const KEY: [u8; 32] = [0x5a; 32];

const HOST_NONCE: &str = "ffeeddccbbaa99887766554433221100";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What a test has around the program.
pub struct Bench {
    pub instance: String,
    pub port: u16,
    pub listener: TcpListener,
    pub eventbus: Inbox<Request>,
    boot: BootId,
    seq: u64,
    process: Child,
    log: Arc<Mutex<String>>,
    dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Bench {
    /// The program, running and not woken, with a key.
    pub fn new(options: &[&str]) -> Self {
        let bench = Self::without_key(options);
        bench.put_key(&KEY);
        bench
    }

    /// The same without a key.
    pub fn without_key(options: &[&str]) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let instance = format!("ui-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().expect("made");
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        listener.set_nonblocking(true).expect("set");
        let port = listener.local_addr().expect("bound").port();
        let eventbus = Inbox::own(&instance, &EVENTBUS_REQUESTS).expect("made");
        let url = format!("ws://localhost:{port}/lbr");
        let usual: &[&str] = if options.contains(&"--url") { &[] } else { &["--url", &url] };
        let mut process = start(&instance, dir.path(), &[usual, options].concat());
        let log = Arc::new(Mutex::new(String::new()));
        keep_log(process.stderr.take().expect("piped"), Arc::clone(&log));
        let bench = Self { instance, port, listener, eventbus, boot: BootId(0xb001), seq: 0, process, log, dir, _alone: alone };
        bench.wait_for_log("waits to be woken");
        bench
    }

    pub fn put_key(&self, key: &[u8; 32]) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.key_path();
        std::fs::write(&path, BASE64.encode(key)).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    }

    pub fn key_path(&self) -> PathBuf {
        self.dir.path().join("ui.key")
    }

    pub fn state_dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).expect("sent");
    }

    /// `ui-proxy wake`: its exit status and what it said.
    pub fn wake(&self, options: &[&str]) -> (ExitStatus, String) {
        let output = program().args(["wake", "--instance", &self.instance]).args(options).output().expect("run");
        (output.status, String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }

    pub fn wake_up(&self) {
        let (status, said) = self.wake(&[]);
        assert!(status.success(), "{said}");
    }

    /// Waits for the end of the process.
    pub fn end(&mut self) -> ExitStatus {
        until("the process ends", || self.process.try_wait().expect("waited"))
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().expect("waited").is_none()
    }

    /// How often the process has been woken since its start.
    pub fn wake_ups(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("running");
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("there");
        line.trim().parse().expect("a number")
    }

    /// KiB of resident memory.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("running");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("there");
        line.trim_end_matches("kB").trim().parse().expect("a number")
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("not poisoned").clone()
    }

    pub fn wait_for_log(&self, words: &str) {
        until(&format!("the log says `{words}`: {}", self.log()), || self.log().contains(words).then_some(()));
    }

    /// Nobody dials for so long.
    pub fn nobody_dials(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            assert!(self.listener.accept().is_err(), "somebody dials");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A connection whose `hello` has come.
    pub fn hello(&self) -> Host {
        let stream = until("somebody dials", || self.listener.accept().ok()).0;
        stream.set_nonblocking(false).expect("set");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let socket = tungstenite::accept_hdr(stream, agree).expect("upgraded");
        let mut host = Host { socket, port: self.port, hello: Value::Null };
        host.hello = host.next();
        assert_eq!(host.hello["type"], "hello");
        host
    }

    /// A link that is up.
    pub fn link(&self) -> Host {
        let mut host = self.hello();
        host.welcome(&KEY);
        host.take_auth();
        host
    }

    /// A link that is up, and whose empty snapshot was told.
    pub fn live(&mut self) -> Host {
        self.wake_up();
        let mut host = self.link();
        self.wait_for_subscription();
        self.tell(&[Notification::SnapshotBegin, Notification::SnapshotEnd]);
        host.until("event-count");
        host
    }

    /// Everything that is asked of `eventbus` until it is subscribed to.
    pub fn wait_for_subscription(&mut self) -> Vec<Request> {
        let mut asked = Vec::new();
        until("ui-proxy subscribes", || {
            asked.extend(self.requests());
            asked.iter().any(|request| matches!(request, Request::Subscribe(_))).then_some(())
        });
        asked
    }

    pub fn requests(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        let _ = self.eventbus.drain(|envelope, request| {
            assert_eq!(envelope.sender, Sender::UiProxy);
            requests.push(request);
        });
        requests
    }

    /// What `eventbus` says, in one message each.
    pub fn tell(&mut self, notifications: &[Notification]) {
        for notification in notifications {
            let bytes = self.message(notification);
            self.send(UI_PROXY.spec.name, &bytes);
        }
    }

    pub fn message(&mut self, notification: &Notification) -> Vec<u8> {
        let envelope = Envelope { sender: Sender::Eventbus, boot: self.boot, seq: self.seq, sent: Mono(0) };
        self.seq += 1;
        codec::encode(&envelope, notification).expect("fits")
    }

    /// Raw bytes into one of the program's queues.
    pub fn send(&self, queue: &str, bytes: &[u8]) {
        let peer = PeerQueue::open(&kernel_name(&self.instance, queue)).expect("there");
        until("there is room", || peer.send(bytes).ok());
    }

    /// As if `eventbus` had never run.
    pub fn remove_eventbus(&self) {
        unlink(&kernel_name(&self.instance, EVENTBUS_REQUESTS.spec.name)).expect("there");
    }

    /// `eventbus` comes after [`Self::remove_eventbus`].
    pub fn make_eventbus(&mut self) {
        self.eventbus = Inbox::own(&self.instance, &EVENTBUS_REQUESTS).expect("made");
    }

    /// `eventbus` starts anew.
    pub fn restart_eventbus(&mut self) {
        self.boot = BootId(self.boot.0 + 1);
        self.seq = 0;
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        for spec in [EVENTBUS_REQUESTS.spec, UI_PROXY.spec, UI_PROXY_REQUESTS.spec] {
            let _ = unlink(&kernel_name(&self.instance, spec.name));
        }
        if thread::panicking() {
            eprintln!("the program's log:\n{}", self.log());
        }
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ui-proxy"))
}

pub fn start(instance: &str, state_dir: &Path, options: &[&str]) -> Child {
    let mut command = program();
    command.args(["--instance", instance, "--log-level", "debug", "--id", "test", "--state-dir"]).arg(state_dir);
    command.args(options).stderr(Stdio::piped()).spawn().expect("started")
}

fn keep_log(stderr: ChildStderr, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            *log.lock().expect("not poisoned") += &(line + "\n");
        }
    });
}

/// Waits for something that other processes do.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "it does not happen: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[expect(clippy::result_large_err, clippy::unnecessary_wraps, reason = "the library's own signature")]
fn agree(request: &HttpRequest, mut response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.uri().path(), "/lbr");
    assert!(request.headers().get("Origin").is_none(), "only browsers have an origin");
    assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "openwsn-lbr.v1");
    response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("openwsn-lbr.v1"));
    Ok(response)
}

/// The GUI host's side of one connection.
pub struct Host {
    pub socket: WebSocket<TcpStream>,
    pub port: u16,
    pub hello: Value,
}

/// Why a link has ended, seen from the host.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    With(u16),
    WithoutAWord,
}

impl Host {
    pub fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    pub fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("sent");
    }

    /// The next message.
    pub fn next(&mut self) -> Value {
        match self.next_or_end() {
            Ok(message) => message,
            Err(ended) => panic!("the link has ended: {ended:?}"),
        }
    }

    pub fn next_or_end(&mut self) -> Result<Value, Ended> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    assert!(text.len() <= 32 * 1024, "{} bytes", text.len());
                    let message = serde_json::from_str(&text).expect("JSON");
                    check_router(&message);
                    return Ok(message);
                }
                Ok(Message::Ping(_)) => {}
                Ok(Message::Close(frame)) => return Err(frame.map_or(Ended::WithoutAWord, |frame| Ended::With(frame.code.into()))),
                Ok(other) => panic!("{other:?}"),
                Err(_) => return Err(Ended::WithoutAWord),
            }
        }
    }

    /// The next message of this type; others are passed over.
    pub fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Passes messages over until the link ends.
    pub fn end(&mut self) -> (Vec<Value>, Ended) {
        let mut said = Vec::new();
        loop {
            match self.next_or_end() {
                Ok(message) => said.push(message),
                Err(ended) => return (said, ended),
            }
        }
    }

    fn transcript(&self) -> Transcript {
        let nonce = |text| Nonce::parse(text).expect("a nonce");
        let router = nonce(self.hello["nonce"].as_str().expect("a text"));
        Transcript { port: self.port, router, host: nonce(HOST_NONCE) }
    }

    pub fn welcome(&mut self, key: &[u8; 32]) {
        let proof = self.transcript().prove(&Key::new(*key), Role::Host);
        self.say(&json!({"type": "welcome", "v": 1, "host": {"name": "test", "version": "1"}, "nonce": HOST_NONCE, "proof": proof}));
    }

    pub fn take_auth(&mut self) {
        let auth = self.next();
        assert_eq!((&auth["type"], &auth["seq"]), (&Value::from("auth"), &Value::from(1)));
        let proof = auth["proof"].as_str().expect("a text");
        assert_eq!(self.transcript().verify(&Key::new(KEY), Role::Router, proof), Verdict::Right);
    }
}
