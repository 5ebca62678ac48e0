//! The main job, end to end: recorded motes on ptys, three unprivileged processes, a GUI host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lbr_tests::demo::ELEMENTS;
use lbr_tests::recording;
use lbr_tests::stack::{GuiHost, Motes, Place, Router, User};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

struct Stage {
    router: Router,
    gui: GuiHost,
    // Dropped last: it removes the queues.
    _place: Place,
}

impl Stage {
    fn start(motes: &Motes) -> Result<Self> {
        let place = Place::new("main-job", User::Unprivileged)?;
        let gui = GuiHost::start(&place)?;
        let router = Router::start(&place, motes, &gui.url())?;
        router.ui_proxy.signal(Signal::SIGUSR1)?;
        Ok(Self { router, gui, _place: place })
    }

    fn replay(name: &str, speed: f64) -> Result<Self> {
        Self::start(&Motes::Replayed { file: recorded(name), speed })
    }

    /// Waits until the whole recording has been played, and the GUI host has the last of its counts.
    fn play_to_the_end(&self, expected: &BTreeMap<String, u64>) -> Result<BTreeMap<String, u64>> {
        let motes = self.router.motes.as_ref().context("motes are played")?;
        motes.stdout.wait_for("`done`", 0, std::time::Duration::from_mins(5), |line| line.starts_with("done").then_some(()))?;
        let mut counts = Counts::default();
        let result = self.gui.wait_for("the expected counts", 0, |message| {
            counts.take(message);
            (counts.by_signal(expected) == *expected).then_some(())
        });
        let seen = counts.by_signal(expected);
        result.with_context(|| format!("expected {expected:?}, got {seen:?}"))?;
        Ok(seen)
    }
}

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/{name}.jsonl.gz"))
}

/// The newest value of every counter.
#[derive(Default)]
struct Counts(BTreeMap<(String, String), u64>);

impl Counts {
    fn take(&mut self, message: &Value) {
        for count in message["counts"].as_array().into_iter().flatten() {
            let text = |key: &str| count[key].as_str().unwrap_or_default().to_owned();
            self.0.insert((text("sender"), text("signal")), count["num"].as_u64().unwrap_or(0));
        }
    }

    /// Sums over the ports, of the signals that are asked for.
    fn by_signal(&self, wanted: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let mut sums: BTreeMap<String, u64> = wanted.keys().map(|signal| (signal.clone(), 0)).collect();
        for ((_, signal), num) in &self.0 {
            if let Some(sum) = sums.get_mut(signal) {
                *sum += num;
            }
        }
        sums
    }
}

/// What the counters must be at the end, by the oracle's judgement of every frame.
fn expected_counts(name: &str) -> Result<BTreeMap<String, u64>> {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/{name}.oracle.jsonl.gz"));
    let kinds = recording::kinds(&oracle)?;
    let of = |kind: &str| kinds.get(kind).copied().unwrap_or(0);
    let severities = ["verbose", "info", "success", "warning", "error", "critical", "printf"];
    let mut expected: BTreeMap<String, u64> = severities.iter().map(|kind| (format!("fromMote.log.{kind}"), of(kind))).collect();
    expected.insert("fromMote.error".to_owned(), severities.iter().map(|kind| of(kind)).sum());
    expected.insert("fromMote.status".to_owned(), of("status"));
    expected.insert("fromMote.data".to_owned(), of("data"));
    expected.insert("fromMote.invalid.bad-crc".to_owned(), of("invalid"));
    for reason in ["too-short", "too-long", "escape-at-end"] {
        expected.insert(format!("fromMote.invalid.{reason}"), 0);
    }
    expected.insert("fromMote.lost".to_owned(), 0);
    Ok(expected)
}

#[test]
fn a_recorded_mote_arrives_in_the_gui_host_and_every_frame_is_counted_once() -> Result<()> {
    let stage = Stage::replay("A", 10.0)?;
    let hello = stage.gui.wait_for_type("hello", 0)?;
    assert_eq!(hello["v"], json!([1]));
    let mote = stage.gui.wait_for_mote("the mote", 0, |mote| mote["mote"] == "141592cc00000001")?;
    assert_eq!((&mote["source"], &mote["id16"]), (&json!("serial"), &json!("0001")));
    stage.play_to_the_end(&expected_counts("A")?)?;
    let messages = stage.gui.messages();
    let mut elements: BTreeSet<&str> = messages
        .iter()
        .filter(|message| message["type"] == "mote-status" && message["mote"] == "141592cc00000001")
        .flat_map(|message| message["elements"].as_object().into_iter().flatten())
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(elements.remove("Summary"), "what the elements come to is told beside them");
    assert_eq!(elements, ELEMENTS.into());
    let logs: Vec<_> = messages.iter().filter(|message| message["type"] == "mote-log").collect();
    assert!(logs.iter().any(|log| log["error"]["name"] == "BOOTED" || log["severity"] == "error"), "{logs:?}");
    let sequence: Vec<u64> = messages.iter().filter_map(|message| message["seq"].as_u64()).collect();
    assert!(sequence.windows(2).all(|pair| pair[1] == pair[0] + 1), "no message of the link is missing");
    stage.router.stop()
}

#[test]
fn frames_with_a_wrong_crc_are_counted_as_invalid_and_cost_nothing_else() -> Result<()> {
    let stage = Stage::replay("D", 20.0)?;
    stage.play_to_the_end(&expected_counts("D")?)?;
    stage.router.stop()
}

#[test]
fn two_toggles_back_to_back_both_get_their_outcome_in_order() -> Result<()> {
    let mut stage = Stage::start(&Motes::Emulated(1))?;
    let mote = stage.gui.wait_for_mote("a mote that has told its role", 0, |mote| mote["dagroot"].is_boolean())?;
    let toggle = json!({"type": "ui-event", "event": "toggle-dagroot", "mote": mote["mote"]});
    let first = stage.gui.send(toggle.clone())?;
    let second = stage.gui.send(toggle)?;
    assert_eq!(stage.gui.outcome(&first)?, ["accepted", "sent", "confirmed"]);
    assert_eq!(stage.gui.outcome(&second)?, ["accepted", "sent", "confirmed"]);
    let ends: Vec<_> =
        stage.gui.messages().into_iter().filter(|message| message["state"] == "confirmed").map(|message| message["id"].clone()).collect();
    assert_eq!(ends, [json!(first), json!(second)]);
    stage.router.stop()
}

#[test]
fn the_motes_own_report_shows_the_new_role() -> Result<()> {
    let mut stage = Stage::start(&Motes::Emulated(2))?;
    let mote = stage.gui.wait_for_mote("a mote that is no root", 0, |mote| mote["dagroot"] == false)?;
    let id = stage.gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": mote["mote"]}))?;
    assert_eq!(stage.gui.outcome(&id)?.last().map(String::as_str), Some("confirmed"));
    stage.gui.wait_for_mote("the mote as root", 0, |entry| entry["mote"] == mote["mote"] && entry["dagroot"] == true)?;
    stage.router.stop()
}
