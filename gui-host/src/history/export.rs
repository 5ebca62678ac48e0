//! Everything that was kept, as a file of lines. Blocking; it holds no more than a piece in memory,
//! and reads each ten minutes on their own, so that a slow reader holds nobody up.

use rusqlite::{Row as Found, params};
use serde::Serialize;

use super::{
    civil::iso,
    question::{Export, Format},
    record::{BOOT, COUNT},
    series::Quantity,
    store::{SLOT, Store, StoreError, next_slot},
};

/// Bytes that are handed on at once, about.
const PIECE: usize = 64 * 1024;

/// The first line of CSV.
const NAMES: &str = "t,time,lbr,mote,kind,name,detail,value,of,text\r\n";

/// How an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All of it is written.
    Whole,
    /// Nobody reads any more.
    Unread,
}

/// Whether there is somebody who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Go on.
    Reads,
    /// Gone.
    Gone,
}

/// Writes what was asked, in the order of time, piece by piece.
pub fn write(store: &Store, export: &Export, mut hand_on: impl FnMut(String) -> Reader) -> Result<End, StoreError> {
    let read = try_write(store, export, &mut hand_on);
    read.map_err(|error| store.explain(&error))
}

fn try_write(store: &Store, export: &Export, hand_on: &mut dyn FnMut(String) -> Reader) -> rusqlite::Result<End> {
    let db = store.db();
    let mut piece = match export.format {
        Format::Csv => NAMES.to_owned(),
        Format::Jsonl => String::new(),
    };
    let mut lines_of = db.prepare(
        "SELECT t, lbr, mote, kind, name, detail, value, whole, text FROM (
            SELECT s.t, k.lbr, k.mote, k.kind, k.name, k.detail, s.value, s.whole, '' AS text
            FROM sample s JOIN series k ON k.id = s.series WHERE s.slot = ?1
            UNION ALL
            SELECT e.t, k.lbr, k.mote, k.kind, e.name, e.detail, e.value, NULL, e.text
            FROM event e JOIN series k ON k.id = e.series WHERE e.slot = ?1
         )
         WHERE t >= ?2 AND t < ?3 AND (?4 IS NULL OR lbr = ?4) AND (?5 IS NULL OR mote = ?5)
         ORDER BY t, lbr, mote, kind, name, detail",
    )?;
    let mut next = next_slot(db, export.from / SLOT)?;
    while let Some(slot) = next.filter(|slot| slot.saturating_mul(SLOT) < export.to) {
        let mut rows = lines_of.query(params![slot, export.from, export.to, export.lbr, export.mote])?;
        while let Some(row) = rows.next()? {
            Line::read(row)?.write(export.format, &mut piece);
            if piece.len() >= PIECE && hand_on(std::mem::take(&mut piece)) == Reader::Gone {
                return Ok(End::Unread);
            }
        }
        next = next_slot(db, slot + 1)?;
    }
    Ok(match hand_on(piece) {
        Reader::Reads => End::Whole,
        Reader::Gone => End::Unread,
    })
}

/// A record as it is stored.
struct Line {
    t: u64,
    lbr: String,
    mote: String,
    kind: String,
    name: String,
    detail: String,
    value: Option<f64>,
    whole: Option<f64>,
    text: String,
}

impl Line {
    fn read(row: &Found<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            t: row.get(0)?,
            lbr: row.get(1)?,
            mote: row.get(2)?,
            kind: row.get(3)?,
            name: row.get(4)?,
            detail: row.get(5)?,
            value: row.get(6)?,
            whole: row.get(7)?,
            text: row.get(8)?,
        })
    }

    fn write(&self, format: Format, out: &mut String) {
        match format {
            Format::Csv => self.write_csv(out),
            Format::Jsonl => self.write_json(out),
        }
    }

    fn write_csv(&self, out: &mut String) {
        let number = |value: Option<f64>| value.map(plain).unwrap_or_default();
        let fields = [
            self.t.to_string(),
            iso(self.t),
            cell(&self.lbr),
            cell(&self.mote),
            cell(&self.kind),
            cell(&self.name),
            cell(&self.detail),
            number(self.value),
            number(self.whole),
            cell(&self.text),
        ];
        out.push_str(&fields.join(","));
        out.push_str("\r\n");
    }

    fn write_json(&self, out: &mut String) {
        let base = Json { t: self.t, lbr: &self.lbr, mote: some(&self.mote), kind: &self.kind, ..Json::default() };
        let (value, whole) = (self.value.map(Number), self.whole.map(Number));
        let json = match &*self.kind {
            COUNT => Json { sender: some(&self.name), signal: some(&self.detail), num: value, ..base },
            BOOT => Json { boots: value, ..base },
            kind if kind == Quantity::Prr.name() => Json { acked: value, sent: whole, ..base },
            _ => Json { name: some(&self.name), detail: some(&self.detail), value, text: some(&self.text), ..base },
        };
        out.push_str(&serde_json::to_string(&json).expect("our own values have string keys and no failing parts"));
        out.push('\n');
    }
}

#[derive(Default, Serialize)]
struct Json<'a> {
    t: u64,
    lbr: &'a str,
    mote: Option<&'a str>,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    acked: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boots: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// A number; a whole one without a decimal point.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if is_whole(self.0) { serializer.serialize_i64(self.0 as i64) } else { serializer.serialize_f64(self.0) }
    }
}

fn plain(value: f64) -> String {
    if is_whole(value) { (value as i64).to_string() } else { value.to_string() }
}

fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < (1_u64 << 53) as f64
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A field of CSV. A spreadsheet takes one that begins so for a formula, and a mote or router may
/// have written it: a quotation mark in front keeps it a text.
fn cell(text: &str) -> String {
    let begins_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if begins_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_breaks_its_line() {
        for (text, expect) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
        ] {
            assert_eq!(cell(text), expect);
        }
    }

    #[test]
    fn numbers_are_written_plainly() {
        assert_eq!([plain(9.0), plain(-63.5), plain(0.1), plain(1e300)].map(|text| text.len()), [1, 5, 3, 301]);
    }
}
