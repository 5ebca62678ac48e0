//! `scripts/lbr`, as an init script or a person at a router's console uses it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::queue::glance;
use lbr_tests::stack::{Child, Place, User, binary};
use mqtypes::queues::{self, kernel_name};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Who reads the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// This machine's shell and programs.
    Debian,
    /// BusyBox alone, as on OpenWrt.
    BusyBox,
}

const PROCESSES: [&str; 3] = ["eventbus", "serial-bridge", "ui-proxy"];

/// A process is started again a second after its end; a busy machine takes its time.
const BACK_WITHIN: Duration = Duration::from_mins(1);

/// The emulator's first mote.
const MOTE: &str = "141592cc00000001";

struct Launcher {
    shell: Shell,
    place: Place,
    user: &'static str,
    bin: PathBuf,
    _motes: Child,
}

impl Launcher {
    fn new(shell: Shell, user: User) -> Result<Self> {
        let place = Place::new("launcher", user)?;
        if shell == Shell::BusyBox {
            fs::create_dir(place.path("bin"))?;
            let installed = Command::new("busybox").args(["--install", "-s"]).arg(place.path("bin")).status().context("busybox")?;
            ensure!(installed.success(), "busybox --install failed");
        }
        let mut command = place.command("mote-emulator")?;
        command.args(["emulate", "--motes", "1", "--dir"]).arg(place.path("motes"));
        let motes = Child::start("mote-emulator", command)?;
        let port =
            motes.stdout.wait_for("the port", 0, Duration::from_mins(1), |line| line.strip_prefix("port mote1 ").map(str::to_owned))?;
        let mut bin = PathBuf::new();
        for name in PROCESSES.iter().chain(&["mq-inspect"]) {
            place.reachable(&binary(name)?)?.parent().context("a directory")?.clone_into(&mut bin);
        }
        let user = match user {
            User::Unprivileged if nix::unistd::Uid::effective().is_root() => "nobody",
            User::Unprivileged | User::Same => "",
        };
        let launcher = Self { shell, place, user, bin, _motes: motes };
        launcher.configure(&format!("[serial-bridge]\nport = [\"{port}\"]"))?;
        Ok(launcher)
    }

    /// Writes the configuration: what every set of a test has, and these lines.
    fn configure(&self, lines: &str) -> Result<()> {
        let (instance, run, state) = (self.place.instance(), self.place.path("run"), self.place.path("state"));
        let common = format!("instance = \"{instance}\"\nrun-dir = \"{}\"\nstate-dir = '{}'\n", run.display(), state.display());
        Ok(fs::write(self.place.path("lbr.toml"), common + lines)?)
    }

    fn call(&self, action: &str) -> Result<Output> {
        let script = self.place.reachable(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/lbr"))?;
        let mut command = match self.shell {
            Shell::Debian => Command::new("sh"),
            Shell::BusyBox => Command::new(self.place.path("bin/sh")),
        };
        if self.shell == Shell::BusyBox {
            command.env("PATH", self.place.path("bin"));
        }
        command.arg(script).arg(action).env("LBR_BIN", &self.bin).env("LBR_CONFIG", self.place.path("lbr.toml"));
        command.env("LBR_USER", self.user).env("LBR_LOG", self.place.path("log"));
        Ok(command.output()?)
    }

    /// The same, which must succeed; what it said.
    fn must(&self, action: &str) -> Result<String> {
        let output = self.call(action)?;
        ensure!(output.status.success(), "{action}: {}\n{}", text(&output), self.log());
        Ok(text(&output))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path("log")).unwrap_or_default()
    }

    /// The number in a pid file, such as `eventbus` or, for the loop that starts it again, `eventbus.loop`.
    fn pid(&self, name: &str) -> Result<i32> {
        Ok(fs::read_to_string(self.place.path(&format!("run/{name}.pid")))?.trim().parse()?)
    }

    fn kill(&self, name: &str) -> Result<()> {
        Ok(kill(Pid::from_raw(self.pid(name)?), Signal::SIGKILL)?)
    }

