//! `mq-inspect capture`: what comes up from the mesh, for Wireshark, live or out of a recording.
//!
//! What a packet looks like there is [`lowpan::capture`]'s business; here is where packets come from and where they go. A
//! reader that is slow or goes away loses packets and keeps nobody waiting.

mod file;
mod limit;
mod live;
mod offline;
mod options;
mod recorded;
mod sink;
mod wall_clock;

use bus::process::Failure;

use super::End;
use super::terminal::complain;

pub use options::CaptureOptions;

/// Runs it.
pub fn run(options: &CaptureOptions) -> Result<End, Failure> {
    match &options.from {
        Some(recording) => offline::run(options, recording),
        None => live::run(options),
    }
}

/// What came of a capture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    /// Written.
    packets: u64,
    /// Not written, because nobody read in time.
    passed_over: u64,
    /// Never complete.
    lost: u64,
}

impl Totals {
    /// Says it beside the capture itself.
    fn tell(self) {
        let Self { packets, passed_over, lost } = self;
        let written = if packets == 1 { "1 packet".to_owned() } else { format!("{packets} packets") };
        let unread = if passed_over == 0 { String::new() } else { format!("; {passed_over} more passed over, which nobody read in time") };
        let incomplete = if lost == 0 { String::new() } else { format!("; of {lost} a fragment was missing") };
        complain(&format!("{written}{unread}{incomplete}"));
    }
}
