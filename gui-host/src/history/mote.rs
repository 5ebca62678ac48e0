//! What is followed of one mote: its figures, its parent and its boots.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::value::RawValue;

use super::{
    elements::{self, DagEntry, Entry, Neighbor, Told},
    ledger::{Ledger, Pen},
    moment::Moment,
    record::{self, Event, SAME_TIME},
    series::{Quantity, Reading},
    track::{Pace, Timed, Track},
};

/// Shortest time over which a rate is taken: the jitter of the serial line is some milliseconds, and
/// a rate that shows it is another one each time, and kept.
const RATE_OVER: u64 = 10_000;

/// After a longer silence a rate begins anew.
const RATE_WITHIN: u64 = 150_000;

/// What the mote tells itself counts before what packets tell of it, for as long as a row of its
/// tables takes to come again.
const OWN_WORDS_STAND: u64 = 150_000;

/// A mote.
#[derive(Debug)]
pub struct Mote {
    eui: Arc<str>,
    tracks: BTreeMap<Quantity, Track>,
    /// The row of the neighbour table that is the parent's, and when it was heard (router's clock).
    parent_row: Option<(u32, Option<u64>)>,
    /// The parent that was told last.
    parent: Option<String>,
    asn: Option<(u64, u64)>,
    /// When it booted last, on the router's clock, and how often it had then.
    booted: Option<u64>,
    boots: Option<u64>,
    /// The host's Unix ms of its last neighbour row and duty cycle of its own.
    own_parent: Option<u64>,
    own_duty: Option<u64>,
    /// When anything was told of it, host's Unix ms.
    pub heard: u64,
}

impl Mote {
    /// A mote of which nothing is known.
    pub fn new(eui: &str) -> Self {
        Self {
            eui: eui.into(),
            tracks: BTreeMap::new(),
            parent_row: None,
            parent: None,
            asn: None,
            booted: None,
            boots: None,
            own_parent: None,
            own_duty: None,
            heard: 0,
        }
    }

    /// An element that has changed, or was heard again.
    pub fn handle_element(&mut self, moment: Moment, name: &str, element: &RawValue, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.heard = moment.now;
        match name {
            "MyDagRank" => self.figure(moment, Quantity::Rank, elements::rank(element), lbr, ledger),
            "Queue" => self.figure(moment, Quantity::Queue, elements::queue(element), lbr, ledger),
            "MacStats" => {
                self.own_duty = Some(moment.now);
                self.figure(moment, Quantity::Duty, elements::duty(element), lbr, ledger);
            }
            "Asn" => {
                let told = elements::asn(element);
                let rate = told.and_then(|told| self.asn_rate(told));
                self.figure(moment, Quantity::AsnRate, rate, lbr, ledger);
            }
            "Neighbors" => {
                for (number, row) in elements::neighbors(element) {
                    self.handle_neighbor(moment, number, row, lbr, ledger);
                }
            }
            _ => {}
        }
    }

    /// What the mote's packets tell of its radio; a mote on a cable tells it itself.
    pub fn handle_source(&mut self, moment: Moment, source: &RawValue, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.heard = moment.now;
        if stands(self.own_duty, moment.now) {
            return;
        }
        self.figure(moment, Quantity::Duty, elements::duty_of_source(source), lbr, ledger);
    }

    /// What DAOs tell of its parent.
    pub fn handle_dag(&mut self, moment: Moment, entry: &DagEntry<'_>, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.heard = moment.now;
        if let Some(parent) = entry.parents.first()
            && crate::link::message::is_eui64(parent)
            && !stands(self.own_parent, moment.now)
            && let Some(at) = moment.at(entry.heard)
        {
            self.handle_parent(at, parent, record::Told::Dao, lbr, ledger);
        }
    }

    /// Its entry in the inventory.
    pub fn handle_entry(&mut self, moment: Moment, entry: &Entry<'_>, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.heard = moment.now;
        let Some(booted) = entry.booted else { return };
        // The router works the time out anew for each inventory, to a few milliseconds.
        if entry.boots == self.boots && self.booted.is_some_and(|known| known.abs_diff(booted) <= SAME_TIME) {
            return;
        }
        (self.booted, self.boots) = (Some(booted), entry.boots);
        self.asn = None;
        if let Some(at) = moment.at(entry.booted) {
            self.pen(lbr, ledger).event(at, Event::Boot { boots: entry.boots.unwrap_or(0) });
        }
    }

