//! Slots and slotframes, in time (IEEE 802.15.4 TSCH as `openmote-b` has it: slots of 10 ms, 101 to a slotframe).
//!
//! All emulated motes share one grid of slots, so that a whole mesh wakes its process once, not each mote by itself.

use std::time::Duration;

use mqtypes::ids::Asn;
use mqtypes::mono::Mono;

/// The length of a slot.
pub(super) const SLOT: Duration = Duration::from_millis(10);

/// Slots in a slotframe (`SLOTFRAME_LENGTH`).
pub(super) const SLOTFRAME: u64 = 101;

/// The length of a slotframe: a negotiated cell comes once in it.
pub(super) const SLOTFRAME_TIME: Duration = Duration::from_millis(10 * SLOTFRAME);

/// The firmware's timer: 328 ticks of 32,768 Hz in a slot.
pub(super) const TICKS_PER_SLOT: u64 = 328;

/// Slot numbers have 40 bits.
pub const LARGEST_ASN: u64 = (1 << 40) - 1;

/// A count of slots: when it began, and with which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    zero: Mono,
    first: Asn,
}

impl Epoch {
    /// Counts from `first`, which is the number of the slot that `now` lies in.
    pub(super) fn new(now: Mono, first: Asn) -> Self {
        Self { zero: slot_start(now), first }
    }

    /// The number of the slot that `now` lies in.
    pub(super) fn asn(self, now: Mono) -> Asn {
        Asn((self.first.0 + slots_since(self.zero, now)) & LARGEST_ASN)
    }
}

/// Where the slot that `now` lies in began.
pub(super) fn slot_start(now: Mono) -> Mono {
    Mono(now.0 - now.0 % micros(SLOT))
}

/// Slots from the start of `zero`'s slot to `now`.
pub(super) fn slots_since(zero: Mono, now: Mono) -> u64 {
    micros(slot_start(now).since(slot_start(zero))) / micros(SLOT)
}

/// Where in the slotframe a slot lies.
pub(super) fn slot_offset(asn: Asn) -> u16 {
    (asn.0 % SLOTFRAME) as u16
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_on_one_grid() {
        assert_eq!(slot_start(Mono(1_234_567)), Mono(1_230_000));
        assert_eq!(slots_since(Mono(1_234_567), Mono(1_239_999)), 0);
        assert_eq!(slots_since(Mono(1_234_567), Mono(1_240_000)), 1);
        assert_eq!(slots_since(Mono(0), Mono(399_000)), 39);
        assert_eq!(slot_offset(Asn(101 * 7 + 5)), 5);
    }

    #[test]
    fn a_count_begins_where_it_is_told_and_ends_with_forty_bits() {
        let epoch = Epoch::new(Mono(5_000), Asn(LARGEST_ASN - 1));
        assert_eq!([Mono(9_999), Mono(10_000), Mono(20_000)].map(|now| epoch.asn(now).0), [LARGEST_ASN - 1, LARGEST_ASN, 0]);
    }
}
