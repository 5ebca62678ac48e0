//! What can go wrong with a mote and its line, done on purpose: each has been seen in the field or in a recording.
//!
//! Nothing here happens by itself. A fault ends by itself, or with the next boot, and never changes what is said after it.

use std::time::Duration;

use eventbus::frame::{Frame, PrintfFrame, SniffedFrame};
use framing::{flow, hdlc};
use mqtypes::ids::Asn;
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::line::RING;
use super::schedule::Way;
use super::slots::Epoch;
use super::{Mote, Standing, code, component};

/// A mote boots this long after it has logged something critical.
const REBOOTS_AFTER: Duration = Duration::from_secs(10);

/// How much is said at once when the output ring is overrun: half as much again as the ring has.
const FLOOD: usize = RING * 3 / 2;

/// The critical messages that genuine motes die of, as component, code and first argument: a packet that does not fit the
/// root role, fragments that never came, an entry freed twice.
const DEADLY: [(u8, u8, u16); 3] = [(0x12, 0x1f, 0), (0x13, 0x1d, 1_519), (0x03, 0x48, 0)];

/// A beacon as a sniffer hears it, up to the addresses; two bytes of radio status follow in place of the FCS.
const SNIFFED_BEACON: [u8; 5] = [0x00, 0xeb, 0x66, 0xfe, 0xca];

/// The channel that the sniffer listens to.
const SNIFFED_CHANNEL: u8 = 20;

/// What happens to a frame on its way into the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blemish {
    None,
    /// Its second half is missing, with the flag that would have ended it.
    Cut,
    /// A bit of it is another one.
    Flipped,
}

impl Blemish {
    /// The frame as it comes out of this.
    pub fn put_on(self, mut frame: Vec<u8>) -> Vec<u8> {
        let middle = frame.len() / 2;
        match self {
            Self::None => {}
            Self::Cut => frame.truncate(middle),
            Self::Flipped => frame[middle] ^= 1,
        }
        frame
    }
}

/// What a line keeps to itself, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dumbness {
    None,
    /// Everything: what is to be said is lost.
    Complete(Mono),
    /// XON: the host stays asked to be silent.
    NoXon(Mono),
}

impl Dumbness {
    /// Is nothing said at all?
    pub fn is_complete(self, now: Mono) -> bool {
        matches!(self, Self::Complete(until) if now < until)
    }

    /// Is this byte of flow control not said?
    pub fn withholds(self, now: Mono, control: u8) -> bool {
        match self {
            Self::None => false,
            Self::Complete(until) => now < until,
            Self::NoXon(until) => now < until && control == flow::XON,
        }
    }
}

impl Mote {
    /// Logs something critical, and boots ten seconds later; until then it goes on.
    pub fn fail(&mut self, now: Mono) {
        let (component, code, argument) = DEADLY[self.random.between(0, DEADLY.len() as u64 - 1) as usize];
        self.log(now, Severity::Critical, component, code, [argument, 0]);
        self.memory.reboots_at = Some(now.after(REBOOTS_AFTER));
    }

    /// The mote hangs until then, or until it boots: it says nothing, and does not even ask its host to be silent.
    pub fn fall_silent(&mut self, now: Mono, until: Mono) {
        self.memory.line.fall_dumb(now, Dumbness::Complete(until));
    }

    /// Until then, or until it boots, the mote says XOFF and never XON.
    pub fn withhold_xon(&mut self, now: Mono, until: Mono) {
        self.memory.line.fall_dumb(now, Dumbness::NoXon(until));
    }

    /// So many bytes of noise on the line.
    pub fn make_noise(&mut self, now: Mono, bytes: u32) {
        let noise = (0..bytes).map(|_| self.random.between(0, 255) as u8).collect();
        self.memory.line.put(now, noise);
    }

    /// The next frame ends in its middle.
    pub fn cut_next_frame(&mut self) {
        self.memory.line.blemish(Blemish::Cut);
    }

    /// The next frame has a wrong bit.
    pub fn flip_in_next_frame(&mut self) {
        self.memory.line.blemish(Blemish::Flipped);
    }

