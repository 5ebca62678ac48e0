//! `scripts/lbr`, as an init script or a person at a router's console uses it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result};
use bus::queue::glance;
use lbr_tests::stack::{Child, Place, User, binary};
use mqtypes::queues::{self, kernel_name};

/// Who reads the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// This machine's shell and programs.
    Debian,
    /// BusyBox alone, as on OpenWrt.
    BusyBox,
}

struct Launcher {
    shell: Shell,
    place: Place,
    port: String,
    _motes: Child,
}

impl Launcher {
    fn new(shell: Shell) -> Result<Self> {
        let place = Place::new("launcher", User::Same)?;
        if shell == Shell::BusyBox {
            std::fs::create_dir(place.path("bin"))?;
            let installed = Command::new("busybox").args(["--install", "-s"]).arg(place.path("bin")).status().context("busybox")?;
            anyhow::ensure!(installed.success(), "busybox --install failed");
        }
        let mut command = place.command("mote-emulator")?;
        command.args(["emulate", "--motes", "1", "--dir"]).arg(place.path("motes"));
        let motes = Child::start("mote-emulator", command)?;
        let port =
            motes.stdout.wait_for("the port", 0, Duration::from_mins(1), |line| line.strip_prefix("port mote1 ").map(str::to_owned))?;
        Ok(Self { shell, place, port, _motes: motes })
    }

    fn call(&self, action: &str) -> Result<Output> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/lbr");
        let bin = binary("eventbus")?;
        let mut command = match self.shell {
            Shell::Debian => Command::new("sh"),
            Shell::BusyBox => Command::new(self.place.path("bin/sh")),
        };
        if self.shell == Shell::BusyBox {
            command.env("PATH", self.place.path("bin"));
        }
        command.arg(script).arg(action);
        command.env("LBR_BIN", bin.parent().context("a directory")?).env("LBR_INSTANCE", self.place.instance());
        command.env("LBR_RUN", self.place.path("run")).env("LBR_STATE", self.place.path("state"));
        command.env("LBR_USER", "").env("LBR_PORTS", &self.port).env("LBR_LOG", self.place.path("log"));
        Ok(command.output()?)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.path("log")).unwrap_or_default()
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // A test that failed half-way leaves nothing running.
        let _ = self.call("stop");
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn the_set_is_started_shown_restarted_and_stopped_without_a_trace() -> Result<()> {
    check(Shell::Debian)
}

#[test]
fn busybox_is_enough() -> Result<()> {
    check(Shell::BusyBox)
}

fn check(shell: Shell) -> Result<()> {
    let launcher = Launcher::new(shell)?;
    let started = launcher.call("start")?;
    assert!(started.status.success(), "{}", text(&started));
    wait_for(|| launcher.log().contains("eventbus: instance"))?;
    let again = launcher.call("start")?;
    assert_eq!(text(&again).matches("already running").count(), 3, "{}", text(&again));
    let status = launcher.call("status")?;
    assert!(status.status.success() && text(&status).matches("running, pid").count() == 3, "{}", text(&status));
    for action in ["restart", "status"] {
        let output = launcher.call(action)?;
        assert!(output.status.success(), "{action}: {}", text(&output));
    }
    let stopped = launcher.call("stop")?;
    assert!(stopped.status.success(), "{}", text(&stopped));
    assert_eq!(launcher.call("status")?.status.code(), Some(3));
    for spec in queues::ALL {
        assert!(glance(&kernel_name(launcher.place.instance(), spec.name)).is_err(), "{} is left over", spec.name);
    }
    Ok(())
}

/// The script returns before its processes are ready.
fn wait_for(condition: impl Fn() -> bool) -> Result<()> {
    for _try in 0..600 {
        if condition() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("waited in vain")
}
