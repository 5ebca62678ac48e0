//! Changes to a script that leave JSON what it is: values, fields and lines are replaced as wholes.

use serde_json::{Value, json};

use super::{SAYINGS, stage};
use crate::harness::chance::Chance;

/// Numbers at the ends of the document's ranges, and beyond all.
const NUMBERS: [i64; 18] = [0, 1, -1, 64, 99, 100, 196, 197, 255, 256, 999, 1_000, 1_001, 120_000, 120_001, 3_600_000, 3_600_001, i64::MIN];

/// Texts with a meaning somewhere.
const TEXTS: [&str; 16] = [
    "",
    "ui-event",
    "subscribe",
    "refresh",
    "welcome",
    "error",
    "set-dagroot",
    "toggle-dagroot",
    "echo-mote",
    "reset-mote",
    "141592cc00000001",
    "/dev/ttyUSB0",
    "mote-data",
    "mote-log",
    "\u{0}\u{1b}\u{7f}\"\\",
    "\u{1f600}\u{fffd}",
];

/// Fields that the parser knows.
const FIELDS: [&str; 15] =
    ["type", "id", "event", "mote", "port", "on", "count", "size", "timeout_ms", "topics", "interval_ms", "v", "nonce", "proof", "host"];

/// What can happen beside the host's texts.
const HAPPENINGS: [&str; 18] = [
    "!wake",
    "!key",
    "!open",
    "!welcome",
    "!lose",
    "!close 4401",
    "!binary",
    "!pong",
    "!ping",
    "!pass 300",
    "!pass 16000",
    "!boot",
    "!outcome accepted",
    "!outcome confirmed",
    "!outcome no-room",
    "!outcome no-eventbus",
    "!open\n!welcome",
    "!stop",
];

/// Changes one line.
pub fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let script = String::from_utf8_lossy(input).into_owned();
    let mut lines: Vec<String> = script.split('\n').map(str::to_owned).collect();
    if chance.once_in(2) {
        // Most of what is worth saying needs a link.
        lines.insert(0, stage::WELCOME.to_owned());
    }
    let at = chance.below(lines.len() + 1);
    match lines.get_mut(at).map(|line| (serde_json::from_str::<Value>(line), line)) {
        Some((Ok(mut value), line)) if !chance.once_in(4) => {
            change(&mut value, chance);
            *line = value.to_string();
        }
        _no_json if chance.once_in(2) => lines.insert(at, (*chance.one_of(&HAPPENINGS)).to_owned()),
        _no_json => lines.insert(at, saying(chance)),
    }
    *input = lines.join("\n").into_bytes();
}

fn saying(chance: &mut Chance) -> String {
    let text = chance.one_of::<String>(&SAYINGS);
    let mut value = serde_json::from_str(text).expect("the document's examples are JSON");
    if chance.once_in(2) {
        change(&mut value, chance);
    }
    value.to_string()
}

/// Changes one field of an object, or replaces what is no object.
fn change(value: &mut Value, chance: &mut Chance) {
    match value {
        Value::Object(object) if !chance.once_in(16) => {
            let names: Vec<String> = object.keys().cloned().collect();
            let known = names.is_empty() || chance.once_in(3);
            let name = if known { (*chance.one_of(&FIELDS)).to_owned() } else { chance.one_of::<String>(&names).clone() };
            match object.get_mut(&name) {
                Some(_) if chance.once_in(4) => {
                    object.remove(&name);
                }
                Some(inner) => change(inner, chance),
                None => {
                    object.insert(name, any(chance));
                }
            }
        }
        Value::Array(items) if !items.is_empty() && !chance.once_in(4) => {
            let at = chance.below(items.len());
            change(&mut items[at], chance);
        }
        other => *other = any(chance),
    }
}

fn any(chance: &mut Chance) -> Value {
    match chance.below(9) {
        0 => Value::Null,
        1 => json!(chance.once_in(2)),
        2 | 3 => json!(chance.one_of(&NUMBERS)),
        4 => json!(*chance.one_of(&[u64::MAX as f64, 1.5, -0.0, 1e300])),
        5 => json!(u64::MAX),
        6 => json!("x".repeat(1 << chance.below(12))),
        7 => json!([*chance.one_of(&TEXTS), { "mote": *chance.one_of(&TEXTS) }]),
        _text => json!(*chance.one_of(&TEXTS)),
    }
}
