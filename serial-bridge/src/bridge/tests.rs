//! The bridge in virtual time: no descriptor, no clock, and the notices and actions as data.

use mqtypes::ids::WriteId;
use mqtypes::serial::{FaultCount, FrameFault};
use proptest::prelude::*;

use super::*;
use crate::gate::LOST_XON;
use crate::output::{FlowControl, MOST_FRAMES};
use framing::flow;

const FIRST: PortId = PortId(0);
const SECOND: PortId = PortId(1);
const BY_KERNEL: Opened = Opened { baud: 115_200, flow: FlowControl::ByKernel };
const IN_PROCESS: Opened = Opened { baud: 115_200, flow: FlowControl::InProcess };
const LATE: Mono = Mono(30_000_000);

fn name(text: &str) -> PortName {
    PortName(text.to_owned())
}

/// Two ports that are to be opened, at these rates.
fn begun(rates: &str) -> Bridge {
    let mut bridge = Bridge::new(1);
    for port in ["/dev/a", "/dev/b"] {
        bridge.add(Wanted { name: name(port), way: Way::Node(rates.parse().expect("rates")) }, Mono(0));
    }
    bridge
}

/// Two ports, one of them open, and nothing left to tell.
fn bridge(opened: Opened) -> Bridge {
    let mut bridge = begun("115200");
    bridge.handle_opened(FIRST, Mono(0), opened);
    bridge.handle_trouble(SECOND, Mono(0), Trouble::Absent);
    settle(&mut bridge);
    bridge
}

fn settle(bridge: &mut Bridge) -> (Vec<Notice>, Vec<Action>) {
    let notices = std::iter::from_fn(|| bridge.poll_notice()).collect();
    let actions = std::iter::from_fn(|| bridge.poll_action()).collect();
    (notices, actions)
}

fn write_to(port: &str, generation: u32, deadline: Mono, payload: &[u8]) -> SerialCommand {
    let (port, generation, payload) = (name(port), Generation(generation), payload.to_vec());
    SerialCommand::Write(FrameToMote { id: WriteId(7), port, generation, deadline, payload })
}

fn write() -> SerialCommand {
    write_to("/dev/a", 1, LATE, b"Q")
}

fn ended(end: WriteEnd) -> Vec<Notice> {
    vec![Notice::Write(WriteReport { id: WriteId(7), end })]
}

/// The kernel takes everything that is there for it.
fn drain(bridge: &mut Bridge, id: PortId, now: Mono) -> Vec<u8> {
    let mut line = Vec::new();
    while let Some(bytes) = bridge.outgoing(id).map(<[u8]>::to_vec) {
        bridge.handle_written(id, now, bytes.len());
        line.extend(bytes);
    }
    line
}

#[test]
fn at_start_every_port_is_reported_and_opened() {
    let mut bridge = begun("115200");
    let (notices, actions) = settle(&mut bridge);
    assert_eq!(notices, [Notice::Port(FIRST), Notice::Port(SECOND)]);
    assert_eq!(actions, [Action::Open(FIRST), Action::Open(SECOND)]);
}

#[test]
fn without_ports_nothing_is_ever_due() {
    let mut bridge = Bridge::new(1);
    assert_eq!((settle(&mut bridge), bridge.poll_timeout()), ((vec![], vec![]), None));
}

#[test]
fn an_open_port_that_is_quiet_has_no_deadline() {
    let mut bridge = begun("115200");
    bridge.handle_opened(FIRST, Mono(0), BY_KERNEL);
    assert_eq!(bridge.poll_timeout(), None);
    bridge.handle_bytes(FIRST, Mono(5), &hdlc::encode(b"S"));
    assert_eq!(bridge.poll_timeout(), None);
}

#[test]
fn a_frame_bears_its_port_its_generation_and_its_time() {
    let mut bridge = bridge(BY_KERNEL);
    let line = flow::escape(&hdlc::encode(b"S\x11"));
    let (first, last) = line.split_at(3);
    bridge.handle_bytes(FIRST, Mono(1), first);
    bridge.handle_bytes(FIRST, Mono(2), last);
    let frame = ReceivedFrame { port: name("/dev/a"), generation: Generation(1), heard: Mono(2), payload: b"S\x11".to_vec() };
    assert_eq!(settle(&mut bridge).0, [Notice::Frame(frame)]);
    let counters = bridge.report(FIRST).counters;
    assert_eq!((counters.rx_bytes, counters.rx_frames), (line.len() as u64, 1));
}

