//! The hub as routers, browsers and scripts see it; time is advanced, nothing sleeps.

use serde_json::{Value, json};

use super::{
    ConnectionId, Crowded, Hub, Settings, TargetSettings, ToRouter, ViewerId,
    viewer::{Dialect, ToViewer, Words},
};
use crate::{
    clock::Now,
    link::handshake::Hello,
    tunnel::{LinkThrough, Tunnel},
};

pub const MOTE: &str = "141592cc00000001";

/// A hub and the moment that it is.
pub struct Stage {
    pub hub: Hub,
    pub now: Now,
}

impl Stage {
    pub fn new(targets: &[&str]) -> Self {
        let target = |name: &&str| TargetSettings { name: (*name).to_owned(), commands: vec![format!("ssh {name}")] };
        let settings = Settings {
            targets: targets.iter().map(target).collect(),
            commands: vec!["ssh USER@LBR".to_owned()],
            command_tag: "tag".to_owned(),
        };
        let now = Now::start();
        Self { hub: Hub::new(settings, now), now }
    }

    pub fn later(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
        self.hub.handle_timeout(self.now);
    }

    pub fn open(&mut self, id: &str, door: Option<usize>) -> Result<ConnectionId, Crowded> {
        let hello = json!({"type": "hello", "v": [1], "lbr": {"id": id}}).to_string();
        self.hub.handle_link_open(self.now, Hello::parse(&hello).unwrap(), door)
    }

    pub fn router(&mut self, id: &str) -> ConnectionId {
        self.open(id, None).unwrap()
    }

    pub fn say(&mut self, router: ConnectionId, message: &Value) {
        self.hub.handle_link_message(self.now, router, &message.to_string()).unwrap();
    }

    pub fn close(&mut self, router: ConnectionId) {
        self.hub.handle_link_closed(self.now, router, "cable cut");
    }

    /// What the host has sent to a router.
    pub fn sent(&mut self, router: ConnectionId) -> Vec<Value> {
        let mut sent = Vec::new();
        while let Some(ToRouter::Text(text)) = self.hub.poll_router(router) {
            sent.push(serde_json::from_str(&text).unwrap());
        }
        sent
    }

    pub fn viewer(&mut self) -> ViewerId {
        self.hub.handle_viewer_open(self.now, Dialect::JsonRpc).unwrap()
    }

    pub fn watching(&mut self) -> (ViewerId, Value) {
        let viewer = self.viewer();
        let answer = self.ask(viewer, "subscribe", &json!({}));
        (viewer, answer["result"].clone())
    }

    pub fn ask(&mut self, viewer: ViewerId, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.hub.handle_request(self.now, viewer, &request.to_string());
        self.told(viewer).pop().unwrap()
    }

    /// What a viewer gets.
    pub fn told(&mut self, viewer: ViewerId) -> Vec<Value> {
        let mut told = Vec::new();
        while let Some(ToViewer::Words(Words::Json(text))) = self.hub.poll_viewer(viewer) {
            told.push(serde_json::from_str(&text).unwrap());
        }
        told
    }

