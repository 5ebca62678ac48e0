//! `mq-inspect motes`: every mote with what matters most of it, on one line each.

mod object;
mod table;

use bus::process::Failure;
use clap::Args;

use super::End;
use super::options::Set;
use super::terminal::Ink;
use super::view;
use super::watch::{Blocks, Form, WatchOptions};

pub use object::{Object, object};
pub use table::{lines, role};

/// `mq-inspect motes`.
#[derive(Debug, Args)]
#[command(after_help = "\
HEARD is when the mote's last frame or packet came, TOLD when the newest of parent, neighbours,
cells and queue was. A star marks what was told before the mote's last boot, a plus a table that was
not told to its end yet. Motes without a port are known by what they send up through a root.")]
pub struct MotesOptions {
    #[command(flatten)]
    pub set: Set,

    #[command(flatten)]
    pub watch: WatchOptions,

    /// Print one JSON object; times are Unix time in milliseconds
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
pub fn run(options: &MotesOptions) -> Result<End, Failure> {
    let form = if options.json { Form::Json } else { Form::Text };
    let ink = Ink::of_stdout();
    let blocks = Blocks::new(options.watch.place(form), "without --watch all are shown, by `mq-inspect show MOTE` one mote");
    view::run(&options.set.instance, options.watch.every(), blocks, &|picture, now| match form {
        Form::Json => Ok(vec![object::text(picture, now)]),
        Form::Text if picture.motes().next().is_none() && !options.watch.watch => Err(table::NO_MOTE.to_owned()),
        Form::Text => Ok(lines(picture, now.mono, ink)),
    })
}
