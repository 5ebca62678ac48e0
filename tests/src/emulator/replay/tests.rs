//! A recording played in virtual time to a host that talks back.

use super::*;
use crate::recording::{data, judged};
use eventbus::frame::{DataFrame, Frame, HostFrame, RootAction, SetRoot};
use framing::flow::{Heard, Unescape};
use framing::hdlc::{Decoder, encode};
use mqtypes::ids::Asn;
use mqtypes::status::Element;
use serde_json::json;

struct Scene {
    replay: Replay,
    now: Mono,
    unescape: Unescape,
    decoder: Decoder,
    /// Every byte of port 0.
    bytes: Vec<u8>,
    /// What was heard, and when; none for what is no frame.
    heard: Vec<(Mono, Option<Vec<u8>>)>,
}

impl Scene {
    fn new(name: &str, speed: Speed, laps: Laps) -> Self {
        let recording = Recording::load(&data(name)).expect("there");
        let mut replay = Replay::new(&recording, speed, laps);
        (0..replay.ports().len()).for_each(|port| replay.handle_reader(Mono(0), port, Reader::Came));
        Self { replay, now: Mono(0), unescape: Unescape::default(), decoder: Decoder::new(), bytes: Vec::new(), heard: Vec::new() }
    }

    fn run_until(&mut self, end: Mono) {
        self.fetch();
        while let Some(at) = self.replay.poll_timeout(self.now).filter(|at| *at <= end) {
            self.now = at;
            self.replay.handle_timeout(at);
            self.fetch();
        }
        self.now = end;
    }

    fn fetch(&mut self) {
        while let Some(bytes) = self.replay.poll_output(self.now, 0) {
            for byte in &bytes {
                if let Some(Heard::Data(byte)) = self.unescape.push(*byte)
                    && let Some(ended) = self.decoder.push(byte)
                {
                    self.heard.push((self.now, ended.ok()));
                }
            }
            self.bytes.extend(bytes);
        }
    }

    fn tell(&mut self, frame: &HostFrame) {
        self.replay.handle_bytes(self.now, 0, &encode(&frame.emit().expect("short")));
        self.fetch();
    }

    fn set_root(&mut self, action: RootAction, prefix: [u8; 8]) {
        self.tell(&HostFrame::SetRoot(SetRoot { action, prefix, key_index: 1, key: [0; 16] }));
    }

    /// Roles and prefixes that were told at or after `from`.
    fn roles(&self, from: Mono) -> Vec<(bool, [u8; 8])> {
        let frames = self.heard.iter().filter(|(at, _)| *at >= from).filter_map(|(_, payload)| Frame::parse(payload.as_ref()?).ok());
        frames
            .filter_map(|frame| match frame {
                Frame::Status(status) => {
                    if let Element::IdManager(id) = status.element {
                        Some((id.is_dag_root, id.prefix))
                    } else {
                        None
                    }
                }
                _other => None,
            })
            .collect()
    }
}

fn seconds(time: f64) -> Mono {
    Mono((time * 1e6) as u64)
}

#[test]
fn a_recording_is_played_byte_for_byte_and_frame_for_frame() {
    let mut scene = Scene::new("A.jsonl.gz", Speed::Unbounded, Laps::One);
    scene.run_until(Mono(0));
    let recording = Recording::load(&data("A.jsonl.gz")).expect("there");
    let recorded: Vec<u8> = recording.ports[0].from_mote.iter().flat_map(|chunk| &chunk.bytes).copied().collect();
    assert!(scene.bytes == recorded);
    let judged: Vec<_> = judged(&data("A.oracle.jsonl.gz")).expect("there").into_iter().map(|frame| frame.payload).collect();
    let heard: Vec<_> = scene.heard.into_iter().map(|(_, payload)| payload).collect();
    assert!(heard == judged);
    let totals = scene.replay.poll_end().expect("played");
    assert_eq!(totals["frames"], json!({"data": 2, "error": 1, "status": 2197, "success": 1}));
    assert_eq!((&totals["faults"], &totals["bytes"], &totals["ports"]["mote1"]["bytes"]), (&json!({}), &json!(90_449), &json!(90_449)));
    assert_eq!(scene.replay.poll_end(), None, "told once");
}

