//! One mote by itself, in virtual time, held against what genuine motes said in the recordings.

use super::*;
use crate::recording::{data, judged};
use data_encoding::HEXLOWER;
use eventbus::frame::{HostFrame, RootAction, SetRoot};
use framing::flow::{Heard, Unescape, XOFF, XON};
use framing::hdlc::{Decoder, encode};
use mqtypes::status::MacStats;
use proptest::prelude::*;

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

/// A mote with its host.
struct Bench {
    mote: Mote,
    now: Mono,
    unescape: Unescape,
    decoder: Decoder,
    /// What the host heard, and when.
    frames: Vec<(Mono, Vec<u8>)>,
    /// Frames that were none.
    bad: usize,
    /// XON and XOFF.
    controls: Vec<u8>,
}

impl Bench {
    fn new(flow: FlowControl) -> Self {
        let eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
        let mut bench = Self {
            mote: Mote::boot(Mono(0), Board { eui64, serial: Some(flow), seed: 1, first_asn: Asn(0) }),
            now: Mono(0),
            unescape: Unescape::default(),
            decoder: Decoder::new(),
            frames: Vec::new(),
            bad: 0,
            controls: Vec::new(),
        };
        bench.listen();
        bench
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(at) = self.mote.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.mote.handle_timeout(at);
            self.listen();
        }
        self.now = end;
    }

    fn listen(&mut self) {
        for byte in self.mote.poll_output().unwrap_or_default() {
            match self.unescape.push(byte) {
                Some(Heard::Data(byte)) => match self.decoder.push(byte) {
                    Some(Ok(frame)) => self.frames.push((self.now, frame)),
                    Some(Err(_)) => self.bad += 1,
                    None => {}
                },
                Some(Heard::Xon) => self.controls.push(XON),
                Some(Heard::Xoff) => self.controls.push(XOFF),
                None => {}
            }
        }
    }

    fn tell(&mut self, frame: &HostFrame) {
        self.tell_bytes(&encode(&frame.emit().expect("short enough")));
    }

    fn tell_bytes(&mut self, bytes: &[u8]) {
        self.mote.handle_bytes(self.now, bytes);
        self.listen();
    }

    fn set_root(&mut self, action: RootAction) {
        self.tell(&HostFrame::SetRoot(SetRoot { action, prefix: PREFIX, key_index: 1, key: [0; 16] }));
    }

    /// What was heard since `from`.
    fn since(&self, from: usize) -> Vec<Frame> {
        self.frames[from..].iter().map(|(_, payload)| Frame::parse(payload).expect("it can be read")).collect()
    }

    /// The logs since `from`: component, code and arguments.
    fn logs(&self, from: usize) -> Vec<(u8, u8, [u16; 2])> {
        let logs = self.since(from).into_iter().filter_map(|frame| if let Frame::Log(log) = frame { Some(log) } else { None });
        logs.map(|log| (log.component, log.code, [log.arg1, log.arg2])).collect()
    }

    /// Runs for a round of reports, and tells the role and what else depends on it.
    fn look(&mut self) -> (IdManager, bool, u16) {
        let from = self.frames.len();
        self.run(Duration::from_millis(1_300));
        let (mut id, mut sync, mut rank) = (None, None, None);
        for frame in self.since(from) {
            if let Frame::Status(status) = frame {
                match status.element {
                    Element::IdManager(each) => id = Some(each),
                    Element::IsSync(each) => sync = Some(each.is_sync),
                    Element::MyDagRank(each) => rank = Some(each.rank),
                    _other => {}
                }
            }
        }
        (id.expect("told in a round"), sync.expect("told in a round"), rank.expect("told in a round"))
    }
}

#[test]
fn a_fresh_mote_says_byte_for_byte_what_a_genuine_one_said() {
    let genuine: Vec<_> =
        judged(&data("A.oracle.jsonl.gz")).expect("there").into_iter().filter_map(|frame| frame.payload).take(14).collect();
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_millis(1_310));
    let said: Vec<_> = bench.frames.iter().map(|(_, payload)| HEXLOWER.encode(payload)).collect();
    let expected: Vec<_> = genuine.iter().map(|payload| HEXLOWER.encode(payload)).collect();
    assert_eq!(said, expected);
}

