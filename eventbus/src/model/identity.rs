//! Which mote speaks through which port, and how that changes.
//!
//! An entry without an address stands for its port until the mote there names itself. Then the mote's
//! own entry takes the port over, wherever the mote was before.

use mqtypes::ids::{Eui64, PortName};
use mqtypes::mote::Link;

use super::mote::Mote;
use super::{Change, MOST_ABSENT, Model, MoteIndex};

impl Model {
    /// The entry that has this port, made when the port is new.
    pub(super) fn on_port(&mut self, port: &PortName) -> MoteIndex {
        if let Some(index) = self.by_port.get(port) {
            return *index;
        }
        let index = self.add(Mote::on(port.clone()));
        self.by_port.insert(port.clone(), index);
        index
    }

    /// Who speaks on `port`. Every frame bears the mote's 16-bit address: another one than the
    /// entry's means that another mote was plugged in and has not named itself yet.
    pub(super) fn speaker(&mut self, port: &PortName, id16: Option<u16>) -> MoteIndex {
        let index = self.on_port(port);
        let known = self.motes.get(&index).and_then(|mote| mote.eui).map(Eui64::id16);
        match (known, id16) {
            (Some(known), Some(heard)) if known != heard => {
                let nameless = self.detach(index);
                self.forget_the_longest_absent();
                nameless
            }
            _same_or_not_known => index,
        }
    }

    /// The mote on this entry's port says that it is `eui`. Tells the entry it has from now on.
    pub(super) fn name(&mut self, index: MoteIndex, eui: Eui64) -> MoteIndex {
        let known = self.motes.get(&index).and_then(|mote| mote.eui);
        if known == Some(eui) {
            return index;
        }
        let anonymous = if known.is_some() { self.detach(index) } else { index };
        let named = match self.by_eui.get(&eui).copied() {
            Some(elsewhere) if self.is_speaking(elsewhere) => {
                self.tell_of_a_double(elsewhere, eui);
                return anonymous;
            }
            Some(elsewhere) => self.move_to(elsewhere, anonymous),
            None => anonymous,
        };
        self.by_eui.insert(eui, named);
        if let Some(mote) = self.motes.get_mut(&named)
            && mote.eui.is_none()
        {
            self.changes.insert(Change::Gone(mote.who()));
            mote.eui = Some(eui);
        }
        // What was heard before it named itself is said again, under its name.
        self.mark_whole(named);
        self.forget_the_longest_absent();
        named
    }

    /// Does the mote of this entry speak on its own port, now?
    fn is_speaking(&self, index: MoteIndex) -> bool {
        self.motes.get(&index).is_some_and(|mote| mote.link() == Link::Up)
    }

    /// Two motes bear one address. The second one stays nameless: their data must not mix, nor a
    /// command reach the wrong one. A mote that really moves goes silent or down on its old port first.
    fn tell_of_a_double(&mut self, first: MoteIndex, eui: Eui64) {
        if self.tally.count("double-address") {
            let port = self.motes.get(&first).and_then(Mote::port).map(|(port, _)| port.to_string()).unwrap_or_default();
            log::warn!("another mote says that it is {eui}, as the one on {port} does: it is shown without a name");
        }
    }

    /// Takes the port away from a mote; the port gets an entry without an address.
    fn detach(&mut self, index: MoteIndex) -> MoteIndex {
        let Some(mote) = self.motes.get_mut(&index) else { return index };
        let who = mote.who();
        let Some(link) = mote.port.take() else { return index };
        mote.left = mote.last_heard;
        self.changes.insert(Change::Gone(who));
        let port = link.port.clone();
        let fresh = self.add(Mote { port: Some(link), ..Mote::default() });
        self.by_port.insert(port, fresh);
        self.mark_whole(index);
        fresh
    }

    /// The mote `elsewhere` is found on the port of the entry `here`, and takes over its port and news.
    fn move_to(&mut self, elsewhere: MoteIndex, here: MoteIndex) -> MoteIndex {
        if self.motes.get(&elsewhere).is_some_and(|mote| mote.port.is_some()) {
            self.detach(elsewhere);
        }
        let (Some(anonymous), Some(mote)) = (self.motes.remove(&here), self.motes.get_mut(&elsewhere)) else { return here };
        self.changes.retain(
            |change| !matches!(change, Change::Entry(index) | Change::Element(index, _) | Change::Summary(index) if *index == here),
        );
        self.changes.extend([Change::Gone(anonymous.who()), Change::Gone(mote.who())]);
        mote.life.join(&anonymous.life, anonymous.elements.values().map(|known| (known.heard, &known.element)));
        mote.elements.extend(anonymous.elements);
        (mote.schedule, mote.neighbors) = (anonymous.schedule, anonymous.neighbors);
        mote.last_heard = mote.last_heard.max(anonymous.last_heard);
        mote.first_heard = mote.first_heard.or(anonymous.first_heard);
        mote.left = None;
        if let Some(link) = anonymous.port {
            self.by_port.insert(link.port.clone(), elsewhere);
            mote.port = Some(link);
        }
        elsewhere
    }

    pub(super) fn add(&mut self, mote: Mote) -> MoteIndex {
        let index = MoteIndex(self.next_index);
        self.next_index += 1;
        self.motes.insert(index, mote);
        self.changes.insert(Change::Entry(index));
        index
    }

    fn mark_whole(&mut self, index: MoteIndex) {
        self.changes.insert(Change::Entry(index));
        if let Some(mote) = self.motes.get(&index) {
            self.changes.extend(mote.slots().map(|slot| Change::Element(index, slot)).chain([Change::Summary(index)]));
        }
    }

    fn forget_the_longest_absent(&mut self) {
        let absent = || self.motes.iter().filter(|(_, mote)| mote.port.is_none());
        if absent().count() <= MOST_ABSENT {
            return;
        }
        let Some(index) = absent().min_by_key(|(_, mote)| mote.last_heard).map(|(index, _)| *index) else { return };
        if let Some(mote) = self.motes.remove(&index) {
            if let Some(eui) = mote.eui {
                self.by_eui.remove(&eui);
            }
            self.changes.insert(Change::Gone(mote.who()));
        }
    }
}
