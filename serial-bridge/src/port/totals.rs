//! What a port has counted since `serial-bridge` started, and when that is worth a report.

use std::time::Duration;

use mqtypes::mono::Mono;
use mqtypes::serial::{FaultCount, FrameFault, PortCounters};

/// A line that delivers faults without end is reported this often, not at each of them.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);

/// What a port has counted, the present line's noise and stalls aside.
#[derive(Debug, Default)]
pub struct Totals {
    pub rx_bytes: u64,
    pub rx_frames: u64,
    pub tx_bytes: u64,
    pub tx_frames: u64,
    pub faults: [u64; FrameFault::ALL.len()],
    pub noise: u64,
    pub stalls: u64,
    pub forced_resumes: u64,
    pub openings: u64,
}

/// When a change of the totals is reported.
#[derive(Debug)]
pub enum Telling {
    /// Nothing changed since the report of that moment.
    Told { at: Mono },
    /// It did; report it then.
    Due { at: Mono },
}

impl Totals {
    /// One more of these.
    pub fn count(&mut self, fault: FrameFault) {
        for (known, count) in FrameFault::ALL.iter().zip(&mut self.faults) {
            *count += u64::from(*known == fault);
        }
    }

    /// As the bus has them.
    pub fn counters(&self) -> PortCounters {
        let faults = FrameFault::ALL.iter().zip(self.faults).filter(|(_, count)| *count > 0);
        PortCounters {
            rx_bytes: self.rx_bytes,
            rx_frames: self.rx_frames,
            tx_bytes: self.tx_bytes,
            tx_frames: self.tx_frames,
            noise_bytes: self.noise,
            stalls: self.stalls,
            forced_resumes: self.forced_resumes,
            openings: self.openings,
            faults: faults.map(|(fault, count)| FaultCount { fault: *fault, count }).collect(),
        }
    }
}

impl Telling {
    /// Nothing is to be told.
    pub fn new(now: Mono) -> Self {
        Self::Told { at: now }
    }

    /// Something has changed.
    pub fn change(&mut self, now: Mono) {
        *self = match *self {
            Self::Told { at } => Self::Due { at: at.after(BETWEEN_REPORTS).max(now) },
            Self::Due { at } => Self::Due { at },
        };
    }

    /// Is it to be told now? Then it counts as told.
    pub fn take_due(&mut self, now: Mono) -> bool {
        let is_due = self.due().is_some_and(|at| at <= now);
        if is_due {
            *self = Self::Told { at: now };
        }
        is_due
    }

    /// When it is to be told.
    pub fn due(&self) -> Option<Mono> {
        match self {
            Self::Told { .. } => None,
            Self::Due { at } => Some(*at),
        }
    }
}
