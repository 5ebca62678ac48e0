//! The order in which a mote reports its elements (`task_openserial_debugPrint`): one a turn, and of a table one row a turn.

use super::{neighbors, schedule};

/// How many elements there are.
const ELEMENTS: u8 = 13;

/// What is to be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    IsSync,
    IdManager,
    MyDagRank,
    OutputBuffer,
    Asn,
    MacStats,
    ScheduleRow(usize),
    Backoff,
    Queue,
    NeighborsRow(usize),
    KaPeriod,
    Joined,
    Msf,
}

/// Where the firmware's counters stand. Each is advanced before it is used, so that nothing begins with 0 after a boot.
#[derive(Debug, Default)]
pub(super) struct Report {
    element: u8,
    schedule: usize,
    neighbors: usize,
}

impl Report {
    /// What this turn reports.
    pub fn next(&mut self) -> Item {
        self.element = (self.element + 1) % ELEMENTS;
        match self.element {
            0 => Item::IsSync,
            1 => Item::IdManager,
            2 => Item::MyDagRank,
            3 => Item::OutputBuffer,
            4 => Item::Asn,
            5 => Item::MacStats,
            6 => {
                self.schedule = (self.schedule + 1) % schedule::ROWS;
                Item::ScheduleRow(self.schedule)
            }
            7 => Item::Backoff,
            8 => Item::Queue,
            9 => {
                self.neighbors = (self.neighbors + 1) % neighbors::ROWS;
                Item::NeighborsRow(self.neighbors)
            }
            10 => Item::KaPeriod,
            11 => Item::Joined,
            12.. => Item::Msf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_rows_advance_before_they_are_told() {
        let mut report = Report::default();
        assert_eq!([report.next(), report.next()], [Item::IdManager, Item::MyDagRank]);
        let rows: Vec<Item> =
            (0..13 * 31).map(|_| report.next()).filter(|item| matches!(item, Item::ScheduleRow(_) | Item::NeighborsRow(_))).collect();
        assert_eq!(rows[..4], [Item::ScheduleRow(1), Item::NeighborsRow(1), Item::ScheduleRow(2), Item::NeighborsRow(2)]);
        assert_eq!(
            rows[38..44],
            [
                Item::ScheduleRow(20),
                Item::NeighborsRow(20),
                Item::ScheduleRow(0),
                Item::NeighborsRow(21),
                Item::ScheduleRow(1),
                Item::NeighborsRow(22)
            ]
        );
    }
}
