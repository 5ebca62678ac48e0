//! What a person at the router's console sees of the whole stack, and does to it: the real `mq-inspect` and emulated motes.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lbr_tests::stack::{Motes, Place, Router, User, binary};
use serde_json::{Value, json};

/// Motes need a while to join; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

const ROOT: &str = "141592cc00000001";

struct Stage {
    router: Router,
    // Dropped last: it removes the queues.
    place: Place,
}

impl Stage {
    fn start(purpose: &str, motes: &Motes) -> Result<Self> {
        let place = Place::new(purpose, User::Same)?;
        // Nobody wakes `ui-proxy`.
        let router = Router::start(&place, motes, "ws://localhost:9/lbr")?;
        Ok(Self { router, place })
    }

    fn inspect(&self, line: &str) -> Result<Output> {
        let mut command = self.place.command("mq-inspect")?;
        Ok(command.args(line.split(' ')).args(["--instance", self.place.instance()]).stdin(Stdio::null()).output()?)
    }

    /// Its exit code, and what it said on both streams.
    fn said(&self, line: &str) -> Result<(Option<i32>, String)> {
        let output = self.inspect(line)?;
        let text = String::from_utf8([output.stdout, output.stderr].concat())?;
        Ok((output.status.code(), text))
    }

    fn json(&self, line: &str) -> Result<Value> {
        let output = self.inspect(&format!("{line} --json"))?;
        serde_json::from_slice(&output.stdout).with_context(|| format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Looks again and again until all motes are as they should be.
    fn wait_for_motes(&self, what: &str, fits: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let told = self.json("motes").ok().and_then(|told| told["motes"].as_array().cloned()).unwrap_or_default();
            if fits(&told) {
                return Ok(told);
            }
            ensure!(Instant::now() < until, "in vain: {what}: {}", json!(told));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn wait_for_names(&self, number: usize) -> Result<Vec<Value>> {
        let is_named = |mote: &Value| mote["mote"].is_string() && mote["dagroot"].is_boolean();
        self.wait_for_motes("motes with names and roles", |motes| motes.len() == number && motes.iter().all(is_named))
    }
}

#[test]
fn a_person_makes_a_root_and_sees_the_mesh_form() -> Result<()> {
    let stage = Stage::start("inspect-mesh", &Motes::Mesh { cabled: 2, cableless: 1 })?;
    stage.wait_for_names(2)?;
    let (code, said) = stage.said("send set-dagroot 0001 on")?;
    let steps = ["accepted", "sent", "confirmed (the mote reports that it is DAG root)"].map(|step| format!("set-dagroot 0001: {step}\n"));
    assert_eq!((code, said), (Some(0), steps.concat()));
    let root = stage.json("show 0001")?;
    assert_eq!((&root["mote"], &root["dagroot"]), (&json!(ROOT), &json!(true)));

    let has_parent = |mote: &Value| mote["summary"]["value"]["parent"]["mote"] == ROOT;
    let is_far = |mote: &Value| mote["source"] == "dao" && mote["dag"]["hops"].is_u64();
    let motes = stage.wait_for_motes("a mote with a parent, and one without a cable", |motes| {
        motes.iter().any(has_parent) && motes.iter().any(is_far)
    })?;
    assert_eq!(motes.len(), 3);
    let (code, table) = stage.said("motes")?;
    assert_eq!((code, table.lines().count()), (Some(0), 4), "{table}");
    assert!(table.lines().nth(1).is_some_and(|line| line.starts_with(ROOT) && line.contains("  up    root   256")), "{table}");
    assert!(table.lines().nth(3).is_some_and(|line| line.starts_with("141592cc00000003  -  ")), "{table}");
    let (code, neighbors) = stage.said("show mote2 neighbors")?;
    assert!(code == Some(0) && neighbors.contains(ROOT) && neighbors.contains("parent"), "{neighbors}");
    let (code, schedule) = stage.said("show 141592cc00000002 schedule")?;
    assert!(code == Some(0) && schedule.contains("TXRX shared"), "{schedule}");
    let (_, far) = stage.said("show 0003")?;
    assert!(far.contains("known through the mesh") && far.contains("DODAG"), "{far}");
    stage.router.stop()
}

#[test]
fn the_outcome_of_a_command_is_its_exit_code() -> Result<()> {
    let stage = Stage::start("inspect-send", &Motes::Emulated(1))?;
    stage.wait_for_names(1)?;
    let (code, said) = stage.said("send echo-mote 0001 --count 3 --size 20")?;
    assert!(code == Some(0) && said.contains("echo-mote 0001: confirmed (sent 3, ok 3,"), "{code:?} {said}");
    let (code, said) = stage.said("send reset-mote mote1")?;
    assert!(code == Some(0) && said.ends_with("confirmed (the mote has booted)\n"), "{code:?} {said}");
    for (line, expected, words) in [
        ("send reset-mote 141592cc00000009", 3, "refused (unknown-mote: nothing is known of 141592cc00000009)"),
        ("send reset-mote /dev/nowhere", 3, "refused (unknown-mote: nothing is known of /dev/nowhere)"),
        ("send reset-mote 0009", 3, "is no mote that is known"),
        ("send set-dagroot 0001 maybe", 2, "on, off"),
    ] {
        let (code, said) = stage.said(line)?;
        assert!(code == Some(expected) && said.contains(words), "{line}: {code:?} {said}");
    }
    stage.router.stop()
}

#[test]
fn all_processes_and_ports_are_counted() -> Result<()> {
    let mut stage = Stage::start("inspect-stats", &Motes::Emulated(2))?;
    stage.wait_for_names(2)?;
    let pids: Vec<u32> = stage.router.processes().map(|(_, process)| process.pid()).into();
    let told = stage.json("stats")?;
    let processes = told["processes"].as_array().context("processes")?;
    let seen: Vec<_> = processes.iter().map(|process| (process["standing"].as_str(), process["pid"].as_u64())).collect();
    assert_eq!(seen, pids.iter().map(|pid| (Some("told"), Some(u64::from(*pid)))).collect::<Vec<_>>());
    assert_eq!(told["ports"].as_array().map(Vec::len), Some(2));
    assert!(told["ports"][0]["counters"]["rx_frames"].as_u64() > Some(0), "{told}");

    let told = stage.json("top --count 1 --interval 2")?;
    let frames: Vec<_> = told["ports"].as_array().into_iter().flatten().filter_map(|port| port["frames_in"].as_f64()).collect();
    // A mote reports ten times a second.
    assert!(frames.len() == 2 && frames.iter().all(|rate| (5.0..30.0).contains(rate)), "{told}");
    assert!(told["ports"][0]["status"].as_f64() > Some(5.0), "{told}");
    let (code, block) = stage.said("top --count 1 --interval 1")?;
    assert!(code == Some(0) && block.contains("eventbus ") && block.contains("mote2"), "{block}");
    stage.router.stop()
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() -> Result<()> {
    let stage = Stage::start("inspect-head", &Motes::Emulated(1))?;
    stage.wait_for_names(1)?;
    for task in ["motes", "motes --watch --interval 1", "show 0001", "stats", "top --interval 1"] {
        let script = format!("{{ \"$0\" {task} --instance \"$1\"; echo \"$?\" >&2; }} | head -1");
        let output = Command::new("sh").args(["-c", &script]).arg(binary("mq-inspect")?).arg(stage.place.instance()).output()?;
        assert_eq!(String::from_utf8(output.stderr)?, "0\n", "{task}");
        assert_eq!(String::from_utf8(output.stdout)?.lines().count(), 1, "{task}");
    }
    stage.router.stop()
}
