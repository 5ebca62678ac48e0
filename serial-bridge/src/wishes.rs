//! What ports somebody wants, and how: from what is said of them at the start, or whenever the configuration is read again.
//!
//! Pure: a name goes in, and out comes how a port of that name is to be opened, if at all. So that a port whose terms are the
//! same as before can be left alone.

use std::ffi::OsStr;
use std::path::Path;

use mqtypes::ids::PortName;

use crate::address::Address;
use crate::claims::Rank;
use crate::pattern::Pattern;
use crate::port::Way;
use crate::rates::Rates;
use crate::spec::{Modem, Place, Spec};

/// How a port is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How it is reached.
    pub way: Way,
    /// How it is opened.
    pub fairway: Fairway,
}

/// How a port is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fairway {
    /// By its node, with these modem lines.
    Node(Modem),
    /// By TCP.
    Tcp(Address),
}

/// Ports with one pattern for a name.
#[derive(Debug)]
pub struct Wish {
    /// The pattern.
    pub pattern: Pattern,
    /// What each of them is like.
    pub terms: Terms,
    /// They come behind those with a name of their own.
    pub rank: Rank,
    /// How many there are.
    pub found: usize,
}

/// A port that is wanted by its name.
#[derive(Debug)]
pub struct Named {
    /// Its name.
    pub name: PortName,
    /// What it is like.
    pub terms: Terms,
    /// The first one comes first.
    pub rank: Rank,
}

/// Who wants a port of this name.
#[derive(Debug)]
pub enum Answer<'a> {
    /// It is named itself.
    Named(&'a Named),
    /// This pattern matches it.
    Matched(&'a mut Wish),
    /// Nobody.
    Nobody,
}

/// All that is wanted.
#[derive(Debug, Default)]
pub struct Wishes {
    /// By name.
    pub named: Vec<Named>,
    /// By pattern.
    pub patterns: Vec<Wish>,
}

impl Wishes {
    /// From what is said of each port. Those that name no rate have this one; patterns come behind `most` names.
    pub fn new(specs: &[Spec], rates: &Rates, most: usize) -> Self {
        let mut wishes = Self::default();
        for (index, spec) in specs.iter().enumerate() {
            let way = Way::Node(spec.rates.as_ref().unwrap_or(rates).clone());
            let node = Terms { way, fairway: Fairway::Node(spec.modem) };
            match &spec.place {
                Place::Device(name) => wishes.named.push(Named { name: name.clone(), terms: node, rank: Rank(index) }),
                Place::Tcp(name, address) => {
                    let terms = Terms { way: Way::Tcp, fairway: Fairway::Tcp(address.clone()) };
                    wishes.named.push(Named { name: name.clone(), terms, rank: Rank(index) });
                }
                Place::Pattern(pattern) => {
                    wishes.patterns.push(Wish { pattern: pattern.clone(), terms: node, rank: Rank(most + index), found: 0 });
                }
            }
        }
        wishes
    }

    /// One of those with a name.
    pub fn named(&self, at: usize) -> (PortName, Terms, Rank) {
        let Named { name, terms, rank } = &self.named[at];
        (name.clone(), terms.clone(), *rank)
    }

    /// Who wants a port of this name: itself before a pattern, and a pattern before those behind it.
    pub fn ask(&mut self, name: &PortName) -> Answer<'_> {
        if let Some(named) = self.named.iter().find(|named| named.name == *name) {
            return Answer::Named(named);
        }
        let matching = self.patterns.iter_mut().find(|wish| wish.has(name));
        matching.map_or(Answer::Nobody, Answer::Matched)
    }
}

impl Wish {
    /// Does the pattern mean this path?
    fn has(&self, name: &PortName) -> bool {
        let path = Path::new(&name.0);
        let directory = path.parent().unwrap_or(Path::new(""));
        directory == self.pattern.directory() && self.pattern.is_match(path.file_name().unwrap_or(OsStr::new("")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(specs: &[&str]) -> Wishes {
        let specs: Vec<Spec> = specs.iter().map(|spec| spec.parse().expect(spec)).collect();
        Wishes::new(&specs, &Rates::fixed(115_200), 100)
    }

    fn asked(specs: &[&str], name: &str) -> Option<(Terms, Rank)> {
        match wishes(specs).ask(&PortName(name.to_owned())) {
            Answer::Named(named) => Some((named.terms.clone(), named.rank)),
            Answer::Matched(wish) => Some((wish.terms.clone(), wish.rank)),
            Answer::Nobody => None,
        }
    }

    #[test]
    fn a_name_of_its_own_comes_before_a_pattern() {
        let specs = ["/dev/tty*,baud=9600", "/dev/ttyUSB0,baud=500000"];
        let node = |rate| Terms { way: Way::Node(Rates::fixed(rate)), fairway: Fairway::Node(Modem::default()) };
        assert_eq!(asked(&specs, "/dev/ttyUSB0"), Some((node(500_000), Rank(1))));
        assert_eq!(asked(&specs, "/dev/ttyUSB1"), Some((node(9_600), Rank(100))));
        assert_eq!(asked(&specs, "/dev/serial/ttyUSB1"), None);
        assert_eq!(asked(&specs, "tcp://m3-1:20000"), None);
    }

    #[test]
    fn terms_differ_when_a_rate_or_a_modem_line_does() {
        let terms = |spec: &str| asked(&[spec], "/dev/a").expect("wanted").0;
        assert_eq!(terms("/dev/a"), terms("/dev/a,baud=115200"));
        assert_ne!(terms("/dev/a"), terms("/dev/a,baud=500000"));
        assert_ne!(terms("/dev/a"), terms("/dev/a,dtr=off"));
    }

    #[test]
    fn a_pattern_without_a_directory_means_where_we_are() {
        assert!(asked(&["tty*"], "./tty1").is_some());
    }
}
