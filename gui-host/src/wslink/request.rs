//! What a wslink client asks once it is in, and how it is answered. It decides nothing: the hub does.

use std::collections::BTreeSet;

use rmpv::{Value, ext};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Fault,
    message::{Call, Message, NO_SUCH_METHOD, Refusal, field},
    topic, value,
};
use crate::hub::{
    self, SendError,
    call::Recipients,
    command::{RawEvent, UiEvent},
    element::Extent,
    topic::Topic,
};

/// A call that was understood.
#[derive(Debug)]
pub struct Request {
    id: String,
    method: String,
    ask: Ask,
}

#[derive(Debug)]
enum Ask {
    /// Something for the hub.
    Hub(hub::call::Call, Form),
    /// The client says goodbye.
    Leave,
}

/// What was heard of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A call, which is answered.
    Call,
    /// It wants to end what it can end, which is its own connection. There is no answer: the stock
    /// client is gone from memory by then, and one would make it throw.
    Goodbye,
}

/// How a result is given.
#[derive(Debug)]
enum Form {
    Value,
    /// The JSON text of it, as the bytes of a file.
    File,
}

/// Why a call is not done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such method. The words are the reference server's.
    #[error("Unregistered method called")]
    Method,
    /// Wrong arguments.
    #[error("invalid arguments: {0}")]
    Arguments(String),
    /// Too fast.
    #[error("more than 10 requests a second")]
    TooMany,
    /// The router is unknown, or cannot be reached now.
    #[error("{0}")]
    Router(#[from] SendError),
}

impl CallError {
    fn code(&self) -> i64 {
        match self {
            Self::Method => NO_SUCH_METHOD,
            Self::Arguments(_) | Self::Router(SendError::Unknown) => -32602,
            Self::TooMany => -32003,
            Self::Router(SendError::Lost | SendError::Full | SendError::Nobody) => -32004,
        }
    }

    fn refuse(&self, id: String, method: String) -> Message {
        let data = Some(method.into());
        Message::Error { id, error: Refusal { code: self.code(), message: self.to_string(), data } }
    }
}

/// Reads a message of a client that is in. What is no call ends the connection; a call that cannot be
/// done has the answer that says why.
pub fn parse(message: &[u8]) -> Result<Result<Request, Message>, Fault> {
    let Message::Call(call) = Message::decode(message)? else { return Err(Fault::Shape("only calls are taken")) };
    if call.is_system() {
        return Ok(Err(call.refuse_system()));
    }
    let (id, method) = (call.id.clone(), call.method.clone());
    Ok(match ask(call) {
        Ok(ask) => Ok(Request { id, method, ask }),
        Err(error) => Err(error.refuse(id, method)),
    })
}

fn ask(call: Call) -> Result<Ask, CallError> {
    match &*call.method {
        "lbr.subscribe" => {
            let topics = topics(call)?;
            Ok(Ask::Hub(hub::call::Call::Subscribe { topics, extent: Extent::Whole }, Form::Value))
        }
        "lbr.snapshot" => Ok(Ask::Hub(hub::call::Call::Snapshot, Form::Value)),
        "lbr.export" => Ok(Ask::Hub(hub::call::Call::Snapshot, Form::File)),
        "lbr.command" => {
            let (to, event) = command(call)?;
            Ok(Ask::Hub(hub::call::Call::Event { to, event }, Form::Value))
        }
        "lbr.refresh" => recipients(call).map(|to| Ask::Hub(hub::call::Call::Refresh { to }, Form::Value)),
        // A stock client calls one when it is done, to stop what it takes for its own server.
        "application.exit" | "application.exit.later" => Ok(Ask::Leave),
        _ => Err(CallError::Method),
    }
}

