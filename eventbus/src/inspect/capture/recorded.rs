//! Which frames of a serial line are packets of the mesh, or frames that a sniffer heard.
//!
//! A root names itself as the destination of what it hands up; an echo, which comes in the same frames, names nobody. Roots and
//! PANs are learned from what the motes report.

use std::collections::BTreeMap;

use lowpan::Link;
use lowpan::capture::{Capture, Handed, Overheard, Record};
use mqtypes::ids::{Eui64, PortName};
use mqtypes::status::Element;

use crate::frame::{DataFrame, Frame, MeshData, SniffedFrame, StatusFrame};
use crate::inspect::decode::frames::{Cause, Content, Seen};

/// What the motes on the ports have reported of themselves. Readers of lines bound the number of ports.
#[derive(Debug, Default)]
pub struct Ports {
    known: BTreeMap<PortName, Identity>,
}

#[derive(Debug, Clone, Copy)]
struct Identity {
    eui: Eui64,
    pan: u16,
}

impl Ports {
    /// The records of a frame, which was seen at that time.
    pub fn handle(&mut self, capture: &mut Capture, at_us: u64, seen: &Seen) -> Vec<Record> {
        let Content::FromMote { frame, cause: Cause::Own, .. } = &seen.content else { return vec![] };
        match frame {
            Frame::Status(StatusFrame { element: Element::IdManager(id), .. }) => {
                self.known.insert(seen.port.clone(), Identity { eui: id.eui64, pan: id.pan_id });
                vec![]
            }
            Frame::Data(data) => self.handle_data(capture, at_us, &seen.port, data),
            Frame::Sniffed(sniffed) => handle_sniffed(capture, at_us, &seen.port, sniffed).into_iter().collect(),
            Frame::Status(_) | Frame::Log(_) | Frame::Printf(_) | Frame::LegacyAck { .. } | Frame::LegacyRequest => vec![],
        }
    }

    fn handle_data(&self, capture: &mut Capture, at_us: u64, port: &PortName, data: &DataFrame) -> Vec<Record> {
        let known = self.known.get(port);
        let is_of_root = |mesh: &MeshData<'_>| match known {
            Some(known) => known.eui == mesh.destination,
            None => mesh.destination.id16() == data.id16,
        };
        let Some(MeshData { destination, source, lowpan }) = data.mesh().filter(is_of_root) else { return vec![] };
        let (link, pan) = (Link { source, destination }, known.map(|known| known.pan));
        capture.handle_packet(&Handed { port: &port.0, at_us, asn: data.asn, link, pan, lowpan })
    }
}

/// A sniffer heard this.
pub fn handle_sniffed(capture: &mut Capture, at_us: u64, port: &PortName, sniffed: &SniffedFrame) -> Option<Record> {
    capture.handle_sniffed(&Overheard { port: &port.0, at_us, channel: sniffed.channel, frame: &sniffed.frame })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowpan::capture::Form;
    use mqtypes::ids::Asn;
    use mqtypes::status::IdManager;

    const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
    const MOTE: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);

    fn seen(frame: Frame, cause: Cause) -> Seen {
        Seen { at: None, port: PortName("a".to_owned()), content: Content::FromMote { frame, payload: vec![], cause } }
    }

    fn packet(destination: Eui64) -> Frame {
        Frame::Data(DataFrame::from_mesh(1, Asn(7), MeshData { destination, source: MOTE, lowpan: &[0xf1, 0x7a] }))
    }

    #[test]
    fn what_a_root_hands_up_is_told_from_echoes() {
        let mut capture = Capture::new("test", Form::Sent, [0; 8], None);
        let mut ports = Ports::default();
        let mut number = |ports: &mut Ports, frame, cause| ports.handle(&mut capture, 0, &seen(frame, cause)).len();
        assert_eq!(number(&mut ports, packet(ROOT), Cause::Own), 1);
        assert_eq!(number(&mut ports, packet(ROOT), Cause::Echo), 0);
        assert_eq!(number(&mut ports, packet(MOTE), Cause::Own), 0);
        let id = IdManager { is_dag_root: true, pan_id: 0xcafe, id16: 1, eui64: Eui64([9, 9, 9, 9, 9, 9, 0, 1]), prefix: [0; 8] };
        assert_eq!(number(&mut ports, Frame::Status(StatusFrame { id16: 1, element: Element::IdManager(id) }), Cause::Own), 0);
        assert_eq!(number(&mut ports, packet(ROOT), Cause::Own), 0);
        assert_eq!(number(&mut ports, packet(id.eui64), Cause::Own), 1);
    }

    #[test]
    fn what_a_sniffer_hears_is_taken() {
        let mut capture = Capture::new("test", Form::Sent, [0; 8], None);
        let sniffed = Frame::Sniffed(SniffedFrame { id16: 1, frame: vec![2, 0, 1, 0, 0], channel: 20 });
        assert_eq!(Ports::default().handle(&mut capture, 0, &seen(sniffed, Cause::Own)).len(), 1);
    }
}
