//! Nonsense from every side: each gets a clear message and a counter, and the router goes on.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};
use bus::queue::{OwnedQueue, PeerQueue, glance};
use lbr_tests::stack::{Child, GuiHost, Motes, Place, Router, User};
use mqtypes::broker::Request;
use mqtypes::codec;
use mqtypes::envelope::{CURRENT, Envelope, MIN, Sender};
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;
use mqtypes::queues::{self, Spec, kernel_name};
use nix::sys::signal::Signal;
use serde_json::Value;

const WITHIN: Duration = Duration::from_mins(1);

struct Stage {
    router: Router,
    gui: GuiHost,
    place: Place,
}

fn start() -> Result<Stage> {
    let place = Place::new("bad-input", User::Same)?;
    let gui = GuiHost::start(&place)?;
    let router = Router::start(&place, &Motes::Emulated(1), &gui.url())?;
    Ok(Stage { router, gui, place })
}

impl Stage {
    /// The set still does its work.
    fn works(&mut self) -> Result<()> {
        self.router.ui_proxy.signal(Signal::SIGUSR1)?;
        let mark = self.gui.mark();
        self.gui.wait_for("a fresh status", mark, |message| message["elements"]["Asn"]["asn"].as_u64())?;
        Ok(())
    }

    fn dropped(&self, process: &str, reason: &str) -> Result<u64> {
        self.gui.wait_for(&format!("{reason} in the health of {process}"), 0, |message| {
            let processes = message["processes"].as_array()?;
            let health = processes.iter().find(|health| health["name"] == process)?;
            health["dropped"].as_object()?.iter().find(|(name, _)| name.contains(reason)).and_then(|(_, count)| count.as_u64())
        })
    }
}

#[test]
fn foreign_old_and_malformed_messages_in_live_queues_are_counted_and_passed_over() -> Result<()> {
    let mut stage = start()?;
    let envelope = Envelope { sender: Sender::Tool, boot: BootId(1), seq: 0, sent: Mono(0) };
    let good = codec::encode(&envelope, &Request::AskHealth)?;
    let version = |version: u8| good.iter().enumerate().map(|(at, byte)| if at == 4 { version } else { *byte }).collect::<Vec<_>>();
    let trailing = [good.as_slice(), &[0xff; 3]].concat();
    let messages: [&[u8]; 5] = [b"hello?", &version(CURRENT + 1), &version(MIN - 1), &trailing, &good[..good.len() - 1]];
    for spec in queues::ALL {
        let queue = PeerQueue::open(&kernel_name(stage.place.instance(), spec.name))?;
        for message in messages {
            send(&queue, message)?;
        }
    }
    for process in [&stage.router.serial_bridge, &stage.router.eventbus, &stage.router.ui_proxy] {
        for words in ["foreign bytes", "is newer than", "is older than", "malformed message"] {
            process.stderr.wait_for(words, 0, WITHIN, |line| line.contains(words).then_some(()))?;
        }
    }
    stage.works()?;
    for process in ["serial-bridge", "eventbus", "ui-proxy"] {
        for reason in ["foreign", "newer-version", "older-version", "malformed"] {
            assert!(stage.dropped(process, reason)? >= 1, "{process} {reason}");
        }
    }
    stage.router.stop()
}

/// The queue may be full for a moment; its owner is at work on it.
fn send(queue: &PeerQueue, message: &[u8]) -> Result<()> {
    for _try in 0..1000 {
        match queue.send(message) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(5)),
            other => return Ok(other?),
        }
    }
    anyhow::bail!("the queue stays full")
}

#[test]
fn the_second_instance_of_a_process_is_refused_with_the_pid_of_the_first() -> Result<()> {
    let mut stage = start()?;
    for (name, first) in [
        ("serial-bridge", stage.router.serial_bridge.pid()),
        ("eventbus", stage.router.eventbus.pid()),
        ("ui-proxy", stage.router.ui_proxy.pid()),
    ] {
        let mut command = stage.place.command(name)?;
        command.args(["--instance", stage.place.instance()]);
        if name != "serial-bridge" {
            command.arg("--state-dir").arg(stage.place.path("state"));
        }
        if name == "eventbus" {
            command.arg("--run-dir").arg(stage.place.path("run"));
        }
        let mut second = Child::start(name, command)?;
        let status = second.wait(WITHIN)?;
        assert_eq!(status.code(), Some(69), "{name}: {}", second.log());
        assert!(second.log().contains(&format!("process {first}")), "{name}: {}", second.log());
    }
    stage.works()
}

#[test]
fn a_queue_left_over_with_other_attributes_is_replaced() -> Result<()> {
    let place = Place::new("leftover", User::Same)?;
    let name = kernel_name(place.instance(), queues::EVENTBUS.spec.name);
    let old = Spec { depth: 3, size: 128, ..queues::EVENTBUS.spec };
    drop(OwnedQueue::open_named(&name, &old)?);
    let gui = GuiHost::start(&place)?;
    let router = Router::start(&place, &Motes::Emulated(1), &gui.url())?;
    let now = glance(&name)?;
    assert_eq!((now.depth, now.size), (queues::EVENTBUS.spec.depth, queues::EVENTBUS.spec.size));
    assert!(router.eventbus.log().contains("left over with 3 x 128"), "{}", router.eventbus.log());
    Stage { router, gui, place }.works()
}

#[test]
fn a_port_that_does_not_exist_is_named_and_the_others_work() -> Result<()> {
    let mut stage = start()?;
    stage.router.serial_bridge.stop()?;
    let missing = stage.place.path("no-such-port");
    let ports = [missing.clone(), stage.place.path(""), stage.router.ports[0].clone()];
    stage.router.serial_bridge = lbr_tests::stack::router::start_serial_bridge(&stage.place, &ports)?;
    stage.works()?;
    let shown = stage.gui.wait_for_mote("the missing port", 0, |mote| mote["port"] == missing.display().to_string())?;
    assert_eq!(shown["link"], "down");
    Ok(())
}

#[test]
fn options_out_of_range_are_refused_by_name() -> Result<()> {
    let place = Place::new("options", User::Same)?;
    let cases: [(&str, &[&str], &str); 6] = [
        ("serial-bridge", &["--baud", "0"], "--baud"),
        ("serial-bridge", &["--instance", "a/b"], "--instance"),
        ("eventbus", &["--prefix", "bbbb::1"], "--prefix"),
        ("eventbus", &["--nonsense"], "--nonsense"),
        ("ui-proxy", &["--url", "http://localhost:8000/lbr"], "--url"),
        ("gui-host", &["--port", "70000"], "--port"),
    ];
    for (process, options, name) in cases {
        let output = place.command(process)?.args(options).output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{process} {options:?}: {text}");
        assert!(text.contains(name), "{process} {options:?}: {text}");
    }
    Ok(())
}

#[test]
fn a_router_that_is_no_router_cannot_disturb_the_gui_host() -> Result<()> {
    let mut stage = start()?;
    let mut stranger = TcpStream::connect(("127.0.0.1", stage.gui.link_port))?;
    stranger.write_all(&[0x16, 0x03, 0x01, 0xff, 0xff].repeat(10_000)).or_else(ignore_reset)?;
    stage.works()?;
    let hello: Value = stage.gui.wait_for_type("hello", 0).context("the real router got through")?;
    assert_eq!(hello["lbr"]["name"], stage.place.instance());
    Ok(())
}

/// The host may close before everything is written.
fn ignore_reset(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Ok(()),
        _other => Err(error),
    }
}
