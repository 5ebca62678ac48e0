//! Patterns for device nodes, as a shell has them: `/dev/ttyUSB*`.
//!
//! Wildcards stand in the last part of the path only, so that one directory is watched and nothing is searched through.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A directory, and the names in it that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    directory: PathBuf,
    name: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Any,
    /// `[a-f]`, or `[!a-f]`
    Among {
        ranges: Vec<(u8, u8)>,
        sense: Sense,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    In,
    NotIn,
}

/// Does this path have wildcards?
pub fn has_wildcards(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

impl Pattern {
    /// As its owner wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the nodes are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Is a node of this name meant? Hidden ones are when the pattern names the dot.
    pub fn is_match(&self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        let is_hidden = name.first() == Some(&b'.') && self.name.first() != Some(&Token::Byte(b'.'));
        !is_hidden && is_match(&self.name, name)
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (directory, name) = text.rsplit_once('/').unwrap_or((".", text));
        if has_wildcards(directory) {
            return Err(format!("`{text}`: wildcards may stand in the last part of a path only, as in /dev/ttyUSB*"));
        }
        let name = tokens(name.as_bytes()).ok_or_else(|| format!("`{text}`: a `[` has no `]`, as in /dev/ttyUSB[0-3]"))?;
        let directory = PathBuf::from(if directory.is_empty() { "/" } else { directory });
        Ok(Self { text: text.to_owned(), directory, name })
    }
}

fn tokens(mut text: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    while let Some((first, rest)) = text.split_first() {
        text = rest;
        tokens.push(match first {
            b'*' => Token::Any,
            b'?' => Token::One,
            b'[' => {
                let (token, rest) = among(text)?;
                text = rest;
                token
            }
            byte => Token::Byte(*byte),
        });
    }
    // Several in a row mean the same as one, and cost more.
    tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
    Some(tokens)
}

/// What stands behind a `[`, and the rest behind its `]`. A `]` that comes first is meant itself.
fn among(text: &[u8]) -> Option<(Token, &[u8])> {
    let (sense, text) = match text.split_first() {
        Some((b'!' | b'^', rest)) => (Sense::NotIn, rest),
        _other => (Sense::In, text),
    };
    let end = 1 + text.get(1..)?.iter().position(|byte| *byte == b']')?;
    let (inside, rest) = (&text[..end], &text[end + 1..]);
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(from) = inside.get(at) {
        match inside.get(at + 1..at + 3) {
            Some([b'-', to]) => {
                ranges.push((*from, *to));
                at += 3;
            }
            _other => {
                ranges.push((*from, *from));
                at += 1;
            }
        }
    }
    Some((Token::Among { ranges, sense }, rest))
}

/// Goes back to the last `*` only: a name is read at most once for each of its bytes.
fn is_match(tokens: &[Token], name: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    loop {
        match tokens.get(token) {
            Some(Token::Any) => {
                again = Some((token + 1, at + 1));
                token += 1;
                continue;
            }
            Some(one) if at < name.len() && takes(one, name[at]) => {
                token += 1;
                at += 1;
                continue;
            }
            None if at == name.len() => return true,
            Some(_) | None => {}
        }
        match again {
            Some((after, next)) if next <= name.len() => {
                (token, at) = (after, next);
                again = Some((after, next + 1));
            }
            Some(_) | None => return false,
        }
    }
}

fn takes(token: &Token, byte: u8) -> bool {
    match token {
        Token::Byte(wanted) => *wanted == byte,
        Token::One => true,
        Token::Any => false,
        Token::Among { ranges, sense } => {
            let is_in = ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte));
            is_in == (*sense == Sense::In)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().expect(pattern).is_match(OsStr::new(name))
    }

    #[test]
    fn a_pattern_means_what_a_shell_means_by_it() {
        for (pattern, name) in [
            ("/dev/ttyUSB*", "ttyUSB0"),
            ("/dev/ttyUSB*", "ttyUSB"),
            ("/dev/tty[UA]*", "ttyACM12"),
            ("/dev/ttyUSB[0-3]", "ttyUSB2"),
            ("/dev/ttyUSB[!0-3]", "ttyUSB4"),
            ("/dev/ttyUSB?", "ttyUSB9"),
            ("/dev/serial/by-id/usb-FTDI*-port0", "usb-FTDI_X-if00-port0-port0"),
            ("/dev/*a*b*c", "xaxbxbc"),
            ("/dev/[]x]", "]"),
            ("/dev/.h*", ".hidden"),
        ] {
            assert!(check(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("/dev/ttyUSB*", "ttyUS"),
            ("/dev/ttyUSB*", "xttyUSB0"),
            ("/dev/ttyUSB[0-3]", "ttyUSB4"),
            ("/dev/ttyUSB?", "ttyUSB10"),
            ("/dev/*a*b*c", "xaxbxb"),
            ("/dev/*", ".hidden"),
        ] {
            assert!(!check(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_cannot_be_watched_is_refused_with_an_example() {
        for text in ["/dev/*/tty0", "/d?v/ttyUSB0*", "/dev/tty[", "/dev/tty[0-3"] {
            let error = text.parse::<Pattern>().expect_err(text);
            assert!(error.contains(text) && error.contains("/dev/ttyUSB"), "{error}");
        }
    }

    /// What a matcher says that tries everything.
    fn slow(tokens: &[Token], name: &[u8]) -> bool {
        match tokens.split_first() {
            None => name.is_empty(),
            Some((Token::Any, rest)) => (0..=name.len()).any(|skip| slow(rest, &name[skip..])),
            Some((one, rest)) => name.split_first().is_some_and(|(byte, left)| takes(one, *byte) && slow(rest, left)),
        }
    }

    proptest! {
        #[test]
        fn any_pattern_and_any_name_agree_with_trying_everything(pattern in "[ab*?\\[\\]!-]{0,10}", name in "[ab-]{0,12}") {
            if let Some(tokens) = tokens(pattern.as_bytes()) {
                prop_assert_eq!(is_match(&tokens, name.as_bytes()), slow(&tokens, name.as_bytes()));
            }
        }
    }
}
