//! `command-outcome` and `error`.

use mqtypes::command::OutcomeState;
use serde::Serialize;
use serde::Serializer;

use super::cut;
use crate::request::{Fault, HostId};

/// Longest detail or text that is passed on, bytes.
const LONGEST_TEXT: usize = 1000;

impl Serialize for HostId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    id: &'a HostId,
    state: &'static str,
    detail: &'a str,
}

pub(super) fn outcome<'a>(id: &'a HostId, state: OutcomeState, detail: &'a str) -> Outcome<'a> {
    let state = match state {
        OutcomeState::Accepted => "accepted",
        OutcomeState::Sent => "sent",
        OutcomeState::Confirmed => "confirmed",
        OutcomeState::TimedOut => "timed-out",
        OutcomeState::Refused => "refused",
        OutcomeState::Failed => "failed",
    };
    Outcome { id, state, detail: cut(detail, LONGEST_TEXT) }
}

#[derive(Serialize)]
pub(super) struct ErrorBody<'a> {
    code: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a HostId>,
}

pub(super) fn error(fault: &Fault) -> ErrorBody<'_> {
    ErrorBody { code: fault.code, text: cut(&fault.text, LONGEST_TEXT), id: fault.id.as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;

    #[test]
    fn an_outcome_bears_the_hosts_own_id() {
        let outcome = |id| Message::Outcome { id, state: OutcomeState::TimedOut, detail: "late".to_owned() };
        let text = encode(&outcome(HostId::Text("a-1".to_owned())), 3, NOW);
        assert_eq!(text, r#"{"type":"command-outcome","seq":3,"t":1700000010000,"id":"a-1","state":"timed-out","detail":"late"}"#);
        let text = encode(&outcome(HostId::Number(u64::MAX.into())), 3, NOW);
        assert!(text.contains(r#""id":18446744073709551615,"#), "{text}");
    }

    #[test]
    fn an_error_bears_an_id_only_when_it_is_known() {
        let fault = Fault { code: "bad-range", text: "too much".to_owned(), id: Some(HostId::Number((-4).into())) };
        let text = encode(&Message::Error(fault), 0, NOW);
        assert_eq!(text, r#"{"type":"error","seq":0,"t":1700000010000,"code":"bad-range","text":"too much","id":-4}"#);
        assert!(!encode(&Message::Error(Fault::binary()), 0, NOW).contains("\"id\""));
    }
}
