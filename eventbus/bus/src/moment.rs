//! One instant on the two clocks that matter: the machine's own, which orders and measures, and the wall's, which people read.
//!
//! On the bus every time is [`Mono`]; for people and other machines every time is Unix milliseconds. The translation happens
//! here and nowhere else, at the moment something is said, so that a clock that is set in between moves all times alike.

use mqtypes::mono::Mono;

use crate::clock;

/// `now`, wherever something is said to somebody outside the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// On the machine's monotonic clock.
    pub mono: Mono,
    /// The same instant in Unix time, milliseconds.
    pub unix_ms: u64,
}

impl Moment {
    /// Reads both clocks. For the shell alone.
    pub fn read() -> Self {
        Self { mono: clock::now(), unix_ms: clock::unix_ms() }
    }

    /// An earlier moment in Unix time, milliseconds. One that lies ahead counts as now.
    pub fn unix_ms_of(self, earlier: Mono) -> u64 {
        let ago = u64::try_from(self.mono.since(earlier).as_millis()).unwrap_or(u64::MAX);
        self.unix_ms.saturating_sub(ago)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_moment_is_as_long_ago_on_both_clocks() {
        let now = Moment { mono: Mono(5_000_000), unix_ms: 1_700_000_000_000 };
        assert_eq!(now.unix_ms_of(Mono(3_500_000)), 1_699_999_998_500);
        assert_eq!(now.unix_ms_of(Mono(9_000_000)), now.unix_ms);
    }
}
