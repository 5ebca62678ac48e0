//! The three processes of a router, and motes on ptys.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::child::Child;
use super::place::Place;

/// A process of ours that is not ready by then never will be, even on a busy machine.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Which motes there are.
#[derive(Debug, Clone)]
pub enum Motes {
    /// Emulated ones, each on its own line.
    Emulated(u16),
    /// Emulated ones, and more behind whichever of them becomes root.
    Mesh {
        /// Motes with a line.
        cabled: u16,
        /// Motes without.
        cableless: u16,
    },
    /// A recording, so many times as fast as it was.
    Replayed {
        /// The file.
        file: PathBuf,
        /// How fast; 0 for as fast as it is read.
        speed: f64,
    },
    /// None, on no port.
    None,
}

/// A running router.
#[derive(Debug)]
pub struct Router {
    /// The motes, unless there are none.
    pub motes: Option<Child>,
    /// Their ports.
    pub ports: Vec<PathBuf>,
    /// The process of that name.
    pub eventbus: Child,
    /// The process of that name.
    pub serial_bridge: Child,
    /// The process of that name.
    pub ui_proxy: Child,
}

impl Router {
    /// Starts motes and processes. `url` is where `ui-proxy` dials when it is woken.
    pub fn start(place: &Place, motes: &Motes, url: &str) -> Result<Self> {
        let (motes, ports) = start_motes(place, motes)?;
        let eventbus = start_eventbus(place)?;
        let serial_bridge = start_serial_bridge(place, &ports)?;
        let ui_proxy = start_ui_proxy(place, url)?;
        Ok(Self { motes, ports, eventbus, serial_bridge, ui_proxy })
    }

    /// The three processes by name.
    pub fn processes(&mut self) -> [(&'static str, &mut Child); 3] {
        [("serial-bridge", &mut self.serial_bridge), ("eventbus", &mut self.eventbus), ("ui-proxy", &mut self.ui_proxy)]
    }

    /// Stops all in good order.
    pub fn stop(mut self) -> Result<()> {
        for (name, process) in self.processes() {
            let status = process.stop().context(name)?;
            anyhow::ensure!(status.success(), "{name} ended with {status}:\n{}", process.log());
        }
        Ok(())
    }
}

/// Starts `eventbus` and waits until its queues are there.
pub fn start_eventbus(place: &Place) -> Result<Child> {
    let mut command = place.command("eventbus")?;
    command.args(["--instance", place.instance(), "--log-level", "debug"]);
    command.arg("--state-dir").arg(place.path("state")).arg("--run-dir").arg(place.path("run"));
    ready(Child::start("eventbus", command)?)
}

/// Starts `serial-bridge` on these ports.
pub fn start_serial_bridge(place: &Place, ports: &[PathBuf]) -> Result<Child> {
    let mut command = place.command("serial-bridge")?;
    command.args(["--instance", place.instance(), "--log-level", "debug"]);
    for port in ports {
        command.arg("--port").arg(port);
    }
    ready(Child::start("serial-bridge", command)?)
}

/// Starts `ui-proxy`, which stays idle until it is woken.
pub fn start_ui_proxy(place: &Place, url: &str) -> Result<Child> {
    let mut command = place.command("ui-proxy")?;
    command.args(["--instance", place.instance(), "--url", url, "--name", place.instance(), "--log-level", "debug"]);
    command.args(["--retry-for", "20"]);
    command.arg("--key-file").arg(place.path("ui.key")).arg("--state-dir").arg(place.path("state"));
    ready(Child::start("ui-proxy", command)?)
}

fn ready(child: Child) -> Result<Child> {
    let is_ready = |line: &str| line.ends_with("ready") || line.contains("waits to be woken");
    child.stderr.wait_for("`ready`", 0, READY_WITHIN, |line| is_ready(line).then_some(()))?;
    Ok(child)
}

fn start_motes(place: &Place, motes: &Motes) -> Result<(Option<Child>, Vec<PathBuf>)> {
    let mut command = place.command("mote-emulator")?;
    match motes {
        Motes::None => return Ok((None, Vec::new())),
        Motes::Emulated(number) => command.args(["emulate", "--motes", &number.to_string()]),
        Motes::Mesh { cabled, cableless } => command.args(["emulate", "--motes", &cabled.to_string(), "--mesh", &cableless.to_string()]),
        Motes::Replayed { file, speed } => command.arg("replay").arg(place.reachable(file)?).args(["--speed", &speed.to_string()]),
    };
    command.arg("--dir").arg(place.path("motes")).arg("--log-host").arg(place.path("host-frames.jsonl"));
    let child = Child::start("mote-emulator", command)?;
    child.stdout.wait_for("`ready`", 0, READY_WITHIN, |line| (line == "ready").then_some(())).with_context(|| child.log())?;
    let ports =
        child.stdout.all().iter().filter_map(|line| line.strip_prefix("port ")?.split_once(' ')).map(|(_, path)| path.into()).collect();
    Ok((Some(child), ports))
}
