//! What `mq-inspect capture` writes is for Wireshark: `tshark` must find in it what our own decoder finds, down to RPL and UDP.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use eventbus::frame::{Frame, SniffedFrame};
use framing::hdlc;
use lbr_tests::stack::{Child, GuiHost, Motes, Place, Router, User, binary};
use lowpan::{Fragment, Icmpv6, Link, Packet, Reassembly};
use mqtypes::mono::Mono;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use serde_json::{Value, json};

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];
const ROOT: &str = "141592cc00000001";
const WITHIN: Duration = Duration::from_mins(1);

/// What stands in a `tshark` line, in this order.
const FIELDS: [&str; 6] = ["frame.interface_name", "wpan-tap.asn", "ipv6.src", "icmpv6.type", "icmpv6.code", "udp.dstport"];

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/{name}.jsonl.gz"))
}

/// Runs `mq-inspect capture --from`, over a capture that is there.
fn capture(recording: &Path, to: &Path, more: &[&str]) -> Result<()> {
    let mut command = Command::new(binary("mq-inspect")?);
    let output = command.args(["capture", "--force", "--from"]).arg(recording).arg(to).args(more).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// What `tshark` says of a capture, a line a packet. It knows the context of 6LoWPAN, as `--help` tells people to say.
fn tshark(capture: &Path, more: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args(["-o", "6lowpan.context0:bbbb::/64"]).args(more);
    let output = command.output().context("tshark is missing: apt-get install --no-install-recommends tshark")?;
    ensure!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// The packets as `tshark` reads them, field by field.
fn dissected(capture: &Path) -> Result<Vec<Vec<String>>> {
    let fields: Vec<&str> = ["-T", "fields"].into_iter().chain(FIELDS.iter().flat_map(|field| ["-e", field])).collect();
    Ok(tshark(capture, &fields)?.iter().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// What our own decoder makes of the packets of a recording.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    frames: usize,
    fragments: usize,
    /// `(ASN, IPv6 source, type, code)` of each `ICMPv6` message.
    icmpv6: Vec<(u64, String, u8, u8)>,
    /// `(ASN, IPv6 source)` of each UDP datagram.
    udp: Vec<(u64, String)>,
}

fn found_by_ourselves(recording: &Path) -> Result<Found> {
    let output = Command::new(binary("mq-inspect")?).args(["decode", "--json"]).arg(recording).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut found, mut reassembly) = (Found::default(), Reassembly::default());
    for line in String::from_utf8(output.stdout)?.lines() {
        let frame: Value = serde_json::from_str(line)?;
        if frame["kind"] == "data" && frame["echo"] != true && frame["fields"]["dest"] == ROOT {
            found.take(&frame, &mut reassembly)?;
        }
    }
    Ok(found)
}

impl Found {
    fn take(&mut self, frame: &Value, reassembly: &mut Reassembly) -> Result<()> {
        self.frames += 1;
        let asn = frame["asn"].as_u64().context("an ASN")?;
        let bytes = HEXLOWER.decode(frame["frame_hex"].as_str().context("hex")?.as_bytes())?;
        let Frame::Data(data) = Frame::parse(&bytes)? else { anyhow::bail!("a data frame is expected: {frame}") };
        let mesh = data.mesh().context("a packet of the mesh")?;
        let link = Link { source: mesh.source, destination: mesh.destination };
        let at = Mono((frame["t"].as_f64().context("a time")? * 1e6) as u64);
        let whole = match Fragment::parse(mesh.lowpan)? {
            None => Some(mesh.lowpan.to_vec()),
            Some(fragment) => {
                self.fragments += 1;
                reassembly.handle_fragment(at, link, &fragment)?
            }
        };
        let Some(whole) = whole else { return Ok(()) };
        let packet = Packet::parse(&whole, link, PREFIX)?;
        let source = std::net::Ipv6Addr::from(packet.source).to_string();
        match packet.next_header {
            Packet::ICMPV6 => {
                let message = Icmpv6::parse(&packet.payload)?;
                self.icmpv6.push((asn, source, message.kind, message.code));
            }
            Packet::UDP => self.udp.push((asn, source)),
            other => anyhow::bail!("not in the recordings: next header {other}"),
        }
        Ok(())
    }
}

#[test]
fn tshark_finds_every_dao_and_datagram_of_a_recording_and_nothing_malformed() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("b.pcapng");
    capture(&recorded("B"), &file, &[])?;
    let expected = found_by_ourselves(&recorded("B"))?;
    let packets = dissected(&file)?;
    let (mut icmpv6, mut udp) = (Vec::new(), Vec::new());
    for packet in &packets {
        let [_, asn, source, kind, code, port] = &packet[..] else { anyhow::bail!("{packet:?}") };
        let asn = || asn.parse::<u64>();
        if !kind.is_empty() {
            icmpv6.push((asn()?, source.clone(), kind.parse()?, code.parse()?));
        } else if !port.is_empty() {
            udp.push((asn()?, source.clone()));
        }
    }
    let interfaces = |name: &str| packets.iter().filter(|packet| packet[0] == name).count();
    assert_eq!((interfaces("mote1"), interfaces("mote1 reassembled")), (expected.frames, expected.fragments / 2));
    assert_eq!((icmpv6, udp), (expected.icmpv6, expected.udp));
    let daos = packets.iter().filter(|packet| packet[3..5] == ["155", "2"]).count();
    let injected = packets.iter().filter(|packet| packet[5] == "61617").count();
    assert_eq!((expected.frames, expected.fragments, daos, injected), (74, 30, 34, 21));
    // The draft's option of a join proxy (40) is unknown to its CoAP.
    assert_eq!(
        tshark(&file, &["--disable-protocol", "coap", "-Y", "_ws.malformed || icmpv6.checksum.status == 0 || wpan-tap.tlv.unknown"])?,
        [""; 0]
    );
    Ok(())
}

#[test]
fn expanded_packets_need_no_knowledge_of_6lowpan() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("b.pcapng");
    capture(&recorded("B"), &file, &["--expand"])?;
    let expected = found_by_ourselves(&recorded("B"))?;
    let only = ["--disable-protocol", "6lowpan", "--disable-protocol", "coap"];
    let shown = |filter: &str| tshark(&file, &[&only[..], &["-Y", filter]].concat());
    assert_eq!(shown("icmpv6.type == 155 && icmpv6.code == 2 && ipv6.opt.rpl.sender_rank")?.len(), 34);
    assert_eq!(shown("udp")?.len(), expected.udp.len());
    assert_eq!(shown("_ws.malformed || icmpv6.checksum.status == 0")?, [""; 0]);
    Ok(())
}

