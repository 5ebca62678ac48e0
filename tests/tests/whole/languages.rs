//! Any language can sit on the bus: a C program takes the place of `serial-bridge`, and a Python script reads a tap.
//!
//! Both are in `tests/languages`, and know nothing of our crates: what they know is in `mqtypes/WIRE.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::queue::{PeerQueue, QueueError, glance};
use eventbus::frame::HostFrame;
use lbr_tests::demo::ELEMENTS;
use lbr_tests::stack::router::{start_eventbus, start_ui_proxy};
use lbr_tests::stack::{Child, GuiHost, Place, User};
use mqtypes::codec;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName, WriteId};
use mqtypes::mono::Mono;
use mqtypes::queues::{SERIAL_BRIDGE, kernel_name};
use mqtypes::serial::{FrameToMote, SerialCommand};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_mins(1);

/// The emulated mote.
const MOTE: &str = "141592cc00000001";

/// A router of which `serial-bridge` is a C program, with a Python script beside it.
struct Stage {
    motes: Child,
    port: PathBuf,
    eventbus: Child,
    bridge: Child,
    ui_proxy: Child,
    tap: Tap,
    gui: GuiHost,
    // Dropped last: it removes the queues.
    place: Place,
}

impl Stage {
    fn start() -> Result<Self> {
        let place = Place::new("languages", User::Same)?;
        let gui = GuiHost::start(&place)?;
        let (motes, port) = start_mote(&place)?;
        let eventbus = start_eventbus(&place)?;
        let bridge = start_c_bridge(&place, &port)?;
        let ui_proxy = start_ui_proxy(&place, &gui.url())?;
        ui_proxy.signal(Signal::SIGUSR1)?;
        let tap = Tap::start(&place)?;
        Ok(Self { motes, port, eventbus, bridge, ui_proxy, tap, gui, place })
    }

    /// Lets a person ask for something, and tells how it went.
    fn ask(&mut self, event: Value) -> Result<Vec<String>> {
        let id = self.gui.send(event)?;
        self.gui.outcome(&id)
    }

    fn fresh_status(&self) -> Result<()> {
        let mark = self.gui.mark();
        self.gui.wait_for("a fresh status", mark, |message| message["elements"]["Asn"]["asn"].as_u64())?;
        Ok(())
    }

    fn stop(mut self) -> Result<()> {
        for (name, process) in [("tap.py", &mut self.tap.process), ("serial_bridge", &mut self.bridge), ("eventbus", &mut self.eventbus)] {
            let status = process.stop().context(name)?;
            ensure!(status.success(), "{name} ended with {status}:\n{}", process.log());
        }
        ensure!(self.tap.process.log().is_empty(), "tap.py complained:\n{}", self.tap.process.log());
        ensure!(matches!(glance(&self.tap.queue), Err(QueueError::Missing { .. })), "tap.py left its queue behind");
        self.ui_proxy.stop()?;
        Ok(())
    }
}

/// `tap.py`, seen through what it prints.
struct Tap {
    process: Child,
    queue: String,
}

impl Tap {
    fn start(place: &Place) -> Result<Self> {
        let mut command = python()?;
        command.arg(source("tap.py")).arg(place.instance());
        let process = Child::start("tap.py", command)?;
        let queue = kernel_name(place.instance(), &format!("tap-{}", process.pid()));
        Ok(Self { process, queue })
    }

    fn mark(&self) -> usize {
        self.process.stdout.len()
    }

