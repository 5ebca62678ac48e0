//! The only part of the emulator that touches the kernel: ptys, signals, time, standard output.
//!
//! It carries bytes between a script and its ports. A reader that is slow, or not there, stops its own port and nothing else:
//! bytes are fetched from the script only when the kernel has taken those before.

mod console;
mod host_log;
mod port;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::clock;
use bus::process::{Failure, Process};
use bus::reactor::{Reactor, Wake};
use bus::signals::Signal;
use eventbus::inspect::replay::pty::Pty;
use mqtypes::mono::Mono;

use super::options::{Ending, Place};
use super::script::{Plug, Script};
use console::{Console, Rest};
use host_log::HostLog;
use port::{Port, Pumped};

/// Hanging up throws away what a reader has not fetched, and the kernel does not tell when it has.
const LINGERS: Duration = Duration::from_secs(1);

/// A machine that is too slow for its motes must still hear its hosts, and the signal to stop.
const LISTENS: Duration = Duration::from_micros(500);

/// A script on its ports.
pub(super) struct Shell<S> {
    reactor: Reactor<Source>,
    script: S,
    directory: PathBuf,
    ports: Vec<Port>,
    /// None when nothing is, or can be, typed.
    console: Option<Console>,
    log: HostLog,
    end: End,
}

/// What can wake us.
#[derive(Debug, Clone, Copy)]
enum Source {
    Port(usize),
    Console,
}

/// How far the script has come.
enum End {
    /// It plays.
    Playing,
    /// It is over; the last bytes are on their way. What remains is to tell the totals.
    Emptying(String),
    /// That is told, and nothing follows.
    Stays,
    /// That is told, and we end at this moment.
    Exits(Mono),
}

impl<S: Script> Shell<S> {
    /// Makes the ports and tells where they are.
    pub fn new(process: &Process, script: S, place: &Place) -> Result<Self, Failure> {
        let now = clock::now();
        let mut reactor = Reactor::new(process)?;
        fs::create_dir_all(&place.dir).map_err(|error| {
            Failure::Environment(format!("--dir {}: {error}; name a directory that we may write to", place.dir.display()))
        })?;
        let log = HostLog::create(place.log_host.as_deref(), now, script.ports())?;
        let mut ports = Vec::new();
        for (index, name) in script.ports().into_iter().enumerate() {
            let pty = open_pty(&place.dir.join(&name), &name)?;
            ports.push(Port::new(index, pty, reactor.register(Source::Port(index)), now)?);
        }
        say("ready");
        Ok(Self { reactor, script, directory: place.dir.clone(), ports, console: None, log, end: End::Playing })
    }

    /// The script gets the lines of standard input too.
    pub fn with_console(mut self) -> io::Result<Self> {
        self.console = Console::open();
        if let Some(console) = &self.console {
            console.watch(&self.reactor.register(Source::Console))?;
        }
        self.listen(clock::now());
        Ok(self)
    }

    /// Plays until told to stop, or until the end when that is wanted.
    pub fn run(mut self, ending: Ending) -> Result<(), Failure> {
        loop {
            let now = clock::now();
            self.turn(now, ending)?;
            if matches!(self.end, End::Exits(at) if at <= now) {
                return Ok(());
            }
            // The reactor looks at the kernel only when no deadline has passed.
            let deadline = self.poll_timeout(now).map(|at| at.max(clock::now().after(LISTENS)));
            match self.reactor.next(deadline)? {
                Wake::Ready(Source::Port(port)) => self.ports[port].hear(clock::now(), &mut self.script)?,
                Wake::Ready(Source::Console) => self.listen(clock::now()),
                Wake::Timeout | Wake::Signal(Signal::Reload | Signal::Wake) => {}
                Wake::Signal(Signal::Stop) => return Ok(()),
            }
        }
    }

    fn turn(&mut self, now: Mono, ending: Ending) -> Result<(), Failure> {
        self.script.handle_timeout(now);
        while let Some(plug) = self.script.poll_plug() {
            self.change_plug(now, plug)?;
        }
        while let Some(remark) = self.script.poll_remark() {
            say(&remark);
        }
        for (index, port) in self.ports.iter_mut().enumerate() {
            port.handle_timeout(now, &mut self.script)?;
            if port.pump(now, &mut self.script)? == Pumped::More {
                self.reactor.again(Source::Port(index));
            }
        }
        while let Some(event) = self.script.poll_event() {
            self.log.write(&event)?;
        }
        self.approach_end(now, ending);
        Ok(())
    }

    fn listen(&mut self, now: Mono) {
        let Some(console) = &mut self.console else { return };
        let typed = console.read();
        if typed.rest == Rest::Ended {
            self.console = None;
        }
        typed.lines.iter().for_each(|line| self.script.handle_line(now, line));
    }

    /// That a port cannot be made under a name somebody typed is told, and is no reason to stop.
    fn change_plug(&mut self, now: Mono, plug: Plug) -> Result<(), Failure> {
        match plug {
            Plug::Out(port) => self.ports[port].pull_out(now, &mut self.script),
            Plug::In(port, name) => match open_pty(&self.directory.join(&name), &name) {
                Ok(pty) => self.ports[port].plug_in(now, pty)?,
                Err(error) => say(&format!("what? {error}")),
            },
        }
        Ok(())
    }

    fn approach_end(&mut self, now: Mono, ending: Ending) {
        if let Some(totals) = self.script.poll_end() {
            self.end = End::Emptying(totals.to_string());
        }
        if let End::Emptying(totals) = &self.end
            && self.ports.iter().all(Port::is_flushed)
        {
            say(&format!("done {totals}"));
            self.end = match ending {
                Ending::Stays => End::Stays,
                Ending::Leaves => End::Exits(now.after(LINGERS)),
            };
        }
    }

    fn poll_timeout(&self, now: Mono) -> Option<Mono> {
        let exit = match self.end {
            End::Exits(at) => Some(at),
            End::Playing | End::Emptying(_) | End::Stays => None,
        };
        let ports = self.ports.iter().filter_map(Port::poll_timeout).min();
        [exit, ports, self.script.poll_timeout(now)].into_iter().flatten().min()
    }
}

/// Makes a pty with its link, and tells where it is.
fn open_pty(link: &Path, name: &str) -> Result<Pty, Failure> {
    let pty = Pty::open().map_err(|error| Failure::Environment(format!("no pseudo-terminal to be had: {error}")))?;
    let unusable = |error| Failure::Environment(format!("{}: {error}; name another directory with --dir", link.display()));
    let pty = pty.linked(link.to_owned()).map_err(unusable)?;
    say(&format!("port {name} {}", pty.path().display()));
    Ok(pty)
}

/// A line for whoever started us; that nobody reads it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
