//! The state at the end of a recording: its frames go through the router's own event bus in the recording's time.
//!
//! There is no queue, no disk and nobody to command. Replies to serial echoes stay out: they are not from the mesh.

mod object;
mod tables;

use std::collections::BTreeMap;
use std::path::Path;

use bus::process::{Failure, Identity};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{Generation, PortName};
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;
use mqtypes::serial::{Direction, ReceivedFrame, SerialNotification};

use super::frames::{Cause, Content, Seen};
use crate::commands::Commands;
use crate::hub::Hub;
use crate::inspect::terminal::Ink;
use crate::model::Model;
use crate::network::Network;
use crate::roles::WantedRoles;

/// A recording has no openings of its ports: all of it is one.
const OPENING: Generation = Generation(1);

/// The event bus, and what it does not keep.
pub struct State {
    hub: Hub,
    identity: Identity,
    /// Frames with a right CRC.
    frames: BTreeMap<PortName, u64>,
    now: Mono,
}

impl State {
    /// Nothing is known yet but the prefix of the mesh.
    pub fn new(prefix: [u8; 8]) -> Result<Self, Failure> {
        let identity = Identity { started: Mono::default(), ..Identity::new(Sender::Tool) };
        // Nobody wants a role and nothing is sent, so that neither list nor key is ever used.
        let roles = WantedRoles::load(Path::new("/dev/null")).map_err(|error| Failure::Environment(error.to_string()))?;
        let network = Network { prefix, key_index: 0, key: [0; 16] };
        let hub = Hub::new(identity, Model::new(), Commands::new(identity.boot, network, roles));
        Ok(Self { hub, identity, frames: BTreeMap::new(), now: Mono::default() })
    }

    /// A frame was seen.
    pub fn handle(&mut self, seen: &Seen) {
        let heard = seen.at.map_or(self.now, |at| Mono((at * 1e6) as u64));
        self.now = self.now.max(heard);
        let payload = match &seen.content {
            Content::FromMote { payload, cause: Cause::Own, .. } | Content::Unreadable { direction: Direction::Rx, payload, .. } => {
                Some(payload)
            }
            Content::FromMote { cause: Cause::Echo, .. } => None,
            Content::ToMote { .. } | Content::Unreadable { direction: Direction::Tx, .. } | Content::Invalid { .. } => return,
        };
        *self.frames.entry(seen.port.clone()).or_default() += 1;
        let Some(payload) = payload.cloned() else { return };
        let frame = ReceivedFrame { port: seen.port.clone(), generation: OPENING, heard, payload };
        let envelope = Envelope { sender: Sender::SerialBridge, boot: self.identity.boot, seq: 0, sent: heard };
        self.hub.handle_serial(heard, &envelope, SerialNotification::Frame(frame));
        self.hub.handle_timeout(self.now);
    }

    /// The event bus, and the time of the last frame.
    #[cfg(test)]
    pub fn into_hub(self) -> (Hub, Mono) {
        (self.hub, self.now)
    }

    /// One JSON object, in the words of OpenVisualizer's own view.
    pub fn json(&self) -> String {
        object::text(self)
    }

    /// Tables, a line each.
    pub fn lines(&self, ink: Ink) -> Vec<String> {
        tables::lines(self, ink)
    }

    fn model(&self) -> &Model {
        self.hub.model()
    }

    /// The motes that have told their parents, as long as that is believed.
    fn dag(&self) -> impl Iterator<Item = DagEntry> {
        let mesh = self.hub.mesh();
        mesh.motes().filter_map(|mote| mesh.dag(mote)).filter(|entry| !entry.parents.is_empty())
    }

    /// Frames with a right CRC that came in there.
    pub fn frames_on(&self, port: Option<&PortName>) -> u64 {
        port.and_then(|port| self.frames.get(port)).copied().unwrap_or_default()
    }
}
