//! The types of the messages as the sources declare them, in the form in which the document describes them.
//!
//! Golden lines cannot tell a `u8` from a `u16` whose value is small; the declarations can. It reads what rustfmt leaves of a declaration, no more.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::document::{Field, Holds, Shape, Variant};

/// Every type that derives `Encode`, by name.
pub fn types() -> BTreeMap<String, Shape> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut types = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the sources") {
        let text = fs::read_to_string(entry.expect("listed").path()).expect("text");
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with("#[serde"));
        while let Some(line) = lines.next() {
            if line.starts_with("#[derive(") && line.contains("Encode") {
                let head = lines.next().expect("a declaration follows");
                let (name, shape) = declaration(head, &mut lines);
                assert!(types.insert(name.clone(), shape).is_none(), "`{name}` is declared twice");
            }
        }
    }
    types
}

fn declaration<'l>(head: &str, lines: &mut impl Iterator<Item = &'l str>) -> (String, Shape) {
    if let Some(name) = inside(head, "pub enum ", " {") {
        return (name.to_owned(), Shape::Enum((0..).zip(variants(lines)).collect()));
    }
    if let Some(name) = inside(head, "pub struct ", " {") {
        return (name.to_owned(), Shape::Struct(fields(lines, "}")));
    }
    let (name, kind) = inside(head, "pub struct ", ");").and_then(|plain| plain.split_once("(pub ")).unwrap_or_else(|| panic!("{head}"));
    (name.to_owned(), Shape::Plain(kind.to_owned()))
}

fn variants<'l>(lines: &mut impl Iterator<Item = &'l str>) -> Vec<Variant> {
    let mut variants = Vec::new();
    while let Some(line) = lines.next().filter(|line| *line != "}") {
        let (name, holds) = if let Some(name) = line.strip_suffix(" {") {
            (name, Holds::Fields(fields(lines, "},")))
        } else if let Some((name, kind)) = line.strip_suffix("),").and_then(|held| held.split_once('(')) {
            (name, Holds::Value(kind.to_owned()))
        } else {
            (line.trim_end_matches(','), Holds::Nothing)
        };
        variants.push(Variant { name: name.to_owned(), holds });
    }
    variants
}

fn fields<'l>(lines: &mut impl Iterator<Item = &'l str>, end: &str) -> Vec<Field> {
    let declared = lines.take_while(|line| *line != end);
    let split =
        declared.map(|line| line.trim_start_matches("pub ").trim_end_matches(',').split_once(": ").unwrap_or_else(|| panic!("{line}")));
    split.map(|(name, kind)| Field { name: name.to_owned(), kind: kind.to_owned() }).collect()
}

fn inside<'l>(line: &'l str, before: &str, after: &str) -> Option<&'l str> {
    line.strip_prefix(before)?.strip_suffix(after)
}
