//! What is shown of a fixed model, as it was accepted: recording B, in which one mote's cable was never plugged in.
//!
//! No clock is in it: the recording's time goes on for a second after its last frame.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::moment::Moment;
use mqtypes::broker::{Notification, Request, Subscribe, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::serial::{FaultCount, FrameFault, PortCounters, PortReport, PortState, SerialNotification};

use super::health::tests::told;
use super::health::{self, Gathering, Presence, Vitals};
use super::picture::Picture;
use super::show::{Section, lines as shown};
use super::terminal::Ink;
use super::top::rates::tests::sample;
use super::{decode, list, motes, stats, top};

/// A port that was never there.
const UNPLUGGED: &str = "mote5";

struct Stage {
    picture: Picture,
    ports: Vec<PortReport>,
    now: Mono,
}

impl Stage {
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/B.jsonl.gz");
        let state = decode::played(&file, |port| port != UNPLUGGED);
        let ports: Vec<_> = ["mote1", "mote2", "mote3", "mote4"].map(|name| up(name, &state)).into();
        let (mut hub, last) = state.into_hub();
        let now = last.after(Duration::from_secs(1));
        for report in &ports {
            hub.handle_serial(now, &envelope(Sender::SerialBridge), SerialNotification::Port(report.clone()));
        }
        let wish = Subscribe { reply: "tap-1".to_owned(), topics: Topic::ALL.to_vec(), lease_ms: 1000 };
        hub.handle_request(now, &envelope(Sender::Tool), Request::Subscribe(wish));
        let mut picture = Picture::default();
        let (broker, resolve) = hub.settle();
        for (_, mailbox) in broker.waiting() {
            for entry in mailbox.iter() {
                entry.tell(&resolve, |notification| picture.handle_notification(notification));
            }
        }
        Self { picture, ports, now }
    }

    fn sheet(&self, mote: &str, section: Option<Section>) -> Vec<String> {
        let mote = mote.parse::<super::mote_name::MoteName>().expect("a name");
        shown(mote.find(&self.picture).expect("there"), section, self.now, Ink::Plain)
    }
}

fn envelope(sender: Sender) -> Envelope {
    Envelope { sender, boot: BootId(1), seq: 0, sent: Mono(0) }
}

fn up(name: &str, state: &decode::State) -> PortReport {
    let port = PortName(name.to_owned());
    let counters = PortCounters {
        rx_frames: state.frames_on(Some(&port)),
        rx_bytes: 4_000_000,
        openings: 1,
        faults: if name == "mote3" { vec![FaultCount { fault: FrameFault::BadCrc, count: 8 }] } else { vec![] },
        ..PortCounters::default()
    };
    PortReport { port, generation: Generation(1), state: PortState::Up, since: Mono(0), baud: 115_200, counters }
}

fn check(name: &str, lines: &[String]) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/golden/inspect", name].iter().collect();
    let now = lines.join("\n") + "\n";
    if std::env::var_os("RENEW").is_some() {
        std::fs::write(&path, &now).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let accepted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(now == accepted, "{name} is now as follows; if it is meant: RENEW=1 cargo test -p eventbus --lib inspect::golden\n{now}");
}

#[test]
fn motes_and_their_sheets_are_as_they_were_accepted() {
    let stage = Stage::new();
    check("motes.txt", &motes::lines(&stage.picture, stage.now, Ink::Plain));
    check("show.txt", &stage.sheet("0003", None));
    check("show-neighbors.txt", &stage.sheet("0003", Some(Section::Neighbors)));
    check("show-schedule.txt", &stage.sheet("0003", Some(Section::Schedule)));
    check("show-queue.txt", &stage.sheet("0002", Some(Section::Queue)));
    check("stats.txt", &counters(&stage.ports));
}

fn counters(ports: &[PortReport]) -> Vec<String> {
    let mut told_so_far = Gathering::new(Mono(0), std::iter::empty());
    let eventbus = told(Sender::Eventbus, 41_000, &[("eventbus.foreign", 3), ("mailbox-shortened", 1)]);
    for health in [told(Sender::SerialBridge, 12_000, &[]), eventbus, told(Sender::UiProxy, 90, &[])] {
        told_so_far.handle_notification(Mono(0), &Notification::Health(health));
    }
    for report in ports {
        told_so_far.handle_notification(Mono(0), &Notification::Port(report.clone()));
    }
    let running = Presence::Running(Vitals::default());
    let seen = [(Sender::SerialBridge, running), (Sender::Eventbus, running), (Sender::UiProxy, running)];
    stats::text(&health::all(&told_so_far, &seen), &told_so_far, Ink::Plain)
}

#[test]
fn an_interval_is_as_it_was_accepted() {
    let now = Moment { mono: Mono(104_000_000), unix_ms: 1_700_000_000_000 };
    let rates = top::rates::between(&sample(100), &sample(104));
    check("top.txt", &top::lines(&rates, &list::some_rows(), now, Ink::Plain));
}
