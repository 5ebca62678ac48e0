//! `command-outcome` and `error`.

use mqtypes::command::{EchoFigures, OutcomeState, RoundTrip};
use serde::Serialize;
use serde::Serializer;

use super::cut;
use crate::message;
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
    /// Of echo tests alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<EchoJson>,
}

#[derive(Serialize)]
struct EchoJson {
    sent: u16,
    ok: u16,
    corrupted: u16,
    timed_out: u16,
    round_trip_ms: Option<RoundTripJson>,
}

#[derive(Serialize)]
struct RoundTripJson {
    least: f64,
    mean: f64,
    most: f64,
}

pub(super) fn outcome(outcome: &message::Outcome) -> Outcome<'_> {
    let message::Outcome { id, state, detail, echo } = outcome;
    let state = match state {
        OutcomeState::Accepted => "accepted",
        OutcomeState::Sent => "sent",
        OutcomeState::Confirmed => "confirmed",
        OutcomeState::TimedOut => "timed-out",
        OutcomeState::Refused => "refused",
        OutcomeState::Failed => "failed",
    };
    Outcome { id, state, detail: cut(detail, LONGEST_TEXT), echo: echo.map(EchoJson::from) }
}

impl From<EchoFigures> for EchoJson {
    fn from(EchoFigures { sent, ok, corrupted, timed_out, round_trip }: EchoFigures) -> Self {
        Self { sent, ok, corrupted, timed_out, round_trip_ms: round_trip.map(RoundTripJson::from) }
    }
}

impl From<RoundTrip> for RoundTripJson {
    fn from(RoundTrip { least_us, mean_us, most_us }: RoundTrip) -> Self {
        let ms = |us: u32| f64::from(us) / 1000.0;
        Self { least: ms(least_us), mean: ms(mean_us), most: ms(most_us) }
    }
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
        let outcome = |id| Message::Outcome(message::Outcome { id, state: OutcomeState::TimedOut, detail: "late".to_owned(), echo: None });
        let text = encode(&outcome(HostId::Text("a-1".to_owned())), 3, NOW);
        assert_eq!(text, r#"{"type":"command-outcome","seq":3,"t":1700000010000,"id":"a-1","state":"timed-out","detail":"late"}"#);
        let text = encode(&outcome(HostId::Number(u64::MAX.into())), 3, NOW);
        assert!(text.contains(r#""id":18446744073709551615,"#), "{text}");
    }

    #[test]
    fn the_figures_of_an_echo_test_are_told_as_numbers() {
        let told = |round_trip| {
            let echo = EchoFigures { sent: 100, ok: 98, corrupted: 1, timed_out: 1, round_trip };
            let id = HostId::Text("e".to_owned());
            let outcome = message::Outcome { id, state: OutcomeState::Confirmed, detail: String::new(), echo: Some(echo) };
            let text = encode(&Message::Outcome(outcome), 3, NOW);
            text.split_once(r#""echo":"#).expect("figures").1.to_owned()
        };
        let figures = r#"{"sent":100,"ok":98,"corrupted":1,"timed_out":1,"round_trip_ms":"#;
        let round_trip = RoundTrip { least_us: 4_100, mean_us: 5_035, most_us: 9_300 };
        assert_eq!(told(Some(round_trip)), format!("{figures}{}", r#"{"least":4.1,"mean":5.035,"most":9.3}}}"#));
        assert_eq!(told(None), format!("{figures}null}}}}"));
    }

    #[test]
    fn an_error_bears_an_id_only_when_it_is_known() {
        let fault = Fault { code: "bad-field", text: "too much".to_owned(), id: Some(HostId::Number((-4).into())) };
        let text = encode(&Message::Error(fault), 0, NOW);
        assert_eq!(text, r#"{"type":"error","seq":0,"t":1700000010000,"code":"bad-field","text":"too much","id":-4}"#);
        assert!(!encode(&Message::Error(Fault::binary()), 0, NOW).contains("\"id\""));
    }
}
