//! Columns that stand under each other, however wide their characters are.
//!
//! Cells may hold what others wrote: what reaches the lines from here is printable and nothing else.

use super::terminal::{Ink, Tone, printable};

/// On which side a column is even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The head of a column, and its side.
pub type Column = (&'static str, Side);

/// A row: how much it wants to be seen, and a cell for each column.
pub type Row = (Tone, Vec<String>);

/// The head and the rows, each a line with its columns aligned; the first is the head.
pub fn lines(columns: &[Column], rows: Vec<Row>, ink: Ink) -> Vec<String> {
    let head = (Tone::Faint, columns.iter().map(|(name, _)| (*name).to_owned()).collect());
    let mut all: Vec<Row> = vec![head];
    all.extend(rows.into_iter().map(|(tone, cells)| (tone, cells.iter().map(|cell| printable(cell)).collect())));
    let mut widths = vec![0; columns.len()];
    for (_, cells) in &all {
        for (most, cell) in widths.iter_mut().zip(cells) {
            *most = (*most).max(width(cell));
        }
    }
    all.iter().map(|(tone, cells)| ink.paint(*tone, &line(columns, &widths, cells))).collect()
}

fn line(columns: &[Column], widths: &[usize], cells: &[String]) -> String {
    let mut line = String::new();
    for (((_, side), most), cell) in columns.iter().zip(widths).zip(cells) {
        if !line.is_empty() {
            line.push_str("  ");
        }
        let blank = most - width(cell);
        match side {
            Side::Left => {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', blank));
            }
            Side::Right => {
                line.extend(std::iter::repeat_n(' ', blank));
                line.push_str(cell);
            }
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// As much of a line as has so many places. Its colours are kept, and end where they did.
pub fn cut(line: &str, places_there: usize) -> String {
    let (mut cut, mut taken, mut is_colour) = (String::new(), 0, false);
    for character in line.chars() {
        // What others wrote is printable: this is the beginning of an `Ink`'s word, and `m` its end.
        is_colour |= character == '\x1b';
        taken += if is_colour { 0 } else { places(character) };
        if is_colour || taken <= places_there {
            cut.push(character);
        }
        is_colour &= character != 'm';
    }
    cut
}

/// Places that a text takes on a terminal.
fn width(text: &str) -> usize {
    text.chars().map(places).sum()
}

/// Combining marks take none and East Asian wide characters take two (Unicode's East Asian Width, by block).
fn places(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1_f300..=0x1_f64f
        | 0x1_f900..=0x1_f9ff
        | 0x2_0000..=0x3_fffd => 2,
        _all_others => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [("NAME", Side::Left), ("N", Side::Right), ("", Side::Left)];

    fn row(name: &str, number: &str) -> Row {
        (Tone::Normal, vec![name.to_owned(), number.to_owned(), String::new()])
    }

    #[test]
    fn words_are_even_on_the_left_and_numbers_on_the_right() {
        let lines = lines(&COLUMNS, vec![row("a", "7"), row("longer", "1000")], Ink::Plain);
        assert_eq!(lines, ["NAME       N", "a          7", "longer  1000"]);
    }

    #[test]
    fn wide_and_combining_characters_move_no_column() {
        let lines = lines(&COLUMNS, vec![row("机器", "1"), row("e\u{301}tage", "2"), row("plain", "3")], Ink::Plain);
        assert_eq!(lines, ["NAME   N", "机器   1", "e\u{301}tage  2", "plain  3"]);
    }

    #[test]
    fn a_line_is_cut_by_its_places_and_its_colour_ends() {
        assert_eq!([cut("motes", 9), cut("motes", 3), cut("motes", 0)], ["motes", "mot", ""]);
        assert_eq!([cut("机器", 3), cut("e\u{301}tage", 1)], ["机", "e\u{301}"]);
        let coloured = Ink::Coloured.paint(Tone::Bad, "silent");
        assert_eq!(cut(&coloured, 2), Ink::Coloured.paint(Tone::Bad, "si"));
    }

    #[test]
    fn what_others_wrote_is_shown_and_not_obeyed_and_colour_changes_no_column() {
        let rows = || vec![(Tone::Bad, vec!["a\x1b[2J".to_owned(), "1".to_owned()]), row("b", "2")];
        assert_eq!(lines(&COLUMNS, rows(), Ink::Plain), ["NAME        N", "a\\u{1b}[2J  1", "b           2"]);
        let coloured = lines(&COLUMNS, rows(), Ink::Coloured);
        assert_eq!(coloured[1], "\x1b[31ma\\u{1b}[2J  1\x1b[0m");
    }
}
