//! The last quarter of an hour in memory: what a page shows right after it was loaded, whether a
//! database is kept or not.
//!
//! Bounded in time, and over all series in points. Full, it gives up the oldest point of the series
//! that has a new one; a series that comes last may stay empty.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    record::{Fact, Mark, Record},
    series::Quantity,
};

/// How far it goes back, milliseconds.
pub const SPAN: u64 = 15 * 60 * 1000;

/// Most points: ten series of 900 points each of a hundred motes. 24 MB when they are all there.
const MAX_POINTS: usize = 1_000_000;

/// Most marks.
const MAX_MARKS: usize = 2000;

/// A value at a time (the host's Unix ms); none where there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub t: u64,
    /// What a chart shows.
    pub value: Option<f64>,
}

type Key = (Arc<str>, Option<Arc<str>>);

/// The ring.
#[derive(Debug)]
pub struct Ring {
    series: BTreeMap<(Key, Quantity), VecDeque<Point>>,
    marks: VecDeque<(Key, Mark)>,
    points: usize,
    most: usize,
}

impl Default for Ring {
    fn default() -> Self {
        Self::with_room(MAX_POINTS)
    }
}

impl Ring {
    /// An empty ring for at most that many points.
    fn with_room(most: usize) -> Self {
        Self { series: BTreeMap::new(), marks: VecDeque::new(), points: 0, most }
    }

    /// Remembers a record, if charts show it.
    pub fn push(&mut self, record: &Record) {
        let key = || (record.lbr.clone(), record.mote.clone());
        match &record.fact {
            Fact::Value(quantity, reading) => {
                let point = Point { t: record.t, value: reading.shown(*quantity) };
                self.push_point((key(), *quantity), point);
            }
            Fact::Event(event) => {
                if let Some(mark) = Mark::of(record.t, event) {
                    if self.marks.len() >= MAX_MARKS {
                        self.marks.pop_front();
                    }
                    self.marks.push_back((key(), mark));
                }
            }
            Fact::Count { .. } => {}
        }
    }

    fn push_point(&mut self, key: (Key, Quantity), point: Point) {
        let series = self.series.entry(key).or_default();
        if self.points >= self.most {
            if series.pop_front().is_none() {
                return;
            }
            self.points -= 1;
        }
        series.push_back(point);
        self.points += 1;
    }

    /// Forgets what is older than the span, and what a clock that was set back left in the future.
    pub fn handle_timeout(&mut self, now: u64) {
        let fits = |t: u64| t <= now.saturating_add(SPAN) && t.saturating_add(SPAN) >= now;
        self.series.retain(|_, series| {
            // In order, but for a clock that was set back, which is rare enough to look at all.
            if series.front().is_some_and(|point| !fits(point.t)) || series.back().is_some_and(|point| !fits(point.t)) {
                let before = series.len();
                series.retain(|point| fits(point.t));
                self.points -= before - series.len();
            }
            !series.is_empty()
        });
        self.marks.retain(|(_, mark)| fits(mark.t));
    }

    /// The points of a series, oldest first.
    pub fn points(&self, lbr: &str, mote: Option<&str>, quantity: Quantity) -> Vec<Point> {
        let key = ((Arc::from(lbr), mote.map(Arc::from)), quantity);
        let mut points: Vec<Point> = self.series.get(&key).into_iter().flatten().copied().collect();
        points.sort_by_key(|point| point.t);
        points
    }

    /// The marks of a mote or router, oldest first.
    pub fn marks(&self, lbr: &str, mote: Option<&str>) -> Vec<Mark> {
        let of = self.marks.iter().filter(|((of, who), _)| &**of == lbr && who.as_deref() == mote);
        of.map(|(_, mark)| mark.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::series::Reading;

    fn record(mote: &str, t: u64, value: f64) -> Record {
        Record { lbr: "a".into(), mote: Some(mote.into()), t, fact: Fact::Value(Quantity::Queue, Reading::plain(value)) }
    }

    fn times(ring: &Ring, mote: &str) -> Vec<u64> {
        ring.points("a", Some(mote), Quantity::Queue).iter().map(|point| point.t).collect()
    }

    #[test]
    fn what_is_older_than_a_quarter_of_an_hour_is_forgotten() {
        let mut ring = Ring::default();
        for t in [0, 1000, SPAN] {
            ring.push(&record("m", t, 1.0));
        }
        ring.handle_timeout(SPAN + 1000);
        assert_eq!(times(&ring, "m"), [1000, SPAN]);
        ring.handle_timeout(10 * SPAN);
        assert!(ring.series.is_empty() && ring.points == 0);
    }

    #[test]
    fn a_full_ring_gives_up_the_oldest_of_the_series_that_goes_on() {
        let mut ring = Ring::with_room(3);
        for t in 1..=3 {
            ring.push(&record("m", t, 1.0));
        }
        ring.push(&record("n", 4, 1.0));
        ring.push(&record("m", 5, 1.0));
        assert_eq!((times(&ring, "m"), times(&ring, "n"), ring.points), (vec![2, 3, 5], vec![], 3));
    }

    #[test]
    fn what_a_wrong_clock_left_in_the_future_is_forgotten() {
        let mut ring = Ring::default();
        ring.push(&record("m", 100 * SPAN, 1.0));
        ring.push(&record("m", 10, 1.0));
        ring.handle_timeout(10);
        assert_eq!(times(&ring, "m"), [10]);
    }
}
