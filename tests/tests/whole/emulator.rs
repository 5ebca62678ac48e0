//! The mote emulator as its users meet it: a program, its lines, and serial ports that are opened like any other.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use data_encoding::HEXLOWER;
use eventbus::frame::{Frame, HostFrame, RootAction, SetRoot, StatusFrame};
use framing::flow::{Heard, Unescape};
use framing::hdlc::{Decoder, encode};
use lbr_tests::recording::{data, judged};
use lbr_tests::stack::Child;
use mqtypes::serial::FrameFault;
use mqtypes::status::Element;
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::termios::{InputFlags, SetArg, cfmakeraw, tcgetattr, tcsetattr};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

/// A running emulator.
struct Emulator {
    process: Child,
    ports: Vec<PathBuf>,
    directory: TempDir,
}

impl Emulator {
    fn start(arguments: &[&str]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mote-emulator"));
        command.args(arguments).arg("--dir").arg(directory.path().join("motes")).arg("--log-host").arg(directory.path().join("host.jsonl"));
        let process = Child::start("mote-emulator", command)?;
        process.stdout.wait_for("`ready`", 0, WITHIN, |line| (line == "ready").then_some(()))?;
        let named = |line: &String| line.strip_prefix("port ")?.split_once(' ').map(|(_, path)| PathBuf::from(path));
        let ports = process.stdout.all().iter().filter_map(named).collect();
        Ok(Self { process, ports, directory })
    }

    fn replay(recording: &str, options: &[&str]) -> Result<Self> {
        let file = data(recording);
        Self::start(&[&["replay", file.to_str().context("a path of text")?], options].concat())
    }

    fn totals(&self) -> Result<Value> {
        let totals = self.process.stdout.wait_for("`done`", 0, WITHIN, |line| line.strip_prefix("done ").map(str::to_owned))?;
        Ok(serde_json::from_str(&totals)?)
    }
}

/// A host with one port open: raw, and the kernel takes XON and XOFF, as on a border router.
struct Host {
    line: File,
    unescape: Unescape,
    decoder: Decoder,
    frames: Vec<Result<Vec<u8>, FrameFault>>,
}

impl Host {
    fn open(port: &Path) -> Result<Self> {
        let line = OpenOptions::new().read(true).write(true).custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits()).open(port)?;
        let mut settings = tcgetattr(&line)?;
        cfmakeraw(&mut settings);
        settings.input_flags.insert(InputFlags::IXON);
        tcsetattr(&line, SetArg::TCSANOW, &settings)?;
        Ok(Self { line, unescape: Unescape::default(), decoder: Decoder::new(), frames: Vec::new() })
    }

    /// Reads at most `most` bytes; tells how many there were.
    fn read(&mut self, most: usize) -> Result<usize> {
        let mut buffer = vec![0; most];
        let count = match self.line.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        for byte in &buffer[..count] {
            if let Some(Heard::Data(byte)) = self.unescape.push(*byte) {
                self.frames.extend(self.decoder.push(byte));
            }
        }
        Ok(count)
    }

    /// Reads until `fits` likes the frames.
    fn read_until(&mut self, what: &str, fits: impl Fn(&[Result<Vec<u8>, FrameFault>]) -> bool) -> Result<()> {
        let until = Instant::now() + WITHIN;
        while !fits(&self.frames) {
            ensure!(Instant::now() < until, "waited in vain for {what}; {} frames came", self.frames.len());
            if self.read(4096)? == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Sends a frame; an XOFF may hold it up for a while.
    fn send(&mut self, frame: &HostFrame) -> Result<()> {
        let bytes = encode(&frame.emit()?);
        let mut rest = &bytes[..];
        let until = Instant::now() + WITHIN;
        while !rest.is_empty() {
            match self.line.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => bail!("sending: {error}"),
            }
        }
        Ok(())
    }
}

