//! `mq-inspect list`: every queue of an instance, what waits in it and who holds it.
//!
//! A queue is opened and looked at, never received from. What cannot be known stays unknown: nothing
//! here guesses.

mod row;
mod table;

use bus::process::Failure;
use bus::queue::{self, QueueError};
use mqtypes::queues::kernel_name;
use serde::Serialize;

use super::End;
use super::name::{self, QueueName, Scope};
use super::options::ListOptions;
use super::survey::Survey;
use super::terminal::{self, Ink, plain_json};
use row::{Facts, Standing};

pub use row::Row;
pub use table::fills;
#[cfg(test)]
pub use table::tests::some_rows;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    instance: &'a str,
    /// Where a mqueue file system is mounted; null for nowhere.
    mounted_at: Option<&'a std::path::Path>,
    queues: &'a [Row],
}

/// Runs it.
pub fn run(options: &ListOptions) -> Result<End, Failure> {
    let instance = &options.set.instance;
    let scope = if options.all { Scope::All } else { Scope::Instance };
    let survey = Survey::take();
    let rows = gather(instance, scope, &survey)?;
    let text = if options.json {
        let document = Document { instance, mounted_at: survey.mounted_at.as_deref(), queues: &rows };
        plain_json(&document) + "\n"
    } else {
        table::text(&rows, survey.mounted_at.as_deref(), Ink::of_stdout())
    };
    terminal::print(&text)?;
    Ok(if rows.iter().any(|row| row.standing != Standing::Missing) { End::Done } else { End::NothingThere })
}

/// Every queue of an instance.
pub fn survey(instance: &str) -> Result<Vec<Row>, QueueError> {
    gather(instance, Scope::Instance, &Survey::take())
}

fn gather(instance: &str, scope: Scope, survey: &Survey) -> Result<Vec<Row>, QueueError> {
    let now = row::unix_seconds();
    let found = survey.names();
    let mut rows = Vec::new();
    for name in name::to_show(instance, scope, &found) {
        rows.extend(look_at(&name, now, survey)?);
    }
    let unlinked = survey.unlinked().filter(|open| QueueName::parse(&open.name).is_some_and(|name| name.is_in(instance, scope)));
    Ok(row::with_unlinked(rows, unlinked.map(|open| row::of_unlinked(open, now))))
}

/// Looks at one queue. `None` for one that was found, is not declared, and is gone meanwhile.
fn look_at(name: &QueueName, now: i64, survey: &Survey) -> Result<Option<Row>, QueueError> {
    let kernel_name = kernel_name(&name.instance, &name.inbox);
    match queue::glance(&kernel_name) {
        Ok(glance) => Ok(Some(row::of_glance(name, &glance, now))),
        Err(QueueError::Missing { .. }) => Ok(name.declared().map(|_| Row::new(name, Standing::Missing, Facts::default()))),
        Err(QueueError::Unsupported) => Err(QueueError::Unsupported),
        Err(error) => Ok(Some(row::of_closed(name, &error, survey.traces(&name.to_string()), now))),
    }
}
