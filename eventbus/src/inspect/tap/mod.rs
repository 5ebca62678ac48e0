//! `mq-inspect tap`: a subscriber like any other, which prints what it is told.
//!
//! Its queue is its own, made at the start and removed at the end, however that comes. When its reader
//! is slow it stops reading, and the bus keeps, conflates or drops for it as for every slow subscriber.

pub mod element;
pub mod figures;
mod line;
mod output;
mod selection;
mod subscription;
pub mod words;

use std::io;
use std::time::Duration;

use bus::channel::{Channel, Destination};
use bus::clock;
use bus::inbox::{Drained, Inbox};
use bus::moment::Moment;
use bus::outbox::Bounds;
use bus::outlet::Outlet;
use bus::process::{Failure, Identity, Process};
use bus::queue::{self, PeerQueue, QueueError};
use bus::reactor::{Reactor, Wake};
use bus::signals::{self, Signal};
use bus::tally::Tally;
use mqtypes::broker::{Notification, Request};
use mqtypes::envelope::Sender;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS_REQUESTS, TAP_PREFIX, kernel_name};

use super::End;
use super::options::TapOptions;
use super::terminal::{self, Ink, complain};
use line::Form;
use output::{Flushed, Output};
use selection::{Limit, Relevance, Selection};
use subscription::{Ask, Presence, Subscription};

/// Requests are conflated but for the last one, that which ends the subscription.
const REQUESTS: Bounds = Bounds { entries: 1, bytes: 256 };

/// What wakes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Inbox,
    RoomForRequests,
    Output,
}

/// Runs it.
pub fn run(options: &TapOptions) -> Result<End, Failure> {
    signals::block()?;
    let process = Process { identity: Identity::new(Sender::Tool) };
    if let Some(reason) = why_not_there(&options.set.instance)? {
        complain(&reason);
        return Ok(End::NothingThere);
    }
    Tap::new(&process, options)?.serve()
}

struct Tap {
    reactor: Reactor<Source>,
    inbox: Inbox<Notification>,
    requests: Outlet<Ask, Request>,
    subscription: Subscription,
    selection: Selection,
    limit: Limit,
    form: Form,
    output: Output,
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

impl Tap {
    fn new(process: &Process, options: &TapOptions) -> Result<Self, Failure> {
        let instance = &options.set.instance;
        let now = clock::now();
        let selection = Selection::new(&options.topics, options.mote);
        let reply = format!("{TAP_PREFIX}{}", std::process::id());
        let mut reactor = Reactor::new(process)?;
        let mut inbox = Inbox::own_tap(instance, &reply)?;
        let queue = OwnName(kernel_name(instance, &reply));
        // A killed process of the same number may have left its queue behind, full of old news.
        while inbox.drain(|_, _| {})? == Drained::More {}
        inbox.watch(&reactor.register(Source::Inbox))?;
        let way = kernel_name(instance, EVENTBUS_REQUESTS.spec.name);
        let channel = Channel::new(way, Destination::Shared, process.identity, reactor.register(Source::RoomForRequests));
        let requests = Outlet::over(channel, REQUESTS);
        let output = Output::open();
        output.watch(&reactor.register(Source::Output))?;
        let subscription = Subscription::new(now, reply, selection.topics().to_vec());
        let limit = Limit::new(now, options.count, options.seconds.map(|seconds| Duration::from_secs(seconds.into())));
        let form = if options.json { Form::Json } else { Form::Text(Ink::of_stdout()) };
        let told = inbox.tally().clone();
        Ok(Self { reactor, inbox, requests, subscription, selection, limit, form, output, told, queue })
    }

    fn serve(mut self) -> Result<End, Failure> {
        let ended = self.follow();
        self.leave();
        ended?;
        Ok(if self.subscription.was_answered() { End::Done } else { End::NothingThere })
    }

    fn follow(&mut self) -> Result<(), Failure> {
        loop {
            self.ask(clock::now());
            match self.pump()? {
                Flushed::All if self.limit.is_reached(clock::now()) => return Ok(()),
                Flushed::ReaderGone => return Ok(()),
                Flushed::All | Flushed::Waiting => {}
            }
            match self.reactor.next(self.poll_timeout(clock::now()))? {
                Wake::Ready(Source::Output) if self.output.is_reader_gone() => return Ok(()),
                Wake::Ready(Source::Inbox | Source::RoomForRequests | Source::Output) | Wake::Signal(Signal::Wake) => {}
                Wake::Timeout => self.look(clock::now())?,
                // A terminal that is closed sends SIGHUP.
                Wake::Signal(Signal::Stop | Signal::Reload) => return Ok(()),
            }
        }
    }

    /// Prints what is there, as far as the reader takes it.
    fn pump(&mut self) -> Result<Flushed, Failure> {
        match self.flush()? {
            Flushed::All if !self.limit.is_reached(clock::now()) => {}
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

    fn drain(&mut self) -> io::Result<Drained> {
        let (subscription, selection, limit) = (&mut self.subscription, &self.selection, &mut self.limit);
        let (form, output, now) = (self.form, &mut self.output, Moment::read());
        self.inbox.drain(|envelope, notification| {
            subscription.handle_message(now.mono, envelope, &notification);
            let relevance = selection.relevance(&notification);
            if relevance != Relevance::Other && !limit.is_reached(now.mono) {
                output.push(&form.line(now, envelope, &notification));
                limit.handle_printed(relevance);
            }
        })
    }

    fn tell_notices(&mut self) {
        while let Some(notice) = self.subscription.poll_notice() {
            complain(&notice.to_string());
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
            self.requests.outbox().mark(ask);
        }
        let subscription = &self.subscription;
        self.requests.flush(now, |ask| Some(subscription.request(*ask)));
    }

    fn poll_timeout(&self, now: Mono) -> Option<Mono> {
        [Some(self.subscription.poll_timeout()), self.limit.poll_timeout(now), self.requests.poll_timeout()].into_iter().flatten().min()
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
