//! Names of files for recorded ports, whose names are paths of another machine and may be anything.

use std::collections::BTreeSet;

/// The longest name: file systems take 255 bytes.
const LONGEST: usize = 100;

/// A name for each port, all different: the last part of its path, or all of it where that is another's too.
pub fn files<'a>(ports: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let last = |port: &'a str| port.rsplit('/').next().unwrap_or(port);
    let of_all: Vec<_> = ports.clone().map(|port| plain(last(port))).collect();
    let name = |port: &'a str| {
        let short = plain(last(port));
        let is_anothers = of_all.iter().filter(|each| **each == short).count() > 1;
        let wanted = if is_anothers { plain(port.trim_start_matches('/')) } else { short };
        let other = (2..).map(|number: u32| format!("{wanted}-{number}"));
        let free = std::iter::once(wanted.clone()).chain(other).find(|name| !taken.contains(name)).expect("numbers do not end");
        taken.insert(free.clone());
        free
    };
    ports.map(name).collect()
}

/// A text as the name of a file that stays in its directory and is not hidden.
fn plain(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let name: String = text.chars().take(LONGEST).map(|character| if is_plain(character) { character } else { '_' }).collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => "port".to_owned(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(ports: &[&str], expected: &[&str]) {
        assert_eq!(files(ports.iter().copied()), expected);
    }

    #[test]
    fn a_port_has_the_last_part_of_its_name_unless_that_is_anothers_too() {
        check(&["/dev/ttyUSB0", "mote1", "tcp://host:5000"], &["ttyUSB0", "mote1", "host_5000"]);
        check(&["/run/a/mote1", "/run/b/mote1", "c"], &["run_a_mote1", "run_b_mote1", "c"]);
        check(&["a:b", "a?b", "a_b"], &["a_b", "a_b-2", "a_b-3"]);
        check(&["..", "", "/dev/", "\n"], &["_.", "port", "dev_", "_"]);
    }

    proptest! {
        #[test]
        fn names_stay_in_their_directory_and_differ(ports in prop::collection::vec("(\\PC|[/.\n]){0,6}", 0..12)) {
            let names = files(ports.iter().map(String::as_str));
            prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), ports.len());
            prop_assert!(names.iter().all(|name| !name.is_empty() && !name.starts_with('.') && !name.contains('/') && name.is_ascii()));
        }
    }
}
