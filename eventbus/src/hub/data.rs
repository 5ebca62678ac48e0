//! `D` frames: an echo that a test waits for, or a packet that a root passes on from the mesh.

use mqtypes::broker::{Notification, Topic};
use mqtypes::ids::{Eui64, Who};
use mqtypes::mesh::MoteData;
use mqtypes::mono::Mono;

use super::Hub;
use crate::broker::StateKey;
use crate::counts::{PortIndex, Signal};
use crate::frame::{DataFrame, MeshData};
use crate::mesh::MeshChange;
use crate::model::{Mote, MoteIndex};

/// Of a packet's notification, beside its bytes.
const HEAD: usize = 64;

impl Hub {
    pub(super) fn handle_data(&mut self, now: Mono, port: PortIndex, heard: Mono, index: MoteIndex, data: &DataFrame) {
        self.count(port, Signal::Data);
        let root = self.known.model.mote(index).and_then(Mote::eui);
        // A root names itself as the destination, by what is known of it or by what the frame says. An echo names nobody.
        let is_of_root = |mesh: &MeshData<'_>| root.map_or(mesh.destination.id16() == data.id16, |root| root == mesh.destination);
        match data.mesh().filter(is_of_root) {
            Some(mesh) => self.handle_packet(port, heard, index, data, mesh),
            None if self.commands.handle_echo(now, index, &data.body, &self.known.model) => self.count(port, Signal::Echo),
            None => self.count(port, Signal::Stray),
        }
    }

    fn handle_packet(&mut self, port: PortIndex, heard: Mono, index: MoteIndex, data: &DataFrame, packet: MeshData<'_>) {
        let MeshData { destination, source, lowpan } = packet;
        let kind = self.known.mesh.handle_packet(heard, destination, data.asn, source, lowpan);
        self.count(port, Signal::Packet(kind));
        if !self.broker.is_wanted(Topic::Data) {
            return;
        }
        let Some(mote) = self.known.model.mote(index) else { return };
        let told = MoteData { who: mote.who(), heard, asn: data.asn, destination, source, lowpan: lowpan.to_vec() };
        self.broker.event(Topic::Data, &Notification::Data(told), lowpan.len() + HEAD);
    }

    /// Marks what the mesh has told.
    pub(super) fn settle_mesh(&mut self) {
        for change in self.known.mesh.take_changes() {
            match change {
                MeshChange::Entry(eui) => {
                    self.settle_cable(eui);
                    if self.cableless.contains(&eui) {
                        self.broker.mark(&StateKey::MeshEntry(eui));
                    }
                }
                MeshChange::Dag(eui) | MeshChange::DagGone(eui) => {
                    self.broker.mark(&StateKey::Dag(eui));
                    self.settle_cable(eui);
                }
                MeshChange::Uinject(eui) => self.broker.mark(&StateKey::Uinject(eui)),
            }
        }
    }

    /// A mote is shown by its cable or without one, and under one name at a time.
    pub(super) fn settle_cable(&mut self, eui: Eui64) {
        let is_cableless = self.known.is_cableless(eui);
        if is_cableless == self.cableless.contains(&eui) {
            return;
        }
        let port = self.known.model.by_eui(eui).and_then(|index| self.known.model.mote(index)).and_then(Mote::port);
        let before = if is_cableless {
            self.cableless.insert(eui);
            port.map(|(port, _)| port.clone())
        } else {
            self.cableless.remove(&eui);
            None
        };
        self.broker.mark(&StateKey::Gone(Who { mote: Some(eui), port: before }));
        self.broker.mark(&StateKey::MeshEntry(eui));
    }
}