/// What the oracle says of the frames of a port, in order; it does not tell faults apart.
fn expected(recording: &str, port: &str) -> Result<Vec<Option<Vec<u8>>>> {
    let frames = judged(&data(&format!("{recording}.oracle.jsonl.gz")))?;
    Ok(frames.into_iter().filter(|frame| frame.port == port).map(|frame| frame.payload).collect())
}

fn told(host: &Host) -> Vec<Option<Vec<u8>>> {
    host.frames.iter().map(|frame| frame.clone().ok()).collect()
}

/// The role in a status, if it is about that.
fn role(frame: &Result<Vec<u8>, FrameFault>) -> Option<bool> {
    match Frame::parse(frame.as_ref().ok()?) {
        Ok(Frame::Status(StatusFrame { element: Element::IdManager(id), .. })) => Some(id.is_dag_root),
        _other => None,
    }
}

fn be_root() -> HostFrame {
    HostFrame::SetRoot(SetRoot { action: RootAction::Yes, prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0], key_index: 1, key: [7; 16] })
}

#[test]
fn every_frame_of_recording_a_arrives_once_and_then_the_program_ends() -> Result<()> {
    let mut emulator = Emulator::replay("A.jsonl.gz", &["--speed", "0", "--exit-when-done"])?;
    let mut host = Host::open(&emulator.ports[0])?;
    host.read_until("2201 frames", |frames| frames.len() >= 2_201)?;
    assert!(told(&host) == expected("A", "mote1")?);
    assert_eq!(emulator.totals()?["frames"], json!({"data": 2, "error": 1, "status": 2197, "success": 1}));
    assert!(emulator.process.wait(WITHIN)?.success());
    assert!(fs::symlink_metadata(&emulator.ports[0]).is_err(), "the link is gone");
    Ok(())
}

#[test]
fn five_ports_at_once_lose_nothing_when_they_are_read_slowly() -> Result<()> {
    let emulator = Emulator::replay("D.jsonl.gz", &["--speed", "0"])?;
    let mut hosts = emulator.ports.iter().map(|port| Host::open(port)).collect::<Result<Vec<_>>>()?;
    let expected = (1..=5).map(|number| expected("D", &format!("mote{number}"))).collect::<Result<Vec<_>>>()?;
    let until = Instant::now() + WITHIN;
    while hosts.iter().zip(&expected).any(|(host, expected)| host.frames.len() < expected.len()) {
        ensure!(Instant::now() < until, "{:?} frames came", hosts.iter().map(|host| host.frames.len()).collect::<Vec<_>>());
        for (number, host) in hosts.iter_mut().enumerate() {
            host.read(100 + 900 * number)?;
        }
    }
    for (host, expected) in hosts.iter().zip(&expected) {
        assert!(told(host) == *expected);
    }
    assert_eq!(emulator.totals()?["faults"], json!({"bad-crc": 8}));
    Ok(())
}

#[test]
fn nothing_is_played_before_somebody_reads_and_playing_goes_on_for_the_next_reader() -> Result<()> {
    let emulator = Emulator::replay("A.jsonl.gz", &["--speed", "0"])?;
    let mut first = Host::open(&emulator.ports[0])?;
    first.read_until("some frames", |frames| frames.len() >= 500)?;
    assert!(told(&first)[..500] == expected("A", "mote1")?[..500], "it begins at the beginning");
    assert!(!emulator.process.stdout.all().iter().any(|line| line.starts_with("done")), "the rest is held back");
    drop(first);
    let mut second = Host::open(&emulator.ports[0])?;
    let last: Vec<_> = expected("A", "mote1")?.into_iter().skip(1_200).map(|payload| payload.ok_or(FrameFault::BadCrc)).collect();
    second.read_until("the last thousand frames", |frames| frames.ends_with(&last))?;
    emulator.totals()?;
    Ok(())
}

