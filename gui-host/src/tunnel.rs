//! The life of one tunnel to a router, as a pure state machine: start `ssh`, wake `ui-proxy`, wait
//! for its link, and begin again with back-off when anything breaks.
//!
//! It starts no process and reads no clock: [`Tunnel::poll_action`] says what to do, `handle_*`
//! what happened. It never gives up.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{clock::Now, complaint::Complaint, terminal};

/// Time between starting the tunnel and the first wake-up: both log in to the same router, and the
/// tunnel should be there first.
const HEAD_START: Duration = Duration::from_millis(700);

/// Longest time that a wake-up command may take.
const WAKE_LIMIT: Duration = Duration::from_secs(20);

/// Time for a woken `ui-proxy` to dial before it is woken again; doubled up to [`MAX_PAUSE`].
const PATIENCE: Duration = Duration::from_secs(8);

/// Pause before a broken tunnel is started again; doubled up to [`MAX_PAUSE`].
const PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// What is said when a woken `ui-proxy` does not come: from here no more can be seen.
const NO_LINK: &str = "ui-proxy was woken, and no link has come of it; its log on the router says why (journalctl -u lbr-ui-proxy, or logread \
     -e ui-proxy): most often it has no key, or another program has the port there";

/// Lines of ssh's words that are kept, and characters of each.
const KEPT_LINES: usize = 20;
const MAX_LINE: usize = 300;

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the ssh that holds the forward.
    StartSsh,
    /// End it.
    StopSsh,
    /// Run the wake-up command of that number.
    Wake(usize),
    /// End the wake-up command that runs.
    StopWake,
}

/// How the link through this tunnel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkThrough {
    /// No router has come through it, or its link is closed.
    Absent,
    /// A router is there.
    Open,
}

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The ssh that holds the forward.
    Tunnel,
    /// The wake-up command.
    WakeUp,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With status 0.
    Done,
    /// Otherwise, in words.
    Failed(String),
}

/// Where it stands, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// How far it is.
    pub state: StageState,
    /// When it came to that, Unix time in ms.
    pub t: Option<u64>,
    /// More words.
    pub text: String,
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// Not begun.
    Pending,
    /// Under way.
    Active,
    /// Reached.
    Done,
    /// Tried in vain; it will be tried again.
    Failed,
}

impl StageState {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Stage {
    /// A stage that has not begun.
    pub fn pending(name: &'static str) -> Self {
        Self { name, state: StageState::Pending, t: None, text: String::new() }
    }

    fn set(&mut self, now: Now, state: StageState, text: impl Into<String>) {
        *self = Self { name: self.name, state, t: Some(now.unix_ms), text: text.into() };
    }
}

/// What the hub is told of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelReport {
    /// `ssh started`, `forward accepted`, `wake-up sent`.
    pub stages: [Stage; 3],
    /// What goes on, in words.
    pub detail: String,
    /// The last words of `ssh`.
    pub stderr: Vec<String>,
}

impl TunnelReport {
    /// Whether something was tried in vain.
    pub fn has_failed(&self) -> bool {
        self.stages.iter().any(|stage| stage.state == StageState::Failed)
    }
}

const SSH: usize = 0;
const FORWARD: usize = 1;
const WAKE_UP: usize = 2;

/// A tunnel.
#[derive(Debug)]
pub struct Tunnel {
    phase: Phase,
    /// How many wake-up commands there are to choose from.
    ways: usize,
    /// Which one is tried first next time.
    first_way: usize,
    pause: Duration,
    patience: Duration,
    stages: [Stage; 3],
    detail: String,
    stderr: VecDeque<String>,
    /// How often it was woken since then without a link.
    in_vain: u32,
    /// What the ssh that runs has complained of first.
    complaint: Option<Complaint>,
    /// What the wake-up has complained of first, in which of the ways that were tried.
    wake_complaint: Option<(usize, Complaint)>,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
enum Phase {
    /// No ssh runs.
    Resting { until: Instant },
    /// ssh is asked for, or has just started.
    Starting { until: Instant },
    /// ssh runs, and so does a wake-up command.
    Waking { way: usize, tried: usize, until: Instant },
    /// ssh runs; `ui-proxy` should dial.
    Expecting { until: Instant, hope: Hope },
    /// ssh runs, and the link is there.
    Open,
}

/// Why a link may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hope {
    /// `ui-proxy` was woken.
    Woken,
    /// It was not, but it dials by itself for a while when it has lost its link.
    Unwoken,
}

