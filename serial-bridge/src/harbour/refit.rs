//! The harbour with other ports than before: some come, some go, some have other settings.
//!
//! A port whose terms are the same as before is left alone, whatever happens to the others.

use bus::reactor::Reactor;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;

use super::{Berth, Harbour, MOST_PORTS, Moored, Source, Tenure, can_be_a_port};
use crate::claims::Rank;
use crate::port::{PortId, Wanted};
use crate::rates::Rates;
use crate::spec::Spec;
use crate::trouble::Trouble;
use crate::watcher::Client;
use crate::wishes::{Answer, Fairway, Terms, Wishes};

impl Harbour {
    /// Has these ports from now on. Those that name no rate have this one.
    pub fn refit(&mut self, specs: &[Spec], rates: &Rates, reactor: &mut Reactor<Source>, now: Mono) {
        for pattern in 0..self.wishes.patterns.len() {
            self.watcher.forget(Client::Pattern(pattern));
        }
        self.wishes = Wishes::new(specs, rates, MOST_PORTS);
        for id in (0..self.berths.len()).map(PortId) {
            self.review(id, now);
        }
        for at in 0..self.wishes.named.len() {
            let (name, terms, rank) = self.wishes.named(at);
            self.want(name, terms, rank, reactor, now);
        }
        // Those that were named have their devices before a pattern finds these.
        self.follow(now);
        for pattern in 0..self.wishes.patterns.len() {
            self.scan(now, pattern, reactor);
        }
        self.follow(now);
    }

    /// Has a port of this name, which is opened at once if it was not wanted before.
    pub(super) fn want(&mut self, name: PortName, terms: Terms, rank: Rank, reactor: &mut Reactor<Source>, now: Mono) {
        match self.bridge.find(&name) {
            Some(id) if self.is_wanted(id) => {}
            Some(id) => self.change_terms(id, terms, rank, now),
            None if self.berths.len() >= MOST_PORTS => {
                if self.tally.count("ports-refused") {
                    log::error!("{name}: no room for more ports: {MOST_PORTS} were wanted since the start; start serial-bridge anew");
                }
            }
            None => self.add(name, terms, rank, reactor, now),
        }
    }

    /// Is this port wanted, and not only remembered?
    pub(super) fn is_wanted(&self, id: PortId) -> bool {
        matches!(self.berths[id.0].tenure, Tenure::Wanted { .. })
    }

    fn add(&mut self, name: PortName, terms: Terms, rank: Rank, reactor: &mut Reactor<Source>, now: Mono) {
        let id = self.bridge.add(Wanted { name, way: terms.way.clone() }, now);
        let registration = reactor.register(Source::Port(id));
        self.berths.push(Berth { registration, tenure: Tenure::Wanted { terms, rank }, unwatched: None, moored: Moored::Nothing });
        // Before it is opened for the first time: what comes a moment later is told.
        drop(self.follow_way(id));
    }

    /// Does what the new wishes mean for a port that was there before.
    fn review(&mut self, id: PortId, now: Mono) {
        let (name, was_wanted) = (self.bridge.name(id).clone(), self.is_wanted(id));
        let (terms, rank) = match self.wishes.ask(&name) {
            Answer::Named(named) => (named.terms.clone(), named.rank),
            // What nobody wants by its name is a find of a pattern's only while it is there.
            Answer::Matched(wish) if was_wanted && can_be_a_port(&name) => {
                wish.found += 1;
                (wish.terms.clone(), wish.rank)
            }
            Answer::Matched(_) | Answer::Nobody => return self.dismiss(id, now),
        };
        match &mut self.berths[id.0].tenure {
            Tenure::Wanted { terms: before, rank: rank_before } if *before == terms => {
                *rank_before = rank;
                self.rank(id, rank);
            }
            Tenure::Wanted { .. } | Tenure::Dismissed => self.change_terms(id, terms, rank, now),
        }
    }

    fn rank(&mut self, id: PortId, rank: Rank) {
        if let Moored::Wire(wire, _) = &self.berths[id.0].moored
            && let Some(device) = wire.device()
        {
            self.claims.rank(device, id, rank);
        }
    }

    fn change_terms(&mut self, id: PortId, terms: Terms, rank: Rank, now: Mono) {
        self.lose(now, id, Trouble::Unsettled);
        let way = terms.way.clone();
        self.berths[id.0].tenure = Tenure::Wanted { terms, rank };
        drop(self.follow_way(id));
        self.bridge.handle_wanted(id, now, way);
    }

    /// Nobody wants this port any more. It is remembered, so that its openings are counted on if somebody wants it again.
    fn dismiss(&mut self, id: PortId, now: Mono) {
        if self.is_wanted(id) {
            self.watcher.forget(Client::Port(id.0));
            self.berths[id.0].tenure = Tenure::Dismissed;
            self.lose(now, id, Trouble::Unwanted);
        }
    }
}

/// How a port that is wanted is opened.
pub(super) fn fairway(tenure: &Tenure) -> Option<&Fairway> {
    match tenure {
        Tenure::Wanted { terms, .. } => Some(&terms.fairway),
        Tenure::Dismissed => None,
    }
}
