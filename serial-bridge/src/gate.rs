//! May we send? For lines whose XON and XOFF reach this process, because the kernel does not take them.

use std::time::Duration;

use mqtypes::mono::Mono;

/// Output that waits longer than this waits for an XON that was lost. The longest slot of any board is 160 ms,
/// and a mote says XON once a slot.
pub const LOST_XON: Duration = Duration::from_millis(500);

/// May we send?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gate {
    /// Yes.
    #[default]
    Open,
    /// No, until XON comes or was lost.
    Shut {
        /// When it is opened for lack of an XON.
        until: Mono,
    },
}

impl Gate {
    /// The mote wants silence.
    pub fn handle_xoff(&mut self, now: Mono) {
        *self = Self::Shut { until: now.after(LOST_XON) };
    }

    /// The mote may be sent to again.
    pub fn handle_xon(&mut self) {
        *self = Self::Open;
    }

    /// Opens the gate when its XON was lost; tells whether it was.
    pub fn handle_timeout(&mut self, now: Mono) -> Opening {
        match *self {
            Self::Shut { until } if until <= now => {
                *self = Self::Open;
                Opening::Forced
            }
            Self::Shut { .. } | Self::Open => Opening::None,
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match self {
            Self::Open => None,
            Self::Shut { until } => Some(*until),
        }
    }
}

/// Was a gate opened without an XON?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It was.
    Forced,
    /// Nothing changed.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_opens_with_xon_or_when_xon_was_lost() {
        let mut gate = Gate::default();
        gate.handle_xoff(Mono(0));
        assert_eq!(gate.handle_timeout(Mono(0).after(LOST_XON / 2)), Opening::None);
        gate.handle_xon();
        assert_eq!((gate, gate.poll_timeout()), (Gate::Open, None));
        gate.handle_xoff(Mono(0));
        let due = gate.poll_timeout().expect("due");
        assert_eq!((gate.handle_timeout(due), gate), (Opening::Forced, Gate::Open));
    }
}
