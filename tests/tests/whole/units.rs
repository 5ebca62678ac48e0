//! How systems start the router: systemd's units by systemd's own judgement, OpenWrt's script with procd's part played by the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const PROCESSES: [&str; 3] = ["lbr-eventbus.service", "lbr-serial-bridge.service", "lbr-ui-proxy.service"];

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts")
}

/// Our units: name and text.
fn units() -> Result<Vec<(String, String)>> {
    let mut units = Vec::new();
    for entry in fs::read_dir(scripts().join("systemd"))? {
        let entry = entry?;
        units.push((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
    }
    units.sort();
    Ok(units)
}

/// What a unit says of a setting, in order.
fn values<'a>(unit: &'a str, setting: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('=')).collect()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn no_service_has_its_queues_taken_away() -> Result<()> {
    let services: Vec<_> = units()?.into_iter().filter(|(name, _)| name.ends_with(".service")).collect();
    assert!(PROCESSES.iter().all(|process| services.iter().any(|(name, _)| name == process)));
    for (name, unit) in services {
        for setting in ["PrivateIPC", "RemoveIPC", "DynamicUser"] {
            assert_eq!(values(&unit, setting), ["no"], "{name}: {setting}");
        }
    }
    Ok(())
}

#[test]
fn every_process_is_kept_watched_and_started_again_for_ever() -> Result<()> {
    for (name, unit) in units()?.into_iter().filter(|(name, _)| PROCESSES.contains(&name.as_str())) {
        for (setting, value) in [
            ("Type", "notify"),
            ("NotifyAccess", "main"),
            ("Restart", "always"),
            ("StartLimitIntervalSec", "0"),
            ("User", "lbr"),
            ("Group", "lbr"),
            ("PartOf", "lbr.target"),
            ("After", "lbr.service"),
            ("CapabilityBoundingSet", ""),
        ] {
            assert_eq!(values(&unit, setting).first(), Some(&value), "{name}: {setting}");
        }
        let watchdog: u32 = values(&unit, "WatchdogSec").first().context("a watchdog")?.parse()?;
        assert!(watchdog >= 60, "{name} is woken every {} s", watchdog / 2);
    }
    Ok(())
}

#[test]
fn serial_bridge_alone_sees_devices_and_serial_ones_only() -> Result<()> {
    for (name, unit) in units()?.into_iter().filter(|(name, _)| name.ends_with(".service")) {
        let (hidden, allowed) = (values(&unit, "PrivateDevices"), values(&unit, "DeviceAllow"));
        if name == "lbr-serial-bridge.service" {
            assert!(hidden.is_empty() && values(&unit, "DevicePolicy") == ["closed"], "{name}");
            assert!(
                !allowed.is_empty() && allowed.iter().all(|device| device.starts_with("char-tty") && device.ends_with(" rw")),
                "{name}"
            );
            // A kind of device is known only once its driver is there.
            for ordering in ["Wants", "After"] {
                assert!(values(&unit, ordering).contains(&"modprobe@usbserial.service modprobe@cdc_acm.service"), "{name}: {ordering}");
            }
        } else {
            assert!(hidden == ["yes"] && allowed.is_empty(), "{name}");
        }
    }
    Ok(())
}

/// A system's root with our units in it, and programs in name only.
struct Root(TempDir);

impl Root {
    /// None where systemd is not installed.
    fn new() -> Result<Option<Self>> {
        if Command::new("systemd-analyze").arg("--version").output().is_err() {
            eprintln!("skipped: systemd-analyze is not installed");
            return Ok(None);
        }
        let root = Self(tempfile::tempdir()?);
        let units_of_the_system = root.path("lib/systemd");
        fs::create_dir_all(&units_of_the_system)?;
        let copied = Command::new("cp").args(["-r", "/lib/systemd/system"]).arg(&units_of_the_system).status()?;
        ensure!(copied.success(), "the system's own units could not be copied");
        let mut programs = vec!["/sbin/modprobe".to_owned()];
        for (name, unit) in units()? {
            fs::write(units_of_the_system.join("system").join(name), &unit)?;
            for setting in ["ExecStart", "ExecStop", "ExecReload"] {
                programs.extend(values(&unit, setting).iter().filter_map(|line| Some(line.split(' ').next()?.to_owned())));
            }
        }
        for program in programs {
            let program = root.path(program.trim_start_matches('/'));
            fs::create_dir_all(program.parent().context("a directory")?)?;
            fs::write(&program, "#!/bin/sh\n")?;
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Some(root))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn analyze(&self, verb: &str) -> Command {
        let mut command = Command::new("systemd-analyze");
        command.arg(verb).arg(format!("--root={}", self.0.path().display()));
        command
    }
}

#[test]
fn systemd_finds_no_fault_in_the_units() -> Result<()> {
    let Some(root) = Root::new()? else { return Ok(()) };
    let names: Vec<String> = units()?.into_iter().map(|(name, _)| name).collect();
    let judged = root.analyze("verify").arg("--man=no").args(&names).output()?;
    assert!(judged.status.success() && text(&judged).trim().is_empty(), "{}", text(&judged));
    // It does find faults: a misspelt setting is one.
    let unit = root.path("lib/systemd/system/lbr-eventbus.service");
    fs::write(&unit, fs::read_to_string(&unit)?.replace("PrivateTmp", "PrivateTemp"))?;
    let judged = root.analyze("verify").arg("--man=no").args(&names).output()?;
    assert!(text(&judged).contains("PrivateTemp"), "{}", text(&judged));
    Ok(())
}

#[test]
fn no_unit_is_more_exposed_than_its_work_demands() -> Result<()> {
    let Some(root) = Root::new()? else { return Ok(()) };
    // Tenths of systemd's scale from 0 to 10: a process that opens devices or the network cannot have less.
    for (name, bound) in [
        ("lbr.service", 10),
        ("lbr-announce.service", 12),
        ("lbr-eventbus.service", 10),
        ("lbr-ui-proxy.service", 16),
        ("lbr-serial-bridge.service", 20),
    ] {
        let judged = root.analyze("security").args(["--offline=true", "--no-pager", &format!("--threshold={bound}"), name]).output()?;
        let summary = text(&judged).lines().last().unwrap_or_default().to_owned();
        println!("{summary}");
        assert!(judged.status.success(), "{name}: {}", text(&judged));
    }
    Ok(())
}

/// Plays OpenWrt's part: what the script asks of procd is printed, and programs do nothing.
const PROCD: &str = r#"
for name in procd_open_instance procd_close_instance procd_set_param procd_send_signal chown; do
    eval "$name() { echo \"$name\${*:+ \$*}\"; }"
done
sleep() { :; }
has_user=yes
makes_user=yes
user_exists() { [ $has_user = yes ]; }
group_add_next() { echo 4711; }
user_add() { echo "user_add $*"; has_user=$makes_user; }
. "$1"
LBR_BIN=/bin-of-the-test
check_config() { echo check; }
give_ports() { echo ports; }
"#;

fn procd(directory: &Path, action: &str) -> Result<String> {
    let config = directory.join("lbr.toml");
    let there = directory.display();
    fs::write(
        &config,
        format!(
            "# instance = \"other\"\ninstance = \"roof\"\nrun-dir = '{there}/run'\nstate-dir = \"{there}/state\"\n[x]\ninstance = \"no\"\n"
        ),
    )?;
    let inspect = directory.join("mq-inspect");
    fs::write(&inspect, "#!/bin/sh\necho \"mq-inspect $*\" >&2\n")?;
    fs::set_permissions(&inspect, fs::Permissions::from_mode(0o755))?;
    let path = format!("{there}:{}", std::env::var("PATH")?);
    let mut shell = Command::new("busybox");
    shell
        .args(["sh", "-euc", &format!("{PROCD}\n{action}"), "sh"])
        .arg(scripts().join("openwrt/lbr.init"))
        .env("LBR_CONFIG", &config)
        .env("PATH", path);
    let output = shell.output().context("busybox")?;
    ensure!(output.status.success(), "{}", text(&output));
    Ok(text(&output).replace(&there.to_string(), "DIR"))
}

#[test]
fn procd_is_asked_for_three_processes_that_it_never_gives_up() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let asked_for = |process: &str| {
        format!(
            "procd_open_instance {process}\nprocd_set_param command /bin-of-the-test/{process} --config DIR/lbr.toml\n\
             procd_set_param user lbr\nprocd_set_param group lbr\nprocd_set_param respawn 3600 1 0\n\
             procd_set_param limits msgqueue=819200 819200\nprocd_set_param stderr 1\nprocd_set_param term_timeout 10\n\
             procd_set_param no_new_privs 1\nprocd_close_instance\n"
        )
    };
    let expected = format!(
        "check\nports\nchown lbr:lbr DIR/run\nchown lbr:lbr DIR/state\n{}",
        ["eventbus", "serial-bridge", "ui-proxy"].map(asked_for).concat()
    );
    assert_eq!(procd(directory.path(), "start_service")?, expected);
    let expected = expected.replace("chown lbr:lbr DIR/run\nchown lbr:lbr DIR/state\n", "");
    let first = procd(directory.path(), "has_user=no; start_service")?;
    assert_eq!(first, format!("user_add lbr  4711 lbr /var/lib/lbr\n{expected}"));
    let refused = procd(directory.path(), "has_user=no; makes_user=no; ! start_service")?;
    assert!(refused.contains("no user lbr") && !refused.contains("procd"), "{refused}");
    assert!(directory.path().join("run").is_dir() && directory.path().join("state").is_dir());
    Ok(())
}

#[test]
fn procd_stops_the_set_without_a_trace_and_one_process_with_its_queues_left() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let all = procd(directory.path(), "stop_service; service_stopped")?;
    assert_eq!(all, "mq-inspect unlink --instance roof eventbus eventbus-requests serial-bridge ui-proxy ui-proxy-requests\n");
    assert_eq!(procd(directory.path(), "stop_service eventbus; service_stopped")?, "");
    assert_eq!(procd(directory.path(), "reload_service")?, "check\nprocd_send_signal lbr * HUP\n");
    Ok(())
}

