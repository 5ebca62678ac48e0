//! `mq-inspect tap`: a subscriber like any other, which prints what it is told.

pub mod element;
pub mod figures;
mod line;
mod selection;
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
use super::terminal::Ink;
use selection::{Limit, Relevance, Selection};

pub use line::Form;

/// Runs it.
pub fn run(options: &TapOptions) -> Result<End, Failure> {
    let selection = Selection::new(&options.topics, options.mote, options.sender.clone());
    let topics = selection.topics().to_vec();
    let limit = Limit::new(clock::now(), options.count, options.seconds.map(|seconds| Duration::from_secs(seconds.into())));
    let form = match (options.json, options.latency) {
        (true, _) => Form::Json,
        (false, true) => Form::Timed(Ink::of_stdout()),
        (false, false) => Form::Text(Ink::of_stdout()),
    };
    let mut tap = Tap { selection, limit, form };
    Ok(subscriber::follow(&options.set.instance, &topics, &mut tap)?.end())
}

struct Tap {
    selection: Selection,
    limit: Limit,
    form: Form,
}

impl Listener for Tap {
    fn handle_notification(&mut self, now: Moment, envelope: &Envelope, notification: &Notification, output: &mut Output) {
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
        self.limit.is_reached(now)
    }
}
