//! What fits on a terminal: as many lines as it has, each as far as it goes.
//!
//! It is for what stays in its place. What goes on below itself, on a terminal or not, is shown whole.

use std::io;
use std::os::fd::AsRawFd;

use bus::descriptor;

use super::grid;

/// How much a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Lines, without the one below them that the cursor is on.
    lines: usize,
    /// Places in a line, without the last: erasing behind a character there would erase the character.
    places: usize,
}

impl Screen {
    /// What standard output shows now; none when it is no terminal, or one that does not know its size.
    pub fn of_stdout() -> Option<Self> {
        Self::of(&io::stdout())
    }

    fn of(terminal: &impl AsRawFd) -> Option<Self> {
        let (rows, columns) = descriptor::window(terminal)?;
        Some(Self { lines: usize::from(rows.checked_sub(1)?), places: usize::from(columns.checked_sub(1)?) })
    }

    /// What is shown of these lines. If that is not all of them, the last one says how many rows are missing, and what shows them.
    pub fn fit(self, lines: &[String], whole: &str) -> Vec<String> {
        let mut shown: Vec<String> = lines.iter().take(self.lines).map(|line| grid::cut(line, self.places)).collect();
        if lines.len() > self.lines && shown.pop().is_some() {
            let missing = lines.len() - shown.len();
            shown.push(grid::cut(&format!("{missing} more rows; {whole}"), self.places));
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::{Winsize, openpty};

    fn fitted(lines: usize, places: usize) -> Vec<String> {
        Screen { lines, places }.fit(&["one", "two", "three"].map(str::to_owned), "all by magic")
    }

    #[test]
    fn what_fits_is_shown_and_else_the_last_line_says_how_much_is_not() {
        assert_eq!(fitted(3, 80), ["one", "two", "three"]);
        assert_eq!(fitted(2, 80), ["one", "2 more rows; all by magic"]);
        assert_eq!(fitted(1, 13), ["3 more rows; "]);
        assert_eq!(fitted(3, 2), ["on", "tw", "th"]);
        assert!(fitted(0, 80).is_empty());
    }

    #[test]
    fn a_terminal_that_changes_its_size_is_known_by_the_new_one_and_no_size_is_none() {
        let size = |ws_row, ws_col| Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        let screens = [size(24, 80), size(10, 200), size(0, 0)].map(|size| {
            let terminal = openpty(Some(&size), None).expect("Linux has pseudo-terminals");
            Screen::of(&terminal.slave)
        });
        assert_eq!(screens, [Some(Screen { lines: 23, places: 79 }), Some(Screen { lines: 9, places: 199 }), None]);
        let (_reader, pipe) = io::pipe().expect("made");
        assert_eq!(Screen::of(&pipe), None);
    }
}
