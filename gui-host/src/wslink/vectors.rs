//! What the reference server (2.6.0) and the stock client (2.5.0) said to each other on the
//! wire, replayed: whatever is not random has to be the same here, byte for byte.

use data_encoding::HEXLOWER;
use rmpv::Value;
use serde::Deserialize;

use super::{
    assembler::{Assembler, Limits},
    chunk::{Chunk, cut},
    greeting::{Greeting, Step, welcome},
    message::{Call, Message, field},
    parse,
};

const VECTORS: &str = include_str!("../../tests/data/wslink-vectors.json");

/// One frame as it was recorded.
#[derive(Deserialize)]
struct Vector {
    /// Which session: `whole` with frames up to 4 MiB, `64` with frames of 64 bytes, `reverse` with a
    /// server that dials out, `wrong-secret`.
    run: String,
    from: String,
    hex: String,
    /// What it says, as JavaScript would write it in JSON.
    value: String,
}

impl Vector {
    fn frame(&self) -> Vec<u8> {
        HEXLOWER.decode(self.hex.as_bytes()).unwrap()
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(VECTORS).unwrap()
}

/// The frames of `run` that make up the messages of one side, message by message.
fn messages(run: &str, from: &str) -> Vec<(Vec<Vec<u8>>, Vec<u8>)> {
    let mut assembler = Assembler::new(Limits { message: 4096, chunks: 16, open: 1 });
    let (mut messages, mut frames) = (Vec::new(), Vec::new());
    for vector in vectors().iter().filter(|vector| vector.run == run && vector.from == from) {
        frames.push(vector.frame());
        if let Some(message) = assembler.handle_frame(&vector.frame()).unwrap() {
            messages.push((std::mem::take(&mut frames), message));
        }
    }
    assert!(frames.is_empty());
    messages
}

/// The recorded server message whose text has these words, without its header.
fn recorded(run: &str, words: &str) -> Vec<u8> {
    let vectors = vectors();
    let found = vectors.iter().find(|vector| vector.run == run && vector.from == "server" && vector.value.contains(words));
    Chunk::parse(&found.unwrap().frame()).unwrap().payload.to_vec()
}

#[test]
fn every_recorded_message_is_read_and_written_as_it_was() {
    let mut seen = 0;
    for (run, max_frame) in [("whole", 4 << 20), ("64", 64), ("reverse", 4 << 20), ("wrong-secret", 4 << 20)] {
        for (from, first) in [("client", 4 << 20), ("server", max_frame)] {
            for (number, (frames, bytes)) in messages(run, from).into_iter().enumerate() {
                let message = Message::decode(&bytes).unwrap();
                assert_eq!(matches!(message, Message::Call(_)), from == "client");
                assert_eq!(message.encode(), bytes, "{run} {from}");
                let id = Chunk::parse(&frames[0]).unwrap().message;
                // A client does not know the size of frames before its hello is answered.
                let max_frame = if number == 0 { first } else { max_frame };
                assert_eq!(cut(id, &bytes, max_frame).collect::<Vec<_>>(), frames, "{run} {from}");
                seen += frames.len();
            }
        }
    }
    assert_eq!(seen, vectors().len());
}

#[test]
fn every_recorded_message_says_what_was_noted_beside_it() {
    // Parts of a message, and what JSON has no words for: bytes, infinities, all 64 bits.
    let unsayable = ["<part", "Buffer", "Infinity", "2000,-1"];
    let mut compared = 0;
    for vector in vectors().iter().filter(|vector| !unsayable.iter().any(|words| vector.value.contains(words))) {
        let noted: serde_json::Value = serde_json::from_str(&vector.value).unwrap();
        let frame = vector.frame();
        let value = rmpv::decode::read_value(&mut Chunk::parse(&frame).unwrap().payload).unwrap();
        assert_eq!(serde_json::to_value(&value).unwrap(), noted);
        compared += 1;
    }
    assert_eq!(compared, 32);
}

#[test]
fn bytes_infinities_and_64_bits_come_through() {
    let result = |words| match Message::decode(&recorded("whole", words)).unwrap() {
        Message::Result { result, .. } => result,
        other => panic!("{other:?}"),
    };
    let specials = result("Infinity");
    let specials: Vec<f64> = specials.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert!(specials[0] == f64::INFINITY && specials[1].is_nan() && specials[2] == f64::NEG_INFINITY);
    let numbers = result("2000,-1");
    assert_eq!(numbers.as_array().unwrap()[2].as_u64(), Some(u64::MAX));
    let (_, post) = messages("whole", "client").into_iter().find(|(_, bytes)| bytes.windows(10).any(|w| w == b"postbinary")).unwrap();
    let Message::Call(Call { args, .. }) = Message::decode(&post).unwrap() else { panic!("no call") };
    assert_eq!(args, [Value::Binary(vec![0, 1, 2, 253, 254, 255])]);
}

#[test]
fn a_hello_is_answered_as_the_reference_server_does() {
    let hello = |secret: &str| {
        let vectors = vectors();
        let first = vectors.iter().find(|vector| vector.value.contains("wslink.hello")).unwrap().frame();
        Greeting::new().handle_frame(&first, |shown| shown == secret).unwrap()
    };
    let Step::Admit(id) = hello("wslink-secret") else { panic!("not admitted") };
    let answer = welcome(id, "cb55cbaa11b09429fb379da80b3012b56", 4 << 20).encode();
    assert_eq!(answer, recorded("whole", "clientID"));
    let Step::Answer(refusal) = hello("another") else { panic!("admitted") };
    assert_eq!(refusal.encode(), recorded("wrong-secret", "Authentication failed"));
}

#[test]
fn an_unknown_method_is_refused_as_the_reference_server_does() {
    let calls = messages("whole", "client");
    let (_, typo) = calls.iter().find(|(_, bytes)| bytes.windows(4).any(|w| w == b"TYPO")).unwrap();
    let refusal = parse(typo).unwrap().unwrap_err();
    assert_eq!(refusal.encode(), recorded("whole", "TYPO"));
}

#[test]
fn a_publication_is_written_as_the_reference_server_does() {
    let payload = Value::Map(vec![field("n", 1), field("topic", "gw.status")]);
    assert_eq!(Message::publication("gw.status", payload).encode(), recorded("whole", "publish:gw.status:0"));
}
