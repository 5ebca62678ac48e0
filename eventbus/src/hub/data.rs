//! `D` frames: an echo that a test waits for, or a packet that a root passes on from the mesh.

use mqtypes::broker::{Notification, Topic};
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
        if self.commands.handle_echo(now, index, &data.body, &self.known.model) {
            return self.count(port, Signal::Echo);
        }
        let root = self.known.model.mote(index).and_then(Mote::eui);
        // A root names itself as the destination. An echo that comes too late names nobody.
        match data.mesh().filter(|mesh| root == Some(mesh.destination)) {
            Some(mesh) => self.handle_packet(port, heard, index, data, mesh),
            None => self.count(port, Signal::Stray),
        }
    }

    fn handle_packet(&mut self, port: PortIndex, heard: Mono, index: MoteIndex, data: &DataFrame, packet: MeshData<'_>) {
        let MeshData { destination, source, lowpan } = packet;
        let kind = self.known.mesh.handle_packet(heard, destination, data.asn, source, destination, lowpan);
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
                    if self.known.is_cableless(eui) {
                        self.cableless.insert(eui);
                    }
                    if self.cableless.contains(&eui) {
                        self.broker.mark(&StateKey::MeshEntry(eui));
                    }
                    if self.known.mesh.entry(eui).is_none() {
                        self.cableless.remove(&eui);
                    }
                }
                MeshChange::Dag(eui) | MeshChange::DagGone(eui) => self.broker.mark(&StateKey::Dag(eui)),
                MeshChange::Uinject(eui) => self.broker.mark(&StateKey::Uinject(eui)),
            }
        }
    }

    /// A mote that was shown without a cable may have got one.
    pub(super) fn settle_cable(&mut self, index: MoteIndex) {
        let Some(mote) = self.known.model.mote(index).filter(|mote| mote.port().is_some()) else { return };
        let Some(eui) = mote.eui().filter(|eui| self.cableless.remove(eui)) else { return };
        self.broker.mark(&StateKey::Gone(mqtypes::ids::Who { mote: Some(eui), port: None }));
    }
}
