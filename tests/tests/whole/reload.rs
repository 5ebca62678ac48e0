//! One file for a running set, changed under it: what is new is taken, and nothing else notices.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use lbr_tests::stack::{Child, GuiHost, Place, User, free_port};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// The emulator's motes.
const FIRST: &str = "141592cc00000001";
const SECOND: &str = "141592cc00000002";

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

struct Stage {
    ports: Vec<String>,
    serial_bridge: Child,
    ui_proxy: Child,
    eventbus: Child,
    _motes: Child,
    place: Place,
}

impl Stage {
    /// Two motes, and the three processes with one file and nothing else to say.
    fn start(place: Place, url: &str) -> Result<Self> {
        let mut command = place.command("mote-emulator")?;
        command.args(["emulate", "--motes", "2", "--dir"]).arg(place.path("motes"));
        let motes = Child::start("mote-emulator", command)?;
        motes.stdout.wait_for("`ready`", 0, WITHIN, |line| (line == "ready").then_some(()))?;
        let port = |name: &str| {
            let prefix = format!("port {name} ");
            motes.stdout.all().iter().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned)).context("a port")
        };
        let ports = vec![port("mote1")?, port("mote2")?];
        configure(&place, &ports[..1], url)?;
        let start = |name: &str| -> Result<Child> {
            let mut command = place.command(name)?;
            command.arg("--config").arg(file(&place));
            let child = Child::start(name, command)?;
            child.stderr.wait_for("`ready`", 0, WITHIN, |line| line.ends_with("ready").then_some(())).with_context(|| child.log())?;
            Ok(child)
        };
        let (eventbus, serial_bridge, ui_proxy) = (start("eventbus")?, start("serial-bridge")?, start("ui-proxy")?);
        Ok(Self { ports, serial_bridge, ui_proxy, eventbus, _motes: motes, place })
    }

    fn wakes(&self) -> Result<()> {
        let mut command = self.place.command("ui-proxy")?;
        command.args(["wake", "--config"]).arg(file(&self.place));
        let output = command.output()?;
        anyhow::ensure!(output.status.success(), "wake: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// Has a process read the file again, and waits until it has said what came of it.
fn reload(process: &Child) -> Result<Vec<String>> {
    let mark = process.stderr.len();
    process.signal(Signal::SIGHUP)?;
    process.stderr.wait_for("the end of a reload", mark, WITHIN, |line| line.contains("SIGHUP: ").then_some(()))?;
    Ok(process.stderr.all()[mark..].to_vec())
}

fn wait_for_link(gui: &GuiHost, from: usize, mote: &str, link: &str) -> Result<()> {
    gui.wait_for_mote(&format!("{mote} {link}"), from, |entry| entry["mote"] == mote && entry["link"] == link)?;
    Ok(())
}

fn file(place: &Place) -> PathBuf {
    place.path("lbr.toml")
}

fn configure(place: &Place, ports: &[String], url: &str) -> Result<()> {
    let path = |name: &str| place.path(name).display().to_string();
    let ports: Vec<_> = ports.iter().map(|port| format!("  {port:?},\n")).collect();
    let text = format!(
        "instance = {:?}\nlog-level = \"debug\"\nstate-dir = {:?}\nrun-dir = {:?}\n\n[serial-bridge]\nport = [\n{}]\n\n\
         [ui-proxy]\nurl = {url:?}\nkey-file = {:?}\nname = \"reload\"\nretry-for = 20\n",
        place.instance(),
        path("state"),
        path("run"),
        ports.concat(),
        path("ui.key"),
    );
    fs::write(file(place), text)?;
    Ok(())
}

/// How often a port was opened, as its figures in a message have it.
fn openings(message: &Value, port: &str) -> Option<u64> {
    message["ports"].as_array()?.iter().find(|report| report["port"] == port)?["openings"].as_u64()
}

#[test]
fn a_port_comes_and_goes_and_the_other_motes_notice_nothing() -> Result<()> {
    let place = Place::new("reload-ports", User::Unprivileged)?;
    let mut gui = GuiHost::start(&place)?;
    let stage = Stage::start(place, &gui.url())?;
    stage.wakes()?;
    wait_for_link(&gui, 0, FIRST, "up")?;
    configure(&stage.place, &stage.ports, &gui.url())?;
    reload(&stage.serial_bridge)?;
    wait_for_link(&gui, 0, SECOND, "up")?;
    let mark = gui.mark();
    configure(&stage.place, &stage.ports[..1], &gui.url())?;
    reload(&stage.serial_bridge)?;
    wait_for_link(&gui, mark, SECOND, "down")?;
    let both = |message: &Value| Some((openings(message, &stage.ports[0])?, openings(message, &stage.ports[1]).is_none().then_some(())?));
    let (opened, ()) = gui.wait_for("figures of the first port alone", mark, both)?;
    assert_eq!(opened, 1, "{}", stage.serial_bridge.log());
    let id = gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": FIRST}))?;
    assert_eq!(gui.outcome(&id)?, ["accepted", "sent", "confirmed"]);
    let unwanted =
        |message: &Value| message["type"] == "gap" || message["motes"].as_array().is_some_and(|motes| motes.iter().any(went_down));
    assert!(!gui.messages().iter().any(unwanted), "nothing was lost, and the first mote stayed up");
    Ok(())
}

fn went_down(mote: &Value) -> bool {
    mote["mote"] == FIRST && mote["link"] != "up"
}

#[test]
fn a_file_that_is_wrong_leaves_the_set_as_it_was_and_is_told_with_its_line() -> Result<()> {
    let place = Place::new("reload-wrong", User::Unprivileged)?;
    let mut gui = GuiHost::start(&place)?;
    let stage = Stage::start(place, &gui.url())?;
    stage.wakes()?;
    wait_for_link(&gui, 0, FIRST, "up")?;
    fs::write(
        file(&stage.place),
        "[serial-bridge]\nport = [\"/dev/a\", \"/dev/a\"]\n[ui-proxy]\nurl = \"http://x\"\n[eventbus]\nprefx = 1\n",
    )?;
    let place = file(&stage.place).display().to_string();
    for (process, line) in [(&stage.serial_bridge, 2), (&stage.ui_proxy, 4), (&stage.eventbus, 6)] {
        let said = reload(process)?;
        for line in [line, 6] {
            assert!(said.iter().any(|said| said.starts_with("<3>") && said.contains(&format!("{place}:{line}: "))), "{line}: {said:#?}");
        }
    }
    let id = gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": FIRST}))?;
    assert_eq!(gui.outcome(&id)?, ["accepted", "sent", "confirmed"]);
    assert!(!gui.messages().iter().any(|message| message["motes"].as_array().is_some_and(|motes| motes.iter().any(went_down))));
    Ok(())
}

#[test]
fn another_gui_host_is_dialled_at_the_next_wake() -> Result<()> {
    let place = Place::new("reload-url", User::Unprivileged)?;
    let gui = GuiHost::start(&place)?;
    let stage = Stage::start(place, &format!("ws://localhost:{}/nobody", free_port()?))?;
    configure(&stage.place, &stage.ports[..1], &gui.url())?;
    let said = reload(&stage.ui_proxy)?;
    assert!(said.iter().any(|line| line.ends_with("new: url")), "{said:#?}");
    stage.wakes()?;
    wait_for_link(&gui, 0, FIRST, "up")?;
    Ok(())
}

#[test]
fn a_link_that_is_there_stays_and_is_made_to_the_new_place_when_it_is_lost() -> Result<()> {
    let place = Place::new("reload-link", User::Unprivileged)?;
    let mut first = GuiHost::start(&place)?;
    let second = GuiHost::start(&place)?;
    let stage = Stage::start(place, &first.url())?;
    stage.wakes()?;
    wait_for_link(&first, 0, FIRST, "up")?;
    let mark = first.mark();
    configure(&stage.place, &stage.ports, &second.url())?;
    reload(&stage.ui_proxy)?;
    reload(&stage.serial_bridge)?;
    wait_for_link(&first, mark, SECOND, "up")?;
    assert_eq!(second.mark(), 0, "the link stayed where it was");
    first.process.stop()?;
    wait_for_link(&second, 0, SECOND, "up")?;
    Ok(())
}
