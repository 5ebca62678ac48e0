//! What is said while a link is up: the snapshot, then what changes, in step with what the host takes; and the host's requests.
//!
//! Pure. State is kept as it is newest and said when its turn comes, so a slow host gets the newest value and older ones
//! never queue up. Nothing is encoded before it can be sent.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bus::moment::Moment;
use bus::tally::Tally;
use mqtypes::broker::Notification;
use mqtypes::command::{Command, CommandOutcome, OutcomeState};
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{BootId, Eui64, RequestId};
use mqtypes::mono::Mono;

use crate::json;
use crate::message::{Message, Outcome, Sequence};
use crate::request::{Event, Fault, HostId, Patience, Rejection, Request, Strikes, Topic};

pub mod bounds;
pub mod commands;
pub mod counts;
pub mod dag;
pub mod events;
pub mod health;
pub mod inventory;
pub mod mirror;
pub mod mote_status;
pub mod pace;
pub mod pages;
pub mod ports;
pub mod snapshot;
mod staging;
pub mod status;
#[cfg(test)]
mod tests;
pub mod turn;
pub mod uinject;

use bounds::Kept;
use commands::Commands;
use events::Events;
use health::{Figures, Health};
use mirror::{Knowledge, Mirror};
use snapshot::Snapshot;
use status::MoteKey;
use turn::Class;

/// How often the lease is renewed and the processes are asked for their figures.
const UPKEEP: Duration = Duration::from_secs(10);

/// How often changes are said unless the host asks otherwise.
const USUAL_INTERVAL: Duration = Duration::from_secs(1);

/// Answers to the host that may wait before it is no longer listened to.
const MOST_REPLIES: usize = 64;

/// What is to be said to `eventbus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToBus {
    /// Subscribe, whatever was before, and let nothing of before be said.
    SubscribeAnew(Packets),
    /// Renew the subscription, or change what it is to.
    Renew(Packets),
    /// Let all processes tell their figures.
    AskHealth,
    /// Do this.
    Command(Command),
    /// End the subscription, and let nothing of before be said.
    Unsubscribe,
    /// Say nothing any more, not even what still waits.
    BeSilent,
}

/// Are the packets from the mesh subscribed to? Everything else is, whatever the host wants: it is caught up with later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packets {
    /// By default they are not: nobody is woken for what nobody reads.
    Unwanted,
    /// The host has asked for them.
    Wanted,
}

/// Everything that lasts as long as one link.
#[derive(Debug)]
pub struct Session {
    sequence: Sequence,
    topics: BTreeSet<Topic>,
    interval: Duration,
    knowledge: Knowledge,
    snapshot: Snapshot,
    events: Events,
    commands: Commands,
    health: Health,
    figures: Option<Figures>,
    /// Answers to the host; they overtake the rest.
    replies: VecDeque<Message>,
    /// Pages of what is being said.
    staged: VecDeque<Message>,
    last_class: Class,
    to_bus: VecDeque<ToBus>,
    upkeep_at: Mono,
    eventbus: Option<BootId>,
    strikes: Strikes,
    tally: Tally,
}

impl Session {
    /// A link that is up now. `sequence` goes on from the handshake; `first_request` is random.
    pub fn new(now: Mono, sequence: Sequence, first_request: u64) -> Self {
        let mut health = Health::default();
        health.asked(now);
        Self {
            sequence,
            topics: Topic::usual(),
            interval: USUAL_INTERVAL,
            knowledge: Knowledge::Nothing,
            snapshot: Snapshot::default(),
            events: Events::default(),
            commands: Commands::new(first_request),
            health,
            figures: None,
            replies: VecDeque::new(),
            staged: VecDeque::new(),
            last_class: Class::Health,
            to_bus: [ToBus::SubscribeAnew(Packets::Unwanted), ToBus::AskHealth].into(),
            upkeep_at: now.after(UPKEEP),
            eventbus: None,
            strikes: Strikes::default(),
            tally: Tally::default(),
        }
    }

