//! What comes up from a mesh as a pcapng stream for Wireshark: each packet as it was sent, or expanded to plain IPv6.
//!
//! It puts fragments together, because Wireshark cannot: OpenWSN counts compressed bytes in them, RFC 4944 others. It
//! writes nowhere and waits for nobody; a reader that comes late begins a [`Section`] of its own. Whatever packets bring,
//! interfaces and fragments have their bounds.

use mqtypes::ids::{Asn, Eui64};
use mqtypes::mono::Mono;

use crate::pcapng::{self, Interface, LinkType};
use crate::tap::{self, Reception};
use crate::{Fragment, Link, LowpanError, Packet, Reassembly, address};

/// Interfaces of one capture; packets from further ports are told as those of `others`.
pub const MOST_INTERFACES: usize = 256;

const OTHERS: &str = "others";

/// How packets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As 6LoWPAN, which is what the mesh sent.
    Sent,
    /// As plain IPv6. What cannot be expanded stays as it was sent.
    Expanded,
}

/// A packet, or a fragment of one, that a root has handed up.
#[derive(Debug, Clone, Copy)]
pub struct Handed<'a> {
    /// Where it came in: the interface's name.
    pub port: &'a str,
    /// When, microseconds of Unix time.
    pub at_us: u64,
    /// When the root handed it to its serial line.
    pub asn: Asn,
    /// Previous hop and root.
    pub link: Link,
    /// The network's PAN, if it is known.
    pub pan: Option<u16>,
    /// Its bytes.
    pub lowpan: &'a [u8],
}

/// A frame that a sniffer has heard.
#[derive(Debug, Clone, Copy)]
pub struct Overheard<'a> {
    /// Where it came in: the interface's name.
    pub port: &'a str,
    /// When, microseconds of Unix time.
    pub at_us: u64,
    /// On which channel, 11 to 26.
    pub channel: u8,
    /// The frame, the two bytes in place of its FCS included.
    pub frame: &'a [u8],
}

/// The block of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    interface: usize,
    block: Vec<u8>,
}

/// Makes blocks of packets.
#[derive(Debug)]
pub struct Capture {
    application: String,
    form: Form,
    prefix: [u8; 8],
    only: Option<Eui64>,
    interfaces: Vec<Known>,
    reassembly: Reassembly,
}

#[derive(Debug)]
struct Known {
    kind: Kind,
    port: String,
    block: Vec<u8>,
}

/// What was handed up.
enum Came {
    /// A packet, or what was to be one.
    Packet,
    /// A fragment, and more are to come.
    Part,
    /// The last fragment that was missing of this packet.
    Last(Vec<u8>),
    /// A fragment that fits nowhere.
    Wrong(LowpanError),
}

/// What an interface brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sent,
    Reassembled,
    Expanded,
    Sniffed,
}

/// What one reader was told so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Section {
    interfaces: usize,
}

impl Capture {
    /// Nothing is captured yet. `application` is told in the file; `prefix` is the network's, context 0. With `only`, packets
    /// stay that this mote sent, forwarded or handed up, as far as they tell.
    pub fn new(application: &str, form: Form, prefix: [u8; 8], only: Option<Eui64>) -> Self {
        Self { application: application.to_owned(), form, prefix, only, interfaces: vec![], reassembly: Reassembly::default() }
    }

    /// A root handed this up. The last fragment of a packet gives two records: itself, and the packet. Expanded, only packets
    /// give one.
    pub fn handle_packet(&mut self, packet: &Handed<'_>) -> Vec<Record> {
        let came = self.read(packet);
        let is_wanted = |lowpan: &[u8]| self.is_wanted(packet, lowpan);
        match (self.form, came) {
            (Form::Sent, Came::Last(whole)) => {
                let wanted = [is_wanted(packet.lowpan), is_wanted(&whole)];
                let text = "put together from fragments and never sent like this; the last came with ASN";
                let sent = wanted[0].then(|| self.sent(Kind::Sent, packet, packet.lowpan, "ASN"));
                sent.into_iter().chain(wanted[1].then(|| self.sent(Kind::Reassembled, packet, &whole, text))).collect()
            }
            (_, Came::Packet | Came::Part | Came::Wrong(_)) if !is_wanted(packet.lowpan) => vec![],
            (Form::Sent, Came::Packet | Came::Part | Came::Wrong(_)) => vec![self.sent(Kind::Sent, packet, packet.lowpan, "ASN")],
            (Form::Expanded, Came::Packet) => vec![self.expanded(packet, packet.lowpan)],
            (Form::Expanded, Came::Last(whole)) if is_wanted(&whole) => vec![self.expanded(packet, &whole)],
            (Form::Expanded, Came::Part | Came::Last(_)) => vec![],
            (Form::Expanded, Came::Wrong(error)) => vec![self.unexpanded(packet, packet.lowpan, error)],
        }
    }

    /// Packets of which a fragment was missing in time, since this was last asked.
    pub fn take_lost(&mut self) -> u64 {
        self.reassembly.take_lost()
    }

    fn read(&mut self, packet: &Handed<'_>) -> Came {
        let fragment = match Fragment::parse(packet.lowpan) {
            Ok(Some(fragment)) => fragment,
            Ok(None) => return Came::Packet,
            Err(error) => return Came::Wrong(error),
        };
        match self.reassembly.handle_fragment(Mono(packet.at_us), packet.link, &fragment) {
            Ok(Some(whole)) => Came::Last(whole),
            Ok(None) => Came::Part,
            Err(error) => Came::Wrong(error),
        }
    }

