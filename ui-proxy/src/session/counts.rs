//! Event counts. Only keys that changed are said.

use std::collections::BTreeMap;

use mqtypes::count::Count;

use super::bounds::{self, Kept, MOST_COUNTS};
use super::pace::Pace;
use super::turn::Extent;

/// The newest number of every key.
#[derive(Debug, Default)]
pub struct Counts {
    /// By sender and signal.
    numbers: BTreeMap<(String, String), Number>,
    changed: usize,
    /// When changed counts may be said.
    pub pace: Pace,
}

#[derive(Debug)]
struct Number {
    num: u64,
    said: Option<u64>,
}

impl Number {
    fn is_news(&self) -> bool {
        self.said != Some(self.num)
    }
}

impl Counts {
    /// A count has changed.
    pub fn handle(&mut self, count: Count) -> Kept {
        let Count { sender, signal, num } = count;
        let has_room = self.numbers.len() < MOST_COUNTS && bounds::is_count_name(&sender) && bounds::is_count_name(&signal);
        match self.numbers.get_mut(&(sender.clone(), signal.clone())) {
            Some(number) => {
                let was_news = number.is_news();
                number.num = num;
                self.changed = self.changed + usize::from(number.is_news()) - usize::from(was_news);
            }
            None if has_room => {
                self.numbers.insert((sender, signal), Number { num, said: None });
                self.changed += 1;
            }
            None => return Kept::No,
        }
        Kept::Yes
    }

    /// Is there a change to say?
    pub fn has_news(&self) -> bool {
        self.changed > 0
    }

    /// All of them, or what changed since it was last said; it counts as said now.
    pub fn take(&mut self, extent: Extent) -> Vec<Count> {
        self.changed = 0;
        let wanted = self.numbers.iter_mut().filter(|(_, number)| extent == Extent::All || number.is_news());
        wanted
            .map(|((sender, signal), number)| {
                number.said = Some(number.num);
                Count { sender: sender.clone(), signal: signal.clone(), num: number.num }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(signal: &str, num: u64) -> Count {
        Count { sender: "mote_connector@a".to_owned(), signal: signal.to_owned(), num }
    }

    #[test]
    fn only_what_changed_since_it_was_said_is_said() {
        let mut counts = Counts::default();
        for (signal, num) in [("x", 1), ("y", 1), ("x", 2)] {
            assert_eq!(counts.handle(count(signal, num)), Kept::Yes);
        }
        assert_eq!(counts.take(Extent::Changes), [count("x", 2), count("y", 1)]);
        counts.handle(count("x", 2));
        assert!(!counts.has_news());
        counts.handle(count("y", 2));
        assert_eq!(counts.take(Extent::Changes), [count("y", 2)]);
        assert_eq!(counts.take(Extent::All), [count("x", 2), count("y", 2)]);
    }

    #[test]
    fn no_sender_grows_it_without_end() {
        let mut counts = Counts::default();
        for number in 0..MOST_COUNTS {
            assert_eq!(counts.handle(count(&number.to_string(), 1)), Kept::Yes);
        }
        assert_eq!(counts.handle(count("one more", 1)), Kept::No);
        assert_eq!(counts.handle(count("0", 2)), Kept::Yes);
        assert_eq!(Counts::default().handle(count(&"long".repeat(100), 1)), Kept::No);
    }
}
