//! `ui-link.schema.json` as a judge of single messages. It is compiled once for each type, so that what it says of a wrong
//! message is about that type.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("../../ui-link.schema.json")).expect("JSON"));
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(compile);

fn compile() -> BTreeMap<String, Validator> {
    let names = SCHEMA["$defs"].as_object().expect("definitions").keys();
    names.map(|name| (name.clone(), validator(name))).collect()
}

/// Of one of the definitions.
fn validator(name: &str) -> Validator {
    let mut schema = SCHEMA.clone();
    let object = schema.as_object_mut().expect("an object");
    object.remove("anyOf");
    object.insert("$ref".to_owned(), format!("#/$defs/{name}").into());
    jsonschema::draft202012::new(&schema).expect("a schema")
}

/// What is wrong with a value, by the definition of this name.
pub fn faults(name: &str, value: &Value) -> Vec<String> {
    let Some(validator) = VALIDATORS.get(name) else { return vec![format!("the schema has no `{name}`")] };
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// What is wrong with a message of the router.
pub fn router_faults(message: &Value) -> Vec<String> {
    match message["type"].as_str() {
        Some(kind) => faults(&format!("router-{kind}"), message),
        None => vec!["a message without a type".to_owned()],
    }
}

/// Panics when this is no message of the router.
#[track_caller]
pub fn check_router(message: &Value) {
    let faults = router_faults(message);
    assert!(faults.is_empty(), "{faults:#?}\n{message}");
}
