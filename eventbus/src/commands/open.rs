//! One command between its acceptance and its end.

use mqtypes::command::{Command, EchoFigures};
use mqtypes::ids::{RequestId, WriteId};
use mqtypes::mono::Mono;

use crate::frame::HostFrame;
use crate::model::MoteIndex;

use super::ROLE_SHOWS_WITHIN;
use super::echo::EchoTest;

/// One command between its acceptance and its end.
pub struct Open {
    pub(super) id: RequestId,
    pub(super) reply: String,
    pub(super) deadline: Mono,
    pub(super) mote: MoteIndex,
    pub(super) stage: Stage,
    task: Task,
    sent_before: SentBefore,
}

/// What is to be done.
pub enum Task {
    SetRole { on: bool },
    Reset,
    Echo(EchoTest),
}

/// Where its frame is.
pub enum Stage {
    /// To be sent, when it is this command's turn.
    Waiting { not_before: Mono },
    /// With `serial-bridge`; a report that does not come by then was lost.
    Writing { id: WriteId, until: Mono },
    /// On the line; its effect has not shown yet.
    Awaiting { again: Option<Mono> },
}

/// Was the person told `sent`? Repetitions are not told.
#[derive(PartialEq)]
enum SentBefore {
    No,
    Yes,
}

impl Open {
    pub(super) fn new(command: &Command, deadline: Mono, mote: MoteIndex, task: Task, now: Mono) -> Self {
        Self {
            id: command.id,
            reply: command.reply.clone(),
            deadline,
            mote,
            stage: Stage::Waiting { not_before: now },
            task,
            sent_before: SentBefore::No,
        }
    }

    pub(super) fn is_writing(&self, write: WriteId) -> bool {
        matches!(self.stage, Stage::Writing { id, .. } if id == write)
    }

    pub(super) fn is_echo(&self) -> bool {
        matches!(self.task, Task::Echo(_))
    }

    pub(super) fn sets_role(&self) -> bool {
        matches!(self.task, Task::SetRole { .. })
    }

    pub(super) fn awaits_role(&self, role: bool) -> bool {
        self.is_awaiting() && matches!(self.task, Task::SetRole { on } if on == role)
    }

    pub(super) fn awaits_boot(&self) -> bool {
        // The mote may boot before the report of the write has come.
        !matches!(self.stage, Stage::Waiting { .. }) && matches!(self.task, Task::Reset)
    }

    pub(super) fn is_echoing(&self) -> bool {
        !matches!(self.stage, Stage::Waiting { .. }) && self.is_echo()
    }

    pub(super) fn wants_to_write(&self, now: Mono) -> bool {
        matches!(self.stage, Stage::Waiting { not_before } if not_before <= now)
    }

    /// The frame that is to be sent now.
    pub(super) fn next_frame(&mut self, now: Mono, set_root: impl FnOnce(bool) -> HostFrame) -> HostFrame {
        match &mut self.task {
            Task::SetRole { on } => set_root(*on),
            Task::Reset => HostFrame::Reset,
            Task::Echo(test) => HostFrame::Echo(test.next(now)),
        }
    }

    /// The line did not take the frame; it is tried again then.
    pub(super) fn not_written(&mut self, not_before: Mono) {
        if let Task::Echo(test) = &mut self.task {
            test.take_back();
        }
        self.stage = Stage::Waiting { not_before };
    }

    /// The line has the frame. True when that is to be told.
    pub(super) fn written(&mut self, now: Mono) -> bool {
        let again = match &mut self.task {
            Task::SetRole { .. } => Some(now.after(ROLE_SHOWS_WITHIN)),
            Task::Reset => None,
            Task::Echo(test) => Some(test.sent(now)),
        };
        self.stage = Stage::Awaiting { again };
        std::mem::replace(&mut self.sent_before, SentBefore::Yes) == SentBefore::No
    }

    /// True when these bytes are what the test waits for.
    pub(super) fn take_echo(&mut self, now: Mono, echoed: &[u8]) -> bool {
        let Task::Echo(test) = &mut self.task else { return false };
        let was_awaited = test.take(now, echoed);
        if was_awaited {
            self.stage = Stage::Waiting { not_before: now };
        }
        was_awaited
    }

    /// The words of its end, when nothing is left to be sent.
    pub(super) fn finished_words(&self) -> Option<String> {
        match &self.task {
            Task::Echo(test) if test.is_finished() => Some(test.to_string()),
            Task::Echo(_) | Task::SetRole { .. } | Task::Reset => None,
        }
    }

    /// What an echo test has found so far.
    pub(super) fn echo_figures(&self) -> Option<EchoFigures> {
        match &self.task {
            Task::Echo(test) => Some(test.figures()),
            Task::SetRole { .. } | Task::Reset => None,
        }
    }

    /// What a person should know when the deadline passes first.
    pub(super) fn unfinished_words(&self) -> String {
        match (&self.task, &self.stage) {
            (Task::Echo(test), _) => test.to_string(),
            (_, Stage::Awaiting { .. }) => "the mote did not show the effect in time".to_owned(),
            (_, Stage::Waiting { .. }) => "it did not get its turn in time".to_owned(),
            (_, Stage::Writing { .. }) => "the serial line did not take the frame in time".to_owned(),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Mono) {
        let is_due = match self.stage {
            Stage::Waiting { .. } => false,
            Stage::Writing { until, .. } => until <= now,
            Stage::Awaiting { again } => again.is_some_and(|again| again <= now),
        };
        if is_due {
            if let Task::Echo(test) = &mut self.task {
                test.give_up_one();
            }
            self.stage = Stage::Waiting { not_before: now };
        }
    }

    pub(super) fn poll_timeout(&self, has_turn: bool) -> Option<Mono> {
        let next = match self.stage {
            Stage::Waiting { not_before } => has_turn.then_some(not_before),
            Stage::Writing { until, .. } => Some(until),
            Stage::Awaiting { again } => again,
        };
        Mono::earliest(next, Some(self.deadline))
    }

    fn is_awaiting(&self) -> bool {
        matches!(self.stage, Stage::Awaiting { .. })
    }
}