#[test]
fn openwrt_gives_serial_adapters_and_nothing_else_to_the_processes_user() -> Result<()> {
    for (event, device, given) in
        [("add", "ttyUSB0", true), ("add", "ttyACM1", true), ("remove", "ttyUSB0", false), ("add", "ttyS0", false)]
    {
        let script = "chown() { echo chown $*; }; chmod() { echo chmod $*; }; . \"$1\"";
        let mut shell = Command::new("busybox");
        shell.args(["sh", "-euc", script, "sh"]).arg(scripts().join("openwrt/lbr.hotplug")).env("ACTION", event).env("DEVNAME", device);
        let expected = if given { format!("chown root:lbr /dev/{device}\nchmod 660 /dev/{device}\n") } else { String::new() };
        assert_eq!(text(&shell.output()?), expected, "{event} {device}");
    }
    Ok(())
}

#[test]
fn shellcheck_finds_no_fault_in_what_starts_the_router() -> Result<()> {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        eprintln!("skipped: shellcheck is not installed");
        return Ok(());
    }
    let judged = Command::new("shellcheck").args(["lbr", "openwrt/lbr.init", "openwrt/lbr.hotplug"]).current_dir(scripts()).output()?;
    assert!(judged.status.success(), "{}", text(&judged));
    Ok(())
}
