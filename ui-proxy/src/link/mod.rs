//! Is there a link to the GUI host, and if not, when is one made?
//!
//! The whole life of the process as one state machine. Pure: what happened goes in with the time it happened; what to do
//! comes out as [`Action`]s, messages and deadlines. While it is idle it wants nothing, not even a deadline.

use std::collections::VecDeque;
use std::time::Duration;

use bus::moment::Moment;
use bus::tally::Tally;
use mqtypes::broker::Notification;
use mqtypes::health::{Dropped, ProcessHealth};
use mqtypes::ids::{BootId, RequestId};
use mqtypes::mono::Mono;

use crate::identity::Lbr;
use crate::request::{Fault, Patience};
use crate::session::{Session, ToBus};

pub mod action;
pub mod back_off;
pub mod greeting;
pub mod pulse;
#[cfg(test)]
mod tests;

use action::{Action, Chance, Room, close};
use back_off::{BackOff, Jitter};
use greeting::{Auth, End, Greeting, Step};
use pulse::Pulse;

/// How long a connection may take to come about, resolving its name included.
const DIAL_WITHIN: Duration = Duration::from_secs(10);

/// How long the handshake may take, from the connection on.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// How long a link that somebody doubts has to show itself.
const CHECK_WITHIN: Duration = Duration::from_secs(5);

/// How long nothing is dialled after a wrong proof or version, whoever asks.
const HOLD: Duration = Duration::from_secs(8);

/// A link that lasted so long was a good one: the next is tried for soon.
const STEADY: Duration = Duration::from_secs(10);

/// The link, or its absence.
#[derive(Debug)]
pub struct Link {
    lbr: Lbr,
    retry_for: Duration,
    jitter: Jitter,
    state: State,
    hold_until: Mono,
    actions: VecDeque<Action>,
    to_bus: VecDeque<ToBus>,
    tally: Tally,
}

#[derive(Debug)]
enum State {
    /// Nobody wants a link.
    Idle,
    /// A connection is being made.
    Dialling { effort: Effort, deadline: Mono },
    /// There is a connection, and the two sides get to know each other.
    Handshaking { effort: Effort, deadline: Mono, stage: Stage },
    /// There is a link.
    Live(Box<Live>),
    /// There was a link or an attempt at one, and another attempt will be made.
    Lost { effort: Effort, retry_at: Mono },
}

#[derive(Debug)]
enum Stage {
    /// WebSocket's own handshake (RFC 6455 section 4).
    Upgrading,
    /// Ours.
    Greeting { greeting: Greeting, first_request: u64 },
}

#[derive(Debug)]
struct Live {
    effort: Effort,
    since: Mono,
    pulse: Pulse,
    check: Option<Check>,
    session: Session,
}

/// Somebody wants a link while there is one; if it does not answer until then, another is made.
#[derive(Debug)]
struct Check {
    deadline: Mono,
    port: u16,
    auth: Auth,
}

/// What somebody wants: a link through this port.
#[derive(Debug)]
struct Effort {
    port: u16,
    auth: Auth,
    give_up_at: Mono,
    back_off: BackOff,
}

/// What the configuration says of links, when it was read again.
#[derive(Debug)]
pub struct Settings {
    /// The router's name for people.
    pub name: String,
    /// How long to try again.
    pub retry_for: Duration,
    /// The configured port before, and the one now.
    pub ports: (u16, u16),
    /// How the two sides prove themselves, if that has changed and the key could be read.
    pub auth: Option<Auth>,
}

