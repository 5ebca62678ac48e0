//! What cannot be conflated: log lines, and packets from the mesh. They wait in the order in which they came, each kind up to
//! a bound of its own, so that a flood of packets costs no log line; the oldest of a kind give way, and that is told before
//! what comes after.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqtypes::health::Dropped;
use mqtypes::log::MoteLog;
use mqtypes::mesh::MoteData;

use super::bounds;
use crate::message::Message;
use crate::request::Topic;

/// The most that waits of each kind: events, and bytes of their text.
const MOST_EVENTS: usize = 256;
const MOST_BYTES: usize = 64 * 1024;

/// Longest packet that is passed on, bytes: a mote's frame holds at most 1,024.
const LONGEST_PACKET: usize = 1024;

/// Kinds of events that a gap tells of, and the longest name of one, bytes.
const MOST_KINDS: usize = 16;
const LONGEST_KIND: usize = 64;

/// Events that wait, and what was lost before them.
#[derive(Debug, Default)]
pub struct Events {
    waiting: VecDeque<Event>,
    logs: Fill,
    data: Fill,
    dropped: BTreeMap<String, u64>,
}

#[derive(Debug)]
enum Event {
    Log(MoteLog),
    Data(MoteData),
}

/// How much of one kind waits.
#[derive(Debug, Default)]
struct Fill {
    events: usize,
    bytes: usize,
}

impl Events {
    /// A mote logged.
    pub fn handle_log(&mut self, line: MoteLog) {
        if bounds::is_port(line.who.port.as_ref()) {
            self.keep(Event::Log(line));
        } else {
            self.lose(Topic::Logs.name(), 1);
        }
    }

    /// A packet came up through a root.
    pub fn handle_data(&mut self, packet: MoteData) {
        if bounds::is_port(packet.who.port.as_ref()) && packet.lowpan.len() <= LONGEST_PACKET {
            self.keep(Event::Data(packet));
        } else {
            self.lose(Topic::Data.name(), 1);
        }
    }

    /// Events were lost before they reached us. Those of kinds that are not `wanted` are no loss.
    pub fn handle_gap(&mut self, dropped: &[Dropped], wanted: &BTreeSet<Topic>) {
        for Dropped { reason, count } in dropped {
            if !Topic::EVENTS.iter().any(|topic| topic.name() == reason && !wanted.contains(topic)) {
                self.lose(reason, *count);
            }
        }
    }

    /// Nothing is to be said any more of what is not `wanted`.
    pub fn forget_unwanted(&mut self, wanted: &BTreeSet<Topic>) {
        let mut kept = Self::default();
        for event in self.waiting.drain(..).filter(|event| wanted.contains(&event.topic())) {
            kept.keep(event);
        }
        let dropped = std::mem::take(&mut self.dropped);
        if Topic::EVENTS.iter().any(|topic| wanted.contains(topic)) {
            let dropped: Vec<_> = dropped.into_iter().map(|(reason, count)| Dropped { reason, count }).collect();
            kept.handle_gap(&dropped, wanted);
        }
        *self = kept;
    }

    /// Is there nothing to say?
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.dropped.is_empty()
    }

    /// The next thing to say: first what is missing, then what comes after it.
    pub fn poll(&mut self) -> Option<Message> {
        if !self.dropped.is_empty() {
            return Some(Message::Gap(std::mem::take(&mut self.dropped)));
        }
        Some(match self.take(0)? {
            Event::Log(line) => Message::Log(line),
            Event::Data(packet) => Message::Data(packet),
        })
    }

    fn keep(&mut self, event: Event) {
        let topic = event.topic();
        let fill = self.fill(&event);
        fill.events += 1;
        fill.bytes += event.weight();
        let mut is_over = fill.is_over();
        self.waiting.push_back(event);
        while is_over && let Some(oldest) = self.waiting.iter().position(|event| event.topic() == topic) {
            let dropped = self.take(oldest);
            is_over = dropped.is_some_and(|event| self.fill(&event).is_over());
            self.lose(topic.name(), 1);
        }
    }

    fn take(&mut self, at: usize) -> Option<Event> {
        let event = self.waiting.remove(at)?;
        let fill = self.fill(&event);
        fill.events -= 1;
        fill.bytes -= event.weight();
        Some(event)
    }

    fn fill(&mut self, event: &Event) -> &mut Fill {
        match event {
            Event::Log(_) => &mut self.logs,
            Event::Data(_) => &mut self.data,
        }
    }

    fn lose(&mut self, kind: &str, count: u64) {
        let is_plain = kind.len() <= LONGEST_KIND && (self.dropped.len() < MOST_KINDS || self.dropped.contains_key(kind));
        let number = self.dropped.entry(if is_plain { kind } else { "other" }.to_owned()).or_default();
        *number = number.saturating_add(count);
    }
}

