//! One mote as a JSON object: what `motes --json` has of it, and all of its elements as `tap --json` has them.

use bus::moment::Moment;
use mqtypes::mesh::UinjectReport;
use mqtypes::status::Element;
use serde::Serialize;

use super::Section;
use crate::inspect::motes::{self, Object};
use crate::inspect::picture::Mote;
use crate::inspect::terminal::plain_json;
use crate::model::Slot;

/// Every `t` and every time of the mote is Unix time in milliseconds.
#[derive(Debug, Serialize)]
struct Document<'a> {
    time: u64,
    #[serde(flatten)]
    mote: Object<'a>,
    elements: Vec<Told<'a>>,
    uinject: Option<&'a UinjectReport>,
}

/// An element, and when it was heard.
#[derive(Debug, Serialize)]
struct Told<'a> {
    t: u64,
    /// Was it told before the mote's last boot?
    earlier_life: bool,
    element: &'a Element,
}

/// One line, without its end. A section leaves the other elements out.
pub fn text(mote: &Mote, section: Option<Section>, now: Moment) -> String {
    let wanted = mote.elements.iter().filter(|(slot, _)| section.is_none_or(|section| is_in(**slot, section)));
    let told = |heard, element| Told { t: now.unix_ms_of(heard), earlier_life: mote.is_of_an_earlier_life(heard), element };
    let elements = wanted.map(|(_, (heard, element))| told(*heard, element)).collect();
    plain_json(&Document { time: now.unix_ms, mote: motes::object(mote, now), elements, uinject: mote.uinject.as_ref() })
}

fn is_in(slot: Slot, section: Section) -> bool {
    match section {
        Section::Neighbors => matches!(slot, Slot::NeighborsRow(_)),
        Section::Schedule => matches!(slot, Slot::ScheduleRow(_)),
        Section::Queue => slot == Slot::Queue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::Picture;
    use crate::inspect::picture::tests::entry;
    use mqtypes::broker::{Notification, StatusReport};
    use mqtypes::mono::Mono;

    #[test]
    fn a_section_has_its_elements_alone() {
        let entry = entry(Some(1), Some("a"));
        let mut picture = Picture::default();
        picture.handle_notification(&Notification::Mote(entry.clone()));
        for element in [Element::KaPeriod(7), Element::Queue(vec![])] {
            picture.handle_notification(&Notification::Status(StatusReport { who: entry.who(), heard: Mono(8_000_000), element }));
        }
        let now = Moment { mono: Mono(9_000_000), unix_ms: 1_700_000_009_000 };
        let elements = |section| {
            let text = text(picture.motes().next().expect("one"), section, now);
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["elements"].to_string()
        };
        let queue = r#"{"earlier_life":false,"element":{"Queue":[]},"t":1700000008000}"#;
        assert_eq!(elements(Some(Section::Queue)), format!("[{queue}]"));
        assert_eq!(elements(None), format!(r#"[{queue},{{"earlier_life":false,"element":{{"KaPeriod":7}},"t":1700000008000}}]"#));
    }
}
