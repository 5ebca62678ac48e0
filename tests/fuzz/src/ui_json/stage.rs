//! A link in virtual time, the host and the bus around it, and what must hold whatever they do.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bus::moment::Moment;
use data_encoding::HEXLOWER;
use mqtypes::broker::Notification;
use mqtypes::codec;
use mqtypes::command::{Action as Act, Command, CommandOutcome, OutcomeState, Target};
use mqtypes::envelope::Sender;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{BootId, RequestId};
use mqtypes::mono::Mono;
use serde_json::Value;
use ui_proxy::identity::Lbr;
use ui_proxy::key::Key;
use ui_proxy::link::Link;
use ui_proxy::link::action::{Action, Chance, Room};
use ui_proxy::link::greeting::Auth;
use ui_proxy::proof::{Nonce, Role, Transcript};
use ui_proxy::session::ToBus;

use crate::Outcome;

/// What a host without a key says first.
pub const WELCOME: &str = r#"{"type":"welcome","v":1}"#;

const PORT: u16 = 8000;
const KEY: [u8; 32] = [9; 32];
const NONCE: [u8; 16] = [0xab; 16];
const HOST_NONCE: &str = "ffeeddccbbaa99887766554433221100";

/// The longest message towards the host, bytes.
const LONGEST: usize = 32 * 1024;

/// Commands of one connection that may be open.
const MOST_OPEN: usize = 16;

/// The id of the first command; the outcomes among the golden messages are for it.
const FIRST_REQUEST: u64 = 42;

/// Messages in a row, far more than any snapshot of the script's own motes has.
const MOST_AT_ONCE: usize = 5_000;

/// Timers that may fire in one step of the script.
const MOST_TIMERS: usize = 5_000;

/// A link, and those around it.
///
/// The script's lines are texts of the host, but for those that begin with an exclamation mark:
///
/// | line | happens |
/// |---|---|
/// | `!wake`, `!key` | somebody wants a link, without and with a key |
/// | `!open` | the connection comes about and speaks WebSocket |
/// | `!welcome` | the host proves that it holds the key |
/// | `!lose`, `!close CODE`, `!long`, `!binary` | the connection breaks; the host closes it, says too much, says bytes |
/// | `!pong`, `!ping` | the host answers the last ping; it shows that it is there |
/// | `!pass MILLISECONDS` | time passes |
/// | `!bus HEX` | `eventbus` tells this message |
/// | `!boot` | `eventbus` has restarted |
/// | `!outcome STATE` | `eventbus` tells how the oldest command goes; `no-room` and `no-eventbus` are what the way there says |
/// | `!stop` | the process ends |
///
/// Any other is passed over. At the beginning there is a connection that waits for a `welcome` without a key.
pub struct Stage {
    link: Link,
    now: Moment,
    boot: u32,
    /// The number that the next message of the connection must have.
    seq: u64,
    ping: Option<[u8; 8]>,
    commands: VecDeque<RequestId>,
    seen: BTreeSet<String>,
}

impl Stage {
    pub fn new() -> Self {
        let text = || "x".to_owned();
        let lbr = Lbr { id: text(), name: text(), hostname: text(), version: "0", boot: BootId(1) };
        let mut stage = Self {
            link: Link::new(lbr, Duration::from_mins(1), 1),
            now: Moment { mono: Mono(1_000_000_000), unix_ms: 1_700_000_000_000 },
            boot: 1,
            seq: 0,
            ping: None,
            commands: VecDeque::new(),
            seen: BTreeSet::new(),
        };
        stage.play("!wake");
        stage.play("!open");
        stage.seen.clear();
        stage
    }

    pub fn play(&mut self, line: &str) {
        match line.strip_prefix('!') {
            None => self.hear(|link, now| link.handle_text(now, line)),
            Some(happening) => {
                let (what, argument) = happening.split_once(' ').unwrap_or((happening, ""));
                self.happen(what, argument);
            }
        }
        self.settle();
    }

    fn happen(&mut self, what: &str, argument: &str) {
        let now = self.now.mono;
        match what {
            "wake" => self.link.handle_wake(now, PORT, Auth::None),
            "key" => self.link.handle_wake(now, PORT + 1, Auth::Key(Key::new(KEY))),
            "open" => {
                self.link.handle_connected(now);
                self.link.handle_open(self.now, Chance { nonce: Nonce::new(NONCE), first_request: FIRST_REQUEST });
            }
            "welcome" => self.hear(|link, now| link.handle_text(now, &proven_welcome())),
            "lose" => self.link.handle_lost(now, "the script says so"),
            "close" => self.hear(|link, now| link.handle_closed(now.mono, argument.parse().ok(), argument)),
            "long" => self.hear(|link, now| link.handle_too_long(now.mono)),
            "binary" => self.hear(Link::handle_binary),
            "ping" => self.hear(|_, _| {}),
            "pong" => {
                let payload = self.ping.unwrap_or_default();
                self.hear(|link, _| link.handle_pong(&payload));
            }
            "pass" => self.pass(argument),
            "bus" => self.tell(argument),
            "boot" => self.boot += 1,
            "outcome" => self.outcome_of_oldest(argument),
            "stop" => self.link.handle_stop(),
            _unknown => {}
        }
    }

    /// Whatever comes from the host shows that it is there. It is not read while too many answers wait.
    fn hear(&mut self, hear: impl FnOnce(&mut Link, Moment)) {
        if self.link.can_listen() {
            self.link.handle_traffic(self.now.mono);
            hear(&mut self.link, self.now);
        }
    }

