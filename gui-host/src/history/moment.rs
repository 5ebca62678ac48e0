//! When something was heard, on the clock of this host, whatever clock the router has.

/// How old what a router tells may be to enter history, milliseconds: a day. It tells old values
/// too, after each connection.
const MAX_AGE: u64 = 24 * 60 * 60 * 1000;

/// When a message came, and when its router says that it said it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The host's Unix time, milliseconds.
    pub now: u64,
    /// The router's clock when it said the message.
    pub said: Option<u64>,
}

impl Moment {
    /// The host's time of what was heard at `t` on the router's clock: its age is right, though its
    /// clock may not be. None for what is too old.
    pub fn at(self, t: Option<u64>) -> Option<u64> {
        let age = match (self.said, t) {
            (Some(said), Some(t)) => said.saturating_sub(t),
            (None, _) | (_, None) => 0,
        };
        if age > MAX_AGE { None } else { self.now.checked_sub(age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_and_clocks_do_not() {
        let moment = Moment { now: 1_700_000_000_000, said: Some(5_000_000_000) };
        assert_eq!(moment.at(Some(5_000_000_000 - 1500)), Some(1_700_000_000_000 - 1500));
        assert_eq!(moment.at(Some(u64::MAX)), Some(1_700_000_000_000));
        assert_eq!(moment.at(Some(5_000_000_000 - MAX_AGE - 1)), None);
        assert_eq!(moment.at(None), Some(1_700_000_000_000));
        assert_eq!(Moment { now: 5, said: Some(100) }.at(Some(1)), None);
    }
}
