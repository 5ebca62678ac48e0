//! Fragments put together again, with virtual time and within bounds.
//!
//! A root passes every fragment on as it is. They come in any order, seconds apart, and those of several packets mixed;
//! senders choose their tags alone, so that the previous hop belongs to a packet's name. What is not complete in time is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::mono::Mono;

use crate::{Fragment, Link, LowpanError};

/// So many packets can be waited for at once, of 2,047 bytes each; then the one that began first is given up.
pub const MOST_PENDING: usize = 16;

/// How long all fragments of a packet may take (RFC 4944, section 5.3), as in the firmware.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Fragments begin at multiples of so many bytes.
const UNIT: usize = 8;

/// Packets of which some fragments have come.
#[derive(Debug, Default)]
pub struct Reassembly {
    pending: BTreeMap<Name, Pending>,
    lost: u64,
}

/// What tells a packet from all others on their way.
type Name = (Link, u16, u16);

#[derive(Debug)]
struct Pending {
    began: Mono,
    bytes: Vec<u8>,
    /// Which units have come.
    has: Vec<bool>,
}

impl Reassembly {
    /// A fragment came over this link. Tells the packet when it was the last one missing.
    pub fn handle_fragment(&mut self, now: Mono, link: Link, fragment: &Fragment<'_>) -> Result<Option<Vec<u8>>, LowpanError> {
        self.handle_timeout(now);
        let place = place(fragment)?;
        let name = (link, fragment.tag, fragment.size);
        if self.pending.get(&name).is_some_and(|pending| pending.contradicts(place.start, fragment.payload)) {
            // The sender has used the tag again (RFC 4944, section 5.3).
            self.give_up(name);
        }
        if !self.pending.contains_key(&name) && self.pending.len() == MOST_PENDING {
            self.give_up_the_oldest();
        }
        let pending = self.pending.entry(name).or_insert_with(|| Pending::new(now, usize::from(fragment.size)));
        pending.take(place.start, fragment.payload);
        let is_whole = pending.has.iter().all(|has| *has);
        Ok(if is_whole { self.pending.remove(&name).map(|pending| pending.bytes) } else { None })
    }

    /// Gives up what is not complete in time.
    pub fn handle_timeout(&mut self, now: Mono) {
        let before = self.pending.len();
        self.pending.retain(|_, pending| now < pending.began.after(PATIENCE));
        self.lost += (before - self.pending.len()) as u64;
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.pending.values().map(|pending| pending.began.after(PATIENCE)).min()
    }

    /// Packets that were given up since this was last asked.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn give_up_the_oldest(&mut self) {
        if let Some(name) = self.pending.iter().min_by_key(|(_, pending)| pending.began).map(|(name, _)| *name) {
            self.give_up(name);
        }
    }

    fn give_up(&mut self, name: Name) {
        self.pending.remove(&name);
        self.lost += 1;
    }
}

impl Pending {
    fn new(began: Mono, size: usize) -> Self {
        Self { began, bytes: vec![0; size], has: vec![false; size.div_ceil(UNIT)] }
    }

    /// Has another fragment brought other bytes for the same place?
    fn contradicts(&self, start: usize, payload: &[u8]) -> bool {
        let known = self.bytes[start..].chunks(UNIT).zip(&self.has[start / UNIT..]);
        known.zip(payload.chunks(UNIT)).any(|((known, has), brought)| *has && known[..brought.len()] != *brought)
    }

    fn take(&mut self, start: usize, payload: &[u8]) {
        self.bytes[start..start + payload.len()].copy_from_slice(payload);
        self.has[start / UNIT..][..payload.len().div_ceil(UNIT)].fill(true);
    }
}

