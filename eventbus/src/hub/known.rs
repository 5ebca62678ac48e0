//! Everything that the hub can tell as state: its names, and the newest value of each.

use std::collections::BTreeMap;

use mqtypes::broker::Notification;
use mqtypes::envelope::Sender;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{Eui64, Who};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry};
use mqtypes::serial::PortReport;

use crate::broker::StateKey;
use crate::counts::{Counts, PortIndex};
use crate::mesh::Mesh;
use crate::model::{Model, Mote, MoteIndex};

/// What is known.
pub(super) struct Known {
    pub model: Model,
    pub mesh: Mesh,
    pub counts: Counts,
    pub health: BTreeMap<Sender, ProcessHealth>,
    pub ports: BTreeMap<PortIndex, PortReport>,
}

impl Known {
    pub fn new(model: Model, mesh: Mesh) -> Self {
        Self { model, mesh, counts: Counts::default(), health: BTreeMap::new(), ports: BTreeMap::new() }
    }

    /// All keys of a snapshot, the inventory first, then mote by mote. Figures of processes and ports are not in it: they
    /// would be as old as the last time that somebody asked for them, and are told when they are asked for.
    pub fn keys(&self) -> impl Iterator<Item = StateKey> {
        let Self { model, mesh, counts, .. } = self;
        let entries = model.indexes().map(StateKey::Entry);
        let cableless = mesh.motes().filter(|eui| model.by_eui(*eui).is_none()).map(StateKey::MeshEntry);
        let elements = model.indexes().flat_map(|index| {
            let slots = model.mote(index).into_iter().flat_map(Mote::slots);
            slots.map(move |slot| StateKey::Element(index, slot)).chain([StateKey::Summary(index)])
        });
        let dag = mesh.motes().filter(|eui| mesh.dag(*eui).is_some()).map(StateKey::Dag);
        let uinject = mesh.motes().map(StateKey::Uinject);
        let counts = counts.keys().map(StateKey::Count);
        entries.chain(cableless).chain(elements).chain(dag).chain(uinject).chain(counts)
    }

    /// The newest value.
    pub fn value(&self, key: &StateKey) -> Option<Notification> {
        match key {
            // A name that is in use again meanwhile is not gone.
            StateKey::Gone(who) => (!self.has(who)).then(|| Notification::MoteGone(who.clone())),
            StateKey::Entry(index) => self.entry(*index).map(Notification::Mote),
            StateKey::MeshEntry(eui) => Some(self.mesh_entry(*eui)),
            StateKey::Element(index, slot) => self.model.report(*index, *slot).map(Notification::Status),
            StateKey::Summary(index) => self.model.summary(*index).map(Notification::Summary),
            StateKey::Dag(eui) => Some(self.mesh.dag(*eui).map_or(Notification::DagGone(*eui), Notification::Dag)),
            StateKey::Uinject(eui) => self.mesh.uinject(*eui).map(Notification::Uinject),
            StateKey::Count(key) => self.counts.get(*key).map(Notification::Count),
            StateKey::Health(process) => self.health.get(process).cloned().map(Notification::Health),
            StateKey::Port(port) => self.ports.get(port).cloned().map(Notification::Port),
        }
    }

    /// Is a mote shown as one that is known through the mesh alone? One whose port is down is when it was heard after that:
    /// it was deployed. One that is not heard any more has lost its power with its cable.
    pub fn is_cableless(&self, eui: Eui64) -> bool {
        let Some(packet) = self.mesh.entry(eui).and_then(|entry| entry.last_heard) else { return false };
        let on_cable = self.model.by_eui(eui).and_then(|index| self.model.entry(index));
        // A port that was not reported yet, after a restart, may be up.
        on_cable.is_none_or(|entry| entry.link == Link::Down && entry.since != Mono::default() && entry.since < packet)
    }

    /// A mote that has lost its cable goes on being heard through the mesh; what it told on the cable stays known.
    fn entry(&self, index: MoteIndex) -> Option<MoteEntry> {
        let told = self.model.entry(index)?;
        let meshed = told.mote.filter(|eui| self.is_cableless(*eui)).and_then(|eui| self.mesh.entry(eui));
        Some(match meshed {
            Some(heard) => MoteEntry {
                last_heard: heard.last_heard.max(told.last_heard),
                first_heard: told.first_heard.or(heard.first_heard),
                boots: told.boots,
                booted: told.booted,
                ..heard
            },
            None => told,
        })
    }

    fn mesh_entry(&self, eui: Eui64) -> Notification {
        let entry = match self.model.by_eui(eui) {
            Some(index) => self.entry(index),
            None => self.mesh.entry(eui),
        };
        entry.map_or_else(|| Notification::MoteGone(Who { mote: Some(eui), port: None }), Notification::Mote)
    }

    fn has(&self, who: &Who) -> bool {
        match who.mote {
            Some(eui) if self.is_cableless(eui) => who.port.is_none(),
            _named_or_not => self.model.has(who),
        }
    }
}
