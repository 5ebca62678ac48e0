//! Names for the firmware's small numbers.
//!
//! One table for everybody who shows a mote to a person: `eventbus` in logs, `ui-proxy` in JSON. The numbers are those of
//! `inc/opendefs.h` in firmware 1.25; older firmware numbers its components differently from 16 on and does not say so.

use crate::status::Element;

/// The firmware component with this number (`COMPONENT_*`), as in queue entries and logs.
pub fn component(code: u8) -> Option<&'static str> {
    COMPONENTS.get(usize::from(code)).copied()
}

/// The type of a schedule cell (`cellType_t`); 4 and 5 occur in firmware up to 1.18 only.
pub fn cell_type(code: u8) -> Option<&'static str> {
    CELL_TYPES.get(usize::from(code)).copied()
}

/// The kind of an `open_addr_t`, as in [`crate::status::Address::kind`].
pub fn address_type(code: u8) -> Option<&'static str> {
    ADDRESS_TYPES.get(usize::from(code)).copied()
}

/// The name that OpenWSN people know a status element by. Tables bear the table's name, not the row's.
pub fn element_name(element: &Element) -> &'static str {
    match element {
        Element::IsSync(_) => "IsSync",
        Element::IdManager(_) => "IdManager",
        Element::MyDagRank(_) => "MyDagRank",
        Element::OutputBuffer(_) => "OutputBuffer",
        Element::Asn(_) => "Asn",
        Element::MacStats(_) => "MacStats",
        Element::ScheduleRow(_) => "Schedule",
        Element::Backoff(_) => "Backoff",
        Element::Queue(_) => "Queue",
        Element::NeighborsRow(_) => "Neighbors",
        Element::KaPeriod(_) => "kaPeriod",
        Element::Joined(_) => "Joined",
        Element::Msf(_) => "MSF",
        Element::Unknown { .. } => "Unknown",
    }
}

static COMPONENTS: [&str; 46] = [
    "NULL",
    "OPENWSN",
    "IDMANAGER",
    "OPENQUEUE",
    "OPENSERIAL",
    "PACKETFUNCTIONS",
    "RANDOM",
    "RADIO",
    "IEEE802154",
    "IEEE802154E",
    "SIXTOP_TO_IEEE802154E",
    "IEEE802154E_TO_SIXTOP",
    "SIXTOP",
    "NEIGHBORS",
    "SCHEDULE",
    "SIXTOP_RES",
    "MSF",
    "OPENBRIDGE",
    "IPHC",
    "FRAG",
    "FORWARDING",
    "ICMPv6",
    "ICMPv6ECHO",
    "ICMPv6ROUTER",
    "ICMPv6RPL",
    "UDP",
    "SOCK_TO_UDP",
    "UDP_TO_SOCK",
    "OPENCOAP",
    "CJOIN",
    "OSCORE",
    "C6T",
    "CEXAMPLE",
    "CINFO",
    "CLEDS",
    "CSENSORS",
    "CSTORM",
    "CWELLKNOWN",
    "UECHO",
    "UINJECT",
    "RRT",
    "SECURITY",
    "USERIALBRIDGE",
    "UEXPIRATION",
    "UMONITOR",
    "CINFRARED",
];

static CELL_TYPES: [&str; 6] = ["OFF", "TX", "RX", "TXRX", "SERIALRX", "MORESERIALRX"];

static ADDRESS_TYPES: [&str; 7] = ["NONE", "16B", "64B", "128B", "PANID", "PREFIX", "ANYCAST"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree_with_the_firmware_at_their_corners() {
        assert_eq!(
            [component(0x00), component(0x10), component(0x2d), component(0x2e)],
            [Some("NULL"), Some("MSF"), Some("CINFRARED"), None]
        );
        assert_eq!([component(0x0a), component(0x1d), component(0x29)], [Some("SIXTOP_TO_IEEE802154E"), Some("CJOIN"), Some("SECURITY")]);
        assert_eq!([cell_type(0), cell_type(3), cell_type(6)], [Some("OFF"), Some("TXRX"), None]);
        assert_eq!([address_type(2), address_type(6), address_type(7)], [Some("64B"), Some("ANYCAST"), None]);
    }
}
