//! `OpenMetrics` 1.0 as text: families with their help and unit, samples with their labels, and the end.
//!
//! It only writes, and what it is given becomes a right exposition whatever names and texts there are in it.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};

/// Longest value of a label, characters; what is longer is cut.
const LONGEST_VALUE: usize = 256;

/// What the numbers of a family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only grows, until whoever counts starts anew.
    Counter,
    /// Words about something, as labels; the number is 1.
    Info,
    /// Which one of several states; the label of the family's name has it.
    StateSet,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// What the names of samples have behind the family's.
    fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::StateSet => "",
        }
    }
}

/// Figures of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// What they are.
    pub kind: Kind,
    /// The name, without the suffix of its kind; with a unit it ends with that.
    pub name: &'static str,
    /// `seconds` or `bytes`; empty for plain numbers.
    pub unit: &'static str,
    /// What they tell.
    pub help: &'static str,
}

/// A label: its name, which is ours, and its value, which may be anybody's.
pub type Label<'a> = (&'a str, &'a str);

/// The text so far.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// A family, with all of its samples; of several with the same labels the first. Each family is written once.
    pub fn family<'a, N: fmt::Display>(&mut self, family: Family, samples: impl IntoIterator<Item = (Vec<Label<'a>>, N)>) {
        let Family { kind, name, unit, help } = family;
        let _ = writeln!(self.text, "# TYPE {name} {}", kind.name());
        if !unit.is_empty() {
            let _ = writeln!(self.text, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.text, "# HELP {name} {}", Escaped(help));
        // Names that differ only in what cannot be shown would make two samples of one.
        let mut told = BTreeSet::new();
        for (labels, number) in samples {
            let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", Escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            if told.contains(&labels) {
                continue;
            }
            let _ = writeln!(self.text, "{name}{}{labels} {number}", kind.suffix());
            told.insert(labels);
        }
    }

    /// The whole.
    pub fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

/// A text inside quotes or behind `HELP`. Control characters become `?`.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(LONGEST_VALUE) {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                control if control.is_control() => f.write_char('?')?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(family: Family, samples: Vec<(Vec<Label<'_>>, u64)>) -> String {
        let mut exposition = Exposition::default();
        exposition.family(family, samples);
        exposition.finish()
    }

    #[test]
    fn a_counter_has_its_suffix_in_samples_alone() {
        let family = Family { kind: Kind::Counter, name: "lbr_drops", unit: "", help: "What was lost." };
        assert_eq!(
            text(family, vec![(vec![("router", "roof"), ("reason", "gap")], u64::MAX), (vec![], 0)]),
            "# TYPE lbr_drops counter\n# HELP lbr_drops What was lost.\n\
             lbr_drops_total{router=\"roof\",reason=\"gap\"} 18446744073709551615\nlbr_drops_total 0\n# EOF\n"
        );
    }

    #[test]
    fn a_unit_is_told() {
        let family = Family { kind: Kind::Gauge, name: "lbr_age_seconds", unit: "seconds", help: "How old." };
        assert_eq!(
            text(family, vec![]),
            "# TYPE lbr_age_seconds gauge\n# UNIT lbr_age_seconds seconds\n# HELP lbr_age_seconds How old.\n# EOF\n"
        );
    }

    #[test]
    fn no_value_breaks_out_of_its_quotes() {
        let family = Family { kind: Kind::Gauge, name: "x", unit: "", help: "y" };
        let told = text(family, vec![(vec![("port", "a\"} 1\n# EOF\\\u{1b}\r")], 1)]);
        assert!(told.contains("x{port=\"a\\\"} 1\\n# EOF\\\\??\"} 1\n"), "{told}");
        let long = "ä".repeat(1000);
        assert!(text(family, vec![(vec![("port", &long)], 1)]).contains(&format!("\"{}\"", "ä".repeat(LONGEST_VALUE))));
    }
}
