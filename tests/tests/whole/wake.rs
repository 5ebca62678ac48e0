//! `ui-proxy wake` from other logins than the one that `ui-proxy` runs as. Only root can be several users.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::Result;
use lbr_tests::stack::router::start_ui_proxy;
use lbr_tests::stack::{Child, GuiHost, Place, User, free_port};
use nix::unistd::Uid;

/// Nothing takes longer, even on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

/// The group of the stack's unprivileged user, `nogroup`.
const ITS_GROUP: &str = "65534";

/// A user of this machine who is nobody in particular.
struct Person<'a> {
    place: &'a Place,
    groups: &'a [&'a str],
}

impl Person<'_> {
    /// Says `ui-proxy wake` with these words more.
    fn wakes(&self, words: &[&str]) -> Result<Output> {
        let program: PathBuf = self.place.command("ui-proxy")?.get_program().into();
        let mut command = Command::new("setpriv");
        match self.groups {
            [] => command.arg("--clear-groups"),
            groups => command.args(["--groups", &groups.join(",")]),
        };
        command.args(["--reuid", "4711", "--regid", "4711", "--"]).arg(program).arg("wake").args(words);
        Ok(command.output()?)
    }
}

fn dials(ui_proxy: &Child, from: usize) -> Result<()> {
    ui_proxy.stderr.wait_for("an attempt", from, WITHIN, |line| line.contains("there is no tunnel").then_some(()))
}

#[test]
fn a_member_of_the_group_wakes_it_and_others_are_told_why_they_do_not() -> Result<()> {
    if !Uid::effective().is_root() {
        eprintln!("skipped: only root can be several users");
        return Ok(());
    }
    let place = Place::new("wake", User::Unprivileged)?;
    GuiHost::start(&place)?.process.stop()?; // makes the key, without which nobody is dialled
    let ui_proxy = start_ui_proxy(&place, &format!("ws://localhost:{}/lbr", free_port()?))?;
    let here = ["--instance", place.instance()];
    let refused = |output: Output, words: &[&str]| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };

    let stranger = Person { place: &place, groups: &[] };
    refused(stranger.wakes(&here)?, &["is closed to user `4711`", "usermod -aG lbr 4711"]);
    let member = Person { place: &place, groups: &[ITS_GROUP] };
    refused(member.wakes(&["--instance", "another"])?, &["no ui-proxy runs here under the instance `another`", "--instance"]);
    let from = ui_proxy.stderr.len();
    let woken = member.wakes(&here)?;
    assert!(woken.status.success(), "{}", String::from_utf8_lossy(&woken.stderr));
    assert!(String::from_utf8_lossy(&woken.stdout).contains(&format!("process {}", ui_proxy.pid())));
    dials(&ui_proxy, from)?;

    // Its queue stays when it is gone, and nobody reads it.
    drop(ui_proxy);
    refused(member.wakes(&here)?, &["no ui-proxy runs here", place.instance()]);
    Ok(())
}
