//! One GUI host and two routers, each a computer of its own to the network: its port 8000 is not the other's.
//!
//! Each has a network namespace, in which its `ui-proxy` runs and its SSH server answers; `ssh` gets there through a proxy
//! command. Its key may open the link and nothing else, as `gui-host keygen` prints it. Only root can make such computers.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lbr_tests::stack::login::{Line, link_only};
use lbr_tests::stack::router::start_eventbus;
use lbr_tests::stack::sshd::Sshd;
use lbr_tests::stack::{Child, GuiHost, Place, User, binary};
use nix::unistd::Uid;

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

/// A computer with an SSH server and the processes of a router, without motes.
struct Computer {
    name: &'static str,
    place: Place,
    // Holds the network namespace.
    network: Child,
    _eventbus: Child,
    ui_proxy: Child,
}

impl Computer {
    fn start(name: &'static str, place: Place) -> Result<Self> {
        let network = network(name)?;
        // Its keys and files; the server itself has to be inside, and one is started there for each connection.
        Sshd::start(&place)?.login.allow(&link_only(&place, Line::OpenSsh, 8000)?)?;
        let eventbus = start_eventbus(&place)?;
        let mut command = inside(&network, &binary("ui-proxy")?);
        command.args(["--instance", place.instance(), "--name", name]);
        command.arg("--key-file").arg(place.path("ui.key")).arg("--state-dir").arg(place.path("state"));
        let ui_proxy = Child::start("ui-proxy", command)?;
        ui_proxy.stderr.wait_for("ready", 0, WITHIN, |line| line.contains("waits to be woken").then_some(()))?;
        Ok(Self { name, place, network, _eventbus: eventbus, ui_proxy })
    }

    /// What the client's configuration says of it.
    fn client_config(&self) -> Result<String> {
        let pid = self.network.pid();
        let server = format!("nsenter --target {pid} --net /usr/sbin/sshd -i -e -f {}", self.place.path("sshd_config").display());
        let usual = fs::read_to_string(self.place.path("ssh_config"))?;
        Ok(usual.replacen("Host router\n", &format!("Host {}\n ProxyCommand {server} 2>/dev/null\n", self.name), 1))
    }
}

/// A process in a network namespace of its own, in which nothing but the loopback interface is up.
fn network(name: &str) -> Result<Child> {
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"]);
    let network = Child::start(name, command)?;
    network.stdout.wait_for("a network", 0, WITHIN, |line| (line == "up").then_some(()))?;
    Ok(network)
}

fn inside(network: &Child, program: &Path) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &network.pid().to_string(), "--net"]).arg(program);
    command
}

#[test]
fn two_routers_are_connected_at_once_and_one_that_is_lost_leaves_the_other_alone() -> Result<()> {
    if !Uid::effective().is_root() {
        eprintln!("skipped: only root can make network namespaces");
        return Ok(());
    }
    let (attic, cellar) = (Place::new("attic", User::Same)?, Place::new("cellar", User::Same)?);
    GuiHost::start(&attic)?.process.stop()?; // makes the key that all share
    fs::copy(attic.path("ui.key"), cellar.path("ui.key"))?;
    let mut one = Computer::start("attic", attic)?;
    let two = Computer::start("cellar", cellar)?;
    let config = one.place.path("both_config");
    fs::write(&config, format!("{}\n{}", one.client_config()?, two.client_config()?))?;

    let options = ["--lbr", "attic", "--lbr", "cellar", "--ssh-config", config.to_str().context("UTF-8")?];
    let mut gui = GuiHost::start_with(&one.place, &options)?;
    for name in ["attic", "cellar"] {
        gui.wait_for(name, 0, |message| (message["type"] == "hello" && message["lbr"]["name"] == name).then_some(()))?;
    }

    // One router goes; the other is heard again and again.
    one.ui_proxy.stop()?;
    let mark = gui.mark();
    gui.wait_for_type("lbr-health", mark)?;
    gui.wait_for_type("lbr-health", gui.mark())?;
    let status = gui.process.stop()?;
    ensure!(status.success(), "{status}");
    Ok(())
}
