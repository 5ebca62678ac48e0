//! What `mq-inspect stats` and `mq-inspect top` tell of processes that answer, that do not, and that are not there.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::stage::{PORT, Stage, json, port, text};

fn process(told: &Value, name: &str) -> Value {
    let processes = told["processes"].as_array().expect("processes");
    processes.iter().find(|process| process["process"] == name).cloned().unwrap_or(Value::Null)
}

#[test]
fn stats_tells_what_processes_tell_and_who_is_not_there() {
    let stage = Stage::with_eventbus("if1");
    stage.say(&port());
    let output = stage.run(&["stats", "--json"]);
    let told = json(&output.stdout);
    let eventbus = process(&told, "eventbus");
    assert_eq!((output.status.code(), &eventbus["standing"]), (Some(0), &"told".into()));
    let pid = stage.eventbus.as_ref().map(std::process::Child::id);
    assert_eq!(eventbus["pid"].as_u64(), pid.map(u64::from));
    assert!(eventbus["rss_kib"].as_u64() > Some(0));
    assert_eq!(process(&told, "serial-bridge")["standing"], "not-running");
    let table = stage.run(&["stats"]);
    assert!(
        text(&table.stdout).contains("\nserial-bridge    ") && text(&table.stdout).contains("  not running\n"),
        "{}",
        text(&table.stdout)
    );
}

#[test]
fn stats_of_a_process_that_does_not_answer_tells_what_the_system_does() {
    let stage = Stage::with_eventbus("if2");
    let pid = stage.eventbus.as_ref().expect("runs").id();
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGSTOP).expect("ours");
    let output = stage.run(&["stats"]);
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stdout).lines().find(|line| line.starts_with("eventbus ")).expect("its line");
    assert!(line.contains(&format!(" {pid} ")) && line.contains(" KiB ") && line.ends_with("no answer within 2 s"), "{line}");
}

#[test]
fn stats_of_a_router_that_is_not_there_says_so_and_fails() {
    let output = Stage::new("if3").run(&["stats"]);
    assert_eq!((output.status.code(), text(&output.stdout).matches("not running").count()), (Some(1), 3));
    assert!(text(&output.stderr).contains("eventbus is not running"));
}

#[test]
fn top_tells_rates_after_one_interval_and_takes_nothing() {
    let stage = Stage::with_eventbus("if4");
    let output = stage.run(&["top", "--count", "1", "--interval", "1", "--json"]);
    let told = json(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(told["seconds"].as_f64().is_some_and(|seconds| (0.9..10.0).contains(&seconds)), "{told}");
    assert!(process(&told, "eventbus")["cpu"].as_f64().is_some_and(|share| (0.0..1.0).contains(&share)), "{told}");
    let queues: Vec<_> = told["queues"].as_array().expect("queues").iter().map(|queue| queue["standing"].clone()).collect();
    assert!(queues.contains(&"held".into()) && queues.contains(&"missing".into()), "{queues:?}");
    let block = stage.run(&["top", "--count", "2", "--interval", "1"]);
    let block = text(&block.stdout);
    assert_eq!((block.matches("\nPROCESS ").count(), block.matches("Z, over ").count()), (2, 2), "{block}");
    assert!(!block.contains('\x1b') && !block.contains(PORT), "{block}");
}
