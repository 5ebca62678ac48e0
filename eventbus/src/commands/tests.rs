//! Commands by themselves, with virtual time and a mote that is played by the test.

use std::path::PathBuf;

use mqtypes::ids::{BootId, Eui64, Generation, PortName};
use mqtypes::serial::{PortCounters, PortReport, PortState};
use mqtypes::status::{Element, IdManager};
use tempfile::TempDir;

use super::*;
use crate::network::DEFAULT_PREFIX;

const START: Mono = Mono(1_000_000);
const MOTE: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);

struct Stage {
    now: Mono,
    model: Model,
    commands: Commands,
    directory: TempDir,
}

impl Stage {
    /// A mote on `usb0` that has told its address and that it is no root.
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("made");
        let network = Network { prefix: DEFAULT_PREFIX, key_index: 1, key: [7; 16] };
        let roles = WantedRoles::load(&directory.path().join("wanted-roles")).expect("empty");
        let mut stage = Self { now: START, model: Model::new(), commands: Commands::new(BootId(0), network, roles), directory };
        stage.port(PortState::Up);
        stage.report(false);
        stage
    }

    fn port(&mut self, state: PortState) {
        let counters = PortCounters::default();
        let report = PortReport { port: port(), generation: Generation(3), state, since: self.now, baud: 115_200, counters };
        self.model.handle_port(self.now, &report);
    }

    fn report(&mut self, is_dag_root: bool) {
        let element = Element::IdManager(IdManager { is_dag_root, pan_id: 0xcafe, id16: 1, eui64: MOTE, prefix: [0; 8] });
        let index = self.model.handle_frame(self.now, &port(), Generation(3), Some(1));
        let index = self.model.handle_element(self.now, index, element);
        self.commands.handle_role(self.now, index, is_dag_root, &self.model);
    }

    fn boot(&mut self) {
        let index = self.model.by_eui(MOTE).expect("known");
        self.commands.handle_boot(self.now, index, &self.model);
    }

    fn give(&mut self, id: u64, action: Action) {
        let deadline = self.now.after(Duration::from_secs(30));
        let command = Command { id: RequestId(id), reply: "tap-1".to_owned(), deadline, target: Target::Mote(MOTE), action };
        self.commands.handle_command(self.now, &command, &self.model);
    }

    fn later(&mut self, seconds: u64) {
        let end = self.now.after(Duration::from_secs(seconds));
        while let Some(at) = self.commands.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.commands.handle_timeout(self.now, &self.model);
        }
        self.now = end;
    }

    /// The frames that go out now, each reported as it ended.
    fn writes(&mut self, end: WriteEnd) -> Vec<String> {
        let mut shown = Vec::new();
        while let Some(frame) = self.commands.poll_write() {
            assert_eq!((frame.port, frame.generation), (port(), Generation(3)));
            shown.push(String::from_utf8_lossy(&frame.payload[..frame.payload.len().min(2)]).into_owned());
            self.commands.handle_write(self.now, &WriteReport { id: frame.id, end }, &self.model);
        }
        shown
    }

    fn outcomes(&mut self) -> Vec<String> {
        let mut shown = Vec::new();
        while let Some(Reply { outcome, .. }) = self.commands.poll_reply() {
            let name = outcome.detail.split(':').next().unwrap_or_default().to_owned();
            let end =
                if matches!(outcome.state, OutcomeState::Refused | OutcomeState::Failed) { format!(" {name}") } else { String::new() };
            shown.push(format!("{} {:?}{end}", outcome.id.0, outcome.state));
        }
        shown
    }

    fn roles_file(&self) -> PathBuf {
        self.directory.path().join("wanted-roles")
    }
}

fn port() -> PortName {
    PortName("usb0".to_owned())
}