#[test]
fn frames_come_when_they_came() {
    let judged = judged(&data("A.oracle.jsonl.gz")).expect("there");
    for factor in [1.0, 10.0] {
        let mut scene = Scene::new("A.jsonl.gz", Speed::Times(factor), Laps::One);
        scene.run_until(seconds(10.0));
        for ((at, _), frame) in scene.heard.iter().zip(&judged) {
            let wanted = seconds(frame.at.as_secs_f64() / factor);
            assert!(at.since(wanted).max(wanted.since(*at)) < Duration::from_millis(1), "{at:?} instead of {wanted:?}");
        }
        assert!(scene.heard.len() > 90);
    }
}

#[test]
fn a_root_command_changes_the_reports_that_follow_and_no_other_byte() {
    let mut scene = Scene::new("A.jsonl.gz", Speed::Times(1.0), Laps::One);
    let (recorded, wanted) = ([0xfe, 0x80, 0, 0, 0, 0, 0, 0], [0xaa, 0x7e, 0x13, 0, 0, 0, 0, 0x7d]);
    scene.run_until(seconds(5.0));
    assert!(scene.roles(Mono(0)).iter().all(|role| *role == (false, recorded)));
    for (time, action, is_root) in
        [(6.4, RootAction::Yes, true), (7.8, RootAction::No, false), (9.2, RootAction::Toggle, true), (10.6, RootAction::Toggle, false)]
    {
        scene.set_root(action, wanted);
        let from = scene.now;
        scene.run_until(seconds(time));
        let told = scene.roles(from);
        assert!(!told.is_empty() && told.iter().all(|role| *role == (is_root, wanted)), "{action:?}: {told:?}");
    }
    scene.run_until(seconds(300.0));
    let heard: Vec<_> = scene.heard.iter().map(|(_, payload)| payload.clone().expect("every frame is right")).collect();
    let others = |frames: &[Vec<u8>]| frames.iter().filter(|payload| !payload.starts_with(&[b'S', 0, 1, 1])).cloned().collect::<Vec<_>>();
    let judged: Vec<_> = judged(&data("A.oracle.jsonl.gz")).expect("there").into_iter().filter_map(|frame| frame.payload).collect();
    assert_eq!(heard.len(), judged.len());
    assert!(others(&heard) == others(&judged));
    assert!(scene.roles(seconds(20.0)).iter().all(|role| *role == (false, wanted)), "the recorded root is none");
    assert!(scene.replay.poll_end().expect("played")["rewritten"].as_u64() > Some(100));
}

#[test]
fn a_toggle_turns_the_recorded_role_round() {
    let mut scene = Scene::new("A.jsonl.gz", Speed::Times(1.0), Laps::One);
    scene.run_until(seconds(30.0));
    assert!(scene.roles(seconds(25.0)).iter().all(|(is_root, _)| *is_root));
    scene.set_root(RootAction::Toggle, [1; 8]);
    scene.run_until(seconds(32.0));
    assert_eq!(scene.roles(seconds(30.0)).last(), Some(&(false, [1; 8])));
}

#[test]
fn an_echo_is_answered_between_frames_with_the_slot_number_of_the_moment() {
    let mut scene = Scene::new("A.jsonl.gz", Speed::Times(1.0), Laps::One);
    let body = vec![0x7e, 0x11, 0x12, 0x13, 0x7d, 1, 2, 3];
    for step in 0..500 {
        scene.run_until(Mono(30_000_000 + step * 3_700));
        scene.tell(&HostFrame::Echo(body.clone()));
    }
    scene.run_until(seconds(33.0));
    let replies: Vec<DataFrame> = scene
        .heard
        .iter()
        .filter_map(|(_, payload)| match Frame::parse(payload.as_ref().expect("no frame was broken")) {
            Ok(Frame::Data(data)) if data.body == body => Some(data),
            _other => None,
        })
        .collect();
    assert_eq!(replies.len(), 500);
    assert!(replies.iter().all(|reply| reply.id16 == 1));
    assert!(replies.windows(2).all(|pair| pair[0].asn <= pair[1].asn));
    // It became root at 18.13 s.
    let (Asn(first), Asn(last)) = (replies[0].asn, replies[499].asn);
    assert!((1_180..=1_195).contains(&first) && (1_365..=1_380).contains(&last), "{first} {last}");
}

