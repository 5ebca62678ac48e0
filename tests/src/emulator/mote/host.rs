//! What a mote does at its host's word (`openserial_handleRxFrame`): `R`, `D`, `S`, `Q`. It acknowledges nothing.

use eventbus::frame::{DataFrame, Frame, HostFrame, RootAction, SetRoot};
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::air::BEACON_PERIOD;
use super::downlink::Taken;
use super::join::Progress;
use super::schedule::Added;
use super::slots::{Epoch, slot_offset};
use super::{Memory, Mote, ROOT_RANK, Standing, code, component, duty};
use crate::emulator::complaint;
use crate::emulator::receiver::Input;

/// The MAC's state while it listens for a beacon (`S_SYNCLISTEN`).
const SYNCLISTEN: u16 = 1;

impl Mote {
    /// Bytes from the host; a frame may come in pieces.
    pub fn handle_bytes(&mut self, now: Mono, bytes: &[u8]) {
        for byte in bytes {
            if let Some(input) = self.memory.receiver.push(*byte) {
                self.handle_input(now, &input);
                self.inputs.push_back(input);
            }
        }
    }

    /// A frame from the host, as its payload.
    pub fn handle_frame(&mut self, now: Mono, payload: &[u8]) {
        match HostFrame::parse(payload) {
            Ok(HostFrame::SetRoot(command)) => self.set_root(now, &command),
            Ok(HostFrame::Data { .. }) => self.bridge(now),
            Ok(HostFrame::Echo(body)) => {
                let reply = DataFrame { id16: self.eui64.id16(), asn: self.asn(now), body };
                self.send(now, &Frame::Data(reply));
            }
            Ok(HostFrame::Reset) => self.reset(now),
            Err(error) => {
                for answer in complaint::about(self.eui64.id16(), payload, error) {
                    self.send(now, &answer);
                }
            }
        }
    }

    fn handle_input(&mut self, now: Mono, input: &Input) {
        match input {
            Input::Frame(payload) => self.handle_frame(now, payload),
            Input::WrongCrc => self.send(now, &complaint::wrong_crc(self.eui64.id16())),
            Input::Overflow => self.send(now, &complaint::overflow(self.eui64.id16())),
        }
    }

    fn bridge(&mut self, now: Mono) {
        if self.memory.standing != Standing::Root {
            self.memory.downlink.ignore();
        } else if self.memory.downlink.take(now) == Taken::NoRoom {
            self.log(now, Severity::Error, component::OPENBRIDGE, code::NO_FREE_PACKET_BUFFER, [0, 0]);
        }
    }

    fn set_root(&mut self, now: Mono, command: &SetRoot) {
        let is_root = self.memory.standing == Standing::Root;
        match command.action {
            RootAction::Yes => self.become_root(now),
            RootAction::Toggle if !is_root => self.become_root(now),
            RootAction::No | RootAction::Toggle if is_root => self.desynchronise(now),
            RootAction::No | RootAction::Toggle => {}
        }
        // Stored whatever the action.
        self.memory.prefix = command.prefix;
    }

    fn become_root(&mut self, now: Mono) {
        let before = self.memory.standing;
        self.memory.radio.count(now, duty(before));
        if before != Standing::Root {
            self.memory.epoch = Epoch::new(now, self.board.first_asn);
            self.memory.root = self.eui64;
            self.memory.radio.synchronised(now);
            self.memory.next_beacon = Some(now.after(BEACON_PERIOD));
            self.memory.uplink.stop();
            self.memory.progress = Progress::Resting;
        }
        self.memory.standing = Standing::Root;
        self.memory.rank = ROOT_RANK;
        if before == Standing::Searching {
            let slot = slot_offset(self.asn(now)) + 1;
            self.log(now, Severity::Error, component::IEEE802154E, code::WRONG_STATE_IN_STARTSLOT, [SYNCLISTEN, slot]);
        }
        if self.memory.schedule.add_minimal() == Added::Duplicate {
            self.log(now, Severity::Error, component::SCHEDULE, code::DUPLICATE_SLOT, [0, 0]);
        }
    }

    /// No goodbye: what is not on the wire yet is lost, and a frame may end in its middle.
    pub fn reset(&mut self, now: Mono) {
        let on_the_wire = self.memory.line.poll_output();
        self.memory = Memory::at_boot(now, &self.board, &mut self.random);
        self.memory.line.take_over(on_the_wire);
        self.log(now, Severity::Success, component::OPENWSN, code::BOOTED, [0, 0]);
    }
}
