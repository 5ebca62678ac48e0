//! One port in virtual time.

use framing::flow;
use mqtypes::serial::{FaultCount, FrameFault};
use proptest::prelude::*;

use super::*;
use crate::output::FlowControl;

const OPENED: Opened = Opened { baud: 115_200, flow: FlowControl::ByKernel };

fn port_at(rates: &str) -> Port {
    let wanted = Wanted { name: PortName("/dev/ttyUSB0".to_owned()), way: Way::Node(rates.parse().expect("rates")) };
    Port::new(wanted, 1, Mono(0))
}

fn port() -> Port {
    port_at("115200")
}

fn tcp() -> Port {
    Port::new(Wanted { name: PortName("tcp://m3-1:20000".to_owned()), way: Way::Tcp }, 1, Mono(0))
}

fn gone() -> Trouble {
    Trouble::Gone("hung up".to_owned())
}

fn ms(ms: u64) -> Mono {
    Mono(ms * 1_000)
}

/// Fails to open until `end`; tells when it was tried.
fn tries(port: &mut Port, trouble: &Trouble, end: Mono) -> Vec<Mono> {
    let mut tried = Vec::new();
    port.handle_trouble(Mono(0), trouble.clone());
    while let Some(now) = port.poll_timeout().filter(|at| *at < end) {
        assert_eq!(port.handle_timeout(now), Some(Want::Open));
        assert_eq!(port.poll_timeout(), None);
        port.handle_trouble(now, trouble.clone());
        tried.push(now);
    }
    tried
}

/// Frames as they come out of bytes.
fn hear(port: &mut Port, now: Mono, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    port.handle_bytes(now, bytes, |frame| heard.push(frame.payload));
    heard
}

/// The answer of a mote to the request that a port is about to send.
fn answer(port: &Port) -> Vec<u8> {
    let request = port.line().and_then(|line| line.output.next()).expect("a request").to_vec();
    let mut decoder = hdlc::Decoder::new();
    let payload = request.iter().find_map(|byte| decoder.push(*byte)).expect("a frame").expect("right");
    flow::escape(&hdlc::encode(&[&b"D\x12\x34\x01\x02\x03\x04\x05"[..], &payload[1..]].concat()))
}

/// Lets deadlines pass until the port wants something.
fn next_want(port: &mut Port) -> (Mono, Want) {
    for _ in 0..10 {
        let now = port.poll_timeout().expect("something is due");
        while port.take_expired(now).is_some() {}
        port.poll_telling(now);
        if let Some(want) = port.handle_timeout(now) {
            return (now, want);
        }
    }
    panic!("{port:?} wants nothing");
}

#[test]
fn while_its_node_is_absent_nothing_is_due_and_when_it_is_seen_it_is_opened() {
    let mut port = port();
    port.handle_trouble(Mono(0), Trouble::Absent);
    assert_eq!(port.poll_timeout(), None);
    assert!(matches!(port.state(), PortState::Down { .. }));
    assert_eq!(port.handle_seen(ms(5_000)), Some(Want::Open));
    assert_eq!(port.handle_opened(ms(5_000), OPENED), None);
    assert_eq!((port.state(), port.report().since, port.generation()), (PortState::Up, ms(5_000), Generation(1)));
}

#[test]
fn a_node_that_comes_and_goes_without_end_is_tried_eight_times_a_second() {
    let mut port = port();
    port.handle_trouble(Mono(0), Trouble::Absent);
    let mut tried = 0;
    for now in (1..10_000).map(ms) {
        let mut want = port.handle_seen(now);
        if port.poll_timeout().is_some_and(|at| at <= now) {
            want = port.handle_timeout(now);
        }
        if want == Some(Want::Open) {
            tried += 1;
            port.handle_trouble(now, Trouble::Absent);
        }
    }
    assert!((75..=90).contains(&tried), "{tried}");
}

