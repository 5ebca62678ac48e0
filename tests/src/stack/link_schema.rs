//! The schema of the UI link, as a judge of what a router says in whole-stack tests.
//!
//! It is compiled once for each type of message, so that what it says of a wrong one is about that type.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use jsonschema::Validator;
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../ui-proxy/ui-link.schema.json");

/// Of each message of the router, by its type.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(compile);

fn compile() -> BTreeMap<String, Validator> {
    let mut schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    schema.as_object_mut().expect("an object").remove("anyOf");
    let names: Vec<String> = schema["$defs"].as_object().expect("definitions").keys().cloned().collect();
    let kinds = names.iter().filter_map(|name| name.strip_prefix("router-"));
    let validator = |kind: &str| {
        let mut one = schema.clone();
        one["$ref"] = format!("#/$defs/router-{kind}").into();
        jsonschema::draft202012::new(&one).expect("a schema of 2020-12")
    };
    kinds.map(|kind| (kind.to_owned(), validator(kind))).collect()
}

/// Is this what a router may say?
pub fn check_router(message: &Value) -> Result<()> {
    let kind = message["type"].as_str().with_context(|| format!("a message without a type: {message}"))?;
    let validator = VALIDATORS.get(kind).with_context(|| format!("the schema has no message `{kind}`: {message}"))?;
    if let Some(error) = validator.iter_errors(message).next() {
        bail!("not as ui-link.schema.json has it: {}: {error}\n{message}", error.instance_path());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_router_says_is_told_with_its_place() {
        check_router(&json!({"type": "gap", "seq": 5, "t": 1, "dropped": {"mote-log": 1}})).expect("right");
        let told = |message: Value| check_router(&message).expect_err("wrong").to_string();
        assert!(told(json!({"type": "gap", "seq": 5, "t": 1, "dropped": {"mote-log": -1}})).contains("/dropped/mote-log"));
        assert!(told(json!({"type": "weather"})).contains("no message `weather`"));
        assert!(told(json!({"seq": 1})).contains("without a type"));
    }
}
