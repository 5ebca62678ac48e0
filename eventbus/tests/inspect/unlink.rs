//! What `mq-inspect unlink` removes, and what it keeps.

use bus::queue::{self, OwnedQueue, PeerQueue, QueueError, glance};
use mqtypes::queues::{ALL, EVENTBUS, TAP};

use crate::stage::{Stage, json, text};

fn is_gone(name: &str) -> bool {
    matches!(glance(name), Err(QueueError::Missing { .. }))
}

#[test]
fn a_stopped_set_leaves_nothing_behind() {
    let mut stage = Stage::with_eventbus("iu1");
    stage.kill_eventbus();
    PeerQueue::open(&stage.name(EVENTBUS.spec.name)).expect("there").send(b"lost").expect("room");
    let output = stage.run(&["unlink"]);
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(said.starts_with(&format!("{}.eventbus: removed, with 1 message in it\n", stage.instance)), "{said}");
    assert!(said.contains(".eventbus-requests: removed; nothing was in it\n") && !said.contains("serial-bridge"), "{said}");
    assert!(ALL.iter().all(|spec| is_gone(&stage.name(spec.name))));
    let again = stage.run(&["unlink"]);
    assert_eq!(again.status.code(), Some(0));
    assert!(text(&again.stdout).starts_with(&format!("instance {}: no queue is there\n", stage.instance)));
}

#[test]
fn a_queue_that_a_process_reads_is_kept_unless_forced() {
    let stage = Stage::with_eventbus("iu2");
    let inbox = stage.name(EVENTBUS.spec.name);
    let pid = stage.eventbus.as_ref().expect("runs").id();
    let output = stage.run(&["unlink", "eventbus"]);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(said.contains(&format!("kept: eventbus ({pid}) reads it")) && said.contains("--force"), "{said}");
    assert_eq!(glance(&inbox).expect("kept").holder, Some(pid));
    let output = stage.run(&["unlink", "--json"]);
    let removals = json(&output.stdout);
    assert_eq!((output.status.code(), removals.as_array().map(Vec::len)), (Some(1), Some(2)));
    assert_eq!((&removals[0]["outcome"], &removals[0]["holder"]["pid"]), (&"held".into(), &pid.into()));
    let output = stage.run(&["unlink", "eventbus", "--force"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(is_gone(&inbox));
}

#[test]
fn a_queue_may_be_named_as_it_is_listed_and_as_errors_name_it() {
    let stage = Stage::new("iu3");
    for named in ["tap-left", &stage.name("tap-left")[1..], &stage.name("tap-left")] {
        drop(OwnedQueue::open_named(&stage.name("tap-left"), &TAP.spec).expect("made"));
        let output = stage.run(&["unlink", named]);
        assert_eq!((output.status.code(), is_gone(&stage.name("tap-left"))), (Some(0), true), "{named}");
    }
    let output = stage.run(&["unlink", "tap-left", "ui-proxy"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), format!("{0}.tap-left: not there\n{0}.ui-proxy: not there\n", stage.instance));
}

#[test]
fn taps_are_removed_with_the_set_if_they_are_left_over_and_kept_if_not() {
    let stage = Stage::new("iu4");
    let (left, live) = (stage.name("tap-left"), stage.name("tap-live"));
    drop(OwnedQueue::open_named(&left, &TAP.spec).expect("made"));
    let tap = OwnedQueue::open_named(&live, &TAP.spec).expect("made");
    let bare = stage.run(&["unlink"]);
    assert_eq!(bare.status.code(), Some(1));
    assert!(text(&bare.stderr).contains("tap-live: kept") && !is_gone(&live));
    let mounted = stage.run_with_mount(&["unlink"]);
    let is_left_gone = is_gone(&left);
    drop(tap);
    for name in [&left, &live] {
        let _ = queue::unlink(name);
    }
    if let Some(output) = mounted {
        assert_eq!((output.status.code(), is_left_gone), (Some(1), true));
        assert_eq!(text(&output.stdout), format!("{}.tap-left: removed; nothing was in it\n", stage.instance));
    }
}
