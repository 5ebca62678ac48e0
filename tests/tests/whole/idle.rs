//! A router without motes and without a GUI costs nothing.

use std::time::Duration;

use anyhow::Result;
use lbr_tests::stack::{Motes, Place, Router, User};

/// How often a process was given the processor because something woke it.
fn wake_ups(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let switches = status.lines().filter_map(|line| line.split_once("voluntary_ctxt_switches:"));
    Ok(switches.filter_map(|(prefix, count)| prefix.is_empty().then(|| count.trim().parse::<u64>().ok())?).sum())
}

#[test]
fn no_process_of_an_idle_router_is_woken_in_ten_seconds() -> Result<()> {
    let place = Place::new("idle", User::Unprivileged)?;
    let mut router = Router::start(&place, &Motes::None, "ws://localhost:1/lbr")?;
    // They greet each other first.
    std::thread::sleep(Duration::from_secs(7));
    let count =
        |router: &mut Router| -> Result<Vec<u64>> { router.processes().into_iter().map(|(_, child)| wake_ups(child.pid())).collect() };
    let before = count(&mut router)?;
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(count(&mut router)?, before);
    router.stop()
}