    /// Says more at once than the output ring holds. The firmware does not look: later bytes take the place of earlier ones
    /// that have not gone out, and the host finds wrong CRCs and merged frames.
    pub fn overrun(&mut self, now: Mono) {
        let mut flood = Vec::new();
        while flood.len() < FLOOD {
            let fragments = self.random.between(1, 60) as u16;
            let frame = self.log_frame(Severity::Error, component::FRAG, code::NO_FREE_TIMER_OR_QUEUE_ENTRY, [fragments, 0]);
            flood.extend(hdlc::encode(&frame.emit()));
        }
        self.memory.line.put(now, flow::escape(&overwritten(&flood)));
    }

    /// The count of slots goes on from this number, and nobody was told.
    pub fn jump(&mut self, now: Mono, asn: Asn) {
        self.memory.epoch = Epoch::new(now, asn);
    }

    /// Logs this.
    pub fn say_log(&mut self, now: Mono, severity: Severity, component: u8, code: u8, args: [u16; 2]) {
        self.log(now, severity, component, code, args);
    }

    /// Prints this, as firmware built for it does.
    pub fn print(&mut self, now: Mono, text: &str) {
        let frame = PrintfFrame { id16: self.eui64.id16(), asn: self.asn(now), text: text.as_bytes().to_vec() };
        self.send(now, &Frame::Printf(frame));
    }

    /// Passes on a beacon off the air, as the sniffer firmware does.
    pub fn sniff(&mut self, now: Mono) {
        let body = [&SNIFFED_BEACON, self.eui64.0.as_slice(), &[0xc4, 0x6b]].concat();
        self.send(now, &Frame::Sniffed(SniffedFrame { id16: self.eui64.id16(), frame: body, channel: SNIFFED_CHANNEL }));
    }

    /// One line for people: the mote's standing, rank, parent, slot number, neighbours, and what its host wanted sent.
    pub fn describe(&self, now: Mono) -> String {
        let standing = match self.memory.standing {
            Standing::Searching => "searching".to_owned(),
            Standing::Root => "root".to_owned(),
            Standing::Following { source, .. } => format!("follows mote {}", source.id16()),
        };
        let joined = if self.memory.joined == Asn(0) { "not joined" } else { "joined" };
        let Asn(asn) = self.asn(now);
        format!(
            "{standing}, {joined}, rank {}, slot {asn}, {} neighbours, {} cells out and {} in, {} packets waiting, host data: {}",
            self.memory.rank,
            self.memory.neighbors.count(),
            self.memory.schedule.count(Way::Out),
            self.memory.schedule.count(Way::In),
            self.memory.uplink.waiting(),
            self.memory.downlink,
        )
    }
}

/// What comes out of a ring when all of this was put into it before any of it could go out.
fn overwritten(flood: &[u8]) -> Vec<u8> {
    let latest = |at: usize| (at % RING..flood.len()).step_by(RING).next_back().unwrap_or(at);
    (0..flood.len()).map(|at| flood[latest(at)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_ring_lets_later_bytes_take_the_place_of_earlier_ones() {
        let flood: Vec<u8> = (0..RING * 3 / 2).map(|at| (at / 256) as u8).collect();
        let out = overwritten(&flood);
        assert_eq!((out.len(), &out[..512], &out[1024..]), (1536, &flood[1024..], &flood[1024..]));
        assert_eq!(out[512..1024], flood[512..1024], "what was not overwritten");
    }

    #[test]
    fn a_blemish_spoils_a_frame() {
        let frame = hdlc::encode(b"Sabc");
        assert_eq!(Blemish::None.put_on(frame.clone()), frame);
        assert_eq!(Blemish::Cut.put_on(frame.clone()), frame[..frame.len() / 2]);
        assert!(Blemish::Flipped.put_on(frame.clone()) != frame);
    }

    #[test]
    fn a_dumb_line_says_nothing_or_no_xon_until_it_is_over() {
        let complete = Dumbness::Complete(Mono(10));
        assert!(complete.is_complete(Mono(9)) && complete.withholds(Mono(9), flow::XOFF) && !complete.is_complete(Mono(10)));
        let no_xon = Dumbness::NoXon(Mono(10));
        assert!(!no_xon.is_complete(Mono(9)) && no_xon.withholds(Mono(9), flow::XON) && !no_xon.withholds(Mono(9), flow::XOFF));
        assert!(!no_xon.withholds(Mono(10), flow::XON) && !Dumbness::None.withholds(Mono(0), flow::XON));
    }
}