    /// The states of links that a viewer is told.
    pub fn link_words(&mut self, viewer: ViewerId) -> Vec<String> {
        let told = self.told(viewer);
        let links = told.iter().filter(|told| told["method"] == "link");
        links.map(|told| told["params"]["message"]["state"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn log(n: u64) -> Value {
    json!({"type": "mote-log", "n": n})
}

#[test]
fn without_a_router_the_commands_are_shown() {
    let (_, snapshot) = Stage::new(&[]).watching();
    assert_eq!(snapshot["lbrs"], json!({}));
    let links = snapshot["links"].as_array().unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(links[0]["state"], "none");
    assert_eq!(links[0]["commands"], json!(["ssh USER@LBR"]));
}

#[test]
fn a_viewer_gets_the_snapshot_and_then_only_what_changes() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    stage.say(router, &json!({"type": "mote-inventory", "t": 5, "motes": [{"mote": MOTE}]}));
    stage.say(router, &json!({"type": "mote-status", "mote": MOTE, "elements": {"Asn": {"t": 1, "asn": 9}}}));
    stage.say(router, &log(1));
    stage.say(router, &json!({"type": "lbr-health", "processes": []}));
    let (viewer, snapshot) = stage.watching();
    let lbr = &snapshot["lbrs"]["a"];
    assert_eq!(lbr["hello"]["lbr"]["id"], "a");
    assert_eq!(lbr["inventory"], json!({"t": 5, "motes": [{"mote": MOTE}]}));
    assert_eq!(lbr["status"][MOTE]["elements"]["Asn"]["asn"], 9);
    assert_eq!(lbr["logs"], json!([log(1)]));
    assert_eq!(lbr["health"]["processes"], json!([]));
    assert_eq!(snapshot["links"][0]["state"], "live");

    stage.say(router, &log(2));
    let told = stage.told(viewer);
    assert_eq!(
        told,
        [json!({"jsonrpc": "2.0", "method": "mote-log", "params": {
            "seq": snapshot["seq"].as_u64().unwrap() + 1, "lbr": "a", "message": log(2)}})]
    );
}

#[test]
fn what_the_link_dropped_is_told_and_stays_in_its_place_in_the_log() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (viewer, _) = stage.watching();
    let gap = json!({"type": "gap", "t": 2, "dropped": {"mote-log": 3}});
    for message in [&log(1), &gap, &log(5)] {
        stage.say(router, message);
    }
    let told: Vec<_> = stage.told(viewer).iter().map(|told| told["method"].clone()).collect();
    assert_eq!(told, ["mote-log", "gap", "mote-log"]);
    let (_, snapshot) = stage.watching();
    assert_eq!(snapshot["lbrs"]["a"]["logs"], json!([log(1), gap, log(5)]));
}

/// A router with more status than a snapshot tells at once to who can wait: motes with a table of one long row each.
fn large(stage: &mut Stage, motes: u64) -> ConnectionId {
    let router = stage.router("a");
    for mote in 1..=motes {
        let rows = json!({"3": {"t": 1, "words": "x".repeat(8 << 10)}});
        let elements = json!({"Asn": {"t": 1}, "Schedule": {"t": mote, "rows": rows}});
        stage.say(router, &json!({"type": "mote-status", "mote": format!("{mote:016x}"), "port": null, "elements": elements}));
    }
    router
}

#[test]
fn rows_of_a_large_network_follow_the_snapshot_when_they_are_asked_for() {
    let mut stage = Stage::new(&[]);
    let router = large(&mut stage, 70);
    let viewer = stage.viewer();
    let snapshot = stage.ask(viewer, "subscribe", &json!({"rows": "later"}))["result"].clone();
    assert_eq!(snapshot["rows"], "later");
    let mote = &snapshot["lbrs"]["a"]["status"]["0000000000000001"];
    assert_eq!(mote["elements"], json!({"Asn": {"t": 1}, "Schedule": {"t": 1}}));
    assert_eq!(stage.told(viewer), [] as [Value; 0]);

    let request = json!({"jsonrpc": "2.0", "id": 8, "method": "rows"});
    stage.hub.handle_request(stage.now, viewer, &request.to_string());
    // What is newer than the question is told as it is when its turn comes.
    stage.say(
        router,
        &json!({"type": "mote-status", "mote": format!("{:016x}", 70), "elements": {"Schedule": {"t": 99, "rows": {"0": {}}}}}),
    );
    let told = stage.told(viewer);
    assert_eq!(told[0], json!({"jsonrpc": "2.0", "id": 8, "result": {}}));
    assert_eq!(told[1]["params"]["message"]["elements"]["Schedule"]["t"], 99, "what happens comes before what is only filled in");
    assert_eq!(told.len(), 2 + 70);
    for (number, each) in told[1..].iter().enumerate() {
        assert_eq!(each["params"]["seq"], snapshot["seq"].as_u64().unwrap() + 1 + number as u64);
    }
    let last = &told[71]["params"]["message"];
    assert_eq!((&last["type"], &last["mote"]), (&json!("mote-status"), &json!(format!("{:016x}", 70))));
    assert_eq!(last["elements"].as_object().unwrap().keys().collect::<Vec<_>>(), ["Schedule"]);
    assert_eq!(last["elements"]["Schedule"]["rows"].as_object().unwrap().keys().collect::<Vec<_>>(), ["0", "3"]);
    assert_eq!(stage.told(viewer), [] as [Value; 0]);
}

#[test]
fn rows_come_with_the_snapshot_where_there_are_few_or_nobody_said_that_they_may_follow() {
    for (motes, params) in [(20, json!({"rows": "later"})), (70, json!({"rows": "now"})), (70, json!({}))] {
        let mut stage = Stage::new(&[]);
        large(&mut stage, motes);
        let viewer = stage.viewer();
        let snapshot = stage.ask(viewer, "subscribe", &params)["result"].clone();
        assert!(snapshot.get("rows").is_none());
        assert!(snapshot["lbrs"]["a"]["status"]["0000000000000001"]["elements"]["Schedule"]["rows"]["3"].is_object());
    }
}

#[test]
fn a_new_subscription_ends_what_is_still_to_follow() {
    let mut stage = Stage::new(&[]);
    large(&mut stage, 70);
    let viewer = stage.viewer();
    stage.ask(viewer, "subscribe", &json!({"rows": "later"}));
    for (method, params) in [("rows", json!({})), ("subscribe", json!({"topics": ["link"]})), ("rows", json!({}))] {
        let request = json!({"jsonrpc": "2.0", "id": 8, "method": method, "params": params});
        stage.hub.handle_request(stage.now, viewer, &request.to_string());
    }
    let told = stage.told(viewer);
    assert!(told.iter().all(|each| each.get("method").is_none()), "nobody wants to hear of status");
}

#[test]
fn a_viewer_is_told_only_the_topics_that_it_asked_for() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let viewer = stage.viewer();
    stage.say(router, &log(1));
    assert_eq!(stage.told(viewer), [] as [Value; 0]);
    stage.ask(viewer, "subscribe", &json!({"topics": ["lbr-health"]}));
    stage.say(router, &log(2));
    stage.say(router, &json!({"type": "lbr-health"}));
    let told = stage.told(viewer);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["method"], "lbr-health");
}

