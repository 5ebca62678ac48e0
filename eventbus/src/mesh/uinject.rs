//! What one mote's `uinject` comes to: how many of its packets came, of how many, and how long they took.
//!
//! Its counter is the only number a packet has. It wraps; it starts anew when the mote boots, which the ASN tells from a
//! packet that comes late or twice: what is sent after a boot was sent later.

use lowpan::Uinject;
use mqtypes::ids::{Asn, Eui64};
use mqtypes::mesh::UinjectReport;
use mqtypes::mono::Mono;

/// An ASN has so many bits, and begins anew.
const ASN_BITS: u32 = 40;

/// No packet is on its way for so many slots: 46 hours. A greater latency means that one of the two ASNs is wrong, or
/// of another network.
const MOST_LATENCY: u64 = 1 << 24;

/// A packet that was overtaken comes within so many slots, 82 to 164 s; a smaller counter from before is a boot of all.
const LATEST: u64 = 1 << 13;

/// No firmware sends a packet in every tenth slot for long. A counter that ran faster began anew, far behind.
const FASTEST: u64 = 10;

/// How many counters back a packet can still be told from one that comes twice.
const REMEMBERED: u16 = u64::BITS as u16;

/// The statistics of one mote, from its first packet on or from its last boot.
#[derive(Debug)]
pub(super) struct Injection {
    /// The packet with the highest counter.
    newest: Uinject,
    heard: Mono,
    latency: Option<u32>,
    /// Which of the last counters came: bit 0 is the newest, bit 1 the one before it.
    came: u64,
    received: u32,
    expected: u32,
    latency_sum: u64,
    latencies: u32,
}

/// How a packet stands to those before it.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    Next { by: u16 },
    Late { by: u16 },
    Twice,
    AfterBoot,
}

impl Injection {
    /// The first packet, which the root passed on at `asn`.
    pub fn first(heard: Mono, asn: Asn, told: Uinject) -> Self {
        let mut injection = Self { newest: told, heard, latency: None, came: 1, received: 1, expected: 1, latency_sum: 0, latencies: 0 };
        injection.latency = injection.add_latency(asn, told.asn);
        injection
    }

    /// Another packet.
    pub fn hear(&mut self, heard: Mono, asn: Asn, told: Uinject) {
        match self.arrival(&told) {
            Arrival::Next { by } => {
                self.came = self.came.checked_shl(u32::from(by)).unwrap_or(0) | 1;
                self.expected = self.expected.saturating_add(u32::from(by));
                self.received = self.received.saturating_add(1);
                (self.newest, self.heard) = (told, heard);
                self.latency = self.add_latency(asn, told.asn);
            }
            Arrival::Late { by } => {
                self.came |= 1 << by;
                self.received = self.received.saturating_add(1);
                self.add_latency(asn, told.asn);
            }
            Arrival::Twice => {}
            Arrival::AfterBoot => *self = Self::first(heard, asn, told),
        }
    }

    /// As the bus has it.
    pub fn report(&self, mote: Eui64) -> UinjectReport {
        UinjectReport {
            mote,
            heard: self.heard,
            layout: self.newest.layout,
            counter: self.newest.counter,
            received: self.received,
            expected: self.expected,
            latency: self.latency,
            latency_sum: self.latency_sum,
            latencies: self.latencies,
            tx_cells: self.newest.tx_cells,
            rx_cells: self.newest.rx_cells,
            tics_on: self.newest.tics_on,
            tics_total: self.newest.tics_total,
        }
    }

    fn arrival(&self, told: &Uinject) -> Arrival {
        let back = self.newest.counter.wrapping_sub(told.counter);
        // Half of the counter's range tells forth from back.
        if back > u16::MAX / 2 {
            let by = told.counter.wrapping_sub(self.newest.counter);
            let is_too_fast = by >= REMEMBERED && slots(self.newest.asn, told.asn) < u64::from(by) * FASTEST;
            return if is_too_fast { Arrival::AfterBoot } else { Arrival::Next { by } };
        }
        let earlier = slots(told.asn, self.newest.asn);
        let is_of_this_life = if back == 0 { earlier == 0 } else { earlier < LATEST };
        if !is_of_this_life {
            return Arrival::AfterBoot;
        }
        if back < REMEMBERED && self.came & (1 << back) == 0 { Arrival::Late { by: back } } else { Arrival::Twice }
    }

