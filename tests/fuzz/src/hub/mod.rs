//! The whole of `eventbus` but its queues: frames, reports and requests in any order, in virtual time.

mod script;
mod stage;

use mqtypes::broker::{Request, Subscribe};
use mqtypes::codec;
use mqtypes::command::{Action, Command};
use mqtypes::ids::RequestId;
use mqtypes::mono::Mono;
use mqtypes::serial::{PortState, SerialNotification, WriteEnd};

use crate::{Outcome, Target, seeds};

use script::{Script, Step};
use stage::Stage;

/// The target. Its input is a [`script`].
pub const TARGET: Target =
    Target { name: "hub", run, seeds: scripts, repair: script::repair, longest: 6 * 1024, most_held: 1024 * 1024, short_run: 400 };

/// Takes `input` for a script and plays it. Whatever happens: the model and its timers stay bounded, what is told fits a
/// message, what goes to a mote is a frame that it takes, no command has more than one end, and when nothing more happens
/// everything comes to rest and everybody is forgotten.
pub fn run(input: &[u8]) -> Outcome {
    let mut script = Script::new(input);
    let mut stage = Stage::new(script.disk());
    while let Some(step) = script.step() {
        stage.play(step);
        stage.check();
    }
    stage.come_to_rest();
    stage.outcome()
}

/// Scripts made of what motes said, with all that a host can want of them in between.
fn scripts() -> Vec<Vec<u8>> {
    let frames = seeds::from_motes(b"SVIWUECDFP");
    let mut all: Vec<_> = frames.chunks(16).enumerate().map(|(number, frames)| of_frames(number, frames)).collect();
    all.extend(seeds::from_motes(b"D").chunks(10).enumerate().map(|(number, packets)| of_packets(number, packets)));
    let golden = |step, file| seeds::golden(file).into_iter().map(move |message| (step, message));
    let messages: Vec<(u8, Vec<u8>)> = golden(script::REQUEST, "request").chain(golden(script::SERIAL, "serial_notification")).collect();
    let of_messages =
        |part: &[(u8, Vec<u8>)]| part.iter().fold(script::begin(1), |script, (step, message)| script::message(script, *step, message));
    all.extend(messages.chunks(8).map(of_messages));
    all
}

fn of_frames(number: usize, frames: &[Vec<u8>]) -> Vec<u8> {
    const ANSWERED: [u8; 5] = [script::WRITTEN, 0, 0, script::ECHO, 0];
    const READ_LATER: [u8; 4] = [script::PASS, 10, script::READ, 0];
    let mut script = script::begin(number);
    script.extend([script::SUBSCRIBE, 0, 0xff, 0xff, 200, script::PORT, 0, 1, 2, 0]);
    for (at, frame) in frames.iter().enumerate() {
        script = script::frame(script, (at % 2) as u8, frame);
        if at % 4 == 3 {
            let action = (number + at) as u8;
            let command = [script::COMMAND, 1, action, 30, 3, 16];
            script.extend(command.into_iter().chain(ANSWERED).chain(READ_LATER));
        }
    }
    script
}

/// Packets from the mesh, through a root that has told who it is.
fn of_packets(number: usize, packets: &[Vec<u8>]) -> Vec<u8> {
    let script = script::frame([script::begin(number), vec![script::SUBSCRIBE, 0, 0xff, 0xff, 200]].concat(), 0, &script::named(1));
    let mut script = packets.iter().fold(script, |script, packet| script::frame(script, 0, packet));
    script.extend([script::READ, 0, script::PASS, 20, script::READ, 0]);
    script
}

impl Stage {
    fn play(&mut self, step: Step<'_>) {
        match step {
            Step::Frame { port, generation, age, payload } => self.frame(port, generation, age, payload),
            Step::Port { port, generation, state, faults } => self.port(port, generation, state, faults),
            Step::Pass(time) => self.pass(time),
            Step::Subscribe { reply, topics, lease_ms } => {
                self.request(Request::Subscribe(Subscribe { reply: reply.to_owned(), topics, lease_ms }));
            }
            Step::Unsubscribe(reply) => self.request(Request::Unsubscribe { reply: reply.to_owned() }),
            Step::Command { reply, target, action, seconds } => {
                let deadline = Mono(self.now.0.saturating_add(seconds.saturating_mul(1_000_000)));
                self.command(Command { id: RequestId(0), reply: reply.to_owned(), deadline, target, action });
            }
            Step::Written { end, which } => self.written(end, which),
            Step::Echo { wrong } => self.echo(wrong),
            Step::Read(reply) => self.read(reply),
            Step::Lost(frames) => self.serial(SerialNotification::Lost { frames }),
            Step::Restart => self.restart_peer(),
            Step::Serial(message) => {
                for notification in codec::decode::<SerialNotification>(message).map(|(_, items)| items).unwrap_or_default() {
                    self.serial(notification);
                }
            }
            Step::Request(message) => {
                for request in codec::decode::<Request>(message).map(|(_, items)| items).unwrap_or_default() {
                    match request {
                        Request::Command(command) => self.command(command),
                        other @ (Request::Subscribe(_) | Request::Unsubscribe { .. } | Request::AskHealth) => self.request(other),
                    }
                }
            }
        }
    }
}

/// An action by number; echo tests have `count` and `size`.
fn action(number: u8, count: u8, size: u8) -> Action {
    match number % 5 {
        0 => Action::ToggleDagroot,
        1 => Action::SetDagroot { on: true },
        2 => Action::SetDagroot { on: false },
        3 => Action::Reset,
        _echo => Action::Echo { count: count.into(), size },
    }
}

fn port_state(number: u8) -> PortState {
    match number % 4 {
        0 => PortState::Down { cause: "gone".to_owned() },
        1 => PortState::Probing,
        2 => PortState::Up,
        _fault => PortState::Fault { cause: "it fails".to_owned() },
    }
}

fn write_end(number: u8) -> WriteEnd {
    const ENDS: [WriteEnd; 6] =
        [WriteEnd::Written, WriteEnd::Busy, WriteEnd::Expired, WriteEnd::NoSuchPort, WriteEnd::PortDown, WriteEnd::BadLength];
    // Mostly it succeeds.
    ENDS[usize::from(number.saturating_sub(200)) % ENDS.len()]
}
