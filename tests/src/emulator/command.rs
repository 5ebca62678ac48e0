//! What a person can do to emulated motes, in words: typed, or read from a file, where each line may begin with a time.

use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;
use std::time::Duration;

use mqtypes::ids::Asn;
use mqtypes::log::Severity;

use super::mote::LARGEST_ASN;
use super::network::Point;

/// What `help` says, and the end of `--help`.
pub(super) const HELP: &str = "\
Commands, a line each, on standard input or in a --script FILE; M is the number of a mote:
  boot M                   it is reset, and says so
  off M                    its power fails; it is silent, and forgotten by its neighbours
  on M                     its power is back, and it boots
  unplug M                 its port vanishes: link and pty; the mote lives on
  replug M [NAME]          its port is back, under its old name or another one
  silence M [SECONDS]      it hangs: says nothing for so long, or until it boots
  no-xon M [SECONDS]       it asks its host to be silent and never to go on
  noise M BYTES            random bytes on its line
  overrun M                its output ring is overrun: frames with a wrong CRC
  cut M                    its next frame ends in the middle
  flip M                   its next frame has a wrong bit
  critical M               it logs something critical, and boots 10 seconds later
  asn M NUMBER             its slot counter jumps there
  move M X Y               it is carried there; neighbours on the grid are 1 apart, mote 1 is at 0 0
  log M LEVEL COMPONENT CODE [ARG1 [ARG2]]
                           it logs this: LEVEL one of V I W U E C, numbers as 12 or 0x0c
  print M TEXT             it prints this, as firmware with printf does
  sniff M                  it passes on a frame off the air, as sniffer firmware does
  status                   one line for each mote
  help                     this
A line may begin with a time: `90 boot 2` is at 90 seconds since the first port was opened, `+5 boot 2` is
5 seconds after the line before (typed: from now). What stands behind # is not read. What is done is told:
`did SECONDS COMMAND`.";

/// Nobody needs more noise at once.
const MOST_NOISE: u32 = 65_536;

/// A week: for times and for how long something lasts, seconds.
const LONGEST: f64 = 604_800.0;

/// The farthest that a mote can be carried, steps of the grid.
const FARTHEST: f64 = 1_000.0;

/// What a log frame and a text may have; both must fit into the output ring.
const LONGEST_TEXT: usize = 200;

/// A command, and the words it was given in.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What is to be done.
    pub order: Order,
    words: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Something happens to a mote.
    Mote {
        /// Its number, from 1.
        number: u16,
        /// What happens.
        deed: Deed,
    },
    /// Tell how the motes are.
    Status,
    /// Tell which commands there are.
    Help,
}

/// What can happen to a mote; see [`HELP`]. None stands for ever.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the help text describes each")]
pub enum Deed {
    Boot,
    Off,
    On,
    Unplug,
    Replug(Option<String>),
    Silence(Option<Duration>),
    NoXon(Option<Duration>),
    Noise(u32),
    Overrun,
    Cut,
    Flip,
    Critical,
    Asn(Asn),
    Move(Point),
    Log { severity: Severity, component: u8, code: u8, args: [u16; 2] },
    Print(String),
    Sniff,
}

/// When a command is to be obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once, or with the line before it.
    Now,
    /// So long after the motes' first one was switched on.
    At(Duration),
    /// So long after the line before, or from now.
    In(Duration),
}

/// One line: a command and its time. A line may be empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When.
    pub when: When,
    /// What.
    pub command: Command,
}

impl Line {
    /// Reads a line; none when nothing is on it. The error says what was expected.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        let text = text.split_once('#').map_or(text, |(before, _comment)| before).trim();
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if first.is_empty() {
            return Ok(None);
        }
        let (when, words) = match first.strip_prefix('+') {
            Some(time) => (When::In(seconds(time)?), rest),
            None if first.starts_with(|character: char| character.is_ascii_digit()) => (When::At(seconds(first)?), rest),
            None => (When::Now, text),
        };
        Ok(Some(Self { when, command: words.trim().parse()? }))
    }
}

