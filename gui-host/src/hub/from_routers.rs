//! What routers do to the hub: links open, speak and close.

use std::{collections::BTreeMap, time::Duration};

use super::{
    ConnectionId, Crowded, Hub, Pending, ToRouter, command,
    model::{Applied, Model, Text, to_text},
    router::{Link, OpenLink, PingState, Router},
    topic::Topic,
};
use crate::{
    clock::Now,
    link::{
        handshake::Hello,
        message::{Fault, parse},
    },
};

/// Most routers, of which some may be lost.
const MAX_ROUTERS: usize = 16;

impl Hub {
    /// A router has finished its handshake. `door` is the target whose tunnel leads to the port
    /// that it came in by.
    pub fn handle_link_open(&mut self, now: Now, hello: Hello, door: Option<usize>) -> Result<ConnectionId, Crowded> {
        let id = hello.id.clone();
        self.make_room(&id)?;
        let connection = ConnectionId(self.next_id());
        self.fail_pending(now, &id, "a newer connection of the same router took the place of the one that was asked");
        self.refusal = None;
        let target = door.filter(|&door| !self.is_taken(door, &id));
        for other in self.routers.values_mut().filter(|other| other.target == target) {
            other.target = None;
        }
        let link = Link::Open(OpenLink::new(connection, now));
        if let Some(router) = self.routers.get_mut(&id) {
            (router.hello, router.target, router.link) = (hello, target, link);
        } else {
            let (model, ignored) = (Model::default(), BTreeMap::new());
            self.routers.insert(id.clone(), Router { hello, target, link, model, health_came: None, ignored });
        }
        self.connections.insert(connection, id.clone());
        self.refresh_packets();
        self.announce_link(now, &id);
        Ok(connection)
    }

    /// A text frame of a router. What is more than the host keeps is counted and no fault.
    pub fn handle_link_message(&mut self, now: Now, connection: ConnectionId, text: &str) -> Result<(), Fault> {
        let Some(id) = self.id_of(connection) else { return Ok(()) };
        let Some(router) = self.routers.get_mut(&id) else { return Ok(()) };
        let parsed = parse(text).inspect(|parsed| self.chronicle.handle_message(now, &id, text, parsed));
        let applied = match parsed.and_then(|parsed| router.model.handle_message(text, parsed)) {
            Ok(applied) => applied,
            // A router that is larger than this host shows is not broken.
            Err(fault @ Fault::TooMuch { .. }) => {
                router.ignore(fault.code());
                Applied::Nothing
            }
            Err(fault) => {
                router.ignore(fault.code());
                return Err(fault);
            }
        };
        if let Some(open) = router.open() {
            open.last_message = now;
        }
        if matches!(applied, Applied::Told(Topic::LbrHealth, _)) {
            router.health_came = Some(now);
        }
        self.tell(now, &id, applied);
        self.refresh_shown(now, &id);
        Ok(())
    }

    /// A frame of a router that is no text.
    pub fn handle_broken_frame(&mut self, connection: ConnectionId, fault: &Fault) {
        if let Some(id) = self.id_of(connection)
            && let Some(router) = self.routers.get_mut(&id)
        {
            router.ignore(fault.code());
        }
    }

    /// A ping was answered.
    pub fn handle_pong(&mut self, now: Now, connection: ConnectionId, rtt: Duration) {
        let Some(id) = self.id_of(connection) else { return };
        if let Some(open) = self.routers.get_mut(&id).and_then(Router::open) {
            open.rtt = Some(rtt);
            open.ping = PingState::Fine;
            let word = open.word(now);
            if word != open.shown.0 {
                open.shown = (word, now);
            }
            // The time itself is news.
            self.announce_link(now, &id);
        }
    }

    /// A ping has no answer yet.
    pub fn handle_ping_unanswered(&mut self, now: Now, connection: ConnectionId) {
        let Some(id) = self.id_of(connection) else { return };
        if let Some(open) = self.routers.get_mut(&id).and_then(Router::open) {
            open.ping = PingState::Unanswered;
        }
        self.refresh_shown(now, &id);
    }

    /// The connection of a router has ended.
    pub fn handle_link_closed(&mut self, now: Now, connection: ConnectionId, reason: &str) {
        let id = self.id_of(connection);
        self.connections.remove(&connection);
        let Some(id) = id else { return };
        let Some(router) = self.routers.get_mut(&id) else { return };
        if let Link::Open(open) = &router.link {
            let last_message = open.last_message;
            router.link = Link::Lost { since: now, last_message, reason: reason.to_owned() };
        }
        self.fail_pending(now, &id, "the link was lost before the outcome came; the router may still carry the command out");
        self.announce_link(now, &id);
    }

