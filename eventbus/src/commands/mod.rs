//! Commands on their way: accepted, sent, and confirmed by the mote's own word.
//!
//! The firmware acknowledges nothing, so a command ends when a report, a log or an echo of the mote
//! shows its effect, or when its deadline passes; what is late is never sent. Commands that change a
//! mote take their turn, so that two sent back to back both take effect, in order.

mod echo;
mod enforce;
mod open;

use std::collections::VecDeque;
use std::time::Duration;

use mqtypes::command::{Action, Command, CommandOutcome, OutcomeState, Target};
use mqtypes::ids::{BootId, Eui64, RequestId, WriteId};
use mqtypes::mono::Mono;
use mqtypes::mote::Link;
use mqtypes::serial::{FrameToMote, WriteEnd, WriteReport};

use crate::frame::{HostFrame, RootAction, SetRoot};
use crate::model::{Model, Mote, MoteIndex};
use crate::network::Network;
use crate::roles::WantedRoles;

use echo::EchoTest;
use enforce::Enforcer;
use open::{Open, Stage, Task};

/// Commands that may be open at once, from everybody together.
const MOST_OPEN: usize = 256;

/// A command's deadline is cut to this: no mote takes longer, and nobody may block a mote for good.
pub const LONGEST: Duration = Duration::from_mins(5);

/// A frame that the line has not taken by then is given up, and tried again if the command's deadline allows.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// The report of its end may take so much longer.
const REPORT_GRACE: Duration = Duration::from_secs(1);

/// How soon after its frame was refused for want of room a command tries again.
const ROOM_AGAIN: Duration = Duration::from_millis(200);

/// A mote reports its role every 1.3 s; a role that does not show by then was not understood.
const ROLE_SHOWS_WITHIN: Duration = Duration::from_secs(4);

/// An outcome, and the queue it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The queue named in the command.
    pub to: String,
    /// What to say.
    pub outcome: CommandOutcome,
}

/// All commands that have not ended.
pub struct Commands {
    network: Network,
    roles: WantedRoles,
    open: Vec<Open>,
    enforcer: Enforcer,
    writes: VecDeque<FrameToMote>,
    replies: VecDeque<Reply>,
    next_write: u64,
}

impl Commands {
    /// None yet.
    pub fn new(boot: BootId, network: Network, roles: WantedRoles) -> Self {
        Self {
            network,
            roles,
            open: Vec::new(),
            enforcer: Enforcer::default(),
            writes: VecDeque::new(),
            replies: VecDeque::new(),
            // Reports of the frames of an earlier start may still come.
            next_write: u64::from(boot.0) << 32,
        }
    }

    /// The prefix that roots are told.
    pub fn prefix(&self) -> [u8; 8] {
        self.network.prefix
    }

    /// Somebody asks for something. Tells the mote when the command is accepted.
    pub fn handle_command(&mut self, now: Mono, command: &Command, model: &Model) -> Option<MoteIndex> {
        match self.accept(now, command, model) {
            Ok(open) => {
                let mote = open.mote;
                self.reply(&command.reply, command.id, OutcomeState::Accepted, String::new());
                self.open.push(open);
                self.advance(now, model);
                Some(mote)
            }
            Err(refusal) => {
                self.reply(&command.reply, command.id, refusal.state(), refusal.to_string());
                None
            }
        }
    }

    /// `serial-bridge` tells how a frame ended.
    pub fn handle_write(&mut self, now: Mono, report: &WriteReport, model: &Model) {
        let Some(at) = self.open.iter().position(|open| open.is_writing(report.id)) else { return };
        match report.end {
            WriteEnd::Written => self.written(now, at),
            WriteEnd::Busy => self.open[at].not_written(now.after(ROOM_AGAIN)),
            WriteEnd::Expired => self.open[at].not_written(now),
            WriteEnd::NoSuchPort | WriteEnd::PortDown => self.end(at, OutcomeState::Failed, "link-down: the port closed".to_owned()),
            WriteEnd::BadLength => self.end(at, OutcomeState::Failed, "bad-length: the frame is longer than a mote takes".to_owned()),
        }
        self.advance(now, model);
    }

