//! The serial echo test: what was sent must come back, one echo at a time.
//!
//! Nothing in the reply marks it as an echo; it is one because the test waits for it and it has its
//! length. Answers to what was given up before are told by their bytes: they may still come.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use mqtypes::command::{EchoFigures, RoundTrip};
use mqtypes::mono::Mono;

use crate::frame::MAX_ECHO;

/// Echoes in one test, at most.
pub const MOST: u16 = 1000;

/// Echoes that were given up and may still be answered: what a mote's output ring holds of the longest.
const MOST_LATE: usize = 5;

/// A mote answers within 8 ms when its line is free; it is busy for seconds at most.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// A test and its figures.
pub struct EchoTest {
    count: u16,
    size: u8,
    waiting: Option<Waiting>,
    sent: u16,
    ok: u16,
    corrupted: u16,
    timed_out: u16,
    round_trips: RoundTrips,
    /// The newest of them.
    given_up: VecDeque<Vec<u8>>,
}

struct Waiting {
    bytes: Vec<u8>,
    since: Mono,
}

/// Sum and extremes, in microseconds.
#[derive(Default)]
struct RoundTrips {
    least: Option<Duration>,
    most: Duration,
    sum: Duration,
}

impl EchoTest {
    /// `None` when count or size are out of range.
    pub fn new(count: u16, size: u8) -> Option<Self> {
        let is_in_range = (1..=MOST).contains(&count) && usize::from(size) <= MAX_ECHO;
        let test = Self {
            count,
            size,
            waiting: None,
            sent: 0,
            ok: 0,
            corrupted: 0,
            timed_out: 0,
            round_trips: RoundTrips::default(),
            given_up: VecDeque::new(),
        };
        is_in_range.then_some(test)
    }

    /// The bytes of the next echo. All byte values occur, among them those that framing must escape.
    pub fn next(&mut self, now: Mono) -> Vec<u8> {
        let first = self.sent.wrapping_mul(31);
        let bytes: Vec<u8> = (0..u16::from(self.size)).map(|at| first.wrapping_add(at.wrapping_mul(7)) as u8).collect();
        self.sent += 1;
        self.waiting = Some(Waiting { bytes: bytes.clone(), since: now });
        bytes
    }

    /// The line did not take it.
    pub fn take_back(&mut self) {
        if self.waiting.take().is_some() {
            self.sent -= 1;
        }
    }

    /// The line has it; tells when it is given up.
    pub fn sent(&mut self, now: Mono) -> Mono {
        if let Some(waiting) = &mut self.waiting {
            waiting.since = now;
        }
        now.after(ANSWERS_WITHIN)
    }

    /// True when these bytes are the awaited answer, right or damaged.
    pub fn take(&mut self, now: Mono, echoed: &[u8]) -> bool {
        let is_late = self.given_up.iter().any(|late| late == echoed);
        let is_awaited = |waiting: &mut Waiting| waiting.bytes == echoed || (waiting.bytes.len() == echoed.len() && !is_late);
        let Some(waiting) = self.waiting.take_if(is_awaited) else { return false };
        if waiting.bytes == echoed {
            self.ok += 1;
            self.round_trips.add(now.since(waiting.since));
        } else {
            self.corrupted += 1;
        }
        true
    }

    /// The awaited answer did not come.
    pub fn give_up_one(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.given_up.truncate(MOST_LATE - 1);
            self.given_up.push_front(waiting.bytes);
            self.timed_out += 1;
        }
    }

    /// What was found so far.
    pub fn figures(&self) -> EchoFigures {
        let &Self { sent, ok, corrupted, timed_out, .. } = self;
        EchoFigures { sent, ok, corrupted, timed_out, round_trip: self.round_trips.told(ok) }
    }

    /// Was every echo sent and settled?
    pub fn is_finished(&self) -> bool {
        self.sent == self.count && self.waiting.is_none()
    }
}

impl RoundTrips {
    fn add(&mut self, time: Duration) {
        self.least = Some(self.least.map_or(time, |least| least.min(time)));
        self.most = self.most.max(time);
        self.sum += time;
    }

    fn told(&self, number: u16) -> Option<RoundTrip> {
        let us = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let mean = self.sum / u32::from(number.max(1));
        self.least.map(|least| RoundTrip { least_us: us(least), mean_us: us(mean), most_us: us(self.most) })
    }
}

impl fmt::Display for EchoTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sent {}, ok {}, corrupted {}, timed out {}", self.sent, self.ok, self.corrupted, self.timed_out)?;
        let Some(RoundTrip { least_us, mean_us, most_us }) = self.round_trips.told(self.ok) else { return Ok(()) };
        let ms = |us: u32| f64::from(us) / 1e3;
        write!(f, ", round trip {:.1}/{:.1}/{:.1} ms (least/mean/most)", ms(least_us), ms(mean_us), ms(most_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_into_right_damaged_and_missing() {
        let mut test = EchoTest::new(3, 4).expect("in range");
        let first = test.next(Mono(0));
        assert!(test.take(Mono(4_000), &first));
        let mut second = test.next(Mono(0));
        assert!(!test.take(Mono(1), &[1]), "of another length: a packet from the mesh");
        second[0] ^= 1;
        assert!(test.take(Mono(1), &second));
        test.next(Mono(0));
        test.give_up_one();
        assert!(test.is_finished());
        assert_eq!(test.to_string(), "sent 3, ok 1, corrupted 1, timed out 1, round trip 4.0/4.0/4.0 ms (least/mean/most)");
    }

    #[test]
    fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
        let mut test = EchoTest::new(3, 4).expect("in range");
        let first = test.next(Mono(0));
        test.give_up_one();
        let second = test.next(Mono(0));
        assert!(!test.take(Mono(1), &first));
        assert!(test.take(Mono(2), &second));
        assert_eq!((test.figures().ok, test.figures().corrupted, test.figures().timed_out), (1, 0, 1));
    }

    #[test]
    fn an_echo_that_the_line_did_not_take_was_not_sent() {
        let mut test = EchoTest::new(1, 4).expect("in range");
        test.next(Mono(0));
        test.take_back();
        assert!(!test.is_finished());
        let again = test.next(Mono(0));
        assert!(test.take(Mono(0), &again) && test.is_finished());
    }

    #[test]
    fn a_test_out_of_range_is_none() {
        assert!(EchoTest::new(0, 1).is_none() && EchoTest::new(MOST + 1, 1).is_none() && EchoTest::new(1, 197).is_none());
    }
}
