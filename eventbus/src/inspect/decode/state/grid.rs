//! Columns that stand under each other.

/// On which side a column is even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The head and the rows, each a line with its columns aligned; the first is the head.
pub fn lines<const N: usize>(columns: [(&str, Side); N], rows: Vec<[String; N]>) -> Vec<String> {
    let all: Vec<_> = [columns.map(|(name, _)| name.to_owned())].into_iter().chain(rows).collect();
    let mut widths = [0; N];
    for cells in &all {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let aligned = cells.iter().zip(widths).zip(columns).map(|((cell, width), (_, side))| match side {
            Side::Left => format!("{cell:<width$}"),
            Side::Right => format!("{cell:>width$}"),
        });
        aligned.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_even_on_the_left_and_numbers_on_the_right() {
        let row = |name: &str, number: &str| [name.to_owned(), number.to_owned(), String::new()];
        let columns = [("NAME", Side::Left), ("N", Side::Right), ("", Side::Left)];
        assert_eq!(lines(columns, vec![row("a", "7"), row("longer", "1000")]), ["NAME       N", "a          7", "longer  1000"]);
    }
}