    fn tell(&mut self, hex: &str) {
        let Ok(message) = HEXLOWER.decode(hex.as_bytes()) else { return };
        for notification in codec::decode::<Notification>(&message).map(|(_, items)| items).unwrap_or_default() {
            self.link.handle_notification(self.now.mono, BootId(self.boot), notification);
        }
    }

    fn outcome_of_oldest(&mut self, argument: &str) {
        let Some(id) = self.commands.front().copied() else { return };
        let state = match argument {
            "accepted" => OutcomeState::Accepted,
            "sent" => OutcomeState::Sent,
            "confirmed" => OutcomeState::Confirmed,
            "timed-out" => OutcomeState::TimedOut,
            "refused" => OutcomeState::Refused,
            "failed" => OutcomeState::Failed,
            other => {
                self.commands.pop_front();
                return if other == "no-room" { self.link.handle_no_room(id) } else { self.link.handle_no_eventbus(id) };
            }
        };
        if state.is_end() {
            self.commands.pop_front();
        }
        let outcome = CommandOutcome { id, state, detail: argument.to_owned(), echo: None };
        self.link.handle_notification(self.now.mono, BootId(self.boot), Notification::Outcome(outcome));
    }

    /// Deadlines are kept on the way, as a reactor keeps them; a day at most.
    fn pass(&mut self, argument: &str) {
        let time = Duration::from_millis(argument.parse::<u64>().unwrap_or(0).min(86_400_000));
        let until = self.now.mono.after(time);
        for _timer in 0..MOST_TIMERS {
            match self.link.poll_timeout(Room::Free).filter(|at| *at <= until) {
                Some(at) => self.go_to(at.max(self.now.mono)),
                None => return self.go_to(until),
            }
        }
        // A link that lives needs its deadlines; a day of them is more than the script's worth.
        self.go_to(until);
    }

    fn go_to(&mut self, at: Mono) {
        self.now.unix_ms += at.since(self.now.mono).as_millis() as u64;
        self.now.mono = at;
        self.link.handle_timeout(at);
        self.settle();
    }

    /// Does all that can be done now, in the order in which the process does it.
    fn settle(&mut self) {
        let now = self.now;
        if self.link.wants_figures(now.mono) {
            self.link.handle_figures(now.mono, figures());
        }
        for _message in 0..MOST_AT_ONCE {
            self.act();
            while let Some(saying) = self.link.poll_to_bus() {
                self.check_asked(saying);
            }
            let Some(message) = self.link.poll_message(now) else {
                let next = self.link.poll_timeout(Room::Free);
                assert!(next.is_none_or(|at| at > now.mono), "a deadline has passed: the process would spin");
                return;
            };
            self.check_said(&message);
        }
        panic!("{MOST_AT_ONCE} messages without a pause");
    }

    fn act(&mut self) {
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::Send(text) => self.check_said(&text),
                Action::Ping(payload) => self.ping = Some(payload),
                Action::Close { code, .. } => self.see(&format!("close {code}")),
                Action::Dial { .. } | Action::Trust | Action::Abandon => {}
            }
        }
    }

    fn check_said(&mut self, text: &str) {
        assert!(text.len() <= LONGEST, "{} bytes at once", text.len());
        let said: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}: {text}"));
        let kind = said["type"].as_str().expect("every message has a type");
        if kind == "hello" {
            self.seq = 0;
        }
        assert_eq!(said["seq"].as_u64(), Some(self.seq), "messages are numbered without a gap: {text}");
        assert!(said["t"].is_u64(), "{text}");
        self.seq += 1;
        match kind {
            "error" => {
                assert!(said["text"].as_str().is_some_and(|words| words.len() <= 1000), "{text}");
                self.see(said["code"].as_str().expect("an error has a code"));
            }
            "command-outcome" => {
                assert!(said["detail"].as_str().is_some_and(|words| words.len() <= 1000), "{text}");
                self.see(said["state"].as_str().expect("an outcome has a state"));
            }
            other => self.see(other),
        }
    }

    fn check_asked(&mut self, saying: ToBus) {
        let ToBus::Command(Command { id, reply, deadline, target, action }) = saying else { return };
        assert_eq!(reply, mqtypes::queues::UI_PROXY.spec.name);
        let time = deadline.until(self.now.mono);
        assert!((1..=120).contains(&time.as_secs()), "{time:?}");
        if let Target::Port(port) = &target {
            assert!((1..=255).contains(&port.0.len()), "{port}");
        }
        if let Act::Echo { count, size } = action {
            assert!((1..=1000).contains(&count) && size <= 196);
        }
        self.commands.push_back(id);
        while self.commands.len() > MOST_OPEN {
            self.commands.pop_front();
        }
    }

    fn see(&mut self, what: &str) {
        if !self.seen.contains(what) {
            self.seen.insert(what.to_owned());
        }
    }

    /// What the host was told.
    pub fn outcome(self) -> Outcome {
        crate::outcome(self.seen.iter().map(String::as_str))
    }
}

fn proven_welcome() -> String {
    let host = Nonce::parse(HOST_NONCE).expect("it is one");
    let transcript = Transcript { port: PORT + 1, router: Nonce::new(NONCE), host };
    let proof = transcript.prove(&Key::new(KEY), Role::Host);
    format!(r#"{{"type":"welcome","v":1,"nonce":"{HOST_NONCE}","proof":"{proof}"}}"#)
}

fn figures() -> ProcessHealth {
    ProcessHealth { process: Sender::UiProxy, pid: 1, uptime_ms: 0, rss_kib: 0, cpu_ms: 0, inbox_depth: 0, inbox_max: 10, dropped: vec![] }
}
