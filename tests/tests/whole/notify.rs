//! What a supervisor hears from each process: ready, alive while it works and only then, reloading, stopping.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bus::queue::PeerQueue;
use lbr_tests::stack::{Child, Place, User};
use mqtypes::queues::{EVENTBUS_REQUESTS, UI_PROXY_REQUESTS, kernel_name};
use nix::sys::signal::Signal;

/// A busy machine takes its time.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

/// Several times the watchdog's limit.
const LONG_ENOUGH: Duration = Duration::from_millis(1500);

/// A process whose supervisor is the test.
struct Supervised {
    socket: UnixDatagram,
    process: Child,
}

impl Supervised {
    fn start(place: &Place, name: &str, watch: impl FnOnce(&mut Command)) -> Result<Self> {
        let path = place.path(&format!("{name}.notify"));
        let socket = UnixDatagram::bind(&path)?;
        // The process may be somebody else.
        std::fs::set_permissions(&path, Permissions::from_mode(0o666))?;
        let mut command = place.command(name)?;
        command.args(["--instance", place.instance()]).env("NOTIFY_SOCKET", &path);
        match name {
            "eventbus" => command.arg("--state-dir").arg(place.path("state")).arg("--run-dir").arg(place.path("run")),
            "ui-proxy" => command.arg("--state-dir").arg(place.path("state")),
            _serial_bridge => &mut command,
        };
        watch(&mut command);
        Ok(Self { socket, process: Child::start(name, command)? })
    }

    /// The next word, or none in so long.
    fn hears(&self, within: Duration) -> Result<Option<String>> {
        let mut word = [0; 256];
        self.socket.set_read_timeout(Some(within))?;
        match self.socket.recv(&mut word) {
            Ok(len) => Ok(Some(String::from_utf8_lossy(&word[..len]).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn expect(&self, word: &str) -> Result<()> {
        let until = Instant::now() + HEARD_WITHIN;
        while let Some(heard) = self.hears(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))? {
            if heard == word {
                return Ok(());
            }
        }
        bail!("{word} was not heard within {HEARD_WITHIN:?}:\n{}", self.process.log())
    }

    fn is_fed_for(&self, times: u32) -> Result<()> {
        (0..times).try_for_each(|_| self.expect("WATCHDOG=1"))
    }

    /// Has the configuration read again, and hears when that began, after the signal, and that it is over.
    fn is_told_of_a_reload(&self) -> Result<()> {
        let before = bus::clock::now();
        self.process.signal(Signal::SIGHUP)?;
        let begun = loop {
            match self.hears(HEARD_WITHIN)? {
                Some(word) if word == "WATCHDOG=1" => {}
                Some(word) => break word,
                None => bail!("no word of a reload:\n{}", self.process.log()),
            }
        };
        let at = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").with_context(|| format!("{begun} was heard"))?;
        ensure!(at.parse::<u64>()? >= before.0, "the reload began before it was asked for");
        self.expect("READY=1")
    }

    /// Stops the process where it is, and hears nothing of it then.
    fn hangs_unfed(&self) -> Result<()> {
        self.process.signal(Signal::SIGSTOP)?;
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", self.process.pid()));
        while !state()?.contains(") T ") {
            std::thread::sleep(Duration::from_millis(1));
        }
        while self.hears(Duration::from_millis(1))?.is_some() {}
        let heard = self.hears(LONG_ENOUGH)?;
        self.process.signal(Signal::SIGCONT)?;
        ensure!(heard.is_none(), "a hanging process said {heard:?}");
        Ok(())
    }
}

fn watched(command: &mut Command) {
    command.env("WATCHDOG_USEC", "400000");
}

#[test]
fn each_process_tells_that_it_is_ready_alive_reloading_and_stopping_and_nothing_while_it_hangs() -> Result<()> {
    for name in ["eventbus", "serial-bridge", "ui-proxy"] {
        let place = Place::new("notify", User::Unprivileged)?;
        let mut supervised = Supervised::start(&place, name, watched)?;
        let first = supervised.hears(HEARD_WITHIN)?;
        assert_eq!(first.as_deref(), Some("READY=1"), "{name}");
        supervised.is_fed_for(5).context(name)?;
        supervised.hangs_unfed().context(name)?;
        supervised.is_fed_for(2).context(name)?;
        supervised.is_told_of_a_reload().context(name)?;
        supervised.process.signal(Signal::SIGTERM)?;
        supervised.expect("STOPPING=1").context(name)?;
        supervised.process.wait(HEARD_WITHIN)?;
        assert!(!supervised.process.log().contains("passed over"), "{name} stumbles over its own pulse: {}", supervised.process.log());
    }
    Ok(())
}

#[test]
fn a_flood_from_the_group_neither_starves_the_watchdog_nor_feeds_it() -> Result<()> {
    for (name, requests) in [("eventbus", EVENTBUS_REQUESTS.spec.name), ("ui-proxy", UI_PROXY_REQUESTS.spec.name)] {
        let place = Place::new("flood", User::Same)?;
        let supervised = Supervised::start(&place, name, watched)?;
        supervised.expect("READY=1")?;
        let queue = PeerQueue::open(&kernel_name(place.instance(), requests))?;
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    if queue.send(b"not of this house").is_err() {
                        std::thread::sleep(Duration::from_micros(200));
                    }
                }
            });
            let outcome = supervised.is_fed_for(5).and_then(|()| supervised.hangs_unfed()).and_then(|()| supervised.is_fed_for(2));
            is_over.store(true, Ordering::Relaxed);
            outcome.context(name)
        })?;
    }
    Ok(())
}

#[test]
fn a_watchdog_that_is_kept_on_somebody_else_is_not_fed() -> Result<()> {
    let place = Place::new("other", User::Unprivileged)?;
    for watch in [None, Some("1")] {
        let supervised = Supervised::start(&place, "ui-proxy", |command| {
            if let Some(pid) = watch {
                watched(command);
                command.env("WATCHDOG_PID", pid);
            }
        })?;
        supervised.expect("READY=1")?;
        assert_eq!(supervised.hears(LONG_ENOUGH)?, None);
        std::fs::remove_file(place.path("ui-proxy.notify"))?;
    }
    Ok(())
}

#[test]
fn a_pulse_of_the_watchdog_is_nothing_new_to_remember() -> Result<()> {
    let place = Place::new("pulse", User::Unprivileged)?;
    let supervised = Supervised::start(&place, "eventbus", watched)?;
    supervised.expect("READY=1")?;
    // A change is on disk after ten seconds.
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        supervised.is_fed_for(1)?;
    }
    assert!(!place.path("run/eventbus.model").exists(), "a model of which nothing is known was written");
    Ok(())
}
