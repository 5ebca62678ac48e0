//! Before a wslink client is in: it says `wslink.hello` with the secret, and nothing else counts.
//!
//! The answers are the reference server's, byte for byte. Unlike it this host takes only so many
//! wrong ones from a connection, since a secret that may be guessed for ever is none.

use rmpv::Value;

use super::{
    Fault,
    assembler::{Assembler, Limits},
    message::{Call, Message, Refusal, field},
};

/// As the reference server: a message of 512 bytes. A client that cuts even that has its reasons.
const LIMITS: Limits = Limits { message: 512, chunks: 16, open: 1 };

/// Calls that may be refused before the connection is closed.
const MAX_REFUSED: u32 = 3;

/// The code for a wrong secret, or none.
const UNAUTHORIZED: i64 = -32000;

/// A client at the door.
#[derive(Debug)]
pub struct Greeting {
    assembler: Assembler,
    refused: u32,
}

/// What follows from a frame.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// More has to come.
    Wait,
    /// It may try again.
    Answer(Message),
    /// It has tried too often.
    Close(Message),
    /// It knows the secret; the call that said so has this id.
    Admit(String),
}

impl Greeting {
    /// Nothing was said yet.
    pub fn new() -> Self {
        Self { assembler: Assembler::new(LIMITS), refused: 0 }
    }

    /// Takes a frame. `is_secret` compares what the client shows.
    pub fn handle_frame(&mut self, frame: &[u8], is_secret: impl Fn(&str) -> bool) -> Result<Step, Fault> {
        let Some(message) = self.assembler.handle_frame(frame)? else { return Ok(Step::Wait) };
        let Message::Call(call) = Message::decode(&message)? else { return Err(Fault::Shape("only calls are taken")) };
        let refusal = if !call.is_system() {
            unauthorized(call.id, "Unauthorized: Skip message processing")
        } else if call.method != "wslink.hello" {
            call.refuse_system()
        } else if shown_secret(&call).is_some_and(is_secret) {
            return Ok(Step::Admit(call.id));
        } else {
            unauthorized(call.id, "Authentication failed")
        };
        self.refused += 1;
        Ok(if self.refused < MAX_REFUSED { Step::Answer(refusal) } else { Step::Close(refusal) })
    }
}

/// The answer to a right hello: the client's id for its further calls, and the longest frame.
pub fn welcome(id: String, client: &str, max_frame: usize) -> Message {
    let result = Value::Map(vec![field("clientID", client), field("maxMsgSize", max_frame)]);
    Message::Result { id, result }
}

fn shown_secret(call: &Call) -> Option<&str> {
    let fields = call.args.first()?.as_map()?;
    let (_, secret) = fields.iter().find(|(name, _)| name.as_str() == Some("secret"))?;
    secret.as_str()
}

fn unauthorized(id: String, words: &str) -> Message {
    Message::Error { id, error: Refusal { code: UNAUTHORIZED, message: words.to_owned(), data: None } }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::wslink::chunk::cut;

    fn hello(id: &str, method: &str, secret: impl Into<Value>) -> Vec<u8> {
        let args = vec![Value::Map(vec![field("secret", secret)])];
        let call = Call { id: id.to_owned(), method: method.to_owned(), args, kwargs: Vec::new() };
        Message::Call(call).encode()
    }

    fn say(greeting: &mut Greeting, message: &[u8]) -> Result<Step, Fault> {
        let frame = cut(1, message, usize::MAX).next().unwrap();
        greeting.handle_frame(&frame, |secret| secret == "open sesame")
    }

    #[test]
    fn the_secret_opens_the_door_even_in_pieces() {
        let message = hello("system:c0:0", "wslink.hello", "open sesame");
        assert_eq!(say(&mut Greeting::new(), &message), Ok(Step::Admit("system:c0:0".to_owned())));
        let mut greeting = Greeting::new();
        let mut frames: Vec<_> = cut(1, &message, 30).collect();
        let last = frames.remove(0);
        for frame in frames {
            assert_eq!(greeting.handle_frame(&frame, |_| true), Ok(Step::Wait));
        }
        assert_eq!(greeting.handle_frame(&last, |_| true), Ok(Step::Admit("system:c0:0".to_owned())));
    }

    #[test]
    fn whatever_else_is_said_is_refused_and_the_third_time_closes() {
        let (no, unknown) = (-32000, -32601);
        for (message, code) in [
            (hello("system:c0:0", "wslink.hello", "open sesam"), no),
            (hello("system:c0:0", "wslink.hello", Value::Nil), no),
            (hello("system:c0:0", "wslink.hello", Value::Binary(b"open sesame".to_vec())), no),
            (hello("system:c0:0", "wslink.bye", "open sesame"), unknown),
            (hello("rpc:c0:0", "wslink.hello", "open sesame"), no),
            (hello("rpc:c0:0", "lbr.snapshot", "open sesame"), no),
        ] {
            let mut greeting = Greeting::new();
            for _ in 1..MAX_REFUSED {
                let Ok(Step::Answer(Message::Error { error, .. })) = say(&mut greeting, &message) else { panic!("not refused") };
                assert_eq!(error.code, code);
            }
            assert!(matches!(say(&mut greeting, &message), Ok(Step::Close(_))));
        }
    }

    #[test]
    fn a_message_above_512_bytes_is_not_even_begun() {
        let long = hello("system:c0:0", "wslink.hello", "x".repeat(512));
        let first = cut(1, &long, 64).next().unwrap();
        let fault = Greeting::new().handle_frame(&first, |_| true).unwrap_err();
        assert_eq!(fault, Fault::TooLong { total: long.len() as u32, max: 512 });
    }

    proptest! {
        #[test]
        fn nothing_but_the_secret_is_let_in(messages in vec(vec(any::<u8>(), 0..60), 0..8)) {
            let mut greeting = Greeting::new();
            for message in &messages {
                let step = greeting.handle_frame(message, |_| false);
                prop_assert!(!matches!(step, Ok(Step::Admit(_))));
            }
        }
    }
}
