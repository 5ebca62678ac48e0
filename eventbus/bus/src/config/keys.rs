//! Every key of the file, and where it stands: what a flag is called, a key is called too.
//!
//! A process checks the keys of all sections, and the values of its own. That this table and the flags of the processes are
//! the same is tested where the flags are, by [`differences`].

use std::collections::BTreeSet;

use clap::{Arg, Command};

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Before the first section: what several processes take.
    Top,
    /// What `serial-bridge` takes.
    SerialBridge,
    /// What `eventbus` takes.
    Eventbus,
    /// What `ui-proxy` takes.
    UiProxy,
}

/// What stands behind the `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text in quotation marks.
    Text,
    /// A whole number.
    Number,
    /// Either.
    TextOrNumber,
    /// A list of texts: a flag that may be given several times.
    Texts,
}

/// When another value has its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// When the file is read again.
    Reload,
    /// When the process starts again.
    Start,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub section: Section,
    /// Its name, and that of the flag.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// When another value has its effect.
    pub effect: Effect,
    /// A value that is right, as it is written.
    pub example: &'static str,
}

/// All keys.
pub const KEYS: &[Key] = &[
    key(Section::Top, "instance", Kind::Text, Effect::Start, "\"lbr\""),
    key(Section::Top, "log-level", Kind::Text, Effect::Reload, "\"info\""),
    key(Section::Top, "state-dir", Kind::Text, Effect::Start, "\"/var/lib/lbr\""),
    key(Section::Top, "run-dir", Kind::Text, Effect::Start, "\"/run/lbr\""),
    key(Section::SerialBridge, "port", Kind::Texts, Effect::Reload, "[\"/dev/ttyUSB0\"]"),
    key(Section::SerialBridge, "baud", Kind::TextOrNumber, Effect::Reload, "115200"),
    key(Section::Eventbus, "prefix", Kind::Text, Effect::Start, "\"bbbb::\""),
    key(Section::UiProxy, "url", Kind::Text, Effect::Reload, "\"ws://localhost:8000/lbr\""),
    key(Section::UiProxy, "key-file", Kind::Text, Effect::Reload, "\"/var/lib/lbr/ui.key\""),
    key(Section::UiProxy, "auth", Kind::Text, Effect::Reload, "\"key\""),
    key(Section::UiProxy, "id", Kind::Text, Effect::Start, "\"router-1\""),
    key(Section::UiProxy, "name", Kind::Text, Effect::Reload, "\"greenhouse\""),
    key(Section::UiProxy, "retry-for", Kind::Number, Effect::Reload, "60"),
    key(Section::UiProxy, "ssh-port", Kind::Number, Effect::Reload, "22"),
];

/// The sections that have a name.
pub const NAMED: [Section; 3] = [Section::SerialBridge, Section::Eventbus, Section::UiProxy];

const fn key(section: Section, name: &'static str, kind: Kind, effect: Effect, example: &'static str) -> Key {
    Key { section, name, kind, effect, example }
}

impl Section {
    /// The section of this name.
    pub fn named(name: &str) -> Option<Self> {
        NAMED.into_iter().find(|section| section.name() == name)
    }

    /// Its name; the top has none.
    pub fn name(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::SerialBridge => "serial-bridge",
            Self::Eventbus => "eventbus",
            Self::UiProxy => "ui-proxy",
        }
    }

    /// Its keys.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        KEYS.iter().filter(move |key| key.section == self)
    }

    /// The key of this name in it.
    pub fn key(self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// What it is called in a sentence.
    pub fn words(self) -> String {
        match self {
            Self::Top => "the top of the file".to_owned(),
            Self::SerialBridge | Self::Eventbus | Self::UiProxy => format!("[{}]", self.name()),
        }
    }
}

impl Key {
    /// The key as a person finds it in the file.
    pub fn place(&self) -> String {
        match self.section {
            Section::Top => self.name.to_owned(),
            Section::SerialBridge | Section::Eventbus | Section::UiProxy => format!("[{}] {}", self.section.name(), self.name),
        }
    }
}

/// Flags that no file can have: they say which file, or what to do instead of running.
const NO_KEYS: [&str; 2] = ["config", "check-config"];

