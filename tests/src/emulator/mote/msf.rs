//! How much a mote uses its negotiated cells (MSF, RFC 9033, section 5.1): counted in windows, told at the end of each.

use std::time::Duration;

use mqtypes::mono::Mono;
use mqtypes::status::Msf;

use super::slots::SLOTFRAME_TIME;

/// Cells in a window (`MAX_NUMCELLS`): there is one in each slotframe.
const WINDOW: u8 = 32;

/// How long a window is for one cell. Those of several cells are shorter, and are told as their average.
const WINDOW_TIME: Duration = SLOTFRAME_TIME.saturating_mul(WINDOW as u32);

/// The counters of this window, and what came out of the last one.
#[derive(Debug)]
pub(super) struct Usage {
    sent: u16,
    heard: u16,
    last: Msf,
    /// When the window ends; none while there is no negotiated cell.
    ends: Option<Mono>,
}

impl Usage {
    /// After a boot.
    pub fn new() -> Self {
        Self { sent: 0, heard: 0, last: Msf { num_cells_used_tx: 0, num_cells_used_rx: 0 }, ends: None }
    }

    /// There is a negotiated cell.
    pub fn start(&mut self, now: Mono) {
        self.ends.get_or_insert(now.after(WINDOW_TIME));
    }

    /// A frame went out in a negotiated cell.
    pub fn sent(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// A frame came in in one.
    pub fn heard(&mut self) {
        self.heard = self.heard.saturating_add(1);
    }

    /// What the last window had.
    pub fn last(&self) -> Msf {
        self.last
    }

    /// When [`Self::end_window`] is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.ends
    }

    /// The next window begins; tells what this one had, there being so many cells out and in.
    pub fn end_window(&mut self, now: Mono, [out, inward]: [u8; 2]) -> Msf {
        let used = |frames: u16, cells: u8| (frames / u16::from(cells.max(1))).min(WINDOW.into()) as u8;
        self.last = Msf { num_cells_used_tx: used(self.sent, out), num_cells_used_rx: used(self.heard, inward) };
        (self.sent, self.heard) = (0, 0);
        self.ends = Some(now.after(WINDOW_TIME));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_told_when_it_is_over_and_never_more_than_its_cells() {
        let mut usage = Usage::new();
        assert_eq!(usage.poll_timeout(), None);
        usage.start(Mono(0));
        usage.start(Mono(5));
        (0..40).for_each(|_| usage.sent());
        (0..21).for_each(|_| usage.heard());
        assert_eq!((usage.last().num_cells_used_tx, usage.poll_timeout()), (0, Some(Mono(32_320_000))));
        assert_eq!(usage.end_window(Mono(32_320_000), [1, 3]), Msf { num_cells_used_tx: 32, num_cells_used_rx: 7 });
        assert_eq!(usage.end_window(Mono(64_640_000), [0, 3]), Msf { num_cells_used_tx: 0, num_cells_used_rx: 0 });
    }
}
