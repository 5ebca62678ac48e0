//! A subscriber of `eventbus`, for every subcommand that wants to be told something.
//!
//! Its queue is its own, made at the start and removed at the end, however that comes. When the reader of
//! our output is slow it stops reading, and the bus keeps, conflates or drops for it as for every slow
//! subscriber. What is made of what comes is the [`Listener`]'s business; here is no meaning.

mod output;
mod proxy;
mod subscription;

use bus::channel::{Channel, Destination};
use bus::clock;
use bus::inbox::{Drained, Inbox};
use bus::moment::Moment;
use bus::outbox::Bounds;
use bus::outlet::Outlet;
use bus::process::{Failure, Identity, Process};
use bus::queue::{self, PeerQueue, QueueError};
use bus::reactor::{Reactor, Registration, Wake};
use bus::signals::{self, Signal};
use bus::tally::Tally;
use mqtypes::broker::{Notification, Request, Topic};
use mqtypes::command::Command;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS_REQUESTS, TAP_PREFIX, kernel_name};

use super::End;
use super::terminal::{self, complain};
use proxy::Proxy;
use subscription::{Ask, Presence, Subscription};

pub use output::{Flushed, Output};
pub use subscription::Notice;

/// Subscribing and asking for figures are conflated; beside them there are one command and the end of the subscription.
const REQUESTS: Bounds = Bounds { entries: 4, bytes: 1024 };

/// A command names a mote or a port, and a path has at most 4,096 bytes; a queue takes 2,048.
const COMMAND_BYTES: usize = 512;

/// What a subcommand makes of what it is told. It never waits; what it prints it pushes into the output.
pub trait Listener {
    /// The subscription stands. What must not be touched in vain, as a file that is begun anew, is opened here, once.
    fn begin(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Something came.
    fn handle_notification(&mut self, now: Moment, envelope: &Envelope, notification: &Notification, output: &mut Output);

    /// Something happened to the subscription itself.
    fn handle_notice(&mut self, notice: Notice) {
        complain(&notice.to_string());
    }

    /// Its deadline has come. It is not called while the reader of our output does not read.
    fn handle_timeout(&mut self, _now: Moment, _output: &mut Output) {}

    /// When [`Self::handle_timeout`] has something to do.
    fn poll_timeout(&self) -> Option<Mono> {
        None
    }

    /// Under this it may watch what it waits for beside the bus.
    fn watch(&mut self, _registration: Registration) {}

    /// Something that it watches is ready.
    fn handle_ready(&mut self) {}

    /// The next thing it wants beside the subscription.
    fn poll_wish(&mut self) -> Option<Wish> {
        None
    }

    /// Has it got all that it wanted?
    fn is_satisfied(&self, now: Mono) -> bool;
}

/// What a listener may want of `eventbus` beside being told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The figures of processes and ports, now. A subscription to them asks for them every few seconds anyway.
    Health,
    /// Something done with a mote. The outcomes come as notifications.
    Command(Command),
}

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// `eventbus` was not running from the start, which was said.
    NobodyThere,
    /// It never answered, which was said if it lasted.
    Unanswered,
    /// It did answer.
    Answered,
}

impl Followed {
    /// As the end of a task that wanted nothing but to be told.
    pub fn end(self) -> End {
        match self {
            Self::NobodyThere | Self::Unanswered => End::NothingThere,
            Self::Answered => End::Done,
        }
    }
}

/// The name of our queue within the instance: where outcomes of our commands go.
pub fn reply_name() -> String {
    format!("{TAP_PREFIX}{}", std::process::id())
}

/// Subscribes, and lets the listener hear until it is satisfied, somebody stops us, or nobody reads our output any more.
pub fn follow(instance: &str, topics: &[Topic], listener: &mut dyn Listener) -> Result<Followed, Failure> {
    signals::block()?;
    let process = Process { identity: Identity::new(Sender::Tool) };
    if let Some(reason) = why_not_there(instance)? {
        complain(&reason);
        return Ok(Followed::NobodyThere);
    }
    Subscriber::new(&process, instance, topics, listener)?.serve()
}

/// What wakes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Inbox,
    RoomForRequests,
    Output,
    Listener,
}

