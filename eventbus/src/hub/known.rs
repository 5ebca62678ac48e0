//! Everything that the hub can tell as state: its names, and the newest value of each.

use std::collections::BTreeMap;

use mqtypes::broker::Notification;
use mqtypes::envelope::Sender;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{Eui64, Who};
use mqtypes::mote::MoteEntry;
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

    /// All keys, the inventory first, then mote by mote.
    pub fn keys(&self) -> impl Iterator<Item = StateKey> {
        let Self { model, mesh, counts, health, ports } = self;
        let entries = model.indexes().map(StateKey::Entry);
        let cableless = mesh.motes().filter(|eui| model.by_eui(*eui).is_none()).map(StateKey::MeshEntry);
        let elements = model.indexes().flat_map(|index| {
            let slots = model.mote(index).into_iter().flat_map(Mote::slots);
            slots.map(move |slot| StateKey::Element(index, slot)).chain([StateKey::Summary(index)])
        });
        let dag = mesh.motes().filter(|eui| mesh.dag(*eui).is_some()).map(StateKey::Dag);
        let uinject = mesh.motes().map(StateKey::Uinject);
        let counts = counts.keys().map(StateKey::Count);
        let health = health.keys().copied().map(StateKey::Health);
        let ports = ports.keys().copied().map(StateKey::Port);
        entries.chain(cableless).chain(elements).chain(dag).chain(uinject).chain(counts).chain(health).chain(ports)
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

    /// Is a mote shown as one that is known through the mesh alone?
    pub fn is_cableless(&self, eui: Eui64) -> bool {
        let has_cable = self.model.by_eui(eui).and_then(|index| self.model.mote(index)).is_some_and(|mote| mote.port().is_some());
        !has_cable && self.mesh.entry(eui).is_some()
    }

    /// A mote that has lost its cable goes on being heard through the mesh; what it told on the cable stays known.
    fn entry(&self, index: MoteIndex) -> Option<MoteEntry> {
        let told = self.model.entry(index)?;
        let meshed = told.mote.filter(|eui| self.is_cableless(*eui)).and_then(|eui| self.mesh.entry(eui));
        Some(match meshed {
            Some(heard) => MoteEntry { last_heard: heard.last_heard.max(told.last_heard), boots: told.boots, booted: told.booted, ..heard },
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
        let is_meshed = |eui| who.port.is_none() && self.is_cableless(eui);
        self.model.has(who) || who.mote.is_some_and(is_meshed)
    }
}
