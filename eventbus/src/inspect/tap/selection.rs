//! What is printed of that which comes, and how much of it.

use std::borrow::Cow;
use std::time::Duration;

use mqtypes::broker::{Notification, Topic};
use mqtypes::ids::{PortName, Who};
use mqtypes::mono::Mono;

use super::wanted::Wanted;
use crate::inspect::mote_name::{MoteName, NoSuchMote};
use crate::inspect::options::is_about_motes;

/// What is printed.
#[derive(Debug)]
pub struct Selection {
    topics: Vec<Topic>,
    mote: Option<Wanted>,
    sender: Option<String>,
}

/// What a notification is to this tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relevance {
    /// It is what was asked for.
    Content,
    /// It is about the stream itself: printed, and not counted.
    Marker,
    /// It is about another mote, or from another sender.
    Other,
}

impl Selection {
    /// No topic means all that fit and need not be asked for by name.
    pub fn new(topics: &[Topic], mote: Option<MoteName>, sender: Option<String>) -> Self {
        let fits = |topic: &Topic| mote.is_none() || is_about_motes(*topic);
        let topics = if topics.is_empty() { Topic::ALL.into_iter().filter(fits).collect() } else { topics.to_vec() };
        Self { topics, mote: mote.map(Wanted::new), sender }
    }

    /// What to subscribe to: beside what is printed, the inventory, when it takes that to know the mote.
    pub fn topics(&self) -> Vec<Topic> {
        self.topics.iter().copied().chain(self.needs_more().then_some(Topic::Inventory)).collect()
    }

    fn needs_more(&self) -> bool {
        self.mote.as_ref().is_some_and(Wanted::needs_inventory) && !self.topics.contains(&Topic::Inventory)
    }

    /// Something was told, of which the mote may be known. The error says that it is not.
    pub fn handle_notification(&mut self, notification: &Notification) -> Result<(), NoSuchMote> {
        self.mote.as_mut().map_or(Ok(()), |mote| mote.handle_notification(notification))
    }

    /// What a notification is to this tap.
    pub fn relevance(&self, notification: &Notification) -> Relevance {
        match notification {
            Notification::SnapshotBegin | Notification::SnapshotEnd | Notification::Gap { .. } | Notification::Started => {
                return Relevance::Marker;
            }
            Notification::Mote(_) | Notification::MoteGone(_) if self.needs_more() => return Relevance::Other,
            _told_of_somebody => {}
        }
        let is_of_mote = self.mote.as_ref().is_none_or(|mote| about(notification).is_some_and(|who| mote.is(&who)));
        let is_meant = is_of_mote && self.sender.as_ref().is_none_or(|name| is_from(name, notification));
        if is_meant { Relevance::Content } else { Relevance::Other }
    }
}

/// Which mote it is about.
fn about(notification: &Notification) -> Option<Cow<'_, Who>> {
    let of_mesh = |mote| Some(Cow::Owned(Who { mote: Some(mote), port: None }));
    match notification {
        Notification::Mote(entry) => Some(Cow::Owned(entry.who())),
        Notification::MoteGone(who) => Some(Cow::Borrowed(who)),
        Notification::Status(report) => Some(Cow::Borrowed(&report.who)),
        Notification::Log(log) => Some(Cow::Borrowed(&log.who)),
        Notification::Summary(report) => Some(Cow::Borrowed(&report.who)),
        Notification::Data(data) => Some(Cow::Borrowed(&data.who)),
        Notification::Dag(entry) => of_mesh(entry.mote),
        Notification::DagGone(mote) => of_mesh(*mote),
        Notification::Uinject(report) => of_mesh(report.mote),
        Notification::SnapshotBegin
        | Notification::SnapshotEnd
        | Notification::Gap { .. }
        | Notification::Started
        | Notification::Count(_)
        | Notification::Outcome(_)
        | Notification::Health(_)
        | Notification::Port(_)
        | Notification::Bytes(_) => None,
    }
}

/// Does it come from there? The sender of a count bears its port's name behind an `@`.
fn is_from(name: &str, notification: &Notification) -> bool {
    let sender = match notification {
        Notification::Count(count) => count.sender.clone(),
        Notification::Health(figures) => figures.process.to_string(),
        Notification::Port(report) => report.port.0.clone(),
        Notification::Bytes(piece) => piece.port.0.clone(),
        other => port_of(other).map_or_else(String::new, |port| port.0.clone()),
    };
    sender == name || sender.strip_suffix(name).is_some_and(|before| before.ends_with('@'))
}

fn port_of(notification: &Notification) -> Option<&PortName> {
    match notification {
        Notification::Mote(entry) => entry.port.as_ref(),
        Notification::MoteGone(who) => who.port.as_ref(),
        Notification::Status(report) => report.who.port.as_ref(),
        Notification::Log(log) => log.who.port.as_ref(),
        Notification::Summary(report) => report.who.port.as_ref(),
        Notification::Data(data) => data.who.port.as_ref(),
        _of_no_port => None,
    }
}