#[test]
fn a_command_goes_to_its_router_and_its_outcomes_to_who_asked() {
    let mut stage = Stage::new(&[]);
    let (router, other) = (stage.router("a"), stage.router("b"));
    let (asking, _) = stage.watching();
    let (looking, _) = stage.watching();
    let params = json!({"lbr": "a", "event": "set-dagroot", "mote": MOTE, "on": true});
    let answer = stage.ask(asking, "ui-event", &params);
    let id = answer["result"]["id"].as_str().unwrap().to_owned();
    assert_eq!(stage.sent(router), [json!({"type": "ui-event", "id": id, "event": "set-dagroot", "mote": MOTE, "on": true})]);
    assert_eq!(stage.sent(other), [] as [Value; 0]);

    for state in ["accepted", "sent", "confirmed", "confirmed"] {
        stage.say(router, &json!({"type": "command-outcome", "id": id, "state": state}));
    }
    // Another router cannot end this command, nor can it come twice.
    stage.say(other, &json!({"type": "command-outcome", "id": id, "state": "failed"}));
    let told = stage.told(asking);
    let states: Vec<_> = told.iter().map(|t| t["params"]["message"]["state"].clone()).collect();
    assert_eq!(states, ["accepted", "sent", "confirmed"]);
    assert_eq!(stage.told(looking), [] as [Value; 0]);
    let (_, snapshot) = stage.watching();
    let outcomes = snapshot["lbrs"]["a"]["outcomes"].clone();
    assert_eq!(outcomes.as_array().unwrap().len(), 4);
    // Who was not there knows what it was; of one that nobody asked only the router knows.
    let expect = json!({"type": "command-outcome", "id": id, "state": "sent", "event": "set-dagroot", "mote": MOTE, "on": true});
    assert_eq!((&outcomes[1], &outcomes[3]["event"]), (&expect, &Value::Null));
}

