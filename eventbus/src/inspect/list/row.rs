//! One queue as it is shown, and what follows from what was seen of it.

use std::fmt;

use bus::clock;
use bus::queue::{Glance, QueueError};
use mqtypes::envelope::Sender;
use nix::unistd::{Uid, User};
use serde::{Serialize, Serializer};

use crate::inspect::name::QueueName;
use crate::inspect::process::ProcessName;
use crate::inspect::survey::{OpenQueue, Traces};

/// One queue as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name, without the kernel's slash.
    pub queue: String,
    /// The process that reads it; none for queues that are not declared.
    pub reader: Option<Sender>,
    /// How it is with it.
    #[serde(flatten)]
    pub standing: Standing,
    /// What was seen of it.
    #[serde(flatten)]
    pub facts: Facts,
}

/// How it is with a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// It is declared, and not there.
    Missing,
    /// Its reader is alive.
    Held {
        /// The reader.
        holder: ProcessName,
    },
    /// It is there, and nobody reads it.
    Orphan,
    /// It is there, and we could not look into it.
    Closed {
        /// What the system said.
        cause: String,
    },
    /// Its name was removed, but processes have it open.
    Unlinked {
        /// These.
        open_in: Vec<ProcessName>,
    },
}

/// What was seen of a queue; none of it for one that is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Messages that wait in it.
    pub waiting: Option<usize>,
    /// Messages it holds.
    pub depth: Option<usize>,
    /// Bytes a message may have.
    pub size: Option<usize>,
    /// Bytes that wait in it.
    pub bytes: Option<u64>,
    /// Who may read and write it.
    pub mode: Option<Mode>,
    /// Its owner's user id.
    pub uid: Option<u32>,
    /// Its owner's name, when the user has one.
    pub owner: Option<String>,
    /// Seconds since something last came or went.
    pub idle_s: Option<u64>,
}

/// Mode bits, shown as people write them: in octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Row {
    /// A row about `name`.
    pub fn new(name: &QueueName, standing: Standing, facts: Facts) -> Self {
        Self { queue: name.to_string(), reader: name.declared().map(|spec| spec.reader), standing, facts }
    }
}

/// A queue that could be opened.
pub fn of_glance(name: &QueueName, glance: &Glance, now: i64) -> Row {
    let standing = match glance.holder {
        Some(pid) => Standing::Held { holder: ProcessName::of(pid) },
        None => Standing::Orphan,
    };
    let traces = Traces { mode: glance.mode, uid: glance.uid, modified: glance.modified };
    let (waiting, depth, size) = (Some(glance.waiting), Some(glance.depth), Some(glance.size));
    Row::new(name, standing, Facts { waiting, depth, size, bytes: glance.bytes, ..Facts::of(&traces, now) })
}

/// A queue that is there and could not be opened. A mounted file system may tell something of it.
pub fn of_closed(name: &QueueName, error: &QueueError, traces: Option<&Traces>, now: i64) -> Row {
    let cause = match error {
        QueueError::Closed { .. } => "this user may not open it".to_owned(),
        other => other.to_string(),
    };
    Row::new(name, Standing::Closed { cause }, traces.map(|traces| Facts::of(traces, now)).unwrap_or_default())
}

/// A queue that has lost its name.
pub fn of_unlinked(open: &OpenQueue, now: i64) -> Row {
    let reader = QueueName::parse(&open.name).and_then(|name| name.declared()).map(|spec| spec.reader);
    let standing = Standing::Unlinked { open_in: open.processes.clone() };
    Row { queue: open.name.clone(), reader, standing, facts: Facts { bytes: open.bytes, ..Facts::of(&open.traces, now) } }
}

/// Puts queues that have lost their names behind the others. Of one that is missing because of that, nothing else is said.
pub fn with_unlinked(mut rows: Vec<Row>, unlinked: impl Iterator<Item = Row>) -> Vec<Row> {
    for row in unlinked {
        rows.retain(|other| other.standing != Standing::Missing || other.queue != row.queue);
        rows.push(row);
    }
    rows
}

impl Facts {
    fn of(traces: &Traces, now: i64) -> Self {
        Self {
            mode: Some(Mode(traces.mode)),
            uid: Some(traces.uid),
            owner: User::from_uid(Uid::from_raw(traces.uid)).ok().flatten().map(|user| user.name),
            // A clock that was set back makes it zero.
            idle_s: Some(u64::try_from(now - traces.modified).unwrap_or(0)),
            ..Self::default()
        }
    }
}

/// Unix time in whole seconds, as files bear it.
pub fn unix_seconds() -> i64 {
    i64::try_from(clock::unix_ms() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> QueueName {
        QueueName::parse(name).expect("valid")
    }

    #[test]
    fn a_queue_that_is_missing_because_it_was_unlinked_is_told_once() {
        let missing = |queue: &str| Row::new(&name(queue), Standing::Missing, Facts::default());
        let open = OpenQueue {
            name: "lbr.eventbus".to_owned(),
            is_unlinked: true,
            processes: vec![],
            traces: Traces { mode: 0o600, uid: 0, modified: 90 },
            bytes: Some(7),
        };
        let rows = with_unlinked(vec![missing("lbr.eventbus"), missing("lbr.ui-proxy")], [of_unlinked(&open, 100)].into_iter());
        let names: Vec<_> = rows.iter().map(|row| (row.queue.as_str(), row.facts.bytes)).collect();
        assert_eq!(names, [("lbr.ui-proxy", None), ("lbr.eventbus", Some(7))]);
    }

    #[test]
    fn json_says_how_it_is_and_leaves_the_unknown_null() {
        let glance =
            Glance { waiting: 1, bytes: None, depth: 10, size: 8192, mode: 0o600, uid: u32::MAX - 1, gid: 0, modified: 200, holder: None };
        let row = of_glance(&name("lbr.tap-1"), &glance, 100);
        assert_eq!(
            serde_json::to_string(&row).expect("plain data"),
            r#"{"queue":"lbr.tap-1","reader":null,"standing":"orphan","waiting":1,"depth":10,"size":8192,"bytes":null,"mode":"0600","uid":4294967294,"owner":null,"idle_s":0}"#
        );
        let missing = Row::new(&name("lbr.serial-bridge"), Standing::Missing, Facts::default());
        let json = serde_json::to_value(missing).expect("plain data");
        assert_eq!((json["standing"].as_str(), json["reader"].as_str()), (Some("missing"), Some("serial-bridge")));
    }
}
