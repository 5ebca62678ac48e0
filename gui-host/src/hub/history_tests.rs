//! Questions about history as viewers ask them, and what the hub keeps of what routers say.

use serde_json::{Value, json};

use super::{
    ViewerId,
    history::{Asked, Unanswered},
    model::to_text,
    tests::{MOTE, Stage, log},
};

fn ask(stage: &mut Stage, viewer: ViewerId, method: &str, params: &Value) {
    let request = json!({"jsonrpc": "2.0", "id": 9, "method": method, "params": params});
    stage.hub.handle_request(stage.now, viewer, &request.to_string());
}

fn codes(told: &[Value]) -> Vec<i64> {
    told.iter().map(|answer| answer["error"]["code"].as_i64().unwrap()).collect()
}

#[test]
fn a_question_is_answered_later_and_to_who_asked() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    let (viewer, other) = (stage.viewer(), stage.viewer());
    stage.say(router, &json!({"type": "mote-status", "mote": MOTE, "elements": {"MyDagRank": {"myDAGrank": 256}}}));
    stage.later(2000);
    ask(&mut stage, viewer, "history", &json!({"lbr": "a", "mote": MOTE}));
    let question = stage.hub.poll_question().unwrap();
    assert!(stage.hub.poll_question().is_none() && stage.told(viewer).is_empty());
    let Asked::Charts(charts, recent) = &question.asked else { panic!("{question:?}") };
    assert_ne!(recent, &charts.recent(crate::history::chronicle::Chronicle::default().ring()));
    stage.hub.handle_history_answer(&question, Ok(to_text(&json!({"series": {}}))));
    assert_eq!(stage.told(viewer), [json!({"jsonrpc": "2.0", "id": 9, "result": {"series": {}}})]);
    assert!(stage.told(other).is_empty());
}

#[test]
fn what_cannot_be_told_is_an_error_and_who_has_gone_is_not_told() {
    let mut stage = Stage::new(&[]);
    let viewer = stage.viewer();
    for (method, params) in [
        ("history", json!({})),
        ("history", json!({"lbr": "a", "mote": "x"})),
        ("history", json!({"lbr": "a", "from": -1})),
        ("history.export", json!({"format": "xlsx"})),
        ("history.export", json!({"format": "csv", "from": 2, "to": 1})),
    ] {
        ask(&mut stage, viewer, method, &params);
        assert_eq!(codes(&stage.told(viewer)), [-32602], "{method} {params}");
    }
    ask(&mut stage, viewer, "history.export", &json!({"format": "csv"}));
    let question = stage.hub.poll_question().unwrap();
    stage.hub.handle_history_answer(&question, Err(Unanswered("not kept".to_owned())));
    assert_eq!(codes(&stage.told(viewer)), [-32005]);

    ask(&mut stage, viewer, "history.export", &json!({"format": "csv"}));
    let question = stage.hub.poll_question().unwrap();
    stage.hub.handle_viewer_closed(viewer);
    stage.hub.handle_history_answer(&question, Err(Unanswered("late".to_owned())));
}

#[test]
fn questions_that_wait_are_bounded() {
    let mut stage = Stage::new(&[]);
    let viewer = stage.viewer();
    for _ in 0..6 {
        ask(&mut stage, viewer, "history", &json!({"lbr": "a"}));
    }
    assert_eq!(codes(&stage.told(viewer)), [-32003, -32003]);
    let question = stage.hub.poll_question().unwrap();
    stage.hub.handle_history_answer(&question, Ok(to_text(&1)));
    stage.told(viewer);
    ask(&mut stage, viewer, "history", &json!({"lbr": "a"}));
    assert!(stage.told(viewer).is_empty());
    let mut refused = 0;
    for _ in 0..10 {
        let viewer = stage.viewer();
        for _ in 0..4 {
            ask(&mut stage, viewer, "history", &json!({"lbr": "a"}));
        }
        refused += stage.told(viewer).len();
    }
    assert_eq!(refused, 10 * 4 + 4 - 32);
}

#[test]
fn links_and_logs_are_handed_to_the_archive_once() {
    let mut stage = Stage::new(&[]);
    let router = stage.router("a");
    stage.say(router, &log(1));
    stage.later(1000);
    let kinds = |stage: &mut Stage| {
        let batch = stage.hub.take_batch();
        batch.records.into_iter().map(|record| format!("{:?}", record.fact)).collect::<Vec<_>>()
    };
    let first = kinds(&mut stage);
    assert!(first.len() == 2 && first[0].contains("live") && first[1].contains("Log"), "{first:?}");
    stage.later(25_000);
    stage.close(router);
    let second = kinds(&mut stage);
    assert!(second.len() == 2 && second[0].contains("stale") && second[1].contains("cable cut"), "{second:?}");
}

#[test]
fn a_search_of_the_local_network_is_answered_later_and_counts_as_a_question() {
    let mut stage = Stage::new(&[]);
    let viewer = stage.viewer();
    ask(&mut stage, viewer, "discover", &json!({}));
    let question = stage.hub.poll_question().unwrap();
    assert!(matches!(question.asked, Asked::Routers) && stage.told(viewer).is_empty());
    stage.hub.handle_history_answer(&question, Ok(to_text(&json!({"routers": []}))));
    assert_eq!(stage.told(viewer), [json!({"jsonrpc": "2.0", "id": 9, "result": {"routers": []}})]);
    for _ in 0..5 {
        ask(&mut stage, viewer, "discover", &json!({}));
    }
    assert_eq!(codes(&stage.told(viewer)), [-32003]);
}
