//! Over and over: cables that are pulled at any moment, and many ports at once. `LBR_REPLUGS`, `LBR_MANY_PORTS`,
//! `LBR_MANY_SECONDS` and `LBR_IDLE_SECONDS` make the short runs long; figures are printed.

use std::fs;
use std::io::BufRead;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bus::clock;
use flate2::read::GzDecoder;
use framing::{flow, hdlc};
use mqtypes::ids::{Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::serial::{FrameToMote, PortState, SerialCommand, SerialNotification};

use crate::stage::{Mote, Stage, newest_report, payloads};

/// What the environment asks for.
pub fn asked(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// Numbers that differ from run to run; the first is printed, so that a run can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pause(&mut self, most: Duration) {
        std::thread::sleep(Duration::from_micros(self.below(most.as_micros() as u64)));
    }
}

/// The moment in a port's life at which its cable is pulled.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Quiet,
    MidFrame,
    MidWrite,
    Probing,
}

const MOMENTS: [Moment; 4] = [Moment::Quiet, Moment::MidFrame, Moment::MidWrite, Moment::Probing];

struct Cable {
    link: PathBuf,
    port: PortName,
}

#[derive(Default)]
struct Latencies(Vec<Duration>);

impl Latencies {
    fn text(&mut self) -> String {
        self.0.sort();
        let at = |part: usize| self.0.get(self.0.len() * part / 100).or(self.0.last()).copied().unwrap_or_default();
        format!("p50 {:?}, p99 {:?}, max {:?} of {}", at(50), at(99), at(100), self.0.len())
    }

    fn worst(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }
}

struct Replugs {
    stage: Stage,
    chance: Chance,
    up: Latencies,
    down: Latencies,
    generation: [u32; 2],
    strays: usize,
}

/// What a mote says in a generation of a port: it is known where it belongs.
fn words(generation: u32, number: u8) -> Vec<u8> {
    [&b"S"[..], &generation.to_be_bytes(), &[number], &[0x7e; 20]].concat()
}

impl Replugs {
    fn wait_open(&mut self, cable: &Cable, generation: u32, plugged: Instant, wanted: impl Fn(&PortState) -> bool) {
        let is_it = |said: &[SerialNotification]| {
            newest_report(said, &cable.port).filter(|report| report.generation == Generation(generation) && wanted(&report.state))
        };
        self.stage.wait_for("the port", is_it);
        self.up.0.push(plugged.elapsed());
    }

    /// Plugs a mote in, lets it live for a moment, and pulls the cable.
    fn cycle(&mut self, which: usize, cable: &Cable, moment: Moment) {
        let (mut mote, path) = Mote::new();
        self.generation[which] += 1;
        let generation = self.generation[which];
        let plugged = Instant::now();
        symlink(path, &cable.link).expect("link");
        // The second port looks for its rate.
        if which == 1 {
            self.wait_open(cable, generation, plugged, |state| *state == PortState::Probing);
        }
        if which == 0 || !matches!(moment, Moment::Probing) {
            mote.say(&flow::escape(&hdlc::encode(&words(generation, 0))));
            self.wait_open(cable, generation, plugged, |state| *state == PortState::Up);
        }
        match moment {
            Moment::Quiet | Moment::Probing => {}
            Moment::MidFrame => {
                for number in 1..20 {
                    mote.say(&flow::escape(&hdlc::encode(&words(generation, number))));
                }
                let frame = hdlc::encode(&words(generation, 99));
                let cut = self.chance.below(frame.len() as u64) as usize;
                mote.say(&frame[..cut]);
            }
            Moment::MidWrite => {
                mote.say(&[flow::XOFF]);
                for id in 0..6 {
                    self.write(id, &cable.port, generation);
                }
            }
        }
        self.chance.pause(Duration::from_millis(30));
        let pulled = Instant::now();
        if self.chance.below(2) == 0 {
            fs::remove_file(&cable.link).expect("removed");
            self.chance.pause(Duration::from_millis(5));
            drop(mote);
        } else {
            drop(mote);
            self.chance.pause(Duration::from_millis(5));
            fs::remove_file(&cable.link).expect("removed");
        }
        self.stage
            .wait_for("the loss", |said| newest_report(said, &cable.port).filter(|report| matches!(report.state, PortState::Down { .. })));
        self.down.0.push(pulled.elapsed());
        self.chance.pause(Duration::from_millis(30));
        self.strays += self.stage.said.iter().filter(|said| is_stray(said)).count();
        self.stage.said.clear();
    }

