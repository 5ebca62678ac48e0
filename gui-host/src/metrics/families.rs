//! Which figures there are, and what they are called.
//!
//! Names begin with `openwsn_gui` for the host's own and with `openwsn_lbr` for a router's, which have its id in the label
//! `router`. Totals of a process begin anew with it, as its uptime shows.

use std::{collections::BTreeMap, time::Duration};

use super::{
    exposition::{Exposition, Family, Kind, Label},
    health::{Health, Port, Process},
};
use crate::{
    hub::{
        figures::{Figures, Reported, RouterFigures},
        link_state::LinkWord,
    },
    tunnel::StageState,
};

/// Figures of processes and ports that are older than this are not told: six reports are missing.
pub const STALE_AFTER: Duration = Duration::from_mins(1);

/// Most signals of a router; what is beyond is counted as `other`.
const MAX_SIGNALS: usize = 128;

const LINKS: [LinkWord; 3] = [LinkWord::Live, LinkWord::Stale, LinkWord::Lost];
const STAGES: [StageState; 4] = [StageState::Pending, StageState::Active, StageState::Done, StageState::Failed];
const PORT_LINKS: [&str; 4] = ["probing", "up", "down", "fault"];

/// All figures.
pub fn text(figures: &Figures) -> String {
    let mut exposition = Exposition::default();
    host(&mut exposition, figures);
    links(&mut exposition, &figures.routers);
    let healths: Vec<(&str, Health<'_>)> = figures.routers.iter().filter_map(fresh).collect();
    processes(&mut exposition, &healths);
    ports(&mut exposition, &healths);
    meshes(&mut exposition, &figures.routers);
    exposition.finish()
}

fn fresh(router: &RouterFigures) -> Option<(&str, Health<'_>)> {
    let reported = router.health.as_ref().filter(|reported| reported.age < STALE_AFTER)?;
    Some((&router.id, Health::parse(reported.text.get())))
}

const fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Family {
    Family { kind: Kind::Gauge, name, unit, help }
}

const fn counter(name: &'static str, unit: &'static str, help: &'static str) -> Family {
    Family { kind: Kind::Counter, name, unit, help }
}

fn host(exposition: &mut Exposition, figures: &Figures) {
    let info = Family { kind: Kind::Info, name: "openwsn_gui", unit: "", help: "This GUI host." };
    exposition.family(info, [(vec![("version", env!("CARGO_PKG_VERSION"))], 1)]);
    let uptime = gauge("openwsn_gui_uptime_seconds", "seconds", "Since the GUI host started.");
    exposition.family(uptime, [(vec![], figures.uptime.as_secs())]);
    let viewers = gauge("openwsn_gui_viewers", "", "Pages, scripts and captures that are connected.");
    exposition.family(viewers, [(vec![], figures.viewers)]);
    let name = "openwsn_gui_tunnel_stage";
    let stages = Family { kind: Kind::StateSet, name, unit: "", help: "How far each stage of the tunnel to a target is." };
    let samples = figures.tunnels.iter().flat_map(|(target, stages)| {
        let of_stage = move |state: StageState, stage: &'static str, now: StageState| {
            (vec![("target", target.as_str()), ("stage", stage), (name, state.name())], u8::from(state == now))
        };
        stages.iter().flat_map(move |(stage, now)| STAGES.map(|state| of_stage(state, stage, *now)))
    });
    exposition.family(stages, samples);
}

fn links(exposition: &mut Exposition, routers: &[RouterFigures]) {
    let info = Family { kind: Kind::Info, name: "openwsn_lbr", unit: "", help: "What a border router says of itself." };
    let words = routers.iter().map(|router| {
        let mut labels = vec![("router", router.id.as_str())];
        labels.extend(router.words.iter().map(|(name, value)| (*name, value.as_str())));
        (labels, 1)
    });
    exposition.family(info, words);
    let name = "openwsn_lbr_link";
    let family = Family { kind: Kind::StateSet, name, unit: "", help: "How the link to a border router is." };
    let states = routers
        .iter()
        .flat_map(|router| LINKS.map(|state| (vec![("router", router.id.as_str()), (name, state.name())], u8::from(state == router.link))));
    exposition.family(family, states);
    let of = |router: &'_ RouterFigures, value: Option<Duration>| value.map(|value| (router.id.clone(), value.as_secs_f64()));
    let mut seconds = |name, help, value: fn(&RouterFigures) -> Option<Duration>| {
        let told: Vec<(String, f64)> = routers.iter().filter_map(|router| of(router, value(router))).collect();
        exposition.family(gauge(name, "seconds", help), told.iter().map(|(id, value)| (vec![("router", id.as_str())], *value)));
    };
    seconds("openwsn_lbr_link_rtt_seconds", "Round trip of the last ping that was answered.", |router| router.rtt);
    seconds("openwsn_lbr_message_age_seconds", "Since the last message of a border router.", |router| Some(router.message_age));
    seconds("openwsn_lbr_health_age_seconds", "How old the figures of its processes and ports are.", |router| {
        router.health.as_ref().map(|Reported { age, .. }| *age)
    });
    let ignored = counter("openwsn_lbr_ignored_messages", "", "Messages of a border router that the GUI host did not use.");
    let samples = routers.iter().flat_map(|router| {
        router.ignored.iter().map(|(reason, count)| (vec![("router", router.id.as_str()), ("reason", *reason)], *count))
    });
    exposition.family(ignored, samples);
}

