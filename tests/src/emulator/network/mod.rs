//! A mesh of synthetic motes, some behind ports of their own and some without a cable.
//!
//! A mote with a cable is switched on when its port is first opened, so that its host misses nothing; those without one, with
//! the first of them. From then on a mote lives whether anybody reads or not, as one with a battery does, and what nobody
//! reads is lost.

mod orders;
mod terrain;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use mqtypes::ids::{Asn, Eui64};
use mqtypes::mono::Mono;

use super::command::{Line, When};
use super::mote::{Air, Board, FlowControl, Mote};
use super::plan::Plan;
use super::script::{Event, Plug, Reader, Script};
use terrain::Terrain;

pub use terrain::Point;

/// How often motes move a little.
const STROLL_EVERY: Duration = Duration::from_secs(5);

/// Frames that follow from each other at one moment, as a request, its answer and an acknowledgement; more are not awaited.
const MOST_ROUNDS: usize = 8;

/// What a network is made of.
#[derive(Debug, Clone, Copy)]
pub struct Kit {
    /// How many motes have a cable.
    pub cabled: u16,
    /// How many have none.
    pub mesh: u16,
    /// What chance starts from.
    pub seed: u64,
    /// How those with a cable treat their hosts.
    pub flow: FlowControl,
    /// The number with which a root counts slots.
    pub first_asn: Asn,
    /// How far motes wander from their places, percent of the distance between two.
    pub wander: u8,
}

/// A mesh of synthetic motes.
#[derive(Debug)]
pub struct Network {
    kit: Kit,
    places: Vec<Place>,
    terrain: Terrain,
    /// None before a mote is on.
    next_stroll: Option<Mono>,
    plan: Plan,
    events: VecDeque<Event>,
    plugs: VecDeque<Plug>,
    remarks: VecDeque<String>,
}

/// Where a mote stands, and behind which port.
#[derive(Debug)]
struct Place {
    eui64: Eui64,
    /// None for a mote without a cable.
    port: Option<PortState>,
    state: State,
}

/// A mote's port.
#[derive(Debug)]
struct PortState {
    name: String,
    reader: Reader,
    plugged: Plugged,
}

/// Is there a port at all?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plugged {
    In,
    Out,
}

#[derive(Debug)]
enum State {
    /// Nobody has opened its port yet.
    Waiting,
    /// The mote lives.
    On(Box<Mote>),
    /// Its power was taken.
    Off,
}

impl Place {
    fn new(kit: &Kit, index: usize) -> Self {
        let number = index + 1;
        let port =
            (number <= kit.cabled.into()).then(|| PortState { name: format!("mote{number}"), reader: Reader::Left, plugged: Plugged::In });
        Self { eui64: eui64(number), port, state: State::Waiting }
    }

    fn mote(&mut self) -> Option<&mut Mote> {
        match &mut self.state {
            State::Waiting | State::Off => None,
            State::On(mote) => Some(mote),
        }
    }

    /// Does anybody take what the mote says?
    fn is_heard(&self) -> bool {
        self.port.as_ref().is_some_and(|port| port.reader == Reader::Came)
    }

    fn switch_off(&mut self) -> Result<(), &'static str> {
        match self.state {
            State::Waiting | State::Off => Err("is off already"),
            State::On(_) => {
                self.state = State::Off;
                Ok(())
            }
        }
    }
}

impl Network {
    /// Motes that are all switched off, and what is to happen to them.
    pub fn new(kit: Kit, plan: Plan) -> Self {
        let motes = usize::from(kit.cabled) + usize::from(kit.mesh);
        Self {
            kit,
            places: (0..motes).map(|index| Place::new(&kit, index)).collect(),
            terrain: Terrain::new(kit.cabled, kit.mesh, kit.wander, kit.seed),
            next_stroll: None,
            plan,
            events: VecDeque::new(),
            plugs: VecDeque::new(),
            remarks: VecDeque::new(),
        }
    }

    /// A mote by its place, from 0; those with a cable come first. None while it is off.
    pub fn mote(&self, place: usize) -> Option<&Mote> {
        match &self.places[place].state {
            State::Waiting | State::Off => None,
            State::On(mote) => Some(mote),
        }
    }

    fn power(&mut self, now: Mono, index: usize) {
        let place = &mut self.places[index];
        let serial = place.port.as_ref().map(|_| self.kit.flow);
        let board = Board { eui64: place.eui64, serial, seed: self.kit.seed, first_asn: self.kit.first_asn };
        place.state = State::On(Box::new(Mote::boot(now, board)));
    }

