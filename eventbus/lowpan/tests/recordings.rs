//! Every data frame of the recordings, held against what `OpenVisualizer` made of it.
//!
//! Where the two differ, `OpenVisualizer` is wrong, and the difference is named: it takes an uncompressed UDP header
//! from port 61617 for a compressed one, and reads a DAO of which a forwarder lost the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use lowpan::{Fragment, Icmpv6, Link, Packet, Reassembly, RplMessage, Udp, Uinject, address};
use mqtypes::ids::{Asn, Eui64};
use mqtypes::mono::Mono;
use serde_json::Value;

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

/// `OpenVisualizer`'s second destination port of `uinject`: the low byte of the first, and the first byte of the checksum before.
const MISREAD_PORT: u16 = 0xb100;

#[test]
fn recording_b_is_read_as_its_oracle_reads_it() {
    let counts = check("B");
    let expected = [
        ("dao", 34),
        ("echo reply of the serial line", 10),
        ("fragment", 30),
        ("frame", 84),
        ("join request", 4),
        ("uinject", 21),
        ("uinject with a misread port", 21),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn recording_d_is_read_as_its_oracle_reads_it() {
    let counts = check("D");
    let expected = [
        ("dao", 15),
        ("dao without its end", 2),
        ("echo reply", 13),
        ("echo reply of the serial line", 59),
        ("fragment", 44),
        ("frame", 137),
        ("join request", 6),
        ("other udp", 11),
        ("uinject", 5),
        ("uinject with a misread port", 5),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

type Counts = BTreeMap<&'static str, u32>;

fn check(recording: &str) -> Counts {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/data/{recording}.oracle.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = Oracle::default();
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let opinion: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        if opinion["kind"] == "data" {
            reader.check_frame(&opinion);
        }
    }
    reader.counts
}

#[derive(Default)]
struct Oracle {
    reassembly: Reassembly,
    counts: Counts,
}

impl Oracle {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn check_frame(&mut self, opinion: &Value) {
        self.count("frame");
        let fields = &opinion["fields"];
        let (Some(destination), Some(source)) = (eui(&fields["dest"]), eui(&fields["source"])) else {
            return self.count("echo reply of the serial line");
        };
        let link = Link { source, destination };
        // Only the root passes packets on; what looks like any other's is the late reply to an echo.
        if opinion["port"] != "mote1" || destination.id16() != 1 {
            assert!(opinion["bus"].as_array().is_none_or(|signals| packet_signal(signals).is_none()), "{opinion}");
            return self.count("echo reply of the serial line");
        }
        let lowpan = hex(fields["payload"].as_str().expect("text"));
        let asn = hex(fields["asn_le_bytes"].as_str().expect("text")).iter().rfold(0, |asn, byte| asn << 8 | u64::from(*byte));
        let now = Mono((opinion["t"].as_f64().expect("a number") * 1e6) as u64);
        let Some(whole) = self.whole(now, link, lowpan) else {
            return assert_eq!(opinion["bus"], Value::Null, "{opinion}");
        };
        self.check_packet(&whole, link, Asn(asn), opinion["bus"].as_array().expect("it was understood"));
    }

    fn whole(&mut self, now: Mono, link: Link, lowpan: Vec<u8>) -> Option<Vec<u8>> {
        match Fragment::parse(&lowpan).expect("packet or fragment") {
            None => Some(lowpan),
            Some(fragment) => {
                assert_eq!(fragment.emit(), lowpan);
                self.count("fragment");
                self.reassembly.handle_fragment(now, link, &fragment).expect("it fits")
            }
        }
    }

    fn check_packet(&mut self, lowpan: &[u8], link: Link, asn: Asn, signals: &[Value]) {
        let packet = Packet::parse(lowpan, link, PREFIX).expect("a packet");
        assert_eq!(packet.emit(PREFIX), lowpan, "{packet:?}");
        let opinion = packet_signal(signals).expect("it was dispatched");
        assert_eq!((packet.source.to_vec(), packet.destination.to_vec()), (opinion.source, opinion.destination));
        // Motes put 64 into all they send and forward: it tells no hops.
        assert_eq!((packet.hop_limit, packet.tunnel), (64, None));
        assert!(packet.rpi.is_some_and(|rpi| rpi.instance == 0 && !rpi.is_down));
        match opinion.protocol.as_str() {
            "udp" => self.check_udp(&packet, asn, opinion.port_or_type, &opinion.payload),
            "icmpv6" => {
                let icmpv6 = Icmpv6::parse(&packet.payload).expect("whole");
                assert_eq!((u16::from(icmpv6.kind), icmpv6.body), (opinion.port_or_type, &opinion.payload[..]));
                self.check_icmpv6(&packet, icmpv6, signals);
            }
            other => panic!("not in the recordings: {other}"),
        }
    }

    fn check_udp(&mut self, packet: &Packet, asn: Asn, port: u16, payload: &[u8]) {
        assert_eq!((packet.next_header, packet.check()), (Packet::UDP, Ok(())));
        let udp = Udp::parse(&packet.payload).expect("whole");
        let Some(told) = Uinject::parse(udp.payload) else {
            assert_eq!((udp.destination_port, udp.payload), (port, payload));
            return self.count(if port == 5683 { "join request" } else { "other udp" });
        };
        assert_eq!((udp.source_port, udp.destination_port, told.emit()), (Uinject::PORT, Uinject::PORT, udp.payload.to_vec()));
        assert_eq!((port, &payload[1..]), (MISREAD_PORT, udp.payload));
        assert_eq!(told.id16, address::interface(packet.source).id16());
        let latency = asn.0.checked_sub(told.asn.0).expect("it was sent before it came");
        assert!((1..1000).contains(&latency) && told.tics_on < told.tics_total, "{latency} slots, {told:?}");
        self.count("uinject");
        self.count("uinject with a misread port");
    }

    fn check_icmpv6(&mut self, packet: &Packet, icmpv6: Icmpv6<'_>, signals: &[Value]) {
        assert_eq!(packet.next_header, Packet::ICMPV6);
        if icmpv6.kind != Icmpv6::RPL {
            assert_eq!((icmpv6.kind, packet.check()), (Icmpv6::ECHO_REPLY, Ok(())));
            return self.count("echo reply");
        }
        let update = signals.iter().find(|signal| signal["signal"] == "updateParents").expect("a DAO");
        assert_eq!(eui(&update["data"][0]), Some(address::interface(packet.source)));
        match RplMessage::parse(icmpv6.code, icmpv6.body) {
            Ok(RplMessage::Dao(dao)) => {
                assert_eq!((packet.check(), dao.emit()), (Ok(()), icmpv6.body.to_vec()));
                let parents: Vec<_> = dao.parents().map(|parent| Some(address::interface(parent))).collect();
                let opinion: Vec<_> = update["data"][1].as_array().expect("a list").iter().map(eui).collect();
                assert_eq!(parents, opinion);
                self.count("dao");
            }
            other => {
                assert_eq!(other.map_err(|error| error.reason()), Err("truncated"));
                assert_eq!(packet.check().map_err(|error| error.reason()), Err("bad-checksum"));
                self.count("dao without its end");
            }
        }
    }
}

/// What `OpenVisualizer` handed to whoever handles such packets.
struct Dispatched {
    source: Vec<u8>,
    destination: Vec<u8>,
    protocol: String,
    port_or_type: u16,
    payload: Vec<u8>,
}

fn packet_signal(signals: &[Value]) -> Option<Dispatched> {
    signals.iter().filter(|told| told["sender"] == "OpenLBR").find_map(|told| {
        let destination = bytes(&told["signal"][0])?;
        Some(Dispatched {
            source: bytes(&told["data"][0])?,
            destination,
            protocol: told["signal"][1].as_str()?.to_owned(),
            port_or_type: u16::try_from(told["signal"][2].as_u64()?).ok()?,
            payload: bytes(&told["data"][1])?,
        })
    })
}

/// Bytes as the oracle's file writes them in signals.
fn bytes(text: &Value) -> Option<Vec<u8>> {
    Some(hex(text.as_str()?.strip_prefix("hex:")?))
}

/// None when there are not eight bytes.
fn eui(text: &Value) -> Option<Eui64> {
    let text = text.as_str()?;
    Some(Eui64(hex(text.strip_prefix("hex:").unwrap_or(text)).try_into().ok()?))
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}