#[test]
fn each_element_is_told_every_1300_ms_and_table_rows_in_turn() {
    for flow in [FlowControl::EverySlot, FlowControl::Silent] {
        let mut bench = Bench::new(flow);
        bench.run(Duration::from_mins(1));
        let statuses: Vec<(Mono, Vec<u8>)> = bench.frames.iter().filter(|(_, payload)| payload[0] == b'S').cloned().collect();
        assert_eq!(statuses.len(), 600, "{flow:?}: one per 100 ms");
        for element in 0..13 {
            let times: Vec<Mono> = statuses.iter().filter(|(_, payload)| payload[3] == element).map(|(at, _)| *at).collect();
            assert!(times.windows(2).all(|pair| pair[1].since(pair[0]) == Duration::from_millis(1_300)), "{flow:?}, element {element}");
        }
        let rows: Vec<u8> = statuses.iter().filter(|(_, payload)| payload[3] == 6).map(|(_, payload)| payload[4]).collect();
        assert_eq!(rows[..22], [&(1..21).collect::<Vec<u8>>()[..], &[0, 1]].concat());
        let rows: Vec<u8> = statuses.iter().filter(|(_, payload)| payload[3] == 9).map(|(_, payload)| payload[4]).collect();
        assert_eq!(rows[..31], [&(1..30).collect::<Vec<u8>>()[..], &[0, 1]].concat());
    }
}

#[test]
fn xoff_and_xon_come_a_hundred_times_a_second_or_not_at_all() {
    for action in [None, Some(RootAction::Yes)] {
        let mut bench = Bench::new(FlowControl::EverySlot);
        if let Some(action) = action {
            bench.set_root(action);
        }
        bench.run(Duration::from_secs(10));
        assert_eq!(bench.controls.len(), 2_000);
        assert!(bench.controls.chunks(2).all(|pair| pair == [XOFF, XON]));
    }
    let mut bench = Bench::new(FlowControl::Silent);
    bench.run(Duration::from_secs(10));
    assert!(bench.controls.is_empty());
}

#[test]
fn the_root_role_is_set_kept_and_taken_away() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_secs(3));
    let (before, sync, rank) = bench.look();
    assert_eq!((before.is_dag_root, before.prefix, sync, rank), (false, LINK_LOCAL, false, NO_RANK));
    for action in [RootAction::Yes, RootAction::Yes, RootAction::No, RootAction::No, RootAction::Toggle, RootAction::Toggle] {
        let was_root = bench.mote.memory.standing == Standing::Root;
        bench.set_root(action);
        let (id, sync, rank) = bench.look();
        let wanted = match action {
            RootAction::Yes => true,
            RootAction::No => false,
            RootAction::Toggle => !was_root,
        };
        assert_eq!((id.is_dag_root, sync, id.prefix), (wanted, wanted, PREFIX), "{action:?}");
        assert_eq!(rank, 256, "the firmware forgets the role, not the rank");
    }
}

/// Recording D, from 323 s to 430 s; the 0x33 of the first command is that of recording A at 18 s.
#[test]
fn changes_of_the_role_are_logged_as_a_genuine_mote_logs_them() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    let mut check = |action, expected: &[(u8, u8, u16)]| {
        let from = bench.frames.len();
        bench.set_root(action);
        bench.run(Duration::from_millis(100));
        let logs: Vec<_> = bench.logs(from).into_iter().map(|(component, code, [arg1, _])| (component, code, arg1)).collect();
        assert_eq!(logs, expected, "{action:?}");
    };
    check(RootAction::Toggle, &[(0x09, 0x33, 1)]);
    check(RootAction::Yes, &[(0x0e, 0x20, 0)]);
    check(RootAction::No, &[(0x09, 0x2f, 20)]);
    check(RootAction::No, &[]);
    check(RootAction::Yes, &[(0x09, 0x33, 1), (0x0e, 0x20, 0)]);
}