#[test]
fn a_page_that_was_reloaded_during_a_command_is_told_its_end() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (asking, _) = stage.watching();
    let (before, _) = stage.watching();
    let params = json!({"lbr": "a", "event": "set-dagroot", "mote": MOTE, "on": true});
    let id = stage.ask(asking, "ui-event", &params)["result"]["id"].clone();
    let outcome = |state: &str| json!({"type": "command-outcome", "id": id, "state": state});
    stage.say(router, &outcome("sent"));
    stage.hub.handle_viewer_closed(asking);
    let (reloaded, snapshot) = stage.watching();
    assert_eq!(snapshot["lbrs"]["a"]["outcomes"][0]["state"], "sent");
    // Who wants no outcomes has none, although its snapshot shows them.
    let indifferent = stage.viewer();
    stage.ask(indifferent, "subscribe", &json!({"topics": ["link"]}));

    stage.say(router, &outcome("confirmed"));
    let told = stage.told(reloaded);
    let expect = json!({"type": "command-outcome", "id": id, "state": "confirmed", "event": "set-dagroot", "mote": MOTE, "on": true});
    assert_eq!((told.len(), &told[0]["params"]["message"]), (1, &expect));
    assert_eq!(stage.told(before), [] as [Value; 0]);
    assert_eq!(stage.told(indifferent), [] as [Value; 0]);
}

#[test]
fn a_page_that_was_reloaded_during_a_command_is_told_that_the_link_was_lost() {
    let mut stage = Stage::new(&[]);
    let (router, other) = (stage.router("a"), stage.router("b"));
    let asking = stage.viewer();
    for lbr in ["a", "b"] {
        stage.ask(asking, "ui-event", &json!({"lbr": lbr, "event": "reset-mote", "mote": MOTE}));
    }
    let (reloaded, _) = stage.watching();
    stage.close(router);
    let outcomes = |told: Vec<Value>| told.into_iter().filter(|told| told["method"] == "command-outcome").count();
    assert_eq!(outcomes(stage.told(reloaded)), 1);
    stage.close(other);
    assert_eq!((outcomes(stage.told(reloaded)), outcomes(stage.told(asking))), (1, 2));
}

#[test]
fn a_page_that_asks_for_a_sign_of_life_gets_one() {
    let mut stage = Stage::new(&[]);
    let viewer = stage.viewer();
    assert_eq!(stage.ask(viewer, "ping", &json!({})), json!({"jsonrpc": "2.0", "id": 7, "result": {}}));
}

#[test]
fn a_command_for_a_router_that_is_not_there_is_refused() {
    let mut stage = Stage::new(&[]);
    let (viewer, _) = stage.watching();
    let params = json!({"lbr": "a", "event": "reset-mote", "mote": MOTE});
    let code = |answer: Value| answer["error"]["code"].as_i64().unwrap();
    assert_eq!(code(stage.ask(viewer, "ui-event", &params)), -32002);
    let router = stage.router("a");
    stage.close(router);
    stage.told(viewer);
    assert_eq!(code(stage.ask(viewer, "ui-event", &params)), -32004);
    assert_eq!(code(stage.ask(viewer, "refresh", &json!({"lbr": "a"}))), -32004);
}

#[test]
fn a_command_for_all_goes_to_every_open_link_and_each_outcome_to_who_asked() {
    let mut stage = Stage::new(&[]);
    let routers = [stage.router("a"), stage.router("b"), stage.router("gone")];
    stage.close(routers[2]);
    let (asking, _) = stage.watching();
    let params = json!({"lbr": "*", "event": "toggle-dagroot", "mote": MOTE});
    let result = stage.ask(asking, "ui-event", &params)["result"].clone();
    let id = result["id"].as_str().unwrap().to_owned();
    assert_eq!(result, json!({"id": id, "lbrs": ["a", "b"], "refused": {}}));
    for router in [routers[1], routers[0]] {
        assert_eq!(stage.sent(router)[0]["id"], id.as_str());
        stage.say(router, &json!({"type": "command-outcome", "id": id, "state": "refused"}));
    }
    let told = stage.told(asking);
    let from: Vec<_> = told.iter().map(|told| told["params"]["lbr"].clone()).collect();
    assert_eq!(from, ["b", "a"]);
    assert_eq!(stage.ask(asking, "refresh", &json!({"lbr": "*"}))["result"], json!({}));
    assert_eq!(stage.sent(routers[0]), [json!({"type": "refresh"})]);
}