impl Link {
    /// No link, and nobody wants one. `seed` spreads the waiting times.
    pub fn new(lbr: Lbr, retry_for: Duration, seed: u64) -> Self {
        Self {
            lbr,
            retry_for,
            jitter: Jitter::new(seed),
            state: State::Idle,
            hold_until: Mono(0),
            actions: VecDeque::new(),
            to_bus: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Somebody wants a link.
    pub fn handle_wake(&mut self, now: Mono, port: u16, auth: Auth) {
        match &mut self.state {
            State::Live(live) => {
                // Asking again and again gives the link no more time.
                let deadline = live.check.take().map_or_else(|| now.after(CHECK_WITHIN), |check| check.deadline);
                live.check = Some(Check { deadline, port, auth });
                let ping = live.pulse.ping(now);
                self.actions.push_back(Action::Ping(ping));
            }
            State::Dialling { effort, .. } | State::Handshaking { effort, .. } if effort.port == port => {
                // A greeting that is under way ends with the key it began with; the next has the new one.
                effort.auth = auth;
                effort.give_up_at = now.after(self.retry_for);
            }
            State::Dialling { .. } | State::Handshaking { .. } => {
                self.actions.push_back(Action::Abandon);
                self.start(now, port, auth);
            }
            State::Idle | State::Lost { .. } => self.start(now, port, auth),
        }
    }

    /// The configuration was read again. A link that is there stays as it is; an attempt at one begins anew, elsewhere perhaps.
    pub fn handle_settings(&mut self, now: Mono, settings: Settings) {
        let Settings { name, retry_for, ports, auth } = settings;
        (self.lbr.name, self.retry_for) = (name, retry_for);
        match self.take_state() {
            State::Idle => {}
            State::Live(mut live) => {
                live.effort.change(ports, auth);
                self.state = State::Live(live);
            }
            State::Lost { mut effort, retry_at } => {
                effort.change(ports, auth);
                self.state = State::Lost { effort, retry_at };
            }
            State::Dialling { mut effort, .. } | State::Handshaking { mut effort, .. } => {
                effort.change(ports, auth);
                self.actions.push_back(Action::Abandon);
                self.dial(now, effort);
            }
        }
    }

    /// The connection has come about.
    pub fn handle_connected(&mut self, now: Mono) {
        self.state = match self.take_state() {
            State::Dialling { effort, .. } => State::Handshaking { effort, deadline: now.after(HANDSHAKE_WITHIN), stage: Stage::Upgrading },
            other => other,
        };
    }

    /// It speaks WebSocket.
    pub fn handle_open(&mut self, now: Moment, chance: Chance) {
        if let State::Handshaking { effort, stage, .. } = &mut self.state {
            let Chance { nonce, first_request } = chance;
            let (greeting, hello) = Greeting::begin(&self.lbr, &effort.auth, effort.port, nonce, now);
            *stage = Stage::Greeting { greeting, first_request };
            self.actions.push_back(Action::Send(hello));
        }
    }

    /// A text frame came.
    pub fn handle_text(&mut self, now: Moment, text: &str) {
        match &mut self.state {
            State::Handshaking { stage: Stage::Greeting { greeting, .. }, .. } => {
                let step = greeting.handle_text(now, text);
                self.take_step(now, step);
            }
            State::Live(live) => {
                let patience = live.session.handle_text(now.mono, text);
                self.keep_patience(now, patience);
            }
            State::Handshaking { stage: Stage::Upgrading, .. } | State::Idle | State::Dialling { .. } | State::Lost { .. } => {}
        }
    }

    /// A binary frame came.
    pub fn handle_binary(&mut self, now: Moment) {
        match &mut self.state {
            State::Handshaking { stage: Stage::Greeting { greeting, .. }, .. } => {
                let step = greeting.handle_fault(now, &Fault::binary());
                self.take_step(now, step);
            }
            State::Live(live) => {
                let patience = live.session.handle_fault(Fault::binary());
                self.keep_patience(now, patience);
            }
            State::Handshaking { stage: Stage::Upgrading, .. } | State::Idle | State::Dialling { .. } | State::Lost { .. } => {}
        }
    }

    /// A message came that is longer than allowed; nothing may be read any more.
    pub fn handle_too_long(&mut self, now: Mono) {
        self.tally.count("too-long");
        self.actions.push_back(Action::Close { code: close::TOO_LONG, reason: "message too long" });
        self.end(now, "the GUI host sent a message that is too long");
    }

    /// A frame of any kind came.
    pub fn handle_traffic(&mut self, now: Mono) {
        if let State::Live(live) = &mut self.state {
            live.pulse.handle_traffic(now);
            live.check = None;
        }
    }

    /// A pong came.
    pub fn handle_pong(&mut self, payload: &[u8]) {
        if let State::Live(live) = &mut self.state {
            live.pulse.handle_pong(payload);
        }
    }

    /// The host has closed the link.
    pub fn handle_closed(&mut self, now: Mono, code: Option<u16>, reason: &str) {
        if matches!(code, Some(close::VERSION | close::UNAUTHORIZED)) {
            self.hold_until = now.after(HOLD);
        }
        let code = code.map_or_else(|| "without a code".to_owned(), |code| format!("with code {code}"));
        let reason: String = reason.escape_debug().take(125).collect();
        self.actions.push_back(Action::Abandon);
        self.end(now, &format!("the GUI host closed the link {code} {reason}"));
    }

    /// The connection is gone, or did not come about.
    pub fn handle_lost(&mut self, now: Mono, cause: &str) {
        self.actions.push_back(Action::Abandon);
        self.end(now, cause);
    }

    /// `eventbus` tells something.
    pub fn handle_notification(&mut self, now: Mono, boot: BootId, notification: Notification) {
        if let State::Live(live) = &mut self.state {
            live.session.handle_notification(now, boot, notification);
        }
    }

    /// A command found no room on its way to `eventbus`.
    pub fn handle_no_room(&mut self, id: RequestId) {
        if let State::Live(live) = &mut self.state {
            live.session.handle_no_room(id);
        }
    }

    /// A command found no `eventbus`, and was not sent.
    pub fn handle_no_eventbus(&mut self, id: RequestId) {
        if let State::Live(live) = &mut self.state {
            live.session.handle_no_eventbus(id);
        }
    }

    /// Our own figures, when [`Self::wants_figures`].
    pub fn handle_figures(&mut self, now: Mono, own: ProcessHealth) {
        if let State::Live(live) = &mut self.state {
            live.session.handle_figures(now, own);
        }
    }

    /// Are our own figures wanted now?
    pub fn wants_figures(&self, now: Mono) -> bool {
        matches!(&self.state, State::Live(live) if live.session.wants_figures(now))
    }

    /// A deadline has passed.
    pub fn handle_timeout(&mut self, now: Mono) {
        match &mut self.state {
            State::Dialling { deadline, .. } if *deadline <= now => self.handle_lost(now, "the connection did not come about within 10 s"),
            State::Handshaking { deadline, .. } if *deadline <= now => self.handle_lost(now, "the handshake was not finished within 5 s"),
            State::Live(live) if live.pulse.is_dead(now) => self.handle_lost(now, "nothing was heard of the GUI host for 40 s"),
            State::Live(live) => {
                live.session.handle_timeout(now);
                self.actions.extend(live.pulse.poll_ping(now).map(Action::Ping));
                if let Some(Check { port, auth, .. }) = live.check.take_if(|check| check.deadline <= now) {
                    self.handle_lost(now, "the link did not answer when somebody asked for one");
                    self.start(now, port, auth);
                }
            }
            State::Lost { retry_at, .. } if *retry_at <= now => {
                if let State::Lost { effort, .. } = self.take_state() {
                    self.dial(now, effort);
                }
            }
            State::Idle | State::Dialling { .. } | State::Handshaking { .. } | State::Lost { .. } => {}
        }
    }

    /// The process ends.
    pub fn handle_stop(&mut self) {
        match self.take_state() {
            State::Live(_) => {
                self.actions.push_back(Action::Close { code: close::GOING_AWAY, reason: "ui-proxy is being stopped" });
                self.to_bus.push_back(ToBus::Unsubscribe);
            }
            State::Dialling { .. } | State::Handshaking { .. } => self.actions.push_back(Action::Abandon),
            State::Idle | State::Lost { .. } => {}
        }
    }

    /// The next thing to do with the connection.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing to say to `eventbus`.
    pub fn poll_to_bus(&mut self) -> Option<ToBus> {
        if let Some(first) = self.to_bus.pop_front() {
            return Some(first);
        }
        match &mut self.state {
            State::Live(live) => live.session.poll_to_bus(),
            State::Idle | State::Dialling { .. } | State::Handshaking { .. } | State::Lost { .. } => None,
        }
    }

    /// The next message for the host, for which the connection must have room. Pings come out as actions.
    pub fn poll_message(&mut self, now: Moment) -> Option<String> {
        let State::Live(live) = &mut self.state else { return None };
        // Answers go even so: the pong that makes room may be behind requests, and is not read while their answers wait.
        let message = if live.pulse.has_room() { live.session.poll_message(now)? } else { live.session.poll_reply(now)? };
        live.pulse.handle_said(message.len());
        self.actions.extend(live.pulse.poll_ping(now.mono).map(Action::Ping));
        Some(message)
    }

    /// When [`Self::handle_timeout`] or [`Self::poll_message`] has something to do. Never, while idle.
    pub fn poll_timeout(&self, room: Room) -> Option<Mono> {
        match &self.state {
            State::Idle => None,
            State::Dialling { deadline, .. } | State::Handshaking { deadline, .. } => Some(*deadline),
            State::Live(live) => Some(live.poll_timeout(room)),
            State::Lost { retry_at, .. } => Some(*retry_at),
        }
    }

    /// May the host say more? Not while it does not take the answers to what it has said.
    pub fn can_listen(&self) -> bool {
        match &self.state {
            State::Live(live) => live.session.can_listen(),
            State::Idle | State::Dialling { .. } | State::Handshaking { .. } | State::Lost { .. } => true,
        }
    }

    /// What was refused, left out or not understood since the start of the process.
    pub fn dropped(&self) -> Vec<Dropped> {
        let mut all = self.tally.clone();
        if let State::Live(live) = &self.state {
            add(&mut all, live.session.tally());
        }
        all.dropped("host.")
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Idle)
    }

    fn start(&mut self, now: Mono, port: u16, auth: Auth) {
        let effort = Effort { port, auth, give_up_at: now.after(self.retry_for), back_off: BackOff::default() };
        if now < self.hold_until {
            log::warn!("waiting {:?} before dialling again, after a wrong proof or version", self.hold_until.until(now));
            self.state = State::Lost { effort, retry_at: self.hold_until };
        } else {
            self.dial(now, effort);
        }
    }

    fn dial(&mut self, now: Mono, effort: Effort) {
        self.actions.push_back(Action::Dial { port: effort.port });
        self.state = State::Dialling { effort, deadline: now.after(DIAL_WITHIN) };
    }

    fn take_step(&mut self, now: Moment, step: Step) {
        match step {
            Step::Up { auth, host } => {
                self.actions.extend(auth.map(Action::Send));
                self.go_live(now.mono, &host);
            }
            Step::Again(error) => {
                self.tally.count("handshake");
                self.actions.push_back(Action::Send(error));
            }
            Step::Refused(complaint) => log::warn!("the GUI host refuses: {}: {}", complaint.code, complaint.text),
            Step::End { last_words, end } => {
                self.actions.push_back(Action::Send(last_words));
                self.end_handshake(now.mono, end);
            }
        }
    }

    fn end_handshake(&mut self, now: Mono, end: End) {
        let (code, reason, cause) = match end {
            End::Version => (close::VERSION, "version", "the GUI host speaks another version of the link; update the older one"),
            End::Unauthorized => (
                close::UNAUTHORIZED,
                "unauthorized",
                "the GUI host did not prove that it holds our key; copy the key file of the PC here, and check that the tunnel's port is the one that is dialled",
            ),
            End::Faults => (close::POLICY, "handshake", "what answers is no GUI host: it does not speak the link's language"),
        };
        match end {
            End::Version | End::Unauthorized => self.hold_until = now.after(HOLD),
            End::Faults => {}
        }
        self.tally.count(reason);
        self.actions.push_back(Action::Close { code, reason });
        self.end(now, cause);
    }

    fn go_live(&mut self, now: Mono, host: &str) {
        self.state = match self.take_state() {
            State::Handshaking { effort, stage: Stage::Greeting { greeting, first_request }, .. } => {
                log::info!("linked with the GUI host {host}");
                self.actions.push_back(Action::Trust);
                let session = Session::new(now, greeting.into_sequence(), first_request);
                State::Live(Box::new(Live { effort, since: now, pulse: Pulse::new(now), check: None, session }))
            }
            other => other,
        };
    }

    fn keep_patience(&mut self, now: Moment, patience: Patience) {
        let State::Live(live) = &mut self.state else { return };
        if patience == Patience::Exhausted {
            self.actions.extend(live.session.last_words(now).into_iter().map(Action::Send));
            self.actions.push_back(Action::Close { code: close::POLICY, reason: "three messages were not understood" });
            self.end(now.mono, "three messages of the GUI host in a row were not understood");
        }
    }

    /// The connection is over, or there never was one. Another is tried for until it is time to give up.
    fn end(&mut self, now: Mono, cause: &str) {
        let (mut effort, what) = match self.take_state() {
            State::Idle | State::Lost { .. } => return,
            State::Dialling { effort, .. } | State::Handshaking { effort, .. } => (effort, "no link"),
            State::Live(live) => (self.end_session(now, *live), "the link is lost"),
        };
        let retry_at = now.after(effort.back_off.next(&mut self.jitter)).max(self.hold_until);
        if retry_at > effort.give_up_at {
            log::warn!("{what}: {cause}");
            log::info!("idle, waiting to be woken again");
            self.to_bus.push_back(ToBus::BeSilent);
        } else {
            log::info!("{what}: {cause}; trying again");
            self.state = State::Lost { effort, retry_at };
        }
    }

    fn end_session(&mut self, now: Mono, live: Live) -> Effort {
        let Live { mut effort, since, session, .. } = live;
        add(&mut self.tally, session.tally());
        self.to_bus.push_back(ToBus::Unsubscribe);
        effort.give_up_at = now.after(self.retry_for);
        if now.since(since) >= STEADY {
            effort.back_off = BackOff::default();
        }
        effort
    }
}

impl Effort {
    /// A port that somebody asked for beside the configured one stays the same.
    fn change(&mut self, (before, now): (u16, u16), auth: Option<Auth>) {
        if self.port == before {
            self.port = now;
        }
        self.auth = auth.unwrap_or_else(|| self.auth.clone());
    }
}

impl Live {
    fn poll_timeout(&self, room: Room) -> Mono {
        let mut earliest = self.pulse.poll_timeout();
        let check = self.check.as_ref().map(|check| check.deadline);
        let due = if room == Room::Free && self.pulse.has_room() { self.session.poll_due() } else { None };
        for at in [check, due, self.session.poll_timeout()].into_iter().flatten() {
            earliest = earliest.min(at);
        }
        earliest
    }
}

fn add(total: &mut Tally, more: &Tally) {
    for (reason, count) in more.iter() {
        total.add(reason, count);
    }
}
