//! A capture of what comes now: packets as `eventbus` tells them, and what sniffers hear out of the bytes of their lines.

use std::time::Duration;

use bus::clock;
use bus::moment::Moment;
use bus::process::Failure;
use bus::reactor::Registration;
use lowpan::Link;
use lowpan::capture::{Capture, Handed, Record};
use mqtypes::broker::{Notification, Topic};
use mqtypes::envelope::Envelope;
use mqtypes::mesh::MoteData;
use mqtypes::mono::Mono;
use mqtypes::serial::{Direction, LineBytes};

use super::limit::Limit;
use super::recorded::handle_sniffed;
use super::sink::Sink;
use super::wall_clock::WallClock;
use super::{CaptureOptions, Totals};
use crate::frame::Frame;
use crate::inspect::End;
use crate::inspect::decode::frames::{Content, Lines};
use crate::inspect::decode::recording::Chunk;
use crate::inspect::subscriber::{self, Followed, Listener, Output};
use crate::inspect::terminal::complain;

/// How often we look for a reader of a FIFO, or for room in its pipe: nothing tells when one comes.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The name of a packet's interface, when it came in by no port.
const NO_PORT: &str = "mesh";

/// Runs it.
pub fn run(options: &CaptureOptions, capture: Capture) -> Result<End, Failure> {
    let now = clock::now();
    let mut limit = Limit::new(now, options);
    let sink = Sink::open(&options.file, &capture, &mut limit)?;
    let (lines, clock) = (Lines::default(), WallClock::default());
    let mut live = Live { capture, sink, limit, clock, lines, look: now.after(LOOK_EVERY), missed: 0, failure: None };
    let topics = [Topic::Data, Topic::Bytes];
    let topics = if options.sniffed { &topics[..] } else { &topics[..1] };
    let followed = subscriber::follow(&options.set.instance, topics, &mut live)?;
    live.end(followed)
}

struct Live {
    capture: Capture,
    sink: Sink,
    limit: Limit,
    clock: WallClock,
    /// The lines of all ports, for what sniffers hear.
    lines: Lines,
    look: Mono,
    /// What `eventbus` could not keep for us.
    missed: u64,
    failure: Option<Failure>,
}

impl Listener for Live {
    fn begin(&mut self) -> Result<(), Failure> {
        self.sink.begin_file(&self.capture, &mut self.limit)
    }

    fn handle_notification(&mut self, now: Moment, _envelope: &Envelope, notification: &Notification, _output: &mut Output) {
        match notification {
            Notification::Data(data) => self.handle_data(now, data),
            Notification::Bytes(piece) => self.handle_bytes(now, piece),
            Notification::Gap { dropped } => self.missed += dropped.iter().map(|dropped| dropped.count).sum::<u64>(),
            Notification::SnapshotBegin
            | Notification::SnapshotEnd
            | Notification::Mote(_)
            | Notification::MoteGone(_)
            | Notification::Status(_)
            | Notification::Count(_)
            | Notification::Log(_)
            | Notification::Outcome(_)
            | Notification::Health(_)
            | Notification::Started
            | Notification::Summary(_)
            | Notification::Port(_)
            | Notification::Dag(_)
            | Notification::DagGone(_)
            | Notification::Uinject(_) => {}
        }
    }

    fn watch(&mut self, registration: Registration) {
        self.sink.watch(registration);
    }

    fn handle_ready(&mut self) {
        let looked = self.sink.look(&self.capture, &mut self.limit).and_then(|()| self.sink.flush());
        self.note(looked);
    }

    fn handle_timeout(&mut self, now: Moment, _output: &mut Output) {
        self.look = now.mono.after(LOOK_EVERY);
        self.handle_ready();
    }

    fn poll_timeout(&self) -> Option<Mono> {
        let look = self.sink.needs_looks().then_some(self.look);
        Mono::earliest(look, self.limit.poll_timeout())
    }

    fn is_satisfied(&self, now: Mono) -> bool {
        let is_complete = self.limit.is_full() && !self.sink.is_waiting();
        is_complete || self.limit.is_over(now) || self.sink.is_gone() || self.failure.is_some()
    }
}

impl Live {
    fn handle_data(&mut self, now: Moment, data: &MoteData) {
        let at_us = self.clock.us_of(now, data.heard);
        let port = data.who.port.as_ref().map_or(NO_PORT, |port| &port.0);
        let link = Link { source: data.source, destination: data.destination };
        let packet = Handed { port, at_us, asn: data.asn, link, pan: None, lowpan: &data.lowpan };
        let records = self.capture.handle_packet(&packet);
        self.take(&records);
    }

    fn handle_bytes(&mut self, now: Moment, piece: &LineBytes) {
        if piece.direction != Direction::Rx {
            return;
        }
        let direction = Direction::Rx;
        let chunk = Chunk { at: None, direction, port: piece.port.clone(), bytes: piece.bytes.clone() };
        let at_us = self.clock.us_of(now, piece.at);
        for seen in self.lines.handle_chunk(&chunk) {
            if let Content::FromMote { frame: Frame::Sniffed(sniffed), .. } = &seen.content {
                let record = handle_sniffed(&mut self.capture, at_us, &seen.port, sniffed);
                self.take(record.as_slice());
            }
        }
    }

    fn take(&mut self, records: &[Record]) {
        for record in records {
            let taken = self.sink.take(&self.capture, record, &mut self.limit);
            self.note(taken);
        }
    }

    fn note(&mut self, done: Result<(), Failure>) {
        if let Err(failure) = done {
            self.failure.get_or_insert(failure);
        }
    }

    fn end(mut self, followed: Followed) -> Result<End, Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        // Who read standard output has seen enough.
        if self.sink.is_gone() {
            return Ok(End::Done);
        }
        if followed == Followed::Answered {
            let (packets, passed_over) = self.sink.totals();
            Totals { packets, passed_over, lost: self.capture.take_lost() }.tell();
        }
        if self.missed > 0 {
            complain(&format!("packets that eventbus could not keep for us: {}", self.missed));
        }
        Ok(followed.end())
    }
}
