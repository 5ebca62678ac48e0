//! The only reading of the clocks; everything else is told what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mqtypes::mono::Mono;
use nix::time::{ClockId, clock_gettime};

/// Microseconds of `CLOCK_MONOTONIC`, the same in every process of the machine.
pub fn now() -> Mono {
    Mono(micros(read(ClockId::CLOCK_MONOTONIC)))
}

/// Processor time this process has used, user and system.
pub fn cpu_time() -> Duration {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// Unix time, in milliseconds, for what people and other machines read.
pub fn unix_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map(Duration::from).expect("Linux has had both clocks since 2.6.12")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
