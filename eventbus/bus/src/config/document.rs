//! What a file says and where, before anybody asks whether it makes sense.
//!
//! The parser tells of keys and values one by one; here they become entries, each with the names of its sections in front.
//! A file with mistakes becomes the entries that are right, and a fault for each mistake. Whatever the text, nothing here
//! panics, and no more is kept than stands in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, Expected, ParseError, Raw, Source, Span};

use super::fault::{Fault, MOST_FAULTS, shorten};

/// Lists and tables inside one another. Nothing that makes sense has more than two.
const DEEPEST: u32 = 8;

/// A section's name, or a key with those of its sections in front.
pub type Path = Vec<String>;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The sections' heads, with their lines.
    pub heads: Vec<(Path, usize)>,
    /// The keys and values.
    pub entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub path: Path,
    /// Where it stands.
    pub line: usize,
    /// Its value.
    pub value: Value,
}

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub what: What,
    /// Where it begins.
    pub line: usize,
    /// As it is written, or the beginning of that.
    pub shown: String,
}

/// What a value is.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// A text, without its quotation marks.
    Text(String),
    /// A whole number, in decimal.
    Number(i64),
    /// A list.
    List(Vec<Value>),
    /// Something that no key takes.
    Other,
}

/// Reads a text. The faults are in the order of their lines.
pub fn read(text: &str) -> (Document, Vec<Fault>) {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut complaints = Complaints { lines: Lines::of(text), faults: Vec::new() };
    let mut builder = Builder::new(source);
    parse_document(
        &tokens,
        &mut RecursionGuard::new(&mut ValidateWhitespace::new(&mut builder, source), DEEPEST),
        &mut |error: ParseError| complaints.take(&error),
    );
    let Builder { mut document, mut faults, .. } = builder;
    faults.append(&mut complaints.faults);
    super::fault::sort(&mut faults);
    // What follows from a mistake in the same line is noise.
    faults.dedup_by_key(|fault| fault.line);
    let is_right = |line: usize| faults.iter().all(|fault| fault.line != Some(line));
    document.entries.retain(|entry| is_right(entry.line) && is_right(entry.value.line));
    document.heads.retain(|(_, line)| is_right(*line));
    (document, faults)
}

/// A key as a person finds it in the file.
pub fn place(path: &[String]) -> String {
    match path {
        [] => String::new(),
        [name] => name.clone(),
        [section, rest @ ..] => format!("[{section}] {}", rest.join(".")),
    }
}

/// Where the lines begin.
#[derive(Debug)]
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

/// What the parser does not like, in our words.
struct Complaints {
    lines: Lines,
    faults: Vec<Fault>,
}

impl Complaints {
    fn take(&mut self, error: &ParseError) {
        // What was never closed is looked for where it was opened.
        let is_unclosed = error.description().starts_with("unclosed");
        let span = if is_unclosed { error.context().or(error.unexpected()) } else { error.unexpected().or(error.context()) };
        let line = self.lines.at(span.map_or(0, |span| span.start()));
        if self.faults.len() <= MOST_FAULTS && self.faults.last().is_none_or(|last| last.line != Some(line)) {
            self.faults.push(Fault::new(line, "", format!("this is no TOML: {}{}", error.description(), expectation(error))));
        }
    }
}

fn expectation(error: &ParseError) -> String {
    let expected: Vec<_> = error.expected().unwrap_or_default().iter().filter_map(one_expected).collect();
    if expected.is_empty() { String::new() } else { format!("; expected {}", expected.join(" or ")) }
}

fn one_expected(expected: &Expected) -> Option<String> {
    match expected {
        Expected::Literal("\n") => Some("the end of the line".to_owned()),
        Expected::Literal(literal) => Some(format!("`{literal}`")),
        Expected::Description(description) => Some((*description).to_owned()),
        _a_later_kind => None,
    }
}

