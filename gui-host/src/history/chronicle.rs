//! What routers say, as records: which figures, counters and events there are, and when they are kept.
//!
//! Pure, and bounded in routers, motes and counters. It looks at messages on their way through the
//! hub and changes nothing about them; what it does not understand it passes over.

use std::{
    collections::{BTreeMap, btree_map::Entry as Place},
    sync::Arc,
};

use serde_json::value::RawValue;

use super::{
    counters::Counters,
    elements::{self, DagEntry, Entry, LogLine},
    ledger::{Batch, Ledger, Pen, clipped},
    moment::Moment,
    mote::Mote,
    record::Event,
    ring::Ring,
};
use crate::{
    clock::Now,
    hub::link_state::LinkWord,
    link::{
        message::{Message, Parsed, is_eui64},
        pages::MAX_MOTES,
    },
};

/// Most routers that are followed; as many as the hub has.
const MAX_ROUTERS: usize = 16;

/// A mote of which nothing was told for as long is followed no more, milliseconds.
const FORGOTTEN_AFTER: u64 = 15 * 60 * 1000;

/// A clock that goes back further was set; less is a correction.
const SET_BACK: u64 = 2000;

/// Follows all routers.
#[derive(Debug, Default)]
pub struct Chronicle {
    routers: BTreeMap<Arc<str>, Router>,
    ledger: Ledger,
    last: u64,
}

#[derive(Debug)]
struct Router {
    lbr: Arc<str>,
    link: LinkWord,
    motes: BTreeMap<String, Mote>,
    counters: Counters,
    /// When it said something, host's Unix ms.
    heard: u64,
}

impl Chronicle {
    /// A message of a router.
    pub fn handle_message(&mut self, now: Now, lbr: &str, text: &str, parsed: &Parsed<'_>) {
        let now = self.notice_clock(now);
        let moment = Moment { now, said: parsed.t };
        let (router, ledger) = self.router(lbr, now);
        router.heard = now;
        match &parsed.message {
            Message::Inventory(inventory) => router.handle_inventory(moment, &inventory.motes, ledger),
            Message::Status(status) => {
                let Some(mote) = &status.mote else { return };
                let lbr = router.lbr.clone();
                let Some(mote) = router.mote(mote) else { return };
                for (name, element) in &status.elements {
                    mote.handle_element(moment, name, element, &lbr, ledger);
                }
            }
            Message::Counts(counts) => router.counters.handle_counts(now, counts, &router.lbr, ledger),
            Message::Dag(dag) => router.handle_dag(moment, &dag.motes, ledger),
            Message::Uinject(uinject) => {
                let lbr = router.lbr.clone();
                for (mote, source) in &uinject.sources {
                    if let Some(mote) = router.mote(mote) {
                        mote.handle_source(moment, source, &lbr, ledger);
                    }
                }
            }
            Message::Log => router.handle_log(now, text, ledger),
            Message::Data | Message::Health(_) | Message::Outcome(_) | Message::Gap | Message::Error(_) | Message::Other => {}
        }
    }

    /// The link to a router is so now.
    pub fn handle_link(&mut self, now: Now, lbr: &str, link: LinkWord, detail: &str) {
        let now = self.notice_clock(now);
        let (router, ledger) = self.router(lbr, now);
        if router.link != link {
            router.link = link;
            let event = Event::Link { state: link.name(), detail: clipped(detail) };
            Pen { ledger, lbr: &router.lbr, mote: None }.event(now, event);
        }
    }

