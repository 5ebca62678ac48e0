//! What the motes report of themselves, mote by mote, and whose turn it is.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::broker::{StatusReport, SummaryReport};
use mqtypes::ids::{Eui64, PortName, Who};
use mqtypes::mono::Mono;

use super::bounds::{self, Kept, MOST_MOTES};
use super::mote_status::{MoteStatus, Reading};
use super::turn::Extent;

/// Names a mote: by its address once it has told it, until then by its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoteKey {
    /// By address.
    Mote(Eui64),
    /// By port.
    Port(PortName),
}

impl MoteKey {
    /// `None` for nobody.
    pub fn of(who: &Who) -> Option<Self> {
        who.mote.map(Self::Mote).or_else(|| who.port.clone().map(Self::Port))
    }
}

/// Of all motes.
#[derive(Debug, Default)]
pub struct Statuses {
    motes: BTreeMap<MoteKey, MoteStatus>,
}

impl Statuses {
    /// A mote has reported.
    pub fn handle_report(&mut self, report: StatusReport) -> Kept {
        let StatusReport { who, heard, element } = report;
        self.mote(who).map_or(Kept::No, |mote| mote.handle(element, heard))
    }

    /// What a mote's elements come to has been told.
    pub fn handle_summary(&mut self, report: SummaryReport) -> Kept {
        let SummaryReport { who, heard, summary } = report;
        let Some(mote) = self.mote(who) else { return Kept::No };
        mote.handle_summary(summary, heard);
        Kept::Yes
    }

    /// Of whom this is. `None` for nobody, and when there is no room for one more.
    fn mote(&mut self, who: Who) -> Option<&mut MoteStatus> {
        let key = MoteKey::of(&who).filter(|_| bounds::is_port(who.port.as_ref()))?;
        if !self.motes.contains_key(&key) && self.motes.len() >= MOST_MOTES {
            return None;
        }
        let mote = self.motes.entry(key).or_default();
        mote.port = who.port;
        Some(mote)
    }

    /// A mote is gone.
    pub fn forget(&mut self, key: &MoteKey) {
        self.motes.remove(key);
    }

    /// Everybody of whom something is known.
    pub fn keys(&self) -> impl Iterator<Item = &MoteKey> {
        self.motes.keys()
    }

    /// Is something known of this mote?
    pub fn knows(&self, key: &MoteKey) -> bool {
        self.motes.contains_key(key)
    }

    /// When the next thing is to be said.
    pub fn due_at(&self) -> Option<Mono> {
        self.motes.values().filter_map(MoteStatus::due_at).min()
    }

    /// The mote that has waited longest, if one is due.
    pub fn most_urgent(&self, now: Mono) -> Option<MoteKey> {
        let waiting = self.motes.iter().filter_map(|(key, mote)| Some((mote.due_at()?, key)));
        waiting.filter(|(due_at, _)| *due_at <= now).min().map(|(_, key)| key.clone())
    }

    /// What is to be said of a mote now; it counts as said. `None` when nothing is known of it.
    pub fn take(&mut self, key: &MoteKey, extent: Extent, now: Mono, interval: Duration) -> Option<(Who, Vec<Reading>)> {
        let mote = self.motes.get_mut(key)?;
        let readings = mote.take(extent, now, interval);
        let eui = match key {
            MoteKey::Mote(mote) => Some(*mote),
            MoteKey::Port(_) => None,
        };
        Some((Who { mote: eui, port: mote.port.clone() }, readings))
    }

    /// The interval has become shorter.
    pub fn hasten(&mut self, now: Mono, interval: Duration) {
        for mote in self.motes.values_mut() {
            mote.pace.hasten(now, interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::mote_status::Value;
    use mqtypes::ids::Asn;
    use mqtypes::status::Element;

    const SECOND: Duration = Duration::from_secs(1);

    fn of(port: &str) -> MoteKey {
        MoteKey::Port(PortName(port.to_owned()))
    }

    fn asn(port: &str, at: u64) -> StatusReport {
        let who = Who { mote: None, port: Some(PortName(port.to_owned())) };
        StatusReport { who, heard: Mono(at), element: Element::Asn(Asn(at)) }
    }

    fn changed(statuses: &mut Statuses, port: &str, at: u64) -> Vec<Reading> {
        statuses.take(&of(port), Extent::Changes, Mono(at), SECOND).expect("something is known").1
    }

    #[test]
    fn of_many_changes_the_newest_is_said_and_once_in_an_interval() {
        let mut statuses = Statuses::default();
        statuses.handle_report(asn("a", 1));
        assert_eq!(statuses.most_urgent(Mono(1)), Some(of("a")));
        changed(&mut statuses, "a", 1);
        for at in 2..50 {
            statuses.handle_report(asn("a", at));
        }
        assert_eq!((statuses.most_urgent(Mono(50)), statuses.due_at()), (None, Some(Mono(1_000_001))));
        assert_eq!(statuses.most_urgent(Mono(1_000_001)), Some(of("a")));
        assert_eq!(changed(&mut statuses, "a", 1_000_001), [Reading { value: Value::Element(Element::Asn(Asn(49))), heard: Mono(49) }]);
    }

    #[test]
    fn the_mote_that_has_waited_longest_comes_first() {
        let mut statuses = Statuses::default();
        for (at, port) in [(10, "a"), (20, "b")] {
            statuses.handle_report(asn(port, at));
            changed(&mut statuses, port, at);
        }
        for port in ["b", "a"] {
            statuses.handle_report(asn(port, 30));
        }
        assert_eq!(statuses.due_at(), Some(Mono(10).after(SECOND)));
        assert_eq!(statuses.most_urgent(Mono(10).after(SECOND)), Some(of("a")));
        changed(&mut statuses, "a", 1_000_010);
        assert_eq!(statuses.most_urgent(Mono(20).after(SECOND)), Some(of("b")));
    }

    #[test]
    fn of_a_mote_that_is_gone_nothing_is_said() {
        let mut statuses = Statuses::default();
        statuses.handle_report(asn("a", 1));
        statuses.forget(&of("a"));
        assert_eq!((statuses.due_at(), statuses.take(&of("a"), Extent::All, Mono(2), SECOND)), (None, None));
    }
}
