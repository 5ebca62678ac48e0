//! A token of the user's own for whoever reads `/metrics`: it opens nothing else, and outlives the host, as Prometheus needs it.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{private_file, secret, shell};

/// Shortest and longest token.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=256;

/// Longest file that is read.
const MAX_FILE: u64 = 1024;

/// What a reader of `/metrics` may show.
pub struct MetricsToken(String);

impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsToken(…)")
    }
}

/// What is wrong with a token's file, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The system refuses.
    #[error("--metrics-token {0}: {1}; make one with: umask 077; openssl rand -hex 16 >{2}")]
    Io(PathBuf, #[source] io::Error, String),
    /// Others could read or write it.
    #[error("--metrics-token {0}: mode {1:04o} lets others at it; `chmod 0600 {2}`")]
    Mode(PathBuf, u32, String),
    /// No token.
    #[error("--metrics-token {0}: one line of {least} to {most} letters and digits is expected", least = LENGTHS.start(), most = LENGTHS.end())]
    Content(PathBuf),
}

impl MetricsToken {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let io = |error| TokenError::Io(path.to_owned(), error, shell::quote_path(path));
        let file = fs::File::open(path).map_err(io)?;
        if let Some(mode) = private_file::mode_open_to_others(&file.metadata().map_err(io)?) {
            return Err(TokenError::Mode(path.to_owned(), mode, shell::quote_path(path)));
        }
        let mut text = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut text).map_err(io)?;
        Self::parse(&text).ok_or_else(|| TokenError::Content(path.to_owned()))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let token = str::from_utf8(text.trim_ascii()).ok()?;
        let is_token = LENGTHS.contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_token.then(|| Self(token.to_owned()))
    }

    /// Is it what was shown? Compared in constant time.
    pub fn is(&self, shown: &str) -> bool {
        secret::is_shown(&self.0, shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_and_long_enough() {
        let token = MetricsToken::parse(b"0123456789abcdef\n").unwrap();
        assert!(token.is("0123456789abcdef") && !token.is("0123456789abcdeg") && !token.is(""));
        for text in ["", "short", "0123456789abcdef 0123", "0123456789abcdef\nx", &"x".repeat(257), "0123456789abcdéf"] {
            assert!(MetricsToken::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn a_missing_file_names_the_command_that_makes_it() {
        let error = MetricsToken::read(Path::new("/no/such/token")).unwrap_err().to_string();
        assert!(error.contains("/no/such/token") && error.contains("openssl rand"), "{error}");
    }
}
