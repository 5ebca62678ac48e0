//! Our figures, for whoever asks us for them on the bus: a person with a tool, at the router.
//!
//! One message to the tap that was named, or none: nobody is waited for, and nobody can aim us at another queue.

use bus::process::Identity;
use bus::queue::PeerQueue;
use bus::tally::Tally;
use mqtypes::broker::Notification;
use mqtypes::codec;
use mqtypes::envelope::Envelope;
use mqtypes::health::ProcessHealth;
use mqtypes::mono::Mono;
use mqtypes::queues::{is_tap, kernel_name};

/// Who may be answered, and what became of answers.
#[derive(Debug)]
pub struct Answers {
    instance: String,
    identity: Identity,
    tally: Tally,
}

impl Answers {
    /// Nobody has asked yet.
    pub fn new(instance: &str, identity: Identity) -> Self {
        Self { instance: instance.to_owned(), identity, tally: Tally::default() }
    }

    /// Tells the figures to the tap of this name within the instance.
    pub fn tell(&mut self, now: Mono, reply: &str, figures: ProcessHealth) {
        if !is_tap(reply) {
            self.tally.add("no-tap", 1);
        } else if !self.send(now, reply, figures) {
            self.tally.add("lost", 1);
        }
    }

    /// Answers that nobody got, by reason.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn send(&self, now: Mono, reply: &str, figures: ProcessHealth) -> bool {
        let Identity { sender, boot, .. } = self.identity;
        // Each is the first of its own: of numbers that go on, a tap would miss those of the others.
        let envelope = Envelope { sender, boot, seq: 0, sent: now };
        let Ok(message) = codec::encode(&envelope, &Notification::Health(figures)) else { return false };
        PeerQueue::open_shared(&kernel_name(&self.instance, reply)).is_ok_and(|tap| tap.send(&message).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::health::measure;
    use bus::queue::{OwnedQueue, unlink};
    use mqtypes::envelope::Sender;
    use mqtypes::queues::TAP;

    #[test]
    fn figures_go_to_taps_alone_and_nobody_is_waited_for() {
        let instance = format!("answer-{}", std::process::id());
        let identity = Identity::new(Sender::UiProxy);
        let mut answers = Answers::new(&instance, identity);
        let mut tell = |reply: &str| answers.tell(Mono(7), reply, measure(&identity, (0, 10), Vec::new()));
        let name = kernel_name(&instance, "tap-1");
        let tap = OwnedQueue::open_named(&name, &TAP.spec).expect("made");
        ["tap-1", "eventbus", "ui-proxy", "tap-2", "tap-/x"].into_iter().for_each(&mut tell);
        (0..TAP.spec.depth).for_each(|_| tell("tap-1"));
        let mut buffer = vec![0; TAP.spec.size];
        let len = tap.receive(&mut buffer).expect("received").expect("an answer");
        unlink(&name).expect("removed");
        let (envelope, items) = codec::decode::<Notification>(&buffer[..len]).expect("ours");
        assert!(envelope.sender == Sender::UiProxy && envelope.seq == 0);
        assert!(matches!(&items[..], [Notification::Health(health)] if health.pid == std::process::id()));
        assert_eq!((answers.tally().of("no-tap"), answers.tally().of("lost")), (3, 2));
    }
}
