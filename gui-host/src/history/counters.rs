//! What is followed of a router's event counts: each counter, and the rates of those that charts show.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ledger::{Ledger, Pen, clipped},
    mote::rate,
    record::Event,
    series::{Quantity, Reading},
    track::{Pace, Track},
};
use crate::link::message::Counts;

/// Most counters that are followed; as many as a viewer is told.
const MAX_COUNTERS: usize = 4096;

/// Shortest time over which a rate is taken: counts come once a second, more or less.
const RATE_OVER: u64 = 2000;

/// The counters of a router.
#[derive(Debug)]
pub struct Counters {
    boot: Option<String>,
    by_key: BTreeMap<(Arc<str>, Arc<str>), Counter>,
    rates: [Rate; 3],
}

#[derive(Debug)]
struct Counter {
    /// What it stood at, if nothing can have been missed since.
    num: Option<u64>,
    track: Track,
}

#[derive(Debug)]
struct Rate {
    quantity: Quantity,
    track: Track,
    /// By how much its counters grew, as far as it was seen.
    grown: u64,
    /// Time (host's Unix ms) and growth since which the next rate is taken.
    since: Option<(u64, u64)>,
}

impl Default for Counters {
    fn default() -> Self {
        let rate = |quantity| Rate { quantity, track: Track::new(Pace::Second), grown: 0, since: None };
        Self { boot: None, by_key: BTreeMap::new(), rates: Quantity::OF_ROUTER.map(rate) }
    }
}

impl Counters {
    /// Counts have changed, or began anew.
    pub fn handle_counts(&mut self, now: u64, counts: &Counts<'_>, lbr: &Arc<str>, ledger: &mut Ledger) {
        let mut pen = Pen { ledger, lbr, mote: None };
        let boot = counts.boot.get().trim_matches('"');
        if self.boot.as_deref() != Some(boot) {
            self.close(&mut pen);
            self.by_key.clear();
            self.boot = Some(boot.to_owned());
            pen.event(now, Event::CountRestart { boot: clipped(boot) });
        }
        for count in &counts.counts {
            let key: (Arc<str>, Arc<str>) = (Arc::from(&*count.sender), Arc::from(&*count.signal));
            if self.by_key.len() >= MAX_COUNTERS && !self.by_key.contains_key(&key) {
                continue;
            }
            let counter = self.by_key.entry(key.clone()).or_insert_with(|| Counter { num: None, track: Track::new(Pace::TenSeconds) });
            let grown = counter.num.replace(count.num).map_or(0, |before| count.num.saturating_sub(before));
            for rate in self.rates.iter_mut().filter(|rate| rate.quantity.counts(&count.signal)) {
                rate.grown = rate.grown.saturating_add(grown);
            }
            let kept = counter.track.handle_reading(now, Reading::plain(count.num as f64));
            pen.count(&key.0, &key.1, kept);
        }
    }

    /// The second is over, and the link is up: of a router that has been heard since, a count that did not come has not
    /// changed. `heard` is the time of its newest message, of whatever kind.
    pub fn handle_timeout(&mut self, now: u64, heard: u64, lbr: &Arc<str>, ledger: &mut Ledger) {
        let mut pen = Pen { ledger, lbr, mote: None };
        for ((sender, signal), counter) in &mut self.by_key {
            pen.count(sender, signal, counter.track.poll(now));
        }
        // A router that has told no counts has no rates.
        if self.boot.is_some() {
            self.rates.iter_mut().for_each(|rate| rate.handle_timeout(now, heard, &mut pen));
        }
    }

    /// The link is down: what is counted meanwhile happens nobody knows when.
    pub fn handle_silence(&mut self) {
        self.rates.iter_mut().for_each(|rate| rate.since = None);
        self.by_key.values_mut().for_each(|counter| counter.num = None);
    }

    /// Nothing follows, or it begins anew.
    pub fn close(&mut self, pen: &mut Pen<'_>) {
        for ((sender, signal), counter) in &mut self.by_key {
            pen.count(sender, signal, counter.track.close());
        }
        for rate in &mut self.rates {
            pen.value(rate.quantity, rate.track.close());
            rate.since = None;
        }
    }
}

impl Rate {
    /// None is taken in a silence: what happens in it is told after it, and belongs to all of it.
    fn handle_timeout(&mut self, now: u64, heard: u64, pen: &mut Pen<'_>) {
        pen.value(self.quantity, self.track.poll(now));
        let Some((since, before)) = self.since else {
            self.since = Some((now, self.grown));
            return;
        };
        let passed = now.saturating_sub(since);
        if passed >= RATE_OVER && heard > since {
            self.since = Some((now, self.grown));
            let kept = self.track.handle_reading(now, Reading::plain(rate(self.grown - before, passed)));
            pen.value(self.quantity, kept);
        }
    }
}

impl Quantity {
    /// Whether the rate is that of this signal.
    fn counts(self, signal: &str) -> bool {
        match self {
            Self::StatusRate => signal == "fromMote.status",
            Self::DataRate => signal == "fromMote.data",
            Self::ErrorRate => matches!(signal, "fromMote.log.error" | "fromMote.log.critical"),
            Self::Prr | Self::Rssi | Self::Queue | Self::Rank | Self::AsnRate | Self::Duty => false,
        }
    }
}
