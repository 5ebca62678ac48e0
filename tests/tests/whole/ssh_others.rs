//! The link through other SSH programs: dropbear, which OpenWrt has as its server, and plink, with which people on Windows
//! have always done it.

use std::time::Duration;

use anyhow::Result;
use lbr_tests::stack::dropbear::Dropbear;
use lbr_tests::stack::login::{Line, Login, link_only};
use lbr_tests::stack::plink::Plink;
use lbr_tests::stack::router::start_ui_proxy;
use lbr_tests::stack::sshd::Sshd;
use lbr_tests::stack::{Child, GuiHost, Motes, Place, Router, User, binary, free_port};

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(2);

/// A place whose GUI host and router share a key.
fn place(purpose: &str) -> Result<Place> {
    let place = Place::new(purpose, User::Same)?;
    GuiHost::start(&place)?.process.stop()?;
    Ok(place)
}

fn url(port: u16) -> String {
    format!("ws://localhost:{port}/lbr")
}

/// A GUI host that brings the router here through the system's `ssh`.
fn gui_host(place: &Place, login: &Login, port: u16, options: &[&str]) -> Result<GuiHost> {
    let (target, config, port) = (login.target(), login.client_config.display().to_string(), port.to_string());
    GuiHost::start_with(place, &[&["--lbr", &target, "--ssh-config", &config, "--remote-port", &port], options].concat())
}

fn shows_a_mote(gui: &GuiHost, from: usize) -> Result<()> {
    gui.wait_for_mote("a mote, through the tunnel", from, |mote| mote["link"] == "up").map(drop)
}

/// Waits until the GUI host has said this to whoever looks at its terminal.
fn says(gui: &GuiHost, from: usize, words: &str) -> Result<()> {
    gui.process.stderr.wait_for(words, from, WITHIN, |line| (line.starts_with("tunnel ") && line.contains(words)).then_some(()))
}

#[test]
fn a_router_with_dropbear_is_woken_by_a_key_for_that_alone_and_by_a_login_without_pkill() -> Result<()> {
    let place = place("dropbear")?;
    let port = free_port()?;
    let Some(mut dropbear) = Dropbear::start(&place)? else { return Ok(()) };
    dropbear.login.allow(&link_only(&place, Line::Dropbear, port)?)?;
    let mut router = Router::start(&place, &Motes::Emulated(1), &url(port))?;

    let mut gui = gui_host(&place, &dropbear.login, port, &[])?;
    shows_a_mote(&gui, 0)?;
    let mark = gui.mark();
    dropbear.cut()?;
    shows_a_mote(&gui, mark)?;
    gui.process.stop()?;

    // Only a wake-up brings the link of a new one up.
    router.ui_proxy.stop()?;
    router.ui_proxy = start_ui_proxy(&place, &url(port))?;
    dropbear.login.allow("")?;
    let wake = format!("{} wake --instance {}", binary("ui-proxy")?.display(), place.instance());
    let gui = gui_host(&place, &dropbear.login, port, &["--wake-command", &wake])?;
    shows_a_mote(&gui, 0)?;
    drop(gui);
    router.stop()
}

#[test]
fn what_dropbear_refuses_is_said_with_the_way_out() -> Result<()> {
    let place = place("dropbear-refuses")?;
    let port = free_port()?;
    let Some(dropbear) = Dropbear::start(&place)? else { return Ok(()) };
    dropbear.login.allow(&link_only(&place, Line::OpenSsh, port)?)?;
    let gui = gui_host(&place, &dropbear.login, port, &["--wake-command", "true"])?;
    says(&gui, 0, "an option that it does not know")?;
    let from = gui.process.stderr.len();
    dropbear.login.allow("no-port-forwarding ")?;
    says(&gui, from, "the router does not give us its port")
}

#[test]
fn a_wake_up_that_brings_no_link_sends_people_to_the_routers_log() -> Result<()> {
    let place = place("unheard")?;
    let Some(dropbear) = Dropbear::start(&place)? else { return Ok(()) };
    let gui = gui_host(&place, &dropbear.login, free_port()?, &["--wake-command", "true"])?;
    says(&gui, 0, "its log on the router says why")
}

/// The line that people know, but for what a test has to name: `plink -ssh -N -T -R 8000:localhost:8000 user@lbr`.
fn carries_the_link(place: &Place, login: &Login, port: u16, wake: &str) -> Result<()> {
    let plink = Plink::new(place, login)?;
    let router = Router::start(place, &Motes::Emulated(1), &url(port))?;
    let gui = GuiHost::start_with(place, &["--remote-port", &port.to_string()])?;
    let forward = format!("{port}:localhost:{}", gui.link_port);
    let _tunnel = Child::start("plink", plink.command(&["-ssh", "-N", "-T", "-R", &forward], &[])?)?;
    // The pid is there for those wake-ups that are signals: another `ui-proxy` on this machine is none of our business.
    std::fs::write(place.path("ui-proxy.pid"), router.ui_proxy.pid().to_string())?;
    let woken = plink.command(&["-ssh", "-T"], &[wake])?.output()?;
    anyhow::ensure!(woken.status.success(), "waking by plink: {}", String::from_utf8_lossy(&woken.stderr));
    shows_a_mote(&gui, 0)?;
    drop(gui);
    router.stop()
}

#[test]
fn the_plink_line_that_people_know_carries_the_link_to_openssh_with_a_key_for_that_alone() -> Result<()> {
    let place = place("plink-openssh")?;
    let port = free_port()?;
    let sshd = Sshd::start(&place)?;
    sshd.login.allow(&link_only(&place, Line::OpenSsh, port)?)?;
    carries_the_link(&place, &sshd.login, port, "whatever is asked for")
}

#[test]
fn the_plink_line_that_people_know_carries_the_link_to_dropbear_with_a_signal() -> Result<()> {
    let place = place("plink-dropbear")?;
    let Some(dropbear) = Dropbear::start(&place)? else { return Ok(()) };
    let wake = format!("pkill -USR1 -x -F {} ui-proxy", place.path("ui-proxy.pid").display());
    carries_the_link(&place, &dropbear.login, free_port()?, &wake)
}

#[test]
fn gui_host_uses_plink_with_a_saved_session_as_soon_as_its_host_key_is_known() -> Result<()> {
    let place = place("plink-session")?;
    let port = free_port()?;
    let mut sshd = Sshd::start(&place)?;
    sshd.login.allow(&link_only(&place, Line::OpenSsh, port)?)?;
    let plink = Plink::new(&place, &sshd.login)?;
    plink.save_session("roof")?;
    let router = Router::start(&place, &Motes::Emulated(1), &url(port))?;

    let gui = GuiHost::start_with(&place, &["--ssh", "plink", "--lbr", "roof", "--remote-port", &port.to_string()])?;
    says(&gui, 0, "the router's host key is not known yet")?;
    plink.accept_host_key("roof")?;
    shows_a_mote(&gui, 0)?;

    let (from, mark) = (gui.process.stderr.len(), gui.mark());
    plink.falsify_host_keys()?;
    sshd.cut()?;
    says(&gui, from, "the router shows another host key than before")?;
    std::fs::remove_file(place.path(".putty/sshhostkeys"))?;
    plink.accept_host_key("roof")?;
    shows_a_mote(&gui, mark)?;
    drop(gui);
    router.stop()
}
