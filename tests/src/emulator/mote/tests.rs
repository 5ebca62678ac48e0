//! One mote by itself, in virtual time, held against what genuine motes said in the recordings.

use super::*;
use crate::recording::{data, judged};
use data_encoding::HEXLOWER;
use eventbus::frame::{HostFrame, RootAction, SetRoot};
use mqtypes::status::MacStats;
use serial_bridge::flow::{Heard, Unescape, XOFF, XON};
use serial_bridge::hdlc::{Decoder, encode};

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

/// A mote with its host.
struct Bench {
    mote: Mote,
    now: Mono,
    unescape: Unescape,
    decoder: Decoder,
    /// What the host heard, and when.
    frames: Vec<(Mono, Vec<u8>)>,
    /// XON and XOFF.
    controls: Vec<u8>,
}

impl Bench {
    fn new(flow: FlowControl) -> Self {
        let eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
        let mut bench = Self {
            mote: Mote::boot(Mono(0), eui64, flow, 1),
            now: Mono(0),
            unescape: Unescape::default(),
            decoder: Decoder::new(),
            frames: Vec::new(),
            controls: Vec::new(),
        };
        bench.listen();
        bench
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.mote.poll_timeout() <= end {
            self.now = self.mote.poll_timeout();
            self.mote.handle_timeout(self.now);
            self.listen();
        }
        self.now = end;
    }

    fn listen(&mut self) {
        for byte in self.mote.poll_output().unwrap_or_default() {
            match self.unescape.push(byte) {
                Some(Heard::Data(byte)) => {
                    let ended = self.decoder.push(byte);
                    self.frames.extend(ended.map(|frame| (self.now, frame.expect("a right CRC"))));
                }
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
    while bench.mote.poll_timeout() < Mono(60_000_000) {
        let at = bench.mote.poll_timeout();
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
