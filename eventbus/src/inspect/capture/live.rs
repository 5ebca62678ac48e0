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
use crate::inspect::mote_name::{MoteName, describe};
use crate::inspect::picture::{Completeness, Picture};
use crate::inspect::subscriber::{self, Followed, Listener, Output};
use crate::inspect::terminal::complain;

/// How often we look for a reader of a FIFO, or for room in its pipe: nothing tells when one comes.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The name of a packet's interface, when it came in by no port.
const NO_PORT: &str = "mesh";

/// Runs it.
pub fn run(options: &CaptureOptions) -> Result<End, Failure> {
    let now = clock::now();
    let mut limit = Limit::new(now, options);
    let capture = options.capture(options.mote.as_ref().and_then(MoteName::eui));
    let sought = options.mote.clone().filter(|mote| mote.eui().is_none()).map(|mote| (mote, Picture::default()));
    let sink = Sink::open(&options.file, options.force.existing(), &capture, &mut limit)?;
    let (lines, clock) = (Lines::default(), WallClock::default());
    let look = now.after(LOOK_EVERY);
    let topics = [Some(Topic::Data), options.sniffed.then_some(Topic::Bytes), sought.as_ref().map(|_| Topic::Inventory)];
    let topics: Vec<_> = topics.into_iter().flatten().collect();
    let mut live = Live { options, sought, capture, sink, limit, clock, lines, look, missed: 0, end: None };
    let followed = subscriber::follow(&options.set.instance, &topics, &mut live)?;
    live.end(followed)
}

struct Live<'a> {
    options: &'a CaptureOptions,
    /// The mote that is asked for, until the inventory tells who that is. Nothing is captured before.
    sought: Option<(MoteName, Picture)>,
    capture: Capture,
    sink: Sink,
    limit: Limit,
    clock: WallClock,
    /// The lines of all ports, for what sniffers hear.
    lines: Lines,
    look: Mono,
    /// What `eventbus` could not keep for us.
    missed: u64,
    /// How it ended, if it was not as anybody wished.
    end: Option<Result<End, Failure>>,
}

impl Listener for Live<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        if self.sought.is_some() { Ok(()) } else { self.sink.begin_file(&self.capture, &mut self.limit) }
    }

    fn handle_notification(&mut self, now: Moment, _envelope: &Envelope, notification: &Notification, _output: &mut Output) {
        if self.sought.is_some() {
            return self.seek(notification);
        }
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
        is_complete || self.limit.is_over(now) || self.sink.is_gone() || self.end.is_some()
    }
}

impl Live<'_> {
    /// The inventory is being told.
    fn seek(&mut self, notification: &Notification) {
        let Some((name, picture)) = &mut self.sought else { return };
        picture.handle_notification(notification);
        if picture.completeness() == Completeness::Partial {
            return;
        }
        let found = match name.find(picture) {
            Ok(mote) => mote.entry.mote.ok_or_else(|| format!("{}: its packets cannot be told from others'", describe(&mote.entry))),
            Err(trouble) => Err(trouble.to_string()),
        };
        match found {
            Ok(eui) => {
                self.sought = None;
                self.capture = self.options.capture(Some(eui));
                let begun = self.sink.begin_file(&self.capture, &mut self.limit);
                self.note(begun);
            }
            Err(reason) => {
                complain(&reason);
                self.end = Some(Ok(End::NothingThere));
            }
        }
    }

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
            self.end.get_or_insert(Err(failure));
        }
    }

    fn end(mut self, followed: Followed) -> Result<End, Failure> {
        if let Some(end) = self.end {
            return end;
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
