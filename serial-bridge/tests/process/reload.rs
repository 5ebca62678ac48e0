//! The configuration is read again: ports come, go and change, and those that are meant as before notice nothing.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::time::Duration;

use framing::hdlc;
use mqtypes::ids::{Generation, PortName};
use mqtypes::serial::{PortState, SerialCommand, SerialNotification};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::stage::{Mote, Stage, newest_report, program};
use crate::{health, soon};

/// Writes the file beside the ports; a port is named by its link, or by its address.
fn configure(directory: &TempDir, baud: u32, ports: &[&str]) {
    let place = |port: &str| if port.starts_with("tcp://") { port.to_owned() } else { format!("{}/{port}", directory.path().display()) };
    let ports: Vec<_> = ports.iter().map(|port| format!("  \"{}\",\n", place(port))).collect();
    let text = format!("[serial-bridge]\nbaud = {baud}\nport = [\n{}]\n", ports.concat());
    fs::write(directory.path().join("lbr.toml"), text).expect("written");
}

fn start(test: &str, ports: &[(&str, &str)], configured: &[&str]) -> Stage {
    Stage::start_configured(test, |directory| {
        for (link, target) in ports {
            symlink(target, directory.path().join(link)).expect("link");
        }
        configure(directory, 115_200, configured);
    })
}

fn wait_for_up(stage: &mut Stage, port: &PortName) -> Generation {
    stage.wait_for_state(port, |state| *state == PortState::Up).generation
}