#[test]
fn a_fault_is_counted_reported_and_costs_nothing_else() {
    let mut bridge = bridge(BY_KERNEL);
    let now = Mono(5_000_000);
    bridge.handle_bytes(FIRST, now, b"noise~bad~S\x66\x90~");
    let (notices, _) = settle(&mut bridge);
    assert!(matches!(&notices[..], [Notice::Frame(frame), Notice::Port(FIRST)] if frame.payload == b"S"), "{notices:?}");
    assert_eq!(bridge.report(FIRST).counters.faults, [FaultCount { fault: FrameFault::BadCrc, count: 1 }]);
    assert_eq!(bridge.tally().of("noise-bytes"), 5);
}

#[test]
fn a_lost_port_is_told_at_once_with_its_cause_and_comes_back_as_a_new_generation() {
    let mut bridge = bridge(BY_KERNEL);
    let lost = Mono(1_000);
    bridge.handle_trouble(FIRST, lost, Trouble::Gone("hung up".to_owned()));
    assert_eq!(settle(&mut bridge).0, [Notice::Port(FIRST)]);
    let report = bridge.report(FIRST);
    assert!(matches!(&report.state, PortState::Down { cause } if cause.contains("hung up")), "{report:?}");
    assert_eq!((report.generation, report.since, report.baud), (Generation(1), lost, 0));
    let retry = bridge.poll_timeout().expect("retry");
    bridge.handle_timeout(retry);
    assert!(settle(&mut bridge).1.contains(&Action::Open(FIRST)));
    bridge.handle_opened(FIRST, retry, BY_KERNEL);
    assert_eq!((bridge.report(FIRST).generation, bridge.report(FIRST).state), (Generation(2), PortState::Up));
}

#[test]
fn bytes_of_a_port_that_is_not_open_are_nothing() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_bytes(SECOND, Mono(1), &hdlc::encode(b"S"));
    bridge.handle_written(SECOND, Mono(1), 9);
    bridge.handle_blocked(SECOND, Mono(1));
    bridge.handle_unsent(SECOND, Mono(1), 9);
    assert_eq!((settle(&mut bridge), bridge.report(SECOND).counters), ((vec![], vec![]), mqtypes::serial::PortCounters::default()));
}

#[test]
fn the_same_trouble_again_is_no_news() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_trouble(SECOND, Mono(0), Trouble::NoDevice);
    assert_eq!(settle(&mut bridge).0, [Notice::Port(SECOND)]);
    for _ in 0..5 {
        let retry = bridge.poll_timeout().expect("retry");
        bridge.handle_timeout(retry);
        assert_eq!(settle(&mut bridge), (vec![], vec![Action::Open(SECOND)]));
        bridge.handle_trouble(SECOND, retry, Trouble::NoDevice);
    }
    assert_eq!(settle(&mut bridge).0, []);
    let retry = bridge.poll_timeout().expect("retry");
    bridge.handle_trouble(SECOND, retry, Trouble::NotASerialPort("a directory"));
    assert_eq!(settle(&mut bridge).0, [Notice::Port(SECOND)]);
    assert_eq!(bridge.report(SECOND).since, retry);
}

#[test]
fn an_absent_port_costs_nothing_until_it_is_seen() {
    let mut bridge = bridge(BY_KERNEL);
    assert_eq!(bridge.poll_timeout(), None);
    bridge.handle_seen(SECOND, Mono(9_000_000));
    assert_eq!(settle(&mut bridge), (vec![], vec![Action::Open(SECOND)]));
}

#[test]
fn a_port_that_is_added_later_is_reported_opened_and_written_to() {
    let mut bridge = bridge(BY_KERNEL);
    let third = bridge.add(Wanted { name: name("/dev/c"), way: Way::Tcp }, Mono(5));
    assert_eq!(settle(&mut bridge), (vec![Notice::Port(third)], vec![Action::Open(third)]));
    bridge.handle_opened(third, Mono(6), Opened { baud: 0, flow: FlowControl::InProcess });
    bridge.handle_command(Mono(7), write_to("/dev/c", 1, LATE, b"Q"));
    assert_eq!(drain(&mut bridge, third, Mono(7)), hdlc::encode(b"Q"));
}

