//! `/metrics`: what a router tells, as Prometheus reads it, and who may read it.

use std::{collections::BTreeSet, fs, io::Write, os::unix::fs::OpenOptionsExt};

use serde_json::{Value, json};

use crate::{
    program::{Program, command, http},
    router::Router,
};

const TOKEN: &str = "0123456789abcdef0123";

fn token_file(folder: &tempfile::TempDir, mode: u32, text: &str) -> String {
    let path = folder.path().join("token");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path).unwrap();
    writeln!(file, "{text}").unwrap();
    path.to_str().unwrap().to_owned()
}

fn scrape(program: &Program, token: &str) -> String {
    let port = program.page.as_ref().unwrap().0;
    let request = format!("GET /metrics HTTP/1.0\nHost: 127.0.0.1:{port}\nAuthorization: Bearer {token}\n\n");
    http(port, &request)
}

fn process(name: &str) -> Value {
    json!({"name": name, "pid": 7, "uptime": 61, "rss_kib": 700, "cpu_ms": 35, "inbox": {"depth": 1, "max": 10}, "dropped": {"gap": 2, "a\"b\n": 3}})
}

fn tell(router: &mut Router) {
    let mote = |source: &str, link: &str| json!({"source": source, "port": null, "link": link, "mote": null});
    router.send(&json!({"type": "mote-inventory", "seq": 2, "t": 5, "motes": [mote("serial", "up"), mote("dao", "up"), mote("dao", "up"), mote("x", "y")]}));
    let count = |port: &str, signal: String, num: u64| json!({"sender": format!("mote_connector@{port}"), "signal": signal, "num": num});
    let status = |port: &str, num: u64| count(port, "fromMote.status".to_owned(), num);
    let connector = |port: &str, num: u64| count(port, format!("fromMoteConnector@{port}"), num);
    let counts = [status("a", 3), status("b", 4), connector("a", 5), connector("b", 6)];
    router.send(&json!({"type": "event-count", "seq": 3, "t": 5, "boot": 1, "counts": counts}));
    let port = json!({
        "port": "/dev/ttyUSB0", "link": "up", "since": 1, "baud": 115_200, "rx_bytes": 1, "rx_frames": 2, "tx_bytes": 3, "tx_frames": 4,
        "noise_bytes": 5, "stalls": 6, "forced_resumes": 7, "openings": 8, "faults": {"bad-crc": 9},
    });
    router.send(&json!({"type": "lbr-health", "seq": 4, "t": 5, "processes": [process("eventbus"), process("ui-proxy")], "ports": [port]}));
}

#[test]
fn a_router_is_told_in_openmetrics() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(&["--metrics-token", &token_file(&folder, 0o600, TOKEN)]);
    let mut router = Router::admitted(program.link_port, "roof");
    tell(&mut router);
    let told = loop {
        let response = scrape(&program, TOKEN);
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"), "{head}");
        check_grammar(body);
        if body.contains("openwsn_lbr_process_drops_total{") {
            break body.to_owned();
        }
    };
    for line in [
        r#"openwsn_lbr_info{router="roof",name="roof",hostname="pi",version="0.1.0",boot="1"} 1"#,
        r#"openwsn_lbr_link{router="roof",openwsn_lbr_link="live"} 1"#,
        r#"openwsn_lbr_link{router="roof",openwsn_lbr_link="lost"} 0"#,
        r#"openwsn_lbr_process_uptime_seconds{router="roof",process="eventbus"} 61"#,
        r#"openwsn_lbr_process_cpu_seconds_total{router="roof",process="ui-proxy"} 0.035"#,
        r#"openwsn_lbr_process_resident_memory_bytes{router="roof",process="ui-proxy"} 716800"#,
        r#"openwsn_lbr_process_inbox_messages{router="roof",process="ui-proxy"} 1"#,
        r#"openwsn_lbr_process_drops_total{router="roof",process="eventbus",reason="a\"b\n"} 3"#,
        r#"openwsn_lbr_port_received_frames_total{router="roof",port="/dev/ttyUSB0"} 2"#,
        r#"openwsn_lbr_port_faults_total{router="roof",port="/dev/ttyUSB0",reason="bad-crc"} 9"#,
        r#"openwsn_lbr_port_link{router="roof",port="/dev/ttyUSB0",openwsn_lbr_port_link="up"} 1"#,
        r#"openwsn_lbr_motes{router="roof",source="dao",link="up"} 2"#,
        r#"openwsn_lbr_motes{router="roof",source="other",link="other"} 1"#,
        r#"openwsn_lbr_events_total{router="roof",signal="fromMote.status"} 7"#,
        r#"openwsn_lbr_events_total{router="roof",signal="fromMoteConnector"} 11"#,
    ] {
        assert!(told.lines().any(|told| told == line), "{line} is missing in\n{told}");
    }
    assert!(told.contains(r#"openwsn_lbr_health_age_seconds{router="roof"} "#), "{told}");
}

/// The text format of `OpenMetrics` 1.0, as far as it is used: families one after the other, each sample once, names by kind.
fn check_grammar(text: &str) {
    let (mut families, mut samples) = (BTreeSet::new(), BTreeSet::new());
    let (mut family, mut kind) = ("", "");
    let body = text.strip_suffix("# EOF\n").expect("it has an end");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            (family, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter", "info", "stateset"].contains(&kind) && families.insert(family), "{line}");
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (name, unit) = rest.split_once(' ').unwrap();
            assert!(name == family && name.ends_with(&format!("_{unit}")), "{line}");
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(rest.starts_with(&format!("{family} ")), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let suffix = match kind {
                "counter" => "_total",
                "info" => "_info",
                _gauge_or_stateset => "",
            };
            assert_eq!(name, format!("{family}{suffix}"), "{line}");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite) && samples.insert(series), "{line}");
        }
    }
}

#[test]
fn only_who_shows_a_token_may_read_and_the_metrics_token_opens_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(&["--metrics-token", &token_file(&folder, 0o600, TOKEN)]);
    let (port, token) = program.page.clone().unwrap();
    let status = |response: String| response.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(status(scrape(&program, TOKEN)), "200");
    assert_eq!(status(scrape(&program, &token)), "200");
    assert_eq!(status(scrape(&program, "")), "401");
    assert_eq!(status(scrape(&program, &TOKEN[1..])), "401");
    let ask = |path: &str, host: &str, more: &str| {
        status(http(port, &format!("GET {path} HTTP/1.0\nHost: {host}\nAuthorization: Bearer {TOKEN}\n{more}\n")))
    };
    let own = format!("localhost:{port}");
    assert_eq!(ask("/metrics", "rebound.example", ""), "421");
    assert_eq!(ask("/metrics", &own, "Origin: http://evil.example\n"), "403");
    assert_eq!(ask("/capture", &own, ""), "401");
}

#[test]
fn a_wrong_token_file_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |file: &str| {
        let output = command(&["--auth", "none", "--port", "0", "--link-port", "0", "--metrics-token", file]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = refused(&token_file(&folder, 0o644, TOKEN));
    assert!(code == Some(78) && text.contains("mode 0644") && text.contains("chmod 0600"), "{text}");
    fs::remove_file(folder.path().join("token")).unwrap();
    let (code, text) = refused(&token_file(&folder, 0o600, "short"));
    assert!(code == Some(78) && text.contains("16 to 256 letters and digits"), "{text}");
    let (code, text) = refused("/nonexistent/token");
    assert!(code == Some(78) && text.contains("openssl rand"), "{text}");
}