#[test]
fn a_root_command_ends_with_the_motes_own_report() {
    let mut stage = Stage::new();
    stage.give(1, Action::SetDagroot { on: true });
    assert_eq!(stage.outcomes(), ["1 Accepted"]);
    assert_eq!(stage.writes(WriteEnd::Written), ["RY"]);
    stage.report(false);
    assert_eq!(stage.outcomes(), ["1 Sent"], "an old report confirms nothing");
    stage.report(true);
    assert_eq!(stage.outcomes(), ["1 Confirmed"]);
    assert_eq!(stage.commands.poll_timeout(), None);
}

#[test]
fn the_wanted_role_is_on_disk_before_accepted() {
    let mut stage = Stage::new();
    stage.give(1, Action::ToggleDagroot);
    assert_eq!(std::fs::read_to_string(stage.roles_file()).expect("there"), "141592cc00000001 root\n");
    assert_eq!(stage.outcomes(), ["1 Accepted"]);
}

#[test]
fn two_toggles_back_to_back_both_take_effect_in_order() {
    let mut stage = Stage::new();
    stage.give(1, Action::ToggleDagroot);
    stage.give(2, Action::ToggleDagroot);
    assert_eq!(stage.outcomes(), ["1 Accepted", "2 Accepted"]);
    assert_eq!(stage.writes(WriteEnd::Written), ["RY"], "the second waits its turn");
    stage.report(true);
    assert_eq!(stage.writes(WriteEnd::Written), ["RN"]);
    stage.report(false);
    assert_eq!(stage.outcomes(), ["1 Sent", "1 Confirmed", "2 Sent", "2 Confirmed"]);
    assert_eq!(stage.writes(WriteEnd::Written), [""; 0], "nothing is sent again");
}

#[test]
fn a_frame_that_the_mote_did_not_take_is_repeated_until_the_deadline() {
    let mut stage = Stage::new();
    stage.give(1, Action::SetDagroot { on: true });
    let mut sent = stage.writes(WriteEnd::Written).len();
    for _ in 0..30 {
        stage.later(1);
        sent += stage.writes(WriteEnd::Written).len();
    }
    assert!((5..=8).contains(&sent), "{sent}");
    assert_eq!(stage.outcomes(), ["1 Accepted", "1 Sent", "1 TimedOut"]);
    stage.later(300);
    assert_eq!(stage.writes(WriteEnd::Written), [""; 0], "what is late is never sent");
}

#[test]
fn a_lost_write_report_does_not_hold_the_command_for_ever() {
    let mut stage = Stage::new();
    stage.give(1, Action::SetDagroot { on: true });
    assert!(stage.commands.poll_write().is_some());
    stage.later(7);
    assert_eq!(stage.writes(WriteEnd::Written), ["RY"]);
}

#[test]
fn a_port_that_closes_fails_its_command_and_a_full_one_delays_it() {
    let mut stage = Stage::new();
    stage.give(1, Action::SetDagroot { on: true });
    stage.writes(WriteEnd::PortDown);
    stage.give(2, Action::SetDagroot { on: true });
    stage.writes(WriteEnd::Busy);
    stage.later(1);
    assert_eq!(stage.writes(WriteEnd::Written), ["RY"]);
    assert_eq!(stage.outcomes(), ["1 Accepted", "1 Failed link-down", "2 Accepted", "2 Sent"]);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let mut stage = Stage::new();
    stage.give(1, Action::Echo { count: 0, size: 1 });
    stage.port(PortState::Down { cause: "unplugged".to_owned() });
    stage.give(2, Action::SetDagroot { on: true });
    let nobody = Target::Port(PortName("usb9".to_owned()));
    let deadline = stage.now.after(Duration::from_secs(1));
    let command = Command { id: RequestId(3), reply: "tap-1".to_owned(), deadline, target: nobody, action: Action::Reset };
    stage.commands.handle_command(stage.now, &command, &stage.model);
    assert_eq!(stage.outcomes(), ["1 Refused bad-arguments", "2 Refused link-down", "3 Refused unknown-mote"]);
}

