//! `UI-LINK.md` is the contract with every GUI host there is, and this keeps it and the code from drifting apart: each
//! `json` block in it is what the encoder says, or what the parser takes in the meaning that is expected here.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use mqtypes::broker::Notification;
use mqtypes::command::{Action, Target};
use mqtypes::ids::{BootId, Eui64, PortName, RequestId, Who};
use serde_json::Value;
use ui_proxy::json;
use ui_proxy::key::Key;
use ui_proxy::link::action::close;
use ui_proxy::link::greeting::{Auth, Greeting, Step};
use ui_proxy::message::{Message, Sequence};
use ui_proxy::proof::{Nonce, Role, Transcript};
use ui_proxy::request::{Complaint, Event, HostId, Rejection, Request, Topic};
use ui_proxy::session::Session;

#[path = "../schema/mod.rs"]
mod judge;
mod samples;
mod schema;
// Messages of any content: the same that the codec's properties are tried with.
#[path = "../../../mqtypes/tests/strategies/mod.rs"]
#[expect(dead_code, reason = "only notifications are needed here")]
mod strategies;

use samples::NOW;

const DOCUMENT: &str = include_str!("../../UI-LINK.md");

/// The `json` blocks of the document, by what they are examples of.
#[derive(Default)]
struct Examples {
    /// Messages of the router: these alone have a number.
    router: Vec<Value>,
    /// Messages of the host.
    host: Vec<Value>,
    /// The vector of the proofs.
    proofs: Vec<Value>,
    /// Elements by name.
    elements: Vec<Value>,
}

fn examples() -> Examples {
    let mut examples = Examples::default();
    for block in DOCUMENT.split("```json\n").skip(1) {
        let text = block.split_once("```").expect("a block has an end").0;
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let has = |field| value.get(field).is_some();
        let kind = match (has("type"), has("seq"), has("key")) {
            (true, true, _) => &mut examples.router,
            (true, false, _) => &mut examples.host,
            (false, _, true) => &mut examples.proofs,
            (false, _, false) => &mut examples.elements,
        };
        kind.push(value);
    }
    examples
}

fn proofs() -> Value {
    examples().proofs.pop().expect("there is a vector")
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

/// The document's examples, and nothing else, are what the code says.
fn check(kind: &str, mut documented: Vec<Value>, said: Vec<Value>) {
    for value in said {
        let at = documented.iter().position(|example| *example == value);
        let at = at.unwrap_or_else(|| panic!("UI-LINK.md lacks this {kind}:\n{value:#}"));
        documented.remove(at);
    }
    assert_eq!(documented, Vec::<Value>::new(), "UI-LINK.md has a {kind} that the code does not say");
}

/// The handshake of the vector's key, nonces and port, as both sides say it.
fn handshake() -> (String, Step) {
    let vector = proofs();
    let key = BASE64.decode(text(&vector, "key").as_bytes()).expect("base64");
    let nonce = HEXLOWER.decode(text(&vector, "router_nonce").as_bytes()).expect("hex");
    let port = vector["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
    let auth = Auth::Key(Key::new(key.try_into().expect("32 bytes")));
    let nonce = Nonce::new(nonce.try_into().expect("16 bytes"));
    let (mut greeting, hello) = Greeting::begin(&samples::lbr(), &auth, port, nonce, NOW);
    let welcome = examples().host.into_iter().find(|message| message["type"] == "welcome" && message.get("proof").is_some());
    let step = greeting.handle_text(NOW, &welcome.expect("a welcome with a proof").to_string());
    (hello, step)
}

#[test]
fn every_message_of_the_router_is_shown_as_it_is_said() {
    let (hello, Step::Up { auth: Some(auth), .. }) = handshake() else { panic!("the handshake fails") };
    let (_, without_nonce) = Greeting::begin(&samples::lbr(), &Auth::None, 8000, Nonce::new([0; 16]), NOW);
    let after = samples::messages().into_iter().zip(2..).map(|(message, seq)| json::encode(&message, seq, NOW));
    let said = [hello, auth, without_nonce].into_iter().chain(after);
    check("message", examples().router, said.map(|text| serde_json::from_str(&text).expect("JSON")).collect());
}

#[test]
fn every_element_is_shown_with_all_its_fields() {
    let who = Who { mote: None, port: None };
    let said = samples::elements().into_iter().map(|reading| {
        let text = json::encode(&Message::Status { who: who.clone(), part: None, readings: vec![reading] }, 0, NOW);
        let mut message: Value = serde_json::from_str(&text).expect("JSON");
        message["elements"].take()
    });
    check("element", examples().elements, said.collect());
}

#[test]
fn the_vector_of_the_proofs_is_right_and_the_handshake_of_the_document_is_its() {
    let vector = proofs();
    let nonce = |field| Nonce::parse(text(&vector, field)).expect("a nonce");
    let transcript = Transcript { port: 8000, router: nonce("router_nonce"), host: nonce("host_nonce") };
    let key = Key::new(BASE64.decode(text(&vector, "key").as_bytes()).expect("base64").try_into().expect("32 bytes"));
    assert_eq!(vector["port"], transcript.port);
    assert_eq!(transcript.prove(&key, Role::Host), text(&vector, "host_proof"));
    assert_eq!(transcript.prove(&key, Role::Router), text(&vector, "router_proof"));
    let (hello, Step::Up { auth: Some(auth), .. }) = handshake() else { panic!("the handshake fails") };
    assert!(hello.contains(text(&vector, "router_nonce")));
    assert!(auth.contains(text(&vector, "router_proof")));
}

#[test]
fn every_message_of_the_host_is_taken_in_the_meaning_that_the_document_gives_it() {
    let mote = || Target::Mote(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]));
    let thirty = Duration::from_secs(30);
    let text_id = |id: &str| HostId::Text(id.to_owned());
    let event = |id, target, action, timeout| Request::Event(Event { id, target, action, timeout });
    let expect = [
        Request::Subscribe {
            topics: Some([Topic::Inventory, Topic::Status, Topic::Logs].into()),
            interval: Some(Duration::from_millis(250)),
        },
        Request::Refresh { mote: None },
        Request::Refresh { mote: Some(Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1])) },
        event(text_id("b-17"), mote(), Action::ToggleDagroot, thirty),
        event(HostId::Number(18.into()), mote(), Action::SetDagroot { on: true }, thirty),
        event(text_id("b-19"), Target::Port(PortName("/dev/ttyUSB0".to_owned())), Action::Reset, Duration::from_secs(10)),
        event(text_id("b-20"), mote(), Action::Echo { count: 100, size: 64 }, Duration::from_mins(1)),
        Request::Complaint(Complaint { code: "bad-field".to_owned(), text: "mote-inventory: missing field `motes`".to_owned() }),
    ];
    let (welcomes, requests): (Vec<_>, Vec<_>) = examples().host.into_iter().partition(|message| message["type"] == "welcome");
    let meant: Vec<Request> = requests
        .iter()
        .map(|message| json::request::parse(&message.to_string()).unwrap_or_else(|why| panic!("{message}: {why:?}")))
        .collect();
    assert_eq!(meant, expect);
    for welcome in &welcomes {
        let answer = json::handshake::parse(&welcome.to_string());
        assert!(matches!(answer, Ok(json::handshake::Answer::Welcome(_))), "{welcome}: {answer:?}");
    }
    assert_eq!(welcomes.len(), 2, "with a proof, and without");
}