#[test]
fn slots_are_counted_from_the_moment_the_mote_is_root() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_secs(5));
    bench.set_root(RootAction::Yes);
    bench.run(Duration::from_secs(20));
    assert_eq!(bench.mote.asn(bench.now), Asn(2_000));
    let stats: Vec<MacStats> = bench
        .since(0)
        .into_iter()
        .filter_map(
            |frame| if let Frame::Status(StatusFrame { element: Element::MacStats(stats), .. }) = frame { Some(stats) } else { None },
        )
        .collect();
    assert_eq!(stats[2].num_tics_on, stats[2].num_tics_total, "it searched");
    let last = stats.last().expect("told");
    assert!(last.num_tics_on * 20 < last.num_tics_total, "{last:?}");
}

#[test]
fn an_echo_comes_back_with_id_and_slot_number_whatever_its_bytes() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_millis(2_005));
    for body in [vec![], vec![0x7e, 0x7d, 0x11, 0x12, 0x13, 0x00, 0xff], (0..=195).collect()] {
        let from = bench.frames.len();
        bench.tell(&HostFrame::Echo(body.clone()));
        bench.run(Duration::from_millis(50));
        let asn = bench.since(from).into_iter().find_map(|frame| match frame {
            Frame::Data(reply) if reply.body == body && reply.id16 == 1 => Some(reply.asn),
            _other => None,
        });
        assert!(asn.is_some_and(|Asn(slots)| (200..=230).contains(&slots)), "{asn:?}");
    }
}

#[test]
fn a_reset_boots_the_mote_and_makes_it_forget_its_role() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.set_root(RootAction::Yes);
    bench.run(Duration::from_secs(2));
    let from = bench.frames.len();
    bench.tell(&HostFrame::Reset);
    bench.run(Duration::from_millis(1_310));
    let said: Vec<_> = bench.frames[from..].iter().map(|(_, payload)| HEXLOWER.encode(payload)).collect();
    assert_eq!(said[..3], ["550001014f00000000", "5300010100feca0001141592cc00000001fe80000000000000", "53000102ffff"]);
    assert_eq!(said.last().map(String::as_str), Some("5300010000"));
}

#[test]
fn what_a_mote_cannot_take_is_complained_about_and_spoils_nothing() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    let from = bench.frames.len();
    bench.tell_bytes(&[0x7e, 0x53, 0x01, 0x02, 0x03, 0x7e]);
    bench.tell_bytes(&encode(&[0x53; 250]));
    bench.tell_bytes(&encode(b"RY"));
    bench.tell_bytes(&encode(b"Z unknown"));
    bench.tell_bytes(&encode(&[&b"RX"[..], &[0; 25]].concat()));
    bench.run(Duration::from_millis(90));
    let expected = [(4, 0x42, [0, 0]), (4, 0x43, [0, 0]), (2, 0x4e, [1, 0]), (2, 0x53, [0, 0])];
    assert_eq!(bench.logs(from), expected);
    let inputs: Vec<Input> = std::iter::from_fn(|| bench.mote.poll_input()).collect();
    assert_eq!(inputs[..2], [Input::WrongCrc, Input::Overflow]);
    assert_eq!(inputs.len(), 5);
}

#[test]
fn a_mote_that_nobody_listens_to_goes_still_and_comes_back() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    while let Some(at) = bench.mote.poll_timeout().filter(|at| *at < Mono(60_000_000)) {
        bench.mote.handle_timeout(at);
        bench.mote.handle_bytes(at, &encode(b"S echo"));
    }
    bench.now = Mono(60_000_000);
    assert!(bench.mote.poll_output().is_some_and(|bytes| bytes.len() < 2_000));
    assert!(bench.mote.lost() > 0);
    bench.decoder = Decoder::new();
    bench.unescape = Unescape::default();
    bench.run(Duration::from_secs(3));
    let from = bench.frames.len();
    bench.run(Duration::from_millis(1_300));
    assert_eq!(bench.since(from).len(), 13);
}

