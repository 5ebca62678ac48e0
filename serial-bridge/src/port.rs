//! One configured port over its whole life: absent, being opened, up, gone, and up again.
//!
//! Pure: it says when it wants to be opened, and is told how that went. It never gives up, and never
//! tries more often than its back-off allows.

use std::time::Duration;

use mqtypes::ids::{Generation, PortName, WriteId};
use mqtypes::mono::Mono;
use mqtypes::serial::{FaultCount, FrameFault, PortCounters, PortReport, PortState, ReceivedFrame};

use crate::line::{Line, Opened};
use crate::output::{Due, Verdict};
use crate::trouble::Trouble;

/// First and longest wait before a port is tried again. The longest is also how long a port that
/// returned may stay unnoticed.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A port that was up for this long has earned a quick retry.
const FORGIVEN_AFTER: Duration = Duration::from_secs(10);

/// A line that delivers faults without end is reported this often, not at each of them.
const BETWEEN_FAULT_REPORTS: Duration = Duration::from_secs(1);

/// The how-manieth of the configured ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub(crate) usize);

/// One configured port.
#[derive(Debug)]
pub struct Port {
    name: PortName,
    generation: Generation,
    state: State,
    since: Mono,
    wait: Duration,
    totals: Totals,
    telling: Telling,
}

#[derive(Debug)]
enum State {
    /// Not open. What is wrong is what was wrong before, until the attempt has ended.
    Opening { trouble: Trouble },
    /// Not open, and not tried before then.
    Closed { trouble: Trouble, retry_at: Mono },
    /// Open.
    Up(Box<Line>),
}

/// Is a port open?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No.
    Closed,
    /// Yes.
    Open,
}

#[derive(Debug, Default)]
struct Totals {
    rx_bytes: u64,
    rx_frames: u64,
    tx_bytes: u64,
    tx_frames: u64,
    faults: [u64; FrameFault::ALL.len()],
    /// Before the first flag, on all lines but the present one.
    noise: u64,
    forced_resumes: u64,
}

/// When a change of the totals is reported.
#[derive(Debug)]
enum Telling {
    /// Nothing changed since the report of that moment.
    Told { at: Mono },
    /// It did; report it then.
    Due { at: Mono },
}

/// What a port asks for when its deadline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Open it.
    Open,
    /// Send what waits.
    Send,
    /// See whether the kernel still holds bytes.
    LookAtKernel,
}

impl Port {
    /// A port that is to be opened at once.
    pub fn new(name: PortName, now: Mono) -> Self {
        Self {
            name,
            generation: Generation::default(),
            state: State::Opening { trouble: Trouble::Untried },
            since: now,
            wait: TRY_AGAIN.0,
            totals: Totals::default(),
            telling: Telling::Told { at: now },
        }
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
        match self.state {
            State::Opening { .. } | State::Closed { .. } => Phase::Closed,
            State::Up(_) => Phase::Open,
        }
    }

    /// The open line, if it is open.
    pub fn line(&self) -> Option<&Line> {
        match &self.state {
            State::Opening { .. } | State::Closed { .. } => None,
            State::Up(line) => Some(line),
        }
    }

    /// The same, to be changed.
    pub fn line_mut(&mut self) -> Option<&mut Line> {
        match &mut self.state {
            State::Opening { .. } | State::Closed { .. } => None,
            State::Up(line) => Some(line),
        }
    }

    /// It is open now; tells the frames that did not go out before.
    pub fn handle_opened(&mut self, now: Mono, opened: Opened) -> Vec<WriteId> {
        let unfinished = self.leave_line();
        self.generation = self.generation.next();
        self.state = State::Up(Box::new(Line::new(opened)));
        self.since = now;
        unfinished
    }

    /// It could not be opened, or was lost; tells the frames that did not go out.
    pub fn handle_trouble(&mut self, now: Mono, trouble: Trouble) -> Vec<WriteId> {
        let unfinished = self.leave_line();
        self.wait = match &self.state {
            State::Up(_) if now.since(self.since) >= FORGIVEN_AFTER => TRY_AGAIN.0,
            State::Up(_) | State::Opening { .. } | State::Closed { .. } => (self.wait * 2).min(TRY_AGAIN.1),
        };
        match &self.state {
            State::Up(_) => self.since = now,
            State::Opening { trouble: before } | State::Closed { trouble: before, .. } if *before != trouble => self.since = now,
            State::Opening { .. } | State::Closed { .. } => {}
        }
        self.state = State::Closed { trouble, retry_at: now.after(self.wait) };
        unfinished
    }

