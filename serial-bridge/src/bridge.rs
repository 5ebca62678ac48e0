//! The whole of `serial-bridge` but its descriptors: what happens to ports, bytes and commands, and what follows.
//!
//! `handle_*` for what happened, `poll_*` for what to do next; the time is always an argument. It never
//! waits, and knows of a frame only that its CRC is right, its own request for an echo aside. Call [`Bridge::poll_notice`] and
//! [`Bridge::poll_action`] until they are empty after each `handle_*`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bus::tally::Tally;
use framing::hdlc;
use mqtypes::ids::{Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::serial::{
    Direction, FrameToMote, LineBytes, MAX_LINE_BYTES, MAX_PAYLOAD_TO_MOTE, PortReport, PortState, ReceivedFrame, SerialCommand, WriteEnd,
    WriteReport,
};

use crate::line::Opened;
use crate::output::{Busy, Ended, Verdict};
use crate::port::{Phase, Port, PortId, Want, Wanted, Way};
use crate::trouble::Trouble;

/// Who wants bytes for longer asks again: then they end by themselves when nobody does.
const LONGEST_PASSING: Duration = Duration::from_mins(1);

/// What the bus is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The report of this port has changed, or was asked for.
    Port(PortId),
    /// A frame came.
    Frame(ReceivedFrame),
    /// A write has ended.
    Write(WriteReport),
    /// Our own figures were asked for.
    Health,
    /// Bytes crossed a line, and somebody has asked for them.
    Bytes(LineBytes),
}

/// What is to be done with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Open the port; then [`Bridge::handle_opened`] or [`Bridge::handle_trouble`].
    Open(PortId),
    /// Close the port, or give up opening it. Nothing is to be told.
    Close(PortId),
    /// Set this rate; then [`Bridge::handle_tuned`] or [`Bridge::handle_trouble`].
    Tune(PortId, u32),
    /// Write [`Bridge::outgoing`] until there is no more or the kernel takes no more.
    Send(PortId),
    /// Ask the kernel how many bytes it holds; then [`Bridge::handle_unsent`].
    LookAtKernel(PortId),
    /// Let the output go on without an XON.
    ForceOn(PortId),
}

/// All ports of the process.
#[derive(Debug)]
pub struct Bridge {
    ports: Vec<Port>,
    by_name: BTreeMap<PortName, PortId>,
    seed: u64,
    deadlines: Deadlines,
    notices: VecDeque<Notice>,
    actions: VecDeque<Action>,
    /// Until then bytes are passed on as they cross the lines.
    pass_until: Mono,
    tally: Tally,
}

impl Bridge {
    /// Without ports yet. The echoes that it requests differ from those of another seed.
    pub fn new(seed: u64) -> Self {
        let deadlines = Deadlines { of: Vec::new(), order: BTreeSet::new() };
        let (notices, actions) = (VecDeque::new(), VecDeque::new());
        let (by_name, pass_until) = (BTreeMap::new(), Mono::default());
        Self { ports: Vec::new(), by_name, seed, deadlines, notices, actions, pass_until, tally: Tally::default() }
    }

    /// Wants another port, opened at once. Names differ.
    pub fn add(&mut self, wanted: Wanted, now: Mono) -> PortId {
        let id = PortId(self.ports.len());
        self.by_name.insert(wanted.name.clone(), id);
        self.ports.push(Port::new(wanted, self.seed.wrapping_add(id.0 as u64), now));
        self.deadlines.of.push(None);
        self.notices.push_back(Notice::Port(id));
        self.actions.push_back(Action::Open(id));
        self.settle(id, now);
        id
    }

    /// The port of this name.
    pub fn find(&self, name: &PortName) -> Option<PortId> {
        self.by_name.get(name).copied()
    }

    /// The name of a port.
    pub fn name(&self, id: PortId) -> &PortName {
        self.ports[id.0].name()
    }

    /// Is a port open?
    pub fn phase(&self, id: PortId) -> Phase {
        self.ports[id.0].phase()
    }

    /// What keeps a port from being open.
    pub fn trouble(&self, id: PortId) -> Option<&Trouble> {
        self.ports[id.0].trouble()
    }

    /// The rate at which a port is to be opened, if it has one.
    pub fn first_rate(&self, id: PortId) -> Option<u32> {
        self.ports[id.0].first_rate()
    }

    /// A port as it is now.
    pub fn report(&self, id: PortId) -> PortReport {
        self.ports[id.0].report()
    }

