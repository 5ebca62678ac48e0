//! Plain text as roff: escaped, and with its lines as they are where they mean something.

use std::fmt::Write;

/// A paragraph's text, without markup. Fences of code in it become bold.
pub fn text(text: &str) -> String {
    let mut roff = String::new();
    for (index, part) in text.split('`').enumerate() {
        let (start, end) = if index % 2 == 1 { ("\\fB", "\\fR") } else { ("", "") };
        roff.push_str(start);
        roff.push_str(&escape(part));
        roff.push_str(end);
    }
    roff.lines().map(|line| guard(line.trim()) + "\n").collect()
}

/// Lines that stay as they are.
pub fn literal(text: &str) -> String {
    let lines: String = text.lines().map(|line| guard(&escape(line)) + "\n").collect();
    format!(".nf\n{lines}.fi\n")
}

/// A macro with one argument.
pub fn call(name: &str, argument: &str) -> String {
    format!(".{name} \"{}\"\n", escape(argument).replace('"', "\\(dq"))
}

/// Escapes what roff would understand, or draw otherwise than it is typed.
fn escape(text: &str) -> String {
    let mut roff = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => roff.push_str("\\(rs"),
            '-' => roff.push_str("\\-"),
            '\'' => roff.push_str("\\(aq"),
            '`' => roff.push_str("\\(ga"),
            '^' => roff.push_str("\\(ha"),
            '~' => roff.push_str("\\(ti"),
            letter if letter.is_ascii() => roff.push(letter),
            letter => {
                let _ = write!(roff, "\\[u{:04X}]", u32::from(letter));
            }
        }
    }
    roff
}

/// A line that begins as a request does is none.
fn guard(line: &str) -> String {
    if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() }
}
