//! One port over its whole life: absent, being opened, probed, up, lost, at fault, and up again.
//!
//! Pure: it says when it wants to be opened, and is told how that went. It never gives up, never tries more often than its
//! back-off allows, and while its device is absent it wants nothing at all.

mod totals;

use std::time::Duration;

use mqtypes::ids::{Generation, PortName, WriteId};
use mqtypes::mono::Mono;
use mqtypes::serial::{Direction, PortCounters, PortReport, PortState, ReceivedFrame};

use framing::hdlc;

use crate::backoff::BackOff;
use crate::echo::{Echo, Origin};
use crate::line::{Line, Opened};
use crate::output::{Due, Ended, Verdict};
use crate::rates::{Choice, Rates, is_near};
use crate::search::{Outlook, Search, Step};
use crate::trouble::{Class, Remedy, Trouble};
use totals::{Telling, Totals};

/// News of a node that comes and goes without end has it opened this often on average, and not at each of them.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(125);

/// So much of that may be made up for: a cable that is pulled now and then is answered at once.
const CREDIT: Duration = Duration::from_secs(1);

/// A far end that does not answer at all is not there.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);

/// When a rate that was looked for is doubted: so many faults, and no frame among them for so long.
const GARBLED: (u32, Duration) = (64, Duration::from_secs(10));

/// The how-manieth of the ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub(crate) usize);

/// A port that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name on the bus.
    pub name: PortName,
    /// How it is reached.
    pub way: Way,
}

/// How a port is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By a device node, at one of these rates.
    Node(Rates),
    /// By TCP, where there are no rates.
    Tcp,
}

/// One port.
#[derive(Debug)]
pub struct Port {
    name: PortName,
    way: Way,
    generation: Generation,
    state: State,
    since: Mono,
    /// News before this moment do not have it opened.
    next_free: Mono,
    backoff: BackOff,
    echo: Echo,
    totals: Totals,
    telling: Telling,
}

#[derive(Debug)]
enum State {
    /// Not open. Without a moment to try again, it waits until its node is seen.
    Closed { why: Why, retry_at: Option<Mono> },
    /// Being opened. What is wrong is what was wrong before, until the attempt has ended.
    Opening { why: Why, until: Option<Mono> },
    /// Open, and its rate is looked for.
    Probing { line: Box<Line>, search: Search },
    /// Open; frames are passed on.
    Up { line: Box<Line>, health: Health },
}

/// Why a port is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// It is absent, or was lost, which is nobody's fault.
    Lost(Trouble),
    /// A person should look.
    Fault(Trouble),
    /// The same, for it is lost again and again although its node stays.
    KeepsFailing(Trouble),
}

/// Does the rate still seem right?
#[derive(Debug, Clone, Copy)]
struct Health {
    /// The last frame, or the opening.
    right_at: Mono,
    /// Faults since then.
    wrong: u32,
}

/// Is a port open?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No.
    Closed,
    /// Yes.
    Open,
}

/// What a port asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Open it.
    Open,
    /// Close it, or give up opening it, for this reason.
    GiveUp(Trouble),
    /// Set this rate.
    Tune(u32),
    /// Send what waits.
    Send,
    /// Output may go on without an XON: send what waits.
    SendAgain,
    /// See whether the kernel still holds bytes.
    LookAtKernel,
}

impl Port {
    /// A port that is to be opened at once. Ports of different seeds request different echoes.
    pub fn new(wanted: Wanted, seed: u64, now: Mono) -> Self {
        let mut port = Self {
            name: wanted.name,
            way: wanted.way,
            generation: Generation::default(),
            state: State::Closed { why: Why::Lost(Trouble::Untried), retry_at: None },
            since: now,
            next_free: Mono::default(),
            backoff: BackOff::new(),
            echo: Echo::new(seed),
            totals: Totals::default(),
            telling: Telling::new(now),
        };
        port.begin(now);
        port
    }

    /// As its owner names it.
    pub fn name(&self) -> &PortName {
        &self.name
    }

    /// Counts its openings.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Is it open?
    pub fn phase(&self) -> Phase {
        self.line().map_or(Phase::Closed, |_| Phase::Open)
    }

    /// What keeps it from being open.
    pub fn trouble(&self) -> Option<&Trouble> {
        match &self.state {
            State::Closed { why, .. } | State::Opening { why, .. } => Some(why.trouble()),
            State::Probing { .. } | State::Up { .. } => None,
        }
    }

    /// The rate at which it is to be opened.
    pub fn first_rate(&self) -> Option<u32> {
        match &self.way {
            Way::Node(rates) => Some(rates.first()),
            Way::Tcp => None,
        }
    }

    /// The open line, if it is open.
    pub fn line(&self) -> Option<&Line> {
        match &self.state {
            State::Closed { .. } | State::Opening { .. } => None,
            State::Probing { line, .. } | State::Up { line, .. } => Some(line),
        }
    }

