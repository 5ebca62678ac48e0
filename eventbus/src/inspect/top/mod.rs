//! `mq-inspect top`: how much goes through the router now, and what is lost.
//!
//! Nothing is received from anybody's queue: processes tell their counters, and queues are looked at. Rates
//! are the differences between two samples.

mod block;
pub mod rates;

use std::collections::BTreeMap;
use std::time::Duration;

use bus::moment::Moment;
use bus::process::Failure;
use clap::Args;
use mqtypes::broker::{Notification, Topic};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use serde::Serialize;

use super::End;
use super::health::{self, Gathering, Presence};
use super::list;
use super::options::Set;
use super::stats::awaited;
use super::subscriber::{self, Listener, Notice, Output, Wish};
use super::terminal::{Ink, complain, plain_json};
use super::watch::{Blocks, Form, Place, next_beat};
use rates::{Messages, Rates, Sample, between, handle_count};

pub use block::lines;

/// `mq-inspect top`.
#[derive(Debug, Args)]
#[command(after_help = "\
Processes tell their counters, queues are looked at, and nothing is taken from any. CPU is a share
of one processor. A process that does not answer is shown as the system sees it.")]
pub struct TopOptions {
    #[command(flatten)]
    pub set: Set,

    /// How long an interval is
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub interval: u16,

    /// End after so many intervals [default: go on until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Print one JSON object for each interval
    #[arg(long)]
    pub json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// Unix time in milliseconds.
    time: u64,
    instance: &'a str,
    #[serde(flatten)]
    rates: &'a Rates,
    queues: &'a [list::Row],
}

/// Runs it.
pub fn run(options: &TopOptions) -> Result<End, Failure> {
    let mut top = Top::new(options);
    let followed = subscriber::follow(&options.set.instance, &[Topic::Health, Topic::Ports, Topic::Counts], &mut top)?;
    top.trouble.map_or_else(|| Ok(followed.end()), Err)
}

struct Top<'a> {
    instance: &'a str,
    every: Duration,
    count: Option<u64>,
    form: Form,
    ink: Ink,
    blocks: Blocks,
    messages: BTreeMap<PortName, Messages>,
    stage: Stage,
    wish: Option<Wish>,
    /// The sample that is being taken: what is known of it already.
    begun: Sample,
    before: Option<Sample>,
    /// Why it cannot go on.
    trouble: Option<Failure>,
}

/// What it is about.
#[derive(Debug)]
enum Stage {
    /// The counts so far are being told; without them a difference would be all that ever was.
    Listening,
    /// Answers are coming.
    Gathering(Gathering, Seen),
    /// The next sample has time.
    Resting { until: Mono },
}

/// Who was there when the question was put.
type Seen = Vec<(Sender, Presence)>;

impl<'a> Top<'a> {
    fn new(options: &'a TopOptions) -> Self {
        let form = if options.json { Form::Json } else { Form::Text };
        Self {
            instance: &options.set.instance,
            every: Duration::from_secs(options.interval.into()),
            count: options.count,
            form,
            ink: Ink::of_stdout(),
            blocks: Blocks::new(Place::of_stdout(form), "`mq-inspect top | less` shows all"),
            messages: BTreeMap::new(),
            stage: Stage::Listening,
            wish: None,
            begun: Sample::default(),
            before: None,
            trouble: None,
        }
    }

    fn begin(&mut self, now: Mono) {
        match health::look(self.instance) {
            Ok(seen) => {
                self.begun = Sample { at: now, messages: self.messages.clone(), ..Sample::default() };
                // Without `eventbus` nobody would take the question now, and somebody much later.
                let is_there = awaited(&seen).any(|process| process == Sender::Eventbus);
                self.wish = is_there.then_some(Wish::Health);
                self.stage = Stage::Gathering(Gathering::new(now, awaited(&seen)), seen);
            }
            Err(failure) => self.trouble = Some(failure),
        }
    }

    /// All answers are there, or time is up.
    fn conclude(&mut self, now: Moment, output: &mut Output) {
        let resting = Stage::Resting { until: next_beat(self.begun.at, self.every, now.mono) };
        let Stage::Gathering(told, seen) = std::mem::replace(&mut self.stage, resting) else { return };
        let ports = told.ports().map(|report| (report.port.clone(), report.clone())).collect();
        let sample = Sample { processes: health::all(&told, &seen), ports, ..std::mem::take(&mut self.begun) };
        if let Some(before) = self.before.replace(sample.clone()) {
            match list::survey(self.instance) {
                Ok(queues) => self.print(&between(&before, &sample), &queues, now, output),
                Err(error) => self.trouble = Some(error.into()),
            }
        }
    }

