//! `--lbr`, with a script in the place of `ssh` that writes down what it was started with.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    program::{PATIENCE, Program, key_file},
    router::Router,
    viewer::Viewer,
};

/// Writes down its arguments and its process id; the tunnel stays, `pkill` fails, the rest succeeds.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
printf '%s\n' "$*" >>"$here/calls"
case "$*" in
*" -N "*) echo $$ >"$here/pid"; echo 'Warning: a word of ssh' >&2; exec sleep 600 ;;
*pkill*) echo 'not permitted' >&2; exit 1 ;;
esac
"#;

fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("fake-ssh");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Waits until a file has so many lines.
fn lines(path: &Path, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(Instant::now() < deadline, "only {lines:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_tunnel_is_set_up_the_router_woken_and_all_stopped_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = script(folder.path(), SCRIPT);
    let key = key_file(folder.path());
    let mut program = Program::start(&["--lbr", "me@router", "--ssh", ssh.to_str().unwrap(), "--ssh-config", key.to_str().unwrap()]);
    let port = program.link_port;
    let calls = lines(&folder.path().join("calls"), 3);
    let common = format!("-F {} -o BatchMode=yes", key.display());
    assert_eq!(
        calls,
        [
            format!(
                "{common} -o ControlMaster=no -o ControlPath=none -N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 \
                 -o ServerAliveCountMax=3 -R 127.0.0.1:8000:localhost:{port} me@router"
            ),
            format!("{common} -o ClearAllForwardings=yes -T me@router pkill -USR1 -x ui-proxy"),
            format!("{common} -o ClearAllForwardings=yes -T me@router ui-proxy wake --port 8000"),
        ]
    );

    let mut viewer = Viewer::admitted(&program);
    let snapshot = viewer.subscribe();
    let link = &snapshot["links"][0];
    assert_eq!((&link["target"], &link["state"]), (&"me@router".into(), &"connecting".into()));
    let stderr = link["stderr"].to_string();
    assert!(stderr.contains("a word of ssh") && stderr.contains("not permitted"), "{stderr}");

    let mut router = Router::try_dial(port, "localhost", 8000, &[]).unwrap();
    router.send(&crate::router::hello("a"));
    let nonce = router.receive()["nonce"].as_str().unwrap().to_owned();
    let proof = crate::router::proof("router", 8000, &nonce);
    router.send(&serde_json::json!({"type": "auth", "proof": proof}));
    router.send(&serde_json::json!({"type": "mote-inventory", "motes": []}));
    let all_done = |message: &serde_json::Value| {
        let stages = message["stages"].as_array().unwrap();
        stages.len() == 5 && stages.iter().all(|stage| stage["state"] == "done")
    };
    let live = viewer.told("link", all_done);
    assert_eq!(live["message"]["target"], "me@router");

    assert!(program.terminate().success());
    ends(&lines(&folder.path().join("pid"), 1)[0]);
}

/// Waits until there is no such process any more.
fn ends(pid: &str) {
    let deadline = Instant::now() + PATIENCE;
    while Path::new("/proc").join(pid).join("exe").read_link().is_ok() {
        assert!(Instant::now() < deadline, "ssh still runs");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn no_ssh_outlives_a_host_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    // The wake-up hangs too.
    let hanging = "#!/bin/sh\necho $$ >>\"$(dirname \"$0\")/pids\"\nexec sleep 600\n";
    let ssh = script(folder.path(), hanging);
    let mut program = Program::start(&["--lbr", "me@router", "--ssh", ssh.to_str().unwrap()]);
    let pids = lines(&folder.path().join("pids"), 2);
    for pid in &pids {
        assert!(Path::new("/proc").join(pid).join("exe").read_link().is_ok(), "{pid}");
    }
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    for pid in pids {
        ends(&pid);
    }
}

#[test]
fn a_router_that_is_taken_is_told_in_words_and_an_ssh_that_stays_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    // As plink does: it says so and stays.
    let staying = "#!/bin/sh\necho $$ >>\"$(dirname \"$0\")/pids\"\n\
                   echo 'Remote port forwarding from 127.0.0.1:8000 refused' >&2\nexec sleep 600\n";
    let ssh = script(folder.path(), staying);
    let program = Program::start(&["--lbr", "me@router", "--ssh", ssh.to_str().unwrap()]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let link = viewer.told("link", |message| message["stages"][1]["state"] == "failed");
    let detail = link["message"]["detail"].as_str().unwrap();
    assert!(detail.contains("another gui-host has its tunnel there") && detail.contains("next attempt in 1 s"), "{detail}");
    let told = program.error_line("tunnel me@router: ");
    assert!(told.contains("another gui-host has its tunnel there"), "{told}");
    ends(&lines(&folder.path().join("pids"), 1)[0]);
}

#[test]
fn each_target_has_a_door_of_its_own_and_a_wake_command_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = script(folder.path(), SCRIPT);
    let program = Program::start(&[
        "--lbr",
        "me@one",
        "--lbr",
        "me@two",
        "--ssh",
        ssh.to_str().unwrap(),
        "--wake-command",
        "sudo wake it",
        "--remote-port",
        "8123",
    ]);
    let calls = lines(&folder.path().join("calls"), 4);
    let forwards: Vec<&str> = calls
        .iter()
        .filter_map(|call| call.split_once("-R 127.0.0.1:8123:localhost:"))
        .map(|(_, rest)| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(forwards.len(), 2);
    assert!(forwards.contains(&&*program.link_port.to_string()) && forwards[0] != forwards[1]);
    for target in ["me@one", "me@two"] {
        let wake = format!("-o BatchMode=yes -o ClearAllForwardings=yes -T {target} sudo wake it");
        assert!(calls.contains(&wake), "{calls:?}");
    }
}

#[test]
fn a_tunnel_that_fails_is_tried_again_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let failing = "#!/bin/sh\necho x >>\"$(dirname \"$0\")/calls\"\necho 'Permission denied' >&2\nexit 255\n";
    let ssh = script(folder.path(), failing);
    let program = Program::start(&["--lbr", "me@router", "--ssh", ssh.to_str().unwrap()]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let link = viewer
        .told("link", |message| message["stderr"].to_string().contains("Permission denied") && message["stages"][1]["state"] == "failed");
    let detail = link["message"]["detail"].as_str().unwrap();
    assert!(detail.contains("255") && detail.contains("next attempt"), "{detail}");
    lines(&folder.path().join("calls"), 2);
}

#[test]
fn a_missing_ssh_is_told_with_the_way_out() {
    let program = Program::start(&["--lbr", "me@router", "--ssh", "/nonexistent/ssh"]);
    let mut viewer = Viewer::admitted(&program);
    viewer.subscribe();
    let link = viewer.told("link", |message| message["stages"][0]["state"] == "failed");
    let detail = link["message"]["detail"].as_str().unwrap();
    assert!(detail.contains("/nonexistent/ssh") && detail.contains("--ssh PROGRAM"), "{detail}");
}
