//! Plays a recording to whoever opens its ports, byte for byte and with its timing, and answers as far as a recording can.
//!
//! Nothing is lost: what a port said while nobody had it open waits, and so does what a slow reader does not take. Answers
//! stand between frames, never inside one. A root command changes the `IdManager` reports that follow, so that it is confirmed.

mod player;
mod totals;
mod track;

use std::collections::VecDeque;
use std::time::Duration;

use eventbus::inspect::replay::clock::Clock;
use mqtypes::mono::Mono;
use serde_json::Value;

use super::options::{Laps, Speed};
use super::script::{Event, Plug, Reader, Script};
use crate::recording::Recording;
use player::{Player, Then};
use totals::Totals;

/// Between the last byte of one lap and the first of the next.
const PAUSE: Duration = Duration::from_millis(10);

/// A recording that is being played.
#[derive(Debug)]
pub struct Replay {
    names: Vec<String>,
    players: Vec<Player>,
    clock: Clock,
    events: VecDeque<Event>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ahead,
    Told,
}

impl Replay {
    /// A recording that waits for its first reader.
    pub fn new(recording: &Recording, speed: Speed, laps: Laps) -> Self {
        let then = match laps {
            Laps::One => Then::Stop,
            Laps::Endless => Then::Again(recording.length() + PAUSE),
        };
        Self {
            names: recording.ports.iter().map(|port| port.name.clone()).collect(),
            players: recording.ports.iter().map(|port| Player::new(port, then)).collect(),
            clock: Clock::new(speed),
            events: VecDeque::new(),
            end: End::Ahead,
        }
    }

    fn totals(&self) -> Value {
        let mut sum = Totals::default();
        self.players.iter().for_each(|player| sum.add(player.totals()));
        let mut totals = sum.json();
        totals["ports"] = self.names.iter().zip(&self.players).map(|(name, player)| (name.clone(), player.totals().json())).collect();
        totals
    }
}

impl Script for Replay {
    fn ports(&self) -> Vec<String> {
        self.names.clone()
    }

    fn handle_reader(&mut self, now: Mono, port: usize, reader: Reader) {
        if reader == Reader::Came {
            self.clock.start(now);
        }
        self.players[port].handle_reader(reader);
    }

    fn handle_bytes(&mut self, now: Mono, port: usize, bytes: &[u8]) {
        for byte in bytes {
            if let Some(input) = self.players[port].handle_byte(now, &self.clock, *byte) {
                self.events.push_back(Event { at: now, port, input });
            }
        }
    }

    /// What is due waits to be fetched.
    fn handle_timeout(&mut self, _now: Mono) {}

    fn poll_output(&mut self, now: Mono, port: usize) -> Option<Vec<u8>> {
        self.players[port].poll_output(now, &self.clock)
    }

    fn poll_timeout(&self, now: Mono) -> Option<Mono> {
        self.players.iter().filter_map(|player| player.poll_timeout(&self.clock)).filter(|at| *at > now).min()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What was recorded cannot be changed.
    fn handle_line(&mut self, _now: Mono, _line: &str) {}

    fn poll_plug(&mut self) -> Option<Plug> {
        None
    }

    fn poll_remark(&mut self) -> Option<String> {
        None
    }

    fn poll_end(&mut self) -> Option<Value> {
        if self.end == End::Told || !self.players.iter().all(Player::is_played) {
            return None;
        }
        self.end = End::Told;
        Some(self.totals())
    }
}

#[cfg(test)]
mod tests;
