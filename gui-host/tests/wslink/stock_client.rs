//! The stock client: npm's `wslink`, run by Node.js. `client.mjs` does what a script would, and tells
//! it line by line.

use std::{
    io::{BufRead, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{program::Program, router::Router};

const MOTE: &str = "141592cc00000001";

/// What to do when the machine lacks something.
const NEEDS: &str = "this test needs Node.js 20 or newer with npm (Debian: apt-get install nodejs npm, or https://nodejs.org)";

/// The client's folder, with its packages.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wslink/stock-client");
    if !folder.join("node_modules/wslink").is_dir() {
        let installed = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output();
        let output = installed.unwrap_or_else(|error| panic!("cannot run npm: {error}; {NEEDS}"));
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`npm ci` in {} failed; it fetches two packages once: {words}", folder.display());
    }
    folder
}

/// The running client.
struct Script {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Script {
    fn start(program: &Program) -> Self {
        let (port, token) = program.page.as_ref().unwrap();
        let url = format!("ws://127.0.0.1:{port}/wslink");
        let started = Command::new("node").args(["client.mjs", &url, token, MOTE]).current_dir(folder()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("cannot run node: {error}; {NEEDS}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What the next step tells, which has to be this one.
    fn step(&mut self, name: &str) -> Value {
        let line = self.lines.next().unwrap_or_else(|| panic!("the client ended before its step `{name}`")).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["step"], name, "{line}");
        told["value"].clone()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_stock_client_says_hello_hears_calls_and_receives_bytes() {
    let mut program = Program::start(&[]);
    let mut routers = [Router::admitted(program.link_port, "a"), Router::admitted(program.link_port, "b")];
    let mut script = Script::start(&program);
    assert_eq!(script.step("refused"), json!({"code": -32000, "message": "Authentication failed"}));
    assert_eq!(script.step("snapshot"), json!(["a", "b"]));

    // More than one frame takes.
    let rows: Vec<_> = (0..900).map(|row| json!({"row": row, "rssi": -63, "address": "14-15-92-cc-00-00-00-02"})).collect();
    let status = json!({"type": "mote-status", "mote": MOTE, "port": "p", "elements": {"Neighbors": {"t": 1, "rows": rows}}});
    routers[0].send(&status);
    let told = script.step("status");
    assert_eq!((&told["lbr"], &told["message"]), (&json!("a"), &status));

    let file = script.step("file");
    assert_eq!((&file["name"], &file["lbrs"]), (&json!("openwsn-snapshot.json"), &json!(["a", "b"])));
    assert!(file["bytes"].as_u64().unwrap() > 32 * 1024);

    script.step("subscribed");
    for router in &mut routers {
        assert_eq!(router.receive()["type"], "subscribe");
    }
    routers[0].send(&json!({"type": "mote-data", "mote": MOTE, "port": "p", "lowpan": "f17a00ff"}));
    assert_eq!(script.step("packet"), json!([0xf1, 0x7a, 0, 0xff]));

    let command = script.step("command");
    assert_eq!(command["lbrs"], json!(["a", "b"]));
    for router in &mut routers {
        let event = router.receive();
        assert_eq!(event, json!({"type": "ui-event", "id": command["id"], "event": "set-dagroot", "mote": MOTE, "on": true}));
        for state in ["accepted", "confirmed"] {
            router.send(&json!({"type": "command-outcome", "id": command["id"], "state": state}));
        }
    }
    assert_eq!(script.step("outcomes"), json!(["a accepted", "a confirmed", "b accepted", "b confirmed"]));
    assert_eq!(script.step("attached")["code"], -32602);
    assert_eq!(script.step("typo"), json!({"code": -32601, "message": "Unregistered method called"}));
    script.step("done");
    assert!(script.child.wait().unwrap().success());
    assert!(program.child.try_wait().unwrap().is_none(), "a client has stopped the host");
}