#[test]
fn that_a_rate_is_proven_is_told_before_the_frame_that_proves_it() {
    let mut bridge = begun("auto");
    bridge.handle_opened(FIRST, Mono(0), BY_KERNEL);
    settle(&mut bridge);
    bridge.handle_command(Mono(1), write());
    assert_eq!(settle(&mut bridge).0, ended(WriteEnd::PortDown), "not before");
    bridge.handle_bytes(FIRST, Mono(2), &hdlc::encode(b"S"));
    let (notices, _) = settle(&mut bridge);
    assert!(matches!(&notices[..], [Notice::Port(FIRST), Notice::Frame(frame)] if frame.payload == b"S"), "{notices:?}");
}

#[test]
fn a_search_sends_its_requests_sets_rates_and_tells_when_it_has_found_nothing() {
    let mut bridge = begun("115200+500000");
    bridge.handle_opened(FIRST, Mono(0), BY_KERNEL);
    bridge.handle_trouble(SECOND, Mono(0), Trouble::Absent);
    settle(&mut bridge);
    let mut done = Vec::new();
    while bridge.report(FIRST).state == PortState::Probing {
        let now = bridge.poll_timeout().expect("goes on");
        bridge.handle_timeout(now);
        for action in settle(&mut bridge).1 {
            done.push(action);
            match action {
                Action::Send(_) => drop(drain(&mut bridge, FIRST, now)),
                Action::Tune(id, rate) => bridge.handle_tuned(id, now, rate, rate),
                Action::LookAtKernel(id) => bridge.handle_unsent(id, now, 0),
                other => panic!("{other:?}"),
            }
        }
    }
    let done: Vec<_> = done.into_iter().filter(|action| !matches!(action, Action::LookAtKernel(_))).collect();
    let (send, tune) = (Action::Send(FIRST), |rate| Action::Tune(FIRST, rate));
    assert_eq!(done, [send, send, tune(500_000), send, send, tune(115_200)]);
    assert_eq!((bridge.report(FIRST).counters.tx_frames, settle(&mut bridge).0), (4, vec![]));
}

#[test]
fn a_device_that_does_another_rate_than_asked_is_closed_and_told() {
    let mut bridge = begun("1000000");
    settle(&mut bridge);
    bridge.handle_opened(FIRST, Mono(0), BY_KERNEL);
    assert_eq!(settle(&mut bridge).1, [Action::Close(FIRST)]);
    assert!(matches!(bridge.report(FIRST).state, PortState::Fault { cause } if cause.contains("refuses 1000000")));
}

#[test]
fn a_write_is_framed_sent_and_told_when_the_kernel_has_all_of_it() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(1), write());
    assert_eq!(settle(&mut bridge), (vec![], vec![Action::Send(FIRST)]));
    bridge.handle_written(FIRST, Mono(1), 2);
    bridge.handle_blocked(FIRST, Mono(1));
    assert_eq!(settle(&mut bridge).0, []);
    assert_eq!(drain(&mut bridge, FIRST, Mono(2)), hdlc::encode(b"Q")[2..]);
    assert_eq!(settle(&mut bridge).0, ended(WriteEnd::Written));
    let counters = bridge.report(FIRST).counters;
    assert_eq!((counters.tx_frames, counters.tx_bytes), (1, hdlc::encode(b"Q").len() as u64));
}