/// Recording D, at 286 s: a root that gets more than it can send complains.
#[test]
fn data_for_the_mesh_is_taken_by_a_root_until_its_queue_is_full_and_ignored_by_others() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    let data = HostFrame::Data { next_hop: Eui64([1; 8]), lowpan: vec![0xf1; 80] };
    bench.tell(&data);
    assert!(bench.mote.describe(bench.now).ends_with("0 carried, 0 refused, 1 ignored"));
    bench.set_root(RootAction::Yes);
    let from = bench.frames.len();
    (0..20).for_each(|_| bench.tell(&data));
    assert!(bench.mote.describe(bench.now).ends_with("14 carried, 6 refused, 1 ignored"));
    bench.run(Duration::from_millis(1_300));
    assert_eq!(bench.logs(from).iter().filter(|log| **log == (0x11, 0x46, [0, 0])).count(), 6);
    let queue = bench.since(from).into_iter().find_map(|frame| match frame {
        Frame::Status(StatusFrame { element: Element::Queue(queue), .. }) => Some(queue),
        _other => None,
    });
    assert!(queue.is_some_and(|queue| queue[0] == BRIDGED && queue.len() == QUEUE_LENGTH));
}

#[test]
fn data_that_is_too_short_or_too_long_is_complained_about() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    let from = bench.frames.len();
    bench.tell_bytes(&encode(&[b'D'; 8]));
    bench.tell_bytes(&encode(&[b'D'; 128]));
    bench.tell_bytes(&encode(b"C\x01\x02\x03\x04"));
    bench.run(Duration::from_millis(90));
    assert_eq!(bench.logs(from), [(0x11, 0x4e, [7, 0]), (0x11, 0x4e, [127, 0])]);
}

#[test]
fn a_mote_boots_ten_seconds_after_something_critical_and_goes_on_until_then() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_secs(3));
    let from = bench.frames.len();
    bench.mote.fail(bench.now);
    bench.run(Duration::from_secs(11));
    let critical = bench.since(from).iter().position(|frame| matches!(frame, Frame::Log(log) if log.severity == Severity::Critical));
    assert_eq!(critical, Some(0));
    let boot = bench.since(from).iter().position(|frame| matches!(frame, Frame::Log(log) if log.code == code::BOOTED)).expect("it boots");
    assert!(bench.frames[from + boot].0.since(bench.frames[from].0) >= Duration::from_millis(9_990) && boot > 90, "{boot}");
}

#[test]
fn a_silent_mote_comes_back_by_itself_or_with_a_boot() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_secs(2));
    let said = |bench: &Bench| (bench.frames.len(), bench.controls.len());
    bench.mote.fall_silent(bench.now, bench.now.after(Duration::from_secs(8)));
    let before = said(&bench);
    bench.run(Duration::from_millis(7_900));
    assert_eq!(said(&bench), before);
    bench.run(Duration::from_secs(2));
    assert!(said(&bench).0 > before.0 + 10 && bench.bad <= 1);
    bench.mote.fall_silent(bench.now, Mono(u64::MAX));
    let before = said(&bench);
    bench.run(Duration::from_secs(100));
    assert_eq!(said(&bench), before);
    bench.mote.reset(bench.now);
    bench.run(Duration::from_secs(1));
    assert!(said(&bench).0 > before.0 + 5);
}

#[test]
fn a_mote_without_xon_goes_on_talking() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.mote.withhold_xon(bench.now, bench.now.after(Duration::from_secs(5)));
    bench.run(Duration::from_secs(5));
    assert!(bench.controls[..499].iter().all(|control| *control == XOFF), "{:?}", bench.controls);
    assert_eq!(bench.since(0).len(), 51);
    bench.run(Duration::from_secs(1));
    assert!(bench.controls.ends_with(&[XOFF, XON]));
}