impl Tunnel {
    /// A tunnel that is started at once; `ways` wake-up commands are tried in turn.
    pub fn new(now: Now, ways: usize) -> Self {
        Self {
            phase: Phase::Resting { until: now.instant },
            ways,
            first_way: 0,
            pause: PAUSE,
            patience: PATIENCE,
            stages: ["ssh started", "forward accepted", "wake-up sent"].map(Stage::pending),
            detail: "starting ssh".to_owned(),
            stderr: VecDeque::new(),
            in_vain: 0,
            complaint: None,
            wake_complaint: None,
            actions: VecDeque::new(),
        }
    }

    /// The ssh process runs.
    pub fn handle_ssh_started(&mut self, now: Now) {
        self.stages[SSH].set(now, StageState::Done, "");
        self.stages[FORWARD].set(now, StageState::Active, "");
        "ssh runs; waiting for the router".clone_into(&mut self.detail);
        self.phase = Phase::Starting { until: now.instant + HEAD_START };
    }

    /// The ssh process has ended, or could not be started.
    pub fn handle_ssh_ended(&mut self, now: Now, why: &str) {
        let why = &*explained(self.complaint.take(), why);
        if matches!(self.phase, Phase::Waking { .. }) {
            self.actions.push_back(Action::StopWake);
        }
        let failed = if self.stages[SSH].state == StageState::Done { FORWARD } else { SSH };
        self.stages[failed].set(now, StageState::Failed, why);
        for stage in &mut self.stages[failed + 1..] {
            *stage = Stage::pending(stage.name);
        }
        self.detail = format!("{why}; next attempt in {} s", self.pause.as_secs());
        self.in_vain = 0;
        self.phase = Phase::Resting { until: now.instant + self.pause };
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }

    /// ssh or the wake-up said something.
    pub fn handle_stderr(&mut self, now: Now, speaker: Speaker, line: &str) {
        if self.stderr.len() >= KEPT_LINES {
            self.stderr.pop_front();
        }
        self.stderr.push_back(terminal::clean(line, MAX_LINE));
        let Some(complaint) = Complaint::read(line) else { return };
        match speaker {
            Speaker::WakeUp => {
                // The last way's words count: the queue is for those who may not signal.
                if let Phase::Waking { tried, .. } = self.phase
                    && self.wake_complaint.is_none_or(|(at, _)| at < tried)
                {
                    self.wake_complaint = Some((tried, complaint));
                }
            }
            Speaker::Tunnel => {
                self.complaint.get_or_insert(complaint);
                // OpenSSH ends by itself then, plink stays.
                if complaint == Complaint::ForwardRefused && !matches!(self.phase, Phase::Resting { .. }) {
                    self.actions.push_back(Action::StopSsh);
                    self.handle_ssh_ended(now, "the forward is refused");
                }
            }
        }
    }

    /// The wake-up command has ended.
    pub fn handle_wake_ended(&mut self, now: Now, ended: &Ended) {
        let Phase::Waking { way, tried, .. } = self.phase else { return };
        match ended {
            Ended::Done => {
                self.stages[FORWARD].set(now, StageState::Done, "");
                self.stages[WAKE_UP].set(now, StageState::Done, "");
                let detail = if self.in_vain == 0 { "ui-proxy is woken; waiting for its link" } else { NO_LINK };
                detail.clone_into(&mut self.detail);
                // If no link comes of it, the next way may do better.
                self.first_way = (way + 1) % self.ways;
                self.expect_link(now, Hope::Woken);
            }
            Ended::Failed(_) if tried + 1 < self.ways => self.wake(now, tried + 1),
            Ended::Failed(why) => {
                let text = match self.wake_complaint.take() {
                    Some((_, complaint)) => explained(Some(complaint), why),
                    None => format!(
                        "{why}; on the router: is ui-proxy running, and may this user wake it (root, lbr, or a member of the group lbr)?"
                    ),
                };
                self.detail = format!("waking ui-proxy failed: {text}");
                self.stages[WAKE_UP].set(now, StageState::Failed, text);
                self.first_way = 0;
                self.expect_link(now, Hope::Unwoken);
            }
        }
    }

