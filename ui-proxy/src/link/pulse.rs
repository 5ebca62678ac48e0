//! The heartbeat of a link, and how much of what was said has really arrived.
//!
//! A tunnel takes megabytes before it pushes back: without a bound of our own, old state would queue up in it while newer is
//! there. Every ping bears the number of bytes said before it, and its pong tells that they have arrived.

use std::time::Duration;

use mqtypes::mono::Mono;

/// A ping at least this often.
const PING_EVERY: Duration = Duration::from_secs(15);

/// A link without traffic for so long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(40);

/// Bytes that may be on their way: two seconds on a link of 64 kB/s, and no limit that a fast link notices.
const WINDOW: u64 = 128 * 1024;

/// Bytes after which a ping asks how much has arrived.
const ASK_AFTER: u64 = 32 * 1024;

/// What a ping carries.
pub type Payload = [u8; 8];

/// The heartbeat of one link.
#[derive(Debug)]
pub struct Pulse {
    last_traffic: Mono,
    next_ping: Mono,
    said: u64,
    asked: u64,
    arrived: u64,
}

impl Pulse {
    /// Of a link that is up now.
    pub fn new(now: Mono) -> Self {
        Self { last_traffic: now, next_ping: now.after(PING_EVERY), said: 0, asked: 0, arrived: 0 }
    }

    /// Something came from the host.
    pub fn handle_traffic(&mut self, now: Mono) {
        self.last_traffic = now;
    }

    /// A pong came. One that answers no ping of ours tells nothing.
    pub fn handle_pong(&mut self, payload: &[u8]) {
        let Ok(payload) = Payload::try_from(payload) else { return };
        let arrived = u64::from_be_bytes(payload);
        if (self.arrived..=self.asked).contains(&arrived) {
            self.arrived = arrived;
        }
    }

    /// So many bytes were said.
    pub fn handle_said(&mut self, bytes: usize) {
        self.said += bytes as u64;
    }

    /// May more be said before some of it has arrived?
    pub fn has_room(&self) -> bool {
        self.said - self.arrived < WINDOW
    }

    /// The ping that is due, if one is.
    pub fn poll_ping(&mut self, now: Mono) -> Option<Payload> {
        (self.next_ping <= now || self.said - self.asked >= ASK_AFTER).then(|| self.ping(now))
    }

    /// A ping now, whether one is due or not.
    pub fn ping(&mut self, now: Mono) -> Payload {
        self.next_ping = now.after(PING_EVERY);
        self.asked = self.said;
        self.said.to_be_bytes()
    }

    /// Is nobody there any more?
    pub fn is_dead(&self, now: Mono) -> bool {
        self.dead_at() <= now
    }

    /// When there is something to do.
    pub fn poll_timeout(&self) -> Mono {
        self.next_ping.min(self.dead_at())
    }

    fn dead_at(&self) -> Mono {
        self.last_traffic.after(DEAD_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64) -> Mono {
        Mono(number * 1_000_000)
    }

    #[test]
    fn it_pings_every_fifteen_seconds_and_is_dead_after_forty_of_silence() {
        let mut pulse = Pulse::new(second(0));
        let mut pings = Vec::new();
        for now in 0..40 {
            assert!(!pulse.is_dead(second(now)));
            if pulse.poll_ping(second(now)).is_some() {
                pings.push(now);
            }
        }
        assert_eq!(pings, [15, 30]);
        assert!(pulse.is_dead(second(40)));
        pulse.handle_traffic(second(39));
        assert!(!pulse.is_dead(second(78)));
        assert_eq!(pulse.poll_timeout(), second(45));
    }

    #[test]
    fn what_has_not_arrived_keeps_more_from_being_said() {
        let mut pulse = Pulse::new(second(0));
        let mut pings = Vec::new();
        while pulse.has_room() {
            pulse.handle_said(8 * 1024);
            pings.extend(pulse.poll_ping(second(0)));
        }
        assert_eq!(pulse.said, WINDOW);
        assert_eq!(pings.len() as u64, WINDOW / ASK_AFTER);
        pulse.handle_pong(&pings[1]);
        assert!(pulse.has_room());
        assert_eq!(pulse.arrived, 2 * ASK_AFTER);
        pulse.handle_pong(&pings[0]);
        pulse.handle_pong(&u64::MAX.to_be_bytes());
        pulse.handle_pong(b"short");
        assert_eq!(pulse.arrived, 2 * ASK_AFTER);
    }
}