impl Command {
    /// Can this be done where there are so many motes? The error says why not.
    pub fn check(&self, motes: u16) -> Result<(), String> {
        match &self.order {
            Order::Mote { number, .. } if *number > motes => Err(format!("there is no mote {number}: the last one is {motes}")),
            Order::Mote { .. } | Order::Status | Order::Help => Ok(()),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl FromStr for Command {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = Words(text.split_whitespace());
        let order = match words.next("a command")? {
            "status" => Order::Status,
            "help" => Order::Help,
            word => {
                let number = words.number("the number of a mote", 1..=u16::MAX.into())? as u16;
                Order::Mote { number, deed: Deed::read(word, &mut words, text)? }
            }
        };
        words.end()?;
        Ok(Self { order, words: text.split_whitespace().collect::<Vec<_>>().join(" ") })
    }
}

impl Deed {
    fn read(word: &str, words: &mut Words<'_>, line: &str) -> Result<Self, String> {
        Ok(match word {
            "boot" => Self::Boot,
            "off" => Self::Off,
            "on" => Self::On,
            "unplug" => Self::Unplug,
            "replug" => Self::Replug(words.0.next().map(file_name).transpose()?),
            "silence" => Self::Silence(words.0.next().map(seconds).transpose()?),
            "no-xon" => Self::NoXon(words.0.next().map(seconds).transpose()?),
            "noise" => Self::Noise(words.number("a number of bytes", 1..=MOST_NOISE.into())? as u32),
            "overrun" => Self::Overrun,
            "cut" => Self::Cut,
            "flip" => Self::Flip,
            "critical" => Self::Critical,
            "asn" => Self::Asn(Asn(words.number("a slot number", 0..=LARGEST_ASN)?)),
            "move" => Self::Move(Point { x: words.hundredths()?, y: words.hundredths()? }),
            "log" => Self::read_log(words)?,
            "print" => Self::Print(words.rest_of(line)?),
            "sniff" => Self::Sniff,
            other => return Err(format!("`{}` is no command; `help` lists them", shortened(other))),
        })
    }

    fn read_log(words: &mut Words<'_>) -> Result<Self, String> {
        let severity = match words.next("a level")? {
            "V" => Severity::Verbose,
            "I" => Severity::Info,
            "W" => Severity::Warning,
            "U" => Severity::Success,
            "E" => Severity::Error,
            "C" => Severity::Critical,
            other => return Err(format!("`{}` is no level: one of V I W U E C is expected", shortened(other))),
        };
        let byte = 0..=u8::MAX.into();
        let component = words.number("a component", byte.clone())? as u8;
        let code = words.number("a code", byte)? as u8;
        let mut argument = || words.optional_number("an argument", 0..=u16::MAX.into()).map(|value| value.unwrap_or(0) as u16);
        Ok(Self::Log { severity, component, code, args: [argument()?, argument()?] })
    }
}

/// What is left of a line.
struct Words<'a>(std::str::SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.0.next().ok_or_else(|| format!("{what} is missing; `help` tells how"))
    }

    fn number(&mut self, what: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
        let word = self.next(what)?;
        number(what, word, &range)
    }

    fn optional_number(&mut self, what: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, String> {
        self.0.next().map(|word| number(what, word, &range)).transpose()
    }

    fn hundredths(&mut self) -> Result<i32, String> {
        let word = self.next("a place")?;
        let steps = word.parse().ok().filter(|steps: &f64| steps.abs() <= FARTHEST);
        let steps =
            steps.ok_or_else(|| format!("`{}` is no place: a number from -{FARTHEST} to {FARTHEST} is expected", shortened(word)))?;
        Ok((steps * 100.0) as i32)
    }

    /// Everything behind the command and its mote, spaces and all.
    fn rest_of(&mut self, line: &str) -> Result<String, String> {
        let first = self.next("a text")?;
        let at = first.as_ptr().addr() - line.as_ptr().addr();
        let text = line[at..].trim_end().to_owned();
        self.0.by_ref().for_each(drop);
        if text.len() > LONGEST_TEXT {
            Err(format!("a text has at most {LONGEST_TEXT} bytes, and this has {}", text.len()))
        } else {
            Ok(text)
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.0.next().map_or(Ok(()), |word| Err(format!("`{}` is one word too many; `help` tells how", shortened(word))))
    }
}

fn number(what: &str, word: &str, range: &std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let value = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    let (least, most) = (range.start(), range.end());
    value
        .filter(|value| range.contains(value))
        .ok_or_else(|| format!("`{}` is not {what}: a number from {least} to {most} is expected", shortened(word)))
}

fn seconds(word: &str) -> Result<Duration, String> {
    let value = word.parse().ok().filter(|value| (0.0..=LONGEST).contains(value));
    value
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("`{}` is no time: a number of seconds from 0 to {LONGEST} is expected", shortened(word)))
}

/// A name beside those of the other ports, and nowhere else.
fn file_name(word: &str) -> Result<String, String> {
    let mut parts = Path::new(word).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) if word.len() < 100 && !word.contains('/') => Ok(word.to_owned()),
        (_other, _parts) => Err(format!("`{}` is no name for a port: a plain file name is expected", shortened(word))),
    }
}

