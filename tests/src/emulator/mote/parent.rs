//! Whom a mote prefers as its parent, and how it changes its mind (RFC 8180, section 5.1.1; `icmpv6rpl`).

use mqtypes::ids::Eui64;
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::air::{Cargo, soon};
use super::join::Progress;
use super::schedule::Way;
use super::sixtop::{COMMAND_CLEAR, Sixtop};
use super::{Mote, Standing, code, component};

/// A parent that is good enough stays, unless the rank sinks by more than this (`PARENT_SWITCH_THRESHOLD`).
const SWITCH_THRESHOLD: u16 = 640;

impl Mote {
    /// The rank follows the parent's, and the quality of the link to it.
    pub(super) fn update_rank(&mut self, parent: Eui64) {
        if self.is_joined() {
            self.memory.rank = self.memory.neighbors.rank_below(parent);
        }
    }

    /// A better parent is taken, or any that will do when the present one does not.
    pub(super) fn review_parent(&mut self, now: Mono) {
        let Standing::Following { source, fresh } = self.memory.standing else { return };
        let asn = self.asn(now);
        let Some((best, rank)) = self.memory.neighbors.best_parent(self.memory.rank, asn) else { return };
        let is_lost = !self.memory.neighbors.is_trusted(source, asn);
        if !self.is_joined() || best == source || !(is_lost || rank.saturating_add(SWITCH_THRESHOLD) < self.memory.rank) {
            return;
        }
        self.memory.standing = Standing::Following { source: best, fresh };
        self.memory.neighbors.prefer(best);
        self.update_rank(best);
        self.leave_cells(now, source);
        self.memory.uplink.tell_parent(soon(&mut self.random, now, 1_000..=4_000));
        self.ask_for_cell_later(now, 1_000..=3_000);
    }

    /// Whoever was not heard for long is forgotten, with the cells agreed upon.
    pub(super) fn forget_neighbors(&mut self, now: Mono) {
        for neighbor in self.memory.neighbors.forget_old(self.asn(now)) {
            self.memory.schedule.clear(neighbor);
        }
        if let Standing::Following { source, .. } = self.memory.standing {
            self.update_rank(source);
        }
    }

    fn leave_cells(&mut self, now: Mono, old: Eui64) {
        if let Progress::CellTimeout(..) | Progress::CellResponse(..) = self.memory.progress {
            self.memory.progress = Progress::Resting;
        }
        if self.memory.schedule.has(Way::Out, old) {
            self.memory.schedule.clear(old);
            self.memory.neighbors.reset_6p(old);
            self.log(now, Severity::Info, component::SIXTOP, code::SIXTOP_REQUEST, [COMMAND_CLEAR, 0]);
            self.send_to(old, Cargo::Sixtop(Sixtop::ClearRequest));
        }
    }
}
