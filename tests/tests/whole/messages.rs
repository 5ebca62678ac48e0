//! `scripts/MESSAGES.md` and the sources say the same: every error and warning that a process of the router logs has its row, and
//! every row has its source.
//!
//! A row and a format string are compared by the words that stand between what is filled in: placeholders here, capitals, numbers
//! and `…` there. It never runs a process.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};

/// The processes, and what they share.
const CRATES: [&str; 5] = ["mqtypes/src", "eventbus/bus/src", "eventbus/src", "serial-bridge/src", "ui-proxy/src"];

/// What a person calls, and which answers that person: it logs nothing.
const TOOLS: [&str; 2] = ["eventbus/src/inspect", "serial-bridge/src/check"];

/// Where each error's text is a line of a log, behind the name of what it is about at most.
const LOGGED_ERRORS: [&str; 5] = [
    "eventbus/bus/src/queue/error.rs",
    "eventbus/src/network.rs",
    "eventbus/src/roles.rs",
    "ui-proxy/src/identity.rs",
    "ui-proxy/src/key.rs",
];

/// How a line is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `log::error!`.
    Error,
    /// `log::warn!`.
    Warning,
    /// The text of an error, or what is said on standard error: rows of any kind may have it.
    Any,
}

/// A text of the sources, and what it is.
struct Said {
    file: String,
    kind: Kind,
    text: String,
}

/// A piece of code in the document: what a line looks like.
#[derive(Debug)]
struct Span {
    kind: Kind,
    text: String,
}

#[test]
fn every_error_and_warning_has_its_row() -> Result<()> {
    let (spans, sources) = (spans(&document()?), Sources::read()?);
    let has_row = |said: &&Said| {
        let runs = runs(&said.text);
        runs.is_empty() || spans.iter().any(|span| span.may_be(said.kind) && span.is_like(&said.text))
    };
    let missing = sources.lines.iter().filter(|said| !has_row(said));
    let missing: Vec<_> = missing.map(|Said { file, kind, text }| format!("{file}: {kind:?}: {text}")).collect();
    assert!(missing.is_empty(), "without a row of their kind in scripts/MESSAGES.md: {missing:#?}");
    Ok(())
}

#[test]
fn every_row_has_its_source() -> Result<()> {
    let sources = Sources::read()?;
    let texts: Vec<_> = sources.texts.iter().map(|text| words(text)).collect();
    let is_said = |run: &String| texts.iter().any(|text| text.contains(run));
    let spans = spans(&document()?);
    let lost: Vec<_> = spans.iter().filter(|span| !runs(&span.text).iter().all(is_said)).collect();
    assert!(lost.is_empty(), "in scripts/MESSAGES.md, and nobody says it: {lost:#?}");
    Ok(())
}

#[test]
fn a_line_is_compared_by_the_words_between_what_is_filled_in() {
    assert_eq!(runs("{}: output stood still without an XON, and goes on"), [" output stood still without an ", " and goes on "]);
    assert_eq!(runs("PORT: output stood still without an XON, and goes on"), runs("{}: output stood still without an XON, and goes on"));
    assert_eq!(runs("`{reply}` is no queue of ours ({error})"), [" is no queue of ours "]);
    assert!(runs("{name}: {doing}: {source}").is_empty() && runs("FILE:LINE: KEY = VALUE: …").is_empty());
    let spans = spans("| error `SIGHUP: all stays` or ``FILE: `KEY` …`` | b `c` | d |\nsee `e`\n");
    let found: Vec<_> = spans.iter().map(|span| (span.kind, span.text.as_str())).collect();
    assert_eq!(found, [(Kind::Error, "SIGHUP: all stays"), (Kind::Error, "FILE: `KEY` …")]);
}

impl Span {
    fn may_be(&self, kind: Kind) -> bool {
        kind == Kind::Any || self.kind == kind
    }

    /// Has either all that the other says? A row may leave the end out, or say what is filled in.
    fn is_like(&self, text: &str) -> bool {
        let has_all = |whole: &str, part: &str| {
            let (whole, runs) = (words(whole), runs(part));
            !runs.is_empty() && runs.iter().all(|run| whole.contains(run))
        };
        has_all(&self.text, text) || has_all(text, &self.text)
    }
}

/// The words of a text, each between blanks; what is filled in, and what ends a clause, is a `…`.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        plain_words(before, &mut words);
        words.push_str("… ");
        rest = after.split_once('}').map_or("", |(_filled_in, after)| after);
    }
    plain_words(rest, &mut words);
    words
}

