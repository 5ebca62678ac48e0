//! What the motes' `uinject` tells. Only sources that changed are said.

use std::collections::{BTreeMap, BTreeSet};

use mqtypes::ids::Eui64;
use mqtypes::mesh::UinjectReport;

use super::bounds::MOST_MOTES;
use super::pace::Pace;
use super::turn::Extent;

/// The newest report of every source.
#[derive(Debug, Default)]
pub struct Uinject {
    reports: BTreeMap<Eui64, UinjectReport>,
    changed: BTreeSet<Eui64>,
    /// When changed reports may be said.
    pub pace: Pace,
}

impl Uinject {
    /// A source was heard. Nobody tells that one is gone: beyond the bound the one heard longest ago gives way.
    pub fn handle(&mut self, report: UinjectReport) {
        let mote = report.mote;
        if !self.reports.contains_key(&mote) && self.reports.len() >= MOST_MOTES {
            self.forget_the_oldest();
        }
        if self.reports.get(&mote) != Some(&report) {
            self.reports.insert(mote, report);
            self.changed.insert(mote);
        }
    }

    fn forget_the_oldest(&mut self) {
        if let Some(oldest) = self.reports.values().min_by_key(|report| report.heard).map(|report| report.mote) {
            self.reports.remove(&oldest);
            self.changed.remove(&oldest);
        }
    }

    /// Is there a change to say?
    pub fn has_news(&self) -> bool {
        !self.changed.is_empty()
    }

    /// All of them, or those that changed since they were last said; they count as said now.
    pub fn take(&mut self, extent: Extent) -> Vec<UinjectReport> {
        let changed = std::mem::take(&mut self.changed);
        let wanted = self.reports.values().filter(|report| extent == Extent::All || changed.contains(&report.mote));
        wanted.cloned().collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mqtypes::mesh::UinjectLayout;
    use mqtypes::mono::Mono;

    pub(crate) fn report(mote: u16, counter: u16) -> UinjectReport {
        UinjectReport {
            mote: Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, (mote >> 8) as u8, mote as u8]),
            heard: Mono(u64::from(counter)),
            layout: UinjectLayout::NameFirst,
            counter,
            received: counter.into(),
            expected: u32::from(counter) + 1,
            latency: Some(40),
            latency_sum: 100,
            latencies: 2,
            tx_cells: 1,
            rx_cells: 2,
            tics_on: 3,
            tics_total: 4,
        }
    }

    #[test]
    fn only_what_changed_since_it_was_said_is_said() {
        let mut uinject = Uinject::default();
        for (mote, counter) in [(2, 1), (3, 1), (2, 2)] {
            uinject.handle(report(mote, counter));
        }
        assert_eq!(uinject.take(Extent::Changes), [report(2, 2), report(3, 1)]);
        uinject.handle(report(2, 2));
        assert!(!uinject.has_news());
        uinject.handle(report(3, 2));
        assert_eq!(uinject.take(Extent::Changes), [report(3, 2)]);
        assert_eq!(uinject.take(Extent::All).len(), 2);
    }

    #[test]
    fn no_sender_grows_it_without_end() {
        let mut uinject = Uinject::default();
        for mote in 0..MOST_MOTES as u16 {
            uinject.handle(report(mote, mote + 1));
        }
        uinject.handle(report(u16::MAX, 9999));
        let told = uinject.take(Extent::All);
        assert_eq!(told.len(), MOST_MOTES);
        assert!(told.contains(&report(u16::MAX, 9999)) && !told.contains(&report(0, 1)));
    }
}
