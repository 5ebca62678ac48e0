//! The life of a subscription: asked for, renewed, lost with `eventbus` and asked for again.
//!
//! `eventbus` does not know a tap after its restart, and nothing tells when it ends: so a lease is
//! short, and each renewal first looks whether somebody is there to take it. Without that, requests
//! would wait in the queue of a dead process and come true much later.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use mqtypes::broker::{Notification, Request, Subscribe, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;

/// How long `eventbus` keeps a tap that was killed: 512 log lines at most wait for it so long.
const LEASE: Duration = Duration::from_secs(15);

/// How often the lease is renewed: two renewals may fail, and a restarted `eventbus` is followed within this time.
const RENEW: Duration = Duration::from_secs(5);

/// How often we look for an `eventbus` that is away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What to ask of `eventbus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// Begin or renew the subscription.
    Subscribe,
    /// Let the processes report their figures: they do not by themselves.
    Health,
}

/// Is somebody there to answer?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// A process holds `eventbus`'s inbox.
    There,
    /// Nobody does.
    Gone,
}

/// Something that a person should know beside what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Nobody holds `eventbus`'s inbox any more.
    Gone,
    /// Somebody holds it again.
    Back,
    /// Another start of `eventbus` speaks.
    Restarted,
    /// It takes our requests and says nothing.
    Unanswered,
    /// Messages with these many sequence numbers did not come.
    Missed {
        /// Who sent them.
        sender: Sender,
        /// How many.
        messages: u64,
    },
}

