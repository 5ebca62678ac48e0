//! The sending half of a mote's serial port: the output ring, the rate of the line, and flow control around slots.
//!
//! The UART sends 115,200 bits a second and is silent from XOFF, shortly before a slot ends, to XON, at the start of the next.
//! So a frame may be cut by XOFF and XON anywhere, between an HDLC escape and its byte too, but never inside an escaped pair
//! of the flow control. Other than in the firmware, a frame that finds no room in the ring is lost as a whole, and counted;
//! overrunning the ring, as the firmware does, is one of the faults (`trouble.rs`).

use std::collections::VecDeque;
use std::time::Duration;

use framing::flow::{self, XOFF, XON};
use framing::hdlc;
use mqtypes::mono::Mono;

use super::slots::{SLOT, slot_start};
use super::trouble::{Blemish, Dumbness};

/// The firmware's output ring (`SERIAL_OUTPUT_BUFFER_SIZE`).
pub(super) const RING: usize = 1024;

/// Ten bits at 115,200 bits per second.
const BYTE: Duration = Duration::from_nanos(86_806);

/// XOFF comes this long after the start of a slot in which nothing happens, or while the mote is not synchronised.
const IDLE_SLOT: Duration = Duration::from_millis(9);

/// The same in a slot that is used.
const ACTIVE_SLOT: Duration = Duration::from_micros(5_800);

/// Nobody fetches what we say when this much lies about; then the line is still.
const STALLED: usize = 512;

/// Does a mote tell its host when to be silent?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowControl {
    /// XOFF and XON in every slot, as boards do it: about 100 of each per second.
    EverySlot,
    /// Neither, as the firmware built for simulation.
    Silent,
}

/// Is something going on in a slot?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Idle,
    Active,
}

/// The sending half of a mote's serial port.
#[derive(Debug)]
pub(super) struct Line {
    /// Behind the ring, with the escapes of flow control.
    ring: VecDeque<u8>,
    /// What is on the wire and was not fetched yet.
    wire: Vec<u8>,
    gate: Gate,
    /// When the UART has sent all it was given.
    free_at: Mono,
    /// Bytes that ever went through the ring; it wraps as the firmware's index does.
    written: u16,
    lost: u64,
    /// What the next frame suffers.
    blemish: Blemish,
    dumbness: Dumbness,
}

#[derive(Debug, Clone, Copy)]
enum Gate {
    /// No flow control: always open.
    Absent,
    /// Silence begins at this moment.
    OpenUntil(Mono),
    /// Silence ends at this moment.
    ShutUntil(Mono),
}

impl Line {
    /// A line that is open, as after a boot.
    pub fn new(now: Mono, flow: FlowControl) -> Self {
        let gate = match flow {
            FlowControl::EverySlot => Gate::OpenUntil(slot_start(now).after(IDLE_SLOT)),
            FlowControl::Silent => Gate::Absent,
        };
        Self {
            ring: VecDeque::new(),
            wire: Vec::new(),
            gate,
            free_at: now,
            written: 0,
            lost: 0,
            blemish: Blemish::None,
            dumbness: Dumbness::None,
        }
    }

    /// What was on the wire before a reset is not called back.
    pub fn take_over(&mut self, wire: Option<Vec<u8>>) {
        self.wire = wire.unwrap_or_default();
    }

    /// Puts a frame into the ring.
    pub fn send(&mut self, now: Mono, payload: &[u8]) {
        let frame = hdlc::encode(payload);
        if self.ring.len() + frame.len() > RING || self.is_stalled() || self.dumbness.is_complete(now) {
            self.lost += 1;
            return;
        }
        self.written = self.written.wrapping_add(frame.len() as u16);
        let frame = std::mem::replace(&mut self.blemish, Blemish::None).put_on(frame);
        self.put(now, flow::escape(&frame));
    }

    /// Puts bytes into the ring that are on the wire what they are, however many there are.
    pub fn put(&mut self, now: Mono, bytes: Vec<u8>) {
        self.ring.extend(bytes);
        self.drain(now);
    }

    /// The next frame will have this.
    pub fn blemish(&mut self, blemish: Blemish) {
        self.blemish = blemish;
    }

    /// From now on the line keeps something to itself; a frame may end in its middle.
    pub fn fall_dumb(&mut self, now: Mono, dumbness: Dumbness) {
        self.dumbness = dumbness;
        if dumbness.is_complete(now) {
            self.ring.clear();
        }
    }

    /// Is the ring empty? Only then does the firmware report a status.
    pub fn is_idle(&self, now: Mono) -> bool {
        self.ring.is_empty() && self.free_at <= now && !self.is_stalled()
    }

    /// The ring's write index, as the firmware counts it.
    pub fn written(&self) -> u16 {
        self.written
    }

    /// Frames that found no room.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Flow control that is due; `slot` is what goes on in the slot that begins now, if one does.
    pub fn handle_timeout(&mut self, now: Mono, slot: Slot) {
        match self.gate {
            Gate::OpenUntil(at) if at <= now => {
                self.say(now, XOFF);
                self.gate = Gate::ShutUntil(slot_start(at).after(SLOT));
                self.handle_timeout(now, slot);
            }
            Gate::ShutUntil(at) if at <= now => {
                self.say(now, XON);
                let length = match slot {
                    Slot::Idle => IDLE_SLOT,
                    Slot::Active => ACTIVE_SLOT,
                };
                // Whoever comes too late by slots does not make up for them.
                self.gate = Gate::OpenUntil(slot_start(now).after(length).max(now));
                self.drain(now);
            }
            Gate::OpenUntil(_) | Gate::ShutUntil(_) | Gate::Absent => self.drain(now),
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match self.gate {
            Gate::Absent => None,
            Gate::OpenUntil(at) | Gate::ShutUntil(at) => Some(at),
        }
    }

    /// What has gone over the wire since it was last asked for.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        (!self.wire.is_empty()).then(|| std::mem::take(&mut self.wire))
    }

