//! The list as a person reads it: aligned, what matters last in each line, hints below.

use std::path::Path;
use std::time::Duration;

use super::row::{Row, Standing};
use crate::inspect::survey::UNMOUNTED;
use crate::inspect::terminal::{Ink, Tone, printable};
use crate::inspect::time::span;

const HEAD: [&str; COLUMNS] = ["QUEUE", "MESSAGES", "EACH UP TO", "BYTES", "MODE", "OWNER", "LAST MOVED", "HELD BY"];
const COLUMNS: usize = 8;

/// How a column is aligned.
#[derive(Debug, Clone, Copy)]
enum Side {
    Left,
    Right,
}

const SIDES: [Side; COLUMNS] = [Side::Left, Side::Right, Side::Right, Side::Right, Side::Left, Side::Left, Side::Right, Side::Left];

/// The whole text.
pub fn text(rows: &[Row], mounted_at: Option<&Path>, ink: Ink) -> String {
    let mut lines = vec![(Tone::Faint, HEAD.map(str::to_owned))];
    lines.extend(rows.iter().map(|row| (tone(&row.standing), cells(row))));
    let mut widths = [0; COLUMNS];
    for (_, cells) in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text: String = lines.iter().map(|(tone, cells)| line(*tone, cells, &widths, ink)).collect();
    text.extend(hints(rows, mounted_at).iter().map(|hint| format!("\n{hint}\n")));
    text
}

fn line(tone: Tone, cells: &[String; COLUMNS], widths: &[usize; COLUMNS], ink: Ink) -> String {
    let aligned = cells.iter().zip(widths).zip(SIDES).map(|((cell, width), side)| match side {
        Side::Left => format!("{cell:<width$}"),
        Side::Right => format!("{cell:>width$}"),
    });
    let aligned: Vec<_> = aligned.collect();
    ink.paint(tone, aligned.join("  ").trim_end()) + "\n"
}

fn tone(standing: &Standing) -> Tone {
    match standing {
        Standing::Held { .. } => Tone::Normal,
        Standing::Closed { .. } => Tone::Faint,
        Standing::Orphan | Standing::Unlinked { .. } => Tone::Warning,
        Standing::Missing => Tone::Bad,
    }
}

fn cells(row: &Row) -> [String; COLUMNS] {
    let unknown = || "-".to_owned();
    let facts = &row.facts;
    let messages = facts.waiting.zip(facts.depth).map(|(waiting, depth)| format!("{waiting}/{depth}"));
    let owner = facts.owner.as_deref().map(printable).or_else(|| facts.uid.map(|uid| uid.to_string()));
    [
        printable(&row.queue),
        messages.unwrap_or_else(unknown),
        facts.size.map_or_else(unknown, |size| size.to_string()),
        facts.bytes.map_or_else(unknown, |bytes| bytes.to_string()),
        facts.mode.map_or_else(unknown, |mode| mode.to_string()),
        owner.unwrap_or_else(unknown),
        // The kernel tells whole seconds: what moved just now may be a second ago.
        facts.idle_s.map_or_else(unknown, |idle| format!("{} ago", span(Duration::from_secs(idle.max(1))))),
        holder(row),
    ]
}

fn holder(row: &Row) -> String {
    match (&row.standing, row.reader) {
        (Standing::Missing, Some(reader)) => format!("not there: its owner is not running ({reader})"),
        (Standing::Missing, None) => "not there".to_owned(),
        (Standing::Held { holder }, _) => holder.to_string(),
        (Standing::Orphan, Some(reader)) => format!("nobody: its owner is not running ({reader})"),
        (Standing::Orphan, None) => "nobody: left over".to_owned(),
        (Standing::Closed { cause }, _) => format!("unknown: {}", printable(cause)),
        (Standing::Unlinked { open_in }, _) => {
            let processes: Vec<_> = open_in.iter().map(ToString::to_string).collect();
            format!("unlinked, and still open in {}", processes.join(", "))
        }
    }
}

