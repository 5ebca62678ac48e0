//! `mq-inspect drain`: takes what waits in a queue out of it, for good, and prints it.
//!
//! It is the one subcommand that receives from a queue of somebody else's. Whoever reads that queue will
//! never get what was taken: so a living reader's queue is left alone, unless that is forced, and a person
//! is asked first.

mod message;

use std::io::{self, BufRead, IsTerminal, Read, Write};

use bus::moment::Moment;
use bus::process::Failure;
use bus::queue::{self, DrainedQueue, Glance, QueueError};
use clap::Args;
use mqtypes::queues::kernel_name;

use super::End;
use super::name::QueueName;
use super::options::{Set, queue_name};
use super::process::ProcessName;
use super::tap::Form;
use super::terminal::{self, Ink, Reader, complain};

/// `mq-inspect drain`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is taken is printed, and nobody else will ever get it. Messages that come meanwhile stay. What
may be the network's key is not shown.")]
pub struct DrainOptions {
    #[command(flatten)]
    pub set: Set,

    /// As `list` names it, or without the instance
    #[arg(value_name = "QUEUE", value_parser = queue_name)]
    pub queue: String,

    /// Do not ask first
    #[arg(long)]
    pub yes: bool,

    /// Take even what a running process is about to read
    #[arg(long)]
    pub force: bool,

    /// Print one JSON object for each thing in a message
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
pub fn run(options: &DrainOptions) -> Result<End, Failure> {
    let name = QueueName::within(&options.set.instance, &options.queue);
    let kernel_name = kernel_name(&name.instance, &name.inbox);
    let seen = match queue::glance(&kernel_name) {
        Ok(seen) => seen,
        Err(QueueError::Missing { .. }) => {
            complain(&format!("{name}: not there; `mq-inspect list` shows those that are"));
            return Ok(End::NothingThere);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(pid) = seen.holder.filter(|_| !options.force) {
        let holder = ProcessName::of(pid);
        complain(&format!("{name}: left alone: {holder} reads it; stop that first, or take its messages away from it with --force"));
        return Ok(End::Refused);
    }
    if seen.waiting == 0 {
        complain(&format!("{name}: nothing is in it"));
        return Ok(End::Done);
    }
    if !options.yes && !is_confirmed(&name, &seen)? {
        return Ok(End::Refused);
    }
    let form = if options.json { Form::Json } else { Form::Text(Ink::of_stdout()) };
    take(&name, &kernel_name, &seen, form)?;
    Ok(End::Done)
}

/// Asks the person; without one nothing is done.
fn is_confirmed(name: &QueueName, seen: &Glance) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        complain(&format!("{name}: nothing was taken: nobody can be asked; say --yes to take {} messages out for good", seen.waiting));
        return Ok(false);
    }
    let question = format!("{name}: {} messages are taken out for good, and nobody else will get them. Go on? [y/N] ", seen.waiting);
    io::stderr().write_all(terminal::printable(&question).as_bytes())?;
    let mut answer = String::new();
    // A line is enough, and no line is a no.
    io::stdin().lock().take(64).read_line(&mut answer)?;
    let is_yes = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
    if !is_yes {
        complain(&format!("{name}: nothing was taken"));
    }
    Ok(is_yes)
}

/// Takes as many as were there, one by one, as long as somebody reads what is printed of them.
fn take(name: &QueueName, kernel_name: &str, seen: &Glance, form: Form) -> Result<(), Failure> {
    let queue = DrainedQueue::open(kernel_name).map_err(|error| match error {
        QueueError::Closed { .. } => Failure::Environment(format!("{kernel_name}: only its owner and root may read it")),
        other => other.into(),
    })?;
    let mut buffer = vec![0; seen.size];
    let mut taken = 0;
    while taken < seen.waiting {
        let received = queue.receive(&mut buffer).map_err(|error| Failure::Environment(format!("{kernel_name}: {error}")))?;
        let Some(len) = received else { break };
        taken += 1;
        let lines = message::lines(name, &buffer[..len], Moment::read(), form);
        if terminal::print_to(&(lines.join("\n") + "\n"))? == Reader::Gone {
            break;
        }
    }
    complain(&format!("{name}: messages taken: {taken}"));
    Ok(())
}
