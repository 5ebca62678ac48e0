//! A reader of messages that knows nothing but the tables of `WIRE.md` and the rules of its chapter on values.
//!
//! It writes down what it reads as Rust's `Debug` does, so that it can be held against what the codec reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Field, Holds, Shape};

/// Takes one message apart.
pub struct Reader<'a> {
    types: &'a BTreeMap<String, Shape>,
    left: &'a [u8],
    /// Every type, and every variant as `Enum.Variant`, that was met.
    pub met: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub fn new(types: &'a BTreeMap<String, Shape>, bytes: &'a [u8]) -> Self {
        Self { types, left: bytes, met: BTreeSet::new() }
    }

    pub fn is_at_end(&self) -> bool {
        self.left.is_empty()
    }

    /// The next value, which is of type `kind`.
    pub fn value(&mut self, kind: &str) -> String {
        if let Some(element) = inside(kind, "Vec<", ">") {
            let len = self.unsigned(8);
            return self.list(element, len);
        }
        if let Some(inner) = inside(kind, "Option<", ">") {
            return if self.flag() { format!("Some({})", self.value(inner)) } else { "None".to_owned() };
        }
        if let Some((element, len)) = inside(kind, "[", "]").and_then(|array| array.split_once("; ")) {
            return self.list(element, len.parse().expect("a length"));
        }
        match kind {
            "u8" => self.byte().to_string(),
            "i8" => self.byte().cast_signed().to_string(),
            "u16" => self.unsigned(2).to_string(),
            "u32" => self.unsigned(4).to_string(),
            "u64" => self.unsigned(8).to_string(),
            "i16" => self.signed(2).to_string(),
            "i32" => self.signed(4).to_string(),
            "bool" => self.flag().to_string(),
            "String" => self.text(),
            name => self.named(name),
        }
    }

    fn named(&mut self, name: &str) -> String {
        let types = self.types;
        let shape = types.get(name).unwrap_or_else(|| panic!("WIRE.md does not describe `{name}`"));
        self.met.insert(name.to_owned());
        match shape {
            Shape::Plain(kind) => format!("{name}({})", self.value(kind)),
            Shape::Struct(fields) => format!("{name}{}", self.fields(fields)),
            Shape::Enum(variants) => {
                let number = u32::try_from(self.unsigned(4)).expect("four bytes");
                let variant = variants.get(&number).unwrap_or_else(|| panic!("`{name}` has no variant {number} in WIRE.md"));
                self.met.insert(format!("{name}.{}", variant.name));
                let held = match &variant.holds {
                    Holds::Nothing => String::new(),
                    Holds::Value(kind) => format!("({})", self.value(kind)),
                    Holds::Fields(fields) => self.fields(fields),
                };
                format!("{}{held}", variant.name)
            }
        }
    }

    fn fields(&mut self, fields: &[Field]) -> String {
        let fields: Vec<_> = fields.iter().map(|field| format!("{}: {}", field.name, self.value(&field.kind))).collect();
        format!(" {{ {} }}", fields.join(", "))
    }

    fn list(&mut self, element: &str, len: u64) -> String {
        let elements: Vec<_> = (0..len).map(|_| self.value(element)).collect();
        format!("[{}]", elements.join(", "))
    }

    fn text(&mut self) -> String {
        let len = usize::try_from(self.unsigned(8)).expect("short");
        format!("{:?}", std::str::from_utf8(self.take(len)).expect("UTF-8"))
    }

    fn flag(&mut self) -> bool {
        match self.byte() {
            0 => false,
            1 => true,
            other => panic!("{other} is neither 0 nor 1"),
        }
    }

    fn signed(&mut self, width: usize) -> i64 {
        let zigzag = self.unsigned(width).cast_signed();
        if zigzag % 2 == 0 { zigzag / 2 } else { -(zigzag / 2) - 1 }
    }

    fn unsigned(&mut self, width: usize) -> u64 {
        let (first, following) = match self.byte() {
            251 => (0, 2),
            252 => (0, 4),
            253 => (0, 8),
            small @ 0..=250 => (small, 0),
            other => panic!("{other} begins no integer"),
        };
        assert!(following <= width, "{following} bytes for an integer of {width}");
        let bytes = self.take(following);
        bytes.iter().rev().fold(u64::from(first), |value, byte| value << 8 | u64::from(*byte))
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, left) = self.left.split_at(len);
        self.left = left;
        taken
    }
}

fn inside<'k>(kind: &'k str, before: &str, after: &str) -> Option<&'k str> {
    kind.strip_prefix(before)?.strip_suffix(after)
}
