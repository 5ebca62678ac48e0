//! One mote of the mesh: when it was heard, its parents, and how old that is.

use std::time::Duration;

use lowpan::Uinject;
use lowpan::address::Address;
use mqtypes::ids::{Asn, Eui64};
use mqtypes::mesh::DagEntry;
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};

use super::uinject::Injection;

/// What was not told again for so long is not believed any more; `OpenVisualizer` waits as long. A mote sends a DAO
/// every minute or so, and by chance.
pub const OLD_AFTER: Duration = Duration::from_mins(15);

/// RPL can tell eight parents apart (RFC 6550, section 6.7.8: the path control has eight bits).
const MOST_PARENTS: usize = 8;

/// One mote.
#[derive(Debug)]
pub(super) struct MeshMote {
    /// The root that its last packet came through.
    pub root: Eui64,
    /// The preferred one first.
    pub parents: Vec<Eui64>,
    /// As [`super::hops`] counted them last.
    pub hops: Option<u8>,
    pub last_packet: Mono,
    /// None when an earlier start of the process heard it.
    first_packet: Option<Mono>,
    pub uinject: Option<Injection>,
    presence: Presence,
    address: Address,
    packets: u64,
    dao_heard: Option<Mono>,
}

#[derive(Debug, Clone, Copy)]
enum Presence {
    Heard { since: Mono },
    Silent { since: Mono },
}

/// What a packet tells of its sender.
#[derive(Debug)]
pub(super) enum Message {
    /// All of its parents, the preferred one first.
    Parents(Vec<Eui64>),
    Uinject(Uinject),
    Nothing,
}

/// What has grown too old.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aged {
    /// All that was heard of the mote.
    pub mote: bool,
    /// Its DAO.
    pub parents: bool,
}

impl MeshMote {
    pub fn new(root: Eui64) -> Self {
        Self {
            root,
            parents: vec![],
            hops: None,
            last_packet: Mono::default(),
            first_packet: None,
            uinject: None,
            // Until the packet that it is made for is taken.
            presence: Presence::Silent { since: Mono::default() },
            address: [0; 16],
            packets: 0,
            dao_heard: None,
        }
    }

    /// As an earlier start of the process knew it.
    pub fn recalled(told: DagEntry) -> Self {
        Self {
            root: told.root,
            parents: told.parents,
            hops: told.hops,
            last_packet: told.last_packet,
            first_packet: None,
            uinject: None,
            presence: Presence::Heard { since: told.last_packet },
            address: told.address,
            packets: told.packets,
            dao_heard: told.dao_heard,
        }
    }

    /// A packet came. True when the inventory shows something new.
    pub fn hear(&mut self, heard: Mono, root: Eui64, address: Address) -> bool {
        (self.root, self.address) = (root, address);
        self.last_packet = self.last_packet.max(heard);
        if self.packets == 0 {
            self.first_packet = Some(heard);
        }
        self.packets += 1;
        let was_silent = !self.is_heard();
        if was_silent {
            self.presence = Presence::Heard { since: heard };
        }
        was_silent
    }

    /// It sent a DAO. True when its parents are others than before.
    pub fn tell_parents(&mut self, heard: Mono, mut parents: Vec<Eui64>) -> bool {
        parents.truncate(MOST_PARENTS);
        self.dao_heard = Some(heard);
        let is_new = self.parents != parents;
        self.parents = parents;
        is_new
    }

    pub fn inject(&mut self, heard: Mono, asn: Asn, told: Uinject) {
        match &mut self.uinject {
            Some(injection) => injection.hear(heard, asn, told),
            None => self.uinject = Some(Injection::first(heard, asn, told)),
        }
    }

    pub fn is_heard(&self) -> bool {
        matches!(self.presence, Presence::Heard { .. })
    }

    /// When [`Self::age`] has something to do.
    pub fn ages_at(&self) -> Option<Mono> {
        let silence = self.is_heard().then(|| self.last_packet.after(OLD_AFTER));
        Mono::earliest(silence, self.parents_age_at())
    }

    pub fn age(&mut self, now: Mono) -> Aged {
        let aged = Aged {
            mote: self.is_heard() && self.last_packet.after(OLD_AFTER) <= now,
            parents: self.parents_age_at().is_some_and(|at| at <= now),
        };
        if aged.mote {
            self.presence = Presence::Silent { since: self.last_packet.after(OLD_AFTER) };
        }
        if aged.parents {
            self.parents.clear();
        }
        aged
    }

    pub fn entry(&self, eui: Eui64) -> MoteEntry {
        let (link, since) = match self.presence {
            Presence::Heard { since } => (Link::Up, since),
            Presence::Silent { since } => (Link::Silent, since),
        };
        MoteEntry {
            source: Source::Dao,
            port: None,
            link,
            cause: String::new(),
            since,
            baud: 0,
            mote: Some(eui),
            id16: Some(eui.id16()),
            // Who sends a DAO has a root above it. Of others nothing is known.
            dagroot: self.dao_heard.map(|_| false),
            last_heard: Some(self.last_packet),
            first_heard: self.first_packet,
            boots: 0,
            booted: None,
        }
    }

    pub fn dag(&self, eui: Eui64) -> Option<DagEntry> {
        self.is_heard().then(|| DagEntry {
            mote: eui,
            root: self.root,
            parents: self.parents.clone(),
            dao_heard: self.dao_heard,
            hops: self.hops,
            address: self.address,
            last_packet: self.last_packet,
            packets: self.packets,
        })
    }

    fn parents_age_at(&self) -> Option<Mono> {
        self.dao_heard.filter(|_| !self.parents.is_empty()).map(|heard| heard.after(OLD_AFTER))
    }
}
