//! A whole wslink message: a msgpack map that calls, answers or publishes.
//!
//! Parse and emit are mirrors. The order of the keys is that of the reference server, so that the
//! same message has the same bytes. The field `wslink` is written and, as there, not read.

use rmpv::{Value, decode, encode};

use super::Fault;

/// The version in each message.
const VERSION: &str = "1.0";

/// Deepest nesting of a message that is read; each container counts as two.
const MAX_DEPTH: usize = 64;

/// The code for a method that is not there.
pub const NO_SUCH_METHOD: i64 = -32601;

/// Longest id, bytes. Those of stock clients have about 40.
const MAX_ID: usize = 256;

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Somebody wants something done.
    Call(Call),
    /// It is done; or, with an id that begins `publish:`, something has happened.
    Result {
        /// The call's id.
        id: String,
        /// What came of it.
        result: Value,
    },
    /// It is not done.
    Error {
        /// The call's id.
        id: String,
        /// Why not.
        error: Refusal,
    },
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Comes back in the answer.
    pub id: String,
    /// What is to be done.
    pub method: String,
    /// Arguments by place.
    pub args: Vec<Value>,
    /// Arguments by name.
    pub kwargs: Vec<(Value, Value)>,
}

/// Why a call is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// As in JSON-RPC 2.0 and the reference server.
    pub code: i64,
    /// For a person.
    pub message: String,
    /// More, for a program.
    pub data: Option<Value>,
}

impl Message {
    /// The publication of a value. The number in its id is always 0 in practice; clients demand one.
    pub fn publication(topic: &str, result: Value) -> Self {
        Self::Result { id: format!("publish:{topic}:0"), result }
    }

    /// Reads a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let mut rest = bytes;
        let value = decode::read_value_with_max_depth(&mut rest, MAX_DEPTH).map_err(|error| Fault::Msgpack(error.to_string()))?;
        if !rest.is_empty() {
            return Err(Fault::Trailing(rest.len()));
        }
        let mut fields = Fields::of(value).ok_or(Fault::Shape("it is no map"))?;
        let id =
            fields.take("id").and_then(into_string).filter(|id| id.len() <= MAX_ID).ok_or(Fault::Shape("no id of at most 256 bytes"))?;
        if let Some(method) = fields.take("method") {
            let method = into_string(method).ok_or(Fault::Shape("method is no text"))?;
            let args = fields.take("args").and_then(into_array).unwrap_or_default();
            let kwargs = fields.take("kwargs").and_then(into_map).unwrap_or_default();
            return Ok(Self::Call(Call { id, method, args, kwargs }));
        }
        match (fields.take("error"), fields.take("result")) {
            (Some(error), _) => Ok(Self::Error { id, error: Refusal::of(error)? }),
            (None, Some(result)) => Ok(Self::Result { id, result }),
            (None, None) => Err(Fault::Shape("neither method nor result nor error")),
        }
    }

    /// Writes the message.
    pub fn encode(self) -> Vec<u8> {
        let fields = match self {
            Self::Call(Call { id, method, args, kwargs }) => {
                vec![field("id", id), field("method", method), field("args", Value::Array(args)), field("kwargs", Value::Map(kwargs))]
            }
            Self::Result { id, result } => vec![field("id", id), field("result", result)],
            Self::Error { id, error } => vec![field("id", id), field("error", error.into_value())],
        };
        let whole = Value::Map(std::iter::once(field("wslink", VERSION)).chain(fields).collect());
        let mut bytes = Vec::new();
        encode::write_value(&mut bytes, &whole).expect("memory takes what is written to it");
        bytes
    }
}

impl Call {
    /// Whether it is about the connection itself.
    pub fn is_system(&self) -> bool {
        self.id.split(':').next() == Some("system")
    }

    /// The reference server's answer to a system call that it does not know.
    pub fn refuse_system(self) -> Message {
        let message = "Unknown system method called".to_owned();
        Message::Error { id: self.id, error: Refusal { code: NO_SUCH_METHOD, message, data: None } }
    }
}

impl Refusal {
    fn of(value: Value) -> Result<Self, Fault> {
        let mut fields = Fields::of(value).ok_or(Fault::Shape("error is no map"))?;
        let code = fields.take("code").and_then(|code| code.as_i64()).ok_or(Fault::Shape("error without a code"))?;
        let message = fields.take("message").and_then(into_string).ok_or(Fault::Shape("error without a message"))?;
        Ok(Self { code, message, data: fields.take("data") })
    }

