//! The demonstration: a whole stack, and what a person would look for in it.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::stack::sshd::Sshd;
use crate::stack::{GuiHost, Motes, Place, Router, User};

/// How the GUI host and the router come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `ui-proxy` dials the GUI host on this machine, after a signal.
    Direct,
    /// Through a reverse tunnel, which the GUI host makes, and a signal through SSH.
    Ssh,
}

/// The names of the thirteen elements, as the GUI host sees them.
pub const ELEMENTS: [&str; 13] = [
    "IsSync",
    "IdManager",
    "MyDagRank",
    "OutputBuffer",
    "Asn",
    "MacStats",
    "Schedule",
    "Backoff",
    "Queue",
    "Neighbors",
    "kaPeriod",
    "Joined",
    "MSF",
];

/// A running demonstration.
#[derive(Debug)]
pub struct Demo {
    // Dropped in this order: whoever depends on another one first.
    router: Router,
    gui: GuiHost,
    _sshd: Option<Sshd>,
    started: Instant,
    _place: Place,
}

impl Demo {
    /// Starts everything, up to the wake-up.
    pub fn start(motes: &Motes, way: Way) -> Result<Self> {
        let place = Place::new("demo", User::Same)?;
        match way {
            Way::Direct => Self::start_directly(place, motes),
            Way::Ssh => Self::start_through_ssh(place, motes),
        }
    }

    fn start_directly(place: Place, motes: &Motes) -> Result<Self> {
        let gui = GuiHost::start(&place)?;
        let started = Instant::now();
        let router = Router::start(&place, motes, &gui.url())?;
        router.ui_proxy.signal(Signal::SIGUSR1)?;
        Ok(Self { router, gui, _sshd: None, started, _place: place })
    }

    fn start_through_ssh(place: Place, motes: &Motes) -> Result<Self> {
        let sshd = Sshd::start(&place)?;
        let port = crate::stack::free_port()?;
        let started = Instant::now();
        let router = Router::start(&place, motes, &format!("ws://localhost:{port}/lbr"))?;
        let gui = GuiHost::through(&place, &sshd, port, router.ui_proxy.pid())?;
        Ok(Self { router, gui, _sshd: Some(sshd), started, _place: place })
    }

    /// Where the page is, with its token.
    pub fn page(&self) -> &str {
        &self.gui.page
    }

    /// Is every process still there?
    pub fn check(&mut self) -> Result<()> {
        for (name, process) in self.router.processes().into_iter().chain([("gui-host", &mut self.gui.process)]) {
            if let Some(status) = process.ended()? {
                anyhow::bail!("{name} ended with {status}:\n{}", process.log());
            }
        }
        Ok(())
    }

    /// Waits until the GUI host has the inventory, all elements of a mote, counts, and a confirmed
    /// change of the root role; tells the times in one line.
    pub fn watch_it_work(&mut self) -> Result<String> {
        let mote = self.gui.wait_for_mote("a mote with an address", 0, |mote| mote["mote"].is_string() && mote["link"] == "up")?;
        let eui = mote["mote"].as_str().context("an address")?.to_owned();
        let inventory = self.started.elapsed();
        let id = self.gui.send(json!({"type": "ui-event", "event": "toggle-dagroot", "mote": eui}))?;
        self.wait_for_counts()?;
        let counts = self.started.elapsed();
        self.wait_for_elements(&eui)?;
        let elements = self.started.elapsed();
        let states = self.gui.outcome(&id)?;
        ensure!(states.last().is_some_and(|state| state == "confirmed"), "the root change ended as {states:?}");
        let confirmed = self.started.elapsed();
        Ok(format!(
            "demo: inventory after {:.1} s, event counts {:.1} s, all 13 elements of {eui} {:.1} s, root change confirmed {:.1} s",
            inventory.as_secs_f64(),
            counts.as_secs_f64(),
            elements.as_secs_f64(),
            confirmed.as_secs_f64()
        ))
    }

    /// Stops everything in good order.
    pub fn stop(mut self) -> Result<()> {
        self.gui.process.stop()?;
        self.router.stop()
    }

    fn wait_for_counts(&self) -> Result<()> {
        self.gui.wait_for("event counts", 0, |message| {
            message["counts"].as_array()?.iter().any(|count| count["signal"] == "fromMote.status").then_some(())
        })
    }

    fn wait_for_elements(&self, eui: &str) -> Result<()> {
        let mut missing: BTreeSet<&str> = ELEMENTS.into();
        self.gui.wait_for("all 13 elements of a mote", 0, |message| {
            if message["mote"] == eui
                && let Some(elements) = message["elements"].as_object()
            {
                missing.retain(|name| !elements.contains_key(*name));
            }
            missing.is_empty().then_some(())
        })
    }
}
