//! What `mq-inspect` says of its command line.

use std::process::Command;

use crate::stage::{INSPECT, text};

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