#[test]
fn what_keeps_failing_is_tried_for_ever_but_ever_more_slowly() {
    for (trouble, longest) in [(gone(), 5), (Trouble::NoDevice, 5), (Trouble::NotASerialPort("a directory"), 60)] {
        let mut port = port();
        let tried = tries(&mut port, &trouble, ms(600_000));
        let gaps: Vec<_> = tried.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(gaps.is_sorted(), "{gaps:?}");
        assert_eq!(gaps.last(), Some(&Duration::from_secs(longest)));
    }
}

#[test]
fn a_port_in_use_is_taken_within_two_seconds_of_being_free() {
    let mut port = port();
    let tried = tries(&mut port, &Trouble::InUse(crate::trouble::Holder::Unknown), ms(60_000));
    assert!(tried.windows(2).all(|pair| pair[1].since(pair[0]) <= Duration::from_secs(2)));
}

#[test]
fn time_in_which_all_was_well_forgives() {
    let mut port = port();
    let last = *tries(&mut port, &gone(), ms(60_000)).last().expect("tried");
    port.handle_opened(last, OPENED);
    let lost = last.after(Duration::from_secs(30));
    port.handle_trouble(lost, gone());
    assert_eq!(port.poll_timeout().map(|at| at.since(lost)), Some(Duration::from_millis(100)));
    assert!(matches!(port.state(), PortState::Down { .. }));
}

#[test]
fn a_port_that_hangs_up_at_once_each_time_does_not_spin_and_is_a_fault() {
    let mut port = port();
    let mut now = Mono(0);
    for _ in 0..100 {
        port.handle_opened(now, OPENED);
        port.handle_trouble(now, gone());
        now = port.poll_timeout().expect("retry");
        assert_eq!(port.handle_timeout(now), Some(Want::Open));
    }
    assert!(now.since(Mono(0)) > Duration::from_secs(5 * 90));
    assert!(matches!(port.state(), PortState::Fault { cause } if cause.contains("keeps failing") && cause.contains("hung up")));
    let counters = port.report().counters;
    assert_eq!((port.generation(), counters.openings), (Generation(100), 100));
}

#[test]
fn a_cable_that_is_pulled_often_is_no_fault_and_is_opened_at_once() {
    let mut port = port();
    for round in 0..100 {
        let now = ms(round * 400);
        port.handle_opened(now, OPENED);
        port.handle_trouble(now.after(Duration::from_millis(10)), gone());
        assert!(matches!(port.state(), PortState::Down { .. }));
        port.handle_missing(now.after(Duration::from_millis(20)));
        assert_eq!(port.poll_timeout(), None);
        assert_eq!(port.handle_seen(now.after(Duration::from_millis(390))), Some(Want::Open));
    }
}

#[test]
fn a_node_that_is_taken_away_is_told_as_such_until_it_is_back() {
    let mut port = port();
    for round in 0..10 {
        port.handle_opened(ms(round), OPENED);
        port.handle_trouble(ms(round), Trouble::Removed);
        port.handle_missing(ms(round));
        assert!(matches!(port.state(), PortState::Down { cause } if cause.contains("its node is gone")));
        assert_eq!(port.poll_timeout(), None);
    }
}

#[test]
fn a_mote_that_talks_proves_its_rate_and_nothing_is_sent() {
    let mut port = port_at("auto");
    assert_eq!(port.handle_opened(Mono(0), OPENED), None);
    assert_eq!(port.state(), PortState::Probing);
    assert_eq!(hear(&mut port, ms(90), b"rest of a frame~"), Vec::<Vec<u8>>::new());
    assert_eq!(hear(&mut port, ms(100), &hdlc::encode(b"S\x01\x02")), [b"S\x01\x02"]);
    assert_eq!((port.state(), port.report().baud, port.report().since), (PortState::Up, 115_200, ms(100)));
    assert_eq!((port.poll_timeout(), port.report().counters.tx_frames), (None, 0));
}

