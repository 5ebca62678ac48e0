//! What the processes may say to each other stays plain data: no I/O, no clock, no thread, and few dependencies.

use std::fs;
use std::path::{Path, PathBuf};

/// What no file of this crate may name.
const IMPURE: [&str; 9] =
    ["std::fs", "std::io", "std::net", "std::os", "std::process", "std::sync", "std::thread", "Instant::now", "SystemTime"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_crate_depends_on_the_encoding_the_derives_and_nothing_else() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let mut section = "";
    let mut dependencies = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            let for_tests_or_plain = ["[dependencies]", "[dev-dependencies]"].contains(&section);
            assert!(for_tests_or_plain || !section.contains("dependencies"), "{section}");
        } else if section == "[dependencies]"
            && let Some((name, _)) = line.split_once('=')
        {
            dependencies.push(name.trim());
        }
    }
    assert_eq!(dependencies, ["bincode", "serde", "thiserror"]);
}

#[test]
fn no_file_does_io_reads_a_clock_or_starts_a_thread() {
    for (path, text) in sources() {
        for word in IMPURE {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn only_the_codec_calls_the_encoding_crate() {
    for (path, text) in sources() {
        let derives_only = |line: &str| !line.contains("bincode::") || line == "use bincode::{Decode, Encode};";
        assert!(path.ends_with("codec.rs") || text.lines().all(derives_only), "{}", path.display());
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let files = fs::read_dir(root().join("src")).expect("the sources");
    let paths = files.map(|entry| entry.expect("an entry").path());
    let sources: Vec<_> = paths.map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect();
    assert!(sources.len() > 10, "the sources were looked for in the wrong place");
    sources
}