    /// The same, to be changed.
    pub fn line_mut(&mut self) -> Option<&mut Line> {
        match &mut self.state {
            State::Closed { .. } | State::Opening { .. } => None,
            State::Probing { line, .. } | State::Up { line, .. } => Some(line),
        }
    }

    /// The open line, if frames may be sent over it.
    pub fn proven_line(&mut self) -> Option<&mut Line> {
        match &mut self.state {
            State::Closed { .. } | State::Opening { .. } | State::Probing { .. } => None,
            State::Up { line, .. } => Some(line),
        }
    }

    /// It is open now. Tells what to do when it is open at another rate than was asked for.
    pub fn handle_opened(&mut self, now: Mono, opened: Opened) -> Option<Want> {
        self.generation = self.generation.next();
        self.totals.openings += 1;
        self.since = now;
        let line = Box::new(Line::new(opened));
        match &self.way {
            Way::Node(rates) if rates.choice() == Choice::Probed => {
                self.state = State::Probing { line, search: Search::new(rates.clone(), now) };
            }
            Way::Node(_) | Way::Tcp => self.state = State::Up { line, health: Health { right_at: now, wrong: 0 } },
        }
        let asked = self.first_rate()?;
        self.check_rate(now, asked, opened.baud)
    }

    /// The device was set to a rate, and does this one.
    pub fn handle_tuned(&mut self, now: Mono, asked: u32, done: u32) -> Option<Want> {
        if let Some(line) = self.line_mut() {
            line.opened.baud = done;
        }
        self.check_rate(now, asked, done)
    }

    fn check_rate(&mut self, now: Mono, asked: u32, done: u32) -> Option<Want> {
        if is_near(asked, done) {
            return None;
        }
        log::warn!("{}: the device refuses {asked} bit/s, and does {done}", self.name);
        let next = match &mut self.state {
            State::Probing { search, .. } => search.handle_refused(now),
            State::Closed { .. } | State::Opening { .. } | State::Up { .. } => None,
        };
        match (next, &self.way) {
            (Some(step), _) => self.take_step(now, step),
            (None, Way::Node(rates)) => Some(Want::GiveUp(Trouble::RateRefused { wanted: rates.clone() })),
            (None, Way::Tcp) => None,
        }
    }

    /// It could not be opened, or was lost; tells the frames that did not go out.
    pub fn handle_trouble(&mut self, now: Mono, trouble: Trouble) -> Vec<WriteId> {
        let before = self.state();
        let unfinished = self.leave_line();
        match &self.state {
            State::Up { .. } => self.backoff.forgive(now.since(self.since)),
            State::Closed { .. } | State::Opening { .. } | State::Probing { .. } => {}
        }
        let retry_at = match trouble.remedy() {
            Remedy::News | Remedy::Wish => {
                self.backoff.forget();
                None
            }
            Remedy::Retry(longest) => Some(now.after(self.backoff.fail(longest))),
        };
        let why = match trouble.class() {
            Class::Fault => Why::Fault(trouble),
            Class::Loss if self.backoff.keeps_failing() => Why::KeepsFailing(trouble),
            Class::Loss | Class::Absence => Why::Lost(trouble),
        };
        self.state = State::Closed { why, retry_at };
        if self.state() != before {
            self.since = now;
        }
        unfinished
    }

    /// Its node is there, or has changed.
    pub fn handle_seen(&mut self, now: Mono) -> Option<Want> {
        if !self.is_wanted() {
            return None;
        }
        let State::Closed { retry_at, .. } = &mut self.state else { return None };
        let at = now.max(self.next_free);
        if at <= now {
            return Some(self.begin(now));
        }
        *retry_at = Mono::earliest(*retry_at, Some(at));
        None
    }

    /// Its node is not there.
    pub fn handle_missing(&mut self, now: Mono) {
        let is_told = matches!(self.trouble(), Some(Trouble::Removed)) || !self.is_wanted();
        match &self.state {
            State::Closed { .. } if !is_told => drop(self.handle_trouble(now, Trouble::Absent)),
            State::Closed { .. } | State::Opening { .. } | State::Probing { .. } | State::Up { .. } => {}
        }
    }

    /// It is wanted, and reached like this from now on: it is opened at once. It must not be open.
    pub fn handle_wanted(&mut self, now: Mono, way: Way) -> Option<Want> {
        self.way = way;
        self.backoff.forget();
        Some(self.begin(now))
    }

    /// Does the configuration name it?
    pub fn is_wanted(&self) -> bool {
        self.trouble().is_none_or(|trouble| trouble.remedy() != Remedy::Wish)
    }

