//! The whole of `eventbus` but its queues, fed with recorded frames in virtual time.

mod bytes;
mod lives;
mod mesh;
mod stage;

use mqtypes::broker::{Notification, Request, Subscribe, Topic};
use mqtypes::command::{Action, Command, OutcomeState, Target};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{Eui64, Generation, PortName, RequestId};
use mqtypes::log::Coded;
use mqtypes::mono::Mono;
use mqtypes::serial::{FaultCount, FrameFault, PortCounters, PortReport, SerialNotification, WriteEnd, WriteReport};
use mqtypes::status::Element;

use stage::{START, Stage, TAP, envelope, play, report};

#[test]
fn every_valid_frame_is_counted_exactly_once_by_type() {
    for name in ["A", "B", "D"] {
        let mut stage = Stage::subscribed(&[Topic::Counts]);
        let kinds = play(&mut stage, name);
        let counts = stage.counts();
        let of = |signal: &str| counts.get(signal).copied().unwrap_or(0);
        let logs: u64 = kinds.iter().filter(|(kind, _)| !["status", "data"].contains(&kind.as_str())).map(|(_, count)| count).sum();
        assert_eq!(of("fromMote.status"), kinds["status"], "{name}");
        assert_eq!(of("fromMote.data"), kinds["data"], "{name}");
        assert_eq!(of("fromMote.error"), logs, "{name}");
        for severity in ["verbose", "info", "success", "warning", "error", "critical", "printf"] {
            assert_eq!(of(&format!("fromMote.log.{severity}")), kinds.get(severity).copied().unwrap_or(0), "{name} {severity}");
        }
        assert!(counts.keys().all(|signal| !signal.starts_with("fromMote.unreadable")), "{name}");
    }
}

#[test]
fn frames_that_were_none_are_counted_by_reason() {
    let mut stage = Stage::subscribed(&[Topic::Counts]);
    let faults = vec![FaultCount { fault: FrameFault::BadCrc, count: 8 }];
    stage.serial(START, SerialNotification::Port(report("mote1", PortCounters { faults, ..PortCounters::default() })));
    stage.frame(START, "mote1", b"Zwhat".to_vec());
    stage.frame(START, "mote1", vec![]);
    let counts = stage.counts();
    let of = |signal: &str| counts.get(signal).copied();
    assert_eq!(of("fromMote.invalid.bad-crc"), Some(8));
    assert_eq!((of("fromMote.unreadable.unknown-type"), of("fromMote.unreadable.empty")), (Some(1), Some(1)));
}

#[test]
fn a_report_of_a_later_moment_keeps_no_mote_from_being_looked_at() {
    let mut stage = Stage::subscribed(&[Topic::Inventory]);
    let later = PortReport { since: Mono(u64::MAX / 2), ..report("mote1", PortCounters::default()) };
    stage.serial(START, SerialNotification::Port(later));
    stage.frame(START, "mote2", vec![b'S', 0, 2, 0, 1]);
    assert!(stage.hub.poll_timeout().is_some_and(|at| at <= Mono(START.0 + 5_000_000)));
}

#[test]
fn a_frame_that_makes_no_sense_is_shown_as_it_came() {
    let mut stage = Stage::subscribed(&[Topic::Logs]);
    stage.frame(START, "mote1", b"Zwhat".to_vec());
    let told = stage.told();
    let shown = |told: &Notification| if let Notification::Log(log) = told { Some((log.error.clone(), log.text.clone())) } else { None };
    let name = Coded { code: b'Z', name: "unknown-type".to_owned() };
    assert_eq!(told.iter().find_map(shown), Some((name, "unknown frame type 0x5a: 5a77686174".to_owned())));
}

#[test]
fn a_frame_of_an_earlier_opening_of_its_port_is_counted_and_dropped() {
    let mut stage = Stage::subscribed(&[Topic::Counts, Topic::Status]);
    let reopened = PortReport { generation: Generation(2), ..report("mote1", PortCounters::default()) };
    stage.serial(START, SerialNotification::Port(reopened));
    stage.frame(START, "mote1", vec![b'S', 0, 1, 0, 1]);
    let told = stage.told();
    assert!(matches!(&told[2..], [Notification::Count(count)] if count.signal == "fromMote.stale"), "{told:?}");
}

