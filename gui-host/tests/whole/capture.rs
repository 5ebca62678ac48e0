//! `/capture` and `gui-host capture`: packets of a router that is elsewhere, for Wireshark here.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    program::{PATIENCE, Program, command, http},
    router::Router,
};

/// A capture's first block.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// A host with a router, and the file that tells where it is.
struct Stage {
    program: Program,
    router: Router,
    folder: tempfile::TempDir,
}

impl Stage {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let page_file = folder.path().join("page");
        let program = Program::start(&["--page-file", page_file.to_str().unwrap()]);
        let router = Router::admitted(program.link_port, "roof");
        Self { program, router, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts `gui-host capture`.
    fn capture(&self, arguments: &[&str]) -> Client {
        let page_file = self.path("page");
        let mut command = command(&["capture", "--page-file", page_file.to_str().unwrap()]);
        Client(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until the router is asked for packets.
    fn packets_are_asked_for(&mut self) {
        while !self.next_topics().contains(&json!("mote-data")) {}
    }

    /// Waits until it is asked for all but packets.
    fn packets_are_not_asked_for(&mut self) {
        while self.next_topics().contains(&json!("mote-data")) {}
    }

    fn next_topics(&mut self) -> Vec<Value> {
        loop {
            let asked = self.router.receive();
            if asked["type"] == "subscribe" {
                return asked["topics"].as_array().unwrap().clone();
            }
        }
    }

    fn say_packet(&mut self, lowpan: &str) {
        self.router.send(&packet(lowpan));
    }
}

struct Client(Child);

impl Client {
    /// Reads standard output until these bytes have come.
    fn read_until(&mut self, expected: &[u8]) -> Vec<u8> {
        read_until(self.0.stdout.as_mut().unwrap(), expected)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read_until(source: &mut impl Read, expected: &[u8]) -> Vec<u8> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    while !has(&read, expected) {
        let len = source.read(&mut buffer).unwrap();
        assert!(len > 0, "it ended after {read:02x?}");
        read.extend_from_slice(&buffer[..len]);
    }
    read
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn packet(lowpan: &str) -> Value {
    json!({
        "type": "mote-data", "seq": 9, "t": 1_700_000_009_000_u64, "mote": "141592cc00000001", "port": "/dev/ttyUSB0", "asn": 4660,
        "source": "141592cc00000002", "destination": "141592cc00000001", "lowpan": lowpan,
    })
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_router_is_asked_for_packets_while_somebody_captures() {
    let mut stage = Stage::start();
    let mut client = stage.capture(&["-", "--router", "roof"]);
    stage.packets_are_asked_for();
    let mut other = stage.capture(&["-", "--router", "cellar"]);
    let nothing = other.read_until(b"gui-host");
    stage.say_packet("f18305aabbccdd");
    let bytes = client.read_until(&[0xf1, 0x83, 0x05, 0xaa, 0xbb, 0xcc, 0xdd]);
    assert!(bytes.starts_with(&SECTION) && has(&bytes, b"/dev/ttyUSB0") && has(&bytes, b"gui-host"), "{bytes:02x?}");
    assert!(nothing.starts_with(&SECTION) && !has(&nothing, b"ttyUSB0"), "{nothing:02x?}");
    drop((client, other));
    stage.packets_are_not_asked_for();
}

#[test]
fn each_reader_of_a_fifo_gets_a_capture_of_its_own() {
    let mut stage = Stage::start();
    let fifo = stage.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let client = stage.capture(&[fifo.to_str().unwrap(), "--expand"]);
    let mut reader = File::open(&fifo).unwrap();
    stage.packets_are_asked_for();
    stage.say_packet("f1");
    assert!(read_until(&mut reader, b"roof /dev/ttyUSB0").starts_with(&SECTION));
    drop(reader);
    // Nothing is asked of a router for nobody.
    stage.packets_are_not_asked_for();
    wait_for("the FIFO to be closed", || !holds(&client.0, &fifo));
    let mut reader = File::open(&fifo).unwrap();
    stage.packets_are_asked_for();
    stage.say_packet("f1");
    assert!(read_until(&mut reader, b"roof /dev/ttyUSB0").starts_with(&SECTION));
}

/// Has the process this file open?
fn holds(process: &Child, file: &Path) -> bool {
    let open = fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap();
    open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == file))
}

#[test]
fn without_a_host_or_its_file_the_way_out_is_told() {
    let mut stage = Stage::start();
    let said = |mut client: Client| {
        let mut text = String::new();
        client.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (client.0.wait().unwrap().code(), text)
    };
    let kept = fs::read(stage.path("page")).unwrap();
    assert!(stage.program.terminate().success());
    assert_eq!(fs::read(stage.path("page")).unwrap_err().kind(), ErrorKind::NotFound);
    let (code, text) = said(stage.capture(&["-"]));
    assert!(code == Some(69) && text.contains("start gui-host first"), "{text}");
    // A host that was killed leaves its file.
    fs::write(stage.path("page"), kept).unwrap();
    assert!(Command::new("chmod").arg("600").arg(stage.path("page")).status().unwrap().success());
    let (code, text) = said(stage.capture(&["-"]));
    assert!(code == Some(69) && text.contains("no gui-host answers"), "{text}");
}

#[test]
fn only_a_program_with_the_token_gets_packets() {
    let stage = Stage::start();
    let (port, token) = stage.program.page.clone().unwrap();
    let status = |request: &str, headers: &str| {
        let request = format!("{request} HTTP/1.0\nHost: 127.0.0.1:{port}\n{headers}\n");
        http(port, &request).split(' ').nth(1).unwrap().to_owned()
    };
    let right = format!("Authorization: Bearer {token}\n");
    assert_eq!(status("GET /capture", ""), "401");
    assert_eq!(status(&format!("GET /capture?token={token}"), ""), "401");
    assert_eq!(status("GET /capture", "Authorization: Bearer 0123456789abcdef0123456789abcdef\n"), "401");
    assert_eq!(status("GET /capture", &format!("{right}Origin: http://evil.example\n")), "403");
    assert_eq!(status("GET /capture?weather", &right), "400");
    assert_eq!(status("POST /capture", &right), "405");
}
