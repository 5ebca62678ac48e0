//! The only `mio::Poll` of a process: everything that can wake it, and its earliest deadline.
//!
//! Readiness is edge-triggered: whoever is woken drains until there is nothing more, or asks to be
//! woken [`again`](Reactor::again).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use mqtypes::mono::Mono;

use crate::clock;
use crate::process::Process;
use crate::signals::{Signal, Signals};

/// Events taken from the kernel at once.
const EVENTS_AT_ONCE: usize = 64;

const SIGNALS: Token = Token(0);

/// Why a process was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake<S> {
    /// This source can be read, written, or has ended: try both.
    Ready(S),
    /// The deadline has come.
    Timeout,
    /// Somebody sent a signal.
    Signal(Signal),
}

/// Sleeps until something happens. `S` names what the process listens to.
#[derive(Debug)]
pub struct Reactor<S> {
    poll: Poll,
    registry: Rc<Registry>,
    events: Events,
    sources: BTreeMap<usize, S>,
    next_token: usize,
    ready: VecDeque<usize>,
    again: VecDeque<S>,
    signals: Option<Signals>,
    caught: VecDeque<Signal>,
    kernel: Kernel,
}

/// Since the last [`Wake::Timeout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    LookedAt,
    NotLookedAt,
}

/// The right to watch descriptors under one name.
#[derive(Debug, Clone)]
pub struct Registration {
    registry: Rc<Registry>,
    token: Token,
}

impl Registration {
    /// Lets the reactor report this descriptor.
    pub fn watch(&self, owner: &impl AsRawFd, interest: Interest) -> io::Result<()> {
        self.registry.register(&mut SourceFd(&owner.as_raw_fd()), self.token, interest)
    }

    /// Changes what is reported of it.
    pub fn change(&self, owner: &impl AsRawFd, interest: Interest) -> io::Result<()> {
        self.registry.reregister(&mut SourceFd(&owner.as_raw_fd()), self.token, interest)
    }

    /// Ends it.
    pub fn forget(&self, owner: &impl AsRawFd) -> io::Result<()> {
        self.registry.deregister(&mut SourceFd(&owner.as_raw_fd()))
    }
}

impl<S: Copy> Reactor<S> {
    /// A reactor that reports the signals of `process`.
    pub fn new(process: &Process) -> io::Result<Self> {
        let mut reactor = Self::without_signals()?;
        let signals = process.signals()?;
        reactor.registry.register(&mut SourceFd(&signals.as_raw_fd()), SIGNALS, Interest::READABLE)?;
        reactor.signals = Some(signals);
        Ok(reactor)
    }

    /// A reactor for tools and tests, whose signals have their ordinary effect.
    pub fn without_signals() -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = Rc::new(poll.registry().try_clone()?);
        Ok(Self {
            poll,
            registry,
            events: Events::with_capacity(EVENTS_AT_ONCE),
            sources: BTreeMap::new(),
            next_token: SIGNALS.0 + 1,
            ready: VecDeque::new(),
            again: VecDeque::new(),
            signals: None,
            caught: VecDeque::new(),
            kernel: Kernel::NotLookedAt,
        })
    }

    /// A new name under which descriptors can be watched.
    pub fn register(&mut self, source: S) -> Registration {
        let token = self.next_token;
        self.next_token += 1;
        self.sources.insert(token, source);
        Registration { registry: Rc::clone(&self.registry), token: Token(token) }
    }

    /// The name is not used any more; what was reported of it and not yet handed out is forgotten.
    pub fn release(&mut self, registration: &Registration) {
        self.sources.remove(&registration.token.0);
    }

    /// This source has more; wake us for it before sleeping, after the others had their turn.
    pub fn again(&mut self, source: S) {
        self.again.push_back(source);
    }

    /// Was everything of the last look at the kernel handed out? A good moment to send what has gathered.
    /// It is so after every [`Wake::Timeout`].
    pub fn is_round_done(&self) -> bool {
        !self.ready.iter().any(|token| self.sources.contains_key(token))
    }

    /// Sleeps until something happens, or until `deadline`.
    pub fn next(&mut self, deadline: Option<Mono>) -> io::Result<Wake<S>> {
        loop {
            if let Some(signal) = self.caught.pop_front() {
                return Ok(Wake::Signal(signal));
            }
            while let Some(token) = self.ready.pop_front() {
                if let Some(source) = self.sources.get(&token) {
                    return Ok(Wake::Ready(*source));
                }
            }
            // Once a round: deadlines hold under a flood of events, and one that is never met starves nobody.
            if self.kernel == Kernel::LookedAt && deadline.is_some_and(|deadline| deadline <= clock::now()) {
                self.kernel = Kernel::NotLookedAt;
                return Ok(Wake::Timeout);
            }
            let unfinished = self.again.pop_front();
            self.wait(if unfinished.is_some() { Some(Duration::ZERO) } else { deadline.map(|at| at.until(clock::now())) })?;
            if let Some(source) = unfinished {
                return Ok(Wake::Ready(source));
            }
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.kernel = Kernel::LookedAt;
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            if event.token() == SIGNALS {
                if let Some(signals) = &mut self.signals {
                    signals.drain(|signal| self.caught.push_back(signal))?;
                }
            } else {
                self.ready.push_back(event.token().0);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_descriptor_and_a_passed_deadline_both_get_their_turn() {
        let mut reactor = Reactor::without_signals().expect("epoll");
        let (mut ours, theirs) = UnixStream::pair().expect("pair");
        reactor.register("line").watch(&theirs, Interest::READABLE).expect("watched");
        ours.write_all(b"x").expect("written");
        let mut wakes: Vec<_> = (0..2).map(|_| reactor.next(Some(Mono(0))).expect("woken")).collect();
        wakes.sort_by_key(|wake| *wake == Wake::Timeout);
        assert_eq!(wakes, [Wake::Ready("line"), Wake::Timeout]);
    }

    #[test]
    fn unfinished_work_is_taken_up_before_sleeping() {
        let mut reactor: Reactor<u8> = Reactor::without_signals().expect("epoll");
        reactor.again(3);
        assert_eq!(reactor.next(None).expect("woken"), Wake::Ready(3));
        assert_eq!(reactor.next(Some(clock::now())).expect("woken"), Wake::Timeout);
    }

    #[test]
    fn a_released_name_is_not_reported() {
        let mut reactor = Reactor::without_signals().expect("epoll");
        let (mut ours, theirs) = UnixStream::pair().expect("pair");
        let registration = reactor.register(());
        registration.watch(&theirs, Interest::READABLE).expect("watched");
        ours.write_all(b"x").expect("written");
        reactor.release(&registration);
        let soon = clock::now().after(Duration::from_millis(1));
        assert_eq!(reactor.next(Some(soon)).expect("woken"), Wake::Timeout);
    }
}