    /// The second is over.
    pub fn handle_timeout(&mut self, now: u64, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.each(lbr, ledger, |track| track.poll(now));
    }

    /// Nothing follows, or the clock was set back.
    pub fn close(&mut self, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.each(lbr, ledger, Track::close);
        (self.own_parent, self.own_duty) = (None, None);
    }

    fn each(&mut self, lbr: &Arc<str>, ledger: &mut Ledger, keep: impl Fn(&mut Track) -> Option<Timed>) {
        let mut pen = Pen { ledger, lbr, mote: Some(&self.eui) };
        for (&quantity, track) in &mut self.tracks {
            pen.value(quantity, keep(track));
        }
    }

    fn handle_neighbor(&mut self, moment: Moment, number: u32, row: Told<Neighbor>, lbr: &Arc<str>, ledger: &mut Ledger) {
        self.own_parent = Some(moment.now);
        match row.value {
            // After a change of parent two rows may say so for a while: the newer one counts.
            Neighbor::Parent(link) if self.parent_row.is_none_or(|(known, t)| known == number || row.t >= t) => {
                self.parent_row = Some((number, row.t));
                let figure = |value: Option<Reading>| value.map(|value| Told { t: row.t, value });
                self.figure(moment, Quantity::Prr, figure(link.prr), lbr, ledger);
                self.figure(moment, Quantity::Rssi, figure(link.rssi), lbr, ledger);
                if let Some(at) = moment.at(row.t).filter(|_| !self.is_earlier(row.t)) {
                    self.handle_parent(at, &link.parent, record::Told::Neighbors, lbr, ledger);
                }
            }
            Neighbor::Other if self.parent_row.is_some_and(|(known, _)| known == number) => self.parent_row = None,
            Neighbor::Parent(_) | Neighbor::Other => {}
        }
    }

    fn handle_parent(&mut self, at: u64, parent: &str, told: record::Told, lbr: &Arc<str>, ledger: &mut Ledger) {
        if self.parent.as_deref() != Some(parent) {
            self.parent = Some(parent.to_owned());
            self.pen(lbr, ledger).event(at, Event::Parent { parent: parent.to_owned(), told });
        }
    }

    fn figure(&mut self, moment: Moment, quantity: Quantity, told: Option<Told<Reading>>, lbr: &Arc<str>, ledger: &mut Ledger) {
        let Some(Told { t, value }) = told.filter(|told| !self.is_earlier(told.t)) else { return };
        let Some(at) = moment.at(t) else { return };
        let track = self.tracks.entry(quantity).or_insert_with(|| Track::new(Pace::Second));
        let kept = track.handle_reading(at, value);
        self.pen(lbr, ledger).value(quantity, kept);
    }

    /// The rate since the reading before; anew after a silence, or when the number went back.
    fn asn_rate(&mut self, told: Told<u64>) -> Option<Told<Reading>> {
        let t = told.t?;
        let Some((before_t, before)) = self.asn else {
            self.asn = Some((t, told.value));
            return None;
        };
        let passed = t.checked_sub(before_t);
        if passed.is_some_and(|passed| passed < RATE_OVER) && told.value >= before {
            return None;
        }
        self.asn = Some((t, told.value));
        let passed = passed.filter(|&passed| passed <= RATE_WITHIN)?;
        let slots = told.value.checked_sub(before)?;
        Some(Told { t: told.t, value: Reading::plain(rate(slots, passed)) })
    }

    /// Whether it was heard before the mote booted last.
    fn is_earlier(&self, t: Option<u64>) -> bool {
        t.zip(self.booted).is_some_and(|(t, booted)| t < booted)
    }

    fn pen<'a>(&'a self, lbr: &'a Arc<str>, ledger: &'a mut Ledger) -> Pen<'a> {
        Pen { ledger, lbr, mote: Some(&self.eui) }
    }
}

fn stands(since: Option<u64>, now: u64) -> bool {
    since.is_some_and(|since| now.saturating_sub(since) < OWN_WORDS_STAND)
}

/// A second's worth, to a tenth: finer is the jitter of the line.
pub fn rate(more: u64, ms: u64) -> f64 {
    (more as f64 * 10_000.0 / ms as f64).round() / 10.0
}