    /// A mote reports its role.
    pub fn handle_role(&mut self, now: Mono, index: MoteIndex, role: bool, model: &Model) {
        let confirmed = self.open.iter().position(|open| open.mote == index && open.awaits_role(role));
        if let Some(at) = confirmed {
            let words = if role { "the mote reports that it is DAG root" } else { "the mote reports that it is not DAG root" };
            self.end(at, OutcomeState::Confirmed, words.to_owned());
            self.advance(now, model);
        }
        self.enforce(now, index, model, |enforcer, mote, wanted| enforcer.handle_report(now, mote, wanted, role));
    }

    /// A mote says that it has booted.
    pub fn handle_boot(&mut self, now: Mono, index: MoteIndex, model: &Model) {
        if let Some(at) = self.open.iter().position(|open| open.mote == index && open.awaits_boot()) {
            self.end(at, OutcomeState::Confirmed, "the mote has booted".to_owned());
            self.advance(now, model);
        }
        // Booting costs a mote its role, and a mote that is built as root has no key before it is told.
        self.enforce(now, index, model, |enforcer, mote, wanted| enforcer.handle_boot(now, mote, wanted));
    }

    /// A data frame came. True when it is the echo that a test waits for.
    pub fn handle_echo(&mut self, now: Mono, index: MoteIndex, echoed: &[u8], model: &Model) -> bool {
        let waiting = self.open.iter_mut().find(|open| open.mote == index && open.is_echoing());
        let was_awaited = waiting.is_some_and(|open| open.take_echo(now, echoed));
        if was_awaited {
            self.advance(now, model);
        }
        was_awaited
    }

    /// Deadlines have passed.
    pub fn handle_timeout(&mut self, now: Mono, model: &Model) {
        while let Some(at) = self.open.iter().position(|open| open.deadline <= now) {
            let words = self.open[at].unfinished_words();
            self.end(at, OutcomeState::TimedOut, words);
        }
        for open in &mut self.open {
            open.handle_timeout(now);
        }
        self.advance(now, model);
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        (0..self.open.len()).filter_map(|at| self.open[at].poll_timeout(self.has_turn(at))).min()
    }

    /// The next frame for a mote.
    pub fn poll_write(&mut self) -> Option<FrameToMote> {
        self.writes.pop_front()
    }

    /// The next outcome.
    pub fn poll_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// There is no room on the way to `serial-bridge`: the frame was not sent.
    pub fn handle_no_room(&mut self, now: Mono, id: WriteId, model: &Model) {
        self.handle_write(now, &WriteReport { id, end: WriteEnd::Busy }, model);
    }

    fn accept(&mut self, now: Mono, command: &Command, model: &Model) -> Result<Open, Refusal> {
        if command.deadline <= now {
            return Err(Refusal::Late);
        }
        if self.open.len() >= MOST_OPEN {
            return Err(Refusal::Busy);
        }
        let (index, mote) = find(model, &command.target)?;
        if mote.link() == Link::Down || mote.port().is_none() {
            return Err(Refusal::LinkDown(command.target.clone()));
        }
        let task = match command.action {
            Action::SetDagroot { on } => self.want_role(mote, on)?,
            Action::ToggleDagroot => {
                let wanted = mote.eui().and_then(|eui| self.roles.of(eui));
                let role = wanted.or(mote.reported_role()).ok_or(Refusal::UnknownRole)?;
                self.want_role(mote, !role)?
            }
            Action::Reset => Task::Reset,
            Action::Echo { count, size } => Task::Echo(EchoTest::new(count, size).ok_or(Refusal::BadEcho)?),
        };
        let deadline = command.deadline.min(now.after(LONGEST));
        Ok(Open::new(command, deadline, index, task, now))
    }

    fn want_role(&mut self, mote: &Mote, on: bool) -> Result<Task, Refusal> {
        let eui = mote.eui().ok_or(Refusal::Nameless)?;
        self.roles.want(eui, on).map_err(|error| Refusal::NotKept(error.to_string()))?;
        Ok(Task::SetRole { on })
    }

    /// Lets every command whose turn it is take its next step.
    fn advance(&mut self, now: Mono, model: &Model) {
        while let Some(at) = (0..self.open.len()).find(|at| self.open[*at].wants_to_write(now) && self.has_turn(*at)) {
            if let Some(words) = self.open[at].finished_words() {
                self.end(at, OutcomeState::Confirmed, words);
                continue;
            }
            let (index, deadline) = (self.open[at].mote, self.open[at].deadline.min(now.after(WRITE_WITHIN)));
            let frame = self.open[at].next_frame(now, |on| set_root(&self.network, on));
            match self.write(index, deadline, &frame, model) {
                Some(id) => self.open[at].stage = Stage::Writing { id, until: deadline.after(REPORT_GRACE) },
                None => self.end(at, OutcomeState::Failed, "link-down: the mote is not on a port any more".to_owned()),
            }
        }
    }

