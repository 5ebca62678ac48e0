//! The configuration's file: whatever is in it, it is read or refused, and every fault names its line.

use bus::config::keys::{KEYS, Section};
use bus::config::{Settings, examine};
use bus::options::Common;
use clap::Parser;
use mqtypes::envelope::Sender;
use ui_proxy::options::Arguments;

use crate::harness::chance::Chance;
use crate::{Outcome, Target, outcome, seeds};

/// The target.
pub const TARGET: Target =
    Target { name: "config", run, seeds: seeds::configurations, repair, longest: 8192, most_held: 1024 * 1024, short_run: 400 };

/// More of a fault is the value's, not the reader's.
const WORDS_OF_A_KIND: usize = 4;

/// A process with a list; the values of `ui-proxy`, which has none, are its own.
#[derive(Debug, Parser)]
#[command(name = "serial-bridge")]
struct Bridge {
    #[arg(long = "port")]
    ports: Vec<String>,

    #[arg(long, default_value = "115200")]
    baud: u32,

    #[command(flatten)]
    common: Common,
}

impl Settings for Bridge {
    const SENDER: Sender = Sender::SerialBridge;
    const SECTION: Section = Section::SerialBridge;

    fn common(&self) -> &Common {
        &self.common
    }
}

/// Takes `input` for the file. A fault is of a line that is there, and says what is wrong in few words.
pub fn run(input: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(input);
    let lines = text.matches('\n').count() + 1;
    let faults = [examine::<Arguments>(&text), examine::<Bridge>(&text)].concat();
    for fault in &faults {
        assert!(fault.line.is_some_and(|line| (1..=lines).contains(&line)), "{fault:?}");
        assert!(!fault.what.is_empty() && fault.what.len() < 2000 && fault.place.chars().count() < 200, "{fault:?}");
    }
    let mut kinds: Vec<_> = faults.iter().map(|fault| kind(&fault.what)).collect();
    kinds.sort();
    kinds.dedup();
    outcome(kinds.iter().map(String::as_str))
}

fn kind(what: &str) -> String {
    let reason = what.strip_prefix("this is no TOML: ").unwrap_or(what);
    let is_plain = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    reason.split(' ').take(WORDS_OF_A_KIND).filter(is_plain).collect::<Vec<_>>().join(" ")
}

/// Puts a line with a known key, a head or a bracket somewhere.
fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    let key = chance.one_of(KEYS);
    let line = match chance.below(4) {
        0 => format!("\n[{}]\n", key.section.name()),
        1 => format!("\n{}.{} = {}\n", key.section.name(), key.name, key.example),
        2 => (*chance.one_of(&["[", "]", "{", "}", "\"\"\"", "'", "=", ",", "\n"])).to_owned(),
        _more => format!("\n{} = {}\n", key.name, key.example),
    };
    let at = chance.below(input.len() + 1);
    input.splice(at..at, line.bytes());
}
