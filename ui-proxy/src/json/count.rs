//! `event-count`.

use mqtypes::count::Count;
use mqtypes::ids::BootId;
use serde::Serialize;

use super::PartJson;
use crate::message::Part;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    boot: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson>,
    counts: Vec<CountJson<'a>>,
}

#[derive(Serialize)]
struct CountJson<'a> {
    sender: &'a str,
    signal: &'a str,
    num: u64,
}

impl<'a> From<&'a Count> for CountJson<'a> {
    fn from(Count { sender, signal, num }: &'a Count) -> Self {
        Self { sender, signal, num: *num }
    }
}

pub(super) fn body(boot: BootId, part: Option<Part>, counts: &[Count]) -> Body<'_> {
    Body { boot: boot.to_string(), part: part.map(PartJson::from), counts: counts.iter().map(CountJson::from).collect() }
}

/// How long one count is.
pub fn length(count: &Count) -> usize {
    super::length(&CountJson::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;
    use crate::json::tests::NOW;
    use crate::message::Message;

    #[test]
    fn counts_bear_the_boot_that_they_are_counted_from() {
        let count = Count { sender: "mote_connector@/dev/ttyUSB0".to_owned(), signal: "fromMote.status".to_owned(), num: 12 };
        assert_eq!(
            encode(&Message::Counts { boot: BootId(0x1f), part: None, counts: vec![count] }, 5, NOW),
            r#"{"type":"event-count","seq":5,"t":1700000010000,"boot":"0000001f","counts":[{"sender":"mote_connector@/dev/ttyUSB0","signal":"fromMote.status","num":12}]}"#
        );
    }
}