    fn is_stalled(&self) -> bool {
        self.wire.len() > STALLED
    }

    fn say(&mut self, now: Mono, control: u8) {
        if !self.is_stalled() && !self.dumbness.withholds(now, control) {
            self.wire.push(control);
        }
    }

    /// Gives the UART what it can send before silence begins.
    fn drain(&mut self, now: Mono) {
        let start = self.free_at.max(now);
        let room = match self.gate {
            _any if self.is_stalled() => 0,
            Gate::Absent => usize::MAX,
            Gate::OpenUntil(at) => (at.since(start).as_nanos() / BYTE.as_nanos()) as usize,
            Gate::ShutUntil(_) => 0,
        };
        let mut count = room.min(self.ring.len());
        if count > 0 && self.ring[count - 1] == flow::ESCAPE {
            count -= 1;
        }
        self.wire.extend(self.ring.drain(..count));
        self.free_at = start.after(BYTE * count as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a line until `end`; each piece of output with its time.
    fn run(line: &mut Line, end: Mono) -> Vec<(Mono, Vec<u8>)> {
        let mut said = Vec::new();
        while let Some(at) = line.poll_timeout().filter(|at| *at <= end) {
            line.handle_timeout(at, Slot::Idle);
            said.extend(line.poll_output().map(|bytes| (at, bytes)));
        }
        said
    }

    #[test]
    fn silence_is_asked_for_a_millisecond_in_every_slot() {
        let mut line = Line::new(Mono(0), FlowControl::EverySlot);
        let said = run(&mut line, Mono(30_000));
        let expected = [(9_000, XOFF), (10_000, XON), (19_000, XOFF), (20_000, XON), (29_000, XOFF), (30_000, XON)];
        assert_eq!(said, expected.map(|(at, control)| (Mono(at), vec![control])));
    }

    #[test]
    fn an_active_slot_is_silent_for_longer() {
        let mut line = Line::new(Mono(0), FlowControl::EverySlot);
        line.handle_timeout(Mono(9_000), Slot::Idle);
        line.handle_timeout(Mono(10_000), Slot::Active);
        assert_eq!(line.poll_timeout(), Some(Mono(15_800)));
    }

    #[test]
    fn a_long_frame_is_cut_by_flow_control_and_loses_nothing() {
        let mut line = Line::new(Mono(0), FlowControl::EverySlot);
        let payload = [0x12; 150];
        line.send(Mono(0), &payload);
        assert!(!line.is_idle(Mono(0)));
        let mut bytes = line.poll_output().expect("the first part");
        assert!((90..=104).contains(&bytes.len()), "{}", bytes.len());
        bytes.extend(run(&mut line, Mono(50_000)).into_iter().flat_map(|(_, part)| part));
        assert!(line.is_idle(Mono(50_000)));
        assert!(!bytes.windows(2).any(|pair| pair == [flow::ESCAPE, XOFF]), "a pair is never cut");
        bytes.retain(|byte| !matches!(*byte, XON | XOFF));
        assert_eq!(bytes, flow::escape(&hdlc::encode(&payload)));
    }

    #[test]
    fn a_frame_in_the_silence_waits_for_xon() {
        let mut line = Line::new(Mono(0), FlowControl::EverySlot);
        line.handle_timeout(Mono(9_000), Slot::Idle);
        line.send(Mono(9_100), b"S");
        assert_eq!(line.poll_output(), Some(vec![XOFF]));
        line.handle_timeout(Mono(10_000), Slot::Idle);
        assert_eq!(line.poll_output(), Some([&[XON][..], &hdlc::encode(b"S")].concat()));
    }

    #[test]
    fn without_flow_control_a_frame_goes_at_once_and_nothing_is_ever_due() {
        let mut line = Line::new(Mono(0), FlowControl::Silent);
        line.send(Mono(0), b"S");
        assert_eq!((line.poll_output(), line.poll_timeout()), (Some(hdlc::encode(b"S")), None));
        assert!(!line.is_idle(Mono(1)) && line.is_idle(Mono(1_000)));
    }

    #[test]
    fn a_line_that_nobody_fetches_from_does_not_grow() {
        let mut line = Line::new(Mono(0), FlowControl::EverySlot);
        for at in (0..10_000_000).step_by(1_000) {
            line.handle_timeout(Mono(at), Slot::Idle);
            line.send(Mono(at), &[0x55; 40]);
        }
        assert!(line.lost() > 9_000);
        assert!(line.wire.len() <= STALLED + 110 && line.ring.len() <= RING, "{} {}", line.wire.len(), line.ring.len());
    }

    #[test]
    fn coming_late_by_slots_is_not_made_up_for() {
        let mut line = Line::new(Mono(0), FlowControl::EverySlot);
        line.handle_timeout(Mono(1_000_500), Slot::Idle);
        assert_eq!(line.poll_output(), Some(vec![XOFF, XON]));
        assert_eq!(line.poll_timeout(), Some(Mono(1_009_000)));
    }
}
