//! A mote's MAC statistics: how long its radio was on, and how it keeps in step with its time source.

use mqtypes::mono::Mono;
use mqtypes::status::MacStats;

use super::slots::{TICKS_PER_SLOT, slots_since};
use crate::emulator::random::Random;

/// Ticks that the radio of a synchronised mote is on in an average slot: 1.5 %, as genuine motes report.
const TICKS_ON: u64 = 5;

/// Above this both counts of ticks are halved.
const MOST_TICKS: u64 = 0x7fff_ffff;

/// Corrections that a mote makes in the mesh of these recordings and on a desk: ticks in both directions.
const USUAL_CORRECTION: u64 = 3;

/// One correction in so many is large: every ten minutes or so.
const LARGE_ONE_IN: u64 = 600;

/// The largest of them, ticks.
const LARGEST_CORRECTION: u64 = 15;

/// Above this the firmware logs a correction (`LIMITLARGETIMECORRECTION`), ticks.
const LIMIT: u16 = 5;

/// The counters behind `ieee154e_stats_t`.
#[derive(Debug)]
pub(super) struct Radio {
    sync_pkt: u8,
    sync_ack: u8,
    min_correction: i16,
    max_correction: i16,
    desyncs: u8,
    ticks_on: u64,
    ticks_total: u64,
    /// When the window of the counters began.
    since: Mono,
    /// Slots of the window that are in the counts.
    counted: u64,
}

/// What the radio does when nothing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// It listens for a beacon, always.
    Listening,
    /// It is on in a few slots.
    Scheduled,
}

/// A correction of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Correction {
    /// Not worth a word.
    Usual,
    /// So many ticks; it is logged.
    Large(i16),
}

impl Radio {
    /// After a boot.
    pub fn new(now: Mono) -> Self {
        Self {
            sync_pkt: 0,
            sync_ack: 0,
            min_correction: 127,
            max_correction: -127,
            desyncs: 0,
            ticks_on: 0,
            ticks_total: 0,
            since: now,
            counted: 0,
        }
    }

    /// Counts the slots that have ended; to be called before the duty changes.
    pub fn count(&mut self, now: Mono, duty: Duty) {
        let slots = slots_since(self.since, now).saturating_sub(1).saturating_sub(self.counted);
        self.counted += slots;
        self.ticks_total += slots * TICKS_PER_SLOT;
        self.ticks_on += slots
            * match duty {
                Duty::Listening => TICKS_PER_SLOT,
                Duty::Scheduled => TICKS_ON,
            };
        while self.ticks_total > MOST_TICKS {
            self.ticks_total /= 2;
            self.ticks_on /= 2;
        }
    }

    /// Everything but the count of lost synchronisations begins anew.
    pub fn synchronised(&mut self, now: Mono) {
        *self = Self { desyncs: self.desyncs, ..Self::new(now) };
    }

    /// Synchronisation was lost.
    pub fn desynchronised(&mut self) {
        self.desyncs = self.desyncs.wrapping_add(1);
    }

    /// The time source was heard: a packet corrects the clock a little.
    pub fn corrected_by_packet(&mut self, random: &mut Random) -> Correction {
        self.sync_pkt = self.sync_pkt.wrapping_add(1);
        self.correct(random)
    }

    /// The time source acknowledged a frame, which corrects the clock too.
    pub fn corrected_by_acknowledgement(&mut self, random: &mut Random) -> Correction {
        self.sync_ack = self.sync_ack.wrapping_add(1);
        self.correct(random)
    }

    /// What the mote reports.
    pub fn stats(&self) -> MacStats {
        MacStats {
            num_sync_pkt: self.sync_pkt,
            num_sync_ack: self.sync_ack,
            min_correction: self.min_correction,
            max_correction: self.max_correction,
            num_de_sync: self.desyncs,
            num_tics_on: self.ticks_on as u32,
            num_tics_total: self.ticks_total as u32,
        }
    }

    fn correct(&mut self, random: &mut Random) -> Correction {
        let most = if random.once_in(LARGE_ONE_IN) { LARGEST_CORRECTION } else { USUAL_CORRECTION };
        let ticks = random.between(0, 2 * most) as i16 - most as i16;
        self.min_correction = self.min_correction.min(ticks);
        self.max_correction = self.max_correction.max(ticks);
        if ticks.unsigned_abs() > LIMIT { Correction::Large(ticks) } else { Correction::Usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radio_is_always_on_until_synchronised_and_rarely_afterwards() {
        let mut radio = Radio::new(Mono(0));
        radio.count(Mono(499_000), Duty::Listening);
        assert_eq!((radio.stats().num_tics_on, radio.stats().num_tics_total), (15_744, 15_744));
        radio.synchronised(Mono(500_000));
        radio.count(Mono(100_500_000), Duty::Scheduled);
        let stats = radio.stats();
        assert!((100..1000).contains(&(stats.num_tics_on * 10_000 / stats.num_tics_total)), "{stats:?}");
    }

    #[test]
    fn counts_of_corrections_wrap_and_a_few_corrections_are_large() {
        let (mut radio, mut random) = (Radio::new(Mono(0)), Random::new(1));
        let large = (0..256 * 40).filter(|_| radio.corrected_by_packet(&mut random) != Correction::Usual).count();
        assert!((1..100).contains(&large), "{large}");
        assert_eq!((radio.stats().num_sync_pkt, radio.stats().num_sync_ack), (0, 0));
        assert!(radio.stats().min_correction < -5 && radio.stats().max_correction > 5);
    }

    #[test]
    fn counts_are_halved_before_they_overflow() {
        let mut radio = Radio::new(Mono(0));
        radio.count(Mono(40 * 86_400_000_000), Duty::Listening);
        let stats = radio.stats();
        assert!(u64::from(stats.num_tics_total) <= MOST_TICKS && stats.num_tics_on == stats.num_tics_total, "{stats:?}");
    }
}