#[test]
fn a_command_for_all_says_which_router_took_it_and_fails_when_none_did() {
    let mut stage = Stage::new(&[]);
    let (viewer, _) = stage.watching();
    let params = json!({"lbr": "*", "event": "reset-mote", "mote": MOTE});
    assert_eq!(stage.ask(viewer, "ui-event", &params)["error"]["code"], -32004);
    let (full, _ready) = (stage.router("full"), stage.router("ready"));
    for _ in 0..64 {
        stage.later(1000);
        stage.ask(viewer, "refresh", &json!({"lbr": "full"}));
    }
    let result = stage.ask(viewer, "ui-event", &params)["result"].clone();
    assert_eq!((&result["lbrs"], result["refused"]["full"].is_string()), (&json!(["ready"]), true));
    assert_eq!(stage.sent(full).len(), 64);
}

#[test]
fn an_open_command_fails_when_the_link_is_lost_or_replaced() {
    for replaced in [false, true] {
        let mut stage = Stage::new(&[]);
        let router = stage.router("a");
        let (viewer, _) = stage.watching();
        let params = json!({"lbr": "a", "event": "reset-mote", "mote": MOTE});
        let id = stage.ask(viewer, "ui-event", &params)["result"]["id"].clone();
        if replaced {
            stage.router("a");
        } else {
            stage.close(router);
        }
        let told = stage.told(viewer);
        assert_eq!(told[0]["method"], "command-outcome");
        assert_eq!(told[0]["params"]["message"]["id"], id);
        assert_eq!(told[0]["params"]["message"]["state"], "failed");
    }
}

#[test]
fn a_command_that_the_router_does_not_understand_fails() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (viewer, _) = stage.watching();
    let params = json!({"lbr": "a", "event": "echo-mote", "mote": MOTE});
    let id = stage.ask(viewer, "ui-event", &params)["result"]["id"].clone();
    stage.say(router, &json!({"type": "error", "code": "unknown", "text": "what?", "id": id}));
    let told = stage.told(viewer);
    let detail = told[0]["params"]["message"]["detail"].as_str().unwrap();
    assert!(detail.contains("what?"), "{detail}");
}

#[test]
fn refresh_asks_the_router_for_a_snapshot() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let viewer = stage.viewer();
    assert_eq!(stage.ask(viewer, "refresh", &json!({"lbr": "a"}))["result"], json!({}));
    assert_eq!(stage.sent(router), [json!({"type": "refresh"})]);
}

#[test]
fn too_many_requests_are_refused() {
    let mut stage = Stage::new(&[]);
    let viewer = stage.viewer();
    let mut refused = 0;
    for _ in 0..15 {
        let answer = stage.ask(viewer, "subscribe", &json!({"topics": []}));
        refused += u32::from(answer["error"]["code"] == -32003);
    }
    assert_eq!(refused, 5);
}

#[test]
fn a_router_that_takes_no_commands_does_not_grow_the_host() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let viewer = stage.viewer();
    let mut full = 0;
    for _ in 0..100 {
        stage.later(1000);
        let answer = stage.ask(viewer, "refresh", &json!({"lbr": "a"}));
        full += u32::from(answer["error"]["code"] == -32004);
    }
    assert_eq!(full, 36);
    assert_eq!(stage.sent(router).len(), 64);
}

#[test]
fn a_slow_viewer_loses_only_its_own_messages() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let ((slow, _), (quick, _)) = (stage.watching(), stage.watching());
    let mut heard = 0;
    for n in 0..5000 {
        stage.say(router, &log(n));
        heard += stage.told(quick).len();
    }
    assert_eq!(heard, 5000);
    assert!(stage.hub.is_too_slow(slow) && !stage.hub.is_too_slow(quick));
    assert_eq!(stage.hub.poll_viewer(slow), Some(ToViewer::TooSlow));
}