/// Makes entries of what the parser tells.
struct Builder<'s> {
    source: Source<'s>,
    lines: Lines,
    /// The head above.
    section: Head,
    /// The names of the key or head that is being read.
    names: Path,
    /// Where it began.
    begun: usize,
    /// Lists and tables that were opened and not closed.
    nests: Vec<Nest>,
    /// Where each name stands.
    seen: BTreeMap<Path, (usize, Origin)>,
    document: Document,
    faults: Vec<Fault>,
}

enum Head {
    /// Of this section.
    Of(Path),
    /// It was not understood: nobody knows where its keys belong.
    Broken,
}

enum Nest {
    /// `{ … }`, with the key in front of it.
    Table(Path),
    /// `[ … ]`: its key, where it began, and what is in it.
    List { key: Path, line: usize, start: usize, items: Vec<Value> },
    /// Inside a list, where no key takes any.
    Ignored { start: usize },
}

/// How a name came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Head,
    Key,
    /// Named by the way, as in `section.key`.
    Way,
}

impl<'s> Builder<'s> {
    fn new(source: Source<'s>) -> Self {
        Self {
            source,
            lines: Lines::of(source.input()),
            section: Head::Of(Path::new()),
            names: Path::new(),
            begun: 0,
            nests: Vec::new(),
            seen: BTreeMap::new(),
            document: Document::default(),
            faults: Vec::new(),
        }
    }

    fn begin_head(&mut self) {
        self.section = Head::Broken;
        self.names.clear();
        self.nests.clear();
    }

    fn end_head(&mut self) {
        let path = std::mem::take(&mut self.names);
        let line = self.lines.at(self.begun);
        if self.is_new(&path, line, Origin::Head) {
            self.document.heads.push((path.clone(), line));
        }
        self.section = Head::Of(path);
    }

    /// The whole path of the key that was read last.
    fn take_key(&mut self) -> Path {
        let names = std::mem::take(&mut self.names);
        let Head::Of(section) = &self.section else { return Path::new() };
        let inline = self.nests.iter().flat_map(|nest| match nest {
            Nest::Table(path) => path.as_slice(),
            Nest::List { .. } | Nest::Ignored { .. } => &[],
        });
        section.iter().chain(inline).cloned().chain(names).collect()
    }

    fn is_in_list(&self) -> bool {
        matches!(self.nests.last(), Some(Nest::List { .. } | Nest::Ignored { .. }))
    }

    fn take_value(&mut self, key: Path, line: usize, value: Value) {
        let Head::Of(section) = &self.section else { return };
        let mut on_the_way = section.len() + 1..key.len();
        if on_the_way.all(|end| self.is_new(&key[..end], line, Origin::Way)) && self.is_new(&key, line, Origin::Key) {
            self.document.entries.push(Entry { path: key, line, value });
        }
    }

    /// Notes a name; one that was given already is a fault.
    fn is_new(&mut self, path: &[String], line: usize, origin: Origin) -> bool {
        match self.seen.get(path) {
            None => {
                self.seen.insert(path.to_vec(), (line, origin));
                true
            }
            Some((_, Origin::Way)) if origin == Origin::Way => true,
            Some((first, _)) => {
                let what = format!("given twice: it stands in line {first} already; keep one of them");
                let place = if origin == Origin::Head { format!("[{}]", path.join(".")) } else { place(path) };
                self.complain(line, &place, what);
                false
            }
        }
    }

    fn complain(&mut self, line: usize, place: &str, what: impl Into<String>) {
        if self.faults.len() <= MOST_FAULTS {
            self.faults.push(Fault::new(line, shorten(place), what));
        }
    }

    fn scalar_value(&self, raw: Raw<'s>, span: Span, error: &mut dyn ErrorSink) -> Value {
        let mut text = Cow::Borrowed("");
        let what = match raw.decode_scalar(&mut text, error) {
            ScalarKind::String => What::Text(text.into_owned()),
            ScalarKind::Integer(radix) => i64::from_str_radix(&text, radix.value()).map_or(What::Other, What::Number),
            ScalarKind::Boolean(_) | ScalarKind::DateTime | ScalarKind::Float => What::Other,
        };
        Value { what, line: self.lines.at(span.start()), shown: shorten(raw.as_str()) }
    }