    /// `eventbus`, in this start of it, tells something.
    pub fn handle_notification(&mut self, now: Mono, boot: BootId, notification: Notification) {
        if self.eventbus.replace(boot).is_some_and(|before| before != boot) {
            self.handle_restart();
        }
        match notification {
            Notification::Started => self.handle_restart(),
            Notification::SnapshotBegin => self.knowledge = Knowledge::Arriving(Mirror::new(boot)),
            Notification::SnapshotEnd => self.complete(),
            Notification::Mote(entry) => self.with_mirror(|mirror| mirror.handle_entry(entry)),
            Notification::MoteGone(who) => self.with_mirror(|mirror| mirror.handle_gone(&who)),
            Notification::Status(report) => self.with_mirror(|mirror| mirror.statuses.handle_report(report)),
            Notification::Count(count) => self.with_mirror(|mirror| mirror.counts.handle(count)),
            Notification::Log(line) if self.wants(Topic::Logs) => self.events.handle_log(line),
            Notification::Data(packet) if self.wants(Topic::Data) => self.events.handle_data(packet),
            Notification::Gap { dropped } if Topic::EVENTS.iter().any(|topic| self.wants(*topic)) => {
                self.events.handle_gap(&dropped, &self.topics);
            }
            // The UI link has no bytes of lines, and nobody here asks for them.
            Notification::Log(_) | Notification::Data(_) | Notification::Gap { .. } | Notification::Bytes(_) => {}
            Notification::Outcome(outcome) => {
                if let Some(id) = self.commands.handle_outcome(&outcome) {
                    let CommandOutcome { id: _, state, detail, echo } = outcome;
                    self.reply_outcome(Outcome { id, state, detail, echo });
                }
            }
            Notification::Health(health) => self.health.handle_answer(now, health),
            Notification::Summary(report) => self.with_mirror(|mirror| mirror.statuses.handle_summary(report)),
            Notification::Port(report) => self.with_mirror(|mirror| mirror.ports.handle_report(now, report)),
            Notification::Dag(entry) => self.with_mirror(|mirror| mirror.dag.handle_entry(entry)),
            Notification::DagGone(mote) => self.with_mirror(|mirror| mirror.dag.handle_gone(mote)),
            Notification::Uinject(report) => self.with_mirror(|mirror| {
                mirror.uinject.handle(report);
                Kept::Yes
            }),
        }
    }

    /// The host says something.
    pub fn handle_text(&mut self, now: Mono, text: &str) -> Patience {
        match json::request::parse(text) {
            Ok(request) => {
                self.strikes.understood();
                self.handle_request(now, request)
            }
            Err(Rejection::Refused { id, detail }) => {
                self.strikes.understood();
                self.refuse(id, &detail);
                Patience::Left
            }
            Err(Rejection::Fault(fault)) => self.handle_fault(fault),
        }
    }

    /// The host said something that is no request.
    pub fn handle_fault(&mut self, fault: Fault) -> Patience {
        if self.tally.count(fault.code) {
            log::warn!("the GUI host was not understood: {}", fault.text);
        }
        self.replies.push_back(Message::Error(fault));
        self.strikes.fault()
    }

    /// A command found no room on its way to `eventbus`.
    pub fn handle_no_room(&mut self, id: RequestId) {
        if let Some(id) = self.commands.abandon(id) {
            self.refuse(id, "busy: too much waits for eventbus already; is it running?");
        }
    }

    /// A command found no `eventbus`, and was not sent.
    pub fn handle_no_eventbus(&mut self, id: RequestId) {
        if let Some(id) = self.commands.abandon(id) {
            self.reply_end(id, OutcomeState::Failed, "no-eventbus: eventbus is not running");
        }
    }

    /// Our own figures, when [`Self::wants_figures`].
    pub fn handle_figures(&mut self, now: Mono, own: ProcessHealth) {
        let processes = self.health.handle_own(now, own);
        let ports = match &self.knowledge {
            Knowledge::Nothing => Vec::new(),
            Knowledge::Arriving(mirror) | Knowledge::Complete(mirror) => mirror.ports.told(now),
        };
        self.figures = self.wants(Topic::Health).then_some(Figures { processes, ports });
    }

    /// Is it time to tell the processes' figures?
    pub fn wants_figures(&self, now: Mono) -> bool {
        self.health.poll_timeout().is_some_and(|at| at <= now)
    }

