//! `WIRE.md` as data: its sections, its tables, and the types that they describe.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The document.
pub struct Document {
    pub text: String,
    sections: Vec<Section>,
}

/// What stands under one heading.
pub struct Section {
    pub title: String,
    pub text: String,
    tables: Vec<Table>,
}

/// Rows of cells; backticks around a cell are taken off.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// How a type is made.
#[derive(Debug, PartialEq)]
pub enum Shape {
    /// Another type under a name of its own.
    Plain(String),
    /// Fields and their types.
    Struct(Vec<Field>),
    /// Variants by number.
    Enum(BTreeMap<u32, Variant>),
}

#[derive(Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: String,
}

#[derive(Debug, PartialEq)]
pub struct Variant {
    pub name: String,
    pub holds: Holds,
}

#[derive(Debug, PartialEq)]
pub enum Holds {
    Nothing,
    Value(String),
    Fields(Vec<Field>),
}

impl Document {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("WIRE.md");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let sections = sections(&text);
        Self { text, sections }
    }

    pub fn section(&self, title: &str) -> &Section {
        let mut found = self.sections.iter().filter(|section| section.title == title);
        let section = found.next().unwrap_or_else(|| panic!("WIRE.md has no section `{title}`"));
        assert!(found.next().is_none(), "WIRE.md has two sections `{title}`");
        section
    }

    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The rows of the one table with these columns, in this section.
    pub fn rows(&self, title: &str, columns: &[&str]) -> &[Vec<String>] {
        self.section(title).rows(columns).unwrap_or_else(|| panic!("`{title}` of WIRE.md has no table of {columns:?}"))
    }

    /// All types by name.
    pub fn types(&self) -> BTreeMap<String, Shape> {
        let plain = self.rows("Plain values", &["name", "bytes", "meaning"]);
        let plain = plain.iter().map(|row| (row[0].clone(), Shape::Plain(row[1].clone())));
        let made = self.sections.iter().filter_map(|section| Some((section.title.clone(), section.shape()?)));
        let mut types = BTreeMap::new();
        for (name, shape) in plain.chain(made) {
            assert!(types.insert(name.clone(), shape).is_none(), "WIRE.md describes `{name}` twice");
        }
        types
    }
}

impl Section {
    pub fn rows(&self, columns: &[&str]) -> Option<&[Vec<String>]> {
        self.tables.iter().find(|table| table.columns == columns).map(|table| &table.rows[..])
    }

    fn shape(&self) -> Option<Shape> {
        if let Some(rows) = self.rows(&["field", "type", "meaning"]) {
            return Some(Shape::Struct(rows.iter().map(|row| Field { name: row[0].clone(), kind: row[1].clone() }).collect()));
        }
        let rows = self.rows(&["number", "variant", "holds", "meaning"])?;
        let variants: BTreeMap<_, _> = rows
            .iter()
            .map(|row| (row[0].parse().expect("a variant has a number"), Variant { name: row[1].clone(), holds: holds(&row[2]) }))
            .collect();
        assert_eq!(variants.len(), rows.len(), "a number of `{}` stands twice in WIRE.md", self.title);
        Some(Shape::Enum(variants))
    }
}

/// Of one of these forms: nothing; a type; names and types, each in backticks of its own.
fn holds(cell: &str) -> Holds {
    if cell.is_empty() {
        return Holds::Nothing;
    }
    let parts: Vec<_> = cell.split("`, `").collect();
    if parts.len() == 1 && !cell.contains(": ") {
        return Holds::Value(cell.to_owned());
    }
    let field = |part: &&str| {
        let (name, kind) = part.split_once(": ").expect("a name and a type");
        Field { name: name.to_owned(), kind: kind.to_owned() }
    };
    Holds::Fields(parts.iter().map(field).collect())
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section { title: String::new(), text: String::new(), tables: Vec::new() }];
    let mut is_in_table = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix('#') {
            let title = title.trim_start_matches('#').trim().to_owned();
            sections.push(Section { title, text: String::new(), tables: Vec::new() });
        }
        let section = sections.last_mut().expect("there is one from the beginning");
        section.text.push_str(line);
        section.text.push('\n');
        match (line.strip_prefix('|'), is_in_table) {
            (Some(row), false) => section.tables.push(Table { columns: cells(row), rows: Vec::new() }),
            (Some(row), true) if !row.starts_with("---") => section.tables.last_mut().expect("begun").rows.push(cells(row)),
            (Some(_), true) | (None, _) => {}
        }
        is_in_table = line.starts_with('|');
    }
    sections
}

fn cells(row: &str) -> Vec<String> {
    let row = row.strip_suffix('|').expect("a row ends with a bar");
    row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}
