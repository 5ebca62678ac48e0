//! `mq-inspect send`: a command for a mote, and what becomes of it.
//!
//! The exit code is the outcome, so that a script need not read anything.

mod conversation;

use std::time::Duration;

use bus::process::Failure;
use clap::{Args, ValueEnum};
use mqtypes::broker::Topic;
use mqtypes::command::Action;

use super::End;
use super::mote_name::MoteName;
use super::options::Set;
use super::subscriber::{self, Followed};
use super::terminal::Ink;
use super::watch::Form;
use conversation::{Conversation, Patience};

/// `mq-inspect send`.
#[derive(Debug, Args)]
#[command(after_help = "\
Commands:
  set-dagroot MOTE on|off  Be the DAG root, or not; kept, and told again after each boot of the mote
  toggle-dagroot MOTE      The opposite of the wanted role, else of the reported one
  reset-mote MOTE          Boot anew
  echo-mote MOTE           Serial echo test: --count echoes of --size bytes

MOTE is an EUI-64, its last four hex digits, or a port such as /dev/ttyUSB0 or ttyUSB0.
Exit status: 0 confirmed by the mote (with --no-wait: accepted), 1 eventbus is not running or does
not answer, 2 wrong command line, 3 refused, or MOTE is none or several, 4 timed out, 5 failed,
69 the system refused.")]
pub struct SendOptions {
    #[command(flatten)]
    pub set: Set,

    /// What to do: set-dagroot, toggle-dagroot, reset-mote or echo-mote
    #[arg(value_name = "COMMAND", value_enum, hide_possible_values = true)]
    pub order: Order,

    /// For which mote
    #[arg(value_name = "MOTE")]
    pub mote: MoteName,

    /// For set-dagroot: on or off
    #[arg(value_name = "ROLE", value_enum, hide_possible_values = true)]
    pub role: Option<Role>,

    /// For echo-mote: how many echoes, up to 1000 [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: Option<u16>,

    /// For echo-mote: bytes in each, up to 196 [default: 32]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u8).range(..=MOST_ECHOED))]
    pub size: Option<u8>,

    /// After so many seconds it is timed out and never done
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u16).range(1..=300))]
    pub deadline: u16,

    /// End as soon as it is accepted
    #[arg(long)]
    pub no_wait: bool,

    /// Print one JSON object for each step
    #[arg(long)]
    pub json: bool,
}

/// The firmware's input buffer takes no longer echo.
const MOST_ECHOED: i64 = crate::frame::MAX_ECHO as i64;

/// An echo test unless told otherwise: long enough to find a bad line, short enough to be waited for.
const USUAL_ECHO: (u16, u8) = (10, 32);

/// What to do, by the names of the UI link; short ones beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Be root, or not.
    SetDagroot,
    /// Be the opposite.
    ToggleDagroot,
    /// Boot anew.
    #[value(alias = "reset")]
    ResetMote,
    /// Send back.
    #[value(alias = "echo")]
    EchoMote,
}

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// DAG root.
    On,
    /// Not.
    Off,
}

impl Order {
    /// Its name in the UI link.
    pub fn name(self) -> &'static str {
        match self {
            Self::SetDagroot => "set-dagroot",
            Self::ToggleDagroot => "toggle-dagroot",
            Self::ResetMote => "reset-mote",
            Self::EchoMote => "echo-mote",
        }
    }
}

impl SendOptions {
    /// The action; the error says which argument is missing or too many.
    pub fn action(&self) -> Result<Action, String> {
        let name = self.order.name();
        if self.role.is_some() && self.order != Order::SetDagroot {
            return Err(format!("{name} takes no ROLE; only set-dagroot does"));
        }
        if (self.count.is_some() || self.size.is_some()) && self.order != Order::EchoMote {
            return Err(format!("{name} takes neither --count nor --size; only echo-mote does"));
        }
        match self.order {
            Order::SetDagroot => {
                let role = self.role.ok_or("set-dagroot needs `on` or `off` after the mote, as in: send set-dagroot 0001 on")?;
                Ok(Action::SetDagroot { on: role == Role::On })
            }
            Order::ToggleDagroot => Ok(Action::ToggleDagroot),
            Order::ResetMote => Ok(Action::Reset),
            Order::EchoMote => Ok(Action::Echo { count: self.count.unwrap_or(USUAL_ECHO.0), size: self.size.unwrap_or(USUAL_ECHO.1) }),
        }
    }
}

/// Runs it.
pub fn run(options: &SendOptions) -> Result<End, Failure> {
    let action = options.action().map_err(Failure::Configuration)?;
    let patience = if options.no_wait { Patience::Accepted } else { Patience::End };
    let within = Duration::from_secs(options.deadline.into());
    let mut conversation = Conversation::new(options.mote.clone(), options.order.name(), action, within, patience);
    let form = if options.json { Form::Json } else { Form::Text };
    conversation.print_as(form, Ink::of_stdout());
    match subscriber::follow(&options.set.instance, &[Topic::Inventory], &mut conversation)? {
        Followed::Answered => Ok(conversation.conclude()),
        nobody @ (Followed::NobodyThere | Followed::Unanswered) => Ok(nobody.end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        send: SendOptions,
    }

    fn action(line: &str) -> Result<Action, String> {
        let parsed = Line::try_parse_from(["send"].into_iter().chain(line.split(' '))).map_err(|error| error.to_string())?;
        parsed.send.action()
    }

    #[test]
    fn commands_bear_the_names_of_the_ui_link_and_short_ones() {
        assert_eq!(action("set-dagroot 0001 on"), Ok(Action::SetDagroot { on: true }));
        assert_eq!(action("set-dagroot 0001 off --deadline 3"), Ok(Action::SetDagroot { on: false }));
        assert_eq!(action("toggle-dagroot ttyUSB0"), Ok(Action::ToggleDagroot));
        assert_eq!((action("reset-mote 0001"), action("reset 0001")), (Ok(Action::Reset), Ok(Action::Reset)));
        assert_eq!(action("echo 0001 --size 0"), Ok(Action::Echo { count: 10, size: 0 }));
        assert_eq!(action("echo-mote 0001 --count 1000 --size 196"), Ok(Action::Echo { count: 1000, size: 196 }));
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_does() {
        for (line, expected) in [
            ("set-dagroot 0001", "set-dagroot needs `on` or `off`"),
            ("reset 0001 on", "reset-mote takes no ROLE"),
            ("toggle-dagroot 0001 --size 3", "only echo-mote does"),
            ("echo 0001 --count 1001", "1001 is not in 1..=1000"),
            ("echo 0001 --size 197", "197 is not in"),
            ("reset 0001 --deadline 301", "301 is not in 1..=300"),
            ("dance 0001", "set-dagroot, toggle-dagroot, reset-mote, echo-mote"),
        ] {
            let error = action(line).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
