//! `mq-inspect unlink`: removes queues, so that a set that was stopped leaves nothing behind.
//!
//! A queue that a process reads stays unless that is forced: the process would hear nothing any more,
//! and nothing would tell it.

use std::fmt;

use bus::process::Failure;
use bus::queue::{self, QueueError};
use mqtypes::queues::kernel_name;
use serde::Serialize;

use super::End;
use super::name::{self, QueueName, Scope};
use super::options::UnlinkOptions;
use super::process::ProcessName;
use super::survey::{self, Survey};
use super::terminal::{self, complain, plain_json, printable};

/// Which queues may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Those that nobody reads.
    Unread,
    /// Any.
    Forced,
}

/// A queue and what became of it.
#[derive(Debug, Serialize)]
struct Removal {
    queue: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What became of a queue.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Outcome {
    /// It is gone.
    Removed {
        /// Messages that were in it.
        messages: usize,
    },
    /// It was not there.
    NotThere,
    /// A process reads it.
    Held {
        /// The reader; none when the kernel does not tell.
        holder: Option<ProcessName>,
    },
    /// The system refused.
    Refused {
        /// What it said.
        cause: String,
    },
}

/// Runs it.
pub fn run(options: &UnlinkOptions) -> Result<End, Failure> {
    let instance = &options.set.instance;
    let manner = if options.force { Manner::Forced } else { Manner::Unread };
    let (removals, remark) = if options.queues.is_empty() {
        let survey = Survey::take();
        let mut removals = remove_all(set(instance, &survey), manner)?;
        removals.retain(|removal| removal.outcome != Outcome::NotThere);
        let remark = remark(instance, &removals, &survey);
        (removals, remark)
    } else {
        (remove_all(options.queues.iter().map(|name| QueueName::within(instance, name)), manner)?, String::new())
    };
    if options.json {
        terminal::print(&(plain_json(&removals) + "\n"))?;
    } else {
        tell(&removals)?;
        terminal::print(&remark)?;
    }
    Ok(if removals.iter().all(Removal::is_gone) { End::Done } else { End::Refused })
}

/// The declared queues of an instance and the taps that were found: not those of other programs, nor of newer versions.
fn set(instance: &str, survey: &Survey) -> impl Iterator<Item = QueueName> {
    let names = name::to_show(instance, Scope::Instance, &survey.names());
    names.into_iter().filter(|name| name.declared().is_some() || name.is_tap())
}

fn remove_all(names: impl Iterator<Item = QueueName>, manner: Manner) -> Result<Vec<Removal>, QueueError> {
    names.map(|name| Ok(Removal { outcome: remove(&name, manner)?, queue: name.to_string() })).collect()
}

fn remove(name: &QueueName, manner: Manner) -> Result<Outcome, QueueError> {
    let kernel_name = kernel_name(&name.instance, &name.inbox);
    let removed = match manner {
        Manner::Unread => queue::unlink_unowned(&kernel_name),
        Manner::Forced => queue::glance(&kernel_name).and_then(|seen| queue::unlink(&kernel_name).map(|()| seen.waiting)),
    };
    match removed {
        Ok(messages) => Ok(Outcome::Removed { messages }),
        Err(QueueError::Missing { .. }) => Ok(Outcome::NotThere),
        Err(QueueError::InUse { pid, .. }) => Ok(Outcome::Held { holder: pid.map(ProcessName::of) }),
        Err(QueueError::Closed { .. } | QueueError::NotAllowed { .. }) => {
            Ok(Outcome::Refused { cause: "another user made it; remove it as that user or as root".to_owned() })
        }
        Err(QueueError::Unsupported) => Err(QueueError::Unsupported),
        Err(error) => Ok(Outcome::Refused { cause: error.to_string() }),
    }
}

/// What is to be said of a whole set beside its queues.
fn remark(instance: &str, removals: &[Removal], survey: &Survey) -> String {
    let nothing = if removals.is_empty() { format!("instance {instance}: no queue is there\n") } else { String::new() };
    let unseen = if survey.mounted_at.is_none() { format!("{}\n", survey::UNMOUNTED) } else { String::new() };
    nothing + &unseen
}

/// What is gone is the result; what was kept is a complaint.
fn tell(removals: &[Removal]) -> Result<(), Failure> {
    for removal in removals {
        if removal.is_gone() { terminal::print(&format!("{removal}\n"))? } else { complain(&removal.to_string()) }
    }
    Ok(())
}

impl Removal {
    fn is_gone(&self) -> bool {
        match self.outcome {
            Outcome::Removed { .. } | Outcome::NotThere => true,
            Outcome::Held { .. } | Outcome::Refused { .. } => false,
        }
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", printable(&self.queue))?;
        match &self.outcome {
            Outcome::Removed { messages: 0 } => f.write_str("removed; nothing was in it"),
            Outcome::Removed { messages: 1 } => f.write_str("removed, with 1 message in it"),
            Outcome::Removed { messages } => write!(f, "removed, with {messages} messages in it"),
            Outcome::NotThere => f.write_str("not there"),
            Outcome::Held { holder } => {
                let holder = holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string);
                write!(f, "kept: {holder} reads it; stop that first, or take the queue away from it with --force")
            }
            Outcome::Refused { cause } => write!(f, "kept: {cause}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removal(outcome: Outcome) -> Removal {
        Removal { queue: "lbr.odd\x1b".to_owned(), outcome }
    }

    #[test]
    fn each_outcome_is_told_in_a_line() {
        for (outcome, expected) in [
            (Outcome::Removed { messages: 0 }, "removed; nothing was in it"),
            (Outcome::Removed { messages: 1 }, "removed, with 1 message in it"),
            (Outcome::Removed { messages: 10 }, "removed, with 10 messages in it"),
            (Outcome::NotThere, "not there"),
            (
                Outcome::Held { holder: None },
                "kept: another process reads it; stop that first, or take the queue away from it with --force",
            ),
            (Outcome::Refused { cause: "because".to_owned() }, "kept: because"),
        ] {
            assert_eq!(removal(outcome).to_string(), format!("lbr.odd\\u{{1b}}: {expected}"));
        }
    }

    #[test]
    fn programs_are_told_who_reads_a_queue() {
        let holder = Some(ProcessName { pid: 812, process: "eventbus".to_owned() });
        let removals = [removal(Outcome::Held { holder }), removal(Outcome::NotThere)];
        assert_eq!(
            serde_json::to_string(&removals).expect("plain data"),
            r#"[{"queue":"lbr.odd\u001b","outcome":"held","holder":{"pid":812,"process":"eventbus"}},{"queue":"lbr.odd\u001b","outcome":"not-there"}]"#
        );
    }
}
