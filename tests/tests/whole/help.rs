//! What the programs say of themselves: `--help` of each, with all their subcommands, is a file that a person has read.
//!
//! When a test fails, read the difference. If it is meant, `RENEW=1 cargo test -p lbr-tests help::` writes the files anew.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lbr_tests::stack::binary;

#[test]
fn serial_bridge_explains_itself() {
    check("serial-bridge");
}

#[test]
fn eventbus_explains_itself() {
    check("eventbus");
}

#[test]
fn ui_proxy_explains_itself() {
    check("ui-proxy");
}

#[test]
fn mq_inspect_explains_itself() {
    check("mq-inspect");
}

#[test]
fn gui_host_explains_itself() {
    check("gui-host");
}

fn check(program: &str) {
    let said = all_help(program, &[]);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/help/{program}.txt"));
    if std::env::var_os("RENEW").is_some() {
        fs::create_dir_all(file.parent().expect("it has one")).expect("made");
        fs::write(&file, &said).expect("written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let line =
        kept.lines().zip(said.lines()).position(|(kept, said)| kept != said).unwrap_or(kept.lines().count().min(said.lines().count()));
    assert!(
        kept == said,
        "{} line {}: kept is\n  {}\nand {program} says\n  {}\nIf that is meant: RENEW=1 cargo test -p lbr-tests help::",
        file.display(),
        line + 1,
        kept.lines().nth(line).unwrap_or("(nothing)"),
        said.lines().nth(line).unwrap_or("(nothing)"),
    );
}

/// The help of a command, and then of each of its subcommands, to any depth.
fn all_help(program: &str, path: &[String]) -> String {
    let help = help(program, path);
    let mut all = format!("$ {}\n{help}", [&[program.to_owned()], path, &["--help".to_owned()]].concat().join(" "));
    for subcommand in subcommands(&help) {
        all += "\n";
        all += &all_help(program, &[path, &[subcommand]].concat());
    }
    all
}

fn help(program: &str, path: &[String]) -> String {
    let output = Command::new(binary(program).expect("it is built")).args(path).arg("--help").output().expect("it starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{program} {path:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The names in the list of commands, which stands before the options; `help` explains nothing new.
fn subcommands(help: &str) -> Vec<String> {
    let list = help
        .lines()
        .take_while(|line| *line != "Options:")
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    // What a name's explanation is continued with stands further to the right.
    let names = list.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn subcommands_are_found_in_a_help_text() {
    let help = "Does it.\n\nCommands:\n  list  Shows\n        more\n  tap   Prints\n  help  Print this\n\nOptions:\n  -h\n";
    assert_eq!(subcommands(help), ["list", "tap"]);
    assert!(subcommands("Options:\n  -h\n\nCommands:\n  further below it is another list\n").is_empty());
}