    /// The second is over.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.notice_clock(now);
        for router in self.routers.values_mut() {
            router.handle_timeout(now, &mut self.ledger);
        }
        self.ledger.ring.handle_timeout(now);
    }

    /// Nothing follows.
    pub fn finish(&mut self) {
        for router in self.routers.values_mut() {
            router.close(&mut self.ledger);
        }
    }

    /// What has come together since the last call.
    pub fn take_batch(&mut self) -> Batch {
        self.ledger.take_batch()
    }

    /// The last quarter of an hour.
    pub fn ring(&self) -> &Ring {
        &self.ledger.ring
    }

    /// After the clock was set back every series begins anew; it would wait for its old time else.
    fn notice_clock(&mut self, now: Now) -> u64 {
        let now = now.unix_ms;
        if now.saturating_add(SET_BACK) < self.last {
            self.finish();
        }
        self.last = now;
        now
    }

    /// The router; the one that was silent for longest gives its place to a new one.
    fn router(&mut self, lbr: &str, now: u64) -> (&mut Router, &mut Ledger) {
        if self.routers.len() >= MAX_ROUTERS
            && !self.routers.contains_key(lbr)
            && let Some(oldest) = self.routers.iter().min_by_key(|(_, router)| router.heard).map(|(id, _)| id.clone())
            && let Some(mut router) = self.routers.remove(&oldest)
        {
            router.close(&mut self.ledger);
        }
        let router = self.routers.entry(lbr.into()).or_insert_with(|| Router {
            lbr: lbr.into(),
            link: LinkWord::None,
            motes: BTreeMap::new(),
            counters: Counters::default(),
            heard: now,
        });
        (router, &mut self.ledger)
    }
}

impl Router {
    fn mote(&mut self, eui: &str) -> Option<&mut Mote> {
        let is_full = self.motes.len() >= MAX_MOTES;
        match self.motes.entry(eui.to_owned()) {
            Place::Occupied(mote) => Some(mote.into_mut()),
            Place::Vacant(_) if is_full || !is_eui64(eui) => None,
            Place::Vacant(place) => Some(place.insert(Mote::new(eui))),
        }
    }

    fn handle_inventory(&mut self, moment: Moment, motes: &[&RawValue], ledger: &mut Ledger) {
        let lbr = self.lbr.clone();
        for entry in motes.iter().filter_map(|mote| elements::parse::<Entry<'_>>(mote)) {
            if let Some(mote) = entry.mote.as_deref().and_then(|mote| self.mote(mote)) {
                mote.handle_entry(moment, &entry, &lbr, ledger);
            }
        }
    }

    fn handle_dag(&mut self, moment: Moment, motes: &[&RawValue], ledger: &mut Ledger) {
        let lbr = self.lbr.clone();
        for entry in motes.iter().filter_map(|mote| elements::parse::<DagEntry<'_>>(mote)) {
            if let Some(mote) = self.mote(&entry.mote) {
                mote.handle_dag(moment, &entry, &lbr, ledger);
            }
        }
    }

    fn handle_log(&mut self, now: u64, text: &str, ledger: &mut Ledger) {
        let Ok(line) = serde_json::from_str::<LogLine<'_>>(text) else { return };
        let mote: Option<Arc<str>> = line.mote.as_deref().filter(|mote| is_eui64(mote)).map(Arc::from);
        let event = Event::Log {
            severity: clipped(&line.severity),
            component: line.component.map_or_else(String::new, |component| clipped(&component.name)),
            text: clipped(&line.text),
        };
        Pen { ledger, lbr: &self.lbr, mote: mote.as_ref() }.event(now, event);
    }

    fn handle_timeout(&mut self, now: u64, ledger: &mut Ledger) {
        for mote in self.motes.values_mut() {
            mote.handle_timeout(now, &self.lbr, ledger);
        }
        self.motes.retain(|_, mote| now.saturating_sub(mote.heard) < FORGOTTEN_AFTER);
        match self.link {
            LinkWord::Live => self.counters.handle_timeout(now, self.heard, &self.lbr, ledger),
            LinkWord::None | LinkWord::Connecting | LinkWord::Stale | LinkWord::Lost => self.counters.handle_silence(),
        }
    }

    fn close(&mut self, ledger: &mut Ledger) {
        for mote in self.motes.values_mut() {
            mote.close(&self.lbr, ledger);
        }
        self.counters.close(&mut Pen { ledger, lbr: &self.lbr, mote: None });
    }
}
