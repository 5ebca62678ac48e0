//! Keeps the wanted role: a mote that shows another, or has booted, is told again.
//!
//! Driven by the mote's own reports, so it needs no timer; it backs off when the mote does not listen.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::ids::Eui64;
use mqtypes::mono::Mono;

/// First and longest wait before the same mote is told again.
const WAIT: (Duration, Duration) = (Duration::from_secs(4), Duration::from_mins(1));

/// Which motes were told, and when they may be told again. Only motes with a wanted role get in.
#[derive(Debug, Default)]
pub struct Enforcer {
    told: BTreeMap<Eui64, Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    again: Mono,
    wait: Duration,
}

impl Enforcer {
    /// A report of the mote's role. True when the wanted one is to be sent.
    pub fn handle_report(&mut self, now: Mono, mote: Eui64, wanted: bool, reported: bool) -> bool {
        if wanted == reported {
            self.told.remove(&mote);
            return false;
        }
        match self.told.get_mut(&mote) {
            Some(told) if now < told.again => false,
            Some(told) => {
                told.wait = (told.wait * 2).min(WAIT.1);
                told.again = now.after(told.wait);
                true
            }
            None => self.tell(now, mote),
        }
    }

    /// The mote has booted. True when the wanted role is to be sent.
    pub fn handle_boot(&mut self, now: Mono, mote: Eui64, wanted: bool) -> bool {
        wanted && self.tell(now, mote)
    }

    fn tell(&mut self, now: Mono, mote: Eui64) -> bool {
        self.told.insert(mote, Told { again: now.after(WAIT.0), wait: WAIT.0 });
        true
    }
}
