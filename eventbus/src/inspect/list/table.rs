//! The list as a person reads it: aligned, what matters last in each line, hints below.

use std::path::Path;
use std::time::Duration;

use super::row::{Row, Standing};
use crate::inspect::grid::{self, Column, Side};
use crate::inspect::survey::UNMOUNTED;
use crate::inspect::terminal::{Ink, Tone, printable};
use crate::inspect::time::span;

const COLUMNS: [Column; 8] = [
    ("QUEUE", Side::Left),
    ("MESSAGES", Side::Right),
    ("EACH UP TO", Side::Right),
    ("BYTES", Side::Right),
    ("MODE", Side::Left),
    ("OWNER", Side::Left),
    ("LAST MOVED", Side::Right),
    ("HELD BY", Side::Left),
];

/// The whole text.
pub fn text(rows: &[Row], mounted_at: Option<&Path>, ink: Ink) -> String {
    let lines = grid::lines(&COLUMNS, rows.iter().map(|row| (tone(&row.standing), cells(row))).collect(), ink);
    let mut text = lines.join("\n") + "\n";
    text.extend(hints(rows, mounted_at).iter().map(|hint| format!("\n{hint}\n")));
    text
}

/// Where what stands in the shorter table.
const FILL: [usize; 5] = [0, 1, 3, 6, 7];

/// How full each queue is, a line each.
pub fn fills(rows: &[Row], ink: Ink) -> Vec<String> {
    let short = |row: &Row| {
        let cells = cells(row);
        (tone(&row.standing), FILL.map(|at| cells[at].clone()).to_vec())
    };
    grid::lines(&FILL.map(|at| COLUMNS[at]), rows.iter().map(short).collect(), ink)
}

fn tone(standing: &Standing) -> Tone {
    match standing {
        Standing::Held { .. } => Tone::Normal,
        Standing::Closed { .. } => Tone::Faint,
        Standing::Orphan | Standing::Unlinked { .. } => Tone::Warning,
        Standing::Missing => Tone::Bad,
    }
}

fn cells(row: &Row) -> Vec<String> {
    let unknown = || "-".to_owned();
    let facts = &row.facts;
    let messages = facts.waiting.zip(facts.depth).map(|(waiting, depth)| format!("{waiting}/{depth}"));
    let owner = facts.owner.clone().or_else(|| facts.uid.map(|uid| uid.to_string()));
    vec![
        row.queue.clone(),
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
        (Standing::Closed { cause }, _) => format!("unknown: {cause}"),
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
pub mod tests {
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

    /// A queue of each standing.
    pub fn some_rows() -> Vec<Row> {
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
