//! What a file gives to one process: its keys are known, and their values are of the right type.
//!
//! Keys of other processes are looked at too, so that a slip is told by whoever reads the file first; their values are not.

use super::document::{Document, Entry, Path, Value, What, place};
use super::fault::{Fault, shorten};
use super::keys::{Key, Kind, Section, unknown_key, unknown_section};

/// A key of the process, and what the file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The key.
    pub key: &'static Key,
    /// One value, or for a list as many as are in it.
    pub values: Vec<GivenValue>,
}

/// One value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenValue {
    /// As it would stand behind the flag.
    pub text: String,
    /// Where it stands.
    pub line: usize,
    /// As it is written, or the beginning of that.
    pub shown: String,
}

/// Looks through a file for the process of this section.
pub fn look_through(document: &Document, own: Section) -> (Vec<Given>, Vec<Fault>) {
    let (mut given, mut faults) = (Vec::new(), Vec::new());
    for (path, line) in &document.heads {
        faults.extend(check_head(path, *line));
    }
    for entry in &document.entries {
        match known(entry, &document.heads) {
            Ok(Some(key)) if key.section == Section::Top || key.section == own => match values(key, entry) {
                Ok(values) => given.push(Given { key, values }),
                Err(wrong) => faults.extend(wrong),
            },
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
    }
    (given, faults)
}

fn check_head(path: &[String], line: usize) -> Option<Fault> {
    let place = format!("[{}]", shorten(&path.join(".")));
    match path {
        [name] => Section::named(name).is_none().then(|| Fault::new(line, place, unknown_section(name))),
        [section, rest @ ..] if Section::named(section).is_some() => {
            Some(Fault::new(line, place, format!("[{section}] has no sections in it: {}", unknown_key_of(section, rest))))
        }
        [name, ..] => Some(Fault::new(line, place, unknown_section(name))),
        [] => None,
    }
}

fn unknown_key_of(section: &str, rest: &[String]) -> String {
    Section::named(section).map(|section| unknown_key(section, &rest.join("."))).unwrap_or_default()
}

/// The key of an entry. What stands below a head that does not exist is not asked about: that is told at the head.
fn known(entry: &Entry, heads: &[(Path, usize)]) -> Result<Option<&'static Key>, Fault> {
    let fault = |what| Fault::new(entry.line, shorten(&place(&entry.path)), what);
    let (section, name) = match entry.path.as_slice() {
        [] => return Ok(None),
        [name] if Section::named(name).is_some() => return Err(fault(format!("this is a section: write [{name}], and its keys below"))),
        [name] => (Section::Top, name.clone()),
        [head, rest @ ..] => match Section::named(head) {
            Some(section) => (section, rest.join(".")),
            None if heads.iter().any(|(path, _)| path.first() == Some(head)) => return Ok(None),
            None => return Err(fault(unknown_section(head))),
        },
    };
    section.key(&name).map(Some).ok_or_else(|| fault(unknown_key(section, &name)))
}

fn values(key: &'static Key, entry: &Entry) -> Result<Vec<GivenValue>, Vec<Fault>> {
    let (values, kind) = match (&entry.value.what, key.kind) {
        (What::List(items), Kind::Texts) => (items.as_slice(), Kind::Text),
        (What::List(_) | What::Text(_) | What::Number(_) | What::Other, kind) => (std::slice::from_ref(&entry.value), kind),
    };
    let fault = |value: &Value| Fault::new(value.line, format!("{} = {}", key.place(), value.shown), expectation(key));
    let faults: Vec<_> = values.iter().filter(|value| text_of(value, kind).is_none()).map(fault).collect();
    if faults.is_empty() { Ok(values.iter().filter_map(|value| text_of(value, kind)).collect()) } else { Err(faults) }
}

fn text_of(value: &Value, kind: Kind) -> Option<GivenValue> {
    let text = match (&value.what, kind) {
        (What::Text(text), Kind::Text | Kind::TextOrNumber) => text.clone(),
        (What::Number(number), Kind::Number | Kind::TextOrNumber) => number.to_string(),
        (What::Text(_) | What::Number(_) | What::List(_) | What::Other, _) => return None,
    };
    Some(GivenValue { text, line: value.line, shown: value.shown.clone() })
}

fn expectation(key: &Key) -> String {
    let what = match key.kind {
        Kind::Text => "a text in quotation marks",
        Kind::Number => "a whole number without quotation marks",
        Kind::TextOrNumber => "a whole number, or a text in quotation marks,",
        Kind::Texts => "a list of texts in quotation marks",
    };
    format!("{what} is expected: write it as in {} = {}", key.name, key.example)
}
