//! `mq-inspect replay`: what motes said in a recording, said again through pseudo-terminals, with its timing.
//!
//! It says and does not answer: what the host sends is read, counted and forgotten. No queue and no router is needed, only a
//! `serial-bridge` that opens the ports. What a pseudo-terminal needs is for whoever else plays a mote, too.

pub mod attendance;
pub mod clock;
mod line;
mod names;
mod options;
pub mod pty;
mod tape;

use std::io;
use std::path::Path;
use std::time::Duration;

use bus::process::{Failure, Identity, Process};
use bus::reactor::{Reactor, Wake};
use bus::signals::{self, Signal};
use mqtypes::envelope::Sender;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;

use super::End;
use super::decode::input::Trouble;
use super::port_name::is_called;
use super::terminal::{self, complain};
use super::time::span;
use clock::Clock;
use line::{Line, Totals};
use pty::Pty;
use tape::{Piece, Tape};

pub(super) use options::ReplayOptions;
pub use options::{Ending, Laps};

/// Hanging up throws away what a reader has not fetched, and the kernel does not tell when it has.
const LINGERS: Duration = Duration::from_secs(1);

/// Pieces that are said before hosts are listened to again.
const PIECES_AT_ONCE: usize = 64;

/// Runs it.
pub(super) fn run(options: &ReplayOptions) -> Result<End, Failure> {
    let is_stream = options.file.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    if options.file == Path::new("-") || is_stream {
        let name = options.file.display();
        return Err(Failure::Environment(format!("{name}: a file is expected, since it is gone through before it is played")));
    }
    let is_wanted = |port: &PortName| options.ports.is_empty() || options.ports.iter().any(|name| is_called(port, name));
    let tape = match Tape::open(&options.file, options.laps(), is_wanted) {
        Ok(tape) => tape,
        Err(trouble) => return trouble.end(),
    };
    if tape.ports().next().is_none() {
        complain(&format!("{}: no mote says anything in it, or none that was asked for", options.file.display()));
        return Ok(End::WrongFile);
    }
    signals::block()?;
    let process = Process { identity: Identity::new(Sender::Tool) };
    Player::new(&process, tape, options)?.run()
}

/// A recording on its ports.
struct Player {
    /// By the index of a line.
    reactor: Reactor<usize>,
    lines: Vec<Line>,
    tape: Tape,
    clock: Clock,
    next: Option<Piece>,
    ending: Ending,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not all ports are open yet.
    Waits,
    /// Since then.
    Plays { since: Mono },
    /// Everything is said, and the ports go at this moment.
    Lingers { until: Mono },
    /// Everything is said, and the ports stay.
    Stays,
}

impl Player {
    fn new(process: &Process, mut tape: Tape, options: &ReplayOptions) -> Result<Self, Failure> {
        let now = bus::clock::now();
        let mut reactor = Reactor::new(process)?;
        let names: Vec<_> = tape.ports().map(|port| port.0.clone()).collect();
        let links = names::files(names.iter().map(String::as_str));
        if let Some(directory) = &options.link {
            std::fs::create_dir_all(directory).map_err(|error| unusable(directory, &error))?;
        }
        let mut lines = Vec::new();
        for (index, (name, link)) in names.iter().zip(links).enumerate() {
            let pty = Pty::open().map_err(|error| {
                Failure::Environment(format!("no pseudo-terminal to be had for {name}: {error}; choose fewer ports by --port"))
            })?;
            let pty = match &options.link {
                Some(directory) => pty.linked(directory.join(&link)).map_err(|error| unusable(&directory.join(&link), &error))?,
                None => pty,
            };
            terminal::print(&format!("port {} {}\n", terminal::printable(name), pty.path().display()))?;
            lines.push(Line::new(pty, &reactor.register(index), now)?);
        }
        complain(match lines.len() {
            1 => "playing begins when the port is open",
            _several => "playing begins when all of these ports are open",
        });
        let next = tape.next_piece().map_err(|trouble| Failure::Environment(trouble.to_string()))?;
        let (clock, ending, state) = (Clock::new(options.speed), options.ending(), State::Waits);
        Ok(Self { reactor, lines, tape, clock, next, ending, state })
    }