/// What the table cannot say, and the way out of what it says.
fn hints(rows: &[Row], mounted_at: Option<&Path>) -> Vec<String> {
    let mut hints = Vec::new();
    let left_over = rows.iter().find(|row| row.standing == Standing::Orphan && row.reader.is_none());
    match (mounted_at, left_over) {
        (None, _) => hints.push(UNMOUNTED.to_owned()),
        (Some(_), Some(row)) => {
            let name = printable(&row.queue);
            hints.push(format!("A queue that is left over takes memory until it is removed: mq-inspect unlink {name}"));
        }
        (Some(_), None) => {}
    }
    if let Some(reader) = rows.iter().filter(|row| matches!(row.standing, Standing::Unlinked { .. })).find_map(|row| row.reader) {
        hints.push(format!("If {reader} itself has an unlinked queue open, it hears nothing any more: restart it."));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::list::row::{Facts, Mode};
    use crate::inspect::name::QueueName;
    use crate::inspect::process::ProcessName;

    fn row(queue: &str, standing: Standing, facts: Facts) -> Row {
        Row::new(&QueueName::parse(queue).expect("valid"), standing, facts)
    }

    fn facts(waiting: usize, size: usize, idle: u64) -> Facts {
        Facts {
            waiting: Some(waiting),
            depth: Some(10),
            size: Some(size),
            bytes: Some(waiting as u64 * 129),
            mode: Some(Mode(0o600)),
            uid: Some(998),
            owner: Some("lbr".to_owned()),
            idle_s: Some(idle),
        }
    }

    fn some_rows() -> Vec<Row> {
        let held = |process: &str, pid| Standing::Held { holder: ProcessName { pid, process: process.to_owned() } };
        let unlinked = Standing::Unlinked {
            open_in: vec![ProcessName { pid: 7, process: "ui-proxy".to_owned() }, ProcessName { pid: 812, process: "eventbus".to_owned() }],
        };
        let only_traces = Facts { waiting: None, depth: None, size: None, ..facts(0, 0, 9_000) };
        vec![
            row("lbr.eventbus", held("eventbus", 812), facts(0, 8192, 0)),
            row("lbr.serial-bridge", Standing::Missing, Facts::default()),
            row("lbr.ui-proxy", Standing::Orphan, facts(3, 8192, 600)),
            row("lbr.odd\x1b[m", Standing::Closed { cause: "this user may not open it".to_owned() }, only_traces.clone()),
            row("lbr.tap-4711", Standing::Orphan, facts(10, 8192, 200_000)),
            row("lbr.ui-proxy", unlinked, only_traces),
        ]
    }

    #[test]
    fn the_table_is_aligned_and_says_what_is_wrong() {
        let expected = "\
QUEUE              MESSAGES  EACH UP TO  BYTES  MODE  OWNER      LAST MOVED  HELD BY
lbr.eventbus           0/10        8192      0  0600  lbr           1 s ago  eventbus (812)
lbr.serial-bridge         -           -      -  -     -                   -  not there: its owner is not running (serial-bridge)
lbr.ui-proxy           3/10        8192    387  0600  lbr        10 min ago  nobody: its owner is not running (ui-proxy)
lbr.odd\\u{1b}[m           -           -      0  0600  lbr    2 h 30 min ago  unknown: this user may not open it
lbr.tap-4711          10/10        8192   1290  0600  lbr       2 d 7 h ago  nobody: left over
lbr.ui-proxy              -           -      0  0600  lbr    2 h 30 min ago  unlinked, and still open in ui-proxy (7), eventbus (812)

A queue that is left over takes memory until it is removed: mq-inspect unlink lbr.tap-4711

If ui-proxy itself has an unlinked queue open, it hears nothing any more: restart it.
";
        assert_eq!(text(&some_rows(), Some(Path::new("/dev/mqueue")), Ink::Plain), expected);
    }

    #[test]
    fn colour_changes_no_column() {
        let strip = |text: String| text.replace("\x1b[2m", "").replace("\x1b[31m", "").replace("\x1b[33m", "").replace("\x1b[0m", "");
        let coloured = text(&some_rows(), None, Ink::Coloured);
        assert!(coloured.contains("\x1b[31mlbr.serial-bridge"));
        assert_eq!(strip(coloured), text(&some_rows(), None, Ink::Plain));
    }

    #[test]
    fn without_a_mount_the_table_says_what_it_cannot_see() {
        let text = text(&some_rows()[..2], None, Ink::Plain);
        assert!(text.ends_with("mount -t mqueue none /dev/mqueue\n"), "{text}");
    }
}