fn shortened(word: &str) -> String {
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deed(text: &str) -> Deed {
        match Line::read(text).expect("it can be read").expect("something is on it").command.order {
            Order::Mote { deed, .. } => deed,
            other => unreachable!("{other:?} is nothing that happens to a mote"),
        }
    }

    #[test]
    fn every_command_of_the_help_text_can_be_given() {
        assert_eq!(deed("boot 2"), Deed::Boot);
        assert_eq!([deed("off 1"), deed("on 1"), deed("unplug 1")], [Deed::Off, Deed::On, Deed::Unplug]);
        assert_eq!([deed("replug 1"), deed("replug 1 tty7")], [Deed::Replug(None), Deed::Replug(Some("tty7".to_owned()))]);
        let ten = Some(Duration::from_secs(10));
        assert_eq!([deed("silence 1 10"), deed("silence 1")], [Deed::Silence(ten), Deed::Silence(None)]);
        assert_eq!(deed("no-xon 1 0.5"), Deed::NoXon(Some(Duration::from_millis(500))));
        assert_eq!(deed("noise 1 1000"), Deed::Noise(1_000));
        assert_eq!(
            [deed("overrun 1"), deed("cut 1"), deed("flip 1"), deed("critical 1")],
            [Deed::Overrun, Deed::Cut, Deed::Flip, Deed::Critical]
        );
        assert_eq!(deed("asn 1 0xfffffff0"), Deed::Asn(Asn(0xffff_fff0)));
        assert_eq!(deed("move 4 1.5 -2"), Deed::Move(Point { x: 150, y: -200 }));
        let log = Deed::Log { severity: Severity::Warning, component: 9, code: 0x31, args: [0xfff9, 1] };
        assert_eq!(deed("log 2 W 0x09 0x31 65529 1"), log);
        assert_eq!(deed("print 2   two  words # and a remark"), Deed::Print("two  words".to_owned()));
        assert_eq!(deed("sniff 1"), Deed::Sniff);
        for word in HELP.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' ')) {
            let word = word.split(' ').next().expect("a word");
            let error = Line::read(&format!("{word} 1 \u{1}")).map(|_| ()).err().unwrap_or_default();
            assert!(!error.contains("is no command"), "{word}: {error}");
        }
    }

    #[test]
    fn a_line_may_begin_with_a_time_and_may_be_empty() {
        let when = |text| Line::read(text).expect("it can be read").map(|line| (line.when, line.command.to_string()));
        let boot = || "boot 2".to_owned();
        assert_eq!(when("boot   2"), Some((When::Now, boot())));
        assert_eq!(when("12.5 boot 2"), Some((When::At(Duration::from_millis(12_500)), boot())));
        assert_eq!(when(" +3 boot 2 # why"), Some((When::In(Duration::from_secs(3)), boot())));
        assert_eq!([when(""), when("  # nothing")], [None, None]);
    }

    #[test]
    fn what_cannot_be_done_is_said_and_what_was_expected() {
        for (text, part) in [
            ("explode 1", "`explode` is no command; `help`"),
            ("boot", "the number of a mote is missing"),
            ("boot 0", "a number from 1 to 65535"),
            ("boot 1 2", "`2` is one word too many"),
            ("12", "a command is missing"),
            ("-3 boot 1", "the number of a mote"),
            ("1e99 boot 1", "is no time"),
            ("noise 1 65537", "to 65536"),
            ("replug 1 ../x", "a plain file name"),
            ("replug 1 .", "a plain file name"),
            ("asn 1 1099511627776", "to 1099511627775"),
            ("log 1 X 1 1", "V I W U E C"),
            ("log 1 E 256 1", "to 255"),
            ("move 1 nan 0", "is no place"),
            ("print 1", "a text is missing"),
        ] {
            let error = Line::read(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Line::read(&format!("print 1 {}", "x".repeat(201))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,60}") {
            let _ = Line::read(&text);
        }

        #[test]
        fn no_arguments_make_reading_panic(word in "boot|replug|silence|noise|asn|move|log|print", rest in "[ 0-9a-zA-Z.+-]{0,30}") {
            let _ = Line::read(&format!("{word} {rest}"));
        }
    }
}
