//! `mq-inspect tap`: a subscriber like any other, which prints what it is told.

pub mod element;
pub mod figures;
mod line;
mod selection;
mod wanted;
pub mod words;

use std::time::Duration;

use bus::clock;
use bus::moment::Moment;
use bus::process::Failure;
use mqtypes::broker::Notification;
use mqtypes::envelope::Envelope;
use mqtypes::mono::Mono;

use super::End;
use super::options::TapOptions;
use super::subscriber::{self, Listener, Output};
use super::terminal::{Ink, complain};
use selection::{Limit, Relevance, Selection};

pub use line::Form;

/// Runs it.
pub fn run(options: &TapOptions) -> Result<End, Failure> {
    let selection = Selection::new(&options.topics, options.mote.clone(), options.sender.clone());
    let topics = selection.topics();
    let limit = Limit::new(clock::now(), options.count, options.seconds.map(|seconds| Duration::from_secs(seconds.into())));
    let form = match (options.json, options.latency) {
        (true, _) => Form::Json,
        (false, true) => Form::Timed(Ink::of_stdout()),
        (false, false) => Form::Text(Ink::of_stdout()),
    };
    let mut tap = Tap { selection, limit, form, end: None };
    let followed = subscriber::follow(&options.set.instance, &topics, &mut tap)?;
    Ok(tap.end.unwrap_or(followed.end()))
}

struct Tap {
    selection: Selection,
    limit: Limit,
    form: Form,
    /// How it ended, if it was not as anybody wished.
    end: Option<End>,
}

impl Listener for Tap {
    fn handle_notification(&mut self, now: Moment, envelope: &Envelope, notification: &Notification, output: &mut Output) {
        if let Err(trouble) = self.selection.handle_notification(notification) {
            complain(&trouble.to_string());
            // A mote that nobody knows may come.
            if !trouble.may_come() {
                self.end = Some(End::NothingThere);
                return;
            }
        }
        let relevance = self.selection.relevance(notification);
        if relevance != Relevance::Other {
            output.push(&self.form.line(now, envelope, notification));
            self.limit.handle_printed(relevance);
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        self.limit.poll_timeout()
    }

    fn is_satisfied(&self, now: Mono) -> bool {
        self.end.is_some() || self.limit.is_reached(now)
    }
}
