//! Flags, key files and ports that are wrong: the exit status, and the words with the way out.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use crate::program::{command, key_file};

fn check(arguments: &[&str], status: i32, words: &[&str]) {
    let output = command(arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{arguments:?}: `{word}` is missing in: {text}");
    }
}

#[test]
fn wrong_flags_end_with_2() {
    check(&["--nonsense"], 2, &["--nonsense", "--help"]);
    check(&["--lbr", "-x"], 2, &["--lbr", "-x", "begin with '-'"]);
    check(&["--lbr", "root@lbr; id"], 2, &["root@lbr; id", "white space"]);
    check(&["--link-port", "70000"], 2, &["--link-port", "70000"]);
    check(&["--port", "8000"], 2, &["--port 8000", "--link-port 8000"]);
}

#[test]
fn a_missing_or_open_key_ends_with_78() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.key");
    check(&["--key-file", path.to_str().unwrap()], 78, &["none.key", "gui-host keygen", "--auth none"]);
    check(&[], 78, &["/nonexistent/.config/lbr/ui.key"]);
    let open = key_file(folder.path());
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    check(&["--key-file", open.to_str().unwrap()], 78, &["ui.key", "0644", "chmod 0600"]);
}

#[test]
fn a_taken_port_ends_with_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    check(&["--auth", "none", "--link-port", &port], 69, &[&port, "--link-port PORT"]);
    check(&["--auth", "none", "--link-port", "0", "--port", &port], 69, &[&port, "--port PORT"]);
}

#[test]
fn keygen_makes_a_key_once_and_says_how_to_copy_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lbr/ui.key");
    let name = path.to_str().unwrap();
    let output = command(&["keygen", "--key-file", name]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("chmod 640 /var/lib/lbr/ui.key' <{name}\n")), "{text}");
    let key = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(key.trim()));
    check(&["keygen", "--key-file", name], 78, &["exists already"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
}
