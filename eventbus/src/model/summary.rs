//! What users read off a mote's elements, so that every reader gets the same answer.
//!
//! Only what was heard since the mote's last boot counts: a parent of an earlier life is no parent.

use mqtypes::mono::Mono;
use mqtypes::status::{Element, NeighborsRow, ParentLink, QueueEntry, QueueFill, Summary, TableFill};

use super::mote::{Known, Mote, Slot};

/// How far a mote has told a table. It tells one row a turn: 1, 2, … to the last, and then 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walk {
    last: Option<u8>,
    highest: u8,
    is_round: bool,
}

impl Walk {
    /// A row was told.
    pub(super) fn handle_row(&mut self, row: u8) {
        self.is_round |= self.last.is_some_and(|last| row < last);
        self.last = Some(row);
        self.highest = self.highest.max(row);
    }

    /// How many rows the table has, once the mote has begun it again.
    fn rows(self) -> Option<u16> {
        self.is_round.then_some(u16::from(self.highest) + 1)
    }
}

impl Slot {
    /// Does an element here count for the summary?
    pub(super) fn is_summed(self) -> bool {
        matches!(self, Self::ScheduleRow(_) | Self::NeighborsRow(_) | Self::Queue)
    }
}

impl Mote {
    /// The summary, and when the newest element in it was heard; none before there is anything to sum up. After a boot it is empty.
    pub fn summary(&self) -> Option<(Mono, Summary)> {
        let mut newest = None;
        let mut parent_heard = None;
        let mut summary = Summary::default();
        for Known { heard, element } in self.elements.values().filter(|known| self.life.has(known.heard)) {
            match element {
                Element::ScheduleRow(row) => count(&mut summary.schedule, row.cell_type != 0),
                Element::NeighborsRow(row) => {
                    count(&mut summary.neighbors, row.used);
                    // A parent that was left behind is in its row until that is told again.
                    if let Some(parent) = parent(row).filter(|_| parent_heard < Some(*heard)) {
                        (summary.parent, parent_heard) = (Some(parent), Some(*heard));
                    }
                }
                Element::Queue(entries) => summary.queue = Some(fill(entries)),
                _not_summed => continue,
            }
            newest = newest.max(Some(*heard));
        }
        summary.schedule.of = self.schedule.rows();
        summary.neighbors.of = self.neighbors.rows();
        newest.or(self.life.booted).map(|heard| (heard, summary))
    }
}

fn count(fill: &mut TableFill, is_used: bool) {
    fill.heard += 1;
    fill.used = fill.used.saturating_add(u8::from(is_used));
}

fn parent(row: &NeighborsRow) -> Option<ParentLink> {
    let is_parent = row.used && row.parent_preference > 0;
    is_parent.then(|| row.addr.eui64()).flatten().map(|mote| ParentLink { mote, rssi: row.rssi, prr: row.prr() })
}

fn fill(entries: &[QueueEntry]) -> QueueFill {
    let used = entries.iter().filter(|entry| entry.owner != 0).count();
    let bounded = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    QueueFill { used: bounded(used), of: bounded(entries.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_known_in_full_when_the_mote_begins_it_again() {
        let mut walk = Walk::default();
        for row in [1, 2, 3, 4] {
            walk.handle_row(row);
            assert_eq!(walk.rows(), None);
        }
        walk.handle_row(0);
        assert_eq!(walk.rows(), Some(5));
        walk.handle_row(6);
        assert_eq!(walk.rows(), Some(7), "a row that was missed in the first round");
    }
}
