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

/// The firmware's timer: 328 ticks of 32,768 Hz in a slot.
pub(super) const TICKS_PER_SLOT: u64 = 328;

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
}
