//! Packets of the mesh come only while somebody looks: routers are asked for them when the first viewer
//! wants `mote-data`, and not to say them any more when no viewer does.
//!
//! A router forgets what it was asked with its connection; what it was told is kept with the link.

use serde_json::json;

use super::{Hub, router::Router, topic::Topic};

/// What a router is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packets {
    /// All but packets: what routers say unasked.
    Unwanted,
    /// Packets too.
    Wanted,
}

impl Hub {
    /// Asks those routers anew that know another wish. One that takes nothing now is asked later.
    pub(super) fn refresh_packets(&mut self) {
        let wanted = self.viewers.values().any(|viewer| viewer.wants(Topic::MoteData));
        let wish = if wanted { Packets::Wanted } else { Packets::Unwanted };
        for open in self.routers.values_mut().filter_map(Router::open) {
            if open.packets != wish && open.push(subscription(wish)).is_ok() {
                open.packets = wish;
            }
        }
    }
}

/// The `subscribe` of the UI link. It replaces the topics, so it names all of them.
fn subscription(wish: Packets) -> String {
    let asked = |topic: &Topic| match topic {
        Topic::MoteInventory | Topic::MoteStatus | Topic::EventCount | Topic::MoteLog | Topic::Dag | Topic::Uinject | Topic::LbrHealth => {
            true
        }
        Topic::MoteData => wish == Packets::Wanted,
        // The host's own, and what always comes.
        Topic::Link | Topic::CommandOutcome | Topic::Gap => false,
    };
    let topics: Vec<_> = Topic::ALL.into_iter().filter(asked).map(Topic::name).collect();
    json!({"type": "subscribe", "topics": topics}).to_string()
}
