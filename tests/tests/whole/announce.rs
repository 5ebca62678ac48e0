//! A router is found on its network: avahi-daemon takes what `ui-proxy announce` prints, and `gui-host discover` shows it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use lbr_tests::stack::{Place, User, binary};

/// A network of its own with nobody else in it, and avahi's directory replaced by an empty one. Without D-Bus, and without a user of
/// its own, avahi-daemon does the same work.
const NETWORK: &str = r#"
set -eu
mount -t tmpfs none /etc/avahi/services
mount -t tmpfs none /run
mkdir /run/avahi-daemon
ip link set lo up
"$1" announce --state-dir "$3" --id roof-1 --name 'R&D <roof>' --ssh-port 2222 >/etc/avahi/services/openwsn-lbr.service
printf '[server]\nenable-dbus=no\n' >/run/avahi.conf
avahi-daemon -f /run/avahi.conf --no-drop-root --no-chroot --no-rlimits 2>/run/avahi.log &
trap "kill $!; wait" EXIT
seconds=0
until grep -q 'successfully established' /run/avahi.log; do
    [ $seconds -lt 30 ] || { cat /run/avahi.log >&2; exit 1; }
    sleep 1
    seconds=$((seconds + 1))
done
"$2" discover --json --time 4
"#;

#[test]
fn a_router_is_found_by_its_name_with_its_id_and_its_ssh_port() -> Result<()> {
    let works = |program: &str, args: &[&str]| Command::new(program).args(args).output().is_ok_and(|output| output.status.success());
    if !works("avahi-daemon", &["--version"]) || !works("unshare", &["--net", "--mount", "true"]) {
        eprintln!("skipped: it needs avahi-daemon, and the right to have namespaces, which is root's");
        return Ok(());
    }
    let place = Place::new("announce", User::Same)?;
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "sh", "-c", NETWORK, "sh"]).args([binary("ui-proxy")?, binary("gui-host")?, place.path("state")]);
    let output = command.output().context("unshare")?;
    let (told, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{told}{complaints}");
    let found: serde_json::Value = serde_json::from_str(told.trim()).with_context(|| format!("{told}{complaints}"))?;
    assert_eq!((found["name"].as_str(), found["id"].as_str(), found["port"].as_u64()), (Some("R&D <roof>"), Some("roof-1"), Some(2222)));
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    Ok(())
}
