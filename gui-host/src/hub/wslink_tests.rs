//! The hub as a stock wslink client sees it, beside a page.

use serde_json::{Value, json};

use super::{
    ViewerId,
    tests::{MOTE, Stage, log},
    viewer::{Dialect, ToViewer, Words},
};

/// What a client is told, as JSON.
fn told(stage: &mut Stage, viewer: ViewerId) -> Vec<Value> {
    let mut told = Vec::new();
    while let Some(ToViewer::Words(Words::Wslink(message))) = stage.hub.poll_viewer(viewer) {
        let value = rmpv::decode::read_value(&mut &message[..]).unwrap();
        told.push(serde_json::to_value(value).unwrap());
    }
    told
}

fn client(stage: &mut Stage) -> ViewerId {
    stage.hub.handle_viewer_open(stage.now, Dialect::Wslink).unwrap()
}

fn ask(stage: &mut Stage, viewer: ViewerId, method: &str, kwargs: &Value) -> Value {
    let call = json!({"wslink": "1.0", "id": "rpc:c1:0", "method": method, "args": [], "kwargs": kwargs});
    let call: rmpv::Value = serde_json::from_value(call).unwrap();
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &call).unwrap();
    stage.hub.handle_wslink_message(stage.now, viewer, &bytes).unwrap();
    told(stage, viewer).pop().unwrap()
}

#[test]
fn a_client_is_told_what_changes_and_asks_for_the_rest() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    stage.say(router, &log(1));
    let viewer = client(&mut stage);
    stage.say(router, &log(2));
    let told = told(&mut stage, viewer);
    let expect = json!({"wslink": "1.0", "id": "publish:mote.log:0", "result": {"seq": 1, "lbr": "a", "message": log(2)}});
    assert_eq!(told, [expect]);
    let snapshot = ask(&mut stage, viewer, "lbr.snapshot", &json!({}))["result"].clone();
    assert_eq!((&snapshot["seq"], &snapshot["lbrs"]["a"]["logs"]), (&json!(1), &json!([log(1), log(2)])));
}

#[test]
fn a_client_may_choose_its_topics() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let viewer = client(&mut stage);
    let answer = ask(&mut stage, viewer, "lbr.subscribe", &json!({"topics": ["lbr.health"]}));
    assert_eq!(answer["result"]["seq"], 0);
    stage.say(router, &log(1));
    stage.say(router, &json!({"type": "lbr-health"}));
    let told = told(&mut stage, viewer);
    assert_eq!((told.len(), told[0]["id"].as_str()), (1, Some("publish:lbr.health:0")));
}

#[test]
fn outcomes_go_to_the_client_that_asked_and_not_to_the_page_beside_it() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (page, _) = stage.watching();
    let viewer = client(&mut stage);
    let kwargs = json!({"lbr": "a", "event": "reset-mote", "mote": MOTE});
    let id = ask(&mut stage, viewer, "lbr.command", &kwargs)["result"]["id"].clone();
    assert_eq!(stage.sent(router)[0]["id"], id);
    stage.say(router, &json!({"type": "command-outcome", "id": id, "state": "confirmed"}));
    let told = told(&mut stage, viewer);
    assert_eq!(told[0]["id"], "publish:command.outcome:0");
    assert_eq!(told[0]["result"]["message"]["id"], id);
    assert_eq!(stage.told(page), [] as [Value; 0]);
}

#[test]
fn a_client_is_refused_with_the_reason() {
    let mut stage = Stage::new(&[]);
    let viewer = client(&mut stage);
    let code = |answer: Value| answer["error"]["code"].as_i64().unwrap();
    let kwargs = json!({"lbr": "a", "event": "reset-mote", "mote": MOTE});
    assert_eq!(code(ask(&mut stage, viewer, "lbr.command", &kwargs)), -32602);
    let router = stage.router("a");
    stage.close(router);
    assert_eq!(code(ask(&mut stage, viewer, "lbr.refresh", &json!({"lbr": "a"}))), -32004);
    assert_eq!(code(ask(&mut stage, viewer, "lbr.refresh", &json!({"lbr": "*"}))), -32004);
    let refused = (0..15).filter(|_| ask(&mut stage, viewer, "lbr.snapshot", &json!({}))["error"]["code"] == -32003).count();
    assert_eq!(refused, 8);
}

#[test]
fn a_broken_message_is_a_fault_and_changes_nothing() {
    let mut stage = Stage::new(&[]);
    let viewer = client(&mut stage);
    assert!(stage.hub.handle_wslink_message(stage.now, viewer, &[0xc1]).is_err());
    assert_eq!(told(&mut stage, viewer), [] as [Value; 0]);
}

#[test]
fn a_slow_client_loses_only_its_own_messages() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (slow, quick) = (client(&mut stage), client(&mut stage));
    let mut heard = 0;
    for n in 0..5000 {
        stage.say(router, &log(n));
        heard += told(&mut stage, quick).len();
    }
    assert_eq!(heard, 5000);
    assert_eq!(stage.hub.poll_viewer(slow), Some(ToViewer::TooSlow));
}

#[test]
fn packets_are_asked_for_while_a_client_looks_and_come_as_bytes() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let viewer = client(&mut stage);
    stage.later(1000);
    assert_eq!(stage.sent(router), [] as [Value; 0]);
    ask(&mut stage, viewer, "lbr.subscribe", &json!({"topics": ["mote.data"]}));
    let late = stage.router("late");
    for router in [router, late] {
        let asked = stage.sent(router);
        assert_eq!((asked.len(), &asked[0]["type"]), (1, &json!("subscribe")));
        let topics: Vec<_> = asked[0]["topics"].as_array().unwrap().clone();
        assert!(topics.contains(&json!("mote-data")) && topics.contains(&json!("mote-status")) && !topics.contains(&json!("link")));
    }
    stage.say(router, &json!({"type": "mote-data", "mote": MOTE, "lowpan": "f17a00"}));
    let message = told(&mut stage, viewer).pop().unwrap();
    assert_eq!(message["id"], "publish:mote.data:0");
    // In JSON, as this test reads it, bytes are numbers.
    assert_eq!(message["result"]["message"]["lowpan"], json!([0xf1, 0x7a, 0]));
    stage.hub.handle_viewer_closed(viewer);
    let topics = stage.sent(router)[0]["topics"].clone();
    assert!(!topics.as_array().unwrap().contains(&json!("mote-data")));
}
