//! `gui-host discover`, with a router that announces itself on this computer.

use mdns_sd::{ServiceDaemon, ServiceInfo};

use crate::program::command;

fn discover(arguments: &[&str]) -> (String, String) {
    let output = command(&[&["discover"], arguments].concat()).output().unwrap();
    assert!(output.status.success());
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Announces a router whose name and id nobody else has.
fn announce() -> (ServiceDaemon, String) {
    let id = format!("{:016x}", std::process::id());
    let name = format!("lbr-test-{id}");
    let txt = [("id", &*id), ("name", "the roof"), ("version", "0.1.0")];
    let mut info = ServiceInfo::new("_openwsn-lbr._tcp.local.", &name, &format!("{name}.local."), "192.0.2.77", 2222, &txt[..]).unwrap();
    // It has its name for itself: nobody has to be asked for it first.
    info.set_requires_probe(false);
    let daemon = ServiceDaemon::new().unwrap();
    daemon.register(info).unwrap();
    (daemon, id)
}

#[test]
fn a_router_that_announces_itself_is_listed_as_text_and_as_json() {
    let (daemon, id) = announce();
    let (text, _) = discover(&["--time", "3"]);
    let expect =
        format!("the roof, id {id}, version 0.1.0\n  at lbr-test-{id}.local (192.0.2.77)\n  gui-host --lbr ssh://USER@192.0.2.77:2222\n");
    assert!(text.contains(&expect), "{text}");
    let (json, _) = discover(&["--json", "--time", "3"]);
    let routers: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let router = routers.iter().find(|router| router["id"] == *id).unwrap_or_else(|| panic!("{json}"));
    let expect = serde_json::json!({
        "name": "the roof", "id": id, "version": "0.1.0", "host": format!("lbr-test-{id}.local"), "port": 2222, "addresses": ["192.0.2.77"]
    });
    assert_eq!(*router, expect);
    daemon.shutdown().unwrap();
}
