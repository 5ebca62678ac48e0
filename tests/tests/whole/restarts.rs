//! Any process may be killed at any moment; the others go on, and when it is back the whole is as it was.

use anyhow::Result;
use lbr_tests::stack::router::{start_eventbus, start_serial_bridge, start_ui_proxy};
use lbr_tests::stack::{GuiHost, Motes, Place, Router, User};
use nix::sys::signal::Signal;
use serde_json::json;

struct Stage {
    router: Router,
    gui: GuiHost,
    place: Place,
}

/// A router with one mote, which is root.
fn start() -> Result<Stage> {
    let place = Place::new("restarts", User::Unprivileged)?;
    let mut gui = GuiHost::start(&place)?;
    let router = Router::start(&place, &Motes::Emulated(1), &gui.url())?;
    router.ui_proxy.signal(Signal::SIGUSR1)?;
    let mote = gui.wait_for_mote("a mote", 0, |mote| mote["dagroot"] == false)?;
    let id = gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": mote["mote"]}))?;
    assert_eq!(gui.outcome(&id)?, ["accepted", "sent", "confirmed"]);
    Ok(Stage { router, gui, place })
}

impl Stage {
    /// The start of `eventbus` that counts are of, as told at or behind `from`. They come last in a snapshot.
    fn counted_since(&self, from: usize, is_awaited: impl Fn(&str) -> bool) -> Result<String> {
        self.gui.wait_for("counts", from, |message| {
            let boot = message["boot"].as_str().filter(|_| message["type"] == "event-count")?;
            is_awaited(boot).then(|| boot.to_owned())
        })
    }

    fn fresh_status(&self, from: usize) -> Result<()> {
        self.gui.wait_for("a fresh status", from, |message| message["elements"]["Asn"]["asn"].as_u64())?;
        Ok(())
    }

    fn command_works(&mut self) -> Result<()> {
        let mote = "141592cc00000001";
        let id = self.gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": mote}))?;
        assert_eq!(self.gui.outcome(&id)?.last().map(String::as_str), Some("confirmed"));
        Ok(())
    }
}

#[test]
fn a_killed_eventbus_comes_back_with_the_motes_it_knew() -> Result<()> {
    let mut stage = start()?;
    let first = stage.counted_since(0, |_| true)?;
    stage.router.eventbus.stop()?;
    let mark = stage.gui.mark();
    stage.router.eventbus = start_eventbus(&stage.place)?;
    stage.gui.wait_for_mote("the mote, known from before", mark, |mote| mote["mote"] == "141592cc00000001" && mote["dagroot"] == true)?;
    let second = stage.counted_since(mark, |boot| boot != first)?;
    stage.router.eventbus.kill();
    let mark = stage.gui.mark();
    stage.router.eventbus = start_eventbus(&stage.place)?;
    // What the killed one had said may still be on its way, and a command for it would fail as `restarted`.
    stage.counted_since(mark, |boot| boot != second)?;
    stage.fresh_status(stage.gui.mark())?;
    stage.command_works()
}

#[test]
fn a_killed_serial_bridge_takes_its_ports_up_again() -> Result<()> {
    let mut stage = start()?;
    stage.router.serial_bridge.kill();
    let mark = stage.gui.mark();
    stage.router.serial_bridge = start_serial_bridge(&stage.place, &stage.router.ports)?;
    stage.gui.wait_for_mote("the mote, up", mark.saturating_sub(1), |mote| mote["mote"] == "141592cc00000001" && mote["link"] == "up")?;
    stage.fresh_status(stage.gui.mark())?;
    stage.command_works()
}

#[test]
fn the_mote_of_a_port_that_the_next_serial_bridge_does_not_have_is_down() -> Result<()> {
    let mut stage = start()?;
    stage.router.serial_bridge.kill();
    let mark = stage.gui.mark();
    stage.router.serial_bridge = start_serial_bridge(&stage.place, &[])?;
    stage.gui.wait_for_mote("the mote, down", mark, |mote| mote["mote"] == "141592cc00000001" && mote["link"] == "down")?;
    stage.router.serial_bridge.kill();
    let mark = stage.gui.mark();
    stage.router.serial_bridge = start_serial_bridge(&stage.place, &stage.router.ports)?;
    stage.gui.wait_for_mote("the mote, up", mark, |mote| mote["mote"] == "141592cc00000001" && mote["link"] == "up")?;
    stage.command_works()
}

#[test]
fn a_killed_ui_proxy_is_woken_again_and_tells_the_whole_state() -> Result<()> {
    let mut stage = start()?;
    stage.router.ui_proxy.kill();
    let mark = stage.gui.mark();
    stage.router.ui_proxy = start_ui_proxy(&stage.place, &stage.gui.url())?;
    stage.router.ui_proxy.signal(Signal::SIGUSR1)?;
    stage.gui.wait_for_mote("the mote, in the new snapshot", mark, |mote| mote["mote"] == "141592cc00000001")?;
    stage.command_works()
}
