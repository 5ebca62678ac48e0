//! The link as people use it: a real SSH server, a reverse tunnel, and a signal.

use std::time::Duration;

use anyhow::Result;
use lbr_tests::stack::sshd::Sshd;
use lbr_tests::stack::{GuiHost, Motes, Place, Router, User, free_port};
use nix::sys::signal::Signal;

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(2);

/// Bytes that the process has ever read or written, sockets included.
fn traffic(pid: u32) -> Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let value = |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok()).unwrap_or(0);
    Ok(value("rchar:") + value("wchar:"))
}

/// An idle process neither reads nor writes, once it has said so in its log.
fn becomes_quiet(pid: u32) -> Result<()> {
    for _try in 0..10 {
        let before = traffic(pid)?;
        std::thread::sleep(Duration::from_secs(2));
        if traffic(pid)? == before {
            return Ok(());
        }
    }
    anyhow::bail!("process {pid} goes on reading or writing")
}

#[test]
fn a_tunnel_and_a_signal_bring_the_link_up_and_it_comes_back_after_both_are_lost() -> Result<()> {
    let place = Place::new("ssh", User::Same)?;
    let mut sshd = Sshd::start(&place)?;
    let port = free_port()?;
    GuiHost::start(&place)?.process.stop()?; // makes the key that both sides share
    let router = Router::start(&place, &Motes::Emulated(1), &format!("ws://localhost:{port}/lbr"))?;

    // No GUI: nothing is said, whatever the motes do.
    becomes_quiet(router.ui_proxy.pid())?;

    let mut gui = GuiHost::through(&place, &sshd, port, router.ui_proxy.pid())?;
    gui.wait_for_mote("a mote, through the tunnel", 0, |mote| mote["link"] == "up")?;

    // The tunnel is cut: the router tries again by itself, and the GUI host makes a new tunnel.
    let mark = gui.mark();
    sshd.cut()?;
    router.ui_proxy.stderr.wait_for("the loss", 0, WITHIN, |line| line.contains("lost").then_some(()))?;
    gui.wait_for_mote("a mote, through the second tunnel", mark, |mote| mote["link"] == "up")?;
    gui.process.stop()?;

    // Nobody answers any more: after a bounded time the router is idle again, and a signal wakes it.
    let logged = router.ui_proxy.stderr.len();
    router.ui_proxy.stderr.wait_for("idle again", logged.saturating_sub(1), WITHIN, |line| line.contains("idle").then_some(()))?;
    becomes_quiet(router.ui_proxy.pid())?;
    let again = GuiHost::through(&place, &sshd, port, router.ui_proxy.pid())?;
    again.wait_for_mote("a mote, live again", 0, |mote| mote["link"] == "up")?;
    router.ui_proxy.signal(Signal::SIGUSR1)?; // harmless while the link is up
    let mark = again.mark();
    again.wait_for_type("lbr-health", mark)?;
    router.stop()
}
