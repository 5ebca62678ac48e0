//! The file that is shipped: it says of every option what it means, and every option that is commented out is its default.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use bus::config::keys::KEYS;
use lbr_tests::stack::binary;

/// Keys whose default is not a text but depends on the machine, in no order.
const COMPUTED: [&str; 4] = ["prefix", "key-file", "name", "id"];

fn shipped() -> Result<String> {
    Ok(std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/lbr.toml"))?)
}

/// `# key = value` without the `# `.
fn option(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix("# ")?.split_once(" = ")?;
    (!key.contains(' ')).then_some((key, value))
}

fn check_config(process: &str, text: &str) -> Result<Output> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("lbr.toml");
    std::fs::write(&file, text)?;
    Ok(std::process::Command::new(binary(process)?).arg("--config").arg(file).arg("--check-config").output()?)
}

/// What a process says of a file that is right.
fn accepted(process: &str, text: &str) -> Result<Vec<String>> {
    let output = check_config(process, text)?;
    ensure!(output.status.success(), "{process}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let (verdict, rest) = said.split_once('\n').context("a verdict")?;
    ensure!(verdict.ends_with("lbr.toml: in order"), "{verdict}");
    Ok(rest.lines().map(str::to_owned).collect())
}

#[test]
fn every_key_stands_in_the_shipped_file_once() -> Result<()> {
    let text = shipped()?;
    let keys: Vec<&str> = text.lines().filter_map(option).map(|(key, _)| key).collect();
    assert_eq!(keys.iter().copied().collect::<BTreeSet<_>>(), KEYS.iter().map(|key| key.name).collect());
    assert_eq!(keys.len(), KEYS.len());
    Ok(())
}

#[test]
fn the_shipped_file_changes_nothing() -> Result<()> {
    for process in ["serial-bridge", "eventbus", "ui-proxy"] {
        assert_eq!(accepted(process, &shipped()?)?, ["every option has its default"], "{process}");
    }
    Ok(())
}

#[test]
fn an_option_that_is_commented_out_is_its_default() -> Result<()> {
    let is_computed = |line: &str| option(line).is_some_and(|(key, _)| COMPUTED.contains(&key));
    let text = shipped()?;
    let lines = text.lines().map(|line| if option(line).is_some() && !is_computed(line) { &line[2..] } else { line });
    let all = lines.collect::<Vec<_>>().join("\n");
    assert_ne!(all, text);
    for process in ["serial-bridge", "eventbus", "ui-proxy"] {
        assert_eq!(accepted(process, &all)?, ["every option has its default"], "{process}");
    }
    Ok(())
}

#[test]
fn a_default_that_is_computed_is_said_to_be() -> Result<()> {
    let text = shipped()?;
    let mut comments: BTreeMap<&str, String> = BTreeMap::new();
    let mut above = String::new();
    for line in text.lines() {
        match option(line) {
            Some((key, _)) => drop(comments.insert(key, std::mem::take(&mut above))),
            None if line.is_empty() => above.clear(),
            None => above.push_str(line),
        }
    }
    for (key, comment) in comments {
        assert!(comment.len() > 20, "{key} is not explained");
        assert_eq!(comment.contains("Computed when it is left out: "), COMPUTED.contains(&key), "{key}: {comment}");
    }
    Ok(())
}

#[test]
fn the_examples_for_ports_are_ports() -> Result<()> {
    let text = shipped()?;
    let lines = text.lines().skip_while(|line| *line != "#     port = [").take_while(|line| line.starts_with("#  "));
    let example = lines.map(|line| &line[1..]).collect::<Vec<_>>().join("\n");
    let said = accepted("serial-bridge", &format!("[serial-bridge]\n{example}"))?;
    assert!(said.len() == 1 && said[0].matches("\", \"").count() == 4, "{said:?}");
    Ok(())
}

#[test]
fn a_wrong_file_is_refused_by_all_with_code_78() -> Result<()> {
    for process in ["serial-bridge", "eventbus", "ui-proxy"] {
        let output = check_config(process, "[serial-bridge]\nbauds = 1\n")?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(78));
        assert!(said.ends_with("lbr.toml:2: [serial-bridge] bauds: there is no such key: did you mean `baud`?\n"), "{said}");
    }
    Ok(())
}

#[test]
fn whoever_reads_what_is_said_of_a_file_may_leave() -> Result<()> {
    for (text, code) in [("", 0), ("bauds = 1\n", 78)] {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("lbr.toml");
        std::fs::write(&file, text)?;
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let mut command = std::process::Command::new(binary("serial-bridge")?);
        let status = command.arg("--config").arg(file).arg("--check-config").stdout(writer.try_clone()?).stderr(writer).status()?;
        assert_eq!(status.code(), Some(code), "{text}");
    }
    Ok(())
}
