//! One status element of a mote, whole, however its rows arrived.
//!
//! An element is the text that the router sent. A table (an element with `rows`) comes row by row;
//! rows are kept by number, either as an array of objects that bear `row`, or as an object keyed
//! by number, and are given back the way they came.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use crate::link::message::Fault;

/// Most rows of a table (a schedule has 101 slots in the default firmware).
const MAX_ROWS: usize = 1024;

/// Most bytes of one element.
const MAX_BYTES: usize = 256 * 1024;

/// An element as far as it has been told.
#[derive(Debug)]
pub enum Element {
    /// Told whole each time.
    Plain(Box<RawValue>),
    /// Told by rows.
    Table(Table),
}

/// An element with numbered rows.
#[derive(Debug)]
pub struct Table {
    /// Its fields beside `rows`.
    head: BTreeMap<String, Box<RawValue>>,
    rows: Rows,
}

/// Rows by number, in the form in which the router writes them.
#[derive(Debug)]
enum Rows {
    Listed(BTreeMap<u32, Box<RawValue>>),
    Keyed(BTreeMap<u32, Box<RawValue>>),
}

/// How much of a table is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its other fields, as when its rows follow.
    WithoutRows,
}

/// An element as a viewer is told it.
pub struct Told<'a> {
    element: &'a Element,
    extent: Extent,
}

#[derive(Deserialize)]
struct Numbered {
    row: u32,
}

impl Element {
    /// The element of a first report.
    pub fn new(update: &RawValue) -> Result<Self, Fault> {
        let mut fields: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(update.get()).map_err(|error| fault(format!("an element is no object: {error}")))?;
        let element = match fields.remove("rows").and_then(Rows::parse) {
            None => Self::Plain(update.to_owned()),
            Some(rows) => {
                let head = fields.into_iter().map(|(name, value)| (name.into_owned(), value.to_owned())).collect();
                Self::Table(Table { head, rows })
            }
        };
        element.check_size()?;
        Ok(element)
    }

    /// Takes a later report: changed rows replace those of the same number, all else is new.
    pub fn merge(&mut self, update: &RawValue) -> Result<(), Fault> {
        let mut newer = Self::new(update)?;
        if let (Self::Table(old), Self::Table(new)) = (&mut *self, &mut newer) {
            new.rows.complete(&mut old.rows);
        }
        newer.check_size()?;
        *self = newer;
        Ok(())
    }

    /// To a viewer.
    pub fn told(&self, extent: Extent) -> Told<'_> {
        Told { element: self, extent }
    }

    /// Whether it comes row by row.
    pub fn is_table(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// Bytes of text that it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Plain(text) => text.get().len(),
            Self::Table(table) => {
                let fields = table.head.iter().map(|(name, value)| name.len() + value.get().len());
                let rows = table.rows.map().values().map(|row| row.get().len());
                fields.sum::<usize>() + rows.sum::<usize>()
            }
        }
    }

    fn check_size(&self) -> Result<(), Fault> {
        if let Self::Table(table) = self {
            let rows = table.rows.map();
            let last = rows.last_key_value().map_or(0, |(&number, _)| number as usize);
            if rows.len() > MAX_ROWS || last >= MAX_ROWS {
                return Err(Fault::TooMuch { what: "the number of rows", max: MAX_ROWS });
            }
        }
        if self.bytes() > MAX_BYTES {
            return Err(Fault::TooMuch { what: "an element in bytes", max: MAX_BYTES });
        }
        Ok(())
    }
}

impl Rows {
    /// The rows, if each has a number; else the field is a value like any other.
    fn parse(field: &RawValue) -> Option<Self> {
        if let Ok(keyed) = serde_json::from_str(field.get()) {
            return Some(Self::Keyed(keyed));
        }
        let listed: Vec<&RawValue> = serde_json::from_str(field.get()).ok()?;
        let number = |row: &&RawValue| -> Option<(u32, Box<RawValue>)> {
            let numbered: Numbered = serde_json::from_str(row.get()).ok()?;
            Some((numbered.row, (*row).to_owned()))
        };
        listed.iter().map(number).collect::<Option<_>>().map(Self::Listed)
    }