impl Fill {
    fn is_over(&self) -> bool {
        self.events > MOST_EVENTS || self.bytes > MOST_BYTES
    }
}

impl Event {
    fn topic(&self) -> Topic {
        match self {
            Self::Log(_) => Topic::Logs,
            Self::Data(_) => Topic::Data,
        }
    }

    /// Bytes of text.
    fn weight(&self) -> usize {
        match self {
            Self::Log(line) => line.text.len() + line.component.name.len() + line.error.name.len(),
            Self::Data(packet) => 2 * packet.lowpan.len(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mqtypes::ids::{Asn, Eui64, PortName, Who};
    use mqtypes::log::{Coded, Severity};
    use mqtypes::mono::Mono;

    pub(crate) fn line(text: &str) -> MoteLog {
        let coded = || Coded { code: 1, name: "OPENWSN".to_owned() };
        MoteLog {
            who: Who { mote: None, port: Some(PortName("a".to_owned())) },
            heard: Mono(0),
            severity: Severity::Info,
            component: coded(),
            error: coded(),
            args: [0, 0],
            text: text.to_owned(),
        }
    }

    /// One of so many bytes.
    pub(crate) fn packet(len: usize) -> MoteData {
        let eui = |last| Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, last]);
        MoteData {
            who: Who { mote: Some(eui(1)), port: Some(PortName("a".to_owned())) },
            heard: Mono(9_000_000),
            asn: Asn(0x1234),
            destination: eui(1),
            source: eui(2),
            lowpan: vec![0xf1; len],
        }
    }

    fn said(events: &mut Events) -> Vec<String> {
        std::iter::from_fn(|| events.poll())
            .map(|message| match message {
                Message::Log(line) => line.text,
                Message::Data(packet) => format!("{} bytes", packet.lowpan.len()),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn lines_come_in_order_and_a_loss_is_told_where_it_is() {
        let mut events = Events::default();
        for number in 0..MOST_EVENTS + 3 {
            events.handle_log(line(&number.to_string()));
        }
        let said = said(&mut events);
        assert_eq!(said[..2], [r#"Gap({"mote-log": 3})"#.to_owned(), "3".to_owned()]);
        assert_eq!(said.len(), 1 + MOST_EVENTS);
    }

    #[test]
    fn long_lines_are_bounded_in_bytes() {
        let mut events = Events::default();
        for _ in 0..20 {
            events.handle_log(line(&"x".repeat(8000)));
        }
        assert_eq!(said(&mut events).len(), 1 + MOST_BYTES / 8014);
    }

    #[test]
    fn a_flood_of_packets_costs_no_log_line_and_the_order_stays() {
        let mut events = Events::default();
        events.handle_log(line("before"));
        for len in 0..MOST_EVENTS + 2 {
            events.handle_data(packet(len % 100));
        }
        events.handle_log(line("after"));
        events.handle_data(packet(LONGEST_PACKET + 1));
        let said = said(&mut events);
        assert_eq!(said[..3], [r#"Gap({"mote-data": 3})"#.to_owned(), "before".to_owned(), "2 bytes".to_owned()]);
        assert_eq!((said.len(), said.last().map(String::as_str)), (MOST_EVENTS + 3, Some("after")));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_forgotten_with_its_losses() {
        let fed = || {
            let mut events = Events::default();
            let dropped = |reason: &str| Dropped { reason: reason.to_owned(), count: u64::MAX };
            let dropped = [dropped("mote-log"), dropped("mote-data"), dropped("mote-data")];
            events.handle_gap(&dropped, &Topic::ALL.into());
            events.handle_log(line("line"));
            events.handle_data(packet(7));
            events
        };
        let left = |wanted: &[Topic]| {
            let mut events = fed();
            events.forget_unwanted(&wanted.iter().copied().collect());
            said(&mut events)
        };
        let gap = |kind| format!(r#"Gap({{"{kind}": {}}})"#, u64::MAX);
        assert_eq!(left(&[Topic::Logs, Topic::Counts]), [gap("mote-log"), "line".to_owned()]);
        assert_eq!(left(&[Topic::Data]), [gap("mote-data"), "7 bytes".to_owned()]);
        assert_eq!(left(&[Topic::Counts]), Vec::<String>::new());
    }

    #[test]
    fn what_was_lost_on_the_bus_is_told_too_and_its_kinds_are_bounded() {
        let mut events = Events::default();
        let dropped = |number: usize| Dropped { reason: format!("kind-{number}"), count: 1 };
        events.handle_gap(&(0..40).map(dropped).collect::<Vec<_>>(), &Topic::usual());
        let Some(Message::Gap(told)) = events.poll() else { panic!("no gap") };
        assert_eq!((told.len(), told["other"]), (MOST_KINDS + 1, 40 - MOST_KINDS as u64));
        assert_eq!(events.poll(), None);
    }
}