    /// The hub knows how the link through this tunnel is; may be told again and again.
    pub fn handle_link(&mut self, now: Now, link: LinkThrough) {
        match (link, &self.phase) {
            (LinkThrough::Open, Phase::Open | Phase::Resting { .. })
            | (LinkThrough::Absent, Phase::Resting { .. } | Phase::Starting { .. } | Phase::Waking { .. } | Phase::Expecting { .. }) => {}
            (LinkThrough::Open, Phase::Starting { .. } | Phase::Waking { .. } | Phase::Expecting { .. }) => {
                if matches!(self.phase, Phase::Waking { .. }) {
                    self.actions.push_back(Action::StopWake);
                }
                for stage in [FORWARD, WAKE_UP] {
                    if self.stages[stage].state != StageState::Done {
                        self.stages[stage].set(now, StageState::Done, "");
                    }
                }
                "the link is open".clone_into(&mut self.detail);
                self.pause = PAUSE;
                self.patience = PATIENCE;
                self.first_way = 0;
                self.in_vain = 0;
                self.phase = Phase::Open;
            }
            (LinkThrough::Absent, Phase::Open) => {
                "the link is closed; ui-proxy should dial again".clone_into(&mut self.detail);
                self.expect_link(now, Hope::Unwoken);
            }
        }
    }

    /// When [`Tunnel::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Resting { until } | Phase::Starting { until } | Phase::Waking { until, .. } | Phase::Expecting { until, .. } => {
                Some(until)
            }
            Phase::Open => None,
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.poll_timeout().is_none_or(|due| now.instant < due) {
            return;
        }
        match self.phase {
            Phase::Resting { .. } => {
                self.stages = self.stages.clone().map(|stage| Stage::pending(stage.name));
                self.stages[SSH].set(now, StageState::Active, "");
                "starting ssh".clone_into(&mut self.detail);
                self.complaint = None;
                self.actions.push_back(Action::StartSsh);
                self.phase = Phase::Starting { until: now.instant + HEAD_START };
            }
            Phase::Starting { .. } => self.wake(now, 0),
            Phase::Expecting { hope, .. } => {
                match hope {
                    Hope::Woken => self.note_no_link(now),
                    Hope::Unwoken => {}
                }
                self.wake(now, 0);
            }
            Phase::Waking { .. } => {
                self.actions.push_back(Action::StopWake);
                let why = format!("no answer within {} s", WAKE_LIMIT.as_secs());
                self.handle_wake_ended(now, &Ended::Failed(why));
            }
            Phase::Open => {}
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// How it stands.
    pub fn report(&self) -> TunnelReport {
        TunnelReport { stages: self.stages.clone(), detail: self.detail.clone(), stderr: self.stderr.iter().cloned().collect() }
    }

    /// The wake-up went well, and nobody came.
    fn note_no_link(&mut self, now: Now) {
        self.in_vain += 1;
        self.stages[WAKE_UP].set(now, StageState::Failed, NO_LINK);
        NO_LINK.clone_into(&mut self.detail);
    }

    fn wake(&mut self, now: Now, tried: usize) {
        let way = (self.first_way + tried) % self.ways;
        // Why the last one failed is to be read until this one has done better.
        if self.stages[WAKE_UP].state != StageState::Failed {
            self.stages[WAKE_UP].set(now, StageState::Active, "");
        }
        if tried == 0 {
            self.wake_complaint = None;
        }
        self.actions.push_back(Action::Wake(way));
        self.phase = Phase::Waking { way, tried, until: now.instant + WAKE_LIMIT };
    }

    fn expect_link(&mut self, now: Now, hope: Hope) {
        self.phase = Phase::Expecting { until: now.instant + self.patience, hope };
        self.patience = (self.patience * 2).min(MAX_PAUSE);
    }
}

