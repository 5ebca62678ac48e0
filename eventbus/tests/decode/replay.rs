//! Parser and model are pure: 690 seconds of five motes pass as fast as they can be read.

use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::mote::Link;

use crate::playback::{play, recording};

#[test]
fn recording_b_is_replayed_in_its_own_time() {
    let chunks = recording("B");
    let played = play(&chunks);
    assert_eq!((played.frames, played.invalid), (34_574, 0));
    assert!(played.told > played.frames, "every frame is told, by a count at least");
    let model = played.hub.model();
    let end = chunks.last().expect("not empty").at;
    assert!(end > Mono(690_000_000));
    for number in 1..=5 {
        let index = model.by_port(&PortName(format!("mote{number}"))).expect("known");
        let entry = model.entry(index).expect("known");
        assert_eq!((entry.link, entry.boots, entry.id16, entry.dagroot), (Link::Up, 1, Some(number), Some(number == 1)));
        assert!(entry.last_heard.is_some_and(|heard| end.since(heard).as_millis() < 200));
    }
}