fn topics(call: Call) -> Result<BTreeSet<Topic>, CallError> {
    #[derive(Deserialize)]
    struct Arguments {
        topics: Option<Vec<String>>,
    }
    let Some(names) = arguments::<Arguments>(call)?.topics else { return Ok(Topic::unchosen()) };
    let named = |name: &String| {
        topic::named(name).ok_or_else(|| {
            let names = Topic::ALL.map(topic::name).join(", ");
            CallError::Arguments(format!("unknown topic; there are {names}"))
        })
    };
    names.iter().map(named).collect()
}

fn command(call: Call) -> Result<(Recipients, UiEvent), CallError> {
    let raw: RawEvent = arguments(call)?;
    let event = raw.check().map_err(CallError::Arguments)?;
    let nobody = || CallError::Arguments("lbr: name the border router, or \"*\" for all".to_owned());
    Ok((Recipients::named(raw.lbr.ok_or_else(nobody)?), event))
}

fn recipients(call: Call) -> Result<Recipients, CallError> {
    #[derive(Deserialize)]
    struct Arguments {
        lbr: String,
    }
    arguments::<Arguments>(call).map(|Arguments { lbr }| Recipients::named(lbr))
}

/// The arguments by name; or, as those of JavaScript are easier to write, one map.
fn arguments<T: DeserializeOwned>(call: Call) -> Result<T, CallError> {
    let wrong = |reason: String| CallError::Arguments(reason);
    let mut args = call.args.into_iter();
    let map = match (args.next(), args.next()) {
        (None, _) => Value::Map(call.kwargs),
        (Some(map @ Value::Map(_)), None) if call.kwargs.is_empty() => map,
        (Some(_), _) => return Err(wrong("give one map, or arguments by name".to_owned())),
    };
    ext::from_value(map).map_err(|error| wrong(error.to_string()))
}

impl Request {
    /// What the hub is asked, if it is.
    pub fn call(&self) -> Option<&hub::call::Call> {
        match &self.ask {
            Ask::Hub(call, _) => Some(call),
            Ask::Leave => None,
        }
    }

    /// The answer with what the hub says.
    pub fn result(self, result: &RawValue) -> Vec<u8> {
        let result = match self.ask {
            Ask::Hub(_, Form::Value) | Ask::Leave => value::from_json(result),
            Ask::Hub(_, Form::File) => Value::Map(vec![
                field("name", "openwsn-snapshot.json"),
                field("type", "application/json"),
                field("data", result.get().as_bytes()),
            ]),
        };
        Message::Result { id: self.id, result }.encode()
    }

