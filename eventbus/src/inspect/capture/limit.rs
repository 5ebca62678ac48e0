//! When a capture is large enough: by packets, by bytes, by time, or never.

use std::time::Duration;

use mqtypes::mono::Mono;

use super::CaptureOptions;

/// How much may still be captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    packets: u64,
    bytes: u64,
    until: Option<Mono>,
}

/// Is there room for a packet?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Room {
    /// There was, and it is taken.
    Taken,
    /// There is none, and will be none.
    None,
}

impl Limit {
    /// It is never enough.
    pub const ENDLESS: Self = Self { packets: u64::MAX, bytes: u64::MAX, until: None };

    /// As the command line has it.
    pub fn new(now: Mono, options: &CaptureOptions) -> Self {
        let until = options.seconds.map(|seconds| now.after(Duration::from_secs(seconds.into())));
        let Self { packets, bytes, .. } = Self::ENDLESS;
        Self { packets: options.count.unwrap_or(packets), bytes: options.max_bytes.unwrap_or(bytes), until }
    }

    /// Bytes that are there without a packet.
    pub fn take_bytes(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }

    /// A packet that needs so many bytes.
    pub fn take_packet(&mut self, bytes: usize) -> Room {
        match self.bytes.checked_sub(bytes as u64) {
            Some(rest) if self.packets > 0 => {
                self.packets -= 1;
                self.bytes = rest;
                Room::Taken
            }
            Some(_) | None => {
                self.packets = 0;
                Room::None
            }
        }
    }

    /// Are there all packets that there may be?
    pub fn is_full(&self) -> bool {
        self.packets == 0
    }

    /// Is its time over?
    pub fn is_over(&self, now: Mono) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// When it will be enough by time.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_enough_by_packets_by_bytes_or_by_time() {
        let endless = Limit::ENDLESS;
        assert!(!endless.is_full() && !endless.is_over(Mono(u64::MAX)));
        let mut two = Limit { packets: 2, ..endless };
        assert_eq!([(); 3].map(|()| two.take_packet(9)), [Room::Taken, Room::Taken, Room::None]);
        assert!(two.is_full());
        let mut hundred = Limit { bytes: 100, ..endless };
        hundred.take_bytes(30);
        assert_eq!((hundred.take_packet(70), hundred.is_full()), (Room::Taken, false));
        assert_eq!((hundred.take_packet(1), hundred.is_full()), (Room::None, true));
        let timed = Limit { until: Some(Mono(7)), ..endless };
        assert_eq!((timed.is_over(Mono(6)), timed.is_over(Mono(7))), (false, true));
    }
}