/// Where a fragment belongs. It lies within its packet, and fills its units but for the packet's last one.
fn place(fragment: &Fragment<'_>) -> Result<std::ops::Range<usize>, LowpanError> {
    let (start, length) = (usize::from(fragment.offset), fragment.payload.len());
    let end = start + length;
    let is_last = end == usize::from(fragment.size);
    let fits = end <= usize::from(fragment.size) && start.is_multiple_of(UNIT) && (is_last || length.is_multiple_of(UNIT));
    if length == 0 || !fits {
        return Err(LowpanError::BadFragment { size: fragment.size, offset: fragment.offset, length });
    }
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragments;
    use mqtypes::ids::Eui64;

    fn link(from: u8) -> Link {
        Link { source: Eui64([from; 8]), destination: Eui64([1; 8]) }
    }

    fn feed(reassembly: &mut Reassembly, at: u64, from: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let fragment = Fragment::parse(bytes).expect("well formed").expect("a fragment");
        reassembly.handle_fragment(Mono(at * 1_000_000), link(from), &fragment).expect("it fits")
    }

    #[test]
    fn fragments_come_together_in_any_order_and_twice() {
        let packet: Vec<u8> = (0..217).collect();
        let sent = fragments(&packet, 7);
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut reassembly = Reassembly::default();
            let [first, second, last] = order;
            assert_eq!(feed(&mut reassembly, 0, 2, &sent[first]), None);
            assert_eq!(feed(&mut reassembly, 20, 2, &sent[second]), None);
            assert_eq!(feed(&mut reassembly, 21, 2, &sent[second]), None);
            assert_eq!(feed(&mut reassembly, 40, 2, &sent[last]), Some(packet.clone()));
            assert_eq!((reassembly.poll_timeout(), reassembly.take_lost()), (None, 0));
        }
    }

    #[test]
    fn two_motes_with_the_same_tag_are_not_mixed() {
        let (one, other) = (vec![1; 100], vec![2; 100]);
        let [one_sent, other_sent] = [&one, &other].map(|packet| fragments(packet, 7));
        let mut reassembly = Reassembly::default();
        assert_eq!(feed(&mut reassembly, 0, 2, &one_sent[0]), None);
        assert_eq!(feed(&mut reassembly, 0, 3, &other_sent[1]), None);
        assert_eq!(feed(&mut reassembly, 0, 2, &one_sent[1]), Some(one));
        assert_eq!(feed(&mut reassembly, 0, 3, &other_sent[0]), Some(other));
    }

    #[test]
    fn a_packet_that_is_not_complete_in_time_is_lost_and_told() {
        let sent = fragments(&[5; 100], 7);
        let mut reassembly = Reassembly::default();
        feed(&mut reassembly, 10, 2, &sent[0]);
        assert_eq!(reassembly.poll_timeout(), Some(Mono(10_000_000).after(PATIENCE)));
        reassembly.handle_timeout(Mono(69_999_999));
        assert_eq!(reassembly.take_lost(), 0);
        reassembly.handle_timeout(Mono(70_000_000));
        assert_eq!((reassembly.poll_timeout(), reassembly.take_lost()), (None, 1));
        assert_eq!(feed(&mut reassembly, 70, 2, &sent[1]), None);
    }

    #[test]
    fn a_tag_that_is_used_again_begins_anew() {
        let [old, new] = [[1; 100], [2; 100]].map(|packet| fragments(&packet, 7));
        let mut reassembly = Reassembly::default();
        feed(&mut reassembly, 0, 2, &old[0]);
        feed(&mut reassembly, 5, 2, &new[0]);
        assert_eq!(feed(&mut reassembly, 6, 2, &new[1]), Some(vec![2; 100]));
        assert_eq!(reassembly.take_lost(), 1);
    }

    #[test]
    fn endless_beginnings_do_not_grow_it() {
        let mut reassembly = Reassembly::default();
        for tag in 0..1000 {
            feed(&mut reassembly, u64::from(tag) / 100, 2, &fragments(&[0; 2000], tag)[0]);
        }
        assert_eq!((reassembly.pending.len(), reassembly.take_lost()), (MOST_PENDING, 1000 - MOST_PENDING as u64));
    }

    #[test]
    fn a_fragment_that_does_not_fit_is_refused() {
        let mut reassembly = Reassembly::default();
        for (size, offset, length) in [(100, 80, 21), (100, 0, 79), (100, 104, 8), (100, 80, 0), (0, 0, 0), (0, 0, 8), (100, 4, 8)] {
            let payload = vec![0; length];
            let refused = reassembly.handle_fragment(Mono(0), link(2), &Fragment { size, tag: 1, offset, payload: &payload });
            assert_eq!(refused, Err(LowpanError::BadFragment { size, offset, length }));
        }
        assert_eq!(reassembly.poll_timeout(), None);
    }
}
