//! The process: what can wake it, and what it does then. No decisions: those are the link's and the session's.

use std::time::Duration;

use bus::clock;
use bus::config::Configuration;
use bus::health;
use bus::inbox::{Drained, Inbox};
use bus::moment::Moment;
use bus::process::{self, Failure, Identity, Process};
use bus::reactor::{Reactor, Registration, Wake};
use bus::resolver::Resolver;
use bus::signals::Signal;
use bus::watchdog::Watchdog;
use mqtypes::broker::Notification;
use mqtypes::envelope::Sender;
use mqtypes::health::ProcessHealth;
use mqtypes::mono::Mono;
use mqtypes::queues::{UI_PROXY, UI_PROXY_REQUESTS};
use mqtypes::wake::ProxyRequest;

use crate::dial::{Dial, MOST_LOOKUPS, Progress};
use crate::identity::{self, IdError, Lbr};
use crate::key::{Key, KeyError};
use crate::link::action::{Action, Chance, Room};
use crate::link::greeting::Auth;
use crate::link::{Link, Settings};
use crate::options::{Arguments, AuthMode, Options};
use crate::proof::{NONCE_BYTES, Nonce};
use crate::socket::{Farewell, Leaving, Received, Socket};

mod answer;
mod eventbus;

use answer::Answers;
use eventbus::{Eventbus, Unsent};

/// Frames taken from the host in one go, so that a flood of them cannot starve the bus.
const FRAMES_AT_ONCE: usize = 64;

/// How long a host has to take our goodbye.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// What the process listens to.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// What `eventbus` tells.
    Notifications,
    /// Wake-ups, and questions.
    Requests,
    /// Room in the queue to `eventbus`.
    Eventbus,
    /// A connection, by its number.
    Connection(u64),
}

struct Proxy {
    configuration: Configuration<Arguments>,
    identity: Identity,
    reactor: Reactor<Source>,
    notifications: Inbox<Notification>,
    requests: Inbox<ProxyRequest>,
    answers: Answers,
    eventbus: Eventbus,
    link: Link,
    connection: Option<Connection>,
    leaving: Option<LeavingConnection>,
    resolver: Resolver,
    connections: u64,
    watchdog: Watchdog,
}

struct Connection {
    number: u64,
    registration: Registration,
    listening: Listening,
    stage: Stage,
}

/// Do we read what the host says?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listening {
    Yes,
    /// Not before it takes our answers.
    Paused,
}

enum Stage {
    Dialling(Box<Dial>),
    Open(Box<Socket>),
}

struct LeavingConnection {
    number: u64,
    registration: Registration,
    farewell: Farewell,
    deadline: Mono,
}

/// Runs until somebody stops it.
pub fn run(process: &Process, configuration: Configuration<Arguments>) -> Result<(), Failure> {
    Proxy::new(process, configuration)?.serve()
}

impl Proxy {
    fn new(process: &Process, configuration: Configuration<Arguments>) -> Result<Self, Failure> {
        let options = &configuration.options().options;
        let identity = process.identity;
        let lbr = introduce(options, &identity)?;
        let instance = &options.common.instance;
        let mut reactor = Reactor::new(process)?;
        let notifications = Inbox::own(instance, &UI_PROXY)?;
        notifications.watch(&reactor.register(Source::Notifications))?;
        let requests = Inbox::own(instance, &UI_PROXY_REQUESTS)?;
        requests.watch(&reactor.register(Source::Requests))?;
        let eventbus = Eventbus::new(instance, identity, reactor.register(Source::Eventbus));
        let answers = Answers::new(instance, identity);
        process.ready(instance);
        log::info!("{} ({}) waits to be woken; it will connect to {}", lbr.name, lbr.id, options.url);
        if let Err(error) = authentication(options) {
            log::warn!("{error}");
        }
        let link = Link::new(lbr, options.retry_for(), u64::from(identity.boot.0));
        Ok(Self {
            configuration,
            identity,
            reactor,
            notifications,
            requests,
            answers,
            eventbus,
            link,
            connection: None,
            leaving: None,
            resolver: Resolver::new(MOST_LOOKUPS),
            connections: 0,
            watchdog: Watchdog::from_environment(),
        })
    }