    /// The answer that it is not done.
    pub fn refuse(self, error: &CallError) -> Message {
        error.refuse(self.id, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::call;

    fn map(json: &str) -> Vec<(Value, Value)> {
        match serde_json::from_str(json).unwrap() {
            Value::Map(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    fn ask(method: &str, args: Vec<Value>, kwargs: &str) -> Result<Request, Refusal> {
        let call = Call { id: "rpc:c1:7".to_owned(), method: method.to_owned(), args, kwargs: map(kwargs) };
        parse(&Message::Call(call).encode()).unwrap().map_err(|message| match message {
            Message::Error { id, error } if id == "rpc:c1:7" => error,
            other => panic!("{other:?}"),
        })
    }

    fn refusal(method: &str, args: Vec<Value>, kwargs: &str) -> (i64, String) {
        let refusal = ask(method, args, kwargs).unwrap_err();
        assert_eq!(refusal.data, Some(method.into()));
        (refusal.code, refusal.message)
    }

    #[test]
    fn arguments_come_by_name_or_as_one_map() {
        let command = r#"{"lbr":"*","event":"reset-mote","port":"p"}"#;
        for request in [ask("lbr.command", vec![], command), ask("lbr.command", vec![Value::Map(map(command))], "{}")] {
            let request = request.unwrap();
            let Some(call::Call::Event { to: Recipients::All, event }) = request.call() else { panic!("{request:?}") };
            assert_eq!(event.message("i"), r#"{"event":"reset-mote","id":"i","port":"p","type":"ui-event"}"#);
        }
        let both = vec![Value::Map(map(command))];
        assert_eq!(refusal("lbr.command", both, command).0, -32602);
        assert_eq!(refusal("lbr.refresh", vec!["a".into()], "{}").0, -32602);
        let refresh = ask("lbr.refresh", vec![], r#"{"lbr":"a"}"#).unwrap();
        assert!(matches!(refresh.call(), Some(call::Call::Refresh { to: Recipients::One(lbr) }) if lbr == "a"));
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (method, kwargs, expect) in [
            ("lbr.command", r#"{"event":"reset-mote","port":"p"}"#, "lbr"),
            ("lbr.command", r#"{"lbr":"a","event":"rm","port":"p"}"#, "toggle-dagroot"),
            ("lbr.command", r#"{"lbr":"a","event":"set-dagroot","port":"p","on":"yes"}"#, "invalid type"),
            ("lbr.command", "{}", "event"),
            ("lbr.subscribe", r#"{"topics":["mote-status"]}"#, "mote.status"),
            ("lbr.subscribe", r#"{"topics":5}"#, "invalid type"),
            ("lbr.refresh", "{}", "lbr"),
        ] {
            let (code, words) = refusal(method, vec![], kwargs);
            assert!(code == -32602 && words.contains(expect), "{method} {kwargs}: {words}");
        }
    }

    #[test]
    fn a_topic_has_its_name_with_a_dot() {
        let topics = |kwargs: &str| match ask("lbr.subscribe", vec![], kwargs).unwrap().call() {
            Some(call::Call::Subscribe { topics, .. }) => topics.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(topics(r#"{"topics":["mote.status","gap"]}"#), BTreeSet::from([Topic::MoteStatus, Topic::Gap]));
        assert_eq!(topics("{}"), Topic::unchosen());
    }

    #[test]
    fn a_file_has_the_bytes_of_its_json() {
        let json = RawValue::from_string(r#"{"seq":1}"#.to_owned()).unwrap();
        let answer = |method: &str| match Message::decode(&ask(method, vec![], "{}").unwrap().result(&json)).unwrap() {
            Message::Result { result, .. } => result,
            other => panic!("{other:?}"),
        };
        assert_eq!(answer("lbr.snapshot"), Value::Map(vec![field("seq", 1)]));
        let expect = [field("name", "openwsn-snapshot.json"), field("type", "application/json"), field("data", &br#"{"seq":1}"#[..])];
        assert_eq!(answer("lbr.export"), Value::Map(expect.to_vec()));
    }

    #[test]
    fn a_client_cannot_stop_the_host_or_pose_as_somebody_else() {
        for method in ["application.exit", "application.exit.later"] {
            let request = ask(method, vec![5.into()], "{}").unwrap();
            assert!(request.call().is_none());
        }
        for message in [
            Message::publication("mote.status", Value::Nil),
            Message::Error { id: "rpc:c1:7".to_owned(), error: Refusal { code: 1, message: String::new(), data: None } },
        ] {
            assert_eq!(parse(&message.encode()).unwrap_err(), Fault::Shape("only calls are taken"));
        }
        let hello = Call { id: "system:c0:0".to_owned(), method: "lbr.snapshot".to_owned(), args: vec![], kwargs: vec![] };
        assert!(parse(&Message::Call(hello).encode()).unwrap().is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_call_makes_it_panic(
            method in r"lbr\.(subscribe|snapshot|export|command|refresh)",
            kwargs in r#"\{("(lbr|event|mote|port|on|count|topics)":(1|null|"reset-mote"|"\*"|\[\]|\["gap"\]|\{\}),){0,5}"x":1\}"#,
        ) {
            let _ = ask(&method, vec![], &kwargs);
            let _ = ask(&method, vec![Value::Map(map(&kwargs))], "{}");
        }
    }
}