    /// Bytes came in; tells each frame.
    pub fn handle_bytes(&mut self, now: Mono, bytes: &[u8], mut frame: impl FnMut(ReceivedFrame)) {
        let Self { name, generation, state: State::Up(line), totals, telling, .. } = self else { return };
        let faults_before = totals.faults;
        totals.rx_bytes += bytes.len() as u64;
        line.hear(now, bytes, |end| match end {
            Ok(payload) => {
                totals.rx_frames += 1;
                frame(ReceivedFrame { port: name.clone(), generation: *generation, heard: now, payload });
            }
            Err(fault) => totals.count(fault),
        });
        if totals.faults != faults_before {
            *telling = telling.changed(now);
        }
    }

    /// The kernel took bytes; tells the frame that is out with them.
    pub fn handle_written(&mut self, now: Mono, count: usize) -> Option<WriteId> {
        let State::Up(line) = &mut self.state else { return None };
        self.totals.tx_bytes += count as u64;
        let done = line.output.handle_written(now, count);
        self.totals.tx_frames += u64::from(done.is_some());
        done
    }

    /// The kernel holds `unsent` bytes that are not on the line yet.
    pub fn handle_unsent(&mut self, now: Mono, unsent: usize) -> Verdict {
        self.line_mut().map_or(Verdict::Clear, |line| line.output.handle_unsent(now, unsent))
    }

    /// The next frame for the mote whose deadline has passed.
    pub fn take_expired(&mut self, now: Mono) -> Option<WriteId> {
        self.line_mut()?.output.take_expired(now)
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: Mono) -> Option<Want> {
        match &mut self.state {
            State::Closed { trouble, retry_at } if *retry_at <= now => {
                self.state = State::Opening { trouble: trouble.clone() };
                Some(Want::Open)
            }
            State::Opening { .. } | State::Closed { .. } => None,
            State::Up(line) => match line.output.handle_timeout(now)? {
                Due::LookAtKernel => Some(Want::LookAtKernel),
                Due::GateForced => Some(Want::Send),
            },
        }
    }

    /// Is a change of the totals to be reported now?
    pub fn poll_telling(&mut self, now: Mono) -> bool {
        let is_due = matches!(self.telling, Telling::Due { at } if at <= now);
        if is_due {
            self.telling = Telling::Told { at: now };
        }
        is_due
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let telling = match self.telling {
            Telling::Told { .. } => None,
            Telling::Due { at } => Some(at),
        };
        let state = match &self.state {
            State::Opening { .. } => None,
            State::Closed { retry_at, .. } => Some(*retry_at),
            State::Up(line) => line.output.poll_timeout(),
        };
        Mono::earliest(telling, state)
    }

    /// The port as the bus sees it.
    pub fn state(&self) -> PortState {
        match &self.state {
            State::Opening { trouble } | State::Closed { trouble, .. } => trouble.state(),
            State::Up(_) => PortState::Up,
        }
    }

    /// The port as it is now, with its totals.
    pub fn report(&self) -> PortReport {
        PortReport {
            port: self.name.clone(),
            generation: self.generation,
            state: self.state(),
            since: self.since,
            baud: self.line().map_or(0, |line| line.baud),
            counters: PortCounters { noise_bytes: self.noise(), ..self.totals.counters() },
        }
    }

    /// Keeps what is to be known of a line that ends; tells the frames that did not go out.
    fn leave_line(&mut self) -> Vec<WriteId> {
        let State::Up(line) = &self.state else { return Vec::new() };
        self.totals.noise += line.noise();
        line.output.unfinished().collect()
    }

    /// Output stood still without an XON, and was let go on.
    pub fn count_forced_resume(&mut self) {
        self.totals.forced_resumes += 1;
    }

