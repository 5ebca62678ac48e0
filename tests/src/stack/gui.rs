//! A GUI host in a stack, seen through what it prints.
//!
//! Whoever waits for a message has everything that the router said until then checked against the link's schema.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::child::Child;
use super::link_schema::router_faults;
use super::place::Place;
use super::sshd::Sshd;

/// Is this what a router may say?
fn check_router(message: &Value) -> Result<()> {
    let faults = router_faults(message);
    ensure!(faults.is_empty(), "not as ui-link.schema.json has it: {}\n{message}", faults.join("; "));
    Ok(())
}

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

/// A running GUI host.
#[derive(Debug)]
pub struct GuiHost {
    /// The process.
    pub process: Child,
    /// Where `ui-proxy` dials.
    pub link_port: u16,
    /// The page, with its token.
    pub page: String,
    next_id: u32,
    /// So many of its lines are known to be right.
    checked: AtomicUsize,
}

impl GuiHost {
    /// Starts one on free ports, with the key of this place.
    pub fn start(place: &Place) -> Result<Self> {
        Self::start_with(place, &[])
    }

    /// Starts one that makes a reverse tunnel to the router itself. `port` is the tunnel's on the
    /// router, where the `ui-proxy` with this process id dials.
    pub fn through(place: &Place, sshd: &Sshd, port: u16, ui_proxy: u32) -> Result<Self> {
        let pid_file = place.path("ui-proxy.pid");
        std::fs::write(&pid_file, ui_proxy.to_string())?;
        // Only ours: another `ui-proxy` on this machine is none of our business.
        let wake = format!("pkill -USR1 -x -F {} ui-proxy", pid_file.display());
        let config = sshd.client_config.display().to_string();
        let port = port.to_string();
        Self::start_with(place, &["--lbr", &sshd.target, "--ssh-config", &config, "--remote-port", &port, "--wake-command", &wake])
    }

    /// The same with more options.
    pub fn start_with(place: &Place, options: &[&str]) -> Result<Self> {
        make_key(place)?;
        let mut command = place.command("gui-host")?;
        command.args(["--link-port", "0", "--port", "0", "--json"]).arg("--key-file").arg(place.path("ui.key")).args(options);
        let process = Child::start("gui-host", command)?;
        let after =
            |prefix: &'static str| process.stderr.wait_for(prefix, 0, WITHIN, move |line| line.strip_prefix(prefix).map(str::to_owned));
        let link = after("link: ")?;
        let page = after("page: ")?;
        let link_port =
            link.split(' ').next().and_then(|address| address.rsplit(':').next()?.parse().ok()).context("`link: ADDRESS:PORT`")?;
        Ok(Self { process, link_port, page, next_id: 0, checked: AtomicUsize::new(0) })
    }

    /// Where `ui-proxy` is to dial.
    pub fn url(&self) -> String {
        format!("ws://localhost:{}/lbr", self.link_port)
    }

    /// Every message so far.
    pub fn messages(&self) -> Vec<Value> {
        self.process.stdout.all().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How many messages there are so far; a place to look from.
    pub fn mark(&self) -> usize {
        self.process.stdout.len()
    }

    /// Waits for a message at or behind `from` in which `find` finds something.
    pub fn wait_for<T>(&self, what: &str, from: usize, mut find: impl FnMut(&Value) -> Option<T>) -> Result<T> {
        let found = self.process.stdout.wait_for(what, from, WITHIN, |line| find(&serde_json::from_str(line).ok()?));
        self.check()?;
        found
    }

    /// Is all that the router has said as the schema has it? Each line is looked at once.
    fn check(&self) -> Result<()> {
        let lines = self.process.stdout.all();
        let checked = self.checked.swap(lines.len(), Ordering::Relaxed);
        for line in lines.iter().skip(checked) {
            let message: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
            // Those with a direction are the host's own.
            if message.get("dir").is_none() {
                check_router(&message)?;
            }
        }
        Ok(())
    }

    /// Waits for a message of this type.
    pub fn wait_for_type(&self, kind: &str, from: usize) -> Result<Value> {
        self.wait_for(kind, from, |message| (message["type"] == kind).then(|| message.clone()))
    }

    /// Waits until some mote in the inventory fits.
    pub fn wait_for_mote(&self, what: &str, from: usize, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        self.wait_for(what, from, |message| message["motes"].as_array()?.iter().find(|mote| fits(mote)).cloned())
    }

    /// Sends an event of a person; tells its id.
    pub fn send(&mut self, mut event: Value) -> Result<String> {
        self.next_id += 1;
        let id = format!("c{}", self.next_id);
        event["id"] = json!(id);
        self.process.say(&event.to_string())?;
        Ok(id)
    }

    /// All states of a command, once it has ended.
    pub fn outcome(&self, id: &str) -> Result<Vec<String>> {
        let mut states = Vec::new();
        self.wait_for(&format!("the end of {id}"), 0, |message| {
            if message["type"] != "command-outcome" || message["id"] != id {
                return None;
            }
            states.push(message["state"].as_str()?.to_owned());
            (!["accepted", "sent"].contains(&states.last()?.as_str())).then_some(())
        })?;
        Ok(states)
    }
}

fn make_key(place: &Place) -> Result<()> {
    let key = place.path("ui.key");
    if key.exists() {
        return Ok(());
    }
    let output = place.command("gui-host")?.arg("keygen").arg("--key-file").arg(&key).output()?;
    ensure!(output.status.success(), "keygen: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_router_says_is_told_with_its_place() {
        check_router(&json!({"type": "gap", "seq": 5, "t": 1, "dropped": {"mote-log": 1}})).expect("right");
        let told = |message: Value| check_router(&message).expect_err("wrong").to_string();
        assert!(told(json!({"type": "gap", "seq": 5, "t": 1, "dropped": {"mote-log": -1}})).contains("/dropped/mote-log"));
        assert!(told(json!({"type": "weather"})).contains("no `router-weather`"));
        assert!(told(json!({"seq": 1})).contains("without a type"));
    }
}
