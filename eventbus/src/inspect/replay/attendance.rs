//! Whether somebody has the other end of a pty open, as far as reading it tells.
//!
//! A hang-up wakes whoever watches the master end; an opening does not, and is looked for.

use std::time::Duration;

use mqtypes::mono::Mono;

/// How often an unread pty is looked at: no event tells that somebody opened it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A reader opens a port first and makes its settings then, which may throw away input. So it is left in peace for a moment.
const SETTLING: Duration = Duration::from_millis(100);

/// Is there somebody at the other end of a port?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Somebody has opened it.
    Came,
    /// Nobody has it open any more.
    Left,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Read, and tell what came of it.
    Look,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub struct Attendance(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody.
    Unread { look_at: Mono },
    /// Somebody who has just come.
    Settling { until: Mono },
    /// Somebody who reads.
    Read,
}

impl Attendance {
    /// A pty that nobody has opened yet, to be looked at now.
    pub fn new(now: Mono) -> Self {
        Self(State::Unread { look_at: now })
    }

    /// Reading found bytes, or found that there are none: somebody is there.
    pub fn handle_sign(&mut self, now: Mono) -> Option<Reader> {
        match self.0 {
            State::Unread { .. } => {
                self.0 = State::Settling { until: now.after(SETTLING) };
                Some(Reader::Came)
            }
            State::Settling { .. } | State::Read => None,
        }
    }

    /// Reading found that nobody is there.
    pub fn handle_nobody(&mut self, now: Mono) -> Option<Reader> {
        let before = std::mem::replace(&mut self.0, State::Unread { look_at: now.after(LOOK_EVERY) });
        match before {
            State::Unread { .. } => None,
            State::Settling { .. } | State::Read => Some(Reader::Left),
        }
    }

    /// The deadline may have come.
    pub fn handle_timeout(&mut self, now: Mono) -> Due {
        match self.0 {
            State::Unread { look_at } if look_at <= now => return Due::Look,
            State::Settling { until } if until <= now => self.0 = State::Read,
            State::Unread { .. } | State::Settling { .. } | State::Read => {}
        }
        Due::Nothing
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match self.0 {
            State::Unread { look_at } => Some(look_at),
            State::Settling { until } => Some(until),
            State::Read => None,
        }
    }

    /// May it be written to?
    pub fn is_read(&self) -> bool {
        self.0 == State::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_looked_for_left_in_peace_and_then_told() {
        let mut attendance = Attendance::new(Mono(0));
        assert_eq!((attendance.handle_timeout(Mono(0)), attendance.handle_nobody(Mono(0))), (Due::Look, None));
        let look = attendance.poll_timeout().expect("looked for");
        assert_eq!((attendance.handle_timeout(Mono(1)), attendance.handle_timeout(look)), (Due::Nothing, Due::Look));
        assert_eq!((attendance.handle_sign(look), attendance.handle_sign(look)), (Some(Reader::Came), None));
        assert!(!attendance.is_read());
        let settled = attendance.poll_timeout().expect("in peace");
        assert_eq!((attendance.handle_timeout(settled), attendance.is_read(), attendance.poll_timeout()), (Due::Nothing, true, None));
        assert_eq!((attendance.handle_nobody(settled), attendance.handle_nobody(settled)), (Some(Reader::Left), None));
        assert!(!attendance.is_read() && attendance.poll_timeout() > Some(settled));
    }
}