#[test]
fn a_write_that_cannot_be_is_refused_with_the_reason() {
    let cases = [
        (write_to("/dev/c", 1, LATE, b"Q"), WriteEnd::NoSuchPort),
        (write_to("/dev/b", 0, LATE, b"Q"), WriteEnd::PortDown),
        (write_to("/dev/a", 0, LATE, b"Q"), WriteEnd::PortDown),
        (write_to("/dev/a", 2, LATE, b"Q"), WriteEnd::PortDown),
        (write_to("/dev/a", 1, Mono(1), b"Q"), WriteEnd::Expired),
        (write_to("/dev/a", 1, LATE, b""), WriteEnd::BadLength),
        (write_to("/dev/a", 1, LATE, &[0; MAX_PAYLOAD_TO_MOTE + 1]), WriteEnd::BadLength),
    ];
    for (command, end) in cases {
        let mut bridge = bridge(BY_KERNEL);
        bridge.handle_command(Mono(1), command.clone());
        assert_eq!(settle(&mut bridge), (ended(end), vec![]), "{command:?}");
        assert_eq!(bridge.tally().of("write-refused"), 1);
    }
}

#[test]
fn the_longest_payload_is_taken_even_when_every_byte_is_escaped() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(1), write_to("/dev/a", 1, LATE, &[hdlc::FLAG; MAX_PAYLOAD_TO_MOTE]));
    drain(&mut bridge, FIRST, Mono(1));
    assert_eq!(settle(&mut bridge).0, ended(WriteEnd::Written));
}

#[test]
fn a_port_that_does_not_drain_refuses_more_and_harms_no_other() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_opened(SECOND, Mono(1), BY_KERNEL);
    for _ in 0..MOST_FRAMES {
        bridge.handle_command(Mono(1), write());
    }
    settle(&mut bridge);
    bridge.handle_command(Mono(1), write());
    assert_eq!(settle(&mut bridge).0, ended(WriteEnd::Busy));
    bridge.handle_command(Mono(1), write_to("/dev/b", 1, LATE, b"Q"));
    assert_eq!(drain(&mut bridge, SECOND, Mono(1)), hdlc::encode(b"Q"));
    assert_eq!(settle(&mut bridge).0, ended(WriteEnd::Written));
}

#[test]
fn a_write_that_is_late_is_never_sent() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(1), write_to("/dev/a", 1, Mono(1_000), b"Q"));
    bridge.handle_blocked(FIRST, Mono(1));
    settle(&mut bridge);
    bridge.handle_timeout(Mono(1_000));
    assert_eq!(settle(&mut bridge).0, ended(WriteEnd::Expired));
    assert_eq!(bridge.outgoing(FIRST), None);
}

#[test]
fn writes_that_wait_end_with_their_port() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(1), write());
    settle(&mut bridge);
    bridge.handle_trouble(FIRST, Mono(2), Trouble::Gone("hung up".to_owned()));
    let mut expect = ended(WriteEnd::PortDown);
    expect.push(Notice::Port(FIRST));
    assert_eq!(settle(&mut bridge).0, expect);
}

#[test]
fn output_that_stands_still_is_forced_on_after_a_bounded_wait() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(1), write());
    bridge.handle_blocked(FIRST, Mono(1));
    settle(&mut bridge);
    let due = Mono(1).after(LOST_XON);
    bridge.handle_timeout(due);
    assert!(settle(&mut bridge).1.contains(&Action::LookAtKernel(FIRST)));
    bridge.handle_unsent(FIRST, due, 0);
    assert_eq!(settle(&mut bridge).1, [Action::ForceOn(FIRST), Action::Send(FIRST)]);
    assert_eq!(bridge.tally().of("xon-lost"), 1);
}

#[test]
fn a_line_whose_kernel_takes_no_flow_control_is_held_here() {
    let mut bridge = bridge(IN_PROCESS);
    bridge.handle_bytes(FIRST, Mono(0), &[flow::XOFF]);
    bridge.handle_command(Mono(1), write());
    assert_eq!((settle(&mut bridge), bridge.outgoing(FIRST)), ((vec![], vec![]), None));
    bridge.handle_bytes(FIRST, Mono(2), &[flow::XON]);
    assert_eq!(settle(&mut bridge).1, [Action::Send(FIRST)]);
    bridge.handle_bytes(FIRST, Mono(3), &[flow::XOFF]);
    bridge.handle_timeout(Mono(3).after(LOST_XON));
    assert!(settle(&mut bridge).1.contains(&Action::Send(FIRST)));
    assert_eq!(bridge.tally().of("xon-lost"), 1);
}

