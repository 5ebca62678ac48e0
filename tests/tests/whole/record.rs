//! What crosses the serial lines of a running router, recorded, and recordings played to a router.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use lbr_tests::recording::data;
use lbr_tests::stack::router::{start_eventbus, start_serial_bridge};
use lbr_tests::stack::{Child, Place, User};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

/// Flow control, which the kernel takes; in data it is escaped.
const FLOW_CONTROL: [u8; 2] = [0x11, 0x13];

/// A router whose ports come as they are made.
struct Stage {
    serial_bridge: Child,
    eventbus: Child,
    place: Place,
}

impl Stage {
    fn start(purpose: &str) -> Result<Self> {
        let place = Place::new(purpose, User::Same)?;
        let eventbus = start_eventbus(&place)?;
        let serial_bridge = start_serial_bridge(&place, &[place.path("ports").join("*")])?;
        Ok(Self { serial_bridge, eventbus, place })
    }

    /// A recorder, which is told everything from now on.
    fn record(&self, file: &Path, options: &[&str]) -> Result<Child> {
        let from = self.eventbus.stderr.len();
        let mut command = self.place.command("mq-inspect")?;
        command.args(["record", "--instance", self.place.instance()]).args(options).arg(file);
        let recorder = Child::start("mq-inspect record", command)?;
        self.eventbus.stderr.wait_for("a subscription", from, WITHIN, |line| line.contains("subscribes").then_some(()))?;
        Ok(recorder)
    }

    fn replay(&self, recording: &str, options: &[&str]) -> Result<Child> {
        let mut command = self.place.command("mq-inspect")?;
        command.arg("replay").arg(data(recording)).arg("--link").arg(self.place.path("ports")).args(options);
        Child::start("mq-inspect replay", command)
    }

    fn inspect(&self, args: &[&str]) -> Result<Output> {
        Ok(self.place.command("mq-inspect")?.args(args).output()?)
    }

