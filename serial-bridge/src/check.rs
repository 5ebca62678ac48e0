//! `serial-bridge --check PORT`: tries one port out, and says what a person can do about it.
//!
//! It uses the port exactly as the bridge does, lock, search for the rate and flow control included, and needs no queue.

mod examination;

use std::process::ExitCode;

use bus::clock;
use bus::console;
use bus::inbox::Drained;
use bus::reactor::{Reactor, Wake};
use mqtypes::ids::{PortName, WriteId};
use mqtypes::mono::Mono;
use mqtypes::serial::{FrameToMote, PortState, SerialCommand};

use crate::bridge::Notice;
use crate::harbour::{Harbour, Source};
use crate::port::PortId;
use crate::rates::Rates;
use crate::spec::{Place, Spec};
use crate::trouble::{Class, Trouble};

use examination::{Examination, Verdict};

/// The only port.
const PORT: PortId = PortId(0);

/// Examines the port, prints what is found and then the verdict, and turns the verdict into an exit code.
pub fn run(port: &Spec, rates: &Rates) -> ExitCode {
    let verdict = match &port.place {
        Place::Device(name) | Place::Tcp(name, _) => {
            examine(port, name, rates).unwrap_or_else(|error| Verdict::Unavailable(error.to_string()))
        }
        Place::Pattern(_) => Verdict::Wrong("a pattern cannot be checked: name one of the ports that it matches".to_owned()),
    };
    console::tell(&format!("{}: {verdict}", port.place.text()));
    ExitCode::from(verdict.code())
}

fn examine(port: &Spec, name: &PortName, rates: &Rates) -> std::io::Result<Verdict> {
    let mut reactor = Reactor::without_signals()?;
    let now = clock::now();
    let mut harbour = Harbour::new(std::slice::from_ref(port), rates, u64::from(std::process::id()) ^ now.0, &mut reactor, now);
    let mut examination = Examination::new();
    loop {
        take_notices(&mut harbour, &mut examination, name);
        if let Some(verdict) = examination.verdict(&harbour.report(PORT)) {
            return Ok(verdict);
        }
        let wake = reactor.next(Mono::earliest(harbour.poll_timeout(), examination.poll_timeout()))?;
        let now = clock::now();
        match wake {
            Wake::Ready(Source::Port(id)) => {
                if harbour.serve(now, id) == Drained::More {
                    reactor.again(Source::Port(id));
                }
            }
            Wake::Ready(Source::Nodes) => drop(harbour.look_around(now, &mut reactor)),
            Wake::Timeout => {
                harbour.timeout(now);
                examination.handle_timeout(now);
            }
            Wake::Ready(Source::Commands | Source::Room) | Wake::Signal(_) => {}
        }
    }
}

/// What the harbour tells goes to the examination, what that wants to send goes to the harbour, until both have nothing more.
fn take_notices(harbour: &mut Harbour, examination: &mut Examination, name: &PortName) {
    let now = clock::now();
    loop {
        while let Some(notice) = harbour.poll_notice() {
            match notice {
                Notice::Port(id) => report(harbour, examination, id, now),
                Notice::Frame(frame) => examination.handle_frame(frame.heard, &frame.payload),
                Notice::Write(report) => examination.handle_write_end(now, report.end),
                Notice::Health | Notice::Bytes(_) => {}
            }
        }
        while let Some(line) = examination.poll_line() {
            console::tell(&format!("{name}: {line}"));
        }
        let Some((payload, deadline)) = examination.poll_echo(now) else { return };
        let (port, generation) = (name.clone(), harbour.report(PORT).generation);
        harbour.command(now, SerialCommand::Write(FrameToMote { id: WriteId(0), port, generation, deadline, payload }));
    }
}

fn report(harbour: &Harbour, examination: &mut Examination, id: PortId, now: Mono) {
    let report = harbour.report(id);
    match (report.state, harbour.trouble(id)) {
        (PortState::Up, _) => examination.handle_up(now, report.baud),
        (PortState::Probing, _) => examination.handle_probing(),
        (PortState::Down { .. } | PortState::Fault { .. }, Some(Trouble::Untried)) => {}
        (PortState::Down { .. } | PortState::Fault { .. }, Some(trouble)) => examination.handle_end(match trouble.class() {
            Class::Fault if !matches!(trouble, Trouble::InUse(_)) => Verdict::Wrong(trouble.to_string()),
            Class::Absence | Class::Loss | Class::Fault => Verdict::Unavailable(trouble.to_string()),
        }),
        (PortState::Down { cause } | PortState::Fault { cause }, None) => examination.handle_end(Verdict::Unavailable(cause)),
    }
}