    /// Deadlines have passed.
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.upkeep_at <= now {
            self.upkeep_at = now.after(UPKEEP);
            self.to_bus.push_back(ToBus::Renew(self.packets()));
            if self.wants(Topic::Health) {
                self.health.asked(now);
                self.to_bus.push_back(ToBus::AskHealth);
            }
        }
        for id in self.commands.handle_timeout(now) {
            self.reply_end(id, OutcomeState::TimedOut, "no-answer: eventbus has not told how it went");
        }
    }

    /// When [`Self::handle_timeout`] or [`Self::handle_figures`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let others = Mono::earliest(self.commands.poll_timeout(), self.health.poll_timeout());
        Mono::earliest(Some(self.upkeep_at), others)
    }

    /// When there is something to say, if there is room for it.
    pub fn poll_due(&self) -> Option<Mono> {
        Class::ALL.into_iter().filter_map(|class| self.due_at(class)).min()
    }

    /// The next thing to say to `eventbus`.
    pub fn poll_to_bus(&mut self) -> Option<ToBus> {
        self.to_bus.pop_front()
    }

    /// The next message for the host, for which there must be room.
    pub fn poll_message(&mut self, now: Moment) -> Option<String> {
        loop {
            if let Some(message) = self.replies.pop_front().or_else(|| self.staged.pop_front()) {
                return Some(self.encode(&message, now));
            }
            if !self.stage(now) {
                return None;
            }
        }
    }

    /// The next answer to what the host has said, for which there must be room.
    pub fn poll_reply(&mut self, now: Moment) -> Option<String> {
        let reply = self.replies.pop_front()?;
        Some(self.encode(&reply, now))
    }

    /// The answers that still wait, for a link that is about to be closed.
    pub fn last_words(&mut self, now: Moment) -> Vec<String> {
        let replies = std::mem::take(&mut self.replies);
        replies.iter().map(|message| self.encode(message, now)).collect()
    }

    /// May the host say more? Not while it does not take the answers to what it has said.
    pub fn can_listen(&self) -> bool {
        self.replies.len() < MOST_REPLIES
    }

    /// What was refused, left out or not understood, by reason.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn wants(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    fn packets(&self) -> Packets {
        if self.wants(Topic::Data) { Packets::Wanted } else { Packets::Unwanted }
    }

    fn encode(&mut self, message: &Message, now: Moment) -> String {
        json::encode(message, self.sequence.take(), now)
    }

    fn handle_restart(&mut self) {
        self.to_bus.clear();
        self.to_bus.push_back(ToBus::SubscribeAnew(self.packets()));
        let open: Vec<HostId> = self.commands.abandon_all().collect();
        for id in open {
            self.reply_end(id, OutcomeState::Failed, "restarted: eventbus has restarted, and the command is not sent again");
        }
    }

    fn complete(&mut self) {
        match std::mem::replace(&mut self.knowledge, Knowledge::Nothing) {
            Knowledge::Arriving(mirror) => {
                self.snapshot.begin(mirror.statuses.keys().cloned());
                self.knowledge = Knowledge::Complete(mirror);
            }
            other @ (Knowledge::Nothing | Knowledge::Complete(_)) => self.knowledge = other,
        }
    }

    /// What is told before a snapshot has begun belongs to an earlier subscription.
    fn with_mirror(&mut self, change: impl FnOnce(&mut Mirror) -> Kept) {
        match &mut self.knowledge {
            Knowledge::Nothing => {}
            Knowledge::Arriving(mirror) | Knowledge::Complete(mirror) => {
                if change(mirror) == Kept::No && self.tally.count("left-out") {
                    log::warn!(
                        "the bus told more motes, elements, ports or counts than are kept for the GUI host, or longer names; the rest is left out"
                    );
                }
            }
        }
    }

    fn handle_request(&mut self, now: Mono, request: Request) -> Patience {
        match request {
            Request::Event(event) => self.handle_event(now, &event),
            Request::Subscribe { topics, interval } => self.handle_subscribe(now, topics, interval),
            Request::Refresh { mote } => return self.handle_refresh(mote),
            Request::Complaint(complaint) => log::warn!("the GUI host did not understand us: {}: {}", complaint.code, complaint.text),
        }
        Patience::Left
    }

    fn handle_event(&mut self, now: Mono, event: &Event) {
        match self.commands.begin(now, event) {
            Ok(command) => self.to_bus.push_back(ToBus::Command(command)),
            Err(commands::Busy) => {
                self.refuse(event.id.clone(), &format!("busy: {} commands are under way already", commands::MOST_OPEN));
            }
        }
    }

    fn handle_subscribe(&mut self, now: Mono, topics: Option<BTreeSet<Topic>>, interval: Option<Duration>) {
        if let Some(topics) = topics {
            let packets = self.packets();
            self.topics = topics;
            self.events.forget_unwanted(&self.topics);
            if self.packets() != packets {
                self.to_bus.push_back(ToBus::Renew(self.packets()));
            }
        }
        if let Some(interval) = interval {
            self.interval = interval;
            if let Knowledge::Arriving(mirror) | Knowledge::Complete(mirror) = &mut self.knowledge {
                mirror.statuses.hasten(now, interval);
                for pace in [&mut mirror.dag.pace, &mut mirror.uinject.pace, &mut mirror.counts.pace] {
                    pace.hasten(now, interval);
                }
            }
        }
    }

    fn handle_refresh(&mut self, mote: Option<Eui64>) -> Patience {
        // Without complete knowledge the whole snapshot is still to come.
        let Knowledge::Complete(mirror) = &self.knowledge else { return Patience::Left };
        match mote {
            None => self.snapshot.ask(mirror.statuses.keys().cloned()),
            Some(mote) if mirror.statuses.knows(&MoteKey::Mote(mote)) => self.snapshot.ask_for(MoteKey::Mote(mote)),
            Some(mote) => return self.handle_fault(Fault::new("unknown-mote", format!("nothing is known of a mote {mote}"))),
        }
        Patience::Left
    }

    fn refuse(&mut self, id: HostId, detail: &str) {
        self.tally.count("refused");
        self.reply_end(id, OutcomeState::Refused, detail);
    }

    /// We end a command ourselves.
    fn reply_end(&mut self, id: HostId, state: OutcomeState, detail: &str) {
        self.reply_outcome(Outcome { id, state, detail: detail.to_owned(), echo: None });
    }

    fn reply_outcome(&mut self, outcome: Outcome) {
        // The steps of a command may be left out when the host does not take them; its end may not.
        if outcome.state.is_end() || self.can_listen() {
            self.replies.push_back(Message::Outcome(outcome));
        }
    }
}
