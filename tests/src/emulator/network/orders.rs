//! What a person or a script does to the motes of a network.

use std::time::Duration;

use mqtypes::mono::Mono;

use super::{Network, Plugged, State};
use crate::emulator::command::{self, Deed, Order};
use crate::emulator::mote::Mote;
use crate::emulator::script::Plug;

/// What lasts for ever ends here.
const FOR_EVER: Mono = Mono(u64::MAX);

impl Network {
    /// Does it; the error says why it cannot be done.
    pub(super) fn obey(&mut self, now: Mono, order: &Order) -> Result<(), String> {
        match order {
            Order::Status => self.tell_status(now),
            Order::Help => self.remarks.extend(command::HELP.lines().map(str::to_owned)),
            Order::Mote { number, deed } => {
                let index = usize::from(*number) - 1;
                return self.act(now, index, deed).map_err(|error| format!("mote {number} {error}"));
            }
        }
        Ok(())
    }

    fn act(&mut self, now: Mono, index: usize, deed: &Deed) -> Result<(), &'static str> {
        match deed {
            Deed::Off => self.places[index].switch_off(),
            Deed::On => self.switch_on(now, index),
            Deed::Unplug => self.unplug(index),
            Deed::Replug(name) => self.replug(index, name.as_deref()),
            Deed::Move(point) => {
                self.terrain.move_to(index, *point);
                Ok(())
            }
            deed => {
                let State::On(mote) = &mut self.places[index].state else { return Err("is off") };
                happen(now, mote, deed);
                Ok(())
            }
        }
    }

    fn switch_on(&mut self, now: Mono, index: usize) -> Result<(), &'static str> {
        match self.places[index].state {
            State::On(_) => Err("is on already"),
            State::Waiting | State::Off => {
                self.start(now);
                self.power(now, index);
                Ok(())
            }
        }
    }

    fn unplug(&mut self, index: usize) -> Result<(), &'static str> {
        let port = self.places[index].port.as_mut().ok_or("has no cable")?;
        if port.plugged == Plugged::Out {
            return Err("is unplugged already");
        }
        port.plugged = Plugged::Out;
        self.plugs.push_back(Plug::Out(index));
        Ok(())
    }

    fn replug(&mut self, index: usize, name: Option<&str>) -> Result<(), &'static str> {
        let port = self.places[index].port.as_mut().ok_or("has no cable")?;
        if port.plugged == Plugged::In {
            return Err("is plugged in");
        }
        port.plugged = Plugged::In;
        self.plugs.push_back(Plug::In(index, name.unwrap_or(&port.name).to_owned()));
        Ok(())
    }

    fn tell_status(&mut self, now: Mono) {
        for (index, place) in self.places.iter().enumerate() {
            let cable = match &place.port {
                None => "no cable",
                Some(port) if port.plugged == Plugged::Out => "unplugged",
                Some(_port) => "cable",
            };
            let mote = match &place.state {
                State::Waiting => "not on yet".to_owned(),
                State::Off => "off".to_owned(),
                State::On(mote) => mote.describe(now),
            };
            self.remarks.push_back(format!("mote {}: {cable}, {mote}", index + 1));
        }
    }
}

fn happen(now: Mono, mote: &mut Mote, deed: &Deed) {
    let end = |lasts: &Option<Duration>| lasts.map_or(FOR_EVER, |lasts| now.after(lasts));
    match deed {
        Deed::Off | Deed::On | Deed::Unplug | Deed::Replug(_) | Deed::Move(_) => {}
        Deed::Boot => mote.reset(now),
        Deed::Silence(lasts) => mote.fall_silent(now, end(lasts)),
        Deed::NoXon(lasts) => mote.withhold_xon(now, end(lasts)),
        Deed::Noise(bytes) => mote.make_noise(now, *bytes),
        Deed::Overrun => mote.overrun(now),
        Deed::Cut => mote.cut_next_frame(),
        Deed::Flip => mote.flip_in_next_frame(),
        Deed::Critical => mote.fail(now),
        Deed::Asn(asn) => mote.jump(now, *asn),
        Deed::Log { severity, component, code, args } => mote.say_log(now, *severity, *component, *code, *args),
        Deed::Print(text) => mote.print(now, text),
        Deed::Sniff => mote.sniff(now),
    }
}