    /// Who reads the inbox of a process.
    fn reader(&self, process: &str) -> Option<i32> {
        i32::try_from(glance(&kernel_name(self.place.instance(), process)).ok()?.holder?).ok()
    }

    fn succeeds(&self, program: &str, args: &[&str]) -> bool {
        let called = Command::new(self.bin.join(program)).args(args).args(["--instance", self.place.instance()]).output();
        called.is_ok_and(|output| output.status.success())
    }

    /// The mote does what it is told, and the way to the GUI takes a wake-up.
    fn works(&self) -> Result<()> {
        wait_for("a command's way to the mote", || self.succeeds("mq-inspect", &["send", "set-dagroot", MOTE, "on", "--deadline", "5"]))?;
        wait_for("a wake-up", || self.succeeds("ui-proxy", &["wake"]))
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
    check(Shell::Debian, User::Same)
}

#[test]
fn busybox_is_enough() -> Result<()> {
    check(Shell::BusyBox, User::Same)
}

#[test]
fn root_starts_it_for_another_user() -> Result<()> {
    check(Shell::Debian, User::Unprivileged)?;
    check(Shell::BusyBox, User::Unprivileged)
}

fn check(shell: Shell, user: User) -> Result<()> {
    let launcher = Launcher::new(shell, user)?;
    launcher.must("start")?;
    wait_for("readiness", || launcher.log().contains("eventbus: instance"))?;
    assert_eq!(launcher.must("start")?.matches("already running").count(), 3);
    assert_eq!(launcher.must("status")?.matches("running, pid").count(), 3);
    launcher.must("restart")?;
    launcher.must("status")?;
    launcher.works()?;
    launcher.must("stop")?;
    assert_eq!(launcher.call("status")?.status.code(), Some(3));
    for spec in queues::ALL {
        assert!(glance(&kernel_name(launcher.place.instance(), spec.name)).is_err(), "{} is left over", spec.name);
    }
    for process in PROCESSES {
        assert!(launcher.pid(process).is_err() && launcher.pid(&format!("{process}.loop")).is_err(), "{process} has left its pid files");
    }
    Ok(())
}

#[test]
fn each_process_that_is_killed_is_back_soon_and_the_set_works() -> Result<()> {
    for shell in [Shell::Debian, Shell::BusyBox] {
        let launcher = Launcher::new(shell, User::Same)?;
        launcher.must("start")?;
        launcher.works()?;
        for process in PROCESSES {
            let before = launcher.reader(process).context("it runs")?;
            let killed = Instant::now();
            launcher.kill(process)?;
            wait_for("its return", || launcher.reader(process).is_some_and(|pid| pid != before))?;
            println!("{shell:?}: {process} was back after {} ms", killed.elapsed().as_millis());
            launcher.works()?;
        }
        assert_eq!(launcher.log().matches("with code 137: started again in 1 s").count(), 3, "{}", launcher.log());
        launcher.must("stop")?;
    }
    Ok(())
}

#[test]
fn a_log_that_cannot_be_written_keeps_no_process_from_its_return() -> Result<()> {
    for shell in [Shell::Debian, Shell::BusyBox] {
        let launcher = Launcher::new(shell, User::Same)?;
        let log = launcher.place.path("log");
        symlink("/dev/full", &log)?;
        launcher.must("start")?;
        launcher.works()?;
        let killed_and_back = || {
            let before = launcher.reader("eventbus").context("it runs")?;
            launcher.kill("eventbus")?;
            wait_for("its return", || launcher.reader("eventbus").is_some_and(|pid| pid != before))
        };
        killed_and_back()?;
        // And one that is not even there to be opened.
        fs::remove_file(&log)?;
        fs::create_dir(&log)?;
        killed_and_back()?;
        launcher.works()?;
        launcher.must("stop")?;
    }
    Ok(())
}

#[test]
fn a_process_that_nothing_would_start_again_is_shown_and_replaced() -> Result<()> {
    let launcher = Launcher::new(Shell::Debian, User::Same)?;
    launcher.must("start")?;
    wait_for("readiness", || launcher.reader("eventbus").is_some())?;
    let (orphan, others) = (launcher.pid("eventbus")?, launcher.pid("ui-proxy")?);
    launcher.kill("eventbus.loop")?;
    assert!(launcher.must("status")?.contains(&format!("eventbus: running, pid {orphan}, and nothing would start it again")));
    let started = launcher.must("start")?;
    assert!(started.contains("eventbus: runs, and nothing would start it again: replaced"), "{started}");
    assert_ne!(launcher.pid("eventbus")?, orphan);
    assert_eq!(launcher.pid("ui-proxy")?, others);
    launcher.works()?;
    launcher.kill("serial-bridge.loop")?;
    launcher.must("stop")?;
    assert_eq!(launcher.call("status")?.status.code(), Some(3));
    Ok(())
}

#[test]
fn a_wrong_configuration_is_refused_by_name_and_changes_nothing() -> Result<()> {
    let launcher = Launcher::new(Shell::Debian, User::Same)?;
    let right = fs::read_to_string(launcher.place.path("lbr.toml"))?;
    launcher.must("check")?;
    launcher.configure("pory = 1\n")?;
    for action in ["check", "start"] {
        let refused = launcher.call(action)?;
        assert!(!refused.status.success() && text(&refused).contains("pory"), "{action}: {}", text(&refused));
    }
    assert_eq!(launcher.call("status")?.status.code(), Some(3));
    fs::write(launcher.place.path("lbr.toml"), &right)?;
    launcher.must("start")?;
    launcher.works()?;
    launcher.configure("pory = 1\n")?;
    for action in ["reload", "restart"] {
        assert_eq!(launcher.call(action)?.status.code(), Some(6), "{action}");
    }
    assert!(!launcher.log().contains("SIGHUP"), "{}", launcher.log());
    launcher.must("status")?;
    fs::write(launcher.place.path("lbr.toml"), &right)?;
    assert_eq!(launcher.must("reload")?.matches("told to read").count(), 3);
    wait_for("the reload", || launcher.log().matches("SIGHUP").count() >= 3)?;
    launcher.works()
}

#[test]
fn a_report_says_what_a_bug_report_needs_and_no_secret() -> Result<()> {
    for shell in [Shell::Debian, Shell::BusyBox] {
        let launcher = Launcher::new(shell, User::Same)?;
        launcher.configure("log-level = \"info\" # a comment\n# another\n[ui-proxy]\nurl = \"ws://somebody:hu@hush@localhost:1/lbr\"\n")?;
        let refused = launcher.must("report")?;
        assert!(refused.contains("eventbus: not running"), "{refused}");
        fs::create_dir_all(launcher.place.path("state"))?;
        fs::write(launcher.place.path("state/ui.key"), "hush-hush")?;
        launcher.configure("")?;
        launcher.must("start")?;
        wait_for("readiness", || PROCESSES.iter().all(|process| launcher.reader(process).is_some()))?;
        let told = launcher.must("report")?;
        for part in
            ["eventbus 0.", "Linux", "fs/mqueue/msg_max: ", "instance = ", "eventbus: running", "/ui-proxy-requests", "eventbus: instance"]
        {
            let part = part.replace("/ui-proxy", &format!("{}.ui-proxy", launcher.place.instance()));
            assert!(told.contains(&part), "{part} is missing:\n{told}");
        }
        for report in [&told, &refused] {
            assert!(!report.contains("hush") && report.lines().count() < 1000, "{report}");
        }
    }
    Ok(())
}

/// The script returns before its processes are ready.
fn wait_for(what: &str, condition: impl Fn() -> bool) -> Result<()> {
    let until = Instant::now() + BACK_WITHIN;
    while Instant::now() < until {
        if condition() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("waited {BACK_WITHIN:?} in vain for {what}")
}
