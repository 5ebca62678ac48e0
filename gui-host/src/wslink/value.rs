//! What the hub keeps as JSON text, as msgpack values; and what of it travels as bytes.

use data_encoding::HEXLOWER_PERMISSIVE;
use rmpv::Value;
use serde_json::value::RawValue;

/// The value of a JSON text. What JSON can write and a value cannot hold (nesting deeper than 128, a
/// number beyond all floats) comes as the text that it was: nothing that a router says is lost.
pub fn from_json(text: &RawValue) -> Value {
    serde_json::from_str(text.get()).unwrap_or_else(|_| text.get().into())
}

/// Gives the packet of a `mote-data` as the bytes that it is. In JSON it has to be hex.
pub fn attach_packet(message: &mut Value) {
    let Value::Map(fields) = message else { return };
    let is_data = fields.iter().any(|(name, value)| name.as_str() == Some("type") && value.as_str() == Some("mote-data"));
    for (name, value) in fields {
        let hex = value.as_str().filter(|_| is_data && name.as_str() == Some("lowpan"));
        if let Some(bytes) = hex.and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()) {
            *value = Value::Binary(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wslink::message::field;

    fn value(text: &str) -> Value {
        from_json(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn numbers_keep_their_value_and_fields_their_order() {
        let check = |text: &str| assert_eq!(serde_json::from_str::<Value>(text).unwrap(), value(text));
        check(r#"{"b":18446744073709551615,"a":-1,"c":[1.5,null,true,"x"]}"#);
        let Value::Map(fields) = value(r#"{"b":18446744073709551615,"a":-1}"#) else { panic!("no map") };
        assert_eq!(fields, [field("b", u64::MAX), field("a", -1)]);
    }

    #[test]
    fn what_a_value_cannot_hold_comes_as_its_text() {
        for text in [format!("{}1{}", "[".repeat(200), "]".repeat(200)), "1e999".to_owned(), r#""\ud800""#.to_owned()] {
            assert_eq!(value(&text), Value::from(text));
        }
    }

    #[test]
    fn a_packet_comes_as_bytes_and_nothing_else_does() {
        let attached = |text: &str| {
            let mut message = value(text);
            attach_packet(&mut message);
            message
        };
        let Value::Map(fields) = attached(r#"{"type":"mote-data","lowpan":"00ff","mote":"00ff"}"#) else { panic!("no map") };
        assert_eq!(fields[1..], [field("lowpan", &[0u8, 255][..]), field("mote", "00ff")]);
        for text in [r#"{"type":"mote-log","lowpan":"00ff"}"#, r#"{"type":"mote-data","lowpan":"0"}"#, r#"["mote-data"]"#] {
            assert_eq!(attached(text), value(text));
        }
    }
}
