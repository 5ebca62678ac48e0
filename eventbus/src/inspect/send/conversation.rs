//! A command's way: whom it is for, that it is said, and its outcomes until the last.
//!
//! `eventbus` ends every command. Only when it ends itself, or cannot reach us, must we do that.

use std::time::Duration;

use bus::moment::Moment;
use mqtypes::broker::Notification;
use mqtypes::command::{Action, Command, CommandOutcome, OutcomeState};
use mqtypes::envelope::Envelope;
use mqtypes::ids::RequestId;
use mqtypes::mono::Mono;

use crate::inspect::End;
use crate::inspect::mote_name::{MoteName, NoSuchMote};
use crate::inspect::picture::{Completeness, Picture};
use crate::inspect::subscriber::{Listener, Notice, Output, Wish, reply_name};
use crate::inspect::tap::words::{outcome_tone, state_words};
use crate::inspect::terminal::{Ink, complain, plain_json, printable};
use crate::inspect::watch::Form;

/// Our queue is our own, so that any number names our one command.
const ID: RequestId = RequestId(1);

/// `eventbus` tells of a deadline that has passed at once; on a busy machine that takes a while.
const GRACE: Duration = Duration::from_secs(3);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// That it is accepted, or refused.
    Accepted,
    /// Its end.
    End,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// The motes are being told.
    Looking,
    /// It is to be said.
    Ready(Command),
    /// It was said. If nothing more is heard until then it is given up.
    Said { until: Mono },
    /// All is over.
    Over(End),
}

/// One command.
#[derive(Debug)]
pub struct Conversation {
    mote: MoteName,
    name: &'static str,
    action: Action,
    within: Duration,
    patience: Patience,
    form: Form,
    ink: Ink,
    picture: Picture,
    stage: Stage,
}

impl Conversation {
    /// A command that nobody has heard of yet.
    pub fn new(mote: MoteName, name: &'static str, action: Action, within: Duration, patience: Patience) -> Self {
        let (form, ink, picture, stage) = (Form::Text, Ink::Plain, Picture::default(), Stage::Looking);
        Self { mote, name, action, within, patience, form, ink, picture, stage }
    }

    /// For whom its steps are printed.
    pub fn print_as(&mut self, form: Form, ink: Ink) {
        (self.form, self.ink) = (form, ink);
    }

    /// How it ended. When we were stopped before, nobody knows.
    pub fn conclude(&mut self) -> End {
        if let Stage::Said { .. } = self.stage {
            self.give_up("not waited for any longer: what becomes of the command is not known", End::CommandFailed);
        }
        match &self.stage {
            Stage::Over(end) => *end,
            Stage::Looking | Stage::Ready(_) | Stage::Said { .. } => End::CommandFailed,
        }
    }

    fn address(&mut self, now: Mono) {
        match self.mote.target(&self.picture) {
            Ok(target) => {
                let deadline = now.after(self.within);
                self.stage = Stage::Ready(Command { id: ID, reply: reply_name(), deadline, target, action: self.action });
            }
            Err(reason @ (NoSuchMote::Unknown { .. } | NoSuchMote::Several { .. })) => {
                complain(&reason.to_string());
                self.stage = Stage::Over(End::CommandRefused);
            }
        }
    }

    fn handle_outcome(&mut self, outcome: &CommandOutcome, output: &mut Output) {
        output.push(&self.line(outcome));
        match (outcome.state, self.patience) {
            (OutcomeState::Accepted, Patience::Accepted) | (OutcomeState::Confirmed, _) => self.stage = Stage::Over(End::Done),
            (OutcomeState::Accepted | OutcomeState::Sent, _) => {}
            (OutcomeState::Refused, _) => self.stage = Stage::Over(End::CommandRefused),
            (OutcomeState::TimedOut, _) => self.stage = Stage::Over(End::CommandTimedOut),
            (OutcomeState::Failed, _) => self.stage = Stage::Over(End::CommandFailed),
        }
    }

    fn line(&self, outcome: &CommandOutcome) -> String {
        match self.form {
            Form::Json => plain_json(outcome),
            Form::Text => {
                // The figures of an echo test are in its words.
                let text = format!("{} {}: {}", self.name, self.mote, state_words(outcome));
                self.ink.paint(outcome_tone(outcome.state), &printable(&text))
            }
        }
    }

    /// `eventbus` will not tell the end any more.
    fn give_up(&mut self, reason: &str, end: End) {
        complain(&format!("{} {}: {reason}", self.name, self.mote));
        self.stage = Stage::Over(end);
    }
}

impl Listener for Conversation {
    fn handle_notification(&mut self, now: Moment, _envelope: &Envelope, notification: &Notification, output: &mut Output) {
        self.picture.handle_notification(notification);
        match (&self.stage, notification) {
            (Stage::Looking, _) if self.picture.completeness() == Completeness::Whole => self.address(now.mono),
            (Stage::Said { .. }, Notification::Outcome(outcome)) if outcome.id == ID => self.handle_outcome(outcome, output),
            _nothing_for_us => {}
        }
    }

    fn handle_notice(&mut self, notice: Notice) {
        complain(&notice.to_string());
        match (&self.stage, notice) {
            (Stage::Said { .. } | Stage::Ready(_), Notice::Gone | Notice::Restarted) => {
                self.give_up("failed (restarted: what became of the command is not known; it is not sent again)", End::CommandFailed);
            }
            (Stage::Looking | Stage::Ready(_), Notice::Gone | Notice::Unanswered) => self.stage = Stage::Over(End::NothingThere),
            _goes_on => {}
        }
    }

