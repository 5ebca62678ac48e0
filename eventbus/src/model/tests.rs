//! The model by itself, with virtual time.

use std::time::Duration;

use mqtypes::mote::Link;
use mqtypes::serial::{PortCounters, PortState};
use mqtypes::status::{IdManager, IsSync};

use super::*;

const START: Mono = Mono(1_000_000);
const E1: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
const E2: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);

fn port(name: &str) -> PortName {
    PortName(name.to_owned())
}

fn report(name: &str, state: PortState) -> PortReport {
    PortReport { port: port(name), generation: Generation(1), state, since: START, baud: 115_200, counters: PortCounters::default() }
}

fn id(eui: Eui64) -> Element {
    Element::IdManager(IdManager { is_dag_root: false, pan_id: 0xcafe, id16: eui.id16(), eui64: eui, prefix: [0; 8] })
}

fn up(model: &mut Model, name: &str) {
    model.handle_port(START, &report(name, PortState::Up));
}

fn hear(model: &mut Model, at: Mono, name: &str, speaker: Eui64, element: Element) -> MoteIndex {
    let index = model.handle_frame(at, &port(name), Generation(1), Some(speaker.id16()));
    model.handle_element(at, index, element)
}

fn names(model: &Model) -> Vec<String> {
    let show = |entry: MoteEntry| {
        format!(
            "{} on {} {:?}",
            entry.mote.map_or("?".to_owned(), |eui| eui.id16().to_string()),
            entry.port.map_or("-".to_owned(), |p| p.0),
            entry.link
        )
    };
    let mut names: Vec<_> = model.indexes().filter_map(|index| model.entry(index)).map(show).collect();
    names.sort();
    names
}

#[test]
fn a_port_is_shown_before_its_mote_has_named_itself() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    assert_eq!(names(&model), ["? on usb0 Up"]);
    hear(&mut model, START, "usb0", E1, Element::IsSync(IsSync { is_sync: true }));
    let index = hear(&mut model, START, "usb0", E1, id(E1));
    assert_eq!(names(&model), ["1 on usb0 Up"]);
    let changes = model.take_changes();
    assert!(changes.contains(&Change::Gone(Who { mote: None, port: Some(port("usb0")) })));
    assert!(changes.contains(&Change::Element(index, Slot::IsSync)), "what came before the name is said again under it");
}

#[test]
fn a_mote_is_followed_to_another_port_with_what_is_known_of_it() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    up(&mut model, "usb1");
    hear(&mut model, START, "usb0", E1, Element::IsSync(IsSync { is_sync: true }));
    let before = hear(&mut model, START, "usb0", E1, id(E1));
    model.handle_port(START, &report("usb0", PortState::Down { cause: "unplugged".to_owned() }));
    let after = hear(&mut model, START, "usb1", E1, id(E1));
    assert_eq!(before, after);
    assert_eq!(names(&model), ["1 on usb1 Up", "? on usb0 Down"]);
    assert!(model.report(after, Slot::IsSync).is_some());
}

#[test]
fn another_mote_on_the_same_port_does_not_inherit_the_first_ones_state() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    hear(&mut model, START, "usb0", E1, id(E1));
    let stranger = hear(&mut model, START, "usb0", E2, Element::IsSync(IsSync { is_sync: true }));
    assert_eq!(model.mote(stranger).and_then(Mote::eui), None);
    hear(&mut model, START, "usb0", E2, id(E2));
    assert_eq!(names(&model), ["1 on - Down", "2 on usb0 Up"]);
    assert!(model.report(model.by_eui(E1).expect("known"), Slot::IsSync).is_none());
}

#[test]
fn five_seconds_without_a_frame_are_silence_and_a_frame_ends_it() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    let heard = START.after(Duration::from_secs(2));
    hear(&mut model, heard, "usb0", E1, id(E1));
    while let Some(at) = model.poll_timeout() {
        model.handle_timeout(at);
    }
    let index = model.by_eui(E1).expect("known");
    let entry = model.entry(index).expect("there");
    assert_eq!((entry.link, entry.since), (Link::Silent, heard.after(SILENT_AFTER)));
    let again = heard.after(Duration::from_mins(1));
    model.handle_frame(again, &port("usb0"), Generation(1), Some(1));
    assert_eq!(model.mote(index).map(Mote::link), Some(Link::Up));
}

#[test]
fn what_another_start_of_serial_bridge_does_not_report_is_down() {
    let mut model = Model::new();
    for name in ["usb0", "usb1", "usb2"] {
        up(&mut model, name);
    }
    let pulled = START.after(Duration::from_secs(1));
    let down = || PortState::Down { cause: "unplugged".to_owned() };
    model.handle_port(pulled, &PortReport { since: pulled, ..report("usb2", down()) });
    let restarted = START.after(Duration::from_secs(9));
    model.handle_bridge_start(restarted);
    up(&mut model, "usb0");
    model.handle_port(restarted, &PortReport { since: restarted, ..report("usb2", down()) });
    let shown: Vec<_> = model.indexes().filter_map(|index| model.entry(index)).map(|entry| (entry.link, entry.since)).collect();
    assert_eq!(shown, [(Link::Up, START), (Link::Down, restarted), (Link::Down, pulled)]);
}

