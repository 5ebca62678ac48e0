//! # The browser protocol, version 1
//!
//! JSON-RPC 2.0 in text frames over a WebSocket at `/ws` of the page's listener. This file is its
//! home: it parses requests and writes answers and notifications, and decides nothing.
//!
//! 1. The first message is the request `authenticate` `{"token":"…"}`, at most 512 bytes, within
//!    2 s. The token is in the fragment `#t=…` of the page's address. Result:
//!    `{"host":{"name":"gui-host","version":"…"}}`. Anything else is answered with the error -32001
//!    (-32700 or -32600 when it is no request) and close code 4401 (1009 when it was too long). Close code 1013, after
//!    which it can be tried again: nothing within the 2 s, or too many browsers.
//! 2. `subscribe` `{"topics":[…]}`; without `topics` all but `mote-data`. There are `link`,
//!    `mote-inventory`, `mote-status`, `event-count`, `mote-log`, `mote-data`, `dag`, `uinject`, `lbr-health`,
//!    `command-outcome` and `gap`. Routers are asked for packets (`mote-data`) while a viewer wants them. Result:
//!
//!    ```json
//!    {"seq": 0, "links": [], "lbrs": {"<lbr id>": {
//!      "hello": {}, "inventory": {"motes": [], "t": 0}, "status": {"<key>": {"mote": null, "port": null, "elements": {}}},
//!      "counts": {"boot": 0, "counts": [{"sender": "", "signal": "", "num": 0}]},
//!      "logs": [], "health": null, "outcomes": []}}}
//!    ```
//!
//!    `links` has link states as below. `inventory` and `health` are null until they have come, and
//!    so is `counts.boot`. The key of a status is the mote's EUI-64, or `port:PORT` until it has
//!    told it. Each element is whole; a table has all its rows, in the form in which the router
//!    writes them (an array of objects with `row`, in order, or an object keyed by row number).
//!    `logs` are the last 500 messages `mote-log` and `gap`, `outcomes` the last 50, oldest first. A second `subscribe`
//!    replaces the topics and gives a new snapshot.
//!
//!    A page can show a large network sooner with `"rows":"later"`: if there is much (more than 512 KiB of status), the
//!    snapshot says so by `"rows":"later"` too, and its tables come without `rows`. The request `rows`, without parameters,
//!    has them follow: a `mote-status` for each mote with its tables whole, whenever nothing else is to be told. Result `{}`.
//!    Rows that change meanwhile are told as always.
//! 3. Notifications: `{"jsonrpc":"2.0","method":"<topic>","params":{"seq":1,"lbr":"<id>"|null,"message":{…}}}`.
//!    `seq` counts up by one for each of this connection; the first after a snapshot has the
//!    snapshot's `seq` plus one. `message` is the router's own, without `part`: an inventory comes
//!    whole; pages of `mote-status` and `event-count` come as changes, one by one. A viewer merges:
//!    * an inventory replaces the last one; a status whose mote it does not name is dropped, as is
//!      a `port:PORT` status unless it names that port with `mote` null;
//!    * a status with `mote` and `port` adopts those elements of `port:PORT` that the mote does not
//!      have yet; so does an inventory that names both; an element replaces the last one, but rows
//!      are merged by number;
//!    * counts are merged by sender and signal, and cleared first when `boot` is another.
//! 4. `link`: `message` is `{"lbr","target","state","since","last_message","rtt_ms","detail",
//!    "stages","stderr","commands","ignored"}`. `lbr` is `{id, name, hostname, version, boot}` or null,
//!    `target` the `--lbr` target or null. `state`: `none` (no router, no tunnel of ours),
//!    `connecting`, `live` (last message less than 20 s ago), `stale` (older, or a ping
//!    unanswered), `lost` (closed; `detail` says why). Times are Unix ms. `stages`:
//!    `[{"name","state":"pending"|"active"|"done"|"failed","t","text"}]`; a router that came without
//!    `--lbr` has the last two only. `stderr`: ssh's last 20 lines. `commands`: shell commands to
//!    copy. `ignored`: counts of what was not used, by reason. A link state replaces the one with
//!    the same `lbr.id`; with `lbr` null the one with the same `target`. One with an `lbr` also
//!    replaces the one that had its `target` and no `lbr`, and any one replaces the `none` entry.
//!    It is told when the state, a stage or the round-trip time changes, not for each message.
//! 5. `ui-event` `{"lbr":"<id>"|"*","event":"toggle-dagroot"|"set-dagroot"|"reset-mote"|"echo-mote",
//!    "mote":"<eui>" or "port":"…", "on", "count", "size", "timeout_ms"}`. Result `{"id":"…"}`; the outcomes with
//!    that id come to this viewer, subscribed or not, and to those that want `command-outcome` and got a snapshot while its
//!    end was awaited. They bear the command's `event`, `mote` or `port`, and `on`. When the link is lost or replaced first,
//!    the host itself says `failed`. With `"*"` it goes to every router whose link is open, and each
//!    tells its own outcomes; result `{"id":"…","lbrs":["<id>"],"refused":{"<id>":"why"}}`.
//! 6. `refresh` `{"lbr":"<id>"|"*"}` asks the router for a new snapshot. Result `{}`.
//! 7. `history` `{"lbr":"<id>","mote":"<eui>"|null,"from","to","step_ms"}`; without `mote` the router itself, without `to`
//!    now, without `from` 15 minutes before `to`, without `step_ms` 1,000. The answer comes when it is there, maybe after
//!    those to later requests:
//!
//!    ```json
//!    {"lbr": "<id>", "mote": "<eui>", "from": 0, "to": 0, "step_ms": 1000, "kept": {"from": "database", "lost": 0},
//!     "series": {"prr": [[0, 97.5], [1000, null]], "rssi": [], "queue": [], "rank": [], "asn_rate": [], "duty": []},
//!     "marks": [{"t": 0, "kind": "boot", "value": 2}, {"t": 0, "kind": "parent", "name": "neighbors", "text": "<eui>"}]}
//!    ```
//!
//!    All times are the host's Unix ms; a step begins at its time. A router has `status_rate`, `data_rate` and `error_rate`
//!    (a second), a mote `prr` and `duty` in per cent, `rssi` in dBm of its preferred parent, `queue` in packets, `rank` and
//!    `asn_rate` in slots a second. A value stands until the next, but no longer than 30 s (150 s for `prr` and `rssi`, 15 s for those of a router);
//!    where none stands is a gap, and null is where one begins. Of several values in a step `prr`, `rank` and `duty` give the
//!    last, `queue` the greatest, all others the mean. An answer has at most 10,000 points: the step is widened, to whole
//!    seconds, and `step_ms` tells it. `marks` are the newest 500 of kinds `boot` (`value`: how many), `parent`, `link`
//!    (`name`: the state) and `count-restart`. `kept.from` is `memory` when there is no database: the last 15 minutes since
//!    the host's start, and `kept.trouble` says why if there should be one. `kept.lost` are records that were not kept.
//! 8. `history.export` `{"format":"csv"|"jsonl","lbr","mote","from","to"}`, all but `format` optional. Result
//!    `{"path":"/history/<ticket>","expires_ms":60000}`: the path of a download, once and within that time.
//! 9. `discover`, without parameters: the routers that announce themselves on the local network (DNS-SD). The answer comes
//!    after two seconds, or at once with what was found in the last five:
//!    `{"routers":[{"name","id","version","host","port","addresses":[],"command"}]}`. Names come from anybody; `command` holds
//!    an address and a port only, and is null while no address is known. Nothing is connected: a person runs the command.
//! 10. `ping`, without parameters, for a page that has heard nothing for a while. Result `{}`.
//!
//! Errors: -32700 invalid JSON; -32600 no JSON-RPC request (an `id` that is a number or a string of
//! at most 64 bytes is required, batches are not taken); -32601 unknown method; -32602 invalid
//! params; -32001 wrong token; -32002 unknown lbr; -32003 more than 10 requests a second; -32004
//! the router cannot be reached now (link lost, or too much waits for it); -32005 history, or the local network, cannot be told. More than
//! 4 such questions at once are refused with -32003 too.
//!
//! Limits: 64 KiB per message to the host. The host pings every 15 s; a browser that has sent
//! nothing for 40 s is closed. A viewer for which more than 4,096 notifications or 8 MiB wait is
//! closed (with 1013, unless it is stuck in the middle of a message) and gets a new snapshot when it
//! comes back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use crate::{
    history::question::{RawCharts, RawExport},
    hub::{
        SendError,
        call::{Call, Recipients},
        command::RawEvent,
        element::Extent,
        history::Unanswered,
        topic::Topic,
    },
};