#[test]
fn reports_and_figures_are_told_when_asked_for() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(1), SerialCommand::ReportPorts);
    bridge.handle_command(Mono(1), SerialCommand::ReportHealth);
    assert_eq!(settle(&mut bridge).0, [Notice::Port(FIRST), Notice::Port(SECOND), Notice::Health]);
}

/// The pieces of a port's line that are told, as direction, offset and bytes.
fn passed(bridge: &mut Bridge) -> Vec<(Direction, u64, Vec<u8>)> {
    let piece = |notice| match notice {
        Notice::Bytes(piece) => Some((piece.direction, piece.offset, piece.bytes)),
        Notice::Port(_) | Notice::Frame(_) | Notice::Write(_) | Notice::Health => None,
    };
    settle(bridge).0.into_iter().filter_map(piece).collect()
}

#[test]
fn bytes_are_passed_on_as_they_cross_the_line_while_the_lease_lasts() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_bytes(FIRST, Mono(1), b"before");
    assert_eq!(passed(&mut bridge), []);
    bridge.handle_command(Mono(2), SerialCommand::PassBytes { until: Mono(10) });
    bridge.handle_bytes(FIRST, Mono(3), b"~\x12\x11noise");
    bridge.handle_command(Mono(4), write());
    let line = hdlc::encode(b"Q");
    bridge.handle_written(FIRST, Mono(5), 2);
    bridge.handle_written(FIRST, Mono(9), line.len() - 2);
    let expected =
        [(Direction::Rx, 6, b"~\x12\x11noise".to_vec()), (Direction::Tx, 0, line[..2].to_vec()), (Direction::Tx, 2, line[2..].to_vec())];
    assert_eq!(passed(&mut bridge), expected);
    bridge.handle_bytes(FIRST, Mono(10), b"after");
    assert_eq!((passed(&mut bridge), bridge.poll_timeout().is_some_and(|at| at <= Mono(10))), (vec![], false));
}

#[test]
fn a_lease_can_be_ended_and_none_is_long() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(0), SerialCommand::PassBytes { until: Mono(u64::MAX) });
    bridge.handle_bytes(FIRST, Mono(0).after(LONGEST_PASSING), b"late");
    assert_eq!(passed(&mut bridge), []);
    bridge.handle_bytes(FIRST, Mono(1), b"in time");
    bridge.handle_command(Mono(2), SerialCommand::PassBytes { until: Mono(0) });
    bridge.handle_bytes(FIRST, Mono(2), b"ended");
    assert_eq!(passed(&mut bridge), [(Direction::Rx, 4, b"in time".to_vec())]);
}

#[test]
fn much_at_once_is_passed_on_in_pieces_and_what_comes_to_a_closed_port_is_not() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(0), SerialCommand::PassBytes { until: LATE });
    bridge.handle_bytes(FIRST, Mono(1), &[0x55; 2 * MAX_LINE_BYTES + 1]);
    bridge.handle_bytes(SECOND, Mono(1), b"nobody");
    let pieces: Vec<_> = passed(&mut bridge).into_iter().map(|(_, offset, bytes)| (offset, bytes.len())).collect();
    assert_eq!(pieces, [(0, 1024), (1024, 1024), (2048, 1)]);
}