#[test]
fn a_subscriber_gets_the_snapshot_first_and_then_the_changes() {
    let mut stage = Stage::new();
    play(&mut stage, "A");
    let wish = Subscribe { reply: TAP.to_owned(), topics: Topic::ALL.to_vec(), lease_ms: 30_000 };
    stage.request(START, Request::Subscribe(wish));
    let snapshot = stage.told();
    assert_eq!(snapshot.first(), Some(&Notification::SnapshotBegin));
    let end = snapshot.iter().position(|told| *told == Notification::SnapshotEnd).expect("it ends");
    let count = |wanted: fn(&Notification) -> bool| snapshot[..end].iter().filter(|told| wanted(told)).count();
    assert_eq!(count(|told| matches!(told, Notification::Mote(_))), 5, "a port without a mote is shown too");
    assert_eq!(count(|told| matches!(told, Notification::Status(_))), 10 + 1 + 21 + 30);
    stage.frame(START, "mote1", vec![b'S', 0, 1, 0, 1]);
    let changes = stage.told();
    assert!(
        matches!(&changes[..], [Notification::Count(_), Notification::Status(report)] if matches!(report.element, Element::IsSync(_))),
        "{changes:?}"
    );
}

#[test]
fn logs_are_told_in_words() {
    let mut stage = Stage::subscribed(&[Topic::Logs]);
    play(&mut stage, "A");
    let told = stage.told();
    let texts: Vec<_> = told
        .iter()
        .filter_map(|told| if let Notification::Log(log) = told { Some((log.error.name.as_str(), log.text.as_str())) } else { None })
        .collect();
    assert_eq!(texts.first(), Some(&("BOOTED", "booted")));
}

#[test]
fn a_command_from_before_the_start_is_not_carried_out() {
    let mut stage = Stage::new();
    stage.serial(START, SerialNotification::Port(report("mote1", PortCounters::default())));
    let target = Target::Port(PortName("mote1".to_owned()));
    let deadline = Mono(START.0 + 30_000_000);
    let command = Command { id: RequestId(9), reply: TAP.to_owned(), deadline, target, action: Action::Reset };
    let earlier = Envelope { sent: Mono(START.0 - 1), ..envelope(Sender::Tool) };
    stage.hub.handle_request(START, &earlier, Request::Command(command));
    assert!(stage.hub.poll_write().is_none());
    let told = stage.told();
    assert!(matches!(&told[..], [Notification::Outcome(outcome)] if outcome.state == OutcomeState::Failed), "{told:?}");
}

#[test]
fn a_root_command_passes_through_to_the_line_and_back() {
    let mut stage = Stage::new();
    let mote: Eui64 = "141592cc00000001".parse().expect("valid");
    stage.serial(START, SerialNotification::Port(report("mote1", PortCounters::default())));
    let mut id_manager = vec![b'S', 0, 1, 1, 0, 0xfe, 0xca, 0, 1];
    id_manager.extend(mote.0);
    id_manager.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0]);
    stage.frame(START, "mote1", id_manager.clone());
    let deadline = Mono(START.0 + 30_000_000);
    let action = Action::ToggleDagroot;
    stage.request(
        START,
        Request::Command(Command { id: RequestId(9), reply: TAP.to_owned(), deadline, target: Target::Mote(mote), action }),
    );
    let Some(frame) = stage.hub.poll_write() else { panic!("a frame goes out") };
    assert_eq!(&frame.payload[..2], b"RY");
    stage.serial(START, SerialNotification::Write(WriteReport { id: frame.id, end: WriteEnd::Written }));
    id_manager[4] = 1;
    stage.frame(Mono(START.0 + 500_000), "mote1", id_manager);
    let states: Vec<_> = stage
        .told()
        .into_iter()
        .filter_map(|told| if let Notification::Outcome(outcome) = told { Some(outcome.state) } else { None })
        .collect();
    assert_eq!(states, [OutcomeState::Accepted, OutcomeState::Sent, OutcomeState::Confirmed]);
}