fn wait_for_log(stage: &Stage, words: &str) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !stage.log().contains(words) {
        assert!(std::time::Instant::now() < end, "`{words}` is not in {}", stage.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_unwanted(state: &PortState) -> bool {
    matches!(state, PortState::Down { cause } if cause == "not configured any more")
}

#[test]
fn ports_come_and_go_and_the_others_notice_nothing() {
    let ((mut first, a), (mut second, b)) = (Mote::new(), Mote::new());
    let mut stage = start("come-go", &[("a", &a), ("b", &b)], &["a"]);
    let (a, b) = (stage.port("a"), stage.port("b"));
    assert_eq!(wait_for_up(&mut stage, &a), Generation(1));
    configure(&stage.directory, 115_200, &["b", "a"]);
    stage.signal(Signal::SIGHUP);
    assert_eq!(wait_for_up(&mut stage, &b), Generation(1));
    first.say(&hdlc::encode(b"Sfirst"));
    second.say(&hdlc::encode(b"Ssecond"));
    stage.wait_for_frames(2);
    configure(&stage.directory, 115_200, &["a"]);
    stage.signal(Signal::SIGHUP);
    stage.wait_for_state(&b, is_unwanted);
    stage.write(1, &b, soon(), b"Q");
    stage.wait_for_end(1);
    first.say(&hdlc::encode(b"Sagain"));
    stage.wait_for_frames(3);
    stage.said.clear();
    stage.ask(&SerialCommand::ReportPorts);
    health(&mut stage);
    assert_eq!(newest_report(&stage.said, &a).map(|report| (report.generation, report.state)), Some((Generation(1), PortState::Up)));
    assert_eq!(newest_report(&stage.said, &b), None, "what is not wanted is not told again");
    configure(&stage.directory, 115_200, &["a", "b"]);
    stage.signal(Signal::SIGHUP);
    assert_eq!(wait_for_up(&mut stage, &b), Generation(2));
    assert!(!stage.said.iter().any(|said| matches!(said, SerialNotification::Lost { .. })));
}

#[test]
fn a_node_behind_tcp_is_hung_up_on_when_nobody_wants_it_and_the_others_notice_nothing() {
    let (mut mote, a) = Mote::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let node = format!("tcp://{}", listener.local_addr().expect("bound"));
    let mut stage = start("tcp-goes", &[("a", &a)], &["a", &node]);
    let (a, port) = (stage.port("a"), PortName(node.clone()));
    let (mut stream, _) = listener.accept().expect("connected");
    assert_eq!((wait_for_up(&mut stage, &a), wait_for_up(&mut stage, &port)), (Generation(1), Generation(1)));
    configure(&stage.directory, 115_200, &["a"]);
    stage.signal(Signal::SIGHUP);
    stage.wait_for_state(&port, is_unwanted);
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    assert_eq!(stream.read(&mut [0]).expect("an end in good order"), 0);
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
    assert_eq!(newest_report(&stage.said, &a).map(|report| report.generation), Some(Generation(1)));
    configure(&stage.directory, 115_200, &["a", &node]);
    stage.signal(Signal::SIGHUP);
    assert_eq!(wait_for_up(&mut stage, &port), Generation(2));
}

#[test]
fn a_node_that_is_still_dialled_is_not_any_more_when_nobody_wants_it() {
    // Nobody listens any more: it is tried again and again.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let node = format!("tcp://{address}");
    let mut stage = start("tcp-dial", &[], &[&node]);
    let port = PortName(node);
    stage.wait_for_state(&port, |state| matches!(state, PortState::Down { cause } if cause.contains("nobody listens")));
    configure(&stage.directory, 115_200, &[]);
    stage.signal(Signal::SIGHUP);
    stage.wait_for_state(&port, is_unwanted);
    let listener = TcpListener::bind(address).expect("the same port");
    listener.set_nonblocking(true).expect("set");
    // A port that is wanted would have been dialled meanwhile.
    let waited = std::time::Instant::now();
    while waited.elapsed() < Duration::from_secs(2) {
        assert!(listener.accept().is_err(), "it is dialled though nobody wants it");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_port_with_another_rate_is_opened_anew_and_the_others_are_not() {
    let ((_first, a), (_second, b)) = (Mote::new(), Mote::new());
    let mut stage = start("rate", &[("a", &a), ("b", &b)], &["a,baud=9600", "b"]);
    let (a, b) = (stage.port("a"), stage.port("b"));
    wait_for_up(&mut stage, &a);
    wait_for_up(&mut stage, &b);
    configure(&stage.directory, 500_000, &["a,baud=9600", "b"]);
    stage.signal(Signal::SIGHUP);
    stage.wait_for("another rate", |said| newest_report(said, &b).filter(|report| report.baud == 500_000));
    let told = |port| newest_report(&stage.said, port).map(|report| (report.generation, report.baud));
    assert_eq!((told(&a), told(&b)), (Some((Generation(1), 9_600)), Some((Generation(2), 500_000))));
}

#[test]
fn a_pattern_that_takes_a_port_over_leaves_it_open() {
    let ((mut mote, a), (_other, b)) = (Mote::new(), Mote::new());
    let mut stage = start("pattern", &[("ttyA", &a), ("ttyB", &b)], &["ttyA"]);
    let (a, b) = (stage.port("ttyA"), stage.port("ttyB"));
    wait_for_up(&mut stage, &a);
    configure(&stage.directory, 115_200, &["tty*"]);
    stage.signal(Signal::SIGHUP);
    wait_for_up(&mut stage, &b);
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
    assert_eq!(newest_report(&stage.said, &a).map(|report| report.generation), Some(Generation(1)));
    configure(&stage.directory, 115_200, &["ttyB"]);
    stage.signal(Signal::SIGHUP);
    stage.wait_for_state(&a, is_unwanted);
    assert_eq!(newest_report(&stage.said, &b).map(|report| report.generation), Some(Generation(1)));
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_every_fault_is_told_with_its_line() {
    let (mut mote, a) = Mote::new();
    let mut stage = start("wrong", &[("a", &a)], &["a"]);
    let port = stage.port("a");
    wait_for_up(&mut stage, &port);
    let file = stage.directory.path().join("lbr.toml");
    fs::write(&file, "log-level = \"loud\"\n[serial-bridge]\nports = []\nbaud = 7\n").expect("written");
    stage.signal(Signal::SIGHUP);
    wait_for_log(&stage, "everything stays as it was");
    for words in [
        ":1: log-level = \"loud\": off, error",
        ":3: [serial-bridge] ports: there is no such key: did you mean `port`?",
        ":4: [serial-bridge] baud = 7: ",
    ] {
        let line = format!("{}{words}", file.display());
        assert!(stage.log().contains(&line), "{line} is not in {}", stage.log());
    }
    fs::remove_file(&file).expect("removed");
    stage.signal(Signal::SIGHUP);
    wait_for_log(&stage, "there is no such file");
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
    assert_eq!(newest_report(&stage.said, &port).map(|report| report.generation), Some(Generation(1)));
}

#[test]
fn what_a_start_needs_is_told_and_a_flag_stays_above_the_file() {
    let (_mote, a) = Mote::new();
    let mut stage = start("start", &[("a", &a)], &["a"]);
    let port = stage.port("a");
    wait_for_up(&mut stage, &port);
    let file = stage.directory.path().join("lbr.toml");
    let text = fs::read_to_string(&file).expect("there");
    // The instance stands on this command line; the log's level does not.
    fs::write(&file, format!("instance = \"other\"\nlog-level = \"debug\"\nrun-dir = \"/tmp\"\n{text}")).expect("written");
    stage.signal(Signal::SIGHUP);
    wait_for_log(&stage, "new: log-level");
    assert!(!stage.log().contains("takes effect at the next start"), "{}", stage.log());
    assert_eq!(newest_report(&stage.said, &port).map(|report| report.generation), Some(Generation(1)));
}

#[test]
fn a_check_of_one_port_does_not_collide_with_those_of_the_file() {
    let directory = tempfile::tempdir().expect("made");
    configure(&directory, 500_000, &["a", "b"]);
    let run = |words: &[&str]| {
        let output = program("serial-never").arg("--config").arg(directory.path().join("lbr.toml")).args(words).output().expect("started");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, told) = run(&["--check", "/no/such/port"]);
    assert!(code == Some(69) && told.contains("/no/such/port: "), "{code:?} {told}");
    let (code, told) = run(&["--check-config"]);
    assert!(code == Some(0) && told.contains("lbr.toml: in order") && told.contains("[serial-bridge] baud = 500000"), "{code:?} {told}");
}