    fn into_value(self) -> Value {
        let mut fields = vec![field("code", self.code), field("message", self.message)];
        fields.extend(self.data.map(|data| field("data", data)));
        Value::Map(fields)
    }
}

/// An entry of a map.
pub fn field(name: &str, value: impl Into<Value>) -> (Value, Value) {
    (name.into(), value.into())
}

/// The entries of a map that are still wanted.
struct Fields(Vec<(Value, Value)>);

impl Fields {
    fn of(value: Value) -> Option<Self> {
        into_map(value).map(Self)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(key, _)| key.as_str() == Some(name))?;
        Some(self.0.swap_remove(place).1)
    }
}

fn into_string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => text.into_str(),
        _ => None,
    }
}

fn into_array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn into_map(value: Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn fault(bytes: &[u8]) -> Fault {
        Message::decode(bytes).unwrap_err()
    }

    fn map(fields: Vec<(Value, Value)>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode::write_value(&mut bytes, &Value::Map(fields)).unwrap();
        bytes
    }

    #[test]
    fn what_is_no_message_is_refused_with_the_reason() {
        let id = || field("id", "rpc:c0:0");
        for (fields, expect) in [
            (vec![], "no id of at most 256 bytes"),
            (vec![field("id", 5)], "no id of at most 256 bytes"),
            (vec![field("id", "x".repeat(257))], "no id of at most 256 bytes"),
            (vec![id()], "neither method nor result nor error"),
            (vec![id(), field("method", 5)], "method is no text"),
            (vec![id(), field("error", "no")], "error is no map"),
            (vec![id(), field("error", Value::Map(vec![]))], "error without a code"),
            (vec![id(), field("error", Value::Map(vec![field("code", 1)]))], "error without a message"),
        ] {
            assert_eq!(fault(&map(fields)), Fault::Shape(expect));
        }
        assert_eq!(fault(&[0x93, 1, 2, 3]), Fault::Shape("it is no map"));
        assert_eq!(fault(&[0x80, 0xc0]), Fault::Trailing(1));
        assert!(matches!(fault(&[]), Fault::Msgpack(_)));
    }

    #[test]
    fn as_in_the_reference_server_other_arguments_than_a_list_and_a_map_are_none() {
        let bytes = map(vec![field("id", "a"), field("method", "m"), field("args", 5), field("kwargs", "x")]);
        let Message::Call(call) = Message::decode(&bytes).unwrap() else { panic!("no call") };
        assert!(call.args.is_empty() && call.kwargs.is_empty());
    }

    #[test]
    fn claimed_lengths_take_no_room_and_nesting_has_an_end() {
        for claim in
            [[0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff], [0xc6, 0xff, 0xff, 0xff, 0xff], [0xdb, 0xff, 0xff, 0xff, 0xff]]
        {
            assert!(matches!(fault(&claim), Fault::Msgpack(_)));
        }
        assert!(matches!(fault(&vec![0x91; 60_000]), Fault::Msgpack(_)));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            proptest::num::f64::NORMAL.prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
            vec(any::<u8>(), 0..40).prop_map(Value::Binary),
        ];
        leaf.prop_recursive(3, 16, 5, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::Array),
                vec(("[a-z]{0,8}".prop_map(Value::from), inner), 0..6).prop_map(Value::Map)
            ]
        })
    }

    fn message() -> impl Strategy<Value = Message> {
        let names = ("[a-z0-9:.]{0,60}", "[a-z.]{0,40}");
        let map = || vec(("[a-z]{0,8}".prop_map(Value::from), value()), 0..4);
        prop_oneof![
            (names, vec(value(), 0..4), map()).prop_map(|((id, method), args, kwargs)| Message::Call(Call { id, method, args, kwargs })),
            ("[a-z0-9:.]{0,60}", value()).prop_map(|(id, result)| Message::Result { id, result }),
            ("[a-z0-9:.]{0,60}", any::<i64>(), ".{0,40}", proptest::option::of(value()))
                .prop_map(|(id, code, message, data)| Message::Error { id, error: Refusal { code, message, data } }),
        ]
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(message in message()) {
            prop_assert_eq!(Message::decode(&message.clone().encode()), Ok(message));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = Message::decode(&bytes);
        }

        #[test]
        fn no_broken_message_makes_it_panic(message in message(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = message.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Message::decode(&bytes);
            let _ = Message::decode(&bytes[..at]);
        }
    }
}
