//! Puts the next thing to say on the stage: a portion of the snapshot, else whatever is due, in turns, page by page.
//!
//! Only what can be sent next is staged. What is behind it is looked up when its turn comes, and is newer then.

use std::time::Duration;

use bus::moment::Moment;
use mqtypes::mono::Mono;

use super::Session;
use super::health::Figures;
use super::mirror::Knowledge;
use super::pages;
use super::snapshot::Portion;
use super::status::MoteKey;
use super::turn::{Class, Extent};
use crate::json;
use crate::message::Message;
use crate::request::Topic;

/// A changed inventory is said no more often than this: it is said whole, and motes that start together change it one by one.
const INVENTORY_INTERVAL: Duration = Duration::from_millis(250);

impl Session {
    /// When this class has something to say.
    pub(super) fn due_at(&self, class: Class) -> Option<Mono> {
        const AT_ONCE: Mono = Mono(0);
        if !class.topics().iter().any(|topic| self.wants(*topic)) {
            return None;
        }
        match (class, &self.knowledge) {
            (Class::Events, Knowledge::Arriving(_) | Knowledge::Complete(_)) => (!self.events.is_empty()).then_some(AT_ONCE),
            (Class::Health, _) => self.figures.is_some().then_some(AT_ONCE),
            (Class::Inventory, Knowledge::Complete(mirror)) => mirror.inventory.has_news().then(|| mirror.inventory.pace.due_at()),
            (Class::Dag, Knowledge::Complete(mirror)) => mirror.dag.due_at(),
            (Class::Statuses, Knowledge::Complete(mirror)) => mirror.statuses.due_at(),
            (Class::Uinject, Knowledge::Complete(mirror)) => mirror.uinject.has_news().then(|| mirror.uinject.pace.due_at()),
            (Class::Counts, Knowledge::Complete(mirror)) => mirror.counts.has_news().then(|| mirror.counts.pace.due_at()),
            (Class::Events | Class::Inventory | Class::Dag | Class::Statuses | Class::Uinject | Class::Counts, _) => None,
        }
    }

    /// Puts the next thing to say on the stage. False when there is nothing.
    pub(super) fn stage(&mut self, now: Moment) -> bool {
        if let Knowledge::Complete(mirror) = &self.knowledge
            && let Some(portion) = self.snapshot.poll(|| mirror.statuses.keys().cloned())
        {
            self.stage_portion(&portion, now);
            return true;
        }
        let due = self.last_class.others_first().find(|class| self.due_at(*class).is_some_and(|at| at <= now.mono));
        let Some(class) = due else { return false };
        self.last_class = class;
        match class {
            Class::Events => self.staged.extend(self.events.poll()),
            Class::Inventory => {
                let number = self.snapshot.next_number();
                self.stage_inventory(number, now);
            }
            Class::Dag => {
                let number = self.snapshot.next_number();
                self.stage_dag(number, now);
            }
            Class::Statuses => self.stage_most_urgent(now),
            Class::Uinject => self.stage_uinject(Extent::Changes, now),
            Class::Counts => self.stage_counts(Extent::Changes, now),
            Class::Health => self.stage_figures(now),
        }
        true
    }

    fn stage_portion(&mut self, portion: &Portion, now: Moment) {
        match portion {
            Portion::Inventory if self.wants(Topic::Inventory) => self.stage_inventory(self.snapshot.number(), now),
            Portion::Dag if self.wants(Topic::Dag) => self.stage_dag(self.snapshot.number(), now),
            Portion::Mote(key) if self.wants(Topic::Status) => self.stage_status(key, Extent::All, now),
            Portion::Uinject if self.wants(Topic::Uinject) => self.stage_uinject(Extent::All, now),
            Portion::Counts if self.wants(Topic::Counts) => self.stage_counts(Extent::All, now),
            Portion::Inventory | Portion::Dag | Portion::Mote(_) | Portion::Uinject | Portion::Counts => {}
        }
    }