    /// What happened that should not, by reason.
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        let noise = self.ports.iter().map(Port::noise).sum();
        if noise > 0 {
            tally.add("noise-bytes", noise);
        }
        tally
    }

    /// A port is open now.
    pub fn handle_opened(&mut self, id: PortId, now: Mono, opened: Opened) {
        if self.phase(id) == Phase::Open {
            self.handle_trouble(id, now, Trouble::Gone("opened anew".to_owned()));
        }
        self.change(id, now, |port| port.handle_opened(now, opened));
    }

    /// A port that was to be set to `asked` does `done` now.
    pub fn handle_tuned(&mut self, id: PortId, now: Mono, asked: u32, done: u32) {
        self.change(id, now, |port| port.handle_tuned(now, asked, done));
    }

    /// A port could not be opened, or was lost.
    pub fn handle_trouble(&mut self, id: PortId, now: Mono, trouble: Trouble) {
        let mut unfinished = Vec::new();
        let at = self.notices.len();
        self.change(id, now, |port| {
            unfinished = port.handle_trouble(now, trouble);
            None
        });
        // Before the report, whose reader counts them as lost.
        for (offset, write) in unfinished.into_iter().enumerate() {
            self.notices.insert(at + offset, Notice::Write(WriteReport { id: write, end: WriteEnd::PortDown }));
        }
    }

    /// The node of a port is there, or has changed.
    pub fn handle_seen(&mut self, id: PortId, now: Mono) {
        self.change(id, now, |port| port.handle_seen(now));
    }

    /// A port that was here before, and is not open, is wanted like this from now on.
    pub fn handle_wanted(&mut self, id: PortId, now: Mono, way: Way) {
        self.change(id, now, |port| port.handle_wanted(now, way));
    }

    /// The node of a port that is not open is not there.
    pub fn handle_missing(&mut self, id: PortId, now: Mono) {
        self.change(id, now, |port| {
            port.handle_missing(now);
            None
        });
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, id: PortId, now: Mono, bytes: &[u8]) {
        if now < self.pass_until && self.phase(id) == Phase::Open {
            self.notices.extend(pieces(&self.ports[id.0], Direction::Rx, now, bytes));
        }
        let at = self.notices.len();
        let port = &mut self.ports[id.0];
        let before = standing(port);
        let want = port.handle_bytes(now, bytes, |frame| self.notices.push_back(Notice::Frame(frame)));
        self.tell_change(id, &before, at);
        self.obey(id, now, want);
        // An XON may have been among them.
        self.want_send(id);
        self.settle(id, now);
    }

    /// `eventbus` asks for something.
    pub fn handle_command(&mut self, now: Mono, command: SerialCommand) {
        match command {
            SerialCommand::Write(frame) => self.handle_write(now, &frame),
            SerialCommand::ReportPorts => {
                let wanted = self.ports.iter().enumerate().filter(|(_, port)| port.is_wanted());
                self.notices.extend(wanted.map(|(index, _)| Notice::Port(PortId(index))));
            }
            SerialCommand::ReportHealth => self.notices.push_back(Notice::Health),
            SerialCommand::PassBytes { until } => self.pass_until = until.min(now.after(LONGEST_PASSING)),
        }
    }

    /// What is to be written to a port next; nothing while its mote wants silence.
    pub fn outgoing(&self, id: PortId) -> Option<&[u8]> {
        self.ports[id.0].line()?.output.next()
    }

    /// The kernel took `count` bytes of [`Self::outgoing`].
    pub fn handle_written(&mut self, id: PortId, now: Mono, count: usize) {
        if now < self.pass_until {
            let port = &self.ports[id.0];
            let outgoing = port.line().and_then(|line| line.output.next()).unwrap_or_default();
            self.notices.extend(pieces(port, Direction::Tx, now, &outgoing[..count.min(outgoing.len())]));
        }
        if let Some(done) = self.ports[id.0].handle_written(now, count) {
            self.end_write(done, WriteEnd::Written);
        }
        self.settle(id, now);
    }

    /// The kernel takes nothing of [`Self::outgoing`] now.
    pub fn handle_blocked(&mut self, id: PortId, now: Mono) {
        if let Some(line) = self.ports[id.0].line_mut() {
            line.output.handle_blocked(now);
        }
        self.settle(id, now);
    }

    /// The kernel holds `unsent` bytes that are not on the line yet.
    pub fn handle_unsent(&mut self, id: PortId, now: Mono, unsent: usize) {
        match self.ports[id.0].handle_unsent(now, unsent) {
            Verdict::Clear => {}
            Verdict::Stuck => {
                self.ports[id.0].count_forced_resume();
                if self.tally.count("xon-lost") {
                    log::warn!("{}: output stood still without an XON, and goes on", self.name(id));
                }
                self.actions.extend([Action::ForceOn(id), Action::Send(id)]);
            }
        }
        self.settle(id, now);
    }

    /// Deadlines have passed.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some(id) = self.deadlines.passed(now) {
            while let Some(late) = self.ports[id.0].take_expired(now) {
                self.end_write(late, WriteEnd::Expired);
                // What ends a frame that is partly out goes out as soon as it may.
                self.want_send(id);
            }
            self.change(id, now, |port| port.handle_timeout(now));
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.deadlines.order.first().map(|(at, _)| *at)
    }

    /// What the bus is to be told next.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Lets a port take a step: what is new about it is told, and what it wants is done.
    fn change(&mut self, id: PortId, now: Mono, step: impl FnOnce(&mut Port) -> Option<Want>) {
        let port = &mut self.ports[id.0];
        let before = standing(port);
        let want = step(port);
        self.tell_change(id, &before, self.notices.len());
        self.obey(id, now, want);
        self.settle(id, now);
    }

    /// Tells what is new about a port, in this place among the notices.
    fn tell_change(&mut self, id: PortId, before: &Standing, at: usize) {
        if standing(&self.ports[id.0]) != *before {
            self.log(id);
            self.notices.insert(at, Notice::Port(id));
        }
    }

    fn obey(&mut self, id: PortId, now: Mono, want: Option<Want>) {
        match want {
            None => {}
            Some(Want::Open) => self.actions.push_back(Action::Open(id)),
            Some(Want::GiveUp(trouble)) => {
                self.actions.push_back(Action::Close(id));
                self.handle_trouble(id, now, trouble);
            }
            Some(Want::Tune(rate)) => self.actions.push_back(Action::Tune(id, rate)),
            Some(Want::Send) => self.want_send(id),
            Some(Want::SendAgain) => {
                self.ports[id.0].count_forced_resume();
                self.tally.add("xon-lost", 1);
                self.want_send(id);
            }
            Some(Want::LookAtKernel) => self.actions.push_back(Action::LookAtKernel(id)),
        }
    }

    fn log(&self, id: PortId) {
        let report = self.report(id);
        match report.state {
            PortState::Up if report.baud == 0 => log::info!("{}: up", report.port),
            PortState::Up => log::info!("{}: up at {} bit/s", report.port, report.baud),
            PortState::Probing => log::info!("{}: looking for a mote", report.port),
            PortState::Down { cause } => log::info!("{}: {cause}", report.port),
            PortState::Fault { cause } => log::warn!("{}: {cause}", report.port),
        }
    }

    fn handle_write(&mut self, now: Mono, frame: &FrameToMote) {
        match self.accept(now, frame) {
            Ok(id) => {
                self.want_send(id);
                self.settle(id, now);
            }
            Err(end) => {
                if self.tally.count("write-refused") {
                    log::warn!("{}: a frame for the mote was refused: {end:?}", frame.port);
                }
                self.end_write(Ended::Write(frame.id), end);
            }
        }
    }

    fn accept(&mut self, now: Mono, frame: &FrameToMote) -> Result<PortId, WriteEnd> {
        let id = self.find(&frame.port).ok_or(WriteEnd::NoSuchPort)?;
        if frame.payload.is_empty() || frame.payload.len() > MAX_PAYLOAD_TO_MOTE {
            return Err(WriteEnd::BadLength);
        }
        let port = &mut self.ports[id.0];
        if port.generation() != frame.generation {
            return Err(WriteEnd::PortDown);
        }
        let line = port.proven_line().ok_or(WriteEnd::PortDown)?;
        if frame.deadline <= now {
            return Err(WriteEnd::Expired);
        }
        line.output.push(frame.id, frame.deadline, hdlc::encode(&frame.payload)).map_err(|Busy| WriteEnd::Busy)?;
        Ok(id)
    }

    fn end_write(&mut self, ended: Ended, end: WriteEnd) {
        match ended {
            Ended::Write(id) => self.notices.push_back(Notice::Write(WriteReport { id, end })),
            Ended::Own => {}
        }
    }

    fn want_send(&mut self, id: PortId) {
        if self.outgoing(id).is_some() && !self.actions.contains(&Action::Send(id)) {
            self.actions.push_back(Action::Send(id));
        }
    }

    /// Brings the list of deadlines up to date with a port.
    fn settle(&mut self, id: PortId, now: Mono) {
        let port = &mut self.ports[id.0];
        if port.poll_telling(now) {
            self.notices.push_back(Notice::Port(id));
        }
        self.deadlines.set(id, port.poll_timeout());
    }
}