    /// Bytes came in; tells each frame of a mote.
    pub fn handle_bytes(&mut self, now: Mono, bytes: &[u8], frame: impl FnMut(ReceivedFrame)) -> Option<Want> {
        match &self.state {
            State::Closed { .. } | State::Opening { .. } => None,
            State::Probing { .. } => {
                self.totals.rx_bytes += bytes.len() as u64;
                self.hear_unproven(now, bytes, frame);
                None
            }
            State::Up { .. } => {
                self.totals.rx_bytes += bytes.len() as u64;
                self.hear(now, bytes, frame);
                self.doubt(now)
            }
        }
    }

    fn hear(&mut self, now: Mono, bytes: &[u8], mut frame: impl FnMut(ReceivedFrame)) {
        let Self { name, generation, state: State::Up { line, health }, totals, telling, echo, .. } = self else { return };
        let faults_before = totals.faults;
        line.hear(now, bytes, |end| match end {
            Ok(payload) => {
                totals.rx_frames += 1;
                *health = Health { right_at: now, wrong: 0 };
                // An answer to a search that has ended is nobody's frame.
                if echo.origin(&payload) == Origin::Mote {
                    frame(ReceivedFrame { port: name.clone(), generation: *generation, heard: now, payload });
                }
            }
            Err(fault) => {
                totals.count(fault);
                health.wrong = health.wrong.saturating_add(1);
            }
        });
        if totals.faults != faults_before {
            telling.change(now);
        }
    }

    /// Without a proof of the rate, what comes in is noise; with it, the frames that prove it are passed on.
    fn hear_unproven(&mut self, now: Mono, bytes: &[u8], mut frame: impl FnMut(ReceivedFrame)) {
        let Self { state: State::Probing { line, search }, echo, .. } = self else { return };
        let mut heard = Vec::new();
        line.hear(now, bytes, |end| match end.map(|payload| (echo.origin(&payload), payload)) {
            Ok((Origin::Mote, payload)) => {
                search.count_right();
                heard.push(payload);
            }
            Ok((Origin::Answer, _)) => search.count_right(),
            Ok((Origin::Reflection, _)) => {}
            Err(_) => search.count_wrong(),
        });
        if !search.is_proven() {
            return;
        }
        let nowhere = State::Closed { why: Why::Lost(Trouble::Untried), retry_at: None };
        if let State::Probing { line, .. } = std::mem::replace(&mut self.state, nowhere) {
            self.state = State::Up { line, health: Health { right_at: now, wrong: 0 } };
            self.since = now;
        }
        self.totals.rx_frames += heard.len() as u64;
        for payload in heard {
            frame(ReceivedFrame { port: self.name.clone(), generation: self.generation, heard: now, payload });
        }
    }

    /// A rate that was looked for is looked for again when it has turned out to be wrong.
    fn doubt(&self, now: Mono) -> Option<Want> {
        let (State::Up { health, .. }, Way::Node(rates)) = (&self.state, &self.way) else { return None };
        let is_wrong = health.wrong >= GARBLED.0 && now.since(health.right_at) >= GARBLED.1;
        (is_wrong && rates.choice() == Choice::Probed).then_some(Want::GiveUp(Trouble::Garbled))
    }

    /// The kernel took bytes; tells the frame that is out with them.
    pub fn handle_written(&mut self, now: Mono, count: usize) -> Option<Ended> {
        let done = self.line_mut()?.output.handle_written(now, count);
        self.totals.tx_bytes += count as u64;
        self.totals.tx_frames += u64::from(done.is_some());
        done
    }

    /// The kernel holds `unsent` bytes that are not on the line yet.
    pub fn handle_unsent(&mut self, now: Mono, unsent: usize) -> Verdict {
        self.line_mut().map_or(Verdict::Clear, |line| line.output.handle_unsent(now, unsent))
    }

    /// The next frame for the mote whose deadline has passed.
    pub fn take_expired(&mut self, now: Mono) -> Option<Ended> {
        self.line_mut()?.output.take_expired(now)
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: Mono) -> Option<Want> {
        match &mut self.state {
            State::Closed { retry_at, .. } => retry_at.is_some_and(|at| at <= now).then(|| self.begin(now)),
            State::Opening { until, .. } => {
                let is_over = until.is_some_and(|until| until <= now);
                is_over.then(|| Want::GiveUp(Trouble::Unreachable(format!("no answer within {} s", CONNECTS_WITHIN.as_secs()))))
            }
            State::Probing { line, search } => {
                if let Some(due) = line.output.handle_timeout(now) {
                    return Some(due.into());
                }
                let step = search.handle_timeout(now)?;
                self.take_step(now, step)
            }
            State::Up { line, .. } => line.output.handle_timeout(now).map(Want::from),
        }
    }