#[test]
fn a_link_is_stale_after_20_s_without_a_message_and_live_with_the_next() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (viewer, _) = stage.watching();
    stage.later(19_999);
    assert_eq!(stage.link_words(viewer), [] as [&str; 0]);
    stage.later(1);
    assert_eq!(stage.link_words(viewer), ["stale"]);
    stage.later(1000);
    assert_eq!(stage.link_words(viewer), [] as [&str; 0]);
    stage.say(router, &json!({"type": "lbr-health"}));
    assert_eq!(stage.link_words(viewer), ["live"]);
    stage.close(router);
    assert_eq!(stage.link_words(viewer), ["lost"]);
    stage.router("a");
    assert_eq!(stage.link_words(viewer), ["live"]);
}

#[test]
fn an_unanswered_ping_makes_a_link_stale() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (viewer, _) = stage.watching();
    stage.hub.handle_ping_unanswered(stage.now, router);
    assert_eq!(stage.link_words(viewer), ["stale"]);
    stage.hub.handle_pong(stage.now, router, std::time::Duration::from_millis(1500));
    let (_, snapshot) = stage.watching();
    assert_eq!(snapshot["links"][0]["rtt_ms"], 1500.0);
    assert_eq!(stage.link_words(viewer), ["live"]);
}

#[test]
fn a_lost_link_keeps_its_reason_and_the_last_values() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    stage.say(router, &log(1));
    stage.later(5);
    stage.close(router);
    let (_, snapshot) = stage.watching();
    assert_eq!(snapshot["lbrs"]["a"]["logs"], json!([log(1)]));
    let link = &snapshot["links"][0];
    assert_eq!((link["state"].as_str(), link["detail"].as_str()), (Some("lost"), Some("cable cut")));
    assert_eq!(link["since"].as_u64().unwrap() - link["last_message"].as_u64().unwrap(), 5);
}

#[test]
fn a_second_connection_of_a_router_takes_the_place_of_the_first() {
    let mut stage = Stage::new(&[]);
    let old = stage.router("a");
    let new = stage.router("a");
    assert_eq!(stage.hub.poll_router(old), Some(ToRouter::Replaced));
    assert_eq!(stage.hub.poll_router(new), None);
    let (viewer, _) = stage.watching();
    stage.say(old, &log(1));
    stage.close(old);
    assert_eq!(stage.told(viewer), [] as [Value; 0]);
    stage.say(new, &log(2));
    assert_eq!(stage.told(viewer).len(), 1);
}

#[test]
fn the_longest_lost_router_makes_room_and_open_ones_stay() {
    let mut stage = Stage::new(&[]);
    let routers: Vec<_> = (0..16).map(|n| stage.router(&format!("r{n}"))).collect();
    assert_eq!(stage.open("late", None), Err(Crowded));
    stage.close(routers[5]);
    stage.later(1);
    stage.close(routers[2]);
    stage.router("late");
    let (_, snapshot) = stage.watching();
    assert_eq!(snapshot["links"].as_array().unwrap().len(), 16);
    assert!(snapshot["lbrs"].get("r5").is_none() && snapshot["lbrs"].get("r2").is_some());
}

#[test]
fn broken_messages_are_counted_and_shown() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    for text in ["{", "{", r#"{"type":"mote-status","elements":5}"#] {
        assert!(stage.hub.handle_link_message(stage.now, router, text).is_err());
    }
    let long = "x".repeat(100_000);
    stage.say(router, &json!({"type": "mote-log", "text": long}));
    let (_, snapshot) = stage.watching();
    let expect = json!({"bad-field": 1, "invalid-json": 2, "too-much": 1});
    assert_eq!(snapshot["links"][0]["ignored"], expect);
}

