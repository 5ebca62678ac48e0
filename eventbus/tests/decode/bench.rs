//! The program, and the recordings to run it on.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::read::GzDecoder;
use serde_json::Value;

const INSPECT: &str = env!("CARGO_BIN_EXE_mq-inspect");

pub fn decode(args: &[&str]) -> Command {
    let mut command = Command::new(INSPECT);
    command.arg("decode").args(args);
    command
}

/// Runs it on standard input.
pub fn decode_bytes(args: &[&str], bytes: &[u8]) -> Output {
    let mut child =
        decode(args).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be run");
    let mut stdin = child.stdin.take().expect("piped");
    std::thread::scope(|scope| {
        // It may end before it has read everything.
        scope.spawn(move || stdin.write_all(bytes));
        child.wait_with_output().expect("it ends")
    })
}

/// What it prints about a file that is as it should be.
pub fn told(args: &[&str], file: &Path) -> String {
    let output = decode(args).arg(file).output().expect("it can be run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{}: {complaint}", file.display());
    String::from_utf8(output.stdout).expect("text")
}

/// The same, read as JSON a line.
pub fn told_json(args: &[&str], file: &Path) -> Vec<Value> {
    told(args, file).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)
}

/// A gzipped file of the recordings, unpacked.
pub fn unpacked(name: &str) -> String {
    let path = data(name);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("gzipped text");
    text
}

pub fn lines(name: &str) -> Vec<Value> {
    unpacked(name).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