#[test]
fn a_recorded_mote_confirms_a_root_command_and_answers_an_echo() -> Result<()> {
    let emulator = Emulator::replay("A.jsonl.gz", &["--speed", "5"])?;
    let mut host = Host::open(&emulator.ports[0])?;
    host.read_until("a role", |frames| frames.iter().filter_map(role).next_back() == Some(false))?;
    host.send(&be_root())?;
    host.read_until("the new role", |frames| frames.iter().filter_map(role).next_back() == Some(true))?;
    host.send(&HostFrame::Echo(b"echo".to_vec()))?;
    host.read_until("the echo", |frames| frames.iter().flatten().any(|payload| payload.starts_with(b"D") && payload.ends_with(b"echo")))?;
    assert!(host.frames.iter().all(Result::is_ok));
    Ok(())
}

#[test]
fn an_emulated_mote_obeys_its_host_and_what_was_said_is_written_down() -> Result<()> {
    let mut emulator = Emulator::start(&["emulate", "--motes", "2", "--seed", "7"])?;
    let mut host = Host::open(&emulator.ports[1])?;
    host.read_until("the boot", |frames| !frames.is_empty())?;
    assert_eq!(host.frames[0].as_ref().map(|payload| HEXLOWER.encode(payload)), Ok("550002014f00000000".to_owned()));
    host.send(&be_root())?;
    host.read_until("the new role", |frames| frames.iter().filter_map(role).next_back() == Some(true))?;
    host.send(&HostFrame::Reset)?;
    host.read_until("the old role", |frames| frames.iter().filter_map(role).next_back() == Some(false))?;
    assert!(host.frames.iter().all(Result::is_ok));
    let log = fs::read_to_string(emulator.directory.path().join("host.jsonl"))?;
    let lines = log.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let kinds: Vec<_> = lines.iter().map(|line| (&line["port"], &line["kind"])).collect();
    assert_eq!(kinds, [(&json!("mote2"), &json!("set-root")), (&json!("mote2"), &json!("reset"))]);
    emulator.process.signal(Signal::SIGINT)?;
    assert!(emulator.process.wait(WITHIN)?.success());
    assert!(emulator.ports.iter().all(|port| fs::symlink_metadata(port).is_err()), "the links are gone");
    Ok(())
}

/// Waits for a line of the emulator that fits, from line `from` on; tells the line.
fn wait_for_line(emulator: &Emulator, what: &str, from: usize, fits: impl Fn(&str) -> bool) -> Result<String> {
    emulator.process.stdout.wait_for(what, from, WITHIN, |line| fits(line).then(|| line.to_owned()))
}

fn boots(host: &Host) -> usize {
    host.frames.iter().flatten().filter(|payload| payload[0] == b'U' && payload[4] == 0x4f).count()
}

#[test]
fn what_a_person_types_happens_to_a_mote_and_is_told() -> Result<()> {
    let mut emulator = Emulator::start(&["emulate", "--motes", "1", "--mesh", "2"])?;
    let mut host = Host::open(&emulator.ports[0])?;
    host.read_until("the boot", |frames| !frames.is_empty())?;
    emulator.process.say("status")?;
    let third = wait_for_line(&emulator, "the third mote", 0, |line| line.starts_with("mote 3: "))?;
    assert!(third.contains("no cable, searching, not joined"), "{third}");
    emulator.process.say("boot 1")?;
    wait_for_line(&emulator, "the deed", 0, |line| line.starts_with("did ") && line.ends_with(" boot 1"))?;
    host.read_until("another boot", |frames| frames.iter().flatten().filter(|payload| payload[0] == b'U').count() == 2)?;
    assert_eq!(boots(&host), 2);
    emulator.process.say("flip 1")?;
    host.read_until("a bad CRC", |frames| frames.contains(&Err(FrameFault::BadCrc)))?;
    emulator.process.say("boil 1")?;
    wait_for_line(&emulator, "the refusal", 0, |line| line.starts_with("what? `boil` is no command"))?;
    assert!(emulator.process.ended()?.is_none());
    Ok(())
}

