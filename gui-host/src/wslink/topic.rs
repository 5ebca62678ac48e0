//! The hub's topics under names that stock wslink clients can hear: they drop a publication whose
//! topic has a hyphen, and say nothing.

use crate::hub::topic::Topic;

/// The name of a topic: `mote.status` for `mote-status`.
pub fn name(topic: Topic) -> String {
    topic.name().replace('-', ".")
}

/// The topic of that name.
pub fn named(text: &str) -> Option<Topic> {
    Topic::ALL.into_iter().find(|&topic| name(topic) == text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_one_that_stock_clients_hear() {
        // ^(rpc|publish|system):(\w+(?:\.\w+)*):(?:\d+)$
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let names: BTreeSet<String> = Topic::ALL.into_iter().map(name).collect();
        assert_eq!(names.len(), Topic::ALL.len());
        for text in &names {
            assert!(text.split('.').all(word), "{text}");
        }
        assert!(Topic::ALL.into_iter().all(|topic| named(&name(topic)) == Some(topic)));
        assert_eq!(named("mote-status"), None);
    }
}