    fn handle_timeout(&mut self, now: Moment, _output: &mut Output) {
        if matches!(self.stage, Stage::Said { until } if until <= now.mono) {
            self.give_up("timed out (eventbus did not tell its end)", End::CommandTimedOut);
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Said { until } => Some(*until),
            Stage::Looking | Stage::Ready(_) | Stage::Over(_) => None,
        }
    }

    fn poll_wish(&mut self) -> Option<Wish> {
        let Stage::Ready(command) = &self.stage else { return None };
        let (wish, until) = (Wish::Command(command.clone()), command.deadline.after(GRACE));
        self.stage = Stage::Said { until };
        Some(wish)
    }

    fn is_satisfied(&self, _now: Mono) -> bool {
        matches!(self.stage, Stage::Over(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::{entry, eui};
    use mqtypes::command::Target;
    use mqtypes::envelope::Sender;
    use mqtypes::ids::BootId;

    const NOW: Moment = Moment { mono: Mono(1_000_000), unix_ms: 0 };

    fn begun(mote: &str, patience: Patience) -> Conversation {
        let mote = mote.parse().expect("a name");
        let mut conversation = Conversation::new(mote, "reset-mote", Action::Reset, Duration::from_secs(30), patience);
        hear(&mut conversation, &Notification::SnapshotBegin);
        hear(&mut conversation, &Notification::Mote(entry(Some(1), Some("/dev/ttyUSB0"))));
        hear(&mut conversation, &Notification::SnapshotEnd);
        conversation
    }

    fn hear(conversation: &mut Conversation, notification: &Notification) -> Output {
        let envelope = Envelope { sender: Sender::Eventbus, boot: BootId(1), seq: 0, sent: NOW.mono };
        let mut output = Output::open();
        conversation.handle_notification(NOW, &envelope, notification, &mut output);
        output
    }

    fn outcome(state: OutcomeState, detail: &str) -> CommandOutcome {
        CommandOutcome { id: ID, state, detail: detail.to_owned(), echo: None }
    }

    fn said(conversation: &mut Conversation) -> Option<Command> {
        match conversation.poll_wish()? {
            Wish::Command(command) => Some(command),
            Wish::Health => None,
        }
    }

    #[test]
    fn it_is_said_once_to_the_mote_that_is_meant_and_ends_with_its_outcome() {
        for (state, end) in [
            (OutcomeState::Confirmed, End::Done),
            (OutcomeState::Refused, End::CommandRefused),
            (OutcomeState::TimedOut, End::CommandTimedOut),
            (OutcomeState::Failed, End::CommandFailed),
        ] {
            let mut conversation = begun("0001", Patience::End);
            let command = said(&mut conversation).expect("said");
            assert_eq!((command.target, command.deadline), (Target::Mote(eui(1)), Mono(31_000_000)));
            assert_eq!(said(&mut conversation), None);
            for step in [OutcomeState::Accepted, OutcomeState::Sent] {
                hear(&mut conversation, &Notification::Outcome(outcome(step, "")));
                assert!(!conversation.is_satisfied(NOW.mono));
            }
            hear(&mut conversation, &Notification::Outcome(outcome(state, "")));
            assert_eq!((conversation.is_satisfied(NOW.mono), conversation.conclude()), (true, end));
        }
    }

    #[test]
    fn without_waiting_it_ends_when_it_is_accepted() {
        let mut conversation = begun("0001", Patience::Accepted);
        said(&mut conversation).expect("said");
        hear(&mut conversation, &Notification::Outcome(outcome(OutcomeState::Accepted, "")));
        assert_eq!((conversation.is_satisfied(NOW.mono), conversation.conclude()), (true, End::Done));
    }

    #[test]
    fn a_mote_that_cannot_be_told_is_refused_before_anything_is_said() {
        let mut conversation = begun("0009", Patience::End);
        assert_eq!((said(&mut conversation), conversation.conclude()), (None, End::CommandRefused));
    }

    #[test]
    fn the_end_of_eventbus_is_the_commands_failure_and_before_it_was_said_nothing_happened() {
        let mut late = begun("0001", Patience::End);
        said(&mut late).expect("said");
        late.handle_notice(Notice::Gone);
        assert_eq!(late.conclude(), End::CommandFailed);
        let mut early = Conversation::new("0001".parse().expect("a name"), "", Action::Reset, GRACE, Patience::End);
        early.handle_notice(Notice::Unanswered);
        assert_eq!(early.conclude(), End::NothingThere);
    }

    #[test]
    fn silence_after_the_deadline_is_a_time_out() {
        let mut conversation = begun("0001", Patience::End);
        said(&mut conversation).expect("said");
        let due = conversation.poll_timeout().expect("bounded");
        assert_eq!(due, Mono(34_000_000));
        conversation.handle_timeout(Moment { mono: due, unix_ms: 0 }, &mut Output::open());
        assert_eq!(conversation.conclude(), End::CommandTimedOut);
    }

    #[test]
    fn a_step_is_a_line_with_its_detail_and_what_others_wrote_is_not_obeyed() {
        let conversation = begun("0001", Patience::End);
        let line = conversation.line(&outcome(OutcomeState::Confirmed, "it\x1b[2J booted"));
        assert_eq!(line, "reset-mote 0001: confirmed (it\\u{1b}[2J booted)");
    }
}