#[test]
fn a_pulled_plug_takes_the_link_away_and_the_same_mote_is_there_when_it_is_back() -> Result<()> {
    let mut emulator = Emulator::start(&["emulate", "--motes", "2"])?;
    let link = emulator.ports[0].clone();
    let mut other = Host::open(&emulator.ports[1])?;
    let mut host = Host::open(&link)?;
    host.read_until("some frames", |frames| frames.len() > 3)?;
    for name in ["mote1", "other"] {
        emulator.process.say("unplug 1")?;
        wait_for_line(&emulator, "the deed", 0, |line| line.ends_with(" unplug 1"))?;
        let until = Instant::now() + WITHIN;
        while fs::symlink_metadata(&link).is_ok() {
            ensure!(Instant::now() < until, "the link is still there");
            std::thread::sleep(Duration::from_millis(1));
        }
        let told = emulator.process.stdout.all().len();
        emulator.process.say(&format!("replug 1 {name}"))?;
        wait_for_line(&emulator, "the port", told, |line| line.starts_with(&format!("port {name} ")))?;
        host = Host::open(&link.with_file_name(name))?;
        host.read_until("some frames", |frames| frames.len() > 3)?;
        assert_eq!(boots(&host), 0, "it has a battery");
        emulator.process.say("replug 1")?;
        wait_for_line(&emulator, "the refusal", told, |line| line.ends_with("mote 1 is plugged in"))?;
    }
    drop(host);
    let before = other.frames.len();
    other.read_until("the other one", |frames| frames.len() > before + 3)?;
    assert!(other.frames.iter().all(Result::is_ok));
    Ok(())
}

#[test]
fn a_script_is_played_from_the_moment_the_first_port_is_opened() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let script = directory.path().join("script");
    fs::write(&script, "# a short day\n0.5 print 1 hello\n+0.1 critical 1\nnoise 2 10\n")?;
    let emulator = Emulator::start(&["emulate", "--motes", "2", "--script", script.to_str().context("text")?])?;
    let mut host = Host::open(&emulator.ports[0])?;
    host.read_until("something critical", |frames| frames.iter().flatten().any(|payload| payload[0] == b'C'))?;
    assert!(host.frames.iter().flatten().any(|payload| payload[0] == b'F' && payload.ends_with(b"hello")));
    let off = wait_for_line(&emulator, "what could not be done", 0, |line| line.starts_with("did not "))?;
    assert!(off.ends_with("noise 2 10: mote 2 is off"), "{off}");
    Ok(())
}

#[test]
fn the_help_of_the_program_tells_every_command_to_a_newcomer() -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_mote-emulator")).args(["emulate", "--help"]).output()?;
    let said = String::from_utf8(output.stdout)?;
    assert!(output.status.success() && output.stderr.is_empty());
    for word in ["--mesh", "--seed", "--script", "--faults", "--wander", "--asn", "boot M", "unplug M", "replug M [NAME]", "status"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_done_is_said_and_the_way_out() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let there = directory.path().display().to_string();
    let file = directory.path().join("file");
    fs::write(&file, "{\"t\": 0}\n")?;
    let file = file.display().to_string();
    let script = directory.path().join("script");
    fs::write(&script, "10 boot 1\n20 boot 2\n")?;
    let script = script.display().to_string();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["replay", "/nowhere.jsonl", "--dir", &there], 78, "/nowhere.jsonl: No such file"),
        (&["replay", &file, "--dir", &there], 78, "line 1: missing field"),
        (&["replay", &file, "--dir", &there, "--speed", "fast"], 2, "--speed"),
        (&["emulate", "--dir", &file], 69, "--dir"),
        (&["emulate", "--motes", "0", "--dir", &there], 2, "--motes"),
        (&["emulate", "--script", &script, "--dir", &there], 78, "script: line 2: there is no mote 2"),
        (&["emulate", "--script", "/nowhere", "--dir", &there], 78, "--script /nowhere: No such file"),
        (&["emulate", "--faults", "0", "--dir", &there], 2, "--faults"),
    ];
    for (arguments, code, text) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_mote-emulator")).args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    Ok(())
}
