//! What is known of the motes, drawn once or again and again: the subscriber behind `motes` and `show`.

use std::time::Duration;

use bus::moment::Moment;
use bus::process::Failure;
use mqtypes::broker::{Notification, Topic};
use mqtypes::envelope::Envelope;
use mqtypes::mono::Mono;

use super::End;
use super::picture::{Completeness, Picture};
use super::subscriber::{self, Followed, Listener, Notice, Output};
use super::terminal::complain;
use super::watch::{Blocks, next_beat};

/// Draws a picture, a line each; the error says why there is nothing to draw.
pub type Draw<'a> = &'a dyn Fn(&Picture, Moment) -> Result<Vec<String>, String>;

/// What there is to know of the motes.
const TOPICS: [Topic; 4] = [Topic::Inventory, Topic::Status, Topic::Dag, Topic::Uinject];

/// Draws as soon as everything is told, and then every so often, if at all.
pub fn run(instance: &str, every: Option<Duration>, blocks: Blocks, draw: Draw<'_>) -> Result<End, Failure> {
    let mut view = View { picture: Picture::default(), draw, every, blocks, due: None, end: None };
    Ok(match subscriber::follow(instance, &TOPICS, &mut view)? {
        Followed::Answered => view.end.unwrap_or(End::Done),
        nobody @ (Followed::NobodyThere | Followed::Unanswered) => nobody.end(),
    })
}

struct View<'a> {
    picture: Picture,
    draw: Draw<'a>,
    every: Option<Duration>,
    blocks: Blocks,
    due: Option<Mono>,
    end: Option<End>,
}

impl View<'_> {
    fn draw(&mut self, now: Moment, output: &mut Output) {
        match (self.draw)(&self.picture, now) {
            Ok(lines) => self.blocks.push(&lines, output),
            Err(reason) => {
                complain(&reason);
                self.end = Some(End::NothingThere);
            }
        }
        match self.every {
            Some(every) => self.due = Some(next_beat(self.due.unwrap_or(now.mono), every, now.mono)),
            None => self.end = Some(self.end.unwrap_or(End::Done)),
        }
    }
}

impl Listener for View<'_> {
    fn handle_notification(&mut self, _now: Moment, _envelope: &Envelope, notification: &Notification, output: &mut Output) {
        self.picture.handle_notification(notification);
        // Some of it may have been told since we were woken: ages are reckoned from now.
        if self.picture.completeness() == Completeness::Whole && self.blocks.printed() == 0 {
            self.draw(Moment::read(), output);
        }
    }

    fn handle_notice(&mut self, notice: Notice) {
        complain(&notice.to_string());
        if self.every.is_none() && notice.is_silence() {
            self.end = Some(End::NothingThere);
        }
    }

    fn handle_timeout(&mut self, now: Moment, output: &mut Output) {
        match (self.picture.completeness(), self.every) {
            (Completeness::Whole, _) => self.draw(now, output),
            // It is told anew: what was drawn last stays until then.
            (Completeness::Partial, Some(every)) => self.due = Some(now.mono.after(every)),
            (Completeness::Partial, None) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        self.due
    }

    fn is_satisfied(&self, _now: Mono) -> bool {
        self.end.is_some()
    }
}
