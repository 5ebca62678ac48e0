//! The whole of it, with the options of a process that nobody runs.

use std::fs;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use log::LevelFilter;
use mqtypes::envelope::Sender;
use proptest::prelude::*;
use tempfile::TempDir;

use super::fault::Fault;
use super::keys::Section;
use super::{Configuration, Objection, Settings, begin, examine};
use crate::options::Common;

const SHIPPED: &str = include_str!("../../../../scripts/lbr.toml");

/// What `ui-proxy` takes, nearly.
#[derive(Debug, Parser)]
#[command(name = "sample", args_conflicts_with_subcommands = true)]
struct Sample {
    #[command(subcommand)]
    wake: Option<Wake>,

    #[arg(long, default_value = "here")]
    url: String,

    #[arg(long)]
    key_file: Option<PathBuf>,

    #[arg(long, default_value = "key")]
    auth: Auth,

    #[arg(long, default_value = "/var/lib/lbr")]
    state_dir: PathBuf,

    #[arg(long, default_value = "60", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    retry_for: u32,

    #[arg(long, conflicts_with = "url")]
    instead: bool,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Wake {
    Wake {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    Key,
    None,
}

impl Settings for Sample {
    const SENDER: Sender = Sender::UiProxy;
    const SECTION: Section = Section::UiProxy;

    fn common(&self) -> &Common {
        match &self.wake {
            Some(Wake::Wake { common }) => common,
            None => &self.common,
        }
    }
}

/// What `serial-bridge` takes, nearly.
#[derive(Debug, Parser)]
#[command(name = "listing")]
struct Listing {
    #[arg(long = "port", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    ports: Vec<String>,

    #[arg(long, default_value = "115200", value_parser = clap::value_parser!(u32).range(1200..))]
    baud: u32,

    #[command(flatten)]
    common: Common,
}

impl Settings for Listing {
    const SENDER: Sender = Sender::SerialBridge;
    const SECTION: Section = Section::SerialBridge;

    fn common(&self) -> &Common {
        &self.common
    }

    fn objection(&self) -> Option<Objection> {
        let at = (1..self.ports.len()).find(|at| self.ports[..*at].contains(&self.ports[*at]))?;
        Some(Objection { key: "port", at, what: format!("{} is given twice", self.ports[at]) })
    }
}

/// A file that changes.
struct Stage {
    directory: TempDir,
}

impl Stage {
    fn new(text: &str) -> Self {
        let stage = Self { directory: tempfile::tempdir().expect("made") };
        stage.write(text);
        stage
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("lbr.toml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("written");
    }

    fn begin<O: Settings>(&self, words: &[&str]) -> Configuration<O> {
        let file = format!("--config={}", self.path().display());
        let name = O::command().get_name().to_owned();
        let (subcommand, words) = words.split_at(words.iter().take_while(|word| !word.starts_with('-')).count());
        let args = [&[name.as_str()], subcommand, &[file.as_str()], words].concat();
        begin::<O>(args.into_iter().map(Into::into)).unwrap_or_else(|code| panic!("{code:?}"))
    }
}

fn lines(faults: Vec<Fault>) -> Vec<String> {
    faults.into_iter().map(|fault| format!("{}: {}: {}", fault.line.expect("a line"), fault.place, fault.what)).collect()
}

fn check_refused<O: Settings>(text: &str, expected: &[&str]) {
    let told = lines(examine::<O>(text));
    assert_eq!(told.len(), expected.len(), "{text}: {told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn the_file_speaks_where_the_command_line_says_nothing() {
    let stage =
        Stage::new("instance = \"other\"\n[ui-proxy]\nurl = \"there\"\nretry-for = 5\nauth = \"none\"\n[serial-bridge]\nbaud = 7\n");
    let configuration = stage.begin::<Sample>(&["--url", "elsewhere"]);
    let options = configuration.options();
    assert_eq!((options.url.as_str(), options.retry_for, options.auth), ("elsewhere", 5, Auth::None));
    assert_eq!((options.common.instance.as_str(), options.common.log_level), ("other", LevelFilter::Info));
}

#[test]
fn lists_are_flags_that_are_given_again_and_again() {
    let stage = Stage::new("[serial-bridge]\nport = [\n \"/dev/a\", # one\n \"/dev/b=,-x\",\n]\n");
    assert_eq!(stage.begin::<Listing>(&[]).options().ports, ["/dev/a", "/dev/b=,-x"]);
    assert_eq!(stage.begin::<Listing>(&["--port", "c"]).options().ports, ["c"], "a flag outranks the whole list");
}

#[test]
fn what_excludes_a_key_is_not_contradicted_by_the_file() {
    let stage = Stage::new("[ui-proxy]\nurl = \"there\"\nretry-for = 5\n");
    let configuration = stage.begin::<Sample>(&["--instead"]);
    assert!(configuration.options().instead);
    assert_eq!((configuration.options().url.as_str(), configuration.options().retry_for), ("here", 5));
}

#[test]
fn a_subcommand_takes_its_part_and_does_not_mind_the_rest() {
    let stage = Stage::new("instance = \"other\"\nstate-dir = \"/x\"\ninstanze = 1\n[ui-proxy]\nretry-for = 99999\n");
    let configuration = stage.begin::<Sample>(&["wake", "--log-level", "off"]);
    assert_eq!(configuration.options().common().instance, "other");
    assert_eq!(configuration.options().common().log_level, LevelFilter::Off);
}

#[test]
fn every_fault_is_told_with_line_key_value_and_the_way_out() {
    check_refused::<Sample>(
        "instance = \"a/b\"\nlog-level = 3\nurl = \"x\"\n[ui-proxy]\nretry-for = 86401\nretry_for = 5\nauth = \"maybe\"\nkey-file = \"\"\n\
         [eventbus]\nprefix = 7\n[eventbuss]\nx = 1\n",
        &[
            "1: instance = \"a/b\": 1 to 32 letters",
            "2: log-level = 3: a text in quotation marks is expected: write it as in log-level = \"info\"",
            "3: url: this key belongs to [ui-proxy]: write it there",
            "5: [ui-proxy] retry-for = 86401: 86401 is not in 0..=86400",
            "6: [ui-proxy] retry_for: there is no such key: did you mean `retry-for`?",
            "7: [ui-proxy] auth = \"maybe\": one of these is expected: key, none",
            "8: [ui-proxy] key-file = \"\": a value is expected, as in key-file = \"/var/lib/lbr/ui.key\"",
            "11: [eventbuss]: there is no such section: did you mean [eventbus]?",
        ],
    );
}

#[test]
fn types_and_sections_are_what_they_are() {
    check_refused::<Sample>("ui-proxy = 5\n", &["this is a section: write [ui-proxy]"]);
    check_refused::<Sample>("[ui-proxy]\nretry-for = \"60\"\n", &["a whole number without quotation marks"]);
    check_refused::<Sample>("[ui-proxy]\nurl.x = 1\n", &["there is no such key: did you mean `url`?"]);
    check_refused::<Sample>("[ui-proxy.url]\n", &["[ui-proxy] has no sections in it"]);
    check_refused::<Sample>("nobody.url = 1\n", &["there is no such section"]);
    check_refused::<Listing>("[serial-bridge]\nport = \"/dev/a\"\n", &["a list of texts"]);
    let two = ["3: [serial-bridge] port = 1: a list of texts", "5: [serial-bridge] port = [2]: a list of texts"];
    check_refused::<Listing>("[serial-bridge]\nport = [\n 1,\n \"/dev/a\",\n [2],\n]\n", &two);
    check_refused::<Listing>("[serial-bridge]\nbaud = 1.5\n", &["a whole number, or a text"]);
    for right in
        ["serial-bridge = { baud = 9600 }\n", "serial-bridge.baud = \"9600\"\n", "[serial-bridge]\nport = []\n", "\u{feff}# nothing\r\n"]
    {
        check_refused::<Listing>(right, &[]);
    }
}

#[test]
fn what_is_wrong_together_is_told_beside_what_is_wrong_alone() {
    check_refused::<Listing>(
        "[serial-bridge]\nport = [\"a\",\n\"b\",\n\"a\"]\nbaud = 7\n",
        &["4: [serial-bridge] port = \"a\": a is given twice", "5: [serial-bridge] baud = 7: 7 is not in"],
    );
}

#[test]
fn of_very_many_faults_the_first_are_told() {
    let told = lines(examine::<Sample>(&"nobody = 1\n".repeat(1000)));
    assert!(told.len() == 51 && told[50].contains("more is wrong from here on"), "{told:#?}");
    let told = lines(examine::<Listing>(&format!("[serial-bridge]\nport = [\n{}]\n", "1,\n".repeat(1000))));
    assert_eq!(told.len(), 51, "{told:#?}");
}

#[test]
fn a_wrong_value_is_found_among_thousands() {
    let mut ports: Vec<_> = (0..6000).map(|port| format!("\"{port}\",\n")).collect();
    ports[4321] = "\"4320\",\n".to_owned();
    check_refused::<Listing>(
        &format!("[serial-bridge]\nport = [\n{}]\n", ports.concat()),
        &["4324: [serial-bridge] port = \"4320\": 4320 is given twice"],
    );
    ports[4321] = "\"\",\n".to_owned();
    check_refused::<Listing>(
        &format!("[serial-bridge]\nport = [\n{}]\n", ports.concat()),
        &["4324: [serial-bridge] port = \"\": a value is expected"],
    );
}

#[test]
fn a_reload_takes_what_can_be_taken_and_tells_what_changed() {
    let stage = Stage::new("state-dir = \"/a\"\n[ui-proxy]\nurl = \"there\"\n");
    let mut configuration = stage.begin::<Sample>(&["--retry-for", "7"]);
    assert_eq!(configuration.reload(), [] as [&str; 0]);
    stage.write("state-dir = \"/b\"\ninstance = \"new\"\n[ui-proxy]\nurl = \"elsewhere\"\nretry-for = 9\nauth = \"none\"\n");
    assert_eq!(configuration.reload(), ["url", "auth"]);
    let options = configuration.options();
    assert_eq!((options.url.as_str(), options.auth, options.retry_for), ("elsewhere", Auth::None, 7));
    assert_eq!(options.state_dir, PathBuf::from("/a"), "it takes effect at the next start");
    assert_eq!(options.common.instance, "lbr");
    stage.write("state-dir = \"/a\"\n");
    assert_eq!(configuration.reload(), ["url", "auth"], "what is commented out is its default again");
    assert_eq!(configuration.options().url, "here");
}

#[test]
fn a_reload_of_what_is_wrong_or_gone_changes_nothing() {
    let stage = Stage::new("[ui-proxy]\nurl = \"there\"\n");
    let mut configuration = stage.begin::<Sample>(&[]);
    stage.write("[ui-proxy]\nurl = \"elsewhere\"\nretry-for = -1\n");
    assert_eq!(configuration.reload(), [] as [&str; 0]);
    fs::remove_file(stage.path()).expect("removed");
    assert_eq!(configuration.reload(), [] as [&str; 0]);
    fs::create_dir(stage.path()).expect("made");
    assert_eq!(configuration.reload(), [] as [&str; 0]);
    assert_eq!(configuration.options().url, "there");
}

/// Every option of the shipped file, with its default.
fn uncommented() -> String {
    let option = |line: &str| line.strip_prefix("# ").filter(|rest| rest.split(' ').nth(1) == Some("=")).map(str::to_owned);
    SHIPPED.lines().map(|line| option(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_shipped_file_is_right_as_it_is_and_with_every_option_in_it() {
    for text in [SHIPPED, &uncommented()] {
        assert_eq!((lines(examine::<Sample>(text)), lines(examine::<Listing>(text))), (vec![], vec![]), "{text}");
    }
}

#[test]
fn a_command_of_a_test_is_a_command() {
    Sample::command().debug_assert();
    Listing::command().debug_assert();
}

/// Whatever the text: no panic, every fault has a line of the text, and none is longer than a person reads.
fn check_any(text: &str) {
    let most = text.matches('\n').count() + 1;
    for faults in [examine::<Sample>(text), examine::<Listing>(text)] {
        for fault in faults {
            assert!(fault.line.is_some_and(|line| (1..=most).contains(&line)), "{text:?}: {fault:?}");
            assert!(fault.place.chars().count() < 200 && fault.what.len() < 2000, "{fault:?}");
        }
    }
}

/// A piece of the shipped file is put elsewhere, doubled, cut or replaced.
#[derive(Debug, Clone)]
struct Change {
    at: usize,
    length: usize,
    put: String,
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        "\\PC{0,8}",
        "[\\[\\]{}=\"'.,#\n\t \\\\]{0,6}",
        (0..2000_usize, 0..80_usize).prop_map(|(at, length)| uncommented().chars().skip(at).take(length).collect::<String>()),
    ];
    (0..6000_usize, 0..40_usize, piece).prop_map(|(at, length, put)| Change { at, length, put })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_read_or_refused_with_its_lines(text in "\\PC{0,200}") {
        check_any(&text);
    }

    #[test]
    fn anything_like_toml_is_read_or_refused_with_its_lines(text in "([a-z-]{0,4}[\\[\\]{}=\"'.,# \n0-9_+\\\\]{0,5}){0,40}") {
        check_any(&text);
    }

    #[test]
    fn any_change_of_the_shipped_file_is_read_or_refused_with_its_lines(changes in prop::collection::vec(change(), 1..6)) {
        let mut text: Vec<char> = uncommented().chars().collect();
        for Change { at, length, put } in changes {
            let from = at % (text.len() + 1);
            let to = (from + length).min(text.len());
            text.splice(from..to, put.chars());
        }
        check_any(&text.into_iter().collect::<String>());
    }
}
