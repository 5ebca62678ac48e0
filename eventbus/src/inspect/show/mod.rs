//! `mq-inspect show`: everything that is known of one mote, or one of its tables, each with its age.

mod object;
mod sheet;

use bus::process::Failure;
use clap::{Args, ValueEnum};

use super::End;
use super::mote_name::MoteName;
use super::options::Set;
use super::terminal::Ink;
use super::view;
use super::watch::{Blocks, Form, WatchOptions};

pub use sheet::lines;

/// `mq-inspect show`.
#[derive(Debug, Args)]
#[command(after_help = "\
MOTE is an EUI-64, its last four hex digits, or a port such as /dev/ttyUSB0 or ttyUSB0. Without a
SECTION all elements are shown, and of tables how much of them is known. What was told before the
mote's last boot says so.")]
pub struct ShowOptions {
    #[command(flatten)]
    pub set: Set,

    /// Which mote
    #[arg(value_name = "MOTE")]
    pub mote: MoteName,

    /// One of its tables: neighbors, schedule or queue
    #[arg(value_name = "SECTION", value_enum, hide_possible_values = true)]
    pub section: Option<Section>,

    #[command(flatten)]
    pub watch: WatchOptions,

    /// Print one JSON object; times are Unix time in milliseconds
    #[arg(long)]
    pub json: bool,
}

/// A table of a mote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Whom it hears.
    Neighbors,
    /// Its cells.
    Schedule,
    /// Its packets.
    Queue,
}

/// Runs it.
pub fn run(options: &ShowOptions) -> Result<End, Failure> {
    let form = if options.json { Form::Json } else { Form::Text };
    let ink = Ink::of_stdout();
    let blocks = Blocks::new(options.watch.place(form), "without --watch all are shown");
    view::run(&options.set.instance, options.watch.every(), blocks, &|picture, now| {
        let mote = options.mote.find(picture).map_err(|error| error.to_string())?;
        Ok(match form {
            Form::Json => vec![object::text(mote, options.section, now)],
            Form::Text => lines(mote, options.section, now.mono, ink),
        })
    })
}
