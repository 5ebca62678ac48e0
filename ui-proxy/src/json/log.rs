//! `mote-log`, and `gap`, which tells what of it is missing.

use std::collections::BTreeMap;

use mqtypes::log::{Coded, MoteLog};
use serde::Serialize;

use super::{CodedJson, cut};

/// Longest text that is passed on, bytes: a mote's frame holds at most 1,024.
const LONGEST_TEXT: usize = 2048;
const LONGEST_NAME: usize = 100;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    mote: Option<String>,
    port: Option<&'a str>,
    severity: &'static str,
    component: CodedJson<'a>,
    error: CodedJson<'a>,
    args: [i32; 2],
    text: &'a str,
}

pub(super) fn body(log: &MoteLog) -> Body<'_> {
    Body {
        mote: log.who.mote.map(|mote| mote.to_string()),
        port: log.who.port.as_ref().map(|port| port.0.as_str()),
        severity: log.severity.name(),
        component: coded(&log.component),
        error: coded(&log.error),
        args: log.args,
        text: cut(&log.text, LONGEST_TEXT),
    }
}

fn coded(coded: &Coded) -> CodedJson<'_> {
    CodedJson { code: coded.code, name: cut(&coded.name, LONGEST_NAME) }
}

#[derive(Serialize)]
pub(super) struct Gap<'a> {
    dropped: &'a BTreeMap<String, u64>,
}

pub(super) fn gap(dropped: &BTreeMap<String, u64>) -> Gap<'_> {
    Gap { dropped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;
    use mqtypes::ids::{PortName, Who};
    use mqtypes::log::Severity;
    use mqtypes::mono::Mono;

    #[test]
    fn a_log_line_is_dated_when_it_was_heard() {
        let log = MoteLog {
            who: Who { mote: None, port: Some(PortName("/dev/ttyUSB0".to_owned())) },
            heard: Mono(9_000_000),
            severity: Severity::Error,
            component: Coded { code: 9, name: "IEEE802154E".to_owned() },
            error: Coded { code: 0x33, name: "unknown".to_owned() },
            args: [1, -2],
            text: "wrong state 1 in \"start\"".to_owned(),
        };
        assert_eq!(
            encode(&Message::Log(log), 9, NOW),
            concat!(
                r#"{"type":"mote-log","seq":9,"t":1700000009000,"mote":null,"port":"/dev/ttyUSB0","severity":"error","#,
                r#""component":{"code":9,"name":"IEEE802154E"},"error":{"code":51,"name":"unknown"},"args":[1,-2],"#,
                r#""text":"wrong state 1 in \"start\""}"#
            )
        );
    }
}