    /// Waits for a line of this kind, at or behind `from`, in which `find` finds something.
    fn wait_for<T>(&self, kind: &str, from: usize, find: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let found = self.process.stdout.wait_for(&format!("{kind} at the tap"), from, WITHIN, |line| {
            let said: Value = serde_json::from_str(line).ok()?;
            if said["kind"] == kind { find(&said) } else { None }
        });
        found.with_context(|| self.process.log())
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("languages").join(name)
}

/// Python with the one package that it does not bring itself, wherever that is.
fn python() -> Result<Command> {
    let command = || {
        let mut command = Command::new("python3");
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
        command.env("PYTHONPATH", installed).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    let advice = "tests/languages/tap.py needs Python 3 with the package posix_ipc: run scripts/test, which installs both, or \
                  `python3 -m pip install --target target/python --requirement tests/languages/requirements.txt`";
    let output = command().args(["-c", "import posix_ipc"]).output().context(advice)?;
    ensure!(output.status.success(), "{advice}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(command())
}

/// Compiles the C program, complaining about anything; it stops at the first step out of its memory.
fn compile_c_bridge(place: &Place) -> Result<PathBuf> {
    let program = place.path("serial_bridge");
    let mut command = Command::new("cc");
    command.args([
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O2",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "-o",
    ]);
    command.arg(&program).arg(source("serial_bridge.c")).arg("-lrt");
    let output = command.output().context("a C compiler is needed as `cc`: on Debian install gcc and libc6-dev")?;
    ensure!(output.status.success(), "serial_bridge.c does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(program)
}

fn start_c_bridge(place: &Place, port: &Path) -> Result<Child> {
    let mut command = Command::new(compile_c_bridge(place)?);
    // It has nothing from the heap that could leak, and not every container lets a process look for leaks.
    command.arg(place.instance()).arg(port).env("ASAN_OPTIONS", "detect_leaks=0");
    let child = Child::start("serial_bridge", command)?;
    child.stderr.wait_for("`ready`", 0, WITHIN, |line| line.ends_with("ready").then_some(())).with_context(|| child.log())?;
    Ok(child)
}

fn start_mote(place: &Place) -> Result<(Child, PathBuf)> {
    let mut command = place.command("mote-emulator")?;
    command.args(["emulate", "--motes", "1", "--dir"]).arg(place.path("motes")).arg("--log-host").arg(place.path("host-frames.jsonl"));
    let child = Child::start("mote-emulator", command)?;
    let path = |line: &str| Some(line.strip_prefix("port ")?.split_once(' ')?.1.into());
    let port = child.stdout.wait_for("the port", 0, WITHIN, path)?;
    child.stdout.wait_for("`ready`", 0, WITHIN, |line| (line == "ready").then_some(()))?;
    Ok((child, port))
}

#[test]
fn a_mote_behind_the_c_program_is_seen_by_the_gui_and_the_python_script_alike() -> Result<()> {
    let mut stage = Stage::start()?;
    let mote = stage.gui.wait_for_mote("the mote", 0, |mote| mote["mote"] == MOTE && mote["link"] == "up")?;
    assert_eq!((&mote["source"], &mote["dagroot"]), (&json!("serial"), &json!(false)));
    let seen = stage.tap.wait_for("Mote", 0, |said| (said["mote"] == MOTE).then(|| said.clone()))?;
    assert_eq!((&seen["port"], &seen["source"], &seen["baud"]), (&mote["port"], &mote["source"], &json!(115_200)));

    let root = json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": MOTE});
    assert_eq!(stage.ask(root)?, ["accepted", "sent", "confirmed"]);
    stage.gui.wait_for_mote("the mote as root", 0, |mote| mote["mote"] == MOTE && mote["dagroot"] == true)?;
    stage.tap.wait_for("Mote", 0, |said| (said["mote"] == MOTE && said["dagroot"] == true).then_some(()))?;

    for (number, name) in (0..).zip(ELEMENTS) {
        let element = |message: &Value| (message["mote"] == MOTE).then(|| message["elements"].get(name).cloned())?;
        stage.gui.wait_for(&format!("{name} in the GUI"), 0, element)?;
        stage.tap.wait_for("Status", 0, |said| (said["who"]["mote"] == MOTE && said["element"]["number"] == number).then_some(()))?;
    }
    let of_gui = stage.gui.wait_for("the root's identity", 0, |message| {
        let identity = &message["elements"]["IdManager"];
        (identity["isDAGroot"] == true).then(|| identity.clone())
    })?;
    let of_tap = stage.tap.wait_for("Status", 0, |said| {
        let identity = &said["element"]["value"];
        (said["element"]["name"] == "IdManager" && identity["is_dag_root"] == true).then(|| identity.clone())
    })?;
    assert_eq!((&of_gui["my64bID"], &of_gui["myPrefix"]), (&of_tap["eui64"], &of_tap["prefix"]));

    assert_eq!(stage.ask(json!({"type": "ui-event", "event": "reset-mote", "mote": MOTE}))?.last().map(String::as_str), Some("confirmed"));
    let booted = |log: &Value| (log["error"]["name"] == "BOOTED").then(|| log["text"].clone());
    let of_tap = stage.tap.wait_for("Log", 0, booted)?;
    assert_eq!(stage.gui.wait_for("the log of the boot", 0, booted)?, of_tap);
    stage.tap.wait_for("Count", 0, |said| (said["signal"] == "fromMote.status" && said["num"].as_u64()? > 10).then_some(()))?;
    stage.stop()
}

#[test]
fn both_go_on_when_eventbus_restarts() -> Result<()> {
    let mut stage = Stage::start()?;
    stage.tap.wait_for("SnapshotEnd", 0, |_| Some(()))?;
    stage.gui.wait_for_mote("the mote", 0, |mote| mote["mote"] == MOTE && mote["link"] == "up")?;
    let (in_gui, at_tap) = (stage.gui.mark(), stage.tap.mark());
    stage.eventbus.kill();
    stage.eventbus = start_eventbus(&stage.place)?;
    stage.tap.wait_for("SnapshotBegin", at_tap, |_| Some(()))?;
    stage.tap.wait_for("Mote", at_tap, |said| (said["mote"] == MOTE && said["link"] == "up").then_some(()))?;
    stage.gui.wait_for_mote("the mote again", in_gui, |mote| mote["mote"] == MOTE && mote["link"] == "up")?;
    stage.fresh_status()?;
    stage.stop()
}

#[test]
fn the_c_program_takes_its_port_up_again_and_holds_no_more_than_before() -> Result<()> {
    let mut stage = Stage::start()?;
    stage.gui.wait_for_mote("the mote", 0, |mote| mote["mote"] == MOTE && mote["link"] == "up")?;
    let held = descriptors(&stage.bridge)?;
    stage.motes.kill();
    let mark = stage.gui.mark();
    stage.gui.wait_for_mote("the mote, gone", mark, |mote| mote["link"] == "down")?;
    assert_eq!(descriptors(&stage.bridge)?, held - 1);
    stage.motes = start_mote(&stage.place)?.0;
    let mark = stage.gui.mark();
    stage.gui.wait_for_mote("the mote, up again", mark.saturating_sub(1), |mote| mote["mote"] == MOTE && mote["link"] == "up")?;
    stage.fresh_status()?;
    assert_eq!(descriptors(&stage.bridge)?, held);
    stage.stop()
}

#[test]
fn the_c_program_passes_over_what_is_no_message_and_does_none_of_it() -> Result<()> {
    let mut stage = Stage::start()?;
    stage.gui.wait_for_mote("the mote", 0, |mote| mote["mote"] == MOTE && mote["link"] == "up")?;
    stage.tap.wait_for("SnapshotEnd", 0, |_| Some(()))?;
    let queue = PeerQueue::open(&kernel_name(stage.place.instance(), SERIAL_BRIDGE.spec.name))?;
    let good = reset(&stage.port)?;
    let mut spoilt: Vec<Vec<u8>> = (0..good.len()).map(|len| good[..len].to_vec()).collect();
    // Bytes behind the command, a port's name without end, the version before, somebody else's bytes.
    spoilt.push([&good[..], &[0xff]].concat());
    spoilt.push([&good[..NAME_LEN_AT], &[253], &[0xff; 8], &good[NAME_LEN_AT + 1..]].concat());
    spoilt.push([&good[..4], &[1], &good[5..]].concat());
    spoilt.push([b"x", &good[1..]].concat());
    for message in &spoilt {
        send(&queue, message)?;
    }
    // Not the log of the mote's first boot.
    let mark = stage.tap.mark();
    send(&queue, &good)?;
    stage.tap.wait_for("Log", mark, |log| (log["error"]["name"] == "BOOTED").then_some(()))?;
    // Its last words have arrived when it has ended.
    stage.bridge.stop()?;
    let complaints = stage.bridge.stderr.all().iter().filter(|line| line.contains("malformed")).count();
    assert_eq!(complaints, spoilt.len());
    let to_mote = fs::read_to_string(stage.place.path("host-frames.jsonl"))?;
    assert_eq!(to_mote.lines().count(), 1, "{to_mote}");
    stage.stop()
}

/// Where the length of the port's name stands in a command of [`reset`]: behind prefix, envelope, variant and id.
const NAME_LEN_AT: usize = 12;

/// A command that resets the mote on `port`, in its first opening.
fn reset(port: &Path) -> Result<Vec<u8>> {
    let envelope = Envelope { sender: Sender::Eventbus, boot: BootId(1), seq: 0, sent: Mono(0) };
    let port = PortName(port.display().to_string());
    let payload = HostFrame::Reset.emit()?;
    let frame = FrameToMote { id: WriteId(1), port, generation: Generation(1), deadline: Mono(u64::MAX), payload };
    let message = codec::encode(&envelope, &SerialCommand::Write(frame.clone()))?;
    ensure!(usize::from(message[NAME_LEN_AT]) == frame.port.0.len(), "the name is not where it is thought to be");
    Ok(message)
}

/// Descriptors that a process has open.
fn descriptors(process: &Child) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{}/fd", process.pid()))?.count())
}

fn send(queue: &PeerQueue, message: &[u8]) -> Result<()> {
    while let Err(error) = queue.send(message) {
        ensure!(error.kind() == std::io::ErrorKind::WouldBlock, "{error}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