    fn decode(&self, file: &Path, options: &[&str]) -> Result<Vec<Value>> {
        let output = self.inspect(&[&["decode", "--json", file.to_str().context("a path of text")?], options].concat())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    fn stop(mut self) -> Result<()> {
        ensure!(self.serial_bridge.stop()?.success() && self.eventbus.stop()?.success());
        Ok(())
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + WITHIN;
    while !is_so()? {
        ensure!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The name that a recording has for a port that a link stands for.
fn short(port: &str) -> String {
    port.rsplit('/').next().unwrap_or(port).to_owned()
}

/// The frames of each port: what they are, and their bytes. Times are the player's, and an echo is one by what the host had sent.
fn by_port(frames: &[Value]) -> BTreeMap<String, Vec<[Value; 4]>> {
    let mut ports: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for frame in frames {
        let what = ["kind", "element", "text", "frame_hex"].map(|field| frame[field].clone());
        ports.entry(short(frame["port"].as_str().unwrap_or_default())).or_default().push(what);
    }
    ports
}

fn lines(file: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(file)?;
    // The last one may be on its way.
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}

/// Bytes of motes in a plain recording, and those that are said to be missing.
fn heard(file: &Path) -> Result<(u64, u64)> {
    let (mut bytes, mut lost) = (0, 0);
    for line in lines(file)?.iter().filter(|line| line["dir"] == "rx") {
        bytes += line["hex"].as_str().context("hex")?.len() as u64 / 2;
        lost += line["lost"].as_u64().unwrap_or(0);
    }
    Ok((bytes, lost))
}

#[test]
fn a_recording_of_a_replayed_mesh_decodes_as_the_original_does() -> Result<()> {
    let stage = Stage::start("record")?;
    let file = stage.place.path("mesh.jsonl.gz");
    let mut recorder = stage.record(&file, &[])?;
    let mut command = stage.place.command("mote-emulator")?;
    command.arg("replay").arg(data("B.jsonl.gz")).args(["--speed", "100"]).arg("--dir").arg(stage.place.path("ports"));
    let emulator = Child::start("mote-emulator", command)?;
    emulator.stdout.wait_for("`done`", 0, WITHIN, |line| line.starts_with("done ").then_some(()))?;
    let original = by_port(&stage.decode(&data("B.jsonl.gz"), &[])?);
    // What is packed is on its way until the file has its end.
    std::thread::sleep(Duration::from_secs(1));
    recorder.signal(Signal::SIGINT)?;
    ensure!(recorder.wait(WITHIN)?.success(), "{}", recorder.log());
    assert!(recorder.log().contains(" bytes of 5 ports in ") && recorder.log().contains("nothing is missing"), "{}", recorder.log());
    let recorded = by_port(&stage.decode(&file, &[])?);
    for (port, frames) in &original {
        let again = recorded.get(port).with_context(|| format!("{port} was not recorded"))?;
        let first = frames.iter().zip(again).position(|(one, other)| one != other);
        assert_eq!((again.len(), first), (frames.len(), None), "{port}");
    }
    assert_eq!(recorded.len(), original.len());
    stage.stop()
}

#[test]
fn what_the_host_says_is_recorded_too() -> Result<()> {
    let stage = Stage::start("both-ways")?;
    let file = stage.place.path("both.jsonl");
    let mut recorder = stage.record(&file, &[])?;
    let mut command = stage.place.command("mote-emulator")?;
    command.args(["emulate", "--motes", "1"]).arg("--dir").arg(stage.place.path("ports"));
    let _emulator = Child::start("mote-emulator", command)?;
    wait_until("the mote's first words", || Ok(file.exists() && heard(&file)?.0 > 500))?;
    for command in [&["set-dagroot", "0001", "on"][..], &["echo-mote", "0001", "--count", "3", "--size", "100"]] {
        let sent = stage.inspect(&[&["send", "--instance", stage.place.instance()], command].concat())?;
        ensure!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
    recorder.signal(Signal::SIGINT)?;
    ensure!(recorder.wait(WITHIN)?.success(), "{}", recorder.log());
    let frames = stage.decode(&file, &["--dir", "both"])?;
    let count =
        |dir: &str, is_wanted: &dyn Fn(&Value) -> bool| frames.iter().filter(|frame| frame["dir"] == dir && is_wanted(frame)).count();
    assert!(count("tx", &|frame| frame["kind"] == "set-root") >= 1, "{frames:#?}");
    assert_eq!(count("tx", &|frame| frame["kind"] == "echo"), 3);
    // Each is told as the answer to one that was sent: the order of both directions is right.
    assert_eq!(count("rx", &|frame| frame["echo"] == true), 3);
    assert_eq!(count("rx", &|frame| frame["kind"] == "invalid"), 0);
    stage.stop()
}

#[test]
fn a_recording_goes_on_when_eventbus_is_killed_and_says_what_is_missing() -> Result<()> {
    let mut stage = Stage::start("gap")?;
    let file = stage.place.path("a.jsonl");
    let mut recorder = stage.record(&file, &[])?;
    let mut player = stage.replay("A.jsonl.gz", &["--speed", "12", "--port", "mote1"])?;
    wait_until("the first bytes", || Ok(file.exists() && heard(&file)?.0 > 5_000))?;
    stage.eventbus.kill();
    std::thread::sleep(Duration::from_secs(1));
    stage.eventbus = start_eventbus(&stage.place)?;
    let before = heard(&file)?.0;
    wait_until("the recording to go on", || Ok(heard(&file)?.1 > 0))?;
    ensure!(player.wait(WITHIN)?.success(), "{}", player.log());
    let said: u64 =
        player.log().lines().find_map(|line| line.split_once(" bytes said")?.0.rsplit(' ').next()?.parse().ok()).context("totals")?;
    recorder.signal(Signal::SIGTERM)?;
    ensure!(recorder.wait(WITHIN)?.success(), "{}", recorder.log());
    let (bytes, lost) = heard(&file)?;
    let flow_control = lbr_tests::recording::Recording::load(&data("A.jsonl.gz"))?.ports[0]
        .from_mote
        .iter()
        .flat_map(|chunk| &chunk.bytes)
        .filter(|byte| FLOW_CONTROL.contains(byte))
        .count() as u64;
    assert_eq!(bytes + lost + flow_control, said, "{lost} are missing");
    assert!(bytes > before && recorder.log().contains(&format!("{lost} bytes are missing in 1 places")), "{}", recorder.log());
    // The line of the gap is a line for every reader, and the frames around it are whole but for two.
    let invalid = stage.decode(&file, &[])?.iter().filter(|frame| frame["kind"] == "invalid").count();
    assert!(invalid <= 2, "{invalid}");
    stage.stop()
}

#[test]
fn a_bound_is_held_a_file_is_spared_and_nobody_is_asked_when_it_is_over() -> Result<()> {
    let stage = Stage::start("bound")?;
    let file = stage.place.path("bounded.jsonl");
    let mut recorder = stage.record(&file, &["--max-bytes", "20000", "--port", "mote1"])?;
    let player = stage.replay("A.jsonl.gz", &["--speed", "20", "--loop"])?;
    ensure!(recorder.wait(WITHIN)?.success(), "{}", recorder.log());
    assert!(recorder.log().contains("--max-bytes 20000"), "{}", recorder.log());
    let length = std::fs::metadata(&file)?.len();
    assert!((18_000..=20_000).contains(&length), "{length}");
    let path = file.to_str().context("text")?;
    let again = stage.inspect(&["record", "--instance", stage.place.instance(), path])?;
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("is there already"));
    assert_eq!(std::fs::metadata(&file)?.len(), length);
    // The mote goes on, but its bytes go nowhere any more: a tap that asks for everything gets none of them.
    let tapped = stage.inspect(&["tap", "--instance", stage.place.instance(), "--json", "--for", "2"])?;
    let told = String::from_utf8(tapped.stdout)?;
    assert!(told.contains(r#""status""#) && !told.contains(r#""bytes":{"#));
    let named = stage.inspect(&["tap", "--instance", stage.place.instance(), "--topic", "bytes", "--json", "--count", "3"])?;
    assert_eq!(String::from_utf8(named.stdout)?.matches(r#""bytes":{"#).count(), 3);
    drop(player);
    stage.stop()
}

#[test]
fn a_recording_goes_through_a_pipe_and_its_reader_may_leave() -> Result<()> {
    let stage = Stage::start("pipe")?;
    let mut recorder = stage.record(&PathBuf::from("-"), &["--mote", "0001"])?;
    let mut player = stage.replay("A.jsonl.gz", &["--speed", "20", "--loop"])?;
    let line = recorder.stdout.wait_for("a line", 0, WITHIN, |line| Some(line.to_owned()))?;
    let line: Value = serde_json::from_str(&line)?;
    assert_eq!((short(line["port"].as_str().context("a port")?).as_str(), &line["dir"]), ("mote1", &Value::from("rx")));
    ensure!(!HEXLOWER.decode(line["hex"].as_str().context("hex")?.as_bytes())?.is_empty());
    ensure!(recorder.stop()?.success(), "{}", recorder.log());
    ensure!(player.stop()?.success(), "{}", player.log());
    let instance = stage.place.instance().to_owned();
    let program = stage.place.command("mq-inspect")?.get_program().to_string_lossy().into_owned();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{program} record --instance {instance} - | head -n 2")]);
    let from = stage.eventbus.stderr.len();
    let mut head = Child::start("record | head", shell)?;
    stage.eventbus.stderr.wait_for("a subscription", from, WITHIN, |line| line.contains("subscribes").then_some(()))?;
    let player = stage.replay("A.jsonl.gz", &["--speed", "20", "--loop"])?;
    ensure!(head.wait(WITHIN)?.success());
    assert_eq!(head.stdout.len(), 2);
    drop(player);
    stage.stop()
}

/// What is compared of a mote's final state: values that every recorded mote has told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Final {
    asn: u64,
    joined: u64,
    rank: u64,
    is_root: bool,
    is_sync: bool,
    sync_packets: u64,
    neighbors: usize,
    cells: usize,
}

/// As `decode --state` has it.
fn decoded(state: &Value) -> Result<Final> {
    let hex = |element: &str, field: &str| -> Result<u64> {
        let text = state[element][0][field].as_str().with_context(|| format!("{element} {field}"))?;
        Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
    };
    let number = |element: &str, field: &str| state[element][0][field].as_u64().with_context(|| format!("{element} {field}"));
    let rows = |element: &str| state[element].as_array().cloned().unwrap_or_default();
    Ok(Final {
        asn: hex("Asn", "asn")?,
        joined: hex("Joined", "joinedAsn")?,
        rank: number("MyDagRank", "myDAGrank")?,
        is_root: number("IdManager", "isDAGroot")? == 1,
        is_sync: number("IsSync", "isSync")? == 1,
        sync_packets: number("MacStats", "numSyncPkt")?,
        neighbors: rows("Neighbors").iter().filter(|row| row["used"] == 1).count(),
        cells: rows("Schedule").iter().filter(|row| !row["type"].as_str().is_some_and(|kind| kind.contains("OFF"))).count(),
    })
}

/// As a tap is told.
fn told(reports: &[Value]) -> Final {
    let mut state = Final::default();
    for element in reports.iter().map(|report| &report["element"]) {
        let Some((kind, value)) = element.as_object().and_then(|element| element.iter().next()) else { continue };
        let number = |field: &str| value[field].as_u64().unwrap_or_default();
        match kind.as_str() {
            "Asn" => state.asn = value.as_u64().unwrap_or_default(),
            "Joined" => state.joined = value.as_u64().unwrap_or_default(),
            "MyDagRank" => state.rank = number("rank"),
            "IdManager" => state.is_root = value["is_dag_root"] == true,
            "IsSync" => state.is_sync = value["isSync"] == true,
            "MacStats" => state.sync_packets = number("num_sync_pkt"),
            "NeighborsRow" => state.neighbors += usize::from(value["used"] == true),
            "ScheduleRow" => state.cells += usize::from(number("cell_type") != 0),
            _another => {}
        }
    }
    state
}

#[test]
fn a_router_that_hears_a_replay_ends_in_the_state_that_decode_shows() -> Result<()> {
    let stage = Stage::start("replay")?;
    let documents = stage.decode(&data("B.jsonl.gz"), &["--state"])?;
    let motes = documents[0]["motes"].as_object().context("motes")?;
    let expected: BTreeMap<String, Final> = motes
        .values()
        .map(|mote| Ok((mote["mote"].as_str().context("named")?.to_owned(), decoded(&mote["state"])?)))
        .collect::<Result<_>>()?;
    assert_eq!(expected.len(), 5);
    let mut player = stage.replay("B.jsonl.gz", &["--speed", "100", "--stay"])?;
    player.stderr.wait_for("the end", 0, WITHIN, |line| line.contains("bytes said in").then_some(()))?;
    assert!(!player.log().contains("nobody was there"), "{}", player.log());
    wait_until("the last frames", || {
        let tapped = stage.inspect(&["tap", "--instance", stage.place.instance(), "--topic", "status", "--json", "--for", "1"])?;
        let mut reports: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in String::from_utf8(tapped.stdout)?.lines() {
            let report = &serde_json::from_str::<Value>(line)?["notification"]["status"];
            if let Some(mote) = report["who"]["mote"].as_str() {
                reports.entry(mote.to_owned()).or_default().push(report.clone());
            }
        }
        Ok(reports.into_iter().map(|(mote, reports)| (mote, told(&reports))).collect::<BTreeMap<_, _>>() == expected)
    })?;
    assert_eq!(player.stdout.len(), 5);
    ensure!(player.stop()?.success());
    assert!(!stage.place.path("ports").join("mote1").exists());
    stage.stop()
}