    fn run(mut self) -> Result<End, Failure> {
        loop {
            let now = bus::clock::now();
            for line in &mut self.lines {
                line.handle_timeout(now)?;
            }
            self.begin(now);
            if let Err(trouble) = self.play(now)? {
                return trouble.end();
            }
            self.approach_end(now);
            if matches!(self.state, State::Lingers { until } if until <= now) {
                return Ok(End::Done);
            }
            match self.reactor.next(self.poll_timeout())? {
                Wake::Ready(line) => self.lines[line].serve(bus::clock::now())?,
                Wake::Timeout | Wake::Signal(Signal::Wake) => {}
                // A terminal that is closed sends SIGHUP.
                Wake::Signal(Signal::Stop | Signal::Reload) => {
                    self.tell_totals(bus::clock::now());
                    return Ok(End::Done);
                }
            }
        }
    }

    /// Playing begins when everybody listens, so that nobody misses the first words.
    fn begin(&mut self, now: Mono) {
        if self.state == State::Waits && self.lines.iter().all(Line::is_read) {
            self.clock.start(now);
            self.state = State::Plays { since: now };
        }
    }

    /// Says what is due, piece by piece in the order of the recording: whoever does not take a piece makes all others wait.
    fn play(&mut self, now: Mono) -> io::Result<Result<(), Trouble>> {
        for _piece in 0..PIECES_AT_ONCE {
            let Some(piece) = self.next.take_if(|piece| is_due(piece, &self.clock, now) && !self.lines[piece.port].is_busy()) else {
                break;
            };
            self.lines[piece.port].say(piece.bytes)?;
            match self.tape.next_piece() {
                Ok(next) => self.next = next,
                Err(trouble) => return Ok(Err(trouble)),
            }
        }
        Ok(Ok(()))
    }

    fn approach_end(&mut self, now: Mono) {
        let is_over = self.next.is_none() && !self.lines.iter().any(Line::is_busy);
        if let State::Plays { .. } = self.state
            && is_over
        {
            self.tell_totals(now);
            self.state = match self.ending {
                Ending::Leaves => State::Lingers { until: now.after(LINGERS) },
                Ending::Stays => State::Stays,
            };
        }
    }

    /// Once, when everything is said or somebody stops it.
    fn tell_totals(&self, now: Mono) {
        let (mut sum, time) = match self.state {
            State::Plays { since } => (Totals::default(), now.since(since)),
            State::Waits => return complain("not all ports were opened, so nothing was played"),
            State::Lingers { .. } | State::Stays => return,
        };
        for totals in self.lines.iter().map(Line::totals) {
            sum.said += totals.said;
            sum.passed_over += totals.passed_over;
            sum.heard += totals.heard;
        }
        let Totals { said, passed_over, heard } = sum;
        let lost = if passed_over == 0 { String::new() } else { format!("; {passed_over} bytes nobody was there to read") };
        complain(&format!("{said} bytes said in {}{lost}; {heard} bytes heard from the host", span(time)));
    }

    fn poll_timeout(&self) -> Option<Mono> {
        let lines = self.lines.iter().filter_map(Line::poll_timeout).min();
        let piece = self.next.as_ref().filter(|piece| !self.lines[piece.port].is_busy()).and_then(|piece| self.clock.when(piece.at));
        let end = match self.state {
            State::Lingers { until } => Some(until),
            State::Waits | State::Plays { .. } | State::Stays => None,
        };
        [lines, piece, end].into_iter().flatten().min()
    }
}

fn is_due(piece: &Piece, clock: &Clock, now: Mono) -> bool {
    clock.when(piece.at).is_some_and(|at| at <= now)
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::Environment(format!("{}: {error}; name another directory with --link", path.display()))
}