#[test]
fn a_capture_ends_by_packets_or_bytes_and_can_be_of_one_mote() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("b.pcapng");
    capture(&recorded("B"), &file, &["--count", "3"])?;
    assert_eq!(dissected(&file)?.len(), 3);
    capture(&recorded("B"), &file, &["--max-bytes", "2000"])?;
    assert!((1800..=2000).contains(&fs::metadata(&file)?.len()) && dissected(&file)?.len() > 3);
    capture(&recorded("B"), &file, &["--expand", "--mote", "141592cc00000003"])?;
    let packets = dissected(&file)?;
    assert!(packets.len() > 5 && packets.iter().all(|packet| packet[2].ends_with(":3")), "{packets:?}");
    Ok(())
}

/// A recording of a sniffer on channel 20, which hears a beacon request every half second.
fn sniffer(recording: &Path) -> Result<()> {
    let heard = HEXLOWER.decode(b"41d801cdabffff020000cc921514feca")?;
    let bytes = hdlc::encode(&Frame::Sniffed(SniffedFrame { id16: 1, frame: heard, channel: 20 }).emit());
    let line = |half: u32| json!({"t": f64::from(half) / 2.0, "dir": "rx", "port": "sniffer", "hex": HEXLOWER.encode(&bytes)});
    let lines: Vec<String> = (1..=60).map(|half| format!("{}\n", line(half))).collect();
    Ok(fs::write(recording, lines.concat())?)
}

/// What `tshark` says of a sniffer's frames.
fn sniffed(capture: &Path) -> Result<Vec<String>> {
    let fields = ["wpan-tap.ch_num", "wpan.dst_pan", "wpan.seq_no"];
    let fields: Vec<&str> = ["-T", "fields"].into_iter().chain(fields.iter().flat_map(|field| ["-e", field])).collect();
    tshark(capture, &fields)
}

const SNIFFED: &str = "20\t0xabcd\t1";

#[test]
fn what_a_sniffer_hears_is_captured_with_its_channel() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let [file, recording] = ["p.pcapng", "p.jsonl"].map(|name| directory.path().join(name));
    sniffer(&recording)?;
    capture(&recording, &file, &[])?;
    assert_eq!(sniffed(&file)?, [SNIFFED; 60]);
    assert!(dissected(&file)?.iter().all(|packet| packet[0] == "sniffer sniffed"));
    Ok(())
}

