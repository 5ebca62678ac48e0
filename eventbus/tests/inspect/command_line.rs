//! What `mq-inspect` says of its command line.

use std::path::Path;
use std::process::Command;

use crate::stage::{INSPECT, text};

#[test]
fn help_is_as_it_was_accepted() {
    for (task, golden) in [
        (None, "mq-inspect.txt"),
        (Some("list"), "mq-inspect-list.txt"),
        (Some("tap"), "mq-inspect-tap.txt"),
        (Some("motes"), "mq-inspect-motes.txt"),
        (Some("show"), "mq-inspect-show.txt"),
        (Some("top"), "mq-inspect-top.txt"),
        (Some("stats"), "mq-inspect-stats.txt"),
        (Some("send"), "mq-inspect-send.txt"),
        (Some("drain"), "mq-inspect-drain.txt"),
        (Some("unlink"), "mq-inspect-unlink.txt"),
        (Some("decode"), "mq-inspect-decode.txt"),
        (Some("capture"), "mq-inspect-capture.txt"),
        (Some("record"), "mq-inspect-record.txt"),
        (Some("replay"), "mq-inspect-replay.txt"),
    ] {
        let output = Command::new(INSPECT).args(task).arg("--help").output().expect("run");
        let help = text(&output.stdout);
        let accepted = std::fs::read_to_string(Path::new("tests/help").join(golden)).unwrap_or_default();
        let task = task.map_or_else(String::new, |task| format!("{task} "));
        assert_eq!(
            help, accepted,
            "\n{golden}: left is the help now; if it is meant: cargo run -q -p eventbus --bin mq-inspect -- {task}--help >eventbus/tests/help/{golden}\n"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{golden}: a line is longer than 100 columns");
    }
}

#[test]
fn a_wrong_command_line_is_explained() {
    for args in [
        &["tap", "--topic", "weather"][..],
        &["list", "--instance", "a.b"],
        &["tap", "--for", "0"],
        &["unlink", "a/b"],
        &["drain", "a/b"],
        &["top", "--interval", "0"],
        &[],
    ] {
        let output = Command::new(INSPECT).args(args).output().expect("run");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let output = Command::new(INSPECT).args(["tap", "--mote", "141592cc00000001", "--topic", "counts"]).output().expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not about a mote"));
    for (args, expected) in [
        (&["send", "set-dagroot", "0001"][..], "needs `on` or `off`"),
        (&["send", "reset-mote", "0001", "on"], "takes no ROLE"),
        (&["show", ""], "last four hex digits"),
        (&["motes", "--interval", "3"], "--watch"),
    ] {
        let output = Command::new(INSPECT).args(args).output().expect("run");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}