#[test]
fn a_port_that_was_restored_counts_as_down_since_serial_bridge_says() {
    let mut before = Model::new();
    up(&mut before, "usb0");
    let index = hear(&mut before, START, "usb0", E1, id(E1));
    let mut model = Model::new();
    before.remember().for_each(|told| model.restore(told));
    let now = START.after(Duration::from_mins(1));
    model.handle_bridge_start(now);
    let since = |model: &Model| model.entry(index).map(|entry| (entry.link, entry.since));
    assert_eq!(since(&model), Some((Link::Down, now)));
    model.handle_port(now, &report("usb0", PortState::Down { cause: "unplugged".to_owned() }));
    assert_eq!(since(&model), Some((Link::Down, START)));
}

#[test]
fn an_idle_model_has_no_deadline() {
    let mut model = Model::new();
    assert_eq!(model.poll_timeout(), None);
    model.handle_port(START, &report("usb0", PortState::Down { cause: "not there".to_owned() }));
    assert_eq!(model.poll_timeout(), None);
}

#[test]
fn last_heard_alone_is_no_change_of_the_inventory() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    let index = hear(&mut model, START, "usb0", E1, id(E1));
    model.take_changes();
    hear(&mut model, START.after(Duration::from_millis(100)), "usb0", E1, id(E1));
    assert_eq!(model.take_changes(), [Change::Element(index, Slot::IdManager)].into());
}

#[test]
fn motes_that_come_and_go_do_not_grow_the_model() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    for number in 0..=u16::MAX / 16 {
        let mut eui = E1;
        eui.0[6..].copy_from_slice(&number.to_be_bytes());
        hear(&mut model, START, "usb0", eui, id(eui));
    }
    assert!(model.indexes().count() <= MOST_ABSENT + 1, "{}", model.indexes().count());
    assert!(model.by_eui.len() <= MOST_ABSENT + 1);
}

#[test]
fn a_port_that_goes_down_says_why() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    hear(&mut model, START, "usb0", E1, id(E1));
    model.handle_port(START, &report("usb0", PortState::Down { cause: "unplugged".to_owned() }));
    let entry = model.entry(model.by_eui(E1).expect("known")).expect("there");
    assert_eq!((entry.link, entry.cause.as_str()), (Link::Down, "unplugged"));
}

#[test]
fn a_port_that_was_never_open_is_down_since_its_first_report() {
    let mut model = Model::new();
    model.handle_port(START, &report("usb0", PortState::Down { cause: "not there".to_owned() }));
    let index = model.indexes().next().expect("there");
    assert_eq!(model.entry(index).expect("there").since, report("usb0", PortState::Probing).since);
}

#[test]
fn two_motes_with_one_address_do_not_mix() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    up(&mut model, "usb1");
    let first = hear(&mut model, START, "usb0", E1, id(E1));
    for _ in 0..5 {
        let second = hear(&mut model, START, "usb1", E1, id(E1));
        assert_ne!(first, second);
        assert_eq!(hear(&mut model, START, "usb0", E1, id(E1)), first);
    }
    assert_eq!(names(&model), ["1 on usb0 Up", "? on usb1 Up"]);
    assert_eq!(model.tally().of("double-address"), 5);
}

#[test]
fn the_mote_heard_longest_ago_may_be_the_one_that_comes_back() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    up(&mut model, "usb1");
    hear(&mut model, START, "usb0", E1, id(E1));
    model.handle_port(START, &report("usb0", PortState::Down { cause: "unplugged".to_owned() }));
    let later = START.after(Duration::from_secs(1));
    for number in 100..400_u16 {
        let mut eui = E1;
        eui.0[6..].copy_from_slice(&number.to_be_bytes());
        hear(&mut model, later, "usb1", eui, id(eui));
    }
    let back = hear(&mut model, later, "usb1", E1, id(E1));
    assert_eq!(model.by_port(&port("usb1")), Some(back));
    hear(&mut model, later, "usb1", E1, id(E1));
    up(&mut model, "usb0");
}

#[test]
fn late_frames_of_a_closed_port_do_not_bring_it_up_and_early_ones_of_the_next_opening_do() {
    let mut model = Model::new();
    up(&mut model, "usb0");
    hear(&mut model, START, "usb0", E1, id(E1));
    model.handle_port(START, &report("usb0", PortState::Down { cause: "unplugged".to_owned() }));
    let index = hear(&mut model, START, "usb0", E1, id(E1));
    assert_eq!(model.mote(index).map(Mote::link), Some(Link::Down));
    model.handle_frame(START, &port("usb0"), Generation(2), Some(1));
    let mote = model.mote(index).expect("known");
    assert_eq!((mote.link(), mote.port()), (Link::Up, Some((&port("usb0"), Generation(2)))));
}
