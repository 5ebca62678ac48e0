//! One recorded mote: where its playing stands, and what it answers to its host.

use std::collections::VecDeque;
use std::time::Duration;

use eventbus::frame::{DataFrame, Frame, HostFrame, LogFrame, RootAction, SetRoot, StatusFrame};
use eventbus::inspect::replay::clock::Clock;
use framing::{flow, hdlc};
use mqtypes::ids::Asn;
use mqtypes::log::Severity;
use mqtypes::mono::Mono;
use mqtypes::status::{Element, IdManager};

use super::totals::Totals;
use super::track::{Leaves, Report, Step, Track};
use crate::emulator::complaint;
use crate::emulator::receiver::{Input, Receiver};
use crate::emulator::script::Reader;
use crate::recording::RecordedPort;

/// Bytes that are handed out at once, about.
const PORTION: usize = 4096;

/// Answers that may wait for the end of a frame; a host that sends more gets none for the rest.
const MOST_ANSWERS: usize = 64;

/// The slots of the recordings.
const SLOT: Duration = Duration::from_millis(10);

/// One recorded mote.
#[derive(Debug)]
pub(super) struct Player {
    track: Track,
    /// The next step.
    next: usize,
    /// How much later than recorded this lap is.
    offset: Duration,
    then: Then,
    reader: Reader,
    receiver: Receiver,
    role: Role,
    /// The slot counter as it was told last, and when.
    asn: (Asn, Duration),
    answers: VecDeque<Frame>,
    leaves: Leaves,
    totals: Totals,
}

/// What comes after the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing but answers.
    Stop,
    /// The first one again, so much later than before.
    Again(Duration),
}

/// What `IdManager` reports say.
#[derive(Debug, Clone, Copy)]
enum Role {
    /// What was recorded; the last of them, for those who toggle.
    Recorded { is_root: bool },
    /// What the host has commanded.
    Commanded { is_root: bool, prefix: [u8; 8] },
}

impl Player {
    pub fn new(port: &RecordedPort, then: Then) -> Self {
        Self {
            track: Track::new(port),
            next: 0,
            offset: Duration::ZERO,
            then,
            reader: Reader::Left,
            receiver: Receiver::default(),
            role: Role::Recorded { is_root: false },
            asn: (Asn(0), Duration::ZERO),
            answers: VecDeque::new(),
            leaves: Leaves::Between,
            totals: Totals::default(),
        }
    }

    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    pub fn handle_reader(&mut self, reader: Reader) {
        self.reader = reader;
    }

    /// One byte from the host.
    pub fn handle_byte(&mut self, now: Mono, clock: &Clock, byte: u8) -> Option<Input> {
        let input = self.receiver.push(byte)?;
        match &input {
            Input::Frame(payload) => self.handle_frame(now, clock, payload),
            Input::WrongCrc => self.answer(complaint::wrong_crc(self.track.id16)),
            Input::Overflow => self.answer(complaint::overflow(self.track.id16)),
        }
        Some(input)
    }

    /// Has everything been handed out?
    pub fn is_played(&self) -> bool {
        self.then == Then::Stop && self.track.step(self.next).is_none()
    }

    /// When the next step is due, if somebody is there to hear it.
    pub fn poll_timeout(&self, clock: &Clock) -> Option<Mono> {
        match self.reader {
            Reader::Left => None,
            Reader::Came => clock.when(self.track.step(self.next)?.at + self.offset),
        }
    }

    /// The next bytes: an answer where one may stand, or all steps that are due.
    pub fn poll_output(&mut self, now: Mono, clock: &Clock) -> Option<Vec<u8>> {
        if (self.leaves == Leaves::Between || self.is_played())
            && let Some(answer) = self.answers.pop_front()
        {
            self.totals.count_answer();
            return Some(on_the_line(&answer));
        }
        let mut bytes = Vec::new();
        while bytes.len() < PORTION && self.poll_timeout(clock).is_some_and(|at| at <= now) {
            bytes.extend(self.play_step());
            if self.leaves == Leaves::Between && !self.answers.is_empty() {
                break;
            }
        }
        (!bytes.is_empty()).then_some(bytes)
    }

    fn play_step(&mut self) -> Vec<u8> {
        let step = self.track.step(self.next).expect("a step was due");
        let bytes = match (step.report, self.role) {
            (Some(Report::Identity(id)), Role::Commanded { is_root, prefix }) => {
                let wanted = IdManager { is_dag_root: is_root, prefix, ..id };
                let bytes = rewrite(&self.track, step, wanted);
                if wanted != id {
                    self.totals.count_rewritten();
                }
                bytes
            }
            (Some(Report::Identity(id)), Role::Recorded { .. }) => {
                self.role = Role::Recorded { is_root: id.is_dag_root };
                self.track.bytes(step).to_vec()
            }
            (Some(Report::Asn(asn)), _) => {
                self.asn = (asn, step.at + self.offset);
                self.track.bytes(step).to_vec()
            }
            (None, _) => self.track.bytes(step).to_vec(),
        };
        self.leaves = step.leaves;
        self.totals.count_ended(&step.ended);
        self.totals.count_bytes(bytes.len());
        self.next += 1;
        if let Then::Again(length) = self.then
            && self.track.step(self.next).is_none()
        {
            self.next = 0;
            self.offset += length;
        }
        bytes
    }

    fn handle_frame(&mut self, now: Mono, clock: &Clock, payload: &[u8]) {
        match HostFrame::parse(payload) {
            Ok(HostFrame::SetRoot(SetRoot { action, prefix, .. })) => {
                let is_root = match (action, self.role) {
                    (RootAction::Yes, _) => true,
                    (RootAction::No, _) => false,
                    (RootAction::Toggle, Role::Recorded { is_root } | Role::Commanded { is_root, .. }) => !is_root,
                };
                self.role = Role::Commanded { is_root, prefix };
            }
            // The mesh behind a recorded root is deaf.
            Ok(HostFrame::Data { .. }) => {}
            Ok(HostFrame::Echo(body)) => {
                let (Asn(told), at) = self.asn;
                let slots = clock.since(at, now).as_micros() / SLOT.as_micros();
                let asn = Asn(told.saturating_add(u64::try_from(slots).unwrap_or(u64::MAX)));
                self.answer(Frame::Data(DataFrame { id16: self.track.id16, asn, body }));
            }
            Ok(HostFrame::Reset) => {
                self.role = Role::Recorded { is_root: false };
                self.answer(booted(self.track.id16));
            }
            Err(error) => {
                for complaint in complaint::about(self.track.id16, payload, error) {
                    self.answer(complaint);
                }
            }
        }
    }

    fn answer(&mut self, frame: Frame) {
        if self.answers.len() < MOST_ANSWERS {
            self.answers.push_back(frame);
        }
    }
}

/// The report in place of the recorded one: framed anew, and behind the flow control that the recorded one was cut by.
fn rewrite(track: &Track, step: &Step, id: IdManager) -> Vec<u8> {
    let frame = on_the_line(&Frame::Status(StatusFrame { id16: track.id16, element: Element::IdManager(id) }));
    // The opening flag is part of the step before.
    [&track.flow_control(step), &frame[1..]].concat()
}

fn on_the_line(frame: &Frame) -> Vec<u8> {
    flow::escape(&hdlc::encode(&frame.emit()))
}

/// A recorded mote cannot begin anew; it says that it did.
fn booted(id16: u16) -> Frame {
    Frame::Log(LogFrame { severity: Severity::Success, id16, component: 0x01, code: 0x4f, arg1: 0, arg2: 0 })
}