#[derive(Debug, Clone)]
enum Event {
    Opened(usize),
    Lost(usize),
    Bytes(usize, Vec<u8>),
    Write(usize, u32, u64, usize),
    Written(usize, usize),
    Blocked(usize),
    Unsent(usize, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let port = 0..2usize;
    prop_oneof![
        port.clone().prop_map(Event::Opened),
        port.clone().prop_map(Event::Lost),
        (port.clone(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(port, bytes)| Event::Bytes(port, bytes)),
        (port.clone(), 0..4u32, 0..2_000_000u64, 0..200usize).prop_map(|(port, gen_, by, len)| Event::Write(port, gen_, by, len)),
        (port.clone(), 0..50usize).prop_map(|(port, count)| Event::Written(port, count)),
        port.clone().prop_map(Event::Blocked),
        (port, 0..3usize).prop_map(|(port, count)| Event::Unsent(port, count)),
    ]
}

fn apply(bridge: &mut Bridge, now: Mono, event: Event) {
    match event {
        Event::Opened(port) => bridge.handle_opened(PortId(port), now, if port == 0 { BY_KERNEL } else { IN_PROCESS }),
        Event::Lost(port) => bridge.handle_trouble(PortId(port), now, Trouble::Gone("hung up".to_owned())),
        Event::Bytes(port, bytes) => bridge.handle_bytes(PortId(port), now, &bytes),
        Event::Write(port, generation, by, len) => {
            let port = if port == 0 { "/dev/a" } else { "/dev/b" };
            bridge.handle_command(now, write_to(port, generation, Mono(now.0 + by), &vec![0x7e; len]));
        }
        Event::Written(port, count) => {
            let count = count.min(bridge.outgoing(PortId(port)).map_or(0, <[u8]>::len));
            bridge.handle_written(PortId(port), now, count);
        }
        Event::Blocked(port) => bridge.handle_blocked(PortId(port), now),
        Event::Unsent(port, count) => bridge.handle_unsent(PortId(port), now, count),
    }
}

proptest! {
    #[test]
    fn however_a_line_is_cut_into_reads_its_frames_are_the_same(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..6),
        cuts in prop::collection::vec(1..40usize, 1..40),
    ) {
        let line: Vec<u8> = payloads.iter().flat_map(|payload| [vec![flow::XOFF], flow::escape(&hdlc::encode(payload)), vec![flow::XON]].concat()).collect();
        let mut bridge = bridge(BY_KERNEL);
        let mut rest = &line[..];
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*cut));
            bridge.handle_bytes(FIRST, Mono(1), now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let heard: Vec<_> = settle(&mut bridge).0.into_iter().filter_map(|notice| match notice {
            Notice::Frame(frame) => Some(frame.payload),
            Notice::Port(_) | Notice::Write(_) | Notice::Health | Notice::Bytes(_) => None,
        }).collect();
        prop_assert_eq!(heard, payloads);
    }

    #[test]
    fn whatever_happens_each_write_ends_once_and_every_deadline_passes(
        events in prop::collection::vec((0..400_000u64, event()), 1..80),
        rates in prop::sample::select(vec!["115200", "115200+500000"]),
    ) {
        let mut bridge = begun(rates);
        let (mut now, mut asked, mut ended) = (Mono(0), 0, 0);
        for (step, event) in events {
            now = Mono(now.0 + step);
            asked += usize::from(matches!(event, Event::Write(..)));
            apply(&mut bridge, now, event);
            bridge.handle_timeout(now);
            prop_assert!(bridge.poll_timeout().is_none_or(|at| at > now));
            ended += settle(&mut bridge).0.iter().filter(|notice| matches!(notice, Notice::Write(_))).count();
        }
        bridge.handle_timeout(Mono(now.0 + 10_000_000));
        ended += settle(&mut bridge).0.iter().filter(|notice| matches!(notice, Notice::Write(_))).count();
        prop_assert_eq!(ended, asked);
    }
}

#[test]
fn a_port_that_nobody_wants_stays_closed_and_is_not_told_of_until_somebody_does() {
    let mut bridge = bridge(BY_KERNEL);
    bridge.handle_command(Mono(0), write());
    settle(&mut bridge);
    bridge.handle_trouble(FIRST, Mono(1), Trouble::Unwanted);
    let (notices, _) = settle(&mut bridge);
    assert_eq!(notices, [ended(WriteEnd::PortDown), vec![Notice::Port(FIRST)]].concat());
    assert_eq!(bridge.report(FIRST).state, PortState::Down { cause: "not configured any more".to_owned() });
    bridge.handle_seen(FIRST, LATE);
    bridge.handle_missing(FIRST, LATE);
    bridge.handle_command(LATE, SerialCommand::ReportPorts);
    assert_eq!(settle(&mut bridge), (vec![Notice::Port(SECOND)], vec![]));
    bridge.handle_wanted(FIRST, LATE, Way::Node("9600".parse().expect("rates")));
    assert_eq!(settle(&mut bridge).1, [Action::Open(FIRST)]);
    bridge.handle_opened(FIRST, LATE, Opened { baud: 9_600, ..BY_KERNEL });
    assert_eq!((bridge.report(FIRST).generation, bridge.report(FIRST).state), (Generation(2), PortState::Up));
}
