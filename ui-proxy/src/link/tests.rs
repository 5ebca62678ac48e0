//! The link in virtual time.

use data_encoding::HEXLOWER;
use mqtypes::envelope::Sender;
use serde_json::Value;

use super::*;
use crate::key::Key;
use crate::proof::{Nonce, Role, Transcript};
use crate::session::Packets;
use crate::session::health::tests::figures;

const RETRY_FOR: Duration = Duration::from_mins(1);
const PORT: u16 = 8000;
const HOST_NONCE: &str = "ffeeddccbbaa99887766554433221100";

/// A link, and the time it is told.
struct Stage {
    link: Link,
    now: Moment,
}

fn key() -> Key {
    Key::new([9; 32])
}

impl Stage {
    fn new() -> Self {
        let text = || "x".to_owned();
        let lbr = Lbr { id: text(), name: text(), hostname: text(), version: "0", boot: BootId(1) };
        Self { link: Link::new(lbr, RETRY_FOR, 1), now: Moment { mono: Mono(1_000_000_000), unix_ms: 1_700_000_000_000 } }
    }

    fn woken() -> Self {
        let mut stage = Self::new();
        stage.wake(PORT);
        assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
        stage
    }

    /// One whose `hello` was said.
    fn greeting() -> Self {
        let mut stage = Self::woken();
        stage.open();
        stage
    }

    fn live() -> Self {
        let mut stage = Self::greeting();
        stage.welcome(&key());
        stage.actions();
        stage
    }

    fn wake(&mut self, port: u16) {
        self.link.handle_wake(self.now.mono, port, Auth::Key(key()));
    }

    fn open(&mut self) -> Value {
        self.link.handle_connected(self.now.mono);
        self.link.handle_open(self.now, Chance { nonce: Nonce::new([0xab; 16]), first_request: 1 });
        match self.actions().as_slice() {
            [Action::Send(hello)] => serde_json::from_str(hello).expect("JSON"),
            other => panic!("{other:?}"),
        }
    }

