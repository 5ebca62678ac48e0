//! The command line of `mq-inspect`.

use std::ffi::OsString;
use std::path::PathBuf;

use bus::config::usual_instance;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use mqtypes::broker::Topic;
use mqtypes::serial::Direction;

use super::capture::CaptureOptions;
use super::drain::DrainOptions;
use super::mote_name::MoteName;
use super::motes::MotesOptions;
use super::record::RecordOptions;
use super::replay::ReplayOptions;
use super::send::SendOptions;
use super::show::ShowOptions;
use super::stats::StatsOptions;
use super::top::TopOptions;

/// Shows what is going on between the processes of the border router.
#[derive(Debug, Parser)]
#[command(name = "mq-inspect", version)]
#[command(after_help = "\
Exit status: 0 done, 1 what was asked for is not there, not running or in use, 2 wrong command line,
65 the file is not what it was said to be, 69 the system refused. `send` has more: see its help.")]
pub struct Options {
    #[command(subcommand)]
    pub task: Task,
}

impl Options {
    /// Takes a command line apart.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let options = Self::try_parse_from(args)?;
        match &options.task {
            Task::Tap(tap) if tap.mote.is_some() => match tap.topics.iter().find(|topic| !is_about_motes(**topic)) {
                Some(topic) => {
                    let name = topic_name(*topic);
                    let text = format!("--mote and --topic {name}: that topic is not about a mote; leave one of them out");
                    Err(Self::command().error(ErrorKind::ArgumentConflict, text))
                }
                None => Ok(options),
            },
            Task::Send(send) => match send.action() {
                Ok(_) => Ok(options),
                Err(text) => Err(Self::command().error(ErrorKind::ArgumentConflict, text)),
            },
            Task::Record(record) => match record.check() {
                Ok(()) => Ok(options),
                Err(text) => Err(Self::command().error(ErrorKind::ArgumentConflict, text)),
            },
            Task::Capture(capture) => match capture.check() {
                Ok(()) => Ok(options),
                Err(text) => Err(Self::command().error(ErrorKind::ArgumentConflict, text)),
            },
            Task::List(_)
            | Task::Tap(_)
            | Task::Motes(_)
            | Task::Show(_)
            | Task::Drain(_)
            | Task::Top(_)
            | Task::Stats(_)
            | Task::Unlink(_)
            | Task::Decode(_)
            | Task::Replay(_) => Ok(options),
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Shows the queues: what waits in each, who holds it, what is missing or left over
    List(ListOptions),
    /// Prints what eventbus tells its subscribers, decoded, one line each
    Tap(TapOptions),
    /// Shows the motes: link, role, rank, parent, neighbours, and how old that is
    Motes(MotesOptions),
    /// Shows one mote: all that it has told, or one of its tables, and how old that is
    Show(ShowOptions),
    /// Shows what goes through the router and what is lost, each second
    Top(TopOptions),
    /// Shows how all processes and ports fare: memory, time, counters, losses
    Stats(StatsOptions),
    /// Sends a mote a command, and waits for its outcome
    Send(SendOptions),
    /// Takes what waits in a queue out of it for good, and prints it
    Drain(DrainOptions),
    /// Removes queues that nobody reads any more, and what is in them
    Unlink(UnlinkOptions),
    /// Decodes a recording of serial lines: every frame, or the state at the end
    Decode(DecodeOptions),
    /// Writes what comes up from the mesh as pcapng, for Wireshark
    Capture(CaptureOptions),
    /// Records the bytes of the serial lines
    Record(RecordOptions),
    /// Plays a recording through pseudo-terminals, for serial-bridge to open
    Replay(ReplayOptions),
}

/// `mq-inspect list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is received from any queue. Subscribers' queues are found in a mounted mqueue file system,
and among those that processes of this user, or for root all processes, have open; so are queues
whose names were removed.")]
pub struct ListOptions {
    #[command(flatten)]
    pub set: Set,

    /// Show the queues of other instances too, as far as they can be found
    #[arg(long)]
    pub all: bool,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `mq-inspect tap`.
#[derive(Debug, Args)]
#[command(after_help = "\
The snapshot of the chosen topics comes first, then what changes, until Ctrl-C. Times of day are
UTC; times inside JSON notifications are microseconds of CLOCK_MONOTONIC, as `sent` is.

Topics: inventory, status, counts, logs, health, ports, data, dag, uinject; and bytes, which must be
asked for by name: it has the network's key in it when a mote is made root.

MOTE is an EUI-64, its last four hex digits, or a port such as /dev/ttyUSB0 or ttyUSB0. Counts,
health, ports and bytes are about none.")]
pub struct TapOptions {
    #[command(flatten)]
    pub set: Set,

    /// What about, see below; may be repeated [default: all but bytes]
    #[arg(long = "topic", value_name = "TOPIC", value_delimiter = ',', value_parser = topics(), hide_possible_values = true)]
    pub topics: Vec<Topic>,

    /// Only what is about this mote, see below
    #[arg(long, value_name = "MOTE")]
    pub mote: Option<MoteName>,

    /// Only what comes from this port or process, or from a count's sender
    #[arg(long, value_name = "NAME")]
    pub sender: Option<String>,

    /// Print how long ago a thing was heard, or sent, when it came here
    #[arg(long)]
    pub latency: bool,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// End after so many notifications, the two marks of a snapshot not counted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: Option<u32>,
}

/// `mq-inspect unlink`.
#[derive(Debug, Args)]
#[command(after_help = "\
A queue that a process reads is kept, and the process named. Taps that were left over are found
where `list` finds them: in a mounted mqueue file system.")]
pub struct UnlinkOptions {
    #[command(flatten)]
    pub set: Set,