    /// Commands that change a mote go one at a time; echo tests have a lane of their own.
    fn has_turn(&self, at: usize) -> bool {
        let open = &self.open[at];
        !self.open[..at].iter().any(|earlier| earlier.mote == open.mote && earlier.is_echo() == open.is_echo())
    }

    fn write(&mut self, index: MoteIndex, deadline: Mono, frame: &HostFrame, model: &Model) -> Option<WriteId> {
        let (port, generation) = model.mote(index)?.port()?;
        let payload = frame.emit().ok()?;
        let id = WriteId(self.next_write);
        self.next_write += 1;
        self.writes.push_back(FrameToMote { id, port: port.clone(), generation, deadline, payload });
        Some(id)
    }

    fn written(&mut self, now: Mono, at: usize) {
        if self.open[at].written(now) {
            let (to, id) = (self.open[at].reply.clone(), self.open[at].id);
            self.reply(&to, id, OutcomeState::Sent, String::new());
        }
    }

    fn end(&mut self, at: usize, state: OutcomeState, detail: String) {
        let open = self.open.remove(at);
        let outcome = CommandOutcome { id: open.id, state, detail, echo: open.echo_figures() };
        self.replies.push_back(Reply { to: open.reply, outcome });
    }

    fn reply(&mut self, to: &str, id: RequestId, state: OutcomeState, detail: String) {
        self.replies.push_back(Reply { to: to.to_owned(), outcome: CommandOutcome { id, state, detail, echo: None } });
    }

    /// Sends the wanted role again when the mote has another, unless a command is about to settle it.
    fn enforce(&mut self, now: Mono, index: MoteIndex, model: &Model, decide: impl FnOnce(&mut Enforcer, Eui64, bool) -> bool) {
        let Some(mote) = model.mote(index).and_then(Mote::eui) else { return };
        let Some(wanted) = self.roles.of(mote) else { return };
        let is_settled_elsewhere = self.open.iter().any(|open| open.mote == index && open.sets_role());
        if !is_settled_elsewhere && decide(&mut self.enforcer, mote, wanted) {
            let frame = set_root(&self.network, wanted);
            self.write(index, now.after(WRITE_WITHIN), &frame, model);
        }
    }
}

fn set_root(network: &Network, on: bool) -> HostFrame {
    let action = if on { RootAction::Yes } else { RootAction::No };
    HostFrame::SetRoot(SetRoot { action, prefix: network.prefix, key_index: network.key_index, key: network.key })
}

fn find<'a>(model: &'a Model, target: &Target) -> Result<(MoteIndex, &'a Mote), Refusal> {
    let index = match target {
        Target::Mote(eui) => model.by_eui(*eui),
        Target::Port(port) => model.by_port(port),
    };
    index.and_then(|index| Some((index, model.mote(index)?))).ok_or_else(|| Refusal::UnknownMote(target.clone()))
}

/// Why a command is not begun. The first word is a name for programs.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("unknown-mote: nothing is known of {0}")]
    UnknownMote(Target),
    #[error("link-down: the port of {0} is not open")]
    LinkDown(Target),
    #[error("unknown-role: neither a wanted role nor a report of the mote is known; set it explicitly")]
    UnknownRole,
    #[error("nameless: the mote has not told its address yet; try again in two seconds")]
    Nameless,
    #[error("not-kept: {0}")]
    NotKept(String),
    #[error("bad-arguments: an echo test has 1 to {} echoes of 0 to {} bytes", echo::MOST, crate::frame::MAX_ECHO)]
    BadEcho,
    #[error("busy: {MOST_OPEN} commands are open already")]
    Busy,
    #[error("the deadline had passed when the command came")]
    Late,
}

impl Refusal {
    fn state(&self) -> OutcomeState {
        match self {
            Self::Late => OutcomeState::TimedOut,
            Self::UnknownMote(_)
            | Self::LinkDown(_)
            | Self::UnknownRole
            | Self::Nameless
            | Self::NotKept(_)
            | Self::BadEcho
            | Self::Busy => OutcomeState::Refused,
        }
    }
}

#[cfg(test)]
mod tests;