fn plain_words(text: &str, words: &mut String) {
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric() && !matches!(character, '-' | '…'));
        // Capitals are what is filled in, and so are numbers; an abbreviation is both here and there.
        let is_filled_in = bare.contains('…') || !bare.contains(char::is_lowercase);
        words.push_str(if is_filled_in { "…" } else { bare });
        words.push_str(if word.ends_with(':') { " … " } else { " " });
    }
}

/// Two words and more that follow each other.
fn runs(text: &str) -> Vec<String> {
    let words = words(text);
    let runs = words.split('…').filter(|run| run.split_whitespace().count() > 1);
    runs.map(str::to_owned).collect()
}

fn document() -> Result<String> {
    let path = root().join("scripts/MESSAGES.md");
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The code in the first column of tables.
fn spans(document: &str) -> Vec<Span> {
    let firsts = document.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let spans = firsts.flat_map(|first| {
        let kind = match first.split_once(' ') {
            Some(("error", _)) => Kind::Error,
            Some(("warning", _)) => Kind::Warning,
            Some(_) | None => Kind::Any,
        };
        codes(first).map(move |text| Span { kind, text: text.to_owned() })
    });
    spans.collect()
}

/// What stands between as many backticks before and behind it.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begun = &rest[rest.find('`')?..];
        let mark = &begun[..begun.len() - begun.trim_start_matches('`').len()];
        let (code, after) = begun[mark.len()..].split_once(mark)?;
        rest = after;
        Some(code)
    })
}

/// What the sources say.
#[derive(Default)]
struct Sources {
    /// Every text.
    texts: Vec<String>,
    /// Those that are lines of a log.
    lines: Vec<Said>,
}

impl Sources {
    fn read() -> Result<Self> {
        let mut sources = Self::default();
        for directory in CRATES {
            sources.read_directory(&root().join(directory))?;
        }
        anyhow::ensure!(sources.lines.len() > 40, "only {} lines were found: is the logging done otherwise now?", sources.lines.len());
        Ok(sources)
    }

    fn read_directory(&mut self, directory: &Path) -> Result<()> {
        for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
            let path = entry?.path();
            let name = path.strip_prefix(root())?.to_str().context("a name of ours")?.to_owned();
            if TOOLS.iter().any(|tool| name.strip_prefix(tool).is_some_and(|rest| rest.starts_with(['/', '.']))) {
                continue;
            }
            if path.is_dir() {
                self.read_directory(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") && !name.ends_with("tests.rs") {
                let tokens = fs::read_to_string(&path)?.parse().map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
                self.read_tokens(&name, tokens);
            }
        }
        Ok(())
    }

    fn read_tokens(&mut self, file: &str, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) if group.to_string().replace(' ', "") == "[cfg(test)]" => {
                    // To the end of what is for tests.
                    at += tokens[at..].iter().position(is_end_of_item).map_or(0, |end| end + 1);
                }
                TokenTree::Group(group) => {
                    if let Some(kind) = kind_of(file, &tokens[..at - 1])
                        && let Some(text) = first_text(group.stream())
                    {
                        self.lines.push(Said { file: file.to_owned(), kind, text });
                    }
                    self.read_tokens(file, group.stream());
                }
                literal @ TokenTree::Literal(_) => self.texts.extend(text_of(literal)),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

fn is_end_of_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

/// What the text in a group is that follows these tokens, if it is a line of a log.
fn kind_of(file: &str, before: &[TokenTree]) -> Option<Kind> {
    let last: Vec<_> = before.iter().rev().take(3).map(ToString::to_string).collect();
    let last: Vec<_> = last.iter().map(String::as_str).collect();
    match last[..] {
        ["!", "error", ":"] => Some(Kind::Error),
        ["!", "warn", ":"] => Some(Kind::Warning),
        ["complain", ..] => Some(Kind::Any),
        ["error", ..] if LOGGED_ERRORS.contains(&file) => Some(Kind::Any),
        [..] => None,
    }
}

/// The first text in a group, as in the groups in it.
fn first_text(tokens: TokenStream) -> Option<String> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => first_text(group.stream()),
        literal @ TokenTree::Literal(_) => text_of(&literal),
        TokenTree::Ident(_) | TokenTree::Punct(_) => None,
    })
}

/// The value of a string literal.
fn text_of(literal: &TokenTree) -> Option<String> {
    let written = literal.to_string();
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    let mut lines = inner.split("\\\n");
    let first = lines.next()?.to_owned();
    Some(lines.fold(first, |text, line| text + line.trim_start()).replace("\\\"", "\""))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