#[test]
fn a_tunnel_is_connecting_until_its_router_comes_through_it() {
    let mut stage = Stage::new(&["me@one", "me@two"]);
    let (viewer, snapshot) = stage.watching();
    let words = |links: &Value| -> Vec<(Value, Value)> {
        let links = links.as_array().unwrap().iter();
        links.map(|link| (link["target"].clone(), link["state"].clone())).collect()
    };
    let connecting = |target: &str| (json!(target), json!("connecting"));
    assert_eq!(words(&snapshot["links"]), [connecting("me@one"), connecting("me@two")]);

    let mut tunnel = Tunnel::new(stage.now, 1);
    tunnel.handle_timeout(stage.now);
    stage.hub.handle_tunnel(stage.now, 1, tunnel.report());
    assert_eq!(stage.link_words(viewer), ["connecting"]);
    stage.hub.handle_tunnel(stage.now, 1, tunnel.report());
    assert_eq!(stage.link_words(viewer), [] as [&str; 0]);

    assert_eq!(stage.hub.link_through(1), LinkThrough::Absent);
    let router = stage.open("a", Some(1)).unwrap();
    assert_eq!(stage.hub.link_through(1), LinkThrough::Open);
    assert_eq!(stage.hub.link_through(0), LinkThrough::Absent);
    let (_, snapshot) = stage.watching();
    assert_eq!(words(&snapshot["links"]), [connecting("me@one"), (json!("me@two"), json!("live"))]);
    let stages = snapshot["links"][1]["stages"].clone();
    let stages = stages.as_array().unwrap().iter().map(|stage| stage["state"].clone());
    assert_eq!(stages.collect::<Vec<_>>(), ["active", "pending", "pending", "done", "active"]);
    stage.say(router, &json!({"type": "mote-inventory", "motes": []}));
    let (_, snapshot) = stage.watching();
    assert_eq!(snapshot["links"][1]["stages"][4]["state"], "done");
}

#[test]
fn a_second_router_by_the_same_door_does_not_take_over_the_tunnel() {
    let mut stage = Stage::new(&["me@one"]);
    stage.open("a", Some(0)).unwrap();
    stage.open("b", Some(0)).unwrap();
    let (_, snapshot) = stage.watching();
    let targets = [&snapshot["links"][0]["target"], &snapshot["links"][1]["target"]];
    assert_eq!(targets, [&json!("me@one"), &Value::Null]);
}

#[test]
fn who_waits_for_a_router_sees_why_it_was_refused() {
    let mut stage = Stage::new(&[]);
    let (viewer, _) = stage.watching();
    stage.hub.handle_refused(stage.now, "wrong proof");
    stage.hub.handle_refused(stage.now, "wrong proof");
    let told = stage.told(viewer);
    assert_eq!(told.len(), 1);
    let detail = told[0]["params"]["message"]["detail"].as_str().unwrap();
    assert!(detail.contains("wrong proof"));
    stage.router("a");
    let (_, snapshot) = stage.watching();
    assert_eq!(snapshot["links"][0]["detail"], "the link is live");
}

#[test]
fn a_script_commands_the_only_router_unless_it_names_one() {
    let mut stage = Stage::new(&[]);
    let line = format!(r#"{{"event":"set-dagroot","mote":"{MOTE}","on":false,"id":"mine"}}"#);
    let error = |result: Result<(), String>| result.unwrap_err();
    assert!(error(stage.hub.handle_script_line(&line)).contains("no border router"));
    let router = stage.router("a");
    stage.hub.handle_script_line(&line).unwrap();
    let sent = stage.sent(router);
    assert_eq!((sent[0]["id"].as_str(), sent[0]["on"].as_bool()), (Some("mine"), Some(false)));
    let other = stage.router("b");
    assert!(error(stage.hub.handle_script_line(&line)).contains("several"));
    let named = line.replace('{', r#"{"lbr":"b","#);
    stage.hub.handle_script_line(&named).unwrap();
    assert_eq!(stage.sent(other).len(), 1);
    assert!(error(stage.hub.handle_script_line("{")).contains("EOF"));
    assert!(error(stage.hub.handle_script_line(&named.replace(r#""b""#, r#""c""#))).contains("c: no"));
}

#[test]
fn viewers_are_bounded_in_number() {
    let mut stage = Stage::new(&[]);
    let viewers: Vec<_> = (0..32).map(|_| stage.viewer()).collect();
    assert_eq!(stage.hub.handle_viewer_open(stage.now, Dialect::JsonRpc), Err(Crowded));
    stage.hub.handle_viewer_closed(viewers[0]);
    assert!(stage.hub.handle_viewer_open(stage.now, Dialect::JsonRpc).is_ok());
}