#[test]
fn a_silent_mote_is_found_by_its_echo_at_the_second_rate() {
    let mut port = port_at("auto");
    port.handle_opened(Mono(0), OPENED);
    assert_eq!(next_want(&mut port), (ms(1_500), Want::Send));
    assert_eq!(next_want(&mut port), (ms(2_500), Want::Send));
    assert_eq!(next_want(&mut port), (ms(3_500), Want::Tune(500_000)));
    assert_eq!(port.handle_tuned(ms(3_500), 500_000, 500_000), None);
    let (asked, want) = next_want(&mut port);
    assert_eq!((asked, want), (ms(5_000), Want::Send));
    let answer = answer(&port);
    assert_eq!(hear(&mut port, ms(5_010), &answer), Vec::<Vec<u8>>::new());
    assert_eq!((port.state(), port.report().baud), (PortState::Up, 500_000));
    assert_eq!(hear(&mut port, ms(5_020), &answer), Vec::<Vec<u8>>::new(), "a second answer is nobody's frame");
}

#[test]
fn a_line_that_gives_back_what_it_hears_is_no_mote() {
    let mut port = port_at("115200+500000");
    port.handle_opened(Mono(0), OPENED);
    next_want(&mut port);
    let request = port.line().and_then(|line| line.output.next()).expect("a request").to_vec();
    hear(&mut port, ms(1_501), &request);
    assert_eq!(port.state(), PortState::Probing);
}

#[test]
fn where_no_mote_answers_it_is_told_as_a_fault_and_the_search_goes_on() {
    let mut port = port_at("115200+500000");
    port.handle_opened(Mono(0), OPENED);
    while port.state() == PortState::Probing {
        if let (now, Want::Tune(rate)) = next_want(&mut port) {
            hear(&mut port, now, &[0x55; 100]);
            assert_eq!(port.handle_tuned(now, rate, rate), None);
        }
    }
    assert!(matches!(port.state(), PortState::Fault { cause } if cause.contains("no mote answers at 115200 and 500000 bit/s")));
    assert!(port.report().counters.noise_bytes >= 100);
    let now = port.poll_timeout().expect("goes on");
    hear(&mut port, now, &hdlc::encode(b"S"));
    assert_eq!(port.state(), PortState::Up);
}

#[test]
fn a_rate_that_the_device_refuses_is_passed_over_and_told_when_no_other_is_left() {
    let mut port = port_at("1000000+115200");
    assert_eq!(port.handle_opened(Mono(0), OPENED), Some(Want::Tune(115_200)));
    assert_eq!(port.handle_tuned(Mono(0), 115_200, 115_200), None);
    assert_eq!(port.state(), PortState::Probing);
    let mut port = port_at("1000000");
    let Some(Want::GiveUp(trouble)) = port.handle_opened(Mono(0), OPENED) else { panic!("{port:?}") };
    port.handle_trouble(Mono(0), trouble);
    assert!(matches!(port.state(), PortState::Fault { cause } if cause.contains("1000000 bit/s")));
}

#[test]
fn a_rate_that_was_found_is_looked_for_again_when_only_garbage_comes() {
    let mut port = port_at("auto");
    port.handle_opened(Mono(0), OPENED);
    hear(&mut port, Mono(0), &hdlc::encode(b"S"));
    let mut wants = (0..200).map(|at| port.handle_bytes(ms(at * 100), b"garbage~", drop));
    let at = wants.position(|want| want == Some(Want::GiveUp(Trouble::Garbled)));
    assert_eq!(at, Some(100), "ten seconds after the last frame");
    let mut fixed = port_at("115200");
    fixed.handle_opened(Mono(0), OPENED);
    assert!((0..200).all(|at| fixed.handle_bytes(ms(at * 100), b"garbage~", drop).is_none()));
}

#[test]
fn frames_are_not_sent_before_the_rate_is_proven() {
    let mut port = port_at("auto");
    port.handle_opened(Mono(0), OPENED);
    assert!(port.proven_line().is_none() && port.line_mut().is_some());
    hear(&mut port, Mono(0), &hdlc::encode(b"S"));
    assert!(port.proven_line().is_some());
}

