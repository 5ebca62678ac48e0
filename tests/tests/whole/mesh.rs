//! Motes without a cable: what comes up through the root reaches the GUI, and nobody else has to ask for it.

use std::collections::BTreeSet;

use anyhow::Result;
use lbr_tests::stack::{GuiHost, Motes, Place, Router, User};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const ROOT: &str = "141592cc00000001";
const FAR: [&str; 3] = ["141592cc00000002", "141592cc00000003", "141592cc00000004"];

/// The message, when it is of this type and tells of all motes without a cable.
fn with_all_far(message: &Value, kind: &str) -> Option<Value> {
    let motes = message["motes"].as_array().filter(|_| message["type"] == kind)?;
    let told: BTreeSet<&str> = motes.iter().filter(|mote| mote["source"] != "serial").filter_map(|mote| mote["mote"].as_str()).collect();
    FAR.iter().all(|mote| told.contains(mote)).then(|| message.clone())
}

/// Everything that the mesh makes the GUI hear of; its packets only after they have been asked for.
#[test]
fn motes_without_a_cable_are_known_by_what_comes_up_through_the_root() -> Result<()> {
    let place = Place::new("mesh", User::Unprivileged)?;
    let mut gui = GuiHost::start(&place)?;
    let router = Router::start(&place, &Motes::Mesh { cabled: 1, cableless: 3 }, &gui.url())?;
    router.ui_proxy.signal(Signal::SIGUSR1)?;
    gui.wait_for_mote("the cabled mote", 0, |mote| mote["dagroot"] == false)?;
    gui.process.say(&json!({"type": "subscribe", "topics": ["mote-inventory", "dag", "uinject", "mote-data"]}).to_string())?;
    let id = gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": ROOT}))?;
    assert_eq!(gui.outcome(&id)?.last().map(String::as_str), Some("confirmed"));

    let packet = gui.wait_for_type("mote-data", 0)?;
    assert_eq!((&packet["mote"], &packet["destination"]), (&json!(ROOT), &json!(ROOT)));
    assert!(packet["lowpan"].as_str().is_some_and(|bytes| bytes.len() > 20), "{packet}");

    let inventory = gui.wait_for("all three in the inventory", 0, |message| with_all_far(message, "mote-inventory"))?;
    for mote in inventory["motes"].as_array().into_iter().flatten().filter(|mote| mote["source"] == "dao") {
        assert_eq!((&mote["port"], &mote["link"]), (&Value::Null, &json!("up")), "{mote}");
    }
    let is_whole =
        |message: &Value| message["motes"].as_array()?.iter().all(|mote| mote["hops"].is_u64()).then(|| message["motes"].clone());
    let dag = gui.wait_for("a DODAG in which all reach the root", 0, |message| is_whole(&with_all_far(message, "dag")?))?;
    assert!(dag.as_array().is_some_and(|motes| motes.iter().all(|mote| mote["root"] == ROOT)), "{dag}");
    router.stop()
}