    fn written(&self, start: usize, end: usize) -> String {
        shorten(self.source.input().get(start..end).unwrap_or_default())
    }

    /// A list or a table has ended.
    fn close(&mut self, end: Span) {
        let nest = self.nests.pop();
        let value = |start, what| Value { what, line: self.lines.at(start), shown: self.written(start, end.end()) };
        match nest {
            Some(Nest::List { key, line, start, items }) => {
                let value = value(start, What::List(items));
                self.take_value(key, line, value);
            }
            Some(Nest::Ignored { start }) => {
                let value = value(start, What::Other);
                self.put(value);
            }
            Some(Nest::Table(_)) | None => {}
        }
    }

    /// Puts a value where it belongs: into the list that is open, or behind its key.
    fn put(&mut self, value: Value) {
        match self.nests.last_mut() {
            Some(Nest::List { items, .. }) => items.push(value),
            Some(Nest::Ignored { .. }) => {}
            Some(Nest::Table(_)) | None => {
                let line = self.lines.at(self.begun);
                let key = self.take_key();
                self.take_value(key, line, value);
            }
        }
    }
}

impl EventReceiver for Builder<'_> {
    fn std_table_open(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        self.begin_head();
    }

    fn std_table_close(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        self.end_head();
    }

    fn array_table_open(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        self.begin_head();
    }

    fn array_table_close(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        let name = std::mem::take(&mut self.names).join(".");
        let what = format!("a section stands in single brackets: [{}]", shorten(&name));
        self.complain(self.lines.at(self.begun), &format!("[[{name}]]"), what);
    }

    fn inline_table_open(&mut self, span: Span, _error: &mut dyn ErrorSink) -> bool {
        let nest = if self.is_in_list() { Nest::Ignored { start: span.start() } } else { Nest::Table(std::mem::take(&mut self.names)) };
        self.nests.push(nest);
        true
    }

    fn inline_table_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.names.clear();
        self.close(span);
    }

    fn array_open(&mut self, span: Span, _error: &mut dyn ErrorSink) -> bool {
        let nest = if self.is_in_list() {
            Nest::Ignored { start: span.start() }
        } else {
            let line = self.lines.at(self.begun);
            Nest::List { key: self.take_key(), line, start: span.start(), items: Vec::new() }
        };
        self.nests.push(nest);
        true
    }

    fn array_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let Some(raw) = self.source.get(span) else { return };
        let mut name = Cow::Borrowed("");
        Raw::new_unchecked(raw.as_str(), encoding, span).decode_key(&mut name, error);
        if self.is_in_list() {
            return;
        }
        if self.names.is_empty() {
            self.begun = span.start();
        }
        self.names.push(name.into_owned());
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let Some(raw) = self.source.get(span) else { return };
        let value = self.scalar_value(Raw::new_unchecked(raw.as_str(), encoding, span), span, error);
        self.put(value);
    }

    fn value_sep(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        self.names.clear();
    }

    fn newline(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        if self.nests.is_empty() {
            self.names.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, usize, &str)]) {
        let (document, faults) = read(text);
        assert_eq!(faults, [], "{text}");
        let entries: Vec<_> = document.entries.iter().map(|entry| (place(&entry.path), entry.line, entry.value.shown.as_str())).collect();
        let expected: Vec<_> = expected.iter().map(|(place, line, shown)| ((*place).to_owned(), *line, *shown)).collect();
        assert_eq!(entries, expected, "{text}");
    }

    fn refused(text: &str) -> Vec<(usize, String)> {
        let (_, faults) = read(text);
        faults.into_iter().map(|fault| (fault.line.expect("a line"), format!("{} {}", fault.place, fault.what))).collect()
    }

    fn check_refused(text: &str, expected: &[(usize, &str)]) {
        let faults = refused(text);
        assert_eq!(faults.len(), expected.len(), "{text}: {faults:?}");
        for ((line, said), (expected, words)) in faults.iter().zip(expected) {
            assert!(line == expected && said.contains(words), "{text}: {line}: {said}");
        }
    }

    #[test]
    fn a_value_is_told_with_its_section_and_line() {
        check("a = 1\n\n[s]\nb = \"x\" # why\n", &[("a", 1, "1"), ("[s] b", 4, "\"x\"")]);
        check("s.b = 1\n", &[("[s] b", 1, "1")]);
        check("s = { b = 1, c = 2 }\n", &[("[s] b", 1, "1"), ("[s] c", 1, "2")]);
        check("'a' = '''x\ny'''\n", &[("a", 1, "'''x…")]);
        check("\u{feff}a = 0x10\r\n", &[("a", 1, "0x10")]);
        check("", &[]);
    }

    #[test]
    fn a_list_may_go_over_several_lines() {
        let text = "[s]\np = [\n  \"a\", # one\n  'b',\n]\nq = 1\n";
        check(text, &[("[s] p", 2, "[…"), ("[s] q", 6, "1")]);
        let (document, _) = read(text);
        let What::List(items) = &document.entries[0].value.what else { panic!("no list") };
        let items: Vec<_> = items.iter().map(|item| (&item.what, item.line)).collect();
        assert_eq!(items, [(&What::Text("a".to_owned()), 3), (&What::Text("b".to_owned()), 4)]);
    }

    #[test]
    fn values_are_texts_numbers_lists_or_nothing_that_a_key_takes() {
        let what = |text: &str| read(&format!("a = {text}\n")).0.entries.pop().expect(text).value.what;
        assert_eq!(what("86_400"), What::Number(86_400));
        assert_eq!([what("-1"), what("+1"), what("0x1f"), what("0b11")], [-1, 1, 31, 3].map(What::Number));
        assert_eq!(what("\"\\u0041\\t\""), What::Text("A\t".to_owned()));
        for text in ["1.5", "true", "1979-05-27", "99999999999999999999", "nan"] {
            assert_eq!(what(text), What::Other, "{text}");
        }
        assert!(matches!(what("[[1], {x = 1}]"), What::List(items) if items.len() == 2));
    }

    #[test]
    fn what_is_given_twice_is_told_with_its_first_line() {
        let twice = [(4, "[s] b given twice: it stands in line 3"), (5, "[s] given twice: it stands in line 2")];
        check_refused("a = 1\n[s]\nb = 1\nb = 2\n[s]\n", &twice);
        check_refused("s.a = 1\n[s]\nb = 1\n", &[(2, "line 1")]);
        check_refused("s = 1\ns.a = 1\n", &[(2, "line 1")]);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        check_refused("a\n", &[(1, "no TOML")]);
        check_refused("a = \nb = 1\nc = = 2\n", &[(1, "no TOML"), (3, "no TOML")]);
        check_refused("a = \"x\nb = 1\n", &[(1, "no TOML")]);
        check_refused("a = 1\nb = [\n \"x\",\n", &[(2, "unclosed array")]);
        check_refused("a = [\n 1\n 2\n]\n", &[(3, "missing comma")]);
        check_refused("[s\na = 1\n", &[(1, "unclosed table")]);
        check_refused("[[s]]\na = 1\n", &[(1, "single brackets: [s]")]);
        check_refused("a = hello\n", &[(1, "string values must be quoted")]);
        check_refused("a = 1 b = 2\n", &[(1, "no TOML")]);
    }

    #[test]
    fn deep_nests_and_many_mistakes_cost_little() {
        let deep = ["[", "{b=", ".", "=\n", "a.", "[a.b]\n"].map(|piece| format!("a = {}", piece.repeat(60_000 / piece.len())));
        for text in deep {
            let faults = refused(&text);
            assert!((1..=2 * MOST_FAULTS).contains(&faults.len()), "{}", faults.len());
        }
    }
}