/// The way out first: it is what a person looks for.
fn explained(complaint: Option<Complaint>, why: &str) -> String {
    complaint.map_or_else(|| why.to_owned(), |complaint| format!("{} ({why})", complaint.way_out()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(tunnel: &mut Tunnel) -> Vec<Action> {
        std::iter::from_fn(|| tunnel.poll_action()).collect()
    }

    fn states(tunnel: &Tunnel) -> [StageState; 3] {
        tunnel.report().stages.map(|stage| stage.state)
    }

    fn failed() -> Ended {
        Ended::Failed("exit status 1".to_owned())
    }

    /// A tunnel whose ssh runs and whose first wake-up command has been asked for.
    fn waking(now: Now) -> Tunnel {
        let mut tunnel = Tunnel::new(now, 2);
        tunnel.handle_timeout(now);
        assert_eq!(actions(&mut tunnel), [Action::StartSsh]);
        tunnel.handle_ssh_started(now);
        tunnel.handle_timeout(now.plus(699));
        assert_eq!(actions(&mut tunnel), []);
        tunnel.handle_timeout(now.plus(700));
        assert_eq!(actions(&mut tunnel), [Action::Wake(0)]);
        tunnel
    }

    #[test]
    fn starts_ssh_then_wakes_then_waits_for_the_link() {
        use StageState::{Active, Done};
        let now = Now::start();
        let mut tunnel = waking(now);
        assert_eq!(states(&tunnel), [Done, Active, Active]);
        tunnel.handle_wake_ended(now.plus(900), &Ended::Done);
        assert_eq!(states(&tunnel), [Done, Done, Done]);
        tunnel.handle_link(now.plus(1000), LinkThrough::Open);
        assert_eq!(tunnel.poll_timeout(), None);
        assert_eq!(actions(&mut tunnel), []);
    }

    #[test]
    fn a_failed_wake_up_is_tried_the_other_way_and_then_later_again() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_wake_ended(now.plus(900), &failed());
        assert_eq!(actions(&mut tunnel), [Action::Wake(1)]);
        tunnel.handle_wake_ended(now.plus(1000), &failed());
        assert_eq!(states(&tunnel)[WAKE_UP], StageState::Failed);
        assert!(tunnel.report().stages[WAKE_UP].text.contains("group lbr"));
        tunnel.handle_timeout(now.plus(8999));
        assert_eq!(actions(&mut tunnel), []);
        tunnel.handle_timeout(now.plus(9000));
        assert_eq!(actions(&mut tunnel), [Action::Wake(0)]);
    }

    #[test]
    fn without_a_link_it_wakes_again_another_way_ever_more_patiently() {
        let now = Now::start();
        let mut tunnel = waking(now);
        let mut at = now.plus(1000);
        for (way, patience) in [(1, 8), (0, 16), (1, 32), (0, 60), (1, 60)] {
            tunnel.handle_wake_ended(at, &Ended::Done);
            at = at.plus(patience * 1000);
            assert_eq!(tunnel.poll_timeout(), Some(at.instant));
            tunnel.handle_timeout(at);
            assert_eq!(actions(&mut tunnel), [Action::Wake(way)]);
        }
    }

    #[test]
    fn a_wake_up_without_a_link_is_told_until_the_link_comes() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_wake_ended(now, &Ended::Done);
        assert!(!tunnel.report().has_failed());
        tunnel.handle_timeout(now.plus(8000));
        assert!(tunnel.report().has_failed());
        assert_eq!((tunnel.report().detail.as_str(), tunnel.report().stages[WAKE_UP].text.as_str()), (NO_LINK, NO_LINK));
        tunnel.handle_wake_ended(now.plus(8500), &Ended::Done);
        assert_eq!(tunnel.report().detail, NO_LINK);
        tunnel.handle_link(now.plus(9000), LinkThrough::Open);
        assert_eq!(states(&tunnel), [StageState::Done; 3]);
        tunnel.handle_link(now.plus(9500), LinkThrough::Absent);
        tunnel.handle_timeout(now.plus(20_000));
        tunnel.handle_wake_ended(now.plus(20_000), &Ended::Done);
        assert!(!tunnel.report().detail.contains("no link"), "{}", tunnel.report().detail);
    }

    #[test]
    fn a_broken_tunnel_is_started_again_with_growing_pauses() {
        let mut now = Now::start();
        let mut tunnel = Tunnel::new(now, 2);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            tunnel.handle_timeout(now);
            assert_eq!(actions(&mut tunnel), [Action::StartSsh]);
            tunnel.handle_ssh_started(now);
            tunnel.handle_ssh_ended(now, "ssh ended with status 255");
            assert_eq!(states(&tunnel)[FORWARD], StageState::Failed);
            assert!(tunnel.report().detail.contains(&format!("in {pause} s")));
            tunnel.handle_timeout(now.plus(pause * 1000 - 1));
            assert_eq!(actions(&mut tunnel), []);
            now = now.plus(pause * 1000);
        }
    }

    #[test]
    fn an_open_link_resets_the_pauses() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_ssh_ended(now, "broken");
        assert_eq!(actions(&mut tunnel), [Action::StopWake]);
        tunnel.handle_timeout(now.plus(1000));
        tunnel.handle_ssh_started(now.plus(1000));
        tunnel.handle_link(now.plus(1100), LinkThrough::Open);
        tunnel.handle_ssh_ended(now.plus(2000), "broken");
        assert_eq!(tunnel.poll_timeout(), Some(now.plus(3000).instant));
    }

    #[test]
    fn a_link_that_comes_during_the_wake_up_ends_it() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_link(now, LinkThrough::Open);
        assert_eq!(actions(&mut tunnel), [Action::StopWake]);
        tunnel.handle_wake_ended(now, &failed());
        assert_eq!(states(&tunnel), [StageState::Done; 3]);
    }

    #[test]
    fn a_lost_link_is_given_time_to_come_back_before_the_next_wake_up() {
        let now = Now::start();
        let mut tunnel = waking(now);
        actions(&mut tunnel);
        tunnel.handle_link(now, LinkThrough::Open);
        actions(&mut tunnel);
        tunnel.handle_link(now.plus(5000), LinkThrough::Absent);
        tunnel.handle_timeout(now.plus(12_999));
        assert_eq!(actions(&mut tunnel), []);
        tunnel.handle_timeout(now.plus(13_000));
        assert_eq!(actions(&mut tunnel), [Action::Wake(0)]);
    }

    #[test]
    fn a_wake_up_that_hangs_is_ended() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_timeout(now.plus(700 + 20_000));
        assert_eq!(actions(&mut tunnel), [Action::StopWake, Action::Wake(1)]);
    }

    #[test]
    fn ssh_that_cannot_be_started_is_told_and_tried_again() {
        let now = Now::start();
        let mut tunnel = Tunnel::new(now, 1);
        tunnel.handle_timeout(now);
        tunnel.handle_ssh_ended(now, "cannot start ssh");
        assert_eq!(states(&tunnel)[SSH], StageState::Failed);
        assert_eq!(tunnel.poll_timeout(), Some(now.plus(1000).instant));
    }

    #[test]
    fn the_words_of_ssh_are_bounded_and_clean() {
        let mut tunnel = Tunnel::new(Now::start(), 1);
        for number in 0..100 {
            tunnel.handle_stderr(Now::start(), Speaker::Tunnel, &format!("{number} \x1b[31m{}", "x".repeat(1000)));
        }
        let lines = tunnel.report().stderr;
        assert_eq!(lines.len(), KEPT_LINES);
        assert!(lines[0].starts_with("80 ?[31m") && lines[0].chars().count() == MAX_LINE + 1);
    }

    #[test]
    fn a_refused_forward_ends_ssh_once_and_is_explained() {
        let now = Now::start();
        let mut tunnel = waking(now);
        let line = "Error: remote port forwarding failed for listen port 8000";
        tunnel.handle_stderr(now, Speaker::WakeUp, line);
        assert_eq!(actions(&mut tunnel), []);
        tunnel.handle_stderr(now, Speaker::Tunnel, line);
        tunnel.handle_stderr(now, Speaker::Tunnel, line);
        assert_eq!(actions(&mut tunnel), [Action::StopSsh, Action::StopWake]);
        assert!(tunnel.report().detail.contains("another gui-host has its tunnel there"), "{}", tunnel.report().detail);
        assert_eq!(tunnel.poll_timeout(), Some(now.plus(1000).instant));
    }

    #[test]
    fn a_complaint_of_ssh_explains_its_end_and_no_other() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_stderr(now, Speaker::Tunnel, "me@lbr: Permission denied (publickey).");
        tunnel.handle_ssh_ended(now, "exit status 255");
        let text = tunnel.report().stages[FORWARD].text.clone();
        assert!(text.contains("ssh-add") && text.contains("exit status 255"), "{text}");
        tunnel.handle_timeout(now.plus(1000));
        tunnel.handle_ssh_started(now.plus(1000));
        tunnel.handle_ssh_ended(now.plus(1000), "exit status 1");
        assert_eq!(tunnel.report().stages[FORWARD].text, "exit status 1");
    }

    #[test]
    fn a_wake_up_that_is_not_permitted_says_the_way_out() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_stderr(now, Speaker::WakeUp, "pkill: killing pid 7 failed: Operation not permitted");
        tunnel.handle_wake_ended(now, &failed());
        tunnel.handle_wake_ended(now, &failed());
        let text = tunnel.report().stages[WAKE_UP].text.clone();
        assert!(text.contains("usermod -aG lbr"), "{text}");
    }

    #[test]
    fn what_the_last_way_complains_of_is_what_counts() {
        let now = Now::start();
        let mut tunnel = waking(now);
        tunnel.handle_stderr(now, Speaker::WakeUp, "pkill: killing pid 7 failed: Operation not permitted");
        tunnel.handle_wake_ended(now, &failed());
        tunnel.handle_stderr(now, Speaker::WakeUp, "sh: 1: ui-proxy: not found");
        tunnel.handle_wake_ended(now, &failed());
        let text = tunnel.report().stages[WAKE_UP].text.clone();
        assert!(text.contains("search path"), "{text}");
    }
}