    /// What to send on a router's connection next.
    pub fn poll_router(&mut self, connection: ConnectionId) -> Option<ToRouter> {
        match self.id_of(connection) {
            Some(id) => {
                let open = self.routers.get_mut(&id).and_then(Router::open)?;
                open.pop().map(ToRouter::Text)
            }
            None => Some(ToRouter::Replaced),
        }
    }

    /// The router whose open link `connection` is.
    fn id_of(&self, connection: ConnectionId) -> Option<String> {
        let id = self.connections.get(&connection)?;
        match &self.routers.get(id)?.link {
            Link::Open(open) if open.connection == connection => Some(id.clone()),
            Link::Open(_) | Link::Lost { .. } => None,
        }
    }

    /// Forgets the router that has been lost for longest when a new one needs its place.
    fn make_room(&mut self, id: &str) -> Result<(), Crowded> {
        if self.routers.contains_key(id) || self.routers.len() < MAX_ROUTERS {
            return Ok(());
        }
        let lost = |(id, router): (&String, &Router)| match router.link {
            Link::Open(_) => None,
            Link::Lost { since, .. } => Some((since.instant, id.clone())),
        };
        let (_, oldest) = self.routers.iter().filter_map(lost).min().ok_or(Crowded)?;
        self.routers.remove(&oldest);
        Ok(())
    }

    /// Whether the router of that tunnel is here, and is another one.
    fn is_taken(&self, door: usize, id: &str) -> bool {
        self.routers.iter().any(|(other, router)| other != id && router.target == Some(door) && router.is_open())
    }

    fn tell(&mut self, now: Now, id: &str, applied: Applied) {
        match applied {
            Applied::Told(topic, text) => self.broadcast(topic, Some(id), &text),
            Applied::Inventory(text) => {
                self.broadcast(Topic::MoteInventory, Some(id), &text);
                let open = self.routers.get_mut(id).and_then(Router::open);
                if let Some(open) = open.filter(|open| open.inventory.is_none()) {
                    open.inventory = Some(now);
                    self.announce_link(now, id);
                }
            }
            Applied::Outcome { id: command, end, text } => {
                self.tell_outcome(id, &command, text);
                if end {
                    self.pending.retain(|pending| pending.id != command || pending.lbr != id);
                }
            }
            Applied::Complaint { id: command, text } => {
                if let Some(router) = self.routers.get_mut(id) {
                    router.ignore("error-from-router");
                }
                let asked = |pending: &Pending| pending.lbr == id && Some(&pending.id) == command.as_ref();
                self.fail_matching(now, asked, &format!("the router did not understand: {text}"));
            }
            Applied::Nothing => {}
        }
    }

    /// Keeps an outcome and tells it to who waits for it, with what the command was, if it is known.
    fn tell_outcome(&mut self, lbr: &str, command: &str, text: Text) {
        let asked = self.pending.iter().find(|p| p.id == command && p.lbr == lbr);
        let text = asked.and_then(|pending| pending.event.told_with(&text)).unwrap_or(text);
        for viewer in asked.iter().flat_map(|pending| &pending.viewers) {
            if let Some(viewer) = self.viewers.get_mut(viewer) {
                viewer.notify(Topic::CommandOutcome, Some(lbr), &text);
            }
        }
        if let Some(router) = self.routers.get_mut(lbr) {
            router.model.keep_outcome(text);
        }
    }

    fn fail_pending(&mut self, now: Now, lbr: &str, why: &str) {
        self.fail_matching(now, |pending| pending.lbr == lbr, why);
    }

    /// Ends commands whose outcome cannot come any more, so that nobody waits for it.
    fn fail_matching(&mut self, now: Now, ends: impl Fn(&Pending) -> bool, why: &str) {
        let ended: Vec<_> = self.pending.iter().filter(|pending| ends(pending)).map(|p| (p.lbr.clone(), p.id.clone())).collect();
        for (lbr, id) in ended {
            self.tell_outcome(&lbr, &id, to_text(&command::failed(&id, now.unix_ms, why)));
        }
        self.pending.retain(|pending| !ends(pending));
    }
}