struct Subscriber<'a> {
    reactor: Reactor<Source>,
    inbox: Inbox<Notification>,
    requests: Outlet<Ask, Request>,
    proxy: Proxy,
    subscription: Subscription,
    listener: &'a mut dyn Listener,
    output: Output,
    flushed: Flushed,
    told: Tally,
    queue: OwnName,
}

/// Removes our queue when it is dropped.
#[derive(Debug)]
struct OwnName(String);

impl Drop for OwnName {
    fn drop(&mut self) {
        let _ = queue::unlink(&self.0);
    }
}

impl<'a> Subscriber<'a> {
    fn new(process: &Process, instance: &str, topics: &[Topic], listener: &'a mut dyn Listener) -> Result<Self, Failure> {
        let reply = reply_name();
        let mut reactor = Reactor::new(process)?;
        let mut inbox = Inbox::own_tap(instance, &reply)?;
        let queue = OwnName(kernel_name(instance, &reply));
        // A killed process of the same number may have left its queue behind, full of old news.
        while inbox.drain(|_, _| {})? == Drained::More {}
        inbox.watch(&reactor.register(Source::Inbox))?;
        let way = kernel_name(instance, EVENTBUS_REQUESTS.spec.name);
        let channel = Channel::new(way, Destination::Shared, process.identity, reactor.register(Source::RoomForRequests));
        let requests = Outlet::over(channel, REQUESTS);
        let proxy = Proxy::new(instance, process.identity);
        let output = Output::open();
        output.watch(&reactor.register(Source::Output))?;
        listener.watch(reactor.register(Source::Listener));
        let subscription = Subscription::new(clock::now(), reply, topics.to_vec());
        let told = inbox.tally().clone();
        Ok(Self { reactor, inbox, requests, proxy, subscription, listener, output, flushed: Flushed::All, told, queue })
    }

    fn serve(mut self) -> Result<Followed, Failure> {
        let ended = self.follow();
        self.leave();
        ended?;
        Ok(if self.subscription.was_answered() { Followed::Answered } else { Followed::Unanswered })
    }

    fn follow(&mut self) -> Result<(), Failure> {
        loop {
            self.ask(clock::now());
            self.flushed = self.pump()?;
            match self.flushed {
                Flushed::All if self.listener.is_satisfied(clock::now()) => return Ok(()),
                Flushed::ReaderGone => return Ok(()),
                Flushed::All | Flushed::Waiting => {}
            }
            // What was just heard may make it want something.
            self.ask(clock::now());
            match self.reactor.next(self.poll_timeout())? {
                Wake::Ready(Source::Output) if self.output.is_reader_gone() => return Ok(()),
                Wake::Ready(Source::Listener) => self.listener.handle_ready(),
                Wake::Ready(Source::Inbox | Source::RoomForRequests | Source::Output) | Wake::Signal(Signal::Wake) => {}
                Wake::Timeout => self.handle_timeout(Moment::read())?,
                // A terminal that is closed sends SIGHUP.
                Wake::Signal(Signal::Stop | Signal::Reload) => return Ok(()),
            }
        }
    }

    /// Prints what is there, as far as the reader takes it.
    fn pump(&mut self) -> Result<Flushed, Failure> {
        match self.flush()? {
            Flushed::All if !self.listener.is_satisfied(clock::now()) => {}
            other => return Ok(other),
        }
        if self.drain()? == Drained::More {
            self.reactor.again(Source::Inbox);
        }
        self.tell_notices();
        self.flush()
    }

    fn flush(&mut self) -> Result<Flushed, Failure> {
        self.output.flush().map_err(|error| terminal::unwritable(&error))
    }

    fn drain(&mut self) -> Result<Drained, Failure> {
        let (subscription, listener, output, now) = (&mut self.subscription, &mut self.listener, &mut self.output, Moment::read());
        let (proxy, mut begun) = (&self.proxy, Ok(()));
        let drained = self.inbox.drain(|envelope, notification| {
            let was_answered = subscription.was_answered();
            subscription.handle_message(now.mono, envelope, &notification);
            if subscription.was_answered() && !was_answered {
                begun = listener.begin();
                if subscription.has_figures() {
                    proxy.ask(now.mono, subscription.reply());
                }
            }
            if begun.is_ok() && !listener.is_satisfied(now.mono) {
                listener.handle_notification(now, envelope, &notification, output);
            }
        })?;
        begun.map(|()| drained)
    }