    fn print(&mut self, rates: &Rates, queues: &[list::Row], now: Moment, output: &mut Output) {
        let lines = match self.form {
            Form::Json => vec![plain_json(&Document { time: now.unix_ms, instance: self.instance, rates, queues })],
            Form::Text => lines(rates, queues, now, self.ink),
        };
        self.blocks.push(&lines, output);
    }
}

impl Listener for Top<'_> {
    fn handle_notification(&mut self, now: Moment, _envelope: &Envelope, notification: &Notification, _output: &mut Output) {
        match notification {
            // Counts begin anew with `eventbus`.
            Notification::SnapshotBegin => {
                self.messages.clear();
                self.before = None;
                self.stage = Stage::Listening;
            }
            Notification::SnapshotEnd => self.begin(now.mono),
            other => handle_count(&mut self.messages, other),
        }
        if let Stage::Gathering(gathering, _) = &mut self.stage {
            gathering.handle_notification(now.mono, notification);
        }
    }

    fn handle_notice(&mut self, notice: Notice) {
        complain(&notice.to_string());
        if matches!(self.stage, Stage::Listening) && notice.is_silence() {
            // What can be seen from outside is all the more worth a look.
            self.stage = Stage::Resting { until: Mono::default() };
        }
    }

    fn handle_timeout(&mut self, now: Moment, output: &mut Output) {
        match &self.stage {
            Stage::Gathering(gathering, _) if gathering.is_over(now.mono) => self.conclude(now, output),
            Stage::Resting { until } if *until <= now.mono => self.begin(now.mono),
            Stage::Listening | Stage::Gathering(..) | Stage::Resting { .. } => {}
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Listening => None,
            Stage::Gathering(gathering, _) => Some(gathering.poll_timeout()),
            Stage::Resting { until } => Some(*until),
        }
    }

    fn poll_wish(&mut self) -> Option<Wish> {
        self.wish.take()
    }

    fn is_satisfied(&self, _now: Mono) -> bool {
        self.trouble.is_some() || self.count.is_some_and(|count| self.blocks.printed() >= count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::BootId;

    fn options() -> TopOptions {
        let set = Set { instance: format!("inspect-top-{}", std::process::id()) };
        TopOptions { set, interval: 2, count: Some(1), json: true }
    }

    fn hear(top: &mut Top, at: Mono, notification: &Notification) {
        let envelope = Envelope { sender: Sender::Eventbus, boot: BootId(1), seq: 0, sent: at };
        top.handle_notification(Moment { mono: at, unix_ms: 0 }, &envelope, notification, &mut Output::open());
    }

    #[test]
    fn the_first_sample_waits_for_the_counts_so_far_unless_nobody_tells_them() {
        let options = options();
        let mut top = Top::new(&options);
        hear(&mut top, Mono(1), &Notification::SnapshotBegin);
        assert_eq!(top.poll_timeout(), None);
        top.handle_notice(Notice::Unanswered);
        assert_eq!(top.poll_timeout(), Some(Mono(0)));
        hear(&mut top, Mono(1), &Notification::SnapshotBegin);
        hear(&mut top, Mono(1_000_000), &Notification::SnapshotEnd);
        assert!(matches!(top.stage, Stage::Gathering(..)) && top.poll_timeout() > Some(Mono(1_000_000)));
        assert_eq!(top.poll_wish(), None, "nobody is there to be asked");
    }

    #[test]
    fn a_sample_alone_is_no_interval_and_the_next_one_comes_in_time() {
        let options = options();
        let mut top = Top::new(&options);
        hear(&mut top, Mono(1_000_000), &Notification::SnapshotEnd);
        let answered = top.poll_timeout().expect("bounded");
        top.handle_timeout(Moment { mono: answered, unix_ms: 0 }, &mut Output::open());
        assert_eq!((top.poll_timeout(), top.is_satisfied(answered)), (Some(Mono(3_000_000)), false));
    }
}