#[test]
fn a_toggle_of_a_mote_that_has_told_nothing_is_refused() {
    let mut stage = Stage::new();
    stage.model = Model::new();
    stage.port(PortState::Up);
    let deadline = stage.now.after(Duration::from_secs(1));
    let command =
        Command { id: RequestId(1), reply: "tap-1".to_owned(), deadline, target: Target::Port(port()), action: Action::ToggleDagroot };
    stage.commands.handle_command(stage.now, &command, &stage.model);
    assert_eq!(stage.outcomes(), ["1 Refused unknown-role"]);
}

#[test]
fn a_command_that_comes_late_is_timed_out_and_not_sent() {
    let mut stage = Stage::new();
    let command =
        Command { id: RequestId(1), reply: "tap-1".to_owned(), deadline: stage.now, target: Target::Mote(MOTE), action: Action::Reset };
    stage.commands.handle_command(stage.now, &command, &stage.model);
    assert_eq!(stage.outcomes(), ["1 TimedOut"]);
    assert_eq!(stage.writes(WriteEnd::Written), [""; 0]);
}

#[test]
fn a_command_cannot_be_given_for_ever() {
    let mut stage = Stage::new();
    let deadline = Mono(u64::MAX);
    let command = Command { id: RequestId(1), reply: "tap-1".to_owned(), deadline, target: Target::Mote(MOTE), action: Action::Reset };
    stage.commands.handle_command(stage.now, &command, &stage.model);
    stage.writes(WriteEnd::Written);
    stage.later(LONGEST.as_secs());
    assert_eq!(stage.outcomes(), ["1 Accepted", "1 Sent", "1 TimedOut"]);
}

#[test]
fn a_reset_is_confirmed_by_the_boot() {
    let mut stage = Stage::new();
    stage.give(1, Action::Reset);
    assert_eq!(stage.writes(WriteEnd::Written), ["Q"]);
    stage.boot();
    assert_eq!(stage.outcomes(), ["1 Accepted", "1 Sent", "1 Confirmed"]);
}

#[test]
fn the_wanted_role_is_applied_again_after_a_boot_and_not_over_and_over() {
    let mut stage = Stage::new();
    stage.give(1, Action::SetDagroot { on: true });
    stage.writes(WriteEnd::Written);
    stage.report(true);
    stage.boot();
    assert_eq!(stage.writes(WriteEnd::Written), ["RY"]);
    let mut told = 0;
    for _ in 0..100 {
        stage.later(1);
        stage.report(false);
        told += stage.writes(WriteEnd::Written).len();
    }
    assert!((3..=5).contains(&told), "a mote that does not listen is told less and less often: {told}");
}

#[test]
fn an_echo_test_sends_one_at_a_time_and_tells_its_figures() {
    let mut stage = Stage::new();
    stage.give(1, Action::Echo { count: 2, size: 10 });
    let index = stage.model.by_eui(MOTE).expect("known");
    for _ in 0..2 {
        let frame = stage.commands.poll_write().expect("an echo goes out");
        assert!(stage.commands.poll_write().is_none());
        stage.commands.handle_write(stage.now, &WriteReport { id: frame.id, end: WriteEnd::Written }, &stage.model);
        stage.now = stage.now.after(Duration::from_millis(5));
        assert!(!stage.commands.handle_echo(stage.now, index, b"from the mesh, not an echo", &stage.model));
        assert!(stage.commands.handle_echo(stage.now, index, &frame.payload[1..], &stage.model));
    }
    let last = std::iter::from_fn(|| stage.commands.poll_reply()).last().expect("told").outcome;
    assert_eq!(last.state, OutcomeState::Confirmed);
    let figures = last.echo.expect("told with the end");
    assert_eq!((figures.sent, figures.ok, figures.round_trip.map(|trip| trip.mean_us)), (2, 2, Some(5_000)));
    assert!(last.detail.starts_with("sent 2, ok 2, corrupted 0, timed out 0, round trip 5.0"), "{}", last.detail);
}