    /// A sniffer heard this.
    pub fn handle_sniffed(&mut self, heard: &Overheard<'_>) -> Option<Record> {
        let (frame, _fcs) = heard.frame.split_last_chunk::<2>()?;
        let names = |Eui64(mut eui): Eui64| {
            eui.reverse();
            frame.windows(eui.len()).any(|bytes| bytes == eui)
        };
        if !self.only.is_none_or(names) {
            return None;
        }
        let bytes = tap::sniffed(Reception { asn: None, channel: Some(heard.channel) }, frame);
        let comment = format!("heard by a sniffer on channel {}; what stood in place of its FCS is left out", heard.channel);
        Some(self.record(Kind::Sniffed, heard.port, heard.at_us, &bytes, &comment))
    }

    /// Is it about the mote that was asked for? A fragment does not tell its origin.
    fn is_wanted(&self, packet: &Handed<'_>, lowpan: &[u8]) -> bool {
        let Some(only) = self.only else { return true };
        let Link { source, destination } = packet.link;
        let origin = || Packet::parse(lowpan, packet.link, self.prefix).ok().map(|packet| address::interface(packet.source));
        source == only || destination == only || origin() == Some(only)
    }

    fn sent(&mut self, kind: Kind, packet: &Handed<'_>, lowpan: &[u8], text: &str) -> Record {
        let Handed { port, at_us, asn, link, pan, .. } = *packet;
        let bytes = tap::frame_around(Reception { asn: Some(asn), channel: None }, link, pan, lowpan);
        let comment = format!("{text} {}; the MAC header is made up", asn.0);
        self.record(kind, port, at_us, &bytes, &comment)
    }

    fn expanded(&mut self, packet: &Handed<'_>, lowpan: &[u8]) -> Record {
        let read = Packet::parse(lowpan, packet.link, self.prefix).and_then(|read| Ok((read.expand()?, read.tunnel)));
        let (bytes, tunnel) = match read {
            Ok(expanded) => expanded,
            Err(error) => return self.unexpanded(packet, lowpan, error),
        };
        let Handed { port, at_us, asn, link, .. } = *packet;
        let tunnel = tunnel.map_or_else(String::new, |tunnel| format!("; it came in a tunnel, which may go {} hops on", tunnel.hop_limit));
        let comment = format!("expanded from 6LoWPAN; ASN {}, previous hop {}, root {}{tunnel}", asn.0, link.source, link.destination);
        self.record(Kind::Expanded, port, at_us, &bytes, &comment)
    }

    fn unexpanded(&mut self, packet: &Handed<'_>, lowpan: &[u8], error: LowpanError) -> Record {
        self.sent(Kind::Sent, packet, lowpan, &format!("not expanded: {error}; ASN"))
    }

    fn record(&mut self, kind: Kind, port: &str, at_us: u64, bytes: &[u8], comment: &str) -> Record {
        let interface = self.interface(kind, port);
        let packet = pcapng::Packet { interface: interface as u32, at_us, bytes, comment };
        Record { interface, block: packet.emit() }
    }

    /// The number of an interface, which is made when there is none.
    fn interface(&mut self, kind: Kind, port: &str) -> usize {
        let known = |port: &str| self.interfaces.iter().position(|known| known.kind == kind && known.port == port);
        let port = if known(port).is_none() && self.interfaces.len() >= MOST_INTERFACES { OTHERS } else { port };
        known(port).unwrap_or_else(|| {
            self.interfaces.push(Known { kind, port: port.to_owned(), block: kind.interface(port) });
            self.interfaces.len() - 1
        })
    }

    fn head(&self) -> Vec<u8> {
        let prefix = address::of(self.prefix, Eui64([0; 8]));
        let network = std::net::Ipv6Addr::from(prefix);
        let context = format!("to see IPv6 addresses in 6LoWPAN packets, set the context of the network: -o 6lowpan.context0:{network}/64");
        pcapng::section(&self.application, &context)
    }
}

impl Kind {
    fn interface(self, port: &str) -> Vec<u8> {
        let (link_type, suffix, description) = match self {
            Self::Sent => (LinkType::Ieee802154Tap, "", "what a root hands up, as it was sent, behind MAC headers that are made up"),
            Self::Reassembled => {
                (LinkType::Ieee802154Tap, " reassembled", "packets whose fragments came on the interface without this suffix")
            }
            Self::Expanded => (LinkType::Ipv6, "", "what a root hands up, expanded from 6LoWPAN"),
            Self::Sniffed => (LinkType::Ieee802154Tap, " sniffed", "what a sniffer hears"),
        };
        Interface { link_type, name: &format!("{port}{suffix}"), description }.emit()
    }
}

impl Record {
    /// How many bytes it has, without the interfaces that its reader may have to be told before.
    pub fn size(&self) -> usize {
        self.block.len()
    }
}

impl Section {
    /// What a reader gets first.
    pub fn begin(capture: &Capture, bytes: &mut Vec<u8>) -> Self {
        bytes.extend(capture.head());
        Self::default()
    }

    /// What it gets for a packet of this capture: interfaces that it was not told yet, and the packet's block.
    pub fn write(&mut self, capture: &Capture, record: &Record, bytes: &mut Vec<u8>) {
        let needed = record.interface + 1;
        for known in capture.interfaces.iter().take(needed).skip(self.interfaces) {
            bytes.extend_from_slice(&known.block);
        }
        self.interfaces = self.interfaces.max(needed);
        bytes.extend_from_slice(&record.block);
    }
}
