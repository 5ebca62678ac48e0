//! The whole of `serial-bridge` but its descriptors: what happens to ports, bytes and commands, and what follows.
//!
//! `handle_*` for what happened, `poll_*` for what to do next; the time is always an argument. It never
//! waits, and knows of a frame only that its CRC is right. Call [`Bridge::poll_notice`] and
//! [`Bridge::poll_action`] until they are empty after each `handle_*`.

use std::collections::{BTreeSet, VecDeque};

use bus::tally::Tally;
use mqtypes::ids::{PortName, WriteId};
use mqtypes::mono::Mono;
use mqtypes::serial::{FrameToMote, MAX_PAYLOAD_TO_MOTE, PortReport, PortState, ReceivedFrame, SerialCommand, WriteEnd, WriteReport};

use crate::hdlc;
use crate::line::Opened;
use crate::output::{Busy, Verdict};
use crate::port::{Phase, Port, PortId, Want};
use crate::trouble::Trouble;

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
}

/// What is to be done with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Open the port; then [`Bridge::handle_opened`] or [`Bridge::handle_trouble`].
    Open(PortId),
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
    deadlines: Deadlines,
    notices: VecDeque<Notice>,
    actions: VecDeque<Action>,
    tally: Tally,
}

impl Bridge {
    /// Wants every port opened at once.
    pub fn new(names: impl IntoIterator<Item = PortName>, now: Mono) -> Self {
        let ports: Vec<_> = names.into_iter().map(|name| Port::new(name, now)).collect();
        let actions = (0..ports.len()).map(|index| Action::Open(PortId(index))).collect();
        let notices = (0..ports.len()).map(|index| Notice::Port(PortId(index))).collect();
        let deadlines = Deadlines { of: vec![None; ports.len()], order: BTreeSet::new() };
        Self { ports, deadlines, notices, actions, tally: Tally::default() }
    }

    /// All ports, in the order in which they were given.
    pub fn ids(&self) -> impl Iterator<Item = PortId> + use<> {
        (0..self.ports.len()).map(PortId)
    }

    /// The name of a port.
    pub fn name(&self, id: PortId) -> &PortName {
        self.ports[id.0].name()
    }

    /// Is a port open?
    pub fn phase(&self, id: PortId) -> Phase {
        self.ports[id.0].phase()
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
        self.change(id, now, |port| port.handle_opened(now, opened));
    }

    /// A port could not be opened, or was lost.
    pub fn handle_trouble(&mut self, id: PortId, now: Mono, trouble: Trouble) {
        self.change(id, now, |port| port.handle_trouble(now, trouble));
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, id: PortId, now: Mono, bytes: &[u8]) {
        self.ports[id.0].handle_bytes(now, bytes, |frame| self.notices.push_back(Notice::Frame(frame)));
        // An XON may have been among them.
        self.want_send(id);
        self.settle(id, now);
    }

    /// `eventbus` asks for something.
    pub fn handle_command(&mut self, now: Mono, command: SerialCommand) {
        match command {
            SerialCommand::Write(frame) => self.handle_write(now, &frame),
            SerialCommand::ReportPorts => self.notices.extend((0..self.ports.len()).map(|index| Notice::Port(PortId(index)))),
            SerialCommand::ReportHealth => self.notices.push_back(Notice::Health),
        }
    }

    /// What is to be written to a port next; nothing while its mote wants silence.
    pub fn outgoing(&self, id: PortId) -> Option<&[u8]> {
        self.ports[id.0].line()?.output.next()
    }

    /// The kernel took `count` bytes of [`Self::outgoing`].
    pub fn handle_written(&mut self, id: PortId, now: Mono, count: usize) {
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
            match self.ports[id.0].handle_timeout(now) {
                Some(Want::Open) => self.actions.push_back(Action::Open(id)),
                Some(Want::LookAtKernel) => self.actions.push_back(Action::LookAtKernel(id)),
                Some(Want::Send) => {
                    self.ports[id.0].count_forced_resume();
                    self.tally.add("xon-lost", 1);
                    self.want_send(id);
                }
                None => {}
            }
            self.settle(id, now);
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

    /// Lets a port change its state; what is new about it is told.
    fn change(&mut self, id: PortId, now: Mono, step: impl FnOnce(&mut Port) -> Vec<WriteId>) {
        let port = &mut self.ports[id.0];
        let before = (port.generation(), port.state());
        let unfinished = step(port);
        let after = (port.generation(), port.state());
        for write in unfinished {
            self.end_write(write, WriteEnd::PortDown);
        }
        if after != before {
            self.log(id);
            self.notices.push_back(Notice::Port(id));
        }
        self.settle(id, now);
    }

    fn log(&self, id: PortId) {
        let report = self.report(id);
        match report.state {
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
                self.end_write(frame.id, end);
            }
        }
    }

    fn accept(&mut self, now: Mono, frame: &FrameToMote) -> Result<PortId, WriteEnd> {
        let index = self.ports.iter().position(|port| *port.name() == frame.port).ok_or(WriteEnd::NoSuchPort)?;
        if frame.payload.is_empty() || frame.payload.len() > MAX_PAYLOAD_TO_MOTE {
            return Err(WriteEnd::BadLength);
        }
        let port = &mut self.ports[index];
        if port.generation() != frame.generation {
            return Err(WriteEnd::PortDown);
        }
        let line = port.line_mut().ok_or(WriteEnd::PortDown)?;
        if frame.deadline <= now {
            return Err(WriteEnd::Expired);
        }
        line.output.push(frame.id, frame.deadline, hdlc::encode(&frame.payload)).map_err(|Busy| WriteEnd::Busy)?;
        Ok(PortId(index))
    }

    fn end_write(&mut self, id: WriteId, end: WriteEnd) {
        self.notices.push_back(Notice::Write(WriteReport { id, end }));
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