/// Bytes that cross a port's line now, and are not counted yet, as the bus has them.
fn pieces(port: &Port, direction: Direction, at: Mono, bytes: &[u8]) -> impl Iterator<Item = Notice> {
    let before = port.carried(direction);
    bytes.chunks(MAX_LINE_BYTES).zip(0..).map(move |(piece, index)| {
        let offset = before + index * MAX_LINE_BYTES as u64;
        Notice::Bytes(LineBytes { port: port.name().clone(), generation: port.generation(), direction, at, offset, bytes: piece.to_vec() })
    })
}

/// What is told of a port whenever it changes.
type Standing = (Generation, PortState);

fn standing(port: &Port) -> Standing {
    (port.generation(), port.state())
}

/// The next deadline of each port: with hundreds of ports, few of which have one, nobody asks them all at each wake-up.
#[derive(Debug)]
struct Deadlines {
    of: Vec<Option<Mono>>,
    order: BTreeSet<(Mono, PortId)>,
}

impl Deadlines {
    fn set(&mut self, id: PortId, deadline: Option<Mono>) {
        let before = std::mem::replace(&mut self.of[id.0], deadline);
        if before != deadline {
            before.map(|at| self.order.remove(&(at, id)));
            self.order.extend(deadline.map(|at| (at, id)));
        }
    }

    /// A port whose deadline has passed.
    fn passed(&self, now: Mono) -> Option<PortId> {
        self.order.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }
}

#[cfg(test)]
mod tests;