/// Is there a table row that explains this name?
fn is_explained(name: &str) -> bool {
    DOCUMENT.lines().any(|line| line.starts_with(&format!("| `{name}` |")))
}

#[test]
fn every_name_of_an_error_or_refusal_that_a_message_can_cause_is_explained() {
    let event = |fields: &str| format!(r#"{{"type":"ui-event","id":1,{fields}}}"#);
    for text in [
        "{".to_owned(),
        "[]".to_owned(),
        r#"{"type":"weather"}"#.to_owned(),
        r#"{"type":"ui-event"}"#.to_owned(),
        r#"{"type":"subscribe","topics":5}"#.to_owned(),
        r#"{"type":"subscribe","topics":["weather"]}"#.to_owned(),
        event(r#""event":"explode","port":"a""#),
        event(r#""event":"reset-mote""#),
        event(r#""event":"set-dagroot","port":"a""#),
    ] {
        let name = match json::request::parse(&text) {
            Err(Rejection::Fault(fault)) => fault.code.to_owned(),
            Err(Rejection::Refused { detail, .. }) => detail.split_once(": ").expect("a name first").0.to_owned(),
            Ok(request) => panic!("{text}: {request:?}"),
        };
        assert!(is_explained(&name), "UI-LINK.md does not explain `{name}`");
    }
    let fault = json::handshake::parse(r#"{"type":"refresh"}"#).expect_err("no welcome");
    assert!(is_explained(fault.code));
}

#[test]
fn every_name_that_the_router_itself_ends_a_command_with_is_explained() {
    type End = fn(&mut Session, RequestId);
    let ends: [End; 4] = [
        Session::handle_no_room,
        Session::handle_no_eventbus,
        |session, _id| session.handle_notification(NOW.mono, BootId(1), Notification::Started),
        |session, _id| session.handle_timeout(NOW.mono.after(Duration::from_hours(1))),
    ];
    for end in ends {
        let mut session = Session::new(NOW.mono, Sequence::default(), 0);
        session.handle_text(NOW.mono, r#"{"type":"ui-event","id":1,"event":"reset-mote","port":"a"}"#);
        end(&mut session, RequestId(0));
        let outcome: Value = serde_json::from_str(&session.poll_message(NOW).expect("an outcome")).expect("JSON");
        let name = text(&outcome, "detail").split_once(": ").expect("a name first").0;
        assert!(is_explained(name), "UI-LINK.md does not explain `{name}`");
    }
}

#[test]
fn every_close_code_and_topic_is_explained() {
    for code in [close::GOING_AWAY, close::POLICY, close::TOO_LONG, close::VERSION, close::UNAUTHORIZED] {
        assert!(is_explained(&code.to_string()), "UI-LINK.md does not explain the close code {code}");
    }
    for topic in Topic::ALL {
        assert!(is_explained(topic.name()), "UI-LINK.md does not explain the topic {}", topic.name());
    }
}
