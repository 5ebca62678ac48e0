//! `gui-host discover`, and the page that has no router: which routers announce themselves on the local network, by DNS-SD over multicast DNS (RFC 6763, RFC 6762).
//!
//! It only asks and tells. What it hears comes from anybody on the network: it is shown and never run, and who announces
//! itself as a router is one only when the keys have been proved.

mod announcement;
pub mod search;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use mdns_sd::{ServiceDaemon, ServiceEvent};

use self::announcement::Announcement;
use crate::{failure::Failure, terminal};

/// What routers announce: the SSH server that leads to them.
const SERVICE: &str = "_openwsn-lbr._tcp.local.";

/// Most routers that are kept; a network with more has another plan.
const MAX_ROUTERS: usize = 256;

/// Options of `gui-host discover`.
#[derive(Debug, Args)]
#[command(after_help = "They are found by DNS-SD: _openwsn-lbr._tcp, over multicast DNS.")]
pub struct DiscoverOptions {
    /// How long to listen, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    time: u64,

    /// Print each router as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Listens for a while, then prints the routers.
pub fn run(options: &DiscoverOptions) -> Result<(), Failure> {
    let time = Duration::from_secs(options.time);
    let found = listen(time).map_err(Failure::Environment)?;
    if found.is_empty() {
        terminal::line(format_args!("{}", nothing(options.time)));
    }
    let text: String = found.values().map(if options.json { Announcement::json } else { Announcement::text }).collect();
    io::stdout().write_all(text.as_bytes()).context("cannot print").map_err(Failure::Environment)
}

/// The routers by their full names in the DNS.
fn listen(time: Duration) -> anyhow::Result<BTreeMap<String, Announcement>> {
    const CONTEXT: &str = "cannot listen to the local network (multicast DNS, UDP port 5353)";
    let deadline = Instant::now() + time;
    let daemon = ServiceDaemon::new().context(CONTEXT)?;
    let events = daemon.browse(SERVICE).context(CONTEXT)?;
    let mut found = BTreeMap::new();
    // It ends with the deadline.
    while let Ok(event) = events.recv_deadline(deadline) {
        match event {
            ServiceEvent::ServiceResolved(service) if found.len() < MAX_ROUTERS || found.contains_key(&service.fullname) => {
                found.insert(service.fullname.clone(), Announcement::of(&service));
            }
            ServiceEvent::ServiceRemoved(_, fullname) => {
                found.remove(&fullname);
            }
            // One router too many, how the search goes, and kinds of events that are yet to come.
            _ => {}
        }
    }
    // Its thread ends with this process in any case.
    let _ = daemon.shutdown();
    Ok(found)
}

fn nothing(seconds: u64) -> String {
    format!(
        "no router has announced itself within {seconds} s; is it switched on and in this network, does avahi-daemon run on it, and \
         does the firewall here let UDP port 5353 in? A router that is not announced works as well: gui-host --lbr USER@HOST"
    )
}