#[test]
fn what_a_sniffer_hears_now_is_captured_when_that_is_asked_for() -> Result<()> {
    let place = Place::new("capture", User::Same)?;
    let [file, recording] = ["p.pcapng", "p.jsonl"].map(|name| place.path(name));
    sniffer(&recording)?;
    let router = Router::start(&place, &Motes::Replayed { file: recording, speed: 1.0 }, "ws://localhost:1/lbr")?;
    let mut command = place.command("mq-inspect")?;
    command.args(["capture", "--instance", place.instance(), "--sniffed", "--count", "2"]).arg(&file);
    let mut capture = Child::start("mq-inspect", command)?;
    assert!(capture.wait(WITHIN)?.success(), "{}", capture.log());
    assert_eq!(sniffed(&file)?, [SNIFFED; 2]);
    router.stop()
}

/// Reads a FIFO until it has a packet of a capture, and goes away.
fn read_a_little(fifo: &Path) -> Result<()> {
    let (mut reader, mut read, mut buffer) = (File::open(fifo)?, 0, [0; 512]);
    while read < 450 {
        let more = reader.read(&mut buffer)?;
        ensure!(more > 0, "it ended after {read} bytes");
        read += more;
    }
    Ok(())
}

/// Has the process this file open?
fn holds(process: &Child, file: &Path) -> Result<bool> {
    let open = fs::read_dir(format!("/proc/{}/fd", process.pid()))?;
    Ok(open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == file)))
}

#[test]
fn a_fifo_is_written_live_and_its_readers_come_and_go() -> Result<()> {
    let place = Place::new("capture", User::Same)?;
    let page_file = place.path("page");
    let page_file = page_file.to_str().context("a path of ours")?;
    let mut gui = GuiHost::start_with(&place, &["--page-file", page_file])?;
    let router = Router::start(&place, &Motes::Mesh { cabled: 1, cableless: 12 }, &gui.url())?;
    let fifo = place.path("mesh");
    nix::unistd::mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let mut command = place.command("mq-inspect")?;
    command.args(["capture", "--instance", place.instance(), "--count", "4"]).arg(&fifo);
    let mut capture = Child::start("mq-inspect", command)?;
    let remote = place.path("remote.pcapng");
    let mut command = place.command("gui-host")?;
    command.args(["capture", "--page-file", page_file]).arg(&remote);
    let _remote_capture = Child::start("gui-host", command)?;
    router.ui_proxy.signal(Signal::SIGUSR1)?;
    gui.wait_for_mote("the cabled mote", 0, |mote| mote["dagroot"] == false)?;
    let id = gui.send(json!({"type": "ui-event", "event": "set-dagroot", "on": true, "mote": ROOT}))?;
    assert_eq!(gui.outcome(&id)?.last().map(String::as_str), Some("confirmed"));

    read_a_little(&fifo)?;
    // It has to notice before somebody else reads on in the middle of a packet.
    while holds(&capture, &fifo)? {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut whole = Vec::new();
    File::open(&fifo)?.read_to_end(&mut whole)?;
    assert!(capture.wait(WITHIN)?.success(), "{}", capture.log());
    let file = place.path("second.pcapng");
    fs::write(&file, &whole)?;
    let packets = dissected(&file)?;
    assert!((1..4).contains(&packets.len()), "{packets:?}");
    let mut protocols = BTreeMap::new();
    for packet in &packets {
        *protocols.entry((packet[3].clone(), packet[5].clone())).or_insert(0) += 1;
    }
    assert!(protocols.keys().any(|(kind, port)| kind == "155" || !port.is_empty()), "{protocols:?}");
    assert!(capture.log().contains("4 packets"), "{}", capture.log());

    // On the PC it is the same, but for the interface's name.
    let told = |packets: &[Vec<String>]| packets.iter().map(|packet| packet[1..].to_vec()).collect::<BTreeSet<_>>();
    let until = Instant::now() + WITHIN;
    // It may end in the middle of a packet, which tshark calls an error.
    while !dissected(&remote).is_ok_and(|remote| told(&remote).is_superset(&told(&packets))) {
        ensure!(Instant::now() < until, "not all of {packets:?} is in {:?}", dissected(&remote)?);
        std::thread::sleep(Duration::from_millis(200));
    }
    router.stop()
}

#[test]
fn a_reader_of_standard_output_that_goes_ends_it_quietly() -> Result<()> {
    let place = Place::new("capture", User::Same)?;
    let router = Router::start(&place, &Motes::None, "ws://localhost:1/lbr")?;
    let mut command = place.command("mq-inspect")?;
    command
        .args(["capture", "--instance", place.instance(), "-"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut capture = command.spawn()?;
    let mut head = [0; 12];
    let mut reader = capture.stdout.take().context("piped")?;
    reader.read_exact(&mut head)?;
    drop(reader);
    let output = capture.wait_with_output()?;
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(head[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    router.stop()
}
