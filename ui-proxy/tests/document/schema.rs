//! The schema says of every example what the document says, and of everything that can be said.

use mqtypes::broker::Notification;
use mqtypes::ids::BootId;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use ui_proxy::message::Sequence;
use ui_proxy::session::Session;

use crate::examples;
use crate::judge::{check_router, faults};
use crate::samples::NOW;
use crate::strategies;

#[test]
fn every_example_of_the_document_is_valid() {
    let examples = examples();
    for message in &examples.router {
        check_router(message);
    }
    for message in &examples.host {
        let kind = message["type"].as_str().expect("a type");
        assert_eq!(faults(&format!("host-{kind}"), message), Vec::<String>::new(), "{message}");
    }
    for element in &examples.elements {
        assert_eq!(faults("elements", element), Vec::<String>::new(), "{element}");
    }
}

/// Whoever uses the schema as a whole gets the same answers.
#[test]
fn the_whole_schema_takes_the_messages_of_both_sides() {
    let whole: Value = serde_json::from_str(include_str!("../../ui-link.schema.json")).expect("JSON");
    jsonschema::draft202012::meta::validate(&whole).expect("a schema of 2020-12");
    let validator = jsonschema::draft202012::new(&whole).expect("a schema");
    let examples = examples();
    for message in examples.router.iter().chain(&examples.host) {
        assert!(validator.is_valid(message), "{message}");
    }
    assert!(!validator.is_valid(&json!({"type": "weather", "seq": 1, "t": 1})));
}

/// Fields of the examples that may be left out, by type of message: of elements, reasons and kinds there may be any.
const FREE: [(&str, &str); 13] = [
    ("hello", "/nonce"),
    ("mote-inventory", "/motes/1/cause"),
    ("mote-status", "/part"),
    ("mote-status", "/elements/IsSync"),
    ("mote-status", "/elements/Schedule"),
    ("uinject", "/part"),
    ("event-count", "/part"),
    ("gap", "/dropped/mote-data"),
    ("gap", "/dropped/mote-log"),
    ("command-outcome", "/echo"),
    ("lbr-health", "/processes/0/dropped/eventbus.foreign"),
    ("lbr-health", "/ports/0/faults/bad-crc"),
    ("error", "/id"),
];

/// The message without each of its fields in turn, and with one more in each of its objects; with the place of the change.
fn injured(message: &Value) -> Vec<(String, Value)> {
    let mut injured = Vec::new();
    let mut places = vec![String::new()];
    while let Some(place) = places.pop() {
        let mut change = |name: &str, change: &dyn Fn(&mut Map<String, Value>)| {
            let mut copy = message.clone();
            change(copy.pointer_mut(&place).and_then(Value::as_object_mut).expect("an object"));
            injured.push((format!("{place}/{name}"), copy));
        };
        match message.pointer(&place).expect("there") {
            Value::Object(object) => {
                change("more", &|object| {
                    object.insert("more".to_owned(), json!([]));
                });
                for name in object.keys() {
                    change(name, &|object| {
                        object.remove(name);
                    });
                    places.push(format!("{place}/{name}"));
                }
            }
            Value::Array(values) => places.extend((0..values.len()).map(|at| format!("{place}/{at}"))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    injured
}

/// So whoever adds a field to a message and forgets it in the schema is told, and the other way round.
#[test]
fn a_field_too_few_and_a_field_too_many_are_noticed_everywhere() {
    for message in &examples().router {
        let kind = message["type"].as_str().expect("a type");
        for (place, injured) in injured(message) {
            let is_free = FREE.iter().any(|(of, field)| *field == place && *of == kind);
            let faults = faults(&format!("router-{kind}"), &injured);
            assert_eq!(faults.is_empty(), is_free, "{kind}: {place}: {faults:?}");
        }
    }
}

proptest! {
    /// Whatever `eventbus` may tell: the whole of it as a snapshot, and again as changes.
    #[test]
    fn whatever_the_bus_tells_what_is_said_is_valid_and_short(notifications in proptest::collection::vec(strategies::notification(), 0..40)) {
        let mut session = Session::new(NOW.mono, Sequence::default(), 0);
        let topics = ["mote-inventory", "dag", "mote-status", "uinject", "event-count", "mote-log", "mote-data", "lbr-health"];
        session.handle_text(NOW.mono, &json!({"type": "subscribe", "topics": topics}).to_string());
        for id in 0..4 {
            session.handle_text(NOW.mono, &json!({"type": "ui-event", "id": id, "event": "reset-mote", "port": "a"}).to_string());
        }
        let halves = notifications.split_at(notifications.len() / 2);
        let told = [&[Notification::SnapshotBegin], halves.0, &[Notification::SnapshotEnd], halves.1].concat();
        for notification in told {
            session.handle_notification(NOW.mono, BootId(1), notification);
            while let Some(text) = session.poll_message(NOW) {
                prop_assert!(text.len() <= 32 * 1024);
                check_router(&serde_json::from_str(&text).expect("JSON"));
            }
        }
    }
}
