//! The heartbeat of a WebSocket: when to ping, how long the answer took, when the peer is dead.
//!
//! Pure: every moment is an argument.

use std::time::{Duration, Instant};

/// A ping without an answer for this long is told.
const UNANSWERED_AFTER: Duration = Duration::from_secs(10);

/// Without any traffic for this long the peer is dead. A router pings every 15 s, and whoever is
/// there answers ours.
const DEAD_AFTER: Duration = Duration::from_secs(40);

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping with these bytes.
    Ping([u8; 8]),
    /// The last ping has no answer yet.
    Unanswered,
    /// Close the connection.
    Dead,
}

/// The heartbeat of one connection.
#[derive(Debug)]
pub struct Pulse {
    last_traffic: Instant,
    next_ping: Instant,
    every: Duration,
    number: u64,
    ping: Ping,
}

#[derive(Debug)]
enum Ping {
    None,
    Waiting { sent: Instant },
    Late { sent: Instant },
}

impl Pulse {
    /// The heartbeat of a connection that is open now; the first ping is due at once, the others
    /// after `every`.
    pub fn new(now: Instant, every: Duration) -> Self {
        Self { last_traffic: now, next_ping: now, every, number: 0, ping: Ping::None }
    }

    /// Any frame came.
    pub fn handle_traffic(&mut self, now: Instant) {
        self.last_traffic = now;
    }

    /// A pong came; gives the round-trip time if it answers the last ping.
    pub fn handle_pong(&mut self, now: Instant, payload: &[u8]) -> Option<Duration> {
        if payload != self.number.to_be_bytes() {
            return None;
        }
        match std::mem::replace(&mut self.ping, Ping::None) {
            Ping::None => None,
            Ping::Waiting { sent } | Ping::Late { sent } => Some(now.saturating_duration_since(sent)),
        }
    }

    /// When to ask [`Pulse::poll_beat`] again.
    pub fn poll_timeout(&self) -> Instant {
        let dead = self.last_traffic + DEAD_AFTER;
        let ping = match self.ping {
            Ping::None => self.next_ping,
            Ping::Waiting { sent } => sent + UNANSWERED_AFTER,
            Ping::Late { .. } => dead,
        };
        ping.min(dead)
    }

    /// What is due now; `None` when nothing is.
    pub fn poll_beat(&mut self, now: Instant) -> Option<Beat> {
        if now >= self.last_traffic + DEAD_AFTER {
            return Some(Beat::Dead);
        }
        match self.ping {
            Ping::None if now >= self.next_ping => {
                self.number += 1;
                self.next_ping = now + self.every;
                self.ping = Ping::Waiting { sent: now };
                Some(Beat::Ping(self.number.to_be_bytes()))
            }
            Ping::Waiting { sent } if now >= sent + UNANSWERED_AFTER => {
                self.ping = Ping::Late { sent };
                Some(Beat::Unanswered)
            }
            Ping::None | Ping::Waiting { .. } | Ping::Late { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answered_ping_gives_the_round_trip_time() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, 5 * SECOND);
        let Some(Beat::Ping(payload)) = pulse.poll_beat(start) else { panic!("no ping") };
        assert_eq!(pulse.poll_beat(start), None);
        let pong = start + Duration::from_millis(21);
        assert_eq!(pulse.handle_pong(pong, &payload), Some(Duration::from_millis(21)));
        assert_eq!(pulse.handle_pong(pong, &payload), None);
        assert_eq!(pulse.poll_timeout(), start + 5 * SECOND);
        assert_eq!(pulse.poll_beat(start + 4 * SECOND), None);
        assert!(matches!(pulse.poll_beat(start + 5 * SECOND), Some(Beat::Ping(_))));
    }

    #[test]
    fn a_pong_for_another_ping_is_passed_over() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, 5 * SECOND);
        pulse.poll_beat(start);
        assert_eq!(pulse.handle_pong(start, b"whatever"), None);
        assert_eq!(pulse.handle_pong(start, &[]), None);
    }

    #[test]
    fn an_unanswered_ping_is_told_once_and_silence_ends_the_link() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, 5 * SECOND);
        pulse.poll_beat(start);
        assert_eq!(pulse.poll_timeout(), start + 10 * SECOND);
        assert_eq!(pulse.poll_beat(start + 10 * SECOND), Some(Beat::Unanswered));
        assert_eq!(pulse.poll_beat(start + 11 * SECOND), None);
        pulse.handle_traffic(start + 20 * SECOND);
        assert_eq!(pulse.poll_timeout(), start + 60 * SECOND);
        assert_eq!(pulse.poll_beat(start + 59 * SECOND), None);
        assert_eq!(pulse.poll_beat(start + 60 * SECOND), Some(Beat::Dead));
    }
}