/// When it is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    left: Option<u64>,
    until: Option<Mono>,
}

impl Limit {
    /// After `count` notifications or after `time`, whichever comes first; never without either.
    pub fn new(now: Mono, count: Option<u64>, time: Option<Duration>) -> Self {
        Self { left: count, until: time.map(|time| now.after(time)) }
    }

    /// One was printed.
    pub fn handle_printed(&mut self, relevance: Relevance) {
        if relevance == Relevance::Content {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
    }

    /// Is it enough?
    pub fn is_reached(&self, now: Mono) -> bool {
        self.left == Some(0) || self.until.is_some_and(|until| until <= now)
    }

    /// When it will be enough by time.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::count::Count;
    use mqtypes::ids::Eui64;

    fn mote(last: u8) -> Eui64 {
        Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, last])
    }

    fn gone(mote: Option<Eui64>) -> Notification {
        Notification::MoteGone(Who { mote, port: Some(PortName("/dev/ttyUSB0".to_owned())) })
    }

    fn of_mote(topics: &[Topic], name: &str) -> Selection {
        Selection::new(topics, Some(name.parse().expect("a name")), None)
    }

    #[test]
    fn only_the_chosen_mote_is_printed() {
        let selection = of_mote(&[], "141592cc00000001");
        assert_eq!(selection.topics(), [Topic::Inventory, Topic::Status, Topic::Logs, Topic::Data, Topic::Dag, Topic::Uinject]);
        assert_eq!(selection.relevance(&gone(Some(mote(1)))), Relevance::Content);
        assert_eq!(selection.relevance(&gone(Some(mote(2)))), Relevance::Other);
        assert_eq!(selection.relevance(&gone(None)), Relevance::Other);
        assert_eq!(selection.relevance(&Notification::SnapshotBegin), Relevance::Marker);
    }

    #[test]
    fn an_inventory_that_serves_to_know_the_mote_is_not_printed() {
        let whole = of_mote(&[Topic::Logs], "141592cc00000001");
        let short = of_mote(&[Topic::Logs], "0001");
        assert_eq!((whole.topics(), short.topics()), (vec![Topic::Logs], vec![Topic::Logs, Topic::Inventory]));
        assert_eq!(short.relevance(&gone(Some(mote(1)))), Relevance::Other);
        let printed = of_mote(&[Topic::Inventory], "0001");
        assert_eq!(printed.relevance(&gone(Some(mote(1)))), Relevance::Content);
        assert_eq!(printed.relevance(&gone(Some(mote(2)))), Relevance::Other);
    }

    #[test]
    fn without_a_mote_everything_is_printed() {
        let selection = Selection::new(&[Topic::Counts], None, None);
        assert_eq!(selection.topics(), [Topic::Counts]);
        assert_eq!(selection.relevance(&gone(None)), Relevance::Content);
        assert_eq!(Selection::new(&[], None, None).topics(), Topic::ALL);
    }

    #[test]
    fn only_what_comes_from_the_chosen_sender_is_printed() {
        let count = |sender: &str| Notification::Count(Count { sender: sender.to_owned(), signal: "fromMote.status".to_owned(), num: 1 });
        let port = Selection::new(&[], None, Some("/dev/ttyUSB0".to_owned()));
        let relevance = [gone(None), count("motestate@/dev/ttyUSB0"), count("motestate@/dev/ttyUSB1"), count("x/dev/ttyUSB0")];
        let relevance = relevance.map(|notification| port.relevance(&notification));
        assert_eq!(relevance, [Relevance::Content, Relevance::Content, Relevance::Other, Relevance::Other]);
        let exact = Selection::new(&[], None, Some("motestate@/dev/ttyUSB0".to_owned()));
        assert_eq!(exact.relevance(&count("motestate@/dev/ttyUSB0")), Relevance::Content);
    }

    #[test]
    fn enough_is_by_number_or_by_time_and_markers_do_not_count() {
        let mut limit = Limit::new(Mono(0), Some(2), Some(Duration::from_secs(1)));
        limit.handle_printed(Relevance::Content);
        limit.handle_printed(Relevance::Marker);
        assert!(!limit.is_reached(Mono(999_999)));
        assert!(limit.is_reached(Mono(1_000_000)));
        assert_eq!(limit.poll_timeout(), Some(Mono(1_000_000)));
        limit.handle_printed(Relevance::Content);
        assert!(limit.is_reached(Mono(0)));
        assert!(!Limit::new(Mono(0), None, None).is_reached(Mono(u64::MAX)));
    }
}