    fn tell_notices(&mut self) {
        while let Some(notice) = self.subscription.poll_notice() {
            self.listener.handle_notice(notice);
        }
        for (reason, count) in self.inbox.tally().iter() {
            let more = count - self.told.of(reason);
            // Gaps are told by the subscription.
            if more > 0 && reason != "gap" {
                complain(&format!("{}: messages passed over: {more} ({reason})", self.queue.0));
            }
        }
        self.told.clone_from(self.inbox.tally());
    }

    fn handle_timeout(&mut self, now: Moment) -> Result<(), Failure> {
        if self.is_listener_due(now.mono) {
            self.listener.handle_timeout(now, &mut self.output);
        }
        self.look(now.mono)
    }

    fn is_listener_due(&self, now: Mono) -> bool {
        self.flushed == Flushed::All && self.listener.poll_timeout().is_some_and(|due| due <= now)
    }

    /// Looks, when it is time, whether we can still be told anything.
    fn look(&mut self, now: Mono) -> Result<(), Failure> {
        if self.subscription.poll_timeout() > now {
            return Ok(());
        }
        if let Err(QueueError::Missing { name }) = queue::glance(self.inbox.name()) {
            return Err(Failure::Environment(format!("{name} was removed by somebody else: nothing can reach us any more")));
        }
        let is_held = queue::glance(self.requests.name()).is_ok_and(|glance| glance.holder.is_some());
        self.subscription.handle_presence(now, if is_held { Presence::There } else { Presence::Gone });
        self.tell_notices();
        Ok(())
    }

    fn ask(&mut self, now: Mono) {
        while let Some(ask) = self.subscription.poll_ask() {
            self.mark(now, ask);
        }
        while let Some(wish) = self.listener.poll_wish() {
            match wish {
                Wish::Health => self.mark(now, Ask::Health),
                // Full it can only be of commands that nobody takes; their deadlines end them.
                Wish::Command(command) => drop(self.requests.outbox().push_command(Request::Command(command), COMMAND_BYTES)),
            }
        }
        let subscription = &self.subscription;
        self.requests.flush(now, |ask| Some(subscription.request(*ask)));
    }

    /// Figures are asked of `eventbus`, which asks `serial-bridge`, and of `ui-proxy`, which nobody else asks.
    fn mark(&mut self, now: Mono, ask: Ask) {
        self.requests.outbox().mark(ask);
        match ask {
            Ask::Health if self.subscription.was_answered() => self.proxy.ask(now, self.subscription.reply()),
            // The snapshot comes first.
            Ask::Health | Ask::Subscribe => {}
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        let listener = self.listener.poll_timeout().filter(|_| self.flushed == Flushed::All);
        [Some(self.subscription.poll_timeout()), listener, self.requests.poll_timeout()].into_iter().flatten().min()
    }

    /// Ends the subscription. If that cannot be said now, its lease ends it soon.
    fn leave(&mut self) {
        self.requests.outbox().clear();
        let end = self.subscription.farewell();
        if self.requests.outbox().push_command(end, 64).is_ok() {
            self.requests.flush(clock::now(), |_| None);
        }
    }
}

/// Why there is nobody to subscribe with, if so.
fn why_not_there(instance: &str) -> Result<Option<String>, Failure> {
    let name = kernel_name(instance, EVENTBUS_REQUESTS.spec.name);
    let hint = format!("start it, or name another --instance than {instance}");
    match queue::glance(&name) {
        Ok(seen) if seen.holder.is_some() => {
            PeerQueue::open_shared(&name)?;
            if seen.is_a_strangers() {
                complain(&format!("{name} belongs to user {}, not to us, `lbr` or root: what follows is that user's router", seen.uid));
            }
            Ok(None)
        }
        Ok(_) => Ok(Some(format!("eventbus is not running: {name} is there, but nobody reads it; {hint}"))),
        Err(QueueError::Missing { .. }) => Ok(Some(format!("eventbus is not running: {name} does not exist; {hint}"))),
        Err(error) => Err(error.into()),
    }
}