#[test]
fn a_connection_that_does_not_come_about_is_given_up_and_tried_again() {
    let mut port = tcp();
    let until = port.poll_timeout().expect("bounded");
    assert_eq!(until, Mono(0).after(CONNECTS_WITHIN));
    let Some(Want::GiveUp(trouble)) = port.handle_timeout(until) else { panic!("{port:?}") };
    port.handle_trouble(until, trouble);
    assert!(matches!(port.state(), PortState::Down { cause } if cause.contains("within 10 s")));
    let retry = port.poll_timeout().expect("again");
    assert_eq!(port.handle_timeout(retry), Some(Want::Open));
    port.handle_opened(retry, Opened { baud: 0, flow: FlowControl::InProcess });
    assert_eq!((port.state(), port.report().baud), (PortState::Up, 0));
}

#[test]
fn faults_are_reported_at_once_and_then_once_a_second() {
    let mut port = port();
    port.handle_opened(Mono(0), OPENED);
    let mut told = 0;
    for now in (5_000..8_000).map(ms) {
        port.handle_bytes(now, b"~noise~", drop);
        told += u32::from(port.poll_telling(now));
    }
    assert_eq!(told, 3);
    assert_eq!(port.report().counters.faults, [FaultCount { fault: FrameFault::BadCrc, count: 3_000 }]);
    let last = port.poll_timeout().expect("the last ones are told too");
    assert!(port.poll_telling(last));
    assert_eq!(port.poll_timeout(), None);
}

#[derive(Debug, Clone)]
enum Event {
    Opened(u32),
    Lost,
    Absent,
    Seen,
    Missing,
    Bytes(Vec<u8>),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        prop::sample::select(vec![115_200, 500_000, 300]).prop_map(Event::Opened),
        Just(Event::Lost),
        Just(Event::Absent),
        Just(Event::Seen),
        Just(Event::Missing),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Event::Bytes),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(|payload| Event::Bytes(hdlc::encode(&payload))),
        (0..20_000_000u64).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_port_waits_for_news_or_for_a_deadline_and_never_spins(
        events in prop::collection::vec(event(), 1..60),
        rates in prop::sample::select(vec!["115200", "115200+500000", "auto"]),
    ) {
        let mut port = port_at(rates);
        let mut now = Mono(0);
        let mut opening = true;
        for event in events {
            let want = match event {
                Event::Opened(baud) if opening => port.handle_opened(now, Opened { baud, ..OPENED }),
                Event::Absent if opening => { port.handle_trouble(now, Trouble::Absent); None }
                Event::Opened(_) | Event::Absent => None,
                Event::Lost => { port.handle_trouble(now, gone()); None }
                Event::Seen => port.handle_seen(now),
                Event::Missing => { port.handle_missing(now); None }
                Event::Bytes(bytes) => port.handle_bytes(now, &bytes, drop),
                Event::Wait(span) => { now = Mono(now.0 + span); None }
            };
            if let Some(Want::GiveUp(trouble)) = want.clone() {
                port.handle_trouble(now, trouble);
            }
            let mut wants = 0;
            while port.poll_timeout().is_some_and(|at| at <= now) {
                while port.take_expired(now).is_some() {}
                port.poll_telling(now);
                if let Some(Want::GiveUp(trouble)) = port.handle_timeout(now) {
                    port.handle_trouble(now, trouble);
                }
                wants += 1;
                prop_assert!(wants < 20);
            }
            opening = matches!(port.state, State::Opening { .. });
            let waits_for_news = matches!(port.trouble(), Some(Trouble::Absent | Trouble::Removed | Trouble::SameDevice(_)));
            let is_quiet = matches!(port.state, State::Up { .. }) || opening || waits_for_news;
            prop_assert!(is_quiet || port.poll_timeout().is_some());
        }
    }
}