    fn add_latency(&mut self, asn: Asn, sent: Asn) -> Option<u32> {
        let latency = u32::try_from(slots(sent, asn)).ok().filter(|latency| u64::from(*latency) < MOST_LATENCY)?;
        self.latency_sum = self.latency_sum.saturating_add(u64::from(latency));
        self.latencies = self.latencies.saturating_add(1);
        Some(latency)
    }
}

/// Slots from one to the other, the way time goes.
fn slots(Asn(from): Asn, Asn(to): Asn) -> u64 {
    to.wrapping_sub(from) & ((1 << ASN_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::mesh::UinjectLayout;

    fn told(counter: u16, sent: u64) -> Uinject {
        let layout = UinjectLayout::NameFirst;
        Uinject { layout, counter, asn: Asn(sent), tx_cells: 1, rx_cells: 2, id16: 2, tics_on: 10, tics_total: 1000 }
    }

    /// Packets by counter, slot of sending and slot of arrival; what they come to: received, expected, last counter.
    #[track_caller]
    fn check(packets: &[(u16, u64, u64)], expected: (u32, u32, u16)) -> UinjectReport {
        let ((counter, sent, came), others) = packets.split_first().expect("one at least");
        let mut injection = Injection::first(Mono(0), Asn(*came), told(*counter, *sent));
        for ((counter, sent, came), at) in others.iter().zip(1..) {
            injection.hear(Mono(at), Asn(*came), told(*counter, *sent));
        }
        let report = injection.report(Eui64([2; 8]));
        assert_eq!((report.received, report.expected, report.counter), expected);
        report
    }

    #[test]
    fn what_is_missing_is_expected_and_not_received() {
        let report = check(&[(5, 1000, 1020), (6, 2000, 2010), (9, 5000, 5030)], (3, 5, 9));
        assert_eq!((report.latency, report.latency_sum, report.latencies, report.heard), (Some(30), 60, 3, Mono(2)));
    }

    #[test]
    fn a_packet_that_comes_twice_or_late_counts_once() {
        check(&[(5, 1000, 1020), (5, 1000, 1021), (7, 3000, 3020), (5, 1000, 3021), (6, 2000, 3022), (6, 2000, 3023)], (3, 3, 7));
    }

    #[test]
    fn a_boot_after_a_long_life_begins_anew_and_is_no_leap() {
        check(&[(40_000, 1_000_000, 1_000_020), (40_001, 1_006_000, 1_006_020), (0, 1_012_000, 1_012_020)], (1, 1, 0));
    }

    #[test]
    fn a_counter_that_wraps_goes_on() {
        check(&[(65_534, 1000, 1020), (1, 4000, 4020), (65_535, 2000, 4030)], (3, 4, 1));
        check(&[(0, 1000, 1020), (100, 9000, 9020), (36, 8000, 9030)], (2, 101, 100));
    }

    #[test]
    fn a_boot_begins_anew() {
        check(&[(5, 1000, 1020), (6, 2000, 2010), (0, 3000, 3020)], (1, 1, 0));
        check(&[(0, 1000, 1020), (0, 3000, 3020)], (1, 1, 0));
        // The root booted as well, and with it the network's time.
        check(&[(5, 100_000, 100_020), (0, 300, 320), (1, 400, 420)], (2, 2, 1));
    }

    #[test]
    fn a_counter_that_goes_on_in_another_network_goes_on() {
        let report = check(&[(1, 21_784, 21_857), (2, 5457, 5495)], (2, 2, 2));
        assert_eq!((report.latency, report.latency_sum), (Some(38), 111));
    }

    #[test]
    fn a_latency_that_cannot_be_is_left_out() {
        let report = check(&[(1, 1000, 1020), (2, 5000, 40)], (2, 2, 2));
        assert_eq!((report.latency, report.latency_sum, report.latencies), (None, 20, 1));
        let over_the_end = check(&[(1, (1 << 40) - 5, 10)], (1, 1, 1));
        assert_eq!(over_the_end.latency, Some(15));
        assert_eq!(check(&[(1, 0, MOST_LATENCY)], (1, 1, 1)).latency, None);
    }
}