#[test]
fn spoiled_frames_are_found_and_cost_no_others() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_secs(1));
    bench.mote.cut_next_frame();
    bench.run(Duration::from_secs(1));
    assert_eq!((bench.bad, bench.frames.len()), (1, 20));
    bench.mote.flip_in_next_frame();
    bench.run(Duration::from_secs(1));
    assert_eq!((bench.bad, bench.frames.len()), (2, 29));
    bench.mote.overrun(bench.now);
    bench.run(Duration::from_secs(1));
    assert!((3..30).contains(&bench.bad), "{}", bench.bad);
    let bad = bench.bad;
    bench.mote.make_noise(bench.now, 2_000);
    bench.run(Duration::from_secs(2));
    assert!(bench.bad > bad);
    let (bad, good) = (bench.bad, bench.frames.len());
    bench.run(Duration::from_secs(10));
    assert_eq!((bench.bad, bench.frames.len()), (bad, good + 100));
}

#[test]
fn whatever_a_mote_is_to_say_can_be_read() {
    let mut bench = Bench::new(FlowControl::EverySlot);
    bench.run(Duration::from_millis(95));
    bench.mote.print(bench.now, "hello");
    bench.mote.sniff(bench.now);
    bench.mote.say_log(bench.now, Severity::Warning, 9, 0x31, [0xfff9, 1]);
    let from = bench.frames.len();
    bench.run(Duration::from_millis(20));
    let said = bench.since(from);
    assert!(said.iter().any(|frame| matches!(frame, Frame::Printf(printf) if printf.text == b"hello" && printf.asn == Asn(9))));
    assert!(said.iter().any(|frame| matches!(frame, Frame::Sniffed(sniffed) if sniffed.channel == 20 && sniffed.frame.len() == 15)));
    assert_eq!(bench.logs(from), [(9, 0x31, [0xfff9, 1])]);
}

#[test]
fn a_root_counts_slots_from_where_it_is_told_and_passes_every_boundary() {
    for first in [0xffff, 0xffff_ffff, LARGEST_ASN] {
        let mut bench = Bench::new(FlowControl::Silent);
        bench.mote.board.first_asn = Asn(first - 500);
        bench.set_root(RootAction::Yes);
        bench.run(Duration::from_secs(12));
        let asns: Vec<u64> = bench
            .since(0)
            .into_iter()
            .filter_map(|frame| if let Frame::Status(StatusFrame { element: Element::Asn(asn), .. }) = frame { Some(asn.0) } else { None })
            .collect();
        let steps: Vec<u64> = asns.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) & LARGEST_ASN).collect();
        assert!(steps.iter().all(|step| *step == 130), "{asns:?}");
        assert!(asns[0] <= first && *asns.last().expect("told") != first, "{asns:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Frames of every kind, right and wrong, and bytes that are no frames.
    #[test]
    fn whatever_the_host_sends_the_mote_goes_on_and_every_frame_of_its_can_be_read(
        pieces in proptest::collection::vec((prop_oneof![Just(b'R'), Just(b'D'), Just(b'S'), Just(b'Q'), Just(b'C'), any::<u8>()],
            proptest::collection::vec(any::<u8>(), 0..220), 0_u8..4, 0_u64..400), 0..12)
    ) {
        let mut bench = Bench::new(FlowControl::EverySlot);
        for (kind, body, form, pause) in pieces {
            let payload = [&[kind], &body[..]].concat();
            match form {
                0 => bench.tell_bytes(&payload),
                1 => bench.tell_bytes(&encode(&[b"RY", &body[..body.len().min(25)]].concat())),
                _framed => bench.tell_bytes(&encode(&payload)),
            }
            bench.run(Duration::from_millis(pause));
        }
        bench.run(Duration::from_secs(2));
        // A reset in the middle of a frame cuts it.
        let boots = bench.logs(0).iter().filter(|log| log.1 == code::BOOTED).count();
        prop_assert!(bench.bad < boots, "{} {boots}", bench.bad);
        prop_assert!(bench.since(0).len() > 10);
    }
}
