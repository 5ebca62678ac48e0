//! What cannot be conflated: log lines. A bounded queue that loses its oldest, and tells so before what comes after.

use std::collections::{BTreeMap, VecDeque};

use mqtypes::health::Dropped;
use mqtypes::log::MoteLog;

use super::bounds;
use crate::message::Message;
use crate::request::Topic;

/// The most that waits: lines, and bytes of their text.
const MOST_LINES: usize = 256;
const MOST_BYTES: usize = 64 * 1024;

/// Kinds of events that a gap tells of, and the longest name of one, bytes.
const MOST_KINDS: usize = 16;
const LONGEST_KIND: usize = 64;

/// Log lines that wait, and what was lost before them.
#[derive(Debug, Default)]
pub struct Events {
    lines: VecDeque<MoteLog>,
    bytes: usize,
    dropped: BTreeMap<String, u64>,
}

impl Events {
    /// A mote logged.
    pub fn handle_log(&mut self, line: MoteLog) {
        if !bounds::is_port(line.who.port.as_ref()) {
            return self.lose(Topic::Logs.name(), 1);
        }
        self.bytes += weight(&line);
        self.lines.push_back(line);
        while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
            self.drop_oldest();
        }
    }

    /// Events were lost before they reached us.
    pub fn handle_gap(&mut self, dropped: &[Dropped]) {
        for Dropped { reason, count } in dropped {
            self.lose(reason, *count);
        }
    }

    /// Nothing is to be said of events any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Is there nothing to say?
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped.is_empty()
    }

    /// The next thing to say: first what is missing, then what comes after it.
    pub fn poll(&mut self) -> Option<Message> {
        if !self.dropped.is_empty() {
            return Some(Message::Gap(std::mem::take(&mut self.dropped)));
        }
        let line = self.lines.pop_front()?;
        self.bytes -= weight(&line);
        Some(Message::Log(line))
    }

    fn drop_oldest(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.bytes -= weight(&line);
            self.lose(Topic::Logs.name(), 1);
        }
    }

    fn lose(&mut self, kind: &str, count: u64) {
        let is_plain = kind.len() <= LONGEST_KIND && (self.dropped.len() < MOST_KINDS || self.dropped.contains_key(kind));
        *self.dropped.entry(if is_plain { kind } else { "other" }.to_owned()).or_default() += count;
    }
}

fn weight(line: &MoteLog) -> usize {
    line.text.len() + line.component.name.len() + line.error.name.len()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mqtypes::ids::{PortName, Who};
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

    fn said(events: &mut Events) -> Vec<String> {
        std::iter::from_fn(|| events.poll())
            .map(|message| match message {
                Message::Log(line) => line.text,
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn lines_come_in_order_and_a_loss_is_told_where_it_is() {
        let mut events = Events::default();
        for number in 0..MOST_LINES + 3 {
            events.handle_log(line(&number.to_string()));
        }
        let said = said(&mut events);
        assert_eq!(said[..2], [r#"Gap({"mote-log": 3})"#.to_owned(), "3".to_owned()]);
        assert_eq!(said.len(), 1 + MOST_LINES);
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
    fn what_was_lost_on_the_bus_is_told_too_and_its_kinds_are_bounded() {
        let mut events = Events::default();
        let dropped = |number: usize| Dropped { reason: format!("kind-{number}"), count: 1 };
        events.handle_gap(&(0..40).map(dropped).collect::<Vec<_>>());
        let Some(Message::Gap(told)) = events.poll() else { panic!("no gap") };
        assert_eq!((told.len(), told["other"]), (MOST_KINDS + 1, 40 - MOST_KINDS as u64));
        assert_eq!(events.poll(), None);
    }
}
