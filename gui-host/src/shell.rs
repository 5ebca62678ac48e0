//! Words for a shell: the commands that are shown to be copied. A POSIX shell, or on Windows either of its own.
//!
//! Nothing here is ever executed by the host, which starts `ssh` with a fixed argument vector.

use std::path::Path;

/// `word` as one word of the shell, quoted only where it must be.
pub fn quote(word: &str) -> String {
    if cfg!(windows) { quote_for_windows(word) } else { quote_for_posix(word) }
}

fn quote_for_posix(word: &str) -> String {
    if is_plain(word, "@%+=:,./_-") { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Neither a file name of Windows nor a host has a quotation mark in it; whatever else does loses it.
fn quote_for_windows(word: &str) -> String {
    if is_plain(word, "@+=:./\\_-") { word.to_owned() } else { format!("\"{}\"", word.replace('"', "")) }
}

fn is_plain(word: &str, signs: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}

/// A path as one word of the shell.
pub fn quote_path(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_and_others_are_quoted() {
        assert_eq!(quote("root@192.0.2.1"), "root@192.0.2.1");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("$(id)"), "'$(id)'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn the_shells_of_windows_have_double_quotes_only() {
        assert_eq!(quote_for_windows(r"C:\Users\me\ui.key"), r"C:\Users\me\ui.key");
        assert_eq!(quote_for_windows(r"C:\My Documents\ui.key"), r#""C:\My Documents\ui.key""#);
        assert_eq!(quote_for_windows(r#"a" & calc"#), r#""a & calc""#);
    }
}