    fn begin(&mut self, now: Mono) -> Want {
        let until = match self.way {
            Way::Node(_) => None,
            Way::Tcp => Some(now.after(CONNECTS_WITHIN)),
        };
        let why = match &self.state {
            State::Closed { why, .. } | State::Opening { why, .. } => why.clone(),
            State::Probing { .. } | State::Up { .. } => Why::Lost(Trouble::Untried),
        };
        let credited = Mono(now.0.saturating_sub(CREDIT.as_micros() as u64));
        self.next_free = self.next_free.max(credited).after(BETWEEN_ATTEMPTS);
        self.state = State::Opening { why, until };
        Want::Open
    }

    fn take_step(&mut self, now: Mono, step: Step) -> Option<Want> {
        let request = hdlc::encode(&self.echo.request());
        let State::Probing { line, .. } = &mut self.state else { return None };
        match step {
            Step::Request(until) => line.output.push_own(until, request).is_ok().then_some(Want::Send),
            Step::Tune(baud) => {
                let fresh = Line::new(Opened { baud, ..line.opened });
                let before = std::mem::replace(&mut **line, fresh);
                self.totals.noise += before.heard();
                self.totals.stalls += before.output.stalls();
                // What was found, or not found, so far may be news.
                self.telling.change(now);
                Some(Want::Tune(baud))
            }
        }
    }

    /// Is a change of the totals to be reported now?
    pub fn poll_telling(&mut self, now: Mono) -> bool {
        self.telling.take_due(now)
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let state = match &self.state {
            State::Opening { until, .. } => *until,
            State::Closed { retry_at, .. } => *retry_at,
            State::Probing { line, search } => Mono::earliest(line.output.poll_timeout(), Some(search.poll_timeout())),
            State::Up { line, .. } => line.output.poll_timeout(),
        };
        Mono::earliest(self.telling.due(), state)
    }

    /// The port as the bus sees it.
    pub fn state(&self) -> PortState {
        match &self.state {
            State::Closed { why, .. } | State::Opening { why, .. } => why.state(),
            State::Probing { search, .. } => match search.outlook() {
                Outlook::Looking => PortState::Probing,
                Outlook::FoundNothing => PortState::Fault { cause: no_mote_at(search.rates()) },
            },
            State::Up { .. } => PortState::Up,
        }
    }

    /// The port as it is now, with its totals.
    pub fn report(&self) -> PortReport {
        let stalls = self.totals.stalls + self.line().map_or(0, |line| line.output.stalls());
        PortReport {
            port: self.name.clone(),
            generation: self.generation,
            state: self.state(),
            since: self.since,
            baud: self.line().map_or(0, |line| line.opened.baud),
            counters: PortCounters { noise_bytes: self.noise(), stalls, ..self.totals.counters() },
        }
    }

    /// Bytes that went this way since `serial-bridge` started.
    pub fn carried(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Rx => self.totals.rx_bytes,
            Direction::Tx => self.totals.tx_bytes,
        }
    }

    /// Keeps what is to be known of a line that ends; tells the frames that did not go out.
    fn leave_line(&mut self) -> Vec<WriteId> {
        let (line, noise) = match &self.state {
            State::Closed { .. } | State::Opening { .. } => return Vec::new(),
            State::Probing { line, .. } => (line, line.heard()),
            State::Up { line, .. } => (line, line.noise()),
        };
        self.totals.noise += noise;
        self.totals.stalls += line.output.stalls();
        line.output.unfinished().collect()
    }

    /// Output stood still without an XON, and was let go on.
    pub fn count_forced_resume(&mut self) {
        self.totals.forced_resumes += 1;
    }

    /// Bytes that came before the first flag of their line, and all of those at a rate that was given up.
    pub fn noise(&self) -> u64 {
        self.totals.noise + self.line().map_or(0, Line::noise)
    }
}

impl Why {
    fn trouble(&self) -> &Trouble {
        match self {
            Self::Lost(trouble) | Self::Fault(trouble) | Self::KeepsFailing(trouble) => trouble,
        }
    }

    fn state(&self) -> PortState {
        let trouble = self.trouble();
        let hope = trouble.hope().map(|hope| format!("; {hope}")).unwrap_or_default();
        match self {
            Self::Lost(_) => PortState::Down { cause: format!("{trouble}{hope}") },
            Self::Fault(_) => PortState::Fault { cause: format!("{trouble}{hope}") },
            Self::KeepsFailing(_) => PortState::Fault { cause: format!("keeps failing although it is there: {trouble}{hope}") },
        }
    }
}

/// What a person is told when no rate has brought a mote to light.
fn no_mote_at(rates: &Rates) -> String {
    format!("no mote answers at {rates} bit/s: is it powered, and does it run OpenWSN at one of these rates?")
}

impl From<Due> for Want {
    fn from(due: Due) -> Self {
        match due {
            Due::LookAtKernel => Self::LookAtKernel,
            Due::GateForced => Self::SendAgain,
        }
    }
}

#[cfg(test)]
mod tests;