    fn map(&self) -> &BTreeMap<u32, Box<RawValue>> {
        match self {
            Self::Listed(map) | Self::Keyed(map) => map,
        }
    }

    /// Takes those rows of `older` that are not here.
    fn complete(&mut self, older: &mut Self) {
        let (Self::Listed(new) | Self::Keyed(new), Self::Listed(old) | Self::Keyed(old)) = (self, older);
        let mut all = std::mem::take(old);
        all.append(new);
        *new = all;
    }
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = match self.element {
            Element::Plain(text) => return text.serialize(serializer),
            Element::Table(table) => table,
        };
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in &table.head {
            object.serialize_entry(name, value)?;
        }
        match (self.extent, &table.rows) {
            (Extent::WithoutRows, _) => {}
            (Extent::Whole, Rows::Listed(rows)) => object.serialize_entry("rows", &rows.values().collect::<Vec<_>>())?,
            (Extent::Whole, Rows::Keyed(rows)) => object.serialize_entry("rows", rows)?,
        }
        object.end()
    }
}

fn fault(reason: String) -> Fault {
    Fault::Field { kind: "mote-status", reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(updates: &[&str], expect: &str) {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let mut element = Element::new(&raw(updates[0])).unwrap();
        for update in &updates[1..] {
            element.merge(&raw(update)).unwrap();
        }
        assert_eq!(serde_json::to_string(&element.told(Extent::Whole)).unwrap(), expect);
    }

    #[test]
    fn a_table_can_be_told_without_its_rows_and_nothing_else_can() {
        for (text, expect) in [
            (r#"{"t":1,"of":9,"rows":{"10":{"a":1}}}"#, r#"{"of":9,"t":1}"#),
            (r#"{"t":1,"rows":[{"row":2,"a":1}]}"#, r#"{"t":1}"#),
            (r#"{"t":1,"rows":7}"#, r#"{"t":1,"rows":7}"#),
        ] {
            let element = Element::new(&RawValue::from_string(text.to_owned()).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&element.told(Extent::WithoutRows)).unwrap(), expect);
        }
    }

    #[test]
    fn the_newest_plain_element_stays() {
        check(&[r#"{"t":1,"isSync":false}"#, r#"{"t":2,"isSync":true}"#], r#"{"t":2,"isSync":true}"#);
    }

    #[test]
    fn listed_rows_are_merged_by_number() {
        check(
            &[r#"{"t":1,"rows":[{"row":2,"a":1},{"row":0,"a":1}]}"#, r#"{"t":2,"rows":[{"row":1,"a":2},{"row":2,"a":2}]}"#],
            r#"{"t":2,"rows":[{"row":0,"a":1},{"row":1,"a":2},{"row":2,"a":2}]}"#,
        );
    }

    #[test]
    fn keyed_rows_are_merged_by_number() {
        check(
            &[r#"{"t":1,"rows":{"10":{"a":1},"2":{"a":1}}}"#, r#"{"t":2,"rows":{"2":{"a":2}}}"#],
            r#"{"t":2,"rows":{"2":{"a":2},"10":{"a":1}}}"#,
        );
    }

    #[test]
    fn rows_without_numbers_replace_each_other() {
        check(&[r#"{"rows":[{"a":1},{"a":2}]}"#, r#"{"rows":[{"a":3}]}"#], r#"{"rows":[{"a":3}]}"#);
        check(&[r#"{"rows":7}"#, r#"{"rows":8}"#], r#"{"rows":8}"#);
    }

    #[test]
    fn too_many_rows_or_bytes_are_a_fault() {
        let raw = |text: String| RawValue::from_string(text).unwrap();
        for text in [
            r#"{"rows":[{"row":1024}]}"#.to_owned(),
            r#"{"rows":{"4000000000":{}}}"#.to_owned(),
            format!(r#"{{"x":"{}"}}"#, "y".repeat(MAX_BYTES)),
        ] {
            assert_eq!(Element::new(&raw(text)).unwrap_err().code(), "too-much");
        }
        assert_eq!(Element::new(&raw("5".to_owned())).unwrap_err().code(), "bad-field");
    }
}
