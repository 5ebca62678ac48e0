//! Cables are pulled and put back, and the GUI sees it within its bounds, however often.
//!
//! `LBR_REPLUGS` makes the short run long; the figures are printed.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lbr_tests::stack::{GuiHost, Motes, Place, Router, User};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Cycles of an ordinary run.
const FEW: usize = 12;

/// Growth that is no leak: buffers reach their full size within the first cycles.
const SETTLED_AFTER: usize = 4;

struct Stage {
    router: Router,
    gui: GuiHost,
    _place: Place,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holdings {
    descriptors: usize,
    rss_kib: u64,
}

impl Stage {
    fn start() -> Result<Self> {
        let place = Place::new("replug", User::Unprivileged)?;
        let gui = GuiHost::start(&place)?;
        let router = Router::start(&place, &Motes::Emulated(2), &gui.url())?;
        router.ui_proxy.signal(Signal::SIGUSR1)?;
        gui.wait_for_mote("the first mote", 0, |mote| mote["mote"] == "141592cc00000001" && mote["link"] == "up")?;
        gui.wait_for_mote("the second mote", 0, |mote| mote["mote"] == "141592cc00000002" && mote["link"] == "up")?;
        Ok(Self { router, gui, _place: place })
    }

    /// Tells the emulator, and waits until the GUI shows the link so. How long that took.
    fn order(&mut self, words: &str, link: &str) -> Result<Duration> {
        let mark = self.gui.mark();
        let motes = self.router.motes.as_mut().context("motes are emulated")?;
        let told = Instant::now();
        motes.say(words)?;
        self.gui.wait_for_mote(&format!("`{link}` after `{words}`"), mark, |mote| is_first(mote) && mote["link"] == link)?;
        Ok(told.elapsed())
    }

    fn holdings(&mut self) -> Result<Vec<(&'static str, Holdings)>> {
        let mut all = Vec::new();
        for (name, process) in self.router.processes() {
            let directory = format!("/proc/{}", process.pid());
            let status = fs::read_to_string(format!("{directory}/status"))?;
            let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a size")?;
            let rss_kib = rss.trim().trim_end_matches(" kB").parse()?;
            all.push((name, Holdings { descriptors: fs::read_dir(format!("{directory}/fd"))?.count(), rss_kib }));
        }
        Ok(all)
    }
}

fn is_first(mote: &Value) -> bool {
    mote["mote"] == "141592cc00000001"
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what}: p50 {:?}, p99 {:?}, most {:?} of {}", at(50), at(99), at(100), times.len());
}

#[test]
fn a_port_comes_back_every_time_and_nothing_grows() -> Result<()> {
    let cycles = std::env::var("LBR_REPLUGS").map_or(Ok(FEW), |number| number.parse())?;
    let mut stage = Stage::start()?;
    let (mut down, mut up, mut before) = (Vec::new(), Vec::new(), Vec::new());
    for cycle in 0..cycles {
        if cycle == SETTLED_AFTER {
            before = stage.holdings()?;
        }
        down.push(stage.order("unplug 1", "down")?);
        up.push(stage.order("replug 1", "up")?);
    }
    let after = stage.holdings()?;
    show("unplugged to `down` in the GUI", &mut down);
    show("plugged in to `up` in the GUI", &mut up);
    for ((name, before), (_, after)) in before.into_iter().zip(after) {
        println!("{name}: {before:?}, then {after:?}");
        assert_eq!(before.descriptors, after.descriptors, "{name}");
        assert!(after.rss_kib < before.rss_kib + 1024, "{name}: {before:?}, then {after:?}");
    }
    let mote = stage.gui.wait_for_mote("the other mote", 0, |mote| mote["mote"] == "141592cc00000002")?;
    assert_eq!(mote["link"], "up", "the other port is none of it");
    stage.router.stop()
}

#[test]
fn a_mote_that_comes_back_under_another_name_is_the_same_mote() -> Result<()> {
    let place = Place::new("replug", User::Unprivileged)?;
    let gui = GuiHost::start(&place)?;
    let mut router = Router::start(&place, &Motes::Emulated(1), &gui.url())?;
    // A pattern finds what appears later.
    router.serial_bridge.stop()?;
    let pattern = place.path("motes").join("mote*");
    router.serial_bridge = lbr_tests::stack::router::start_serial_bridge(&place, &[pattern])?;
    router.ui_proxy.signal(Signal::SIGUSR1)?;
    gui.wait_for_mote("the mote", 0, |mote| is_first(mote) && mote["link"] == "up")?;
    let motes = router.motes.as_mut().context("motes are emulated")?;
    motes.say("unplug 1")?;
    gui.wait_for_mote("it is gone", 0, |mote| is_first(mote) && mote["link"] == "down")?;
    let motes = router.motes.as_mut().context("motes are emulated")?;
    motes.say("replug 1 mote7")?;
    let back =
        gui.wait_for_mote("it is back", 0, |mote| is_first(mote) && mote["port"].as_str().is_some_and(|port| port.ends_with("mote7")))?;
    assert_eq!(back["link"], "up");
    router.stop()
}
