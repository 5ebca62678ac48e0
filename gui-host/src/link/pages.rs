//! A full set (the inventory, the DODAG, the ports' figures) that comes in pages, put together again.
//!
//! It counts only when all its pages are there: a set with a page missing is forgotten as soon as a
//! page of another one comes. Bounded in pages, entries and bytes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::message::{Fault, Part};

/// Most motes of one router, and so most entries of a set, and most bytes of text about them.
pub const MAX_MOTES: usize = 4096;
const MAX_BYTES: usize = 4 << 20;

/// The pages of one set that are there so far.
#[derive(Debug, Default)]
pub struct SetPages {
    set: Option<(u32, String)>,
    pages: BTreeMap<u32, Vec<Box<RawValue>>>,
}

impl SetPages {
    /// Takes a page (or a whole set, without `part`); gives the full set when it is there.
    pub fn handle_page(&mut self, part: Option<&Part>, entries: &[&RawValue]) -> Result<Option<Vec<Box<RawValue>>>, Fault> {
        let set = part.map(|part| (part.of, part.snapshot.clone()));
        let number = part.map_or(0, |part| part.n);
        if self.set != set || self.pages.contains_key(&number) {
            self.pages.clear();
            self.set = set;
        }
        self.check_room(entries).inspect_err(|_| self.pages.clear())?;
        self.pages.insert(number, entries.iter().map(|&entry| entry.to_owned()).collect());
        let of = part.map_or(1, |part| part.of);
        if self.pages.len() < of as usize {
            return Ok(None);
        }
        let pages = std::mem::take(&mut self.pages);
        Ok(Some(pages.into_values().flatten().collect()))
    }

    fn check_room(&self, entries: &[&RawValue]) -> Result<(), Fault> {
        let kept = self.pages.values().flatten();
        let count = kept.clone().count() + entries.len();
        let bytes = kept.map(|entry| entry.get().len()).sum::<usize>() + entries.iter().map(|entry| entry.get().len()).sum::<usize>();
        if count > MAX_MOTES {
            return Err(Fault::TooMuch { what: "the number of entries in a set", max: MAX_MOTES });
        }
        if bytes > MAX_BYTES {
            return Err(Fault::TooMuch { what: "a set in bytes", max: MAX_BYTES });
        }
        // A page without entries costs nothing else to keep.
        if self.pages.len() >= MAX_MOTES {
            return Err(Fault::TooMuch { what: "the number of pages", max: MAX_MOTES });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(n: u32, of: u32, snapshot: &str) -> Part {
        Part { n, of, snapshot: snapshot.to_owned() }
    }

    fn page(pages: &mut SetPages, part: Option<&Part>, motes: &[&str]) -> Option<String> {
        let motes: Vec<&RawValue> = motes.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let whole = pages.handle_page(part, &motes).unwrap()?;
        Some(whole.iter().map(|mote| mote.get()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn pages_in_any_order_make_the_full_set_in_order() {
        let mut pages = SetPages::default();
        assert_eq!(page(&mut pages, Some(&part(2, 3, "4")), &["2"]), None);
        assert_eq!(page(&mut pages, Some(&part(1, 3, "4")), &["0", "1"]), None);
        let whole = page(&mut pages, Some(&part(3, 3, "4")), &["3"]);
        assert_eq!(whole.as_deref(), Some("0 1 2 3"));
    }

    #[test]
    fn pages_may_be_numbered_from_zero() {
        let mut pages = SetPages::default();
        assert_eq!(page(&mut pages, Some(&part(0, 2, "true")), &["0"]), None);
        let whole = page(&mut pages, Some(&part(1, 2, "true")), &["1"]);
        assert_eq!(whole.as_deref(), Some("0 1"));
    }

    #[test]
    fn a_set_with_a_missing_page_is_forgotten_when_another_begins() {
        let mut pages = SetPages::default();
        assert_eq!(page(&mut pages, Some(&part(1, 2, "1")), &["\"old\""]), None);
        assert_eq!(page(&mut pages, Some(&part(1, 2, "2")), &["1"]), None);
        assert_eq!(page(&mut pages, Some(&part(2, 2, "2")), &["2"]).as_deref(), Some("1 2"));
        assert_eq!(page(&mut pages, Some(&part(1, 2, "3")), &["\"old\""]), None);
        assert_eq!(page(&mut pages, Some(&part(1, 2, "3")), &["1"]), None);
        assert_eq!(page(&mut pages, Some(&part(2, 2, "3")), &["2"]).as_deref(), Some("1 2"));
        assert_eq!(page(&mut pages, Some(&part(1, 2, "4")), &["\"old\""]), None);
        assert_eq!(page(&mut pages, None, &["7"]).as_deref(), Some("7"));
    }

    #[test]
    fn more_motes_than_the_host_takes_are_a_fault_and_are_forgotten() {
        let mut pages = SetPages::default();
        let mote: &RawValue = serde_json::from_str("1").unwrap();
        let many = vec![mote; MAX_MOTES];
        assert!(pages.handle_page(Some(&part(1, 2, "1")), &many).unwrap().is_none());
        let fault = pages.handle_page(Some(&part(2, 2, "1")), &[mote]).unwrap_err();
        assert_eq!(fault.code(), "too-much");
        assert!(pages.pages.is_empty());
    }
}