    fn serve(&mut self) -> Result<(), Failure> {
        loop {
            match self.reactor.next(self.poll_timeout())? {
                Wake::Ready(Source::Notifications) => self.take_notifications()?,
                Wake::Ready(Source::Requests) => self.take_requests()?,
                Wake::Ready(Source::Eventbus) => {}
                Wake::Signal(Signal::Reload) => process::reload(|| self.reload()),
                Wake::Ready(Source::Connection(number)) => self.handle_connection(number),
                Wake::Signal(Signal::Wake) => self.handle_wake(None),
                Wake::Signal(Signal::Stop) => break,
                Wake::Timeout => self.handle_timeout(clock::now()),
            }
            self.proceed();
            self.watchdog.handle_round(clock::now(), &self.notifications);
        }
        self.link.handle_stop();
        self.proceed();
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Mono> {
        let room = match &self.connection {
            Some(Connection { stage: Stage::Open(socket), .. }) => socket.room(),
            Some(Connection { stage: Stage::Dialling(_), .. }) | None => Room::Full,
        };
        let leaving = self.leaving.as_ref().map(|leaving| leaving.deadline);
        [self.link.poll_timeout(room), self.eventbus.poll_timeout(), leaving, self.watchdog.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Mono) {
        if self.leaving.as_ref().is_some_and(|leaving| leaving.deadline <= now) {
            self.drop_leaving();
        }
        self.link.handle_timeout(now);
    }

    fn take_notifications(&mut self) -> Result<(), Failure> {
        let now = clock::now();
        let drained = self.notifications.drain(|envelope, notification| {
            // The queue's mode lets nobody else write; a confused one is not believed.
            if envelope.sender == Sender::Eventbus {
                self.link.handle_notification(now, envelope.boot, notification);
            }
        })?;
        if drained == Drained::More {
            self.reactor.again(Source::Notifications);
        }
        Ok(())
    }

    fn take_requests(&mut self) -> Result<(), Failure> {
        let mut requests = Vec::new();
        let drained = self.requests.drain(|_envelope, request| requests.push(request))?;
        if drained == Drained::More {
            self.reactor.again(Source::Requests);
        }
        for request in requests {
            match request {
                ProxyRequest::Wake { port } => self.handle_wake(port),
                ProxyRequest::TellHealth { reply } => {
                    let own = self.figures();
                    self.answers.tell(clock::now(), &reply, own);
                }
            }
        }
        Ok(())
    }

    fn handle_wake(&mut self, port: Option<u16>) {
        if port == Some(0) {
            return log::warn!("woken for port 0, which cannot be dialled");
        }
        let options = &self.configuration.options().options;
        match authentication(options) {
            Ok(auth) => self.link.handle_wake(clock::now(), port.unwrap_or(options.url.port), auth),
            Err(error) => log::error!("woken, but not dialling: {error}"),
        }
    }

    /// Whatever is under way goes on with what the configuration says now; a link that is there is left alone.
    fn reload(&mut self) {
        let before = self.configuration.options().options.url.port;
        let changed = self.configuration.reload();
        if changed.is_empty() {
            return;
        }
        let options = &self.configuration.options().options;
        let is_about_the_key = changed.iter().any(|key| ["auth", "key-file"].contains(key));
        let auth = if is_about_the_key { authentication(options).inspect_err(|error| log::warn!("{error}")).ok() } else { None };
        let (name, retry_for) = (name(options), options.retry_for());
        self.link.handle_settings(clock::now(), Settings { name, retry_for, ports: (before, options.url.port), auth });
    }

    fn handle_connection(&mut self, number: u64) {
        if let Some(leaving) = self.leaving.as_mut().filter(|leaving| leaving.number == number) {
            match leaving.farewell.proceed() {
                Leaving::Waits => {}
                Leaving::HasMore => self.reactor.again(Source::Connection(number)),
                Leaving::Over => self.drop_leaving(),
            }
        }
        let Some(connection) = self.connection_of(number) else { return };
        match &mut connection.stage {
            Stage::Dialling(dial) => {
                let progress = dial.proceed();
                self.take_progress(number, progress);
            }
            Stage::Open(socket) => match socket.flush() {
                Ok(()) => self.listen(number),
                Err(cause) => self.lose(&cause),
            },
        }
    }

    fn take_progress(&mut self, number: u64, progress: Progress) {
        match progress {
            Progress::Waits => {}
            Progress::Connected => {
                self.link.handle_connected(clock::now());
                self.handle_connection(number);
            }
            Progress::Failed(cause) => self.lose(&cause),
            Progress::Open(stream) => match chance() {
                Ok(chance) => {
                    if let Some(connection) = &mut self.connection {
                        connection.stage = Stage::Open(Box::new(Socket::new(*stream)));
                    }
                    self.link.handle_open(Moment::read(), chance);
                    self.act();
                    // What came together with the end of the upgrade makes no event of its own.
                    self.listen(number);
                }
                Err(error) => self.lose(&format!("the system has no random numbers: {error}")),
            },
        }
    }

    /// Takes what the host says. Each frame has its effect before the next is read.
    fn listen(&mut self, number: u64) {
        for _frame in 0..FRAMES_AT_ONCE {
            let can_listen = self.link.can_listen();
            let Some(Connection { listening, stage: Stage::Open(socket), .. }) = self.connection_of(number) else { return };
            *listening = if can_listen { Listening::Yes } else { Listening::Paused };
            if *listening == Listening::Paused {
                return;
            }
            let received = socket.receive();
            if matches!(received, Received::Nothing) {
                return;
            }
            self.take_received(Moment::read(), received);
            self.act();
        }
        self.reactor.again(Source::Connection(number));
    }

    fn take_received(&mut self, now: Moment, received: Received) {
        self.link.handle_traffic(now.mono);
        match received {
            Received::Nothing | Received::Ping => {}
            Received::Text(text) => self.link.handle_text(now, &text),
            Received::Binary => self.link.handle_binary(now),
            Received::Pong(payload) => self.link.handle_pong(&payload),
            Received::TooLong => self.link.handle_too_long(now.mono),
            Received::Closed { code, reason } => self.link.handle_closed(now.mono, code, &reason),
            Received::Failed(cause) => self.link.handle_lost(now.mono, &cause),
        }
    }

    /// Does all that can be done now.
    fn proceed(&mut self) {
        let now = Moment::read();
        if self.link.wants_figures(now.mono) {
            let own = self.figures();
            self.link.handle_figures(now.mono, own);
        }
        loop {
            self.act();
            self.tell_eventbus(now.mono);
            if self.tell_host(now) == Told::All {
                break;
            }
        }
        self.eventbus.flush(now.mono);
    }

    fn tell_eventbus(&mut self, now: Mono) {
        while let Some(saying) = self.link.poll_to_bus() {
            match self.eventbus.tell(now, saying) {
                Ok(()) => {}
                Err(Unsent::NoRoom(id)) => self.link.handle_no_room(id),
                Err(Unsent::NoEventbus(ids)) => ids.into_iter().for_each(|id| self.link.handle_no_eventbus(id)),
            }
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.link.poll_action() {
            let done = match (action, &mut self.connection) {
                (Action::Dial { port }, _) => self.dial(port),
                (Action::Abandon, _) => {
                    self.drop_connection();
                    Ok(())
                }
                (Action::Close { code, reason }, _) => {
                    self.close(code, reason);
                    Ok(())
                }
                (Action::Send(text), Some(Connection { stage: Stage::Open(socket), .. })) => socket.send(text),
                (Action::Ping(payload), Some(Connection { stage: Stage::Open(socket), .. })) => socket.ping(payload),
                (Action::Trust, Some(Connection { stage: Stage::Open(socket), .. })) => {
                    socket.trust();
                    Ok(())
                }
                // The connection broke before this was its turn.
                (Action::Send(_) | Action::Ping(_) | Action::Trust, _) => Ok(()),
            };
            if let Err(cause) = done {
                self.lose(&cause);
            }
        }
    }

    fn dial(&mut self, port: u16) -> Result<(), String> {
        self.connections += 1;
        let number = self.connections;
        let registration = self.reactor.register(Source::Connection(number));
        let dial = Dial::begin(&self.configuration.options().options.url, port, registration.clone(), &self.resolver)
            .inspect_err(|_| self.reactor.release(&registration))?;
        self.drop_connection();
        self.connection = Some(Connection { number, registration, listening: Listening::Yes, stage: Stage::Dialling(Box::new(dial)) });
        Ok(())
    }

    fn connection_of(&mut self, number: u64) -> Option<&mut Connection> {
        self.connection.as_mut().filter(|connection| connection.number == number)
    }

    fn drop_connection(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.reactor.release(&connection.registration);
        }
    }

    fn drop_leaving(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            self.reactor.release(&leaving.registration);
        }
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        let Some(Connection { number, registration, stage, .. }) = self.connection.take() else { return };
        match stage {
            Stage::Dialling(_) => self.reactor.release(&registration),
            Stage::Open(socket) => {
                self.drop_leaving();
                let (farewell, deadline) = (socket.close(code, reason), clock::now().after(FAREWELL_WITHIN));
                self.leaving = Some(LeavingConnection { number, registration, farewell, deadline });
                self.reactor.again(Source::Connection(number));
            }
        }
    }

    fn lose(&mut self, cause: &str) {
        self.link.handle_lost(clock::now(), cause);
    }

    /// Says the next message, if the host takes one; or lets out what was said.
    fn tell_host(&mut self, now: Moment) -> Told {
        let Some(Connection { number, listening, stage: Stage::Open(socket), .. }) = &mut self.connection else { return Told::All };
        let message = match socket.room() {
            Room::Free => self.link.poll_message(now),
            Room::Full => None,
        };
        let (told, said) = match message {
            Some(message) => (Told::Some, socket.send(message)),
            None => (Told::All, socket.flush()),
        };
        if *listening == Listening::Paused && self.link.can_listen() {
            *listening = Listening::Yes;
            self.reactor.again(Source::Connection(*number));
        }
        match said {
            Ok(()) => told,
            Err(cause) => {
                self.lose(&cause);
                Told::Some
            }
        }
    }

    fn figures(&self) -> ProcessHealth {
        let mut dropped = self.notifications.tally().dropped("inbox.");
        dropped.extend(self.requests.tally().dropped("requests."));
        dropped.extend(self.answers.tally().dropped("answers."));
        dropped.extend(self.link.dropped());
        health::measure(&self.identity, self.notifications.fill(), dropped)
    }
}

/// Is there more to say to the host?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Perhaps.
    Some,
    /// Not now.
    All,
}

fn introduce(options: &Options, identity: &Identity) -> Result<Lbr, Failure> {
    let id = match &options.id {
        Some(id) => id.clone(),
        None => identity::lasting_id(&options.state_dir).map_err(|error| match &error {
            IdError::System(..) => Failure::Environment(error.to_string()),
            IdError::Content(..) => Failure::Configuration(error.to_string()),
        })?,
    };
    let (name, hostname) = (name(options), identity::hostname());
    Ok(Lbr { id, name, hostname, version: env!("CARGO_PKG_VERSION"), boot: identity.boot })
}

fn name(options: &Options) -> String {
    options.name.clone().unwrap_or_else(identity::hostname)
}

/// Read at each wake-up, so that a key can be put in place, or changed, while the process runs.
fn authentication(options: &Options) -> Result<Auth, KeyError> {
    match options.auth {
        AuthMode::None => Ok(Auth::None),
        AuthMode::Key => Key::read(&options.key_path()).map(Auth::Key),
    }
}

fn chance() -> Result<Chance, getrandom::Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    Ok(Chance { nonce: Nonce::new(nonce), first_request: getrandom::u64()? })
}