/// How the flags of a process differ from the table, and from those that are for nothing but the command line. For its tests:
/// this shall be nothing.
pub fn differences(command: &Command, own: Section, without_keys: &[&str]) -> Vec<String> {
    let flags: BTreeSet<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
    let keys: BTreeSet<&str> = own.keys().map(|key| key.name).collect();
    let known = |flag: &str| Section::Top.key(flag).is_some() || NO_KEYS.contains(&flag) || without_keys.contains(&flag);
    let only_flags = flags.difference(&keys).filter(|flag| !known(flag)).map(|flag| format!("--{flag} is no key"));
    only_flags.chain(keys.difference(&flags).map(|key| format!("{key} is no flag"))).collect()
}

/// What to say of a key that does not exist in this section.
pub fn unknown_key(section: Section, name: &str) -> String {
    let is_here = |key: &Key| key.section == section;
    if let Some(elsewhere) = KEYS.iter().find(|key| key.name == name && !is_here(key)) {
        return format!("this key belongs to {}: write it there", elsewhere.section.words());
    }
    // Of two that are equally near, the one of this section.
    let nearest = KEYS.iter().map(|key| (distance(name, key.name), !is_here(key), key)).min_by_key(|(far, away, _)| (*far, *away));
    match nearest {
        Some((far, false, key)) if is_near(far, name) => format!("there is no such key: did you mean `{}`?", key.name),
        Some((far, true, key)) if is_near(far, name) => {
            format!("there is no such key: did you mean `{}` of {}?", key.name, key.section.words())
        }
        Some(_) | None => format!("there is no such key: those of {} are {}", section.words(), listed(section.keys().map(|key| key.name))),
    }
}

/// What to say of a section that does not exist.
pub fn unknown_section(name: &str) -> String {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return format!("this is a key, not a section: write {} = {} in {}", key.name, key.example, key.section.words());
    }
    let nearest = NAMED.into_iter().map(|section| (distance(name, section.name()), section)).min();
    match nearest {
        Some((far, section)) if is_near(far, name) => format!("there is no such section: did you mean {}?", section.words()),
        Some(_) | None => {
            format!("there is no such section: there are {}", listed(NAMED.iter().map(|section| section.words())))
        }
    }
}

fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.map(|name| name.as_ref().to_owned()).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}

/// A slip of the finger, or a synonym with the same stem.
fn is_near(far: usize, name: &str) -> bool {
    far <= (name.chars().count() / 2).max(1)
}

/// Levenshtein's: letters to be put in, left out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, one) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (at, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(one != *other);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_the_number_of_slips() {
        assert_eq!([distance("", "abc"), distance("baud", "baud"), distance("bauds", "baud"), distance("prot", "port")], [3, 0, 1, 2]);
    }

    #[test]
    fn a_key_that_does_not_exist_is_told_with_the_nearest_one() {
        for (section, name, words) in [
            (Section::UiProxy, "retry_for", "did you mean `retry-for`?"),
            (Section::UiProxy, "Url", "did you mean `url`?"),
            (Section::SerialBridge, "ports", "did you mean `port`?"),
            (Section::Top, "loglevel", "did you mean `log-level`?"),
            (Section::Top, "prot", "did you mean `port` of [serial-bridge]?"),
            (Section::Top, "url", "belongs to [ui-proxy]"),
            (Section::UiProxy, "instance", "belongs to the top of the file"),
            (Section::SerialBridge, "colour-of-the-case", "those of [serial-bridge] are port and baud"),
        ] {
            let said = unknown_key(section, name);
            assert!(said.contains(words), "{name}: {said}");
        }
    }

    #[test]
    fn a_section_that_does_not_exist_is_told_with_the_nearest_one() {
        assert!(unknown_section("serial_bridge").contains("did you mean [serial-bridge]?"));
        assert!(unknown_section("port").contains("port = [\"/dev/ttyUSB0\"] in [serial-bridge]"));
        assert!(unknown_section("x").contains("[serial-bridge], [eventbus] and [ui-proxy]"));
    }

    #[test]
    fn a_name_stands_once_in_the_table() {
        let mut names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
    }
}
