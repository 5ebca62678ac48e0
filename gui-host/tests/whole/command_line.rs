//! Flags, key files and ports that are wrong: the exit status, and the words with the way out.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant},
};

use crate::program::{PATIENCE, Program, command, key_file};

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
    for state in ["/var/lib/lbr", "/etc/lbr/state"] {
        assert!(text.contains(&format!("chmod 640 /etc/lbr/ui.key && mv -f /etc/lbr/ui.key {state}/ui.key' <{name}\n")), "{text}");
    }
    let line = r#"restrict,port-forwarding,permitlisten="127.0.0.1:8000",permitlisten="localhost:8000",command="ui-proxy wake" "#;
    assert!(text.contains(line), "{text}");
    let key = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(key.trim()));

    // Once more: the key stays, and the commands can be read again.
    let output = command(&["keygen", "--key-file", name]).output().unwrap();
    let again = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && again.contains("is kept") && again.contains(line), "{again}");
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
    fs::write(&path, "not a key\n").unwrap();
    check(&["keygen", "--key-file", name], 78, &["32 bytes of base64"]);
}

#[test]
fn the_page_is_opened_in_the_browser_with_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let opener = folder.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\necho \"$1\" >\"$(dirname \"$0\")/new\" && mv \"$(dirname \"$0\")/new\" \"$(dirname \"$0\")/opened\"\n")
        .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let program = Program::start_with_path(&["--open"], &path);
    let (port, token) = program.page.as_ref().unwrap();
    let opened = folder.path().join("opened");
    let deadline = Instant::now() + PATIENCE;
    while !opened.exists() {
        assert!(Instant::now() < deadline, "no browser was opened");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(fs::read_to_string(opened).unwrap(), format!("http://127.0.0.1:{port}/#t={token}\n"));
}

#[test]
fn a_computer_without_a_browser_is_told_and_the_host_goes_on() {
    let program = Program::start_with_path(&["--open"], "/nonexistent");
    program.error_line("cannot open a browser: ");
    assert!(program.page.is_some());
}
