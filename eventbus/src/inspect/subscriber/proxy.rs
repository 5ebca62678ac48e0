//! Asks `ui-proxy` for its figures, which it tells on the bus only when it is asked.
//!
//! Best effort: its inbox is small and for wake-ups. A question is put only into an empty queue that somebody reads; otherwise it
//! would wait there, keep a wake-up out, and come true much later.

use bus::process::Identity;
use bus::queue::{self, PeerQueue};
use mqtypes::codec;
use mqtypes::envelope::Envelope;
use mqtypes::mono::Mono;
use mqtypes::queues::{UI_PROXY_REQUESTS, kernel_name};
use mqtypes::wake::ProxyRequest;

/// The way to `ui-proxy`.
#[derive(Debug)]
pub struct Proxy {
    name: String,
    identity: Identity,
}

impl Proxy {
    /// Nothing is opened yet.
    pub fn new(instance: &str, identity: Identity) -> Self {
        Self { name: kernel_name(instance, UI_PROXY_REQUESTS.spec.name), identity }
    }

    /// Asks for its figures, to come to the tap `reply`.
    pub fn ask(&self, now: Mono, reply: &str) {
        if !queue::glance(&self.name).is_ok_and(|seen| seen.holder.is_some() && seen.waiting == 0) {
            return;
        }
        let Identity { sender, boot, .. } = self.identity;
        let envelope = Envelope { sender, boot, seq: 0, sent: now };
        let message = codec::encode(&envelope, &ProxyRequest::TellHealth { reply: reply.to_owned() }).expect("a tap's name is short");
        // Whoever does not get it does not answer, and that is told.
        if let Ok(queue) = PeerQueue::open_shared(&self.name) {
            let _ = queue.send(&message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::queue::{OwnedQueue, unlink};
    use mqtypes::envelope::Sender;

    #[test]
    fn only_a_reader_who_reads_is_asked() {
        let instance = format!("inspect-proxy-{}", std::process::id());
        let proxy = Proxy::new(&instance, Identity::new(Sender::Tool));
        let waiting = |proxy: &Proxy| queue::glance(&proxy.name).expect("there").waiting;
        proxy.ask(Mono(1), "tap-1");
        let owner = OwnedQueue::open(&instance, &UI_PROXY_REQUESTS.spec).expect("made");
        let mut buffer = vec![0; UI_PROXY_REQUESTS.spec.size];
        for _question in 0..2 {
            (0..3).for_each(|_| proxy.ask(Mono(1), "tap-1"));
            assert_eq!(waiting(&proxy), 1);
            let len = owner.receive(&mut buffer).expect("received").expect("a question");
            let (_envelope, items) = codec::decode::<ProxyRequest>(&buffer[..len]).expect("ours");
            assert_eq!(items, [ProxyRequest::TellHealth { reply: "tap-1".to_owned() }]);
        }
        drop(owner);
        proxy.ask(Mono(1), "tap-1");
        assert_eq!(waiting(&proxy), 0);
        unlink(&proxy.name).expect("removed");
    }
}
