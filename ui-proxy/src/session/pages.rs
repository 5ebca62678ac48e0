//! Cuts a set into pages, so that no message exceeds 32 KiB.

use crate::message::Part;

/// Room for the entries of one page, bytes. What is around them (type, number, time, part, the names of mote and port) stays
/// below 2 KiB.
pub const ROOM: usize = 30 * 1024;

/// Entries in pages, in order; one page at least. An entry that no page can hold is left out and counted.
pub fn split<T>(entries: impl IntoIterator<Item = T>, length: impl Fn(&T) -> usize) -> Pages<T> {
    split_into(ROOM, entries, length)
}

/// The same into pages with less room, because each page has something else too.
pub fn split_into<T>(room: usize, entries: impl IntoIterator<Item = T>, length: impl Fn(&T) -> usize) -> Pages<T> {
    let mut pages = vec![Vec::new()];
    let (mut used, mut left_out) = (0, 0);
    for entry in entries {
        // One byte for the comma.
        let needed = length(&entry) + 1;
        if needed > room {
            left_out += 1;
            continue;
        }
        if used + needed > room {
            pages.push(Vec::new());
            used = 0;
        }
        used += needed;
        pages.last_mut().expect("there is always a page").push(entry);
    }
    Pages { pages, left_out }
}

/// The pages of one set.
#[derive(Debug, PartialEq, Eq)]
pub struct Pages<T> {
    /// At least one.
    pub pages: Vec<Vec<T>>,
    /// Entries that are too long for any page.
    pub left_out: u64,
}

impl<T> Pages<T> {
    /// Every page with its number.
    pub fn numbered(self, snapshot: u64) -> impl Iterator<Item = (Part, Vec<T>)> {
        let of = self.pages.len();
        self.pages.into_iter().enumerate().map(move |(at, entries)| (Part { n: at + 1, of, snapshot }, entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_set_is_one_empty_page() {
        let pages = split(Vec::<usize>::new(), |length| *length);
        let numbered: Vec<_> = pages.numbered(7).collect();
        assert_eq!(numbered, [(Part { n: 1, of: 1, snapshot: 7 }, vec![])]);
    }

    proptest! {
        #[test]
        fn every_entry_is_on_a_page_or_counted_and_no_page_is_too_long(lengths in proptest::collection::vec(0_usize..40_000, 0..200)) {
            let pages = split(lengths.clone(), |length| *length);
            let fitting: Vec<_> = lengths.iter().copied().filter(|length| *length < ROOM).collect();
            prop_assert_eq!(pages.pages.concat(), fitting.clone());
            prop_assert_eq!(pages.left_out as usize, lengths.len() - fitting.len());
            for page in &pages.pages {
                prop_assert!(page.iter().map(|length| length + 1).sum::<usize>() <= ROOM);
            }
        }
    }
}