/// Longest message before and after authentication, bytes.
pub const MAX_FIRST: usize = 512;
/// See [`MAX_FIRST`].
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Longest id of a request, bytes of JSON.
const MAX_ID: usize = 66;

/// A request after authentication.
#[derive(Debug)]
pub struct Request {
    /// Its id, as JSON.
    pub id: Box<RawValue>,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug)]
pub enum Ask {
    /// What the hub answers at once.
    Hub(Call),
    /// What is answered when it has been looked up.
    History(HistoryAsk),
    /// Which routers announce themselves; answered when they had time to.
    Routers,
}

/// What is asked about history.
#[derive(Debug)]
pub enum HistoryAsk {
    /// Charts.
    Charts(RawCharts),
    /// A download.
    Export(RawExport),
}

/// Why a request is not done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// Not JSON.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// No request.
    #[error("not a JSON-RPC 2.0 request: {0}")]
    Request(String),
    /// No such method.
    #[error("unknown method; there are subscribe, rows, ui-event, refresh, history, history.export, discover and ping")]
    Method,
    /// Wrong parameters.
    #[error("invalid params: {0}")]
    Params(String),
    /// Wrong token, or something else than `authenticate`.
    #[error("wrong token; open the address that gui-host printed")]
    Token,
    /// No such router.
    #[error("{0}")]
    UnknownLbr(SendError),
    /// Too fast.
    #[error("more than 10 requests a second, or too many questions about history at once")]
    TooMany,
    /// The router cannot be reached now.
    #[error("{0}")]
    Unreachable(SendError),
    /// History cannot be told.
    #[error("{0}")]
    History(Unanswered),
}

