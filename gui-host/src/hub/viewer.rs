//! One viewer, a page or a script: what it wants, what waits for it, and how fast it may ask.
//!
//! Its queue is bounded. A viewer that cannot keep up is closed and asks for a new snapshot when it
//! is back; nobody else waits for it.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use super::{model::Text, topic::Topic};
use crate::{clock::Now, web::rpc, wslink};

/// Most waiting notifications, and most bytes of them. A snapshot, of which at most one waits,
/// does not count.
const MAX_WAITING: usize = 4096;
const MAX_BYTES: usize = 8 << 20;

/// Requests that may come at once, and the time after which one more may.
const BURST: u32 = 10;
const REFILL: Duration = Duration::from_millis(100);

/// The protocol that a viewer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of our page: `web::rpc`.
    JsonRpc,
    /// That of stock wslink clients.
    Wslink,
}

/// Something to say to a viewer, in its dialect.
#[derive(Debug, PartialEq, Eq)]
pub enum Words {
    /// A text frame.
    Json(String),
    /// A whole wslink message, not yet cut into chunks.
    Wslink(Vec<u8>),
}

impl Words {
    fn bytes(&self) -> usize {
        match self {
            Self::Json(text) => text.len(),
            Self::Wslink(message) => message.len(),
        }
    }
}

/// A viewer that has shown the token.
#[derive(Debug)]
pub struct Viewer {
    dialect: Dialect,
    topics: BTreeSet<Topic>,
    seq: u64,
    queue: Queue,
    /// Motes whose rows it is to be told when nothing else waits: each by its router and its address.
    rows_due: VecDeque<(String, String)>,
    /// Questions about history that are not answered yet.
    pub open_questions: usize,
    allowance: u32,
    refilled: Now,
}

#[derive(Debug)]
enum Queue {
    Open { waiting: VecDeque<Words>, bytes: usize },
    Overflown,
}

/// What to send to a viewer next.
#[derive(Debug, PartialEq, Eq)]
pub enum ToViewer {
    /// Say this.
    Words(Words),
    /// Close it: it did not keep up.
    TooSlow,
}

impl Viewer {
    /// A viewer that wants nothing yet; in wslink, which has no subscription, what every client wants.
    pub fn new(now: Now, dialect: Dialect) -> Self {
        let queue = Queue::Open { waiting: VecDeque::new(), bytes: 0 };
        let topics = match dialect {
            Dialect::JsonRpc => BTreeSet::new(),
            Dialect::Wslink => Topic::unchosen(),
        };
        Self { dialect, topics, seq: 0, queue, rows_due: VecDeque::new(), open_questions: 0, allowance: BURST, refilled: now }
    }

    /// Number of the last notification.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Replaces what it wants. Rows that an earlier snapshot had left out are no longer due.
    pub fn subscribe(&mut self, topics: BTreeSet<Topic>) {
        self.topics = topics;
        self.rows_due.clear();
    }

    /// Is to be told the rows of these motes, one after the other.
    pub fn owe_rows(&mut self, motes: impl Iterator<Item = (String, String)>) {
        self.rows_due = motes.collect();
    }

    /// The next mote whose rows it is to be told.
    pub fn next_due(&mut self) -> Option<(String, String)> {
        self.rows_due.pop_front()
    }

    /// Whether it wants the topic.
    pub fn wants(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    /// Takes one request from the allowance; `false` when there is none left.
    pub fn may_ask(&mut self, now: Now) -> bool {
        let refills = now.since(self.refilled).as_millis() / REFILL.as_millis();
        if refills > 0 {
            self.allowance = BURST.min(self.allowance.saturating_add(refills as u32));
            self.refilled = now;
        }
        let may = self.allowance > 0;
        self.allowance = self.allowance.saturating_sub(1);
        may
    }

    /// Queues a notification, whatever it subscribed to.
    pub fn notify(&mut self, topic: Topic, lbr: Option<&str>, message: &Text) {
        self.seq += 1;
        let Queue::Open { waiting, bytes } = &mut self.queue else { return };
        let words = match self.dialect {
            Dialect::JsonRpc => Words::Json(rpc::notification(topic, self.seq, lbr, message)),
            Dialect::Wslink => Words::Wslink(wslink::notification(topic, self.seq, lbr, message)),
        };
        *bytes += words.bytes();
        waiting.push_back(words);
        if waiting.len() > MAX_WAITING || *bytes > MAX_BYTES {
            self.queue = Queue::Overflown;
        }
    }

    /// Queues an answer. It follows a request, and the next request is not read before it is sent; of
    /// answers that come later (about history) only a few can be open.
    pub fn answer(&mut self, words: Words) {
        if let Queue::Open { waiting, .. } = &mut self.queue {
            waiting.push_back(words);
        }
    }

    /// What to send next.
    pub fn poll(&mut self) -> Option<ToViewer> {
        match &mut self.queue {
            Queue::Open { waiting, bytes } => {
                let words = waiting.pop_front()?;
                *bytes = bytes.saturating_sub(words.bytes());
                Some(ToViewer::Words(words))
            }
            Queue::Overflown => Some(ToViewer::TooSlow),
        }
    }

    /// Whether it did not keep up.
    pub fn is_too_slow(&self) -> bool {
        matches!(self.queue, Queue::Overflown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::model::to_text;

    #[test]
    fn requests_above_the_rate_are_refused_until_time_has_passed() {
        let start = Now::start();
        let mut viewer = Viewer::new(start, Dialect::JsonRpc);
        for _ in 0..BURST {
            assert!(viewer.may_ask(start));
        }
        assert!(!viewer.may_ask(start.plus(99)));
        assert!(viewer.may_ask(start.plus(100)));
        assert!(!viewer.may_ask(start.plus(150)));
        for _ in 0..BURST {
            assert!(viewer.may_ask(start.plus(60_000)));
        }
        assert!(!viewer.may_ask(start.plus(60_000)));
    }

    #[test]
    fn a_viewer_that_does_not_read_is_closed_and_keeps_nothing() {
        let mut viewer = Viewer::new(Now::start(), Dialect::JsonRpc);
        let big = to_text(&"x".repeat(1 << 20));
        for _ in 0..8 {
            viewer.notify(Topic::MoteLog, None, &big);
        }
        assert!(viewer.is_too_slow());
        assert_eq!(viewer.poll(), Some(ToViewer::TooSlow));
        let mut viewer = Viewer::new(Now::start(), Dialect::JsonRpc);
        for _ in 0..=MAX_WAITING {
            viewer.notify(Topic::MoteLog, None, &to_text(&1));
        }
        assert!(viewer.is_too_slow());
    }

    #[test]
    fn a_viewer_that_reads_is_numbered_without_gaps() {
        let mut viewer = Viewer::new(Now::start(), Dialect::JsonRpc);
        for expect in 1..=3 * MAX_WAITING as u64 {
            viewer.notify(Topic::MoteLog, Some("a"), &to_text(&1));
            let Some(ToViewer::Words(Words::Json(text))) = viewer.poll() else { panic!("closed") };
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["params"]["seq"], expect);
        }
    }
}
