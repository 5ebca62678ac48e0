//! One notification as one line, for people or for programs.

use std::time::Duration;

use bus::moment::Moment;
use mqtypes::broker::Notification;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;
use serde::Serialize;

use super::words::{Words, words};
use crate::inspect::terminal::{Ink, plain_json, printable};
use crate::inspect::time::of_day;

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A person.
    Text(Ink),
    /// A person who wants to know how long things take.
    Timed(Ink),
    /// A program: one JSON object.
    Json,
}

/// What a program gets. Times inside the notification are `CLOCK_MONOTONIC`, as `sent` is.
#[derive(Debug, Serialize)]
struct JsonLine<'a> {
    /// When it was sent, Unix time in milliseconds.
    time: u64,
    sender: Sender,
    boot: BootId,
    seq: u64,
    /// The same moment as `time`, microseconds of `CLOCK_MONOTONIC`.
    sent: Mono,
    /// Microseconds since what it tells came from a mote, or since it was sent, when it came here.
    latency_us: u64,
    notification: &'a Notification,
}

impl Form {
    /// One line, without its end.
    pub fn line(self, now: Moment, envelope: &Envelope, notification: &Notification) -> String {
        let Envelope { sender, boot, seq, sent } = *envelope;
        let time = now.unix_ms_of(sent);
        let latency = now.mono.since(heard(notification).unwrap_or(sent));
        match self {
            Self::Json => plain_json(&JsonLine { time, sender, boot, seq, sent, latency_us: latency.as_micros() as u64, notification }),
            Self::Text(ink) | Self::Timed(ink) => {
                let Words { kind, tone, text } = words(notification, sent);
                let sender = sender.to_string();
                let shown = match self {
                    Self::Timed(_) => format!("{:>9} ", milliseconds(latency)),
                    Self::Text(_) | Self::Json => String::new(),
                };
                ink.paint(tone, format!("{} {shown}{sender:<8} {kind:<8} {}", of_day(time), printable(&text)).trim_end())
            }
        }
    }
}

/// When what it tells came from a mote; none for what did not.
fn heard(notification: &Notification) -> Option<Mono> {
    match notification {
        Notification::Status(report) => Some(report.heard),
        Notification::Log(log) => Some(log.heard),
        Notification::Summary(report) => Some(report.heard),
        Notification::Data(packet) => Some(packet.heard),
        Notification::Uinject(report) => Some(report.heard),
        Notification::Bytes(piece) => Some(piece.at),
        _not_of_a_moment => None,
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{}.{} ms", time.as_millis(), time.subsec_micros() % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::broker::StatusReport;
    use mqtypes::ids::{PortName, Who};
    use mqtypes::log::{Coded, MoteLog, Severity};
    use mqtypes::status::Element;

    const NOW: Moment = Moment { mono: Mono(90_000_000), unix_ms: 1_700_000_000_000 };

    fn line(form: Form, notification: &Notification) -> String {
        form.line(NOW, &Envelope { sender: Sender::Eventbus, boot: BootId(7), seq: 3, sent: Mono(89_000_000) }, notification)
    }

    #[test]
    fn a_line_for_people_has_time_sender_kind_and_words() {
        assert_eq!(line(Form::Text(Ink::Plain), &Notification::SnapshotBegin), "22:13:19.000Z eventbus snapshot begins");
    }

    #[test]
    fn a_line_for_programs_has_everything() {
        assert_eq!(
            line(Form::Json, &Notification::MoteGone(Who { mote: None, port: Some(PortName("/dev/ttyUSB0".to_owned())) })),
            r#"{"time":1699999999000,"sender":"eventbus","boot":7,"seq":3,"sent":89000000,"latency_us":1000000,"notification":{"mote-gone":{"mote":null,"port":"/dev/ttyUSB0"}}}"#
        );
    }

    #[test]
    fn latency_is_reckoned_from_the_mote_or_else_from_the_sender() {
        let who = Who { mote: None, port: None };
        let report = StatusReport { who, heard: Mono(88_998_700), element: Element::KaPeriod(7) };
        let timed = |notification: &Notification| line(Form::Timed(Ink::Plain), notification);
        assert!(timed(&Notification::Status(report)).starts_with("22:13:19.000Z 1001.3 ms eventbus status"));
        assert!(timed(&Notification::SnapshotEnd).starts_with("22:13:19.000Z 1000.0 ms eventbus snapshot is complete"));
    }

    #[test]
    fn what_a_mote_prints_stays_on_its_line_and_is_not_obeyed() {
        let nobody = || Coded { code: 0, name: String::new() };
        let log = MoteLog {
            who: Who { mote: None, port: None },
            heard: Mono(0),
            severity: Severity::Printf,
            component: nobody(),
            error: nobody(),
            args: [0; 2],
            text: "one\ntwo\x1b[2J".to_owned(),
        };
        for form in [Form::Text(Ink::Plain), Form::Json] {
            let line = line(form, &Notification::Log(log.clone()));
            assert!(!line.contains(['\n', '\x1b']), "{line}");
            assert!(line.contains("one\\ntwo\\u"), "{line}");
        }
    }
}