impl RpcError {
    fn code(&self) -> i32 {
        match self {
            Self::Json(_) => -32700,
            Self::Request(_) => -32600,
            Self::Method => -32601,
            Self::Params(_) => -32602,
            Self::Token => -32001,
            Self::UnknownLbr(_) => -32002,
            Self::TooMany => -32003,
            Self::Unreachable(_) => -32004,
            Self::History(_) => -32005,
        }
    }
}

impl From<SendError> for RpcError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unknown => Self::UnknownLbr(error),
            SendError::Lost | SendError::Full | SendError::Nobody => Self::Unreachable(error),
        }
    }
}

/// A request that is not done, as far as it was understood.
#[derive(Debug)]
pub struct Refused {
    id: Option<Box<RawValue>>,
    error: RpcError,
}

impl Refused {
    /// The refusal of a request that was understood.
    pub fn new(id: Box<RawValue>, error: RpcError) -> Self {
        Self { id: Some(id), error }
    }

    /// The answer.
    pub fn message(&self) -> String {
        json!({
            "jsonrpc": "2.0", "id": self.id,
            "error": {"code": self.error.code(), "message": self.error.to_string()},
        })
        .to_string()
    }
}

#[derive(Deserialize)]
struct RawRequest<'a> {
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Parses a request after authentication.
pub fn parse(text: &str) -> Result<Request, Refused> {
    let (id, method, params) = parse_envelope(text)?;
    let ask = match &*method {
        "subscribe" => parse_subscribe(params).map(Ask::Hub),
        "rows" => Ok(Ask::Hub(Call::Rows)),
        "ping" => Ok(Ask::Hub(Call::Ping)),
        "ui-event" => parse_event(params).map(Ask::Hub),
        "refresh" => parse_refresh(params).map(Ask::Hub),
        "history" => self::params(params).map(|raw| Ask::History(HistoryAsk::Charts(raw))),
        "discover" => Ok(Ask::Routers),
        "history.export" => self::params(params).map(|raw| Ask::History(HistoryAsk::Export(raw))),
        _ => Err(RpcError::Method),
    };
    match ask {
        Ok(ask) => Ok(Request { id, ask }),
        Err(error) => Err(Refused::new(id, error)),
    }
}