    fn welcome(&mut self, key: &Key) {
        let nonce = |text| Nonce::parse(text).expect("a nonce");
        let transcript = Transcript { port: PORT, router: nonce(&HEXLOWER.encode(&[0xab; 16])), host: nonce(HOST_NONCE) };
        let proof = transcript.prove(key, Role::Host);
        self.say(&format!(r#"{{"type":"welcome","v":1,"host":{{"name":"h"}},"nonce":"{HOST_NONCE}","proof":"{proof}"}}"#));
    }

    fn say(&mut self, text: &str) {
        self.link.handle_traffic(self.now.mono);
        self.link.handle_text(self.now, text);
    }

    fn lose(&mut self) {
        self.link.handle_lost(self.now.mono, "a test");
        assert_eq!(self.actions(), [Action::Abandon]);
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono.after(time);
        self.now.unix_ms += time.as_millis() as u64;
        self.link.handle_timeout(self.now.mono);
    }

    /// Lets time pass until the next deadline.
    fn pass_to_deadline(&mut self) -> Duration {
        let time = self.link.poll_timeout(Room::Free).expect("a deadline").until(self.now.mono);
        self.pass(time);
        time
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.link.poll_action()).collect()
    }

    fn said_to_bus(&mut self) -> Vec<ToBus> {
        std::iter::from_fn(|| self.link.poll_to_bus()).collect()
    }

    fn is_idle(&self) -> bool {
        matches!(self.link.state, State::Idle)
    }

    fn is_live(&self) -> bool {
        matches!(self.link.state, State::Live(_))
    }
}

/// The codes of the errors that are said, and of the closing.
fn ending(actions: &[Action]) -> (Vec<String>, Option<u16>) {
    let code_of = |text: &String| serde_json::from_str::<Value>(text).expect("JSON")["code"].as_str().map(str::to_owned);
    let errors = actions.iter().filter_map(|action| if let Action::Send(text) = action { code_of(text) } else { None });
    let close = actions.iter().find_map(|action| if let Action::Close { code, .. } = action { Some(*code) } else { None });
    (errors.collect(), close)
}

#[test]
fn while_idle_it_wants_nothing() {
    let mut stage = Stage::new();
    stage.link.handle_timeout(stage.now.mono);
    stage.link.handle_notification(stage.now.mono, BootId(1), Notification::Started);
    assert_eq!((stage.actions(), stage.said_to_bus(), stage.link.poll_timeout(Room::Free)), (vec![], vec![], None));
}

#[test]
fn a_right_proof_makes_the_link_live_and_ours_follows() {
    let mut stage = Stage::woken();
    let hello = stage.open();
    assert_eq!((&hello["type"], &hello["seq"], &hello["v"]), (&Value::from("hello"), &Value::from(0), &Value::from(vec![1])));
    stage.welcome(&key());
    let actions = stage.actions();
    let [Action::Send(auth), Action::Trust] = actions.as_slice() else { panic!("{actions:?}") };
    let auth: Value = serde_json::from_str(auth).expect("JSON");
    assert_eq!((&auth["type"], &auth["seq"], auth["proof"].as_str().map(str::len)), (&Value::from("auth"), &Value::from(1), Some(64)));
    assert!(stage.is_live());
    assert_eq!(stage.said_to_bus(), [ToBus::SubscribeAnew(Packets::Unwanted), ToBus::AskHealth]);
    stage.link.handle_figures(stage.now.mono, figures(Sender::UiProxy));
    let health: Value = serde_json::from_str(&stage.link.poll_message(stage.now).expect("health")).expect("JSON");
    assert_eq!(health["seq"], 2);
}

#[test]
fn without_authentication_there_is_no_nonce_and_no_proof() {
    let mut stage = Stage::new();
    stage.link.handle_wake(stage.now.mono, PORT, Auth::None);
    stage.actions();
    assert!(stage.open().get("nonce").is_none());
    stage.say(r#"{"type":"welcome","v":1}"#);
    assert_eq!(stage.actions(), [Action::Trust]);
    assert!(stage.is_live());
}

#[test]
fn after_a_wrong_proof_nothing_is_dialled_for_a_while_whoever_asks() {
    let mut stage = Stage::greeting();
    stage.welcome(&Key::new([8; 32]));
    assert_eq!(ending(&stage.actions()), (vec!["unauthorized".to_owned()], Some(close::UNAUTHORIZED)));
    stage.pass(HOLD / 2);
    stage.wake(PORT);
    stage.pass(HOLD / 4);
    assert_eq!(stage.actions(), []);
    stage.pass(HOLD / 4);
    assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
}

#[test]
fn every_fault_of_a_welcome_is_told_from_the_others() {
    for (text, error, code) in [
        (r#"{"type":"welcome","v":1}"#, "unauthorized", close::UNAUTHORIZED),
        (r#"{"type":"welcome","v":1,"nonce":"short","proof":"00"}"#, "unauthorized", close::UNAUTHORIZED),
        (r#"{"type":"welcome","v":1,"nonce":"ffeeddccbbaa99887766554433221100","proof":"zz"}"#, "unauthorized", close::UNAUTHORIZED),
        (r#"{"type":"welcome","v":2}"#, "version", close::VERSION),
    ] {
        let mut stage = Stage::greeting();
        stage.say(text);
        assert_eq!(ending(&stage.actions()), (vec![error.to_owned()], Some(code)), "{text}");
        assert!(!stage.is_live());
    }
}

#[test]
fn what_is_no_welcome_is_borne_twice() {
    let mut stage = Stage::greeting();
    stage.say("{");
    stage.link.handle_binary(stage.now);
    assert_eq!(ending(&stage.actions()), (vec!["invalid-json".to_owned(), "binary-frame".to_owned()], None));
    stage.say(r#"{"type":"refresh"}"#);
    assert_eq!(ending(&stage.actions()), (vec!["handshake".to_owned()], Some(close::POLICY)));
}

#[test]
fn the_hosts_own_refusal_holds_the_next_attempt_back_too() {
    let mut stage = Stage::greeting();
    stage.say(r#"{"type":"error","code":"version","text":"no"}"#);
    assert_eq!(stage.actions(), []);
    stage.link.handle_closed(stage.now.mono, Some(close::VERSION), "version");
    assert_eq!(stage.actions(), [Action::Abandon]);
    assert_eq!(stage.pass_to_deadline(), HOLD);
    assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
}

#[test]
fn a_dial_and_a_handshake_have_their_time() {
    let mut stage = Stage::woken();
    assert_eq!(stage.pass_to_deadline(), DIAL_WITHIN);
    assert_eq!(stage.actions(), [Action::Abandon]);
    let mut stage = Stage::greeting();
    stage.pass(HANDSHAKE_WITHIN / 2);
    stage.say("{");
    stage.actions();
    stage.pass(HANDSHAKE_WITHIN / 2);
    assert_eq!(stage.actions(), [Action::Abandon]);
}

#[test]
fn attempts_back_off_for_a_bounded_time_and_then_it_is_idle_again() {
    let mut stage = Stage::woken();
    let started = stage.now.mono;
    let mut waits = Vec::new();
    loop {
        stage.lose();
        if stage.is_idle() {
            break;
        }
        waits.push(stage.pass_to_deadline());
        assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
    }
    assert!(waits[0] <= Duration::from_millis(250) && waits.iter().max() <= Some(&Duration::from_secs(8)), "{waits:?}");
    let tried_for = stage.now.mono.since(started);
    assert!(tried_for <= RETRY_FOR && tried_for + Duration::from_secs(8) >= RETRY_FOR, "{tried_for:?}");
    assert_eq!((stage.link.poll_timeout(Room::Free), stage.said_to_bus()), (None, vec![ToBus::BeSilent]));
    stage.wake(PORT);
    assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
}

#[test]
fn a_lost_link_ends_its_subscription_and_is_tried_for_anew() {
    let mut stage = Stage::live();
    stage.said_to_bus();
    stage.pass(Duration::from_secs(9));
    stage.lose();
    assert_eq!(stage.said_to_bus(), [ToBus::Unsubscribe]);
    assert!(stage.pass_to_deadline() <= Duration::from_millis(250));
    assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
    let mut tried_for = Duration::ZERO;
    while !stage.is_idle() {
        stage.lose();
        if stage.link.poll_timeout(Room::Free).is_some() {
            tried_for += stage.pass_to_deadline();
            stage.actions();
        }
    }
    assert!(tried_for + Duration::from_secs(9) > RETRY_FOR);
}

#[test]
fn a_wake_up_while_live_checks_the_link_and_leaves_it_alone_if_it_answers() {
    let mut stage = Stage::live();
    stage.wake(PORT);
    let actions = stage.actions();
    let [Action::Ping(payload)] = actions.as_slice() else { panic!("{actions:?}") };
    stage.link.handle_traffic(stage.now.mono);
    stage.link.handle_pong(payload);
    stage.pass(CHECK_WITHIN * 2);
    assert!(stage.is_live() && stage.actions().is_empty());
}

#[test]
fn a_wake_up_replaces_a_link_that_does_not_answer_and_may_name_another_port() {
    let mut stage = Stage::live();
    stage.wake(PORT);
    stage.pass(CHECK_WITHIN / 2);
    stage.wake(8001);
    stage.actions();
    stage.pass(CHECK_WITHIN / 2);
    assert_eq!(stage.actions(), [Action::Abandon, Action::Dial { port: 8001 }]);
}

#[test]
fn a_wake_up_while_waiting_dials_at_once_and_while_dialling_changes_the_port() {
    let mut stage = Stage::woken();
    stage.lose();
    stage.wake(PORT);
    assert_eq!(stage.actions(), [Action::Dial { port: PORT }]);
    stage.wake(PORT);
    assert_eq!(stage.actions(), []);
    stage.wake(8001);
    assert_eq!(stage.actions(), [Action::Abandon, Action::Dial { port: 8001 }]);
}

#[test]
fn a_wake_up_during_an_attempt_brings_the_key_that_was_read_then() {
    let mut stage = Stage::woken();
    stage.link.handle_wake(stage.now.mono, PORT, Auth::Key(Key::new([8; 32])));
    stage.open();
    stage.welcome(&Key::new([8; 32]));
    assert!(stage.is_live());
}

#[test]
fn it_pings_every_fifteen_seconds_even_when_there_is_no_room_and_gives_up_a_silent_host() {
    let mut stage = Stage::live();
    let mut pings = 0;
    for _second in 0..39 {
        stage.pass(Duration::from_secs(1));
        pings += stage.actions().len();
        stage.link.handle_figures(stage.now.mono, figures(Sender::UiProxy));
        assert!(stage.link.poll_timeout(Room::Full).is_some_and(|at| at > stage.now.mono), "it would spin");
    }
    assert_eq!(pings, 2);
    stage.pass(Duration::from_secs(1));
    assert_eq!(stage.actions(), [Action::Abandon]);
    assert!(!stage.is_live());
}

/// Says as much as may be under way; tells how many bytes that is. One log more waits then.
fn fill_the_way(stage: &mut Stage) -> usize {
    let boot = BootId(5);
    let line = || Notification::Log(crate::session::events::tests::line(&"x".repeat(2000)));
    stage.link.handle_notification(stage.now.mono, boot, Notification::SnapshotBegin);
    stage.link.handle_notification(stage.now.mono, boot, Notification::SnapshotEnd);
    let mut said = 0;
    loop {
        stage.link.handle_notification(stage.now.mono, boot, line());
        let Some(message) = stage.link.poll_message(stage.now) else { return said };
        said += message.len();
    }
}

#[test]
fn what_has_not_arrived_stops_the_flow_until_it_has() {
    let mut stage = Stage::live();
    let said = fill_the_way(&mut stage);
    assert!((128 * 1024..136 * 1024).contains(&said), "{said}");
    assert!(stage.link.poll_timeout(Room::Free).is_some_and(|at| at > stage.now.mono), "it would spin");
    for action in stage.actions() {
        if let Action::Ping(payload) = action {
            stage.link.handle_pong(&payload);
        }
    }
    assert!(stage.link.poll_message(stage.now).is_some());
}

#[test]
fn a_host_whose_pong_is_behind_many_requests_gets_their_answers_and_is_listened_to() {
    let mut stage = Stage::live();
    fill_the_way(&mut stage);
    let mut requests = 0;
    while stage.link.can_listen() {
        stage.say(r#"{"type":"ui-event","id":1,"event":"no such event"}"#);
        requests += 1;
    }
    let said: Vec<Value> =
        std::iter::from_fn(|| stage.link.poll_message(stage.now)).map(|text| serde_json::from_str(&text).expect("JSON")).collect();
    assert_eq!(said.iter().filter(|message| message["type"] == "command-outcome").count(), requests);
    assert_eq!((said.len(), stage.link.can_listen()), (requests, true), "the rest waits for the pong");
}

#[test]
fn three_faults_in_a_row_or_a_long_message_end_the_link_with_their_codes() {
    let mut stage = Stage::live();
    for _ in 0..3 {
        stage.say("{");
    }
    let errors = vec!["invalid-json".to_owned(); 3];
    assert_eq!(ending(&stage.actions()), (errors, Some(close::POLICY)));
    let mut stage = Stage::live();
    stage.link.handle_too_long(stage.now.mono);
    assert_eq!(ending(&stage.actions()), (vec![], Some(close::TOO_LONG)));
    assert!(stage.link.dropped().iter().any(|dropped| dropped.reason == "host.too-long"));
}

#[test]
fn a_link_that_breaks_again_and_again_backs_off_although_each_handshake_succeeds() {
    let mut stage = Stage::live();
    let mut waits = Vec::new();
    for _ in 0..6 {
        stage.lose();
        waits.push(stage.pass_to_deadline());
        stage.actions();
        stage.open();
        stage.welcome(&key());
        stage.actions();
    }
    assert!(waits[5] >= Duration::from_secs(6), "{waits:?}");
    stage.pass(STEADY);
    stage.actions();
    stage.lose();
    assert!(stage.pass_to_deadline() <= Duration::from_millis(250));
}

#[test]
fn a_process_that_ends_says_goodbye() {
    let mut stage = Stage::live();
    stage.said_to_bus();
    stage.link.handle_stop();
    assert_eq!(ending(&stage.actions()).1, Some(close::GOING_AWAY));
    assert_eq!(stage.said_to_bus(), [ToBus::Unsubscribe]);
}

fn settings(ports: (u16, u16)) -> Settings {
    Settings { name: "new".to_owned(), retry_for: RETRY_FOR, ports, auth: None }
}

#[test]
fn an_attempt_begins_anew_when_the_configuration_names_another_port() {
    for mut stage in [Stage::woken(), Stage::greeting()] {
        stage.link.handle_settings(stage.now.mono, settings((PORT, 9000)));
        assert_eq!(stage.actions(), [Action::Abandon, Action::Dial { port: 9000 }]);
        let hello = stage.open();
        assert_eq!(hello["lbr"]["name"], "new", "{hello}");
    }
}

#[test]
fn a_link_stays_when_the_configuration_changes_and_is_made_anew_elsewhere() {
    let mut stage = Stage::live();
    stage.link.handle_settings(stage.now.mono, settings((PORT, 9000)));
    assert!(stage.is_live() && stage.actions().is_empty());
    stage.lose();
    stage.pass_to_deadline();
    assert_eq!(stage.actions(), [Action::Dial { port: 9000 }]);
}

#[test]
fn a_port_that_somebody_asked_for_outlasts_the_configured_one() {
    let mut stage = Stage::new();
    stage.wake(8001);
    stage.actions();
    stage.lose();
    stage.link.handle_settings(stage.now.mono, settings((PORT, 9000)));
    stage.pass_to_deadline();
    assert_eq!(stage.actions(), [Action::Dial { port: 8001 }]);
}

#[test]
fn while_idle_a_configuration_wakes_nobody() {
    let mut stage = Stage::new();
    stage.link.handle_settings(stage.now.mono, settings((PORT, 9000)));
    assert!(stage.is_idle() && stage.actions().is_empty());
}