    fn write(&self, id: u64, port: &PortName, generation: u32) {
        let (id, port, generation) = (mqtypes::ids::WriteId(id), port.clone(), Generation(generation));
        let deadline = clock::now().after(Duration::from_secs(5));
        self.stage.ask(&SerialCommand::Write(FrameToMote { id, port, generation, deadline, payload: vec![0x55; 190] }));
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A frame that bears another generation than the one in which it was said.
fn is_stray(said: &SerialNotification) -> bool {
    match said {
        SerialNotification::Frame(frame) => frame.payload[1..5] != frame.generation.0.to_be_bytes(),
        SerialNotification::Port(_)
        | SerialNotification::Write(_)
        | SerialNotification::Health(_)
        | SerialNotification::Lost { .. }
        | SerialNotification::Bytes(_) => false,
    }
}

#[test]
fn replug() {
    let count = asked("LBR_REPLUGS", 40);
    let mut cables = Vec::new();
    let stage = Stage::start_with("replug", |directory| {
        for name in ["fixed", "probed"] {
            let link = directory.path().join(name);
            cables.push(Cable { port: PortName(link.display().to_string()), link });
        }
        vec![cables[0].port.0.clone(), format!("{},baud=auto", cables[1].port.0)]
    });
    let seed = clock::now().0 | 1;
    let mut replugs =
        Replugs { stage, chance: Chance(seed), up: Latencies::default(), down: Latencies::default(), generation: [0; 2], strays: 0 };
    let mut begun = (0, 0);
    for cycle in 0..count {
        if cycle == count / 8 {
            begun = (replugs.stage.descriptors(), replugs.stage.rss());
            replugs.down.0.clear();
            replugs.up.0.clear();
        }
        let which = replugs.chance.below(2) as usize;
        let moment = MOMENTS[replugs.chance.below(4) as usize];
        replugs.cycle(which, &cables[which], moment);
    }
    let ended = (replugs.stage.descriptors(), replugs.stage.rss());
    println!("{count} replugs, seed {seed}: up after {}; down after {}", replugs.up.text(), replugs.down.text());
    println!("descriptors {} -> {}, RSS {} -> {} KiB, strays {}", begun.0, ended.0, begun.1, ended.1, replugs.strays);
    assert_eq!((ended.0, replugs.strays), (begun.0, 0));
    assert!(ended.1 <= begun.1 + 256, "it has grown");
    assert!(replugs.up.worst() < Duration::from_secs(2) && replugs.down.worst() < Duration::from_secs(1));
    for (cable, generation) in cables.iter().zip(replugs.generation) {
        let report = newest(&mut replugs.stage, &cable.port);
        assert_eq!(
            (report.generation, report.counters.openings),
            (Generation(generation), u64::from(generation)),
            "each plug was one opening"
        );
    }
}

fn newest(stage: &mut Stage, port: &PortName) -> mqtypes::serial::PortReport {
    stage.said.clear();
    stage.ask(&SerialCommand::ReportPorts);
    stage.wait_for("a report", |said| newest_report(said, port))
}

/// What a genuine mote said.
fn recorded() -> Vec<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/A.oracle.jsonl.gz");
    let file = std::io::BufReader::new(GzDecoder::new(fs::File::open(path).expect("the recording")));
    let line = |line: std::io::Result<String>| serde_json::from_str::<serde_json::Value>(&line.expect("text")).expect("JSON");
    let frames = file.lines().map(line).filter_map(|line| line["frame_hex"].as_str().map(hex));
    frames.take(1000).map(|payload| flow::escape(&hdlc::encode(&payload))).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn many_ports_at_ten_frames_a_second_each_lose_nothing() {
    let (count, seconds) = (asked("LBR_MANY_PORTS", 100), asked("LBR_MANY_SECONDS", 3));
    let (mut motes, paths): (Vec<_>, Vec<_>) = (0..count).map(|_| Mote::new()).unzip();
    let mut stage = Stage::start_with("many", |directory| {
        for (number, path) in paths.iter().enumerate() {
            symlink(path, directory.path().join(format!("mote-{number}"))).expect("link");
        }
        vec![format!("{}/mote-*", directory.path().display())]
    });
    let is_up = |said: &SerialNotification| matches!(said, SerialNotification::Port(report) if report.state == PortState::Up);
    stage.wait_for("all ports", |said| (said.iter().filter(|said| is_up(said)).count() == count).then_some(()));
    stage.said.clear();
    let (frames, cpu, woken) = (recorded(), stage.cpu(), stage.switches());
    let begun = clock::now();
    for round in 0..seconds * 10 {
        let share = 100_000 / motes.len() as u64;
        for (number, mote) in motes.iter_mut().enumerate() {
            mote.say(&frames[(round + number * 7) % frames.len()]);
            // Spread over the tenth of a second, as motes do not wait for each other.
            let due = begun.0 + round as u64 * 100_000 + number as u64 * share;
            std::thread::sleep(Mono(due).until(clock::now()));
        }
        while stage.take() {}
    }
    let expect = count * seconds * 10;
    stage.wait_for("all frames", |said| (payloads(said).len() == expect).then_some(()));
    let (span, cpu) = (clock::now().since(begun), stage.cpu() - cpu);
    let percent = cpu as f64 * 10.0 / span.as_secs_f64() / 10.0;
    let (rss, woken) = (stage.rss(), stage.switches() - woken);
    println!("{count} ports, {expect} frames in {span:?}: CPU {percent:.1} % of one core, RSS {rss} KiB, {woken} wake-ups");
    stage.said.clear();
    stage.ask(&SerialCommand::ReportPorts);
    let reports = stage.wait_for("all reports", |said| {
        let reports: Vec<_> =
            said.iter().filter_map(|said| if let SerialNotification::Port(report) = said { Some(report.clone()) } else { None }).collect();
        (reports.len() >= count).then_some(reports)
    });
    assert!(reports.iter().all(|report| report.state == PortState::Up && report.counters.rx_frames == seconds as u64 * 10));
    assert!(reports.iter().all(|report| report.counters.faults.is_empty() && report.counters.openings == 1));
}