fn processes(exposition: &mut Exposition, healths: &[(&str, Health<'_>)]) {
    let each = |value: fn(&Process<'_>) -> u64| {
        healths.iter().flat_map(move |(id, health)| {
            health.processes.iter().map(move |process| (vec![("router", *id), ("process", &*process.name)], value(process)))
        })
    };
    exposition.family(gauge("openwsn_lbr_process_uptime_seconds", "seconds", "Since a process started."), each(|process| process.uptime));
    exposition.family(
        gauge("openwsn_lbr_process_resident_memory_bytes", "bytes", "Resident memory of a process."),
        each(|process| process.rss_kib.saturating_mul(1024)),
    );
    exposition.family(
        counter("openwsn_lbr_process_cpu_seconds", "seconds", "Processor time that a process has used."),
        each(|process| process.cpu_ms).map(|(labels, milliseconds)| (labels, Duration::from_millis(milliseconds).as_secs_f64())),
    );
    let inbox = gauge("openwsn_lbr_process_inbox_messages", "", "Messages that wait in the queue of a process.");
    exposition.family(inbox, each(|process| process.inbox.depth));
    let room = gauge("openwsn_lbr_process_inbox_size_messages", "", "Messages that the queue of a process holds.");
    exposition.family(room, each(|process| process.inbox.max));
    let drops = counter("openwsn_lbr_process_drops", "", "What a process has dropped or refused since it started.");
    let samples = healths.iter().flat_map(|(id, health)| {
        health.processes.iter().flat_map(move |process| {
            let labels = move |reason| vec![("router", *id), ("process", &*process.name), ("reason", reason)];
            process.dropped.iter().map(move |(reason, count)| (labels(&**reason), *count))
        })
    });
    exposition.family(drops, samples);
}

fn ports(exposition: &mut Exposition, healths: &[(&str, Health<'_>)]) {
    let all = || healths.iter().flat_map(|(id, health)| health.ports.iter().map(move |port| (*id, port)));
    let name = "openwsn_lbr_port_link";
    let links = Family { kind: Kind::StateSet, name, unit: "", help: "How a serial port is." };
    exposition.family(
        links,
        all().flat_map(|(id, port)| {
            PORT_LINKS.map(|link| (vec![("router", id), ("port", &*port.name), (name, link)], u8::from(link == port.link)))
        }),
    );
    let baud = gauge("openwsn_lbr_port_baud", "", "Bits a second of a serial port, when they are known.");
    exposition.family(baud, all().filter_map(|(id, port)| Some((of_port(id, port), port.baud?))));
    let mut total = |name, unit, help, value: fn(&Port<'_>) -> u64| {
        exposition.family(counter(name, unit, help), all().map(|(id, port)| (of_port(id, port), value(port))));
    };
    total("openwsn_lbr_port_received_bytes", "bytes", "Bytes from a mote.", |port| port.rx_bytes);
    total("openwsn_lbr_port_received_frames", "", "Frames from a mote whose CRC was right.", |port| port.rx_frames);
    total("openwsn_lbr_port_sent_bytes", "bytes", "Bytes to a mote.", |port| port.tx_bytes);
    total("openwsn_lbr_port_sent_frames", "", "Frames to a mote.", |port| port.tx_frames);
    total("openwsn_lbr_port_noise_bytes", "bytes", "Bytes before the first frame of an opening.", |port| port.noise_bytes);
    total("openwsn_lbr_port_stalls", "", "Times that output stood still.", |port| port.stalls);
    total("openwsn_lbr_port_forced_resumes", "", "Times that output went on without an XON.", |port| port.forced_resumes);
    total("openwsn_lbr_port_openings", "", "Times that a port was opened.", |port| port.openings);
    let faults = counter("openwsn_lbr_port_faults", "", "Bytes from a mote that were to be a frame and were none.");
    let samples = all().flat_map(|(id, port)| {
        let labels = move |reason| [of_port(id, port), vec![("reason", reason)]].concat();
        port.faults.iter().map(move |(reason, count)| (labels(&**reason), *count))
    });
    exposition.family(faults, samples);
}

fn of_port<'a>(id: &'a str, port: &'a Port<'_>) -> Vec<Label<'a>> {
    vec![("router", id), ("port", &*port.name)]
}

fn meshes(exposition: &mut Exposition, routers: &[RouterFigures]) {
    let motes = gauge("openwsn_lbr_motes", "", "Motes by how they are known, serial or by a DAO, and by their link.");
    let samples = routers.iter().flat_map(|router| {
        let labels = |source, link| vec![("router", router.id.as_str()), ("source", source), ("link", link)];
        router.motes.iter().map(move |((source, link), number)| (labels(*source, *link), *number))
    });
    exposition.family(motes, samples);
    let events = counter("openwsn_lbr_events", "", "What eventbus has counted on all ports since it started, by OpenVisualizer's signal.");
    let bounded: Vec<(&str, BTreeMap<&str, u64>)> = routers.iter().map(|router| (router.id.as_str(), bounded(&router.events))).collect();
    let samples = bounded
        .iter()
        .flat_map(|(id, events)| events.iter().map(move |(signal, number)| (vec![("router", *id), ("signal", *signal)], *number)));
    exposition.family(events, samples);
}

fn bounded(events: &BTreeMap<String, u64>) -> BTreeMap<&str, u64> {
    let mut told = BTreeMap::<&str, u64>::new();
    for (signal, number) in events {
        let signal = if told.len() < MAX_SIGNALS { signal.as_str() } else { "other" };
        let sum = told.entry(signal).or_default();
        *sum = sum.saturating_add(*number);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::model::to_text;

    fn router(id: &str, health_age: u64, link: LinkWord) -> RouterFigures {
        let health = serde_json::json!({"processes": [
            {"name": "eventbus", "uptime": 9, "rss_kib": 1, "cpu_ms": 1500, "inbox": {"depth": 2, "max": 10}, "dropped": {}},
        ]});
        RouterFigures {
            id: id.to_owned(),
            words: vec![("name", "a\"b\\".to_owned())],
            link,
            rtt: Some(Duration::from_millis(21)),
            message_age: Duration::from_secs(health_age),
            ignored: BTreeMap::from([("too-much", 3)]),
            health: Some(Reported { age: Duration::from_secs(health_age), text: to_text(&health) }),
            motes: BTreeMap::from([(("serial", "up"), 2)]),
            events: (0..200).map(|number| (format!("signal{number:03}"), 2)).collect(),
        }
    }

    fn told(routers: Vec<RouterFigures>) -> String {
        let stages = vec![("ssh started", StageState::Done), ("forward accepted", StageState::Active)];
        text(&Figures { uptime: Duration::from_secs(70), viewers: 1, tunnels: vec![("me@roof".to_owned(), stages)], routers })
    }

    #[test]
    fn old_figures_are_not_told_but_how_old_they_are_is() {
        let told = told(vec![router("roof", 10, LinkWord::Live), router("cellar", 61, LinkWord::Lost)]);
        let has = |line: &str| told.lines().any(|told| told == line);
        assert!(has(r#"openwsn_lbr_process_cpu_seconds_total{router="roof",process="eventbus"} 1.5"#), "{told}");
        assert!(!told.contains(r#"uptime_seconds{router="cellar""#), "{told}");
        assert!(has(r#"openwsn_lbr_health_age_seconds{router="cellar"} 61"#) && has(r#"openwsn_lbr_health_age_seconds{router="roof"} 10"#));
        assert!(has(r#"openwsn_lbr_link{router="cellar",openwsn_lbr_link="lost"} 1"#));
        assert!(has(r#"openwsn_lbr_info{router="roof",name="a\"b\\"} 1"#), "{told}");
        assert!(has(r#"openwsn_gui_tunnel_stage{target="me@roof",stage="forward accepted",openwsn_gui_tunnel_stage="active"} 1"#));
        assert!(has(r#"openwsn_gui_tunnel_stage{target="me@roof",stage="forward accepted",openwsn_gui_tunnel_stage="done"} 0"#));
    }

    #[test]
    fn a_routers_signals_have_a_bound_and_none_is_lost() {
        let told = told(vec![router("roof", 1, LinkWord::Live)]);
        let events: Vec<&str> = told.lines().filter(|line| line.starts_with("openwsn_lbr_events_total")).collect();
        assert_eq!(events.len(), MAX_SIGNALS + 1);
        assert!(events.contains(&r#"openwsn_lbr_events_total{router="roof",signal="other"} 144"#), "{events:?}");
    }

    #[test]
    fn without_a_router_it_is_whole_too() {
        let told = told(vec![]);
        assert!(told.starts_with("# TYPE openwsn_gui info\n") && told.ends_with("# EOF\n"), "{told}");
    }
}