    /// The first mote is switched on, and with it those without a cable.
    fn start(&mut self, now: Mono) {
        if self.next_stroll.is_none() {
            self.plan.start(now);
            self.next_stroll = Some(now.after(STROLL_EVERY));
            (self.kit.cabled.into()..self.places.len()).for_each(|index| self.power(now, index));
        }
    }

    fn follow_plan(&mut self, now: Mono) {
        while let Some(command) = self.plan.poll_due(now) {
            let done = self.obey(now, &command.order);
            self.remark(now, &command.to_string(), done);
        }
    }

    fn remark(&mut self, now: Mono, words: &str, done: Result<(), String>) {
        let time = self.plan.elapsed(now).as_secs_f64();
        self.remarks.push_back(match done {
            Ok(()) => format!("did {time:.3} {words}"),
            Err(error) => format!("did not {time:.3} {words}: {error}"),
        });
    }

    /// What was sent into the air is heard, and what is sent in answer.
    fn carry_air(&mut self, now: Mono) {
        for _round in 0..MOST_ROUNDS {
            let mut air = Vec::new();
            for (index, place) in self.places.iter_mut().enumerate() {
                let frames = place.mote().into_iter().flat_map(|mote| std::iter::from_fn(|| mote.poll_air()));
                air.extend(frames.map(|frame| (index, frame)));
            }
            if air.is_empty() {
                return;
            }
            for (from, frame) in air {
                self.deliver(now, from, &frame);
            }
        }
    }

    fn deliver(&mut self, now: Mono, from: usize, air: &Air) {
        for (to, place) in self.places.iter_mut().enumerate() {
            if air.concerns(place.eui64)
                && let Some(rssi) = self.terrain.rssi(from, to)
                && let Some(mote) = place.mote()
            {
                mote.handle_air(now, rssi, air);
            }
        }
    }
}

impl Script for Network {
    fn ports(&self) -> Vec<String> {
        self.places.iter().filter_map(|place| Some(place.port.as_ref()?.name.clone())).collect()
    }

    fn handle_reader(&mut self, now: Mono, port: usize, came_or_left: Reader) {
        self.start(now);
        if let State::Waiting = self.places[port].state {
            self.power(now, port);
        }
        if let Some(port) = &mut self.places[port].port {
            port.reader = came_or_left;
        }
    }

    fn handle_bytes(&mut self, now: Mono, port: usize, bytes: &[u8]) {
        if let Some(mote) = self.places[port].mote() {
            mote.handle_bytes(now, bytes);
            while let Some(input) = mote.poll_input() {
                self.events.push_back(Event { at: now, port, input });
            }
        }
    }

    fn handle_timeout(&mut self, now: Mono) {
        self.follow_plan(now);
        if self.next_stroll.is_some_and(|at| at <= now) {
            self.next_stroll = Some(now.after(STROLL_EVERY));
            self.terrain.stroll();
        }
        for place in &mut self.places {
            if let Some(mote) = place.mote()
                && mote.poll_timeout().is_some_and(|at| at <= now)
            {
                mote.handle_timeout(now);
            }
        }
        self.carry_air(now);
        for place in &mut self.places {
            if !place.is_heard() {
                // What nobody fetches would stop the line.
                place.mote().map(Mote::poll_output);
            }
        }
    }

    fn poll_output(&mut self, _now: Mono, port: usize) -> Option<Vec<u8>> {
        self.places[port].mote()?.poll_output()
    }

    fn poll_timeout(&self, now: Mono) -> Option<Mono> {
        let motes = (0..self.places.len()).filter_map(|index| self.mote(index)?.poll_timeout());
        motes.chain(self.plan.poll_timeout()).chain(self.next_stroll).min().map(|at| at.max(now))
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn handle_line(&mut self, now: Mono, text: &str) {
        let motes = self.places.len() as u16;
        let taken = match Line::read(text) {
            Ok(None) => return,
            Ok(Some(line)) if line.when == When::Now => match line.command.check(motes) {
                Ok(()) => {
                    let done = self.obey(now, &line.command.order);
                    return self.remark(now, &line.command.to_string(), done);
                }
                Err(error) => Err(error),
            },
            Ok(Some(line)) => self.plan.add(now, line, motes),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            self.remarks.push_back(format!("what? {error}"));
        }
    }

    fn poll_plug(&mut self) -> Option<Plug> {
        self.plugs.pop_front()
    }

    fn poll_remark(&mut self) -> Option<String> {
        self.remarks.pop_front()
    }

    fn poll_end(&mut self) -> Option<serde_json::Value> {
        None
    }
}

/// `141592cc0000HHLL`, HHLL being the mote's number.
fn eui64(number: usize) -> Eui64 {
    Eui64((0x1415_92cc_0000_0000 + number as u64).to_be_bytes())
}
