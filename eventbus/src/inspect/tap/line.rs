//! One notification as one line, for people or for programs.

use bus::moment::Moment;
use mqtypes::broker::Notification;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;
use serde::Serialize;

use super::words::{Words, words};
use crate::inspect::terminal::{Ink, printable};
use crate::inspect::time::of_day;

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A person.
    Text(Ink),
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
    notification: &'a Notification,
}

impl Form {
    /// One line, without its end.
    pub fn line(self, now: Moment, envelope: &Envelope, notification: &Notification) -> String {
        let Envelope { sender, boot, seq, sent } = *envelope;
        let time = now.unix_ms_of(sent);
        match self {
            Self::Json => {
                serde_json::to_string(&JsonLine { time, sender, boot, seq, sent, notification }).expect("plain data with text keys")
            }
            Self::Text(ink) => {
                let Words { kind, tone, text } = words(notification, sent);
                let sender = sender.to_string();
                ink.paint(tone, format!("{} {sender:<8} {kind:<8} {}", of_day(time), printable(&text)).trim_end())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::{PortName, Who};
    use mqtypes::log::{Coded, MoteLog, Severity};

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
            r#"{"time":1699999999000,"sender":"eventbus","boot":7,"seq":3,"sent":89000000,"notification":{"mote-gone":{"mote":null,"port":"/dev/ttyUSB0"}}}"#
        );
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
