//! The sending end: an outbox, and the channel to the peer that it is for.

use mqtypes::codec::Item;
use mqtypes::mono::Mono;

use crate::channel::{Channel, Destination};
use crate::outbox::{Bounds, Outbox};
use crate::process::Identity;
use crate::reactor::Registration;
use crate::tally::Tally;

/// What waits for one peer, and the way to it.
#[derive(Debug)]
pub struct Outlet<K, M> {
    outbox: Outbox<K, M>,
    channel: Channel,
}

impl<K: Ord + Clone, M: Item> Outlet<K, M> {
    /// An outlet to the router's own queue with this kernel name; nothing is opened yet.
    pub fn new(name: String, identity: Identity, registration: Registration, bounds: Bounds) -> Self {
        Self::over(Channel::new(name, Destination::Own, identity, registration), bounds)
    }

    /// An outlet that uses this channel.
    pub fn over(channel: Channel, bounds: Bounds) -> Self {
        Self { outbox: Outbox::new(bounds), channel }
    }

    /// For a peer that speaks to us when it starts; see [`Channel::patient`].
    #[must_use]
    pub fn patient(self) -> Self {
        Self { channel: self.channel.patient(), ..self }
    }

    /// The peer has just said something; see [`Channel::peer_spoke`].
    pub fn peer_spoke(&mut self) {
        self.channel.peer_spoke();
    }

    /// What waits.
    pub fn outbox(&mut self) -> &mut Outbox<K, M> {
        &mut self.outbox
    }

    /// The kernel's name of the peer's queue.
    pub fn name(&self) -> &str {
        self.channel.name()
    }

    /// What was lost on the way, by reason.
    pub fn tally(&self) -> &Tally {
        self.channel.tally()
    }

    /// Is the peer's queue not there?
    pub fn is_missing(&self) -> bool {
        self.channel.is_missing()
    }

    /// When [`Self::flush`] must be called again at the latest.
    pub fn poll_timeout(&self) -> Option<Mono> {
        if self.outbox.is_empty() { None } else { self.channel.look_again() }
    }

    /// Says as much as there is room for; see [`Channel::flush`].
    pub fn flush(&mut self, now: Mono, resolve: impl FnMut(&K) -> Option<M>) {
        self.channel.flush(&mut self.outbox, now, resolve);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Inbox;
    use crate::queue::unlink;
    use crate::reactor::Reactor;
    use mqtypes::envelope::Sender;
    use mqtypes::queues::{UI_PROXY_REQUESTS, kernel_name};
    use mqtypes::wake::ProxyRequest;
    use std::time::Duration;

    struct Stage {
        instance: String,
        reactor: Reactor<()>,
    }

    impl Stage {
        fn new(test: &str) -> Self {
            Self { instance: format!("outlet-{test}-{}", std::process::id()), reactor: Reactor::without_signals().expect("epoll") }
        }

        fn outlet(&mut self) -> Outlet<u16, ProxyRequest> {
            let name = kernel_name(&self.instance, UI_PROXY_REQUESTS.spec.name);
            Outlet::new(name, Identity::new(Sender::Tool), self.reactor.register(()), Bounds { entries: 64, bytes: 4096 })
        }

        fn inbox(&self) -> Inbox<ProxyRequest> {
            Inbox::own(&self.instance, &UI_PROXY_REQUESTS).expect("made")
        }
    }

    impl Drop for Stage {
        fn drop(&mut self) {
            let _ = unlink(&kernel_name(&self.instance, UI_PROXY_REQUESTS.spec.name));
        }
    }

    fn wake(port: u16) -> ProxyRequest {
        ProxyRequest::Wake { port: Some(port) }
    }

    fn take(inbox: &mut Inbox<ProxyRequest>) -> Vec<ProxyRequest> {
        let mut got = Vec::new();
        let _ = inbox.drain(|_, item| got.push(item)).expect("drained");
        got
    }

    #[test]
    fn a_peer_that_comes_later_gets_what_was_said_before() {
        let mut stage = Stage::new("later");
        let mut outlet = stage.outlet();
        outlet.outbox().push_event(wake(1), 8);
        outlet.flush(Mono(0), |_| None);
        let look_again = outlet.poll_timeout().expect("looks again");
        let mut inbox = stage.inbox();
        outlet.flush(look_again, |_| None);
        assert_eq!(take(&mut inbox), [wake(1)]);
        assert_eq!(outlet.poll_timeout(), None);
    }

    /// How long an outlet that has something to say waits in the end before it looks again.
    fn longest_wait(outlet: &mut Outlet<u16, ProxyRequest>) -> Duration {
        let mut now = Mono(0);
        for _look in 0..20 {
            outlet.flush(now, |_| None);
            let look_again = outlet.poll_timeout().expect("looks again");
            if look_again.since(now) >= Duration::from_secs(10) {
                return look_again.since(now);
            }
            now = look_again;
        }
        outlet.flush(now, |_| None);
        outlet.poll_timeout().expect("looks again").since(now)
    }

    #[test]
    fn a_missing_peer_is_looked_for_seldom_if_it_speaks_to_us_and_found_at_once_when_it_has() {
        let mut stage = Stage::new("patient");
        let mut eager = stage.outlet();
        eager.outbox().push_event(wake(1), 8);
        assert_eq!(longest_wait(&mut eager), Duration::from_secs(1));
        let mut outlet = stage.outlet().patient();
        outlet.outbox().push_event(wake(2), 8);
        assert_eq!(longest_wait(&mut outlet), Duration::from_secs(10));
        let mut inbox = stage.inbox();
        outlet.flush(Mono(0), |_| None);
        assert_eq!(take(&mut inbox), []);
        outlet.peer_spoke();
        outlet.flush(Mono(0), |_| None);
        assert_eq!(take(&mut inbox), [wake(2)]);
    }

    #[test]
    fn a_full_queue_keeps_events_waiting_and_state_new() {
        let mut stage = Stage::new("full");
        let mut inbox = stage.inbox();
        let mut outlet = stage.outlet();
        for port in 0..4 {
            outlet.outbox().push_event(wake(port), 8);
            outlet.flush(Mono(0), |_| None);
        }
        outlet.outbox().mark(7);
        outlet.flush(Mono(0), |_| Some(wake(100)));
        assert_eq!(take(&mut inbox).len(), 4);
        outlet.flush(Mono(0), |_| Some(wake(200)));
        assert_eq!(take(&mut inbox), [wake(200)]);
    }

    #[test]
    fn a_queue_that_was_replaced_is_found_again() {
        let mut stage = Stage::new("replaced");
        drop(stage.inbox());
        let mut outlet = stage.outlet();
        outlet.outbox().push_event(wake(1), 8);
        outlet.flush(Mono(0), |_| None);
        unlink(&kernel_name(&stage.instance, UI_PROXY_REQUESTS.spec.name)).expect("there");
        let mut inbox = stage.inbox();
        outlet.outbox().push_event(wake(2), 8);
        outlet.flush(Mono(0), |_| None);
        assert_eq!(take(&mut inbox), [wake(2)]);
    }

    #[test]
    fn state_that_is_gone_is_not_said() {
        let mut stage = Stage::new("gone");
        let mut inbox = stage.inbox();
        let mut outlet = stage.outlet();
        outlet.outbox().mark(1);
        outlet.flush(Mono(0), |_| None);
        assert_eq!(take(&mut inbox), []);
        assert!(outlet.outbox().is_empty());
    }
}
