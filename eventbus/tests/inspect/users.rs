//! Several users on one router: its own, those of its group, and strangers.

use std::fs;

use bus::descriptor::borrow;
use bus::queue::{OwnedQueue, PeerQueue, glance, unlink};
use mqtypes::broker::{Request, Subscribe, Topic};
use mqtypes::codec::encode;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::queues::{EVENTBUS, EVENTBUS_REQUESTS, TAP};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchown};

use crate::stage::{Stage, User, envelope, json, text, until};

/// `eventbus` runs as the router's user; whoever may ask it must hear it too.
fn check_that_a_tap_hears(test: &str, user: User) {
    let Some(mut stage) = Stage::for_users(test) else { return };
    stage.start_eventbus_as(User::Router);
    let mut tap = stage.tap_as(user, &["--json"]);
    assert_eq!(tap.wait_for_snapshot()["sender"], "eventbus");
    let seen = glance(&tap.name).expect("there");
    assert_eq!((seen.uid, seen.gid, seen.mode), (user.id(), User::Router.id(), 0o620));
    tap.signal(Signal::SIGTERM);
    assert_eq!(tap.exit_code(), Some(0));
    // Root may look at everybody's router, and is told whose it is.
    let is_told = tap.complaints().contains(&format!("belongs to user {}", User::Router.id()));
    assert_eq!(is_told, user == User::Ourselves);
}

#[test]
fn root_can_tap_another_users_router() {
    check_that_a_tap_hears("is1", User::Ourselves);
}

#[test]
fn a_member_of_the_group_can_tap_the_router() {
    check_that_a_tap_hears("is2", User::Member);
}

#[test]
fn the_routers_user_can_tap_it() {
    check_that_a_tap_hears("is3", User::Router);
}

/// A subscriber that was killed leaves its name behind for a while, in the lease that `eventbus` keeps.
#[test]
fn a_strangers_queue_under_a_subscribers_name_is_told_nothing() {
    let Some(mut stage) = Stage::for_users("is7") else { return };
    let tap = OwnedQueue::open_named(&stage.name("tap-taken"), &TAP.spec).expect("made");
    let stranger = User::Stranger.id();
    fchown(borrow(&tap), Some(Uid::from_raw(stranger)), Some(Gid::from_raw(stranger))).expect("we are root");
    fchmod(borrow(&tap), Mode::from_bits_truncate(0o666)).expect("we are root");
    let log = stage.start_eventbus_with_log(User::Router);
    let wish = Subscribe { reply: "tap-taken".to_owned(), topics: vec![Topic::Inventory], lease_ms: 60_000 };
    let envelope = Envelope { sender: Sender::Tool, ..envelope() };
    let request = encode(&envelope, &Request::Subscribe(wish)).expect("fits");
    PeerQueue::open_shared(&stage.name(EVENTBUS_REQUESTS.spec.name)).expect("there").send(&request).expect("room");
    until("eventbus says why not", || fs::read_to_string(&log).expect("text").contains("neither of them ours"));
    let waiting = tap.depth().expect("known");
    unlink(tap.name()).expect("there");
    assert_eq!(waiting, 0);
}

#[test]
fn a_stranger_is_told_to_join_the_group() {
    let Some(mut stage) = Stage::for_users("is4") else { return };
    stage.start_eventbus_as(User::Router);
    let output = stage.run_as(User::Stranger, &["tap"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(text(&output.stderr).contains("closed to this user") && text(&output.stderr).contains("join that group"));
}

#[test]
fn whoever_may_ask_sees_all_and_whoever_may_not_is_told_the_way_out() {
    let Some(mut stage) = Stage::for_users("is8") else { return };
    stage.start_eventbus_as(User::Router);
    for args in [&["stats"][..], &["top", "--count", "1"], &["motes"], &["show", "0001"], &["send", "reset-mote", "0001"]] {
        let output = stage.run_as(User::Stranger, args);
        assert_eq!(output.status.code(), Some(69), "{args:?}");
        assert!(text(&output.stderr).contains("join that group"), "{args:?}: {}", text(&output.stderr));
    }
    let told = json(&stage.run_as(User::Member, &["stats", "--json"]).stdout);
    let standings: Vec<_> = told["processes"].as_array().expect("processes").iter().map(|process| process["standing"].clone()).collect();
    assert_eq!(standings, ["not-running", "told", "not-running"]);
    let output = stage.run_as(User::Member, &["send", "reset-mote", "141592cc00000001"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let output = stage.run_as(User::Member, &["drain", "eventbus", "--yes", "--force"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(69), ""));
    assert!(text(&output.stderr).contains("closed to this user"), "{}", text(&output.stderr));
}

#[test]
fn only_the_owner_and_root_can_remove_a_queue() {
    let Some(mut stage) = Stage::for_users("is5") else { return };
    stage.start_eventbus_as(User::Router);
    stage.kill_eventbus();
    for (user, args) in [(User::Stranger, &["unlink"][..]), (User::Member, &["unlink"]), (User::Member, &["unlink", "--force"])] {
        let output = stage.run_as(user, args);
        assert_eq!(output.status.code(), Some(1), "{user:?}");
        assert_eq!(text(&output.stderr).matches("kept: another user made it").count(), 2, "{}", text(&output.stderr));
    }
    let output = stage.run_as(User::Router, &["unlink"]);
    assert_eq!((output.status.code(), text(&output.stdout).matches("removed").count()), (Some(0), 2));
}

#[test]
fn the_way_out_that_eventbus_names_is_one() {
    let Some(mut stage) = Stage::for_users("is6") else { return };
    let inboxes = [EVENTBUS.spec, EVENTBUS_REQUESTS.spec];
    for spec in &inboxes {
        drop(OwnedQueue::open(&stage.instance, spec).expect("made"));
    }
    for inbox in inboxes.map(|spec| stage.name(spec.name)) {
        let output = stage.eventbus_command(User::Router).output().expect("run");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(69));
        assert!(said.contains(&format!("as root with `mq-inspect unlink {inbox}`")), "{said}");
        assert_eq!(stage.run(&["unlink", &inbox]).status.code(), Some(0));
    }
    stage.start_eventbus_as(User::Router);
}
