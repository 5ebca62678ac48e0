//! The whole router in a box: real processes, real queues, real ptys, and a GUI host.
//!
//! Every stack has an instance name, directories and ports of its own, and stops only what it started.
//! Whoever drops it has its processes killed and its queues removed.

mod child;
pub mod dropbear;
mod gui;
// The same judge as that of ui-proxy's own tests.
#[path = "../../../ui-proxy/tests/schema/mod.rs"]
#[expect(dead_code, reason = "a stack is told of faults and does not panic")]
mod link_schema;
pub mod login;
mod place;
pub mod plink;
pub mod router;
pub mod sshd;

pub use child::Child;
pub use gui::GuiHost;
pub use place::{Place, User};
pub use router::{Motes, Router};

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

/// From here on, 10,000 ports are the tests': services are below, and above, from 32768, is what the kernel gives to whoever asks for any.
const FIRST_PORT: u16 = 20_000;

/// The binaries stand beside the one that runs now: `target/PROFILE`, or its `deps` for a test.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here.ancestors().skip(1).take(2).map(|directory| directory.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| anyhow::anyhow!("{name} is not built: run `cargo build --workspace --bins` first"))
}

/// A loopback port that nobody uses now.
pub fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests of other processes begin elsewhere.
    let first = FIRST_PORT + (std::process::id() % 100) as u16 * 100;
    let mut tries = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed) % 100).take(100);
    let free = tries.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| anyhow::anyhow!("no port is free from {first} on"))
}
