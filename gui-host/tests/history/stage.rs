//! A host with a database of its own, a router that tells it something, and a viewer that asks.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    program::{PATIENCE, Program},
    router::Router,
    viewer::Viewer,
};

pub const MOTE: &str = "141592cc00000001";
pub const PARENT: &str = "141592cc00000002";

/// A folder for the database of a test.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("history.sqlite")
    }

    pub fn start(&self) -> Program {
        Program::start(&["--history", self.path().to_str().unwrap()])
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// A router tells its mote's figures, and the mote logs.
pub fn router_says(program: &Program, rank: u16) -> Router {
    let mut router = Router::admitted(program.link_port, "a");
    let t = 5_000_000;
    router.send(&json!({"type": "mote-inventory", "t": t, "motes": [{"mote": MOTE, "port": "p", "boots": 1, "booted": t - 1000}]}));
    let row = json!({"used": true, "parentPreference": 1, "addr": {"type": "64b", "value": PARENT}, "rssi": -63, "numTx": 10, "numTxACK": 9, "t": t});
    router.send(&json!({"type": "mote-status", "t": t, "mote": MOTE, "port": "p", "elements": {
        "MyDagRank": {"t": t, "myDAGrank": rank}, "Neighbors": {"t": t, "rows": {"3": row}}}}));
    router
        .send(&json!({"type": "event-count", "t": t, "boot": "b1", "counts": [{"sender": "s@p", "signal": "fromMote.status", "num": 12}]}));
    router.send(&json!({"type": "mote-log", "t": t, "mote": MOTE, "severity": "error", "component": {"code": 9, "name": "IEEE802154E"},
        "text": "=cmd|' /C calc'!A0"}));
    router
}

/// Asks until the answer fits; what a router says is sampled when its second is over.
pub fn charts(program: &Program, fits: impl Fn(&Value) -> bool) -> Value {
    let mut viewer = Viewer::admitted(program);
    let mut answer = Value::Null;
    wait_until(|| {
        answer = viewer.ask("history", &json!({"lbr": "a", "mote": MOTE}))["result"].clone();
        fits(&answer)
    });
    answer
}

/// Tries again until it holds.
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come about");
        thread::sleep(Duration::from_millis(200));
    }
}

/// The different values of a series.
pub fn values(answer: &Value, series: &str) -> Vec<f64> {
    let points = answer["series"][series].as_array().into_iter().flatten();
    let mut values: Vec<f64> = points.filter_map(|point| point[1].as_f64()).collect();
    values.dedup();
    values
}