    /// As `list` names them, or without the instance [default: the router's, and all taps]
    #[arg(value_name = "QUEUE", value_parser = queue_name)]
    pub queues: Vec<String>,

    /// Remove even what a process reads, which hears nothing until it is restarted
    #[arg(long)]
    pub force: bool,

    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// `mq-inspect decode`.
#[derive(Debug, Args)]
#[command(after_help = "\
A recording has a JSON object a line, as {\"t\": 0.1, \"dir\": \"rx\", \"port\": \"mote1\", \"hex\": \"7e…\"}:
seconds, rx from a mote or tx to it, and the bytes on the wire. No queue and no router is needed.
Kinds and field names are those of OpenVisualizer. The key in frames that make a root is not shown.")]
pub struct DecodeOptions {
    /// A recording, plain or gzipped; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// FILE has the bytes as they came off one mote's line, without times
    #[arg(long)]
    pub raw: bool,

    /// Frames from motes (rx), those to motes (tx), or both
    #[arg(long, value_name = "DIR", value_enum, default_value = "rx", hide_possible_values = true, conflicts_with = "state")]
    pub dir: Dirs,

    /// Print what is known of every mote at the end instead of the frames
    #[arg(long)]
    pub state: bool,

    /// With --state: prefix of the recorded network, a /64
    #[arg(long, value_name = "ADDRESS", default_value = "bbbb::", value_parser = crate::options::prefix, requires = "state")]
    pub prefix: [u8; 8],

    /// Print one JSON object a line; with --state, one in all
    #[arg(long)]
    pub json: bool,
}

/// Frames of which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dirs {
    /// From motes.
    Rx,
    /// To motes.
    Tx,
    /// All.
    Both,
}

impl Dirs {
    /// Is this direction among them?
    pub fn has(self, direction: Direction) -> bool {
        match self {
            Self::Rx => direction == Direction::Rx,
            Self::Tx => direction == Direction::Tx,
            Self::Both => true,
        }
    }
}

/// Which set of processes.
#[derive(Debug, Args)]
pub struct Set {
    /// Set of processes: first part of queues' names [default: lbr.toml's, or lbr]
    #[arg(long, value_name = "NAME", default_value = usual_instance(), hide_default_value = true, value_parser = bus::options::instance)]
    pub instance: String,
}

/// The name of a queue as a person gives it.
pub fn queue_name(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('/').unwrap_or(text);
    if !name.is_empty() && !name.contains('/') {
        return Ok(text.to_owned());
    }
    Err("a queue's name such as tap-4711, lbr.tap-4711 or /lbr.tap-4711 is expected".to_owned())
}

fn topics() -> impl TypedValueParser<Value = Topic> {
    let every = || Topic::ALL.into_iter().chain(Topic::BY_NAME);
    PossibleValuesParser::new(every().map(topic_name))
        .map(move |text| every().find(|topic| topic_name(*topic) == text).expect("the parser allows these names alone"))
}

/// Does a topic tell of single motes?
pub fn is_about_motes(topic: Topic) -> bool {
    match topic {
        Topic::Inventory | Topic::Status | Topic::Logs | Topic::Data | Topic::Dag | Topic::Uinject => true,
        Topic::Counts | Topic::Health | Topic::Ports | Topic::Bytes => false,
    }
}

/// The name of a topic.
pub fn topic_name(topic: Topic) -> &'static str {
    match topic {
        Topic::Inventory => "inventory",
        Topic::Status => "status",
        Topic::Counts => "counts",
        Topic::Logs => "logs",
        Topic::Health => "health",
        Topic::Ports => "ports",
        Topic::Data => "data",
        Topic::Dag => "dag",
        Topic::Uinject => "uinject",
        Topic::Bytes => "bytes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap(args: &[&str]) -> Result<TapOptions, clap::Error> {
        let options = Options::read(["mq-inspect", "tap"].iter().chain(args).map(OsString::from))?;
        let Task::Tap(tap) = options.task else { panic!("tap was asked for") };
        Ok(tap)
    }

    #[test]
    fn topics_may_be_repeated_or_joined() {
        let wish = tap(&["--topic", "logs", "--topic", "counts,health"]).expect("right");
        assert_eq!(wish.topics, [Topic::Logs, Topic::Counts, Topic::Health]);
        assert_eq!((wish.mote, wish.set.instance.as_str()), (None, usual_instance()));
    }

    #[test]
    fn a_mote_and_a_topic_without_motes_contradict_each_other() {
        let error = tap(&["--mote", "141592cc00000001", "--topic", "logs,counts"]).expect_err("wrong");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--topic counts: that topic is not about a mote"), "{error}");
    }

    #[test]
    fn a_queue_is_no_path() {
        for name in ["", "/", "/dev/mqueue/lbr.tap-1", "a/b"] {
            let error = Options::read(["mq-inspect", "unlink", name].map(OsString::from)).expect_err("wrong");
            assert!(error.exit_code() == 2 && error.to_string().contains("lbr.tap-4711"), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_was_expected() {
        for (args, expected) in [
            (["--topic", "weather"], "inventory, status, counts, logs, health"),
            (["--mote", ""], "its last four hex digits"),
            (["--count", "0"], "0 is not in 1.."),
            (["--for", "0"], "0 is not in 1.."),
            (["--instance", "a.b"], "letters, digits"),
        ] {
            let error = tap(&args).expect_err("wrong");
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