impl Notice {
    /// Will nothing more be told until something changes?
    pub fn is_silence(self) -> bool {
        match self {
            Self::Gone | Self::Unanswered => true,
            Self::Back | Self::Restarted | Self::Missed { .. } => false,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("eventbus is not running any more; waiting for it"),
            Self::Back => f.write_str("eventbus is back; subscribing again"),
            Self::Restarted => f.write_str("eventbus has restarted: its counts begin anew"),
            Self::Unanswered => f.write_str(
                "eventbus does not answer; its log tells why: too many subscribers, another version, or no right to write to our queue",
            ),
            Self::Missed { sender, messages } => {
                write!(f, "messages of {sender} that never came: {messages}; somebody else reads this queue")
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Asked for, not answered yet.
    Asked,
    /// Not answered for a whole renewal, and that was told.
    Unanswered,
    /// A snapshot has begun since.
    Answered,
    /// There is nobody to ask.
    Alone,
}

/// The newest thing heard of `eventbus`.
#[derive(Debug, Clone, Copy)]
struct Heard {
    boot: BootId,
    next: u64,
}

/// One subscription.
#[derive(Debug)]
pub struct Subscription {
    wish: Subscribe,
    state: State,
    look: Mono,
    heard: Option<Heard>,
    was_answered: bool,
    asks: VecDeque<Ask>,
    notices: VecDeque<Notice>,
}

impl Subscription {
    /// A subscription of the queue `reply`, to be asked for at once.
    pub fn new(now: Mono, reply: String, topics: Vec<Topic>) -> Self {
        let lease_ms = u32::try_from(LEASE.as_millis()).expect("a lease of seconds");
        let wish = Subscribe { reply, topics, lease_ms };
        let (asks, notices) = (VecDeque::new(), VecDeque::new());
        let mut new = Self { wish, state: State::Asked, look: now.after(RENEW), heard: None, was_answered: false, asks, notices };
        new.ask();
        new
    }

    /// It was time to look whether `eventbus` is there; this is what was seen.
    pub fn handle_presence(&mut self, now: Mono, presence: Presence) {
        let (state, notice) = match (presence, self.state) {
            (Presence::Gone, State::Alone) => (State::Alone, None),
            (Presence::Gone, State::Asked | State::Unanswered | State::Answered) => (State::Alone, Some(Notice::Gone)),
            (Presence::There, State::Alone) => (State::Asked, Some(Notice::Back)),
            (Presence::There, State::Asked) => (State::Unanswered, Some(Notice::Unanswered)),
            (Presence::There, State::Unanswered | State::Answered) => (self.state, None),
        };
        self.state = state;
        self.notices.extend(notice);
        match presence {
            Presence::There => {
                self.ask();
                self.look = now.after(RENEW);
            }
            Presence::Gone => self.look = now.after(LOOK_AGAIN),
        }
    }

    /// Something came. The items of one message come one by one, with the same envelope.
    pub fn handle_message(&mut self, now: Mono, envelope: &Envelope, notification: &Notification) {
        self.note_sequence(envelope);
        match notification {
            Notification::SnapshotBegin => {
                self.state = State::Answered;
                self.was_answered = true;
            }
            Notification::Started => {
                self.state = State::Asked;
                self.look = now.after(RENEW);
                self.ask();
            }
            Notification::SnapshotEnd
            | Notification::Mote(_)
            | Notification::MoteGone(_)
            | Notification::Status(_)
            | Notification::Count(_)
            | Notification::Log(_)
            | Notification::Outcome(_)
            | Notification::Health(_)
            | Notification::Gap { .. }
            | Notification::Summary(_)
            | Notification::Port(_)
            | Notification::Data(_)
            | Notification::Dag(_)
            | Notification::DagGone(_)
            | Notification::Uinject(_)
            | Notification::Bytes(_) => {}
        }
    }

    /// When somebody must look whether `eventbus` is there, and tell [`Self::handle_presence`].
    pub fn poll_timeout(&self) -> Mono {
        self.look
    }

    /// The next thing to ask.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// The request that asks it.
    pub fn request(&self, ask: Ask) -> Request {
        match ask {
            Ask::Subscribe => Request::Subscribe(self.wish.clone()),
            Ask::Health => Request::AskHealth,
        }
    }

    /// The name of the queue that is subscribed.
    pub fn reply(&self) -> &str {
        &self.wish.reply
    }

    /// Is it to the figures of processes?
    pub fn has_figures(&self) -> bool {
        self.wish.topics.contains(&Topic::Health)
    }

    /// The last request.
    pub fn farewell(&self) -> Request {
        Request::Unsubscribe { reply: self.wish.reply.clone() }
    }

    /// Did `eventbus` ever answer?
    pub fn was_answered(&self) -> bool {
        self.was_answered
    }

    fn ask(&mut self) {
        self.asks.push_back(Ask::Subscribe);
        if self.has_figures() {
            self.asks.push_back(Ask::Health);
        }
    }

    fn note_sequence(&mut self, envelope: &Envelope) {
        let Envelope { sender, boot, seq, .. } = *envelope;
        if sender != Sender::Eventbus {
            // `ui-proxy` answers a question now and then; it has no part in the stream.
            return;
        }
        let Some(before) = self.heard.replace(Heard { boot, next: seq.saturating_add(1) }) else { return };
        if before.boot != boot {
            self.notices.push_back(Notice::Restarted);
        } else if seq > before.next {
            self.notices.push_back(Notice::Missed { sender, messages: seq - before.next });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono(1_000_000);

    fn subscription(topics: &[Topic]) -> Subscription {
        Subscription::new(START, "tap-1".to_owned(), topics.to_vec())
    }

    fn hear(subscription: &mut Subscription, boot: u32, seq: u64, notification: &Notification) {
        let envelope = Envelope { sender: Sender::Eventbus, boot: BootId(boot), seq, sent: START };
        subscription.handle_message(START, &envelope, notification);
    }

    fn asks(subscription: &mut Subscription) -> Vec<Ask> {
        std::iter::from_fn(|| subscription.poll_ask()).collect()
    }

    fn notices(subscription: &mut Subscription) -> Vec<Notice> {
        std::iter::from_fn(|| subscription.poll_notice()).collect()
    }

    #[test]
    fn it_is_asked_for_at_once_and_renewed_well_within_its_lease() {
        let mut subscription = subscription(&[Topic::Logs]);
        assert_eq!(asks(&mut subscription), [Ask::Subscribe]);
        hear(&mut subscription, 1, 0, &Notification::SnapshotBegin);
        let renewal = subscription.poll_timeout();
        assert!(renewal.since(START) * 2 < LEASE);
        subscription.handle_presence(renewal, Presence::There);
        assert_eq!((asks(&mut subscription), notices(&mut subscription)), (vec![Ask::Subscribe], vec![]));
        assert!(matches!(subscription.request(Ask::Subscribe), Request::Subscribe(wish) if wish.reply == "tap-1"));
    }

    #[test]
    fn figures_come_only_when_asked_for_with_each_renewal() {
        let mut subscription = subscription(&[Topic::Health]);
        assert_eq!(asks(&mut subscription), [Ask::Subscribe, Ask::Health]);
        subscription.handle_presence(START, Presence::There);
        assert_eq!(asks(&mut subscription), [Ask::Subscribe, Ask::Health]);
    }

    #[test]
    fn nothing_is_asked_of_a_process_that_is_gone() {
        let mut subscription = subscription(&[Topic::Logs]);
        asks(&mut subscription);
        hear(&mut subscription, 1, 0, &Notification::SnapshotBegin);
        for _look in 0..3 {
            subscription.handle_presence(START, Presence::Gone);
        }
        assert_eq!((asks(&mut subscription), notices(&mut subscription)), (vec![], vec![Notice::Gone]));
        subscription.handle_presence(START, Presence::There);
        assert_eq!((asks(&mut subscription), notices(&mut subscription)), (vec![Ask::Subscribe], vec![Notice::Back]));
    }

    #[test]
    fn silence_is_told_once() {
        let mut subscription = subscription(&[Topic::Logs]);
        subscription.handle_presence(START, Presence::There);
        subscription.handle_presence(START, Presence::There);
        assert_eq!((notices(&mut subscription), subscription.was_answered()), (vec![Notice::Unanswered], false));
        hear(&mut subscription, 1, 0, &Notification::SnapshotBegin);
        subscription.handle_presence(START, Presence::There);
        assert_eq!((notices(&mut subscription), subscription.was_answered()), (vec![], true));
    }

    #[test]
    fn a_start_of_eventbus_is_answered_by_subscribing_again() {
        let mut subscription = subscription(&[Topic::Logs]);
        asks(&mut subscription);
        hear(&mut subscription, 1, 0, &Notification::SnapshotBegin);
        hear(&mut subscription, 2, 0, &Notification::Started);
        assert_eq!((asks(&mut subscription), notices(&mut subscription)), (vec![Ask::Subscribe], vec![Notice::Restarted]));
    }

    #[test]
    fn answers_of_another_process_are_no_part_of_the_stream() {
        let mut subscription = subscription(&[Topic::Health]);
        for (sender, boot, seq) in [(Sender::Eventbus, 1, 0), (Sender::UiProxy, 7, 0), (Sender::UiProxy, 8, 5), (Sender::Eventbus, 1, 2)] {
            let envelope = Envelope { sender, boot: BootId(boot), seq, sent: START };
            subscription.handle_message(START, &envelope, &Notification::SnapshotEnd);
        }
        assert_eq!(notices(&mut subscription), [Notice::Missed { sender: Sender::Eventbus, messages: 1 }]);
    }

    #[test]
    fn missing_sequence_numbers_are_told_and_items_of_one_message_are_not_missing() {
        let mut subscription = subscription(&[Topic::Logs]);
        for seq in [0, 0, 0, 1, 5, 5, 0, 1] {
            hear(&mut subscription, 1, seq, &Notification::SnapshotEnd);
        }
        assert_eq!(notices(&mut subscription), [Notice::Missed { sender: Sender::Eventbus, messages: 3 }]);
        hear(&mut subscription, 1, u64::MAX, &Notification::SnapshotEnd);
        hear(&mut subscription, 1, u64::MAX, &Notification::SnapshotEnd);
        assert_eq!(notices(&mut subscription).len(), 1);
    }
}
