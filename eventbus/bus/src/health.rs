//! A process's own figures.

use mqtypes::health::{Dropped, ProcessHealth};

use crate::clock;
use crate::process::Identity;

/// Reads them now. `inbox` is how many messages wait and how many it holds.
pub fn measure(identity: &Identity, inbox: (u32, u32), dropped: Vec<Dropped>) -> ProcessHealth {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    ProcessHealth {
        process: identity.sender,
        pid: std::process::id(),
        uptime_ms: millis(clock::now().since(identity.started)),
        rss_kib: std::fs::read_to_string("/proc/self/status").ok().and_then(|status| rss_in(&status)).unwrap_or(0),
        cpu_ms: millis(clock::cpu_time()),
        inbox_depth: inbox.0,
        inbox_max: inbox.1,
        dropped,
    }
}

/// The line is `VmRSS:` and a number in kB.
fn rss_in(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::envelope::Sender;

    #[test]
    fn resident_memory_is_read_from_the_kernels_own_words() {
        assert_eq!(rss_in("Name:\tx\nVmRSS:\t    1234 kB\n"), Some(1234));
        assert_eq!(rss_in("Name:\tx\n"), None);
    }

    #[test]
    fn a_process_sees_itself() {
        let health = measure(&Identity::new(Sender::Tool), (1, 10), Vec::new());
        assert_eq!((health.pid, health.inbox_max), (std::process::id(), 10));
        assert!(health.rss_kib > 0);
    }
}
