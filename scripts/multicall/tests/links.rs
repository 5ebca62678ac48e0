//! The binary as it is installed: called through links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAMS: [&str; 4] = ["serial-bridge", "eventbus", "ui-proxy", "mq-inspect"];

fn link(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    symlink(env!("CARGO_BIN_EXE_lbr"), &path).expect("a new directory");
    path
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn a_link_and_a_first_argument_call_the_same_program() {
    let directory = tempfile::tempdir().expect("made");
    for name in PROGRAMS {
        let through_link = output(Command::new(link(directory.path(), name)).arg("--version"));
        assert_eq!(through_link, (Some(0), format!("{name} {}\n", env!("CARGO_PKG_VERSION"))));
        assert_eq!(output(Command::new(env!("CARGO_BIN_EXE_lbr")).args([name, "--version"])), through_link);
    }
}

#[test]
fn without_a_program_it_names_them_and_its_version() {
    for args in [&[][..], &["gui-host"], &["--help"]] {
        let (code, text) = output(Command::new(env!("CARGO_BIN_EXE_lbr")).args(args));
        assert_eq!(code, Some(2), "{text}");
        for expected in PROGRAMS.iter().chain(&[env!("CARGO_PKG_VERSION")]) {
            assert!(text.contains(expected), "{text}");
        }
    }
}

#[test]
fn the_kernel_names_the_process_after_the_link() {
    let directory = tempfile::tempdir().expect("made");
    // It waits for a recording that nobody writes.
    let mut process =
        Command::new(link(directory.path(), "mq-inspect")).args(["decode", "-"]).stdin(Stdio::piped()).spawn().expect("it starts");
    let comm = format!("/proc/{}/comm", process.id());
    let until = Instant::now() + Duration::from_secs(10);
    let mut seen = String::new();
    // Between fork and exec it has our name.
    while seen.trim() != "mq-inspect" && Instant::now() < until {
        seen = fs::read_to_string(&comm).unwrap_or_default();
        std::thread::yield_now();
    }
    process.kill().expect("it runs");
    process.wait().expect("killed");
    assert_eq!(seen.trim(), "mq-inspect");
}