/// Parses the first message; gives the id and the token that is shown.
pub fn parse_authenticate(text: &str) -> Result<(Box<RawValue>, String), Refused> {
    #[derive(Deserialize)]
    struct Params {
        token: String,
    }
    let (id, method, params) = parse_envelope(text)?;
    match params.and_then(|params| serde_json::from_str::<Params>(params.get()).ok()) {
        Some(params) if method == "authenticate" => Ok((id, params.token)),
        Some(_) | None => Err(Refused { id: Some(id), error: RpcError::Token }),
    }
}

/// The refusal of a token.
pub fn wrong_token(id: Option<Box<RawValue>>) -> Refused {
    Refused { id, error: RpcError::Token }
}

type Envelope<'a> = (Box<RawValue>, Cow<'a, str>, Option<&'a RawValue>);

fn parse_envelope(text: &str) -> Result<Envelope<'_>, Refused> {
    let refused = |error| Refused { id: None, error };
    let value: &RawValue = serde_json::from_str(text).map_err(|error| refused(RpcError::Json(error.to_string())))?;
    let raw: RawRequest<'_> = serde_json::from_str(value.get()).map_err(|error| refused(RpcError::Request(error.to_string())))?;
    let id = raw
        .id
        .filter(|id| id.get().len() <= MAX_ID && id.get().starts_with(is_id_start))
        .ok_or_else(|| refused(RpcError::Request("id is no number or short string".to_owned())))?
        .to_owned();
    match (raw.jsonrpc.map(RawValue::get), raw.method) {
        (Some(r#""2.0""#), Some(method)) => Ok((id, method, raw.params)),
        (Some(r#""2.0""#), None) => {
            let error = RpcError::Request("no method".to_owned());
            Err(Refused { id: Some(id), error })
        }
        (Some(_) | None, _) => {
            let error = RpcError::Request("jsonrpc is not \"2.0\"".to_owned());
            Err(Refused { id: Some(id), error })
        }
    }
}

fn is_id_start(c: char) -> bool {
    matches!(c, '"' | '-' | '0'..='9')
}

fn params<'a, T: Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<T, RpcError> {
    let text = params.map_or("{}", RawValue::get);
    serde_json::from_str(text).map_err(|error| RpcError::Params(error.to_string()))
}

fn parse_subscribe(raw: Option<&RawValue>) -> Result<Call, RpcError> {
    #[derive(Deserialize)]
    struct Params {
        topics: Option<Vec<String>>,
        rows: Option<When>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum When {
        Now,
        Later,
    }
    let Params { topics, rows } = params(raw)?;
    let extent = match rows {
        None | Some(When::Now) => Extent::Whole,
        Some(When::Later) => Extent::WithoutRows,
    };
    let Some(names) = topics else {
        return Ok(Call::Subscribe { topics: Topic::unchosen(), extent });
    };
    let topic = |name: &String| {
        Topic::named(name).ok_or_else(|| {
            let names = Topic::ALL.map(Topic::name).join(", ");
            RpcError::Params(format!("unknown topic; there are {names}"))
        })
    };
    names.iter().map(topic).collect::<Result<_, _>>().map(|topics| Call::Subscribe { topics, extent })
}

fn parse_event(raw: Option<&RawValue>) -> Result<Call, RpcError> {
    let raw: RawEvent = params(raw)?;
    let event = raw.check().map_err(RpcError::Params)?;
    match raw.lbr {
        Some(lbr) => Ok(Call::Event { to: Recipients::named(lbr), event }),
        None => Err(RpcError::Params("lbr: name the border router, or \"*\" for all".to_owned())),
    }
}

fn parse_refresh(raw: Option<&RawValue>) -> Result<Call, RpcError> {
    #[derive(Deserialize)]
    struct Params {
        lbr: String,
    }
    params::<Params>(raw).map(|Params { lbr }| Call::Refresh { to: Recipients::named(lbr) })
}

/// The answer that history cannot be told.
pub fn unanswered(id: &RawValue, why: Unanswered) -> Refused {
    Refused::new(id.to_owned(), RpcError::History(why))
}

/// The answer to a request that is done.
pub fn result(id: &RawValue, result: &RawValue) -> String {
    #[derive(Serialize)]
    struct Answer<'a> {
        jsonrpc: &'static str,
        id: &'a RawValue,
        result: &'a RawValue,
    }
    serde_json::to_string(&Answer { jsonrpc: "2.0", id, result }).expect("our own values have string keys and no failing parts")
}

/// A notification.
pub fn notification(topic: Topic, seq: u64, lbr: Option<&str>, message: &RawValue) -> String {
    #[derive(Serialize)]
    struct Notification<'a> {
        jsonrpc: &'static str,
        method: &'static str,
        params: Params<'a>,
    }
    #[derive(Serialize)]
    struct Params<'a> {
        seq: u64,
        lbr: Option<&'a str>,
        message: &'a RawValue,
    }
    let params = Params { seq, lbr, message };
    serde_json::to_string(&Notification { jsonrpc: "2.0", method: topic.name(), params })
        .expect("our own values have string keys and no failing parts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> i32 {
        let answer = parse(text).unwrap_err().message();
        let value: serde_json::Value = serde_json::from_str(&answer).unwrap();
        value["error"]["code"].as_i64().unwrap() as i32
    }

    #[test]
    fn every_fault_of_a_request_has_its_code() {
        for (text, expect) in [
            ("{", -32700),
            ("[]", -32600),
            ("5", -32600),
            (r#"{"jsonrpc":"2.0","method":"subscribe"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"subscribe"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"subscribe"}"#, -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"subscribe"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#, -32601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"authenticate"}"#, -32601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":["x"]}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":[1]}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"rows":"never"}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"refresh"}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ui-event","params":{"event":"reset-mote","port":"p"}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ui-event","params":{"lbr":"a","event":"x","port":"p"}}"#, -32602),
        ] {
            assert_eq!(code(text), expect, "{text}");
        }
    }

    #[test]
    fn the_id_comes_back_as_it_was() {
        for id in ["1", "-7", "\"a b\"", "1.5"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"nothing"}}"#);
            let answer = parse(&text).unwrap_err().message();
            assert!(answer.contains(&format!(r#""id":{id}"#)), "{answer}");
        }
        let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"nothing"}}"#, "x".repeat(65));
        assert_eq!(code(&long), -32600);
    }

    #[test]
    fn without_topics_all_but_packets_are_meant() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"subscribe"}"#;
        let Ask::Hub(Call::Subscribe { topics, extent }) = parse(text).unwrap().ask else { panic!("no subscribe") };
        assert_eq!(extent, Extent::Whole);
        assert_eq!(topics.len(), Topic::ALL.len() - 1);
        assert!(!topics.contains(&Topic::MoteData));
    }

    #[test]
    fn only_authenticate_with_a_token_comes_first() {
        let text = |method: &str, params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let good = parse_authenticate(&text("authenticate", r#"{"token":"t"}"#)).unwrap();
        assert_eq!(good.1, "t");
        for bad in [text("subscribe", r#"{"token":"t"}"#), text("authenticate", r#"{"token":5}"#), text("authenticate", "{}")] {
            assert!(parse_authenticate(&bad).unwrap_err().message().contains("-32001"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,120}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_request_makes_the_parser_panic(
            method in "subscribe|rows|ping|ui-event|refresh|history|history.export|discover|authenticate",
            params in r#"[\[\]{}":,a-z0-9]{0,40}"#,
        ) {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let _ = parse(&text);
            let _ = parse_authenticate(&text);
        }
    }
}
