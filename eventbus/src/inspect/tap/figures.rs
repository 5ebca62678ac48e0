//! Figures in words: of ports, of a mote's tables, and of what came up from the mesh.

use data_encoding::HEXLOWER;
use mqtypes::broker::SummaryReport;
use mqtypes::mesh::{DagEntry, MoteData, UinjectReport};
use mqtypes::mono::Mono;
use mqtypes::serial::{LineBytes, PortReport, PortState};
use mqtypes::status::{ParentLink, Prr, TableFill};

use super::words::short_name;
use crate::inspect::terminal::Tone;
use crate::inspect::time::span;

/// How much a port wants to be seen.
pub fn port_tone(state: &PortState) -> Tone {
    match state {
        PortState::Up | PortState::Probing => Tone::Normal,
        PortState::Down { .. } => Tone::Warning,
        PortState::Fault { .. } => Tone::Bad,
    }
}

/// A port's figures.
pub fn port(report: &PortReport) -> String {
    let state = match &report.state {
        PortState::Up => "up".to_owned(),
        PortState::Probing => "probing".to_owned(),
        PortState::Down { cause } => format!("down ({cause})"),
        PortState::Fault { cause } => format!("at fault ({cause})"),
    };
    let it = &report.counters;
    let mut parts = vec![
        format!("in {} bytes, {} frames", it.rx_bytes, it.rx_frames),
        format!("out {} bytes, {} frames", it.tx_bytes, it.tx_frames),
        format!("opened {} times", it.openings),
    ];
    let odd = [(it.noise_bytes, "bytes of noise"), (it.stalls, "stalls"), (it.forced_resumes, "forced resumes")];
    parts.extend(odd.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    parts.extend(it.faults.iter().map(|told| format!("{} {}", told.count, told.fault.name())));
    format!("{}: {state}, {} baud, {}", report.port, report.baud, parts.join(", "))
}

/// The link to a mote's preferred parent.
pub fn parent(link: &ParentLink) -> String {
    format!("{} at {} dBm, {}", link.mote, link.rssi, prr(link.prr))
}

/// What a mote's elements come to.
pub fn summary(report: &SummaryReport) -> String {
    let it = &report.summary;
    let parent = it.parent.map_or_else(|| "no preferred parent".to_owned(), |link| format!("parent {}", parent(&link)));
    let queue = it.queue.map_or_else(|| "queue not told".to_owned(), |queue| format!("queue {}/{}", queue.used, queue.of));
    format!("{}: {parent}; {} neighbours; {} cells; {queue}", short_name(&report.who), table(it.neighbors), table(it.schedule))
}

/// A packet from the mesh.
pub fn data(packet: &MoteData) -> String {
    let MoteData { asn, destination, source, lowpan, .. } = packet;
    let bytes = HEXLOWER.encode(lowpan);
    format!("{}: ASN {}, {source} to {destination}, {} bytes {bytes}", short_name(&packet.who), asn.0, lowpan.len())
}

/// Bytes of a serial line.
pub fn bytes(piece: &LineBytes) -> String {
    let LineBytes { port, direction, offset, bytes, .. } = piece;
    format!("{port}: {} {} bytes after {offset}: {}", direction.name(), bytes.len(), HEXLOWER.encode(bytes))
}

/// A mote of a DODAG.
pub fn dag(entry: &DagEntry, sent: Mono) -> String {
    format!("{}: {}, {} packets, the last {} ago", entry.mote, place(entry), entry.packets, span(sent.since(entry.last_packet)))
}

/// A mote's place in a DODAG.
pub fn place(entry: &DagEntry) -> String {
    let parents = match &entry.parents[..] {
        [] => "no parent told".to_owned(),
        parents => format!("parents {}", parents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let hops = entry.hops.map_or_else(|| "hops unknown".to_owned(), |hops| format!("{hops} hops from {}", entry.root));
    format!("{parents}, {hops}")
}

/// What a mote's `uinject` tells.
pub fn uinject(report: &UinjectReport) -> String {
    format!("{}: {}", report.mote, delivery(report))
}

/// How the packets of a mote's `uinject` fare.
pub fn delivery(report: &UinjectReport) -> String {
    let UinjectReport { counter, received, expected, latency, .. } = report;
    let latency = latency.map_or_else(|| "latency unknown".to_owned(), |slots| format!("latency {slots} slots"));
    format!("packet {counter}, {received} of {expected} received, {latency}")
}

fn prr(prr: Prr) -> String {
    prr.ratio().map_or_else(|| "nothing sent".to_owned(), |ratio| format!("PRR {:.0} % of {}", 100.0 * ratio, prr.sent))
}

fn table(fill: TableFill) -> String {
    match fill.of {
        Some(of) if fill.heard >= of => fill.used.to_string(),
        Some(of) => format!("{} (of {}/{of} rows)", fill.used, fill.heard),
        None => format!("{} (of {} rows so far)", fill.used, fill.heard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::{Asn, Eui64, Generation, PortName, Who};
    use mqtypes::mesh::UinjectLayout;
    use mqtypes::serial::{FaultCount, FrameFault, PortCounters};
    use mqtypes::status::{QueueFill, Summary};

    const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
    const MOTE: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);

    #[test]
    fn a_port_tells_what_is_odd_and_nothing_that_never_was() {
        let counters = PortCounters {
            rx_bytes: 900,
            rx_frames: 30,
            openings: 2,
            stalls: 1,
            faults: vec![FaultCount { fault: FrameFault::BadCrc, count: 8 }],
            ..PortCounters::default()
        };
        let state = PortState::Down { cause: "unplugged".to_owned() };
        let port_name = PortName("/dev/ttyUSB0".to_owned());
        let report = PortReport { port: port_name, generation: Generation(2), state, since: Mono(0), baud: 115_200, counters };
        assert_eq!(
            port(&report),
            "/dev/ttyUSB0: down (unplugged), 115200 baud, in 900 bytes, 30 frames, out 0 bytes, 0 frames, opened 2 times, 1 stalls, 8 bad-crc"
        );
    }

    #[test]
    fn a_summary_says_how_much_it_rests_on() {
        let parent = Some(ParentLink { mote: ROOT, rssi: -63, prr: Prr { acked: 19, sent: 20 } });
        let neighbors = TableFill { used: 4, heard: 30, of: Some(30) };
        let schedule = TableFill { used: 7, heard: 12, of: None };
        let summed = Summary { parent, neighbors, schedule, queue: Some(QueueFill { used: 2, of: 20 }) };
        let report = SummaryReport { who: Who { mote: Some(MOTE), port: None }, heard: Mono(0), summary: summed };
        assert_eq!(
            summary(&report),
            "141592cc00000002: parent 141592cc00000001 at -63 dBm, PRR 95 % of 20; 4 neighbours; 7 (of 12 rows so far) cells; queue 2/20"
        );
    }

    #[test]
    fn the_mesh_in_words() {
        let packet = MoteData {
            who: Who { mote: Some(ROOT), port: None },
            heard: Mono(0),
            asn: Asn(7),
            destination: ROOT,
            source: MOTE,
            lowpan: vec![0xf1, 0x83],
        };
        assert_eq!(data(&packet), "141592cc00000001: ASN 7, 141592cc00000002 to 141592cc00000001, 2 bytes f183");
        let entry = DagEntry {
            mote: MOTE,
            root: ROOT,
            parents: vec![ROOT],
            dao_heard: Some(Mono(0)),
            hops: Some(1),
            address: [0; 16],
            last_packet: Mono(1_000_000),
            packets: 3,
        };
        assert_eq!(
            dag(&entry, Mono(4_000_000)),
            "141592cc00000002: parents 141592cc00000001, 1 hops from 141592cc00000001, 3 packets, the last 3 s ago"
        );
        let report = UinjectReport {
            mote: MOTE,
            heard: Mono(0),
            layout: UinjectLayout::NameFirst,
            counter: 9,
            received: 8,
            expected: 9,
            latency: None,
            latency_sum: 0,
            latencies: 0,
            tx_cells: 0,
            rx_cells: 0,
            tics_on: 0,
            tics_total: 0,
        };
        assert_eq!(uinject(&report), "141592cc00000002: packet 9, 8 of 9 received, latency unknown");
    }
}