    fn stage_inventory(&mut self, number: u64, now: Moment) {
        let Knowledge::Complete(mirror) = &mut self.knowledge else { return };
        mirror.inventory.pace.said(now.mono, INVENTORY_INTERVAL);
        let pages = pages::split(mirror.inventory.take(), |entry| json::inventory::length(entry, now));
        self.tally_left_out(pages.left_out);
        self.staged.extend(pages.numbered(number).map(|(part, motes)| Message::Inventory { part, motes }));
    }

    fn stage_dag(&mut self, number: u64, now: Moment) {
        let Knowledge::Complete(mirror) = &mut self.knowledge else { return };
        mirror.dag.pace.said(now.mono, self.interval);
        let pages = pages::split(mirror.dag.take(), |entry| json::dag::length(entry, now));
        self.tally_left_out(pages.left_out);
        self.staged.extend(pages.numbered(number).map(|(part, motes)| Message::Dag { part, motes }));
    }

    fn stage_most_urgent(&mut self, now: Moment) {
        let Knowledge::Complete(mirror) = &self.knowledge else { return };
        if let Some(key) = mirror.statuses.most_urgent(now.mono) {
            self.stage_status(&key, Extent::Changes, now);
        }
    }

    fn stage_status(&mut self, key: &MoteKey, extent: Extent, now: Moment) {
        let Knowledge::Complete(mirror) = &mut self.knowledge else { return };
        // A mote may have gone since the snapshot began, or have told nothing that is kept.
        let taken = mirror.statuses.take(key, extent, now.mono, self.interval);
        let Some((who, readings)) = taken.filter(|(_, readings)| !readings.is_empty()) else { return };
        let pages = pages::split(readings, |reading| json::status::length(reading, now));
        self.tally_left_out(pages.left_out);
        let is_paged = extent.is_paged(pages.pages.len());
        let number = self.snapshot.number();
        let messages =
            pages.numbered(number).map(|(part, readings)| Message::Status { who: who.clone(), part: is_paged.then_some(part), readings });
        self.staged.extend(messages);
    }

    fn stage_uinject(&mut self, extent: Extent, now: Moment) {
        let Knowledge::Complete(mirror) = &mut self.knowledge else { return };
        mirror.uinject.pace.said(now.mono, self.interval);
        let boot = mirror.boot;
        let pages = pages::split(mirror.uinject.take(extent), |report| json::uinject::length(report, now));
        self.tally_left_out(pages.left_out);
        let is_paged = extent.is_paged(pages.pages.len());
        let number = self.snapshot.number();
        self.staged.extend(pages.numbered(number).map(|(part, sources)| Message::Uinject {
            boot,
            part: is_paged.then_some(part),
            sources,
        }));
    }

    fn stage_counts(&mut self, extent: Extent, now: Moment) {
        let Knowledge::Complete(mirror) = &mut self.knowledge else { return };
        mirror.counts.pace.said(now.mono, self.interval);
        let boot = mirror.boot;
        let pages = pages::split(mirror.counts.take(extent), json::count::length);
        self.tally_left_out(pages.left_out);
        let is_paged = extent.is_paged(pages.pages.len());
        let number = self.snapshot.number();
        self.staged.extend(pages.numbered(number).map(|(part, counts)| Message::Counts { boot, part: is_paged.then_some(part), counts }));
    }

    /// The processes are on every page, so that a host that knows nothing of pages has them right.
    fn stage_figures(&mut self, now: Moment) {
        let Some(Figures { processes, ports }) = self.figures.take() else { return };
        let room = pages::ROOM.saturating_sub(json::health::length(&processes));
        let pages = pages::split_into(room, ports, |port| json::port::length(port, now));
        self.tally_left_out(pages.left_out);
        let is_paged = pages.pages.len() > 1;
        let number = self.snapshot.next_number();
        let messages = pages.numbered(number).map(|(part, ports)| Message::Health {
            part: is_paged.then_some(part),
            processes: processes.clone(),
            ports,
        });
        self.staged.extend(messages);
    }

    fn tally_left_out(&mut self, entries: u64) {
        if entries > 0 {
            self.tally.add("left-out", entries);
        }
    }
}