#[test]
fn what_a_mote_would_complain_about_is_complained_about() {
    let mut scene = Scene::new("A.jsonl.gz", Speed::Times(1.0), Laps::One);
    scene.run_until(seconds(1.0));
    let from = scene.heard.len();
    scene.replay.handle_bytes(scene.now, 0, &[0x7e, 1, 2, 3, 0x7e]);
    scene.replay.handle_bytes(scene.now, 0, &encode(&[0; 250]));
    scene.replay.handle_bytes(scene.now, 0, &encode(b"R"));
    scene.tell(&HostFrame::Reset);
    let logs: Vec<_> =
        scene.heard[from..].iter().filter_map(|(_, payload)| payload.clone()).map(|payload| (payload[0], payload[4])).collect();
    assert_eq!(logs, [(b'E', 0x42), (b'E', 0x43), (b'E', 0x4e), (b'U', 0x4f)]);
    let events: Vec<_> = std::iter::from_fn(|| scene.replay.poll_event()).collect();
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.at == seconds(1.0) && event.port == 0));
}

#[test]
fn nothing_is_due_while_nobody_listens_and_nothing_is_lost() {
    let recording = Recording::load(&data("A.jsonl.gz")).expect("there");
    let mut replay = Replay::new(&recording, Speed::Times(1.0), Laps::One);
    assert_eq!((replay.poll_timeout(Mono(0)), replay.poll_output(Mono(0), 0)), (None, None));
    replay.handle_reader(seconds(100.0), 0, Reader::Came);
    let first = replay.poll_timeout(seconds(100.0)).expect("the clock runs");
    assert!(first.since(seconds(100.0)) < Duration::from_millis(1));
    replay.handle_reader(seconds(101.0), 0, Reader::Left);
    assert_eq!((replay.poll_timeout(seconds(101.0)), replay.poll_output(seconds(102.0), 0)), (None, None));
    replay.handle_reader(seconds(110.0), 0, Reader::Came);
    let bytes = replay.poll_output(seconds(110.0), 0).expect("what has waited");
    assert_eq!(bytes[..13], recording.ports[0].from_mote[0].bytes);
}

#[test]
fn a_loop_begins_again_and_never_ends() {
    let mut scene = Scene::new("A.jsonl.gz", Speed::Times(1.0), Laps::Endless);
    scene.run_until(seconds(450.0));
    let boots = scene.heard.iter().filter(|(_, payload)| payload.as_ref().is_some_and(|payload| payload[0] == b'U'));
    let times: Vec<f64> = boots.map(|(at, _)| (at.0 as f64 / 1e6).round()).collect();
    assert_eq!(times, [0.0, 220.0, 440.0]);
    assert_eq!(scene.replay.poll_end(), None);
}

#[test]
fn a_host_that_floods_gets_a_bounded_number_of_answers() {
    let recording = Recording::load(&data("A.jsonl.gz")).expect("there");
    let mut replay = Replay::new(&recording, Speed::Times(1.0), Laps::One);
    replay.handle_reader(Mono(0), 0, Reader::Came);
    for _ in 0..10_000 {
        replay.handle_bytes(Mono(0), 0, &encode(b"S"));
        while replay.poll_event().is_some() {}
    }
    let answers = std::iter::from_fn(|| replay.poll_output(Mono(0), 0)).count();
    assert!((60..70).contains(&answers), "{answers}");
}
