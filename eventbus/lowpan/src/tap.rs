//! IEEE 802.15.4 frames for Wireshark: TLVs that tell of a frame's reception (the TAP link type), then the frame without FCS.
//!
//! A sniffer brings whole frames. What a root hands up has lost its MAC header, and one is made up here: an IEEE
//! 802.15.4-2015 data frame from the previous hop to the root, which claims nothing that is not known: it has no
//! sequence number, and no PAN unless that is told. An MPX IE (IEEE 802.15.9) says that it carries 6LoWPAN, since nothing
//! in 6LoRH does, and dissectors would have to be told by hand.

use mqtypes::ids::{Asn, Eui64};

use crate::Link;

/// Kinds of TLVs.
const FCS_TYPE: u16 = 0;
const CHANNEL: u16 = 3;
const ASN: u16 = 7;

/// There is no FCS.
const NO_FCS: &[u8] = &[0];

/// Page of the channels 11 to 26 at 2.4 GHz.
const CHANNEL_PAGE: u8 = 0;

/// Frame control: a data frame of version 2 with long addresses, without sequence number, with information elements.
const DATA: u16 = 1;
const NO_PAN: u16 = 1 << 6;
const NO_SEQUENCE: u16 = 1 << 8;
const HAS_ELEMENTS: u16 = 1 << 9;
const LONG_ADDRESSES: u16 = 3 << 14 | 3 << 10;
const VERSION_2015: u16 = 2 << 12;

/// Ends the header's information elements; those of the payload follow.
const HEADER_TERMINATION: u16 = 0x3f00;

/// A payload's information element of the group MPX.
const MPX: u16 = 1 << 15 | 3 << 11;
/// One whole frame of the upper layer, and what it is: 6LoWPAN's `EtherType`.
const WHOLE_FRAME: u8 = 0;
const LOWPAN: u16 = 0xa0ed;

/// How much an information element can hold, and so how long a packet can be for one.
const LONGEST_ELEMENT: usize = 0x07ff;

/// What a packet came with, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reception {
    /// When it was handed over.
    pub asn: Option<Asn>,
    /// Channel 11 to 26.
    pub channel: Option<u8>,
}

/// A packet of the mesh in a frame that is made up.
pub fn frame_around(reception: Reception, link: Link, pan: Option<u16>, lowpan: &[u8]) -> Vec<u8> {
    let mut bytes = head(reception);
    let content = [&[WHOLE_FRAME], &LOWPAN.to_le_bytes()[..], lowpan].concat();
    let has_room = content.len() <= LONGEST_ELEMENT;
    let elements = if has_room { HAS_ELEMENTS } else { 0 };
    // Between long addresses it is the bit that leaves the PAN out.
    let without = if pan.is_none() { NO_PAN } else { 0 };
    let control = DATA | NO_SEQUENCE | LONG_ADDRESSES | VERSION_2015 | elements | without;
    bytes.extend(control.to_le_bytes());
    bytes.extend(pan.map(u16::to_le_bytes).as_slice().as_flattened());
    for Eui64(address) in [link.destination, link.source] {
        bytes.extend(address.iter().rev());
    }
    if has_room {
        bytes.extend([HEADER_TERMINATION, MPX | content.len() as u16].map(u16::to_le_bytes).as_flattened());
        bytes.extend(content);
    } else {
        bytes.extend_from_slice(lowpan);
    }
    bytes
}

/// A frame that a sniffer heard, without its FCS.
pub fn sniffed(reception: Reception, frame: &[u8]) -> Vec<u8> {
    let mut bytes = head(reception);
    bytes.extend_from_slice(frame);
    bytes
}

/// `version | reserved | length | TLV…`
fn head(reception: Reception) -> Vec<u8> {
    let mut tlvs = Vec::new();
    write_tlv(&mut tlvs, FCS_TYPE, NO_FCS);
    if let Some(channel) = reception.channel {
        write_tlv(&mut tlvs, CHANNEL, &[channel, 0, CHANNEL_PAGE]);
    }
    if let Some(asn) = reception.asn {
        write_tlv(&mut tlvs, ASN, &asn.0.to_le_bytes());
    }
    let mut bytes = [0, tlvs.len() as u16 + 4].map(u16::to_le_bytes).concat();
    bytes.extend(tlvs);
    bytes
}

fn write_tlv(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend([kind, value.len() as u16].map(u16::to_le_bytes).as_flattened());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Link =
        Link { source: Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]), destination: Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]) };

    #[test]
    fn a_made_up_frame_says_what_is_known_and_that_it_carries_6lowpan() {
        let reception = Reception { asn: Some(Asn(0x1234)), channel: None };
        let expected: [&[u8]; 8] = [
            &[0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 0, 0],
            &[7, 0, 8, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0],
            &[0x01, 0xef],
            &[0xfe, 0xca],
            &[1, 0, 0, 0, 0xcc, 0x92, 0x15, 0x14],
            &[2, 0, 0, 0, 0xcc, 0x92, 0x15, 0x14],
            &[0x00, 0x3f, 0x05, 0x98],
            &[0, 0xed, 0xa0, 0xf1, 0x83],
        ];
        assert_eq!(frame_around(reception, LINK, Some(0xcafe), &[0xf1, 0x83]), expected.concat());
    }

    #[test]
    fn an_unknown_pan_is_left_out() {
        let reception = Reception { asn: None, channel: None };
        let bytes = frame_around(reception, LINK, None, &[0xf1]);
        assert_eq!(bytes[12..16], [0x41, 0xef, 1, 0]);
    }

    #[test]
    fn a_packet_too_long_for_an_information_element_has_none() {
        let reception = Reception { asn: None, channel: None };
        let longest = vec![0xf1; LONGEST_ELEMENT - 3];
        assert_eq!(frame_around(reception, LINK, None, &longest)[12..14], [0x41, 0xef]);
        let longer = vec![0xf1; LONGEST_ELEMENT - 2];
        let bytes = frame_around(reception, LINK, None, &longer);
        assert_eq!((&bytes[12..14], bytes.len()), (&[0x41, 0xed][..], 12 + 2 + 16 + longer.len()));
    }

    #[test]
    fn a_sniffed_frame_has_its_channel() {
        let bytes = sniffed(Reception { asn: None, channel: Some(20) }, &[0x02, 0x00, 0x01]);
        assert_eq!(bytes, [0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 3, 0, 20, 0, 0, 0, 2, 0, 1]);
    }
}
