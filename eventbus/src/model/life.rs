//! A mote's lives: what it said before it booted is of an earlier one until it says it again.
//!
//! A boot is told by the firmware's `booted` log. When nobody heard that, as with a mote that was plugged
//! in a moment before its port was open, it shows otherwise: the ASN goes back, or synchronisation is gone,
//! only when the mote booted or lost its network; and the second it counts.

use mqtypes::ids::Asn;
use mqtypes::mono::Mono;
use mqtypes::status::Element;

/// How often a mote has booted, and what the next boot will be noticed by.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// Boots since the mote is known.
    pub boots: u32,
    /// When the last of them was noticed.
    pub booted: Option<Mono>,
    sync: Sync,
    /// `MacStats.numDeSync`: losses of synchronisation since boot.
    losses: Option<u8>,
    suspicion: Option<Suspicion>,
}

/// While it searches for a network, a mote counts slots over 16 bits, and that count means nothing.
#[derive(Debug, Clone, Copy, Default)]
enum Sync {
    #[default]
    NotTold,
    Lost,
    Held {
        asn: Option<Asn>,
        /// As told last when it said that it is synchronised.
        losses: Option<u8>,
    },
}

/// The ASN went back, or synchronisation is gone. The next MAC statistics tell why.
#[derive(Debug, Clone, Copy)]
struct Suspicion {
    at: Mono,
    losses: u8,
}

impl Life {
    /// A mote that was known before this process started.
    pub fn recalled(boots: u32, booted: Option<Mono>) -> Self {
        Self { boots, booted, ..Self::default() }
    }

    /// It says that it has booted.
    pub fn handle_boot(&mut self, heard: Mono) {
        *self = Self::recalled(self.boots.saturating_add(1), Some(heard));
    }

    /// True when this element shows that the mote has booted since the one before.
    pub fn handle_element(&mut self, heard: Mono, element: &Element) -> bool {
        match element {
            Element::IsSync(told) => self.handle_sync(heard, told.is_sync),
            Element::Asn(asn) => self.handle_asn(heard, *asn),
            Element::MacStats(stats) => return self.handle_losses(stats.num_de_sync),
            Element::IdManager(_)
            | Element::MyDagRank(_)
            | Element::OutputBuffer(_)
            | Element::ScheduleRow(_)
            | Element::Backoff(_)
            | Element::Queue(_)
            | Element::NeighborsRow(_)
            | Element::KaPeriod(_)
            | Element::Joined(_)
            | Element::Msf(_)
            | Element::Unknown { .. } => {}
        }
        false
    }

    /// Is what was heard then of this life?
    pub fn has(&self, heard: Mono) -> bool {
        self.booted.is_none_or(|booted| booted <= heard)
    }

    /// The mote was met on another port under no name, and this is what was noticed of it there.
    pub fn join<'a>(&mut self, newer: &Self, told: impl Iterator<Item = (Mono, &'a Element)>) {
        if newer.boots > 0 {
            let boots = self.boots.saturating_add(newer.boots);
            *self = Self { boots, ..newer.clone() };
            return;
        }
        for (heard, element) in told {
            self.handle_element(heard, element);
        }
    }

    fn handle_sync(&mut self, heard: Mono, is_sync: bool) {
        self.sync = match self.sync {
            Sync::Held { asn, .. } if is_sync => Sync::Held { asn, losses: self.losses },
            Sync::NotTold | Sync::Lost if is_sync => Sync::Held { asn: None, losses: self.losses },
            Sync::Held { losses, .. } => {
                // Whoever loses its network counts that. A mote that has not counted it has booted.
                self.suspicion = self.suspicion.or(losses.map(|losses| Suspicion { at: heard, losses }));
                Sync::Lost
            }
            Sync::NotTold | Sync::Lost => Sync::Lost,
        };
    }

    fn handle_asn(&mut self, heard: Mono, asn: Asn) {
        let Sync::Held { asn: before, .. } = &mut self.sync else { return };
        let went_back = before.is_some_and(|before| asn < before);
        *before = Some(asn);
        if went_back {
            self.suspicion = self.losses.map(|losses| Suspicion { at: heard, losses });
        }
    }

    fn handle_losses(&mut self, losses: u8) -> bool {
        self.losses = Some(losses);
        let Some(suspicion) = self.suspicion.take() else { return false };
        // The count wraps; half of its range tells forth from back.
        let more = losses.wrapping_sub(suspicion.losses);
        let is_boot = more == 0 || more > u8::MAX / 2;
        if is_boot {
            self.handle_boot(suspicion.at);
            self.losses = Some(losses);
        }
        is_boot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::status::{IsSync, MacStats};

    fn is_sync(is_sync: bool) -> Element {
        Element::IsSync(IsSync { is_sync })
    }

    fn losses(num_de_sync: u8) -> Element {
        Element::MacStats(MacStats {
            num_sync_pkt: 0,
            num_sync_ack: 0,
            min_correction: 127,
            max_correction: -127,
            num_de_sync,
            num_tics_on: 0,
            num_tics_total: 0,
        })
    }

    /// The boots that are noticed in these elements, one a millisecond.
    fn boots(elements: &[Element]) -> (u32, Option<Mono>) {
        let mut life = Life::default();
        for (element, at) in elements.iter().zip(1..) {
            life.handle_element(Mono(at * 1000), element);
        }
        (life.boots, life.booted)
    }

    #[test]
    fn an_asn_that_starts_again_is_a_boot_when_no_network_was_lost() {
        let told = [is_sync(true), Element::Asn(Asn(90_000)), losses(2), Element::Asn(Asn(7)), losses(0), Element::Asn(Asn(9))];
        assert_eq!(boots(&told), (1, Some(Mono(4000))));
    }

    #[test]
    fn another_network_with_a_smaller_asn_is_no_boot() {
        let told = [is_sync(true), Element::Asn(Asn(90_000)), losses(255), is_sync(true), Element::Asn(Asn(7)), losses(0)];
        assert_eq!(boots(&told), (0, None));
    }

    #[test]
    fn the_count_of_a_searching_mote_is_no_asn() {
        let told = [is_sync(false), Element::Asn(Asn(65_535)), losses(1), Element::Asn(Asn(3)), losses(1)];
        assert_eq!(boots(&told), (0, None));
        let told = [is_sync(true), Element::Asn(Asn(90_000)), losses(1), is_sync(false), Element::Asn(Asn(3)), losses(1)];
        assert_eq!(boots(&told), (0, None));
    }

    #[test]
    fn synchronisation_that_is_gone_without_a_loss_is_a_boot() {
        let told = [is_sync(true), losses(2), is_sync(true), is_sync(false), Element::Asn(Asn(9)), losses(0)];
        assert_eq!(boots(&told), (1, Some(Mono(4000))));
        let told = [is_sync(true), losses(2), is_sync(true), losses(3), is_sync(false), Element::Asn(Asn(9)), losses(3)];
        assert_eq!(boots(&told), (0, None));
    }

    #[test]
    fn a_boot_that_is_told_is_not_counted_again_by_its_asn() {
        let mut life = Life::default();
        for element in [is_sync(true), Element::Asn(Asn(90_000)), losses(2)] {
            life.handle_element(Mono(1), &element);
        }
        life.handle_boot(Mono(2));
        for element in [Element::Asn(Asn(5)), losses(0), is_sync(true), Element::Asn(Asn(6)), losses(0)] {
            assert!(!life.handle_element(Mono(3), &element));
        }
        assert_eq!((life.boots, life.has(Mono(1)), life.has(Mono(2))), (1, false, true));
    }
}