    /// Bytes that came before the first flag of their line.
    pub fn noise(&self) -> u64 {
        self.totals.noise + self.line().map_or(0, Line::noise)
    }
}

impl Totals {
    fn count(&mut self, fault: FrameFault) {
        for (known, count) in FrameFault::ALL.iter().zip(&mut self.faults) {
            *count += u64::from(*known == fault);
        }
    }

    fn counters(&self) -> PortCounters {
        let faults = FrameFault::ALL.iter().zip(self.faults).filter(|(_, count)| *count > 0);
        PortCounters {
            rx_bytes: self.rx_bytes,
            rx_frames: self.rx_frames,
            tx_bytes: self.tx_bytes,
            tx_frames: self.tx_frames,
            noise_bytes: self.noise,
            forced_resumes: self.forced_resumes,
            faults: faults.map(|(fault, count)| FaultCount { fault: *fault, count }).collect(),
        }
    }
}

impl Telling {
    fn changed(&self, now: Mono) -> Self {
        match *self {
            Self::Told { at } => Self::Due { at: at.after(BETWEEN_FAULT_REPORTS).max(now) },
            Self::Due { at } => Self::Due { at },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::FlowControl;

    const OPENED: Opened = Opened { baud: 115_200, flow: FlowControl::ByKernel };

    fn port() -> Port {
        Port::new(PortName("/dev/ttyUSB0".to_owned()), Mono(0))
    }

    /// Fails to open until `end`; tells when it was tried.
    fn tries(port: &mut Port, end: Mono) -> Vec<Mono> {
        let mut tried = Vec::new();
        port.handle_trouble(Mono(0), Trouble::Absent);
        while let Some(now) = port.poll_timeout().filter(|at| *at < end) {
            assert_eq!(port.handle_timeout(now), Some(Want::Open));
            assert_eq!(port.poll_timeout(), None);
            port.handle_trouble(now, Trouble::Absent);
            tried.push(now);
        }
        tried
    }

    #[test]
    fn an_absent_port_is_tried_for_ever_but_ever_more_slowly() {
        let mut port = port();
        let tried = tries(&mut port, Mono(60_000_000));
        let gaps: Vec<_> = tried.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(gaps.is_sorted() && tried.len() < 40, "{gaps:?}");
        assert_eq!(gaps.last(), Some(&TRY_AGAIN.1));
        assert_eq!(port.report().since, Mono(0));
    }

    #[test]
    fn quiet_time_forgives() {
        let mut port = port();
        let last = *tries(&mut port, Mono(60_000_000)).last().expect("tried");
        port.handle_opened(last, OPENED);
        let lost = last.after(FORGIVEN_AFTER);
        port.handle_trouble(lost, Trouble::Gone("hung up".to_owned()));
        assert_eq!(port.poll_timeout(), Some(lost.after(TRY_AGAIN.0)));
    }

    #[test]
    fn a_port_that_hangs_up_at_once_each_time_does_not_spin() {
        let mut port = port();
        let mut now = Mono(0);
        for _ in 0..100 {
            port.handle_opened(now, OPENED);
            port.handle_trouble(now, Trouble::Gone("hung up".to_owned()));
            now = port.poll_timeout().expect("retry");
            assert_eq!(port.handle_timeout(now), Some(Want::Open));
        }
        assert!(now.since(Mono(0)) > TRY_AGAIN.1 * 90);
        assert_eq!(port.generation(), Generation(100));
    }

    #[test]
    fn faults_are_reported_at_once_and_then_once_a_second() {
        let mut port = port();
        port.handle_opened(Mono(0), OPENED);
        let mut told = 0;
        for ms in 5_000..8_000 {
            let now = Mono(ms * 1_000);
            port.handle_bytes(now, b"~noise~", drop);
            told += u32::from(port.poll_telling(now));
        }
        assert_eq!(told, 3);
        assert_eq!(port.report().counters.faults, [FaultCount { fault: FrameFault::BadCrc, count: 3_000 }]);
        let last = port.poll_timeout().expect("the last ones are told too");
        assert!(port.poll_telling(last));
        assert_eq!(port.poll_timeout(), None);
    }
}
