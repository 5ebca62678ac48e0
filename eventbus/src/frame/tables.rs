//! The firmware's log messages and the small numbers in their arguments, as data.
//!
//! Codes and names are those of `inc/opendefs.h` and `openstack/02b-MAChigh/sixtop.h` in firmware 1.25; the texts are ours.
//! Components, cell types and address types stand in [`mqtypes::names`], since JSON needs them too.

use mqtypes::names;

/// A log message of the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message {
    /// `ERR_*`.
    pub code: u8,
    /// Its name without `ERR_`.
    pub name: &'static str,
    /// In words; `{0}` and `{1}` are the arguments.
    pub text: &'static str,
    /// How the arguments are meant; `Decimal` for one that is not used.
    pub args: [Shown; 2],
}

/// How an argument of a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A number.
    Decimal,
    /// A number that may be negative.
    Signed,
    /// Two hex digits.
    Hex2,
    /// Four hex digits.
    Hex4,
    /// A number that has a name.
    Named(Table),
}

/// Where an argument's name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// What a 6P response says (RFC 8480).
    ReturnCode6p,
    /// Where the 6top state machine is (`SIX_STATE_*`).
    State6p,
    /// What a 6P request asks (RFC 8480).
    Command6p,
    /// The type of a schedule cell.
    CellType,
    /// Where the MAC is in its slot (`ieee154e_state_t`).
    MacState,
    /// The type of an IEEE 802.15.4 frame.
    FrameType,
    /// The type of an `open_addr_t`.
    AddressType,
}

impl Table {
    /// The name of a value; none when the table ends before it.
    pub fn name(self, argument: u16) -> Option<&'static str> {
        let code = u8::try_from(argument).ok()?;
        let named = |names: &[&'static str]| names.get(usize::from(code)).copied();
        match self {
            Self::ReturnCode6p => named(&RETURN_CODES_6P),
            Self::State6p => named(&STATES_6P),
            Self::Command6p => named(&COMMANDS_6P),
            Self::CellType => names::cell_type(code),
            Self::MacState => named(&MAC_STATES),
            Self::FrameType => named(&FRAME_TYPES),
            Self::AddressType => names::address_type(code),
        }
    }
}

/// The message with this code.
pub(super) fn message(code: u8) -> Option<&'static Message> {
    let at = MESSAGES.binary_search_by_key(&code, |message| message.code).ok()?;
    Some(&MESSAGES[at])
}

static RETURN_CODES_6P: [&str; 10] = [
    "RC_SUCCESS",
    "RC_EOL",
    "RC_ERROR",
    "RC_RESET",
    "RC_VER_ERR",
    "RC_SFID_ERR",
    "RC_SEQNUM_ERR",
    "RC_CELLLIST_ERR",
    "RC_BUSY",
    "RC_LOCKED",
];

static STATES_6P: [&str; 13] = [
    "IDLE",
    "WAIT_ADDREQUEST_SENDDONE",
    "WAIT_DELETEREQUEST_SENDDONE",
    "WAIT_RELOCATEREQUEST_SENDDONE",
    "WAIT_COUNTREQUEST_SENDDONE",
    "WAIT_LISTREQUEST_SENDDONE",
    "WAIT_CLEARREQUEST_SENDDONE",
    "WAIT_ADDRESPONSE",
    "WAIT_DELETERESPONSE",
    "WAIT_RELOCATERESPONSE",
    "WAIT_COUNTRESPONSE",
    "WAIT_LISTRESPONSE",
    "WAIT_CLEARRESPONSE",
];

static COMMANDS_6P: [&str; 8] = ["NONE", "ADD", "DELETE", "RELOCATE", "COUNT", "LIST", "SIGNAL", "CLEAR"];

static MAC_STATES: [&str; 26] = [
    "SLEEP",
    "SYNCLISTEN",
    "SYNCRX",
    "SYNCPROC",
    "TXDATAOFFSET",
    "TXDATAPREPARE",
    "TXDATAREADY",
    "TXDATADELAY",
    "TXDATA",
    "RXACKOFFSET",
    "RXACKPREPARE",
    "RXACKREADY",
    "RXACKLISTEN",
    "RXACK",
    "TXPROC",
    "RXDATAOFFSET",
    "RXDATAPREPARE",
    "RXDATAREADY",
    "RXDATALISTEN",
    "RXDATA",
    "TXACKOFFSET",
    "TXACKPREPARE",
    "TXACKREADY",
    "TXACKDELAY",
    "TXACK",
    "RXPROC",
];

static FRAME_TYPES: [&str; 4] = ["BEACON", "DATA", "ACK", "CMD"];

const fn plain(code: u8, name: &'static str, text: &'static str) -> Message {
    meant(code, name, text, Shown::Decimal, Shown::Decimal)
}

/// The first argument is a number with a name.
const fn named(code: u8, name: &'static str, text: &'static str, arg1: Table) -> Message {
    meant(code, name, text, Shown::Named(arg1), Shown::Decimal)
}

const fn meant(code: u8, name: &'static str, text: &'static str, arg1: Shown, arg2: Shown) -> Message {
    Message { code, name, text, args: [arg1, arg2] }
}

/// By code. 0x18 is not assigned.
static MESSAGES: [Message; 84] = [
    plain(0x01, "JOINED", "secure join completed"),
    plain(0x02, "JOIN_REQUEST", "CoJP join request being sent"),
    plain(0x03, "SEQUENCE_NUMBER_OVERFLOW", "OSCORE sender sequence number is at its maximum"),
    plain(0x04, "REPLAY_FAILED", "OSCORE replay check rejected a message"),
    plain(0x05, "DECRYPTION_FAILED", "OSCORE decryption or tag check failed"),
    plain(0x06, "ABORT_JOIN_PROCESS", "join attempt abandoned (loc {0})"),
    plain(0x07, "WRONG_TRAN_PROTOCOL", "transport protocol {0} not handled (loc {1})"),
    plain(0x08, "UNSUPPORTED_PORT_NUMBER", "port {0} has no listener (loc {1})"),
    meant(0x09, "INVALID_CHECKSUM", "bad checksum: wanted 0x{0}, got 0x{1}", Shown::Hex4, Shown::Hex4),
    plain(0x0a, "RCVD_ECHO_REQUEST", "ICMPv6 echo request received ({0} bytes)"),
    plain(0x0b, "RCVD_ECHO_REPLY", "ICMPv6 echo reply received"),
    plain(0x0c, "6LORH_DEADLINE_EXPIRED", "received packet is past its deadline"),
    plain(0x0d, "6LORH_DEADLINE_DROPPED", "packet dropped, deadline reached"),
    plain(0x0e, "UNEXPECTED_DAO", "DAO not expected here (loc {0}), root role may have moved"),
    plain(0x0f, "UNSUPPORTED_ICMPV6_TYPE", "ICMPv6 type {0} not handled (loc {1})"),
    plain(0x10, "6LOWPAN_UNSUPPORTED", "6LoWPAN value {1} not supported at loc {0}, packet dropped"),
    meant(0x11, "NO_NEXTHOP", "no next hop towards ..{0}{1}", Shown::Hex2, Shown::Hex2),
    plain(0x12, "INVALID_FWDMODE", "source-routed forwarding failed"),
    plain(0x13, "LARGE_DAGRANK", "advertised DAG rank {0} looks too high, neighbour stays near {1}"),
    plain(0x14, "HOP_LIMIT_REACHED", "packet dropped, hop limit is zero"),
    plain(0x15, "LOOP_DETECTED", "possible loop: sender rank {0} is below own rank {1}"),
    plain(0x16, "WRONG_DIRECTION", "upward packet carries the down flag, possible loop"),
    plain(0x17, "FORWARDING_PACKET_DROPPED", "packet to relay dropped (loc {0})"),
    plain(0x19, "FRAG_INVALID_SIZE", "datagram size {0} exceeds limit {1}"),
    plain(0x1a, "FRAG_REASSEMBLED", "datagram of {0} bytes reassembled (tag {1})"),
    plain(0x1b, "FRAG_FAST_FORWARD", "all fragments of tag {0} relayed ({1} bytes)"),
    plain(0x1c, "FRAG_STORED", "fragment with offset {0} stored ({1} held)"),
    plain(0x1d, "FRAG_REASSEMBLY_OR_VRB_TIMEOUT", "fragments of tag {0} timed out"),
    plain(0x1e, "FRAG_FRAGMENTING", "splitting a {0}-byte packet into {1} fragments"),
    plain(0x1f, "BRIDGE_MISMATCH", "packet does not fit the root role (loc {0})"),
    plain(0x20, "SCHEDULE_ADD_DUPLICATE_SLOT", "slot {0} is already scheduled"),
    plain(0x21, "NEIGHBORS_FULL", "neighbour table full ({0} rows)"),
    plain(0x22, "NO_SENT_PACKET", "send-done raised but no sent packet is queued"),
    plain(0x23, "NO_RECEIVED_PACKET", "receive raised but no received packet is queued"),
    plain(0x24, "SCHEDULE_OVERFLOWN", "no free schedule entry"),
    meant(0x25, "SIXTOP_RETURNCODE", "6P return code {0} in state {1}", Shown::Named(Table::ReturnCode6p), Shown::Named(Table::State6p)),
    named(0x26, "SIXTOP_REQUEST", "6P {0} request being sent", Table::Command6p),
    plain(0x27, "SIXTOP_COUNT", "peer reports {0} cells"),
    plain(0x28, "SIXTOP_LIST", "peer cell list starts with slots {0} and {1}"),
    plain(0x29, "UNSUPPORTED_FORMAT", "received packet has an unsupported format (loc {0})"),
    plain(0x2a, "UNSUPPORTED_METADATA", "6P metadata type not supported"),
    plain(0x2b, "TX_CELL_USAGE", "{0} negotiated TX cells used in the last window"),
    plain(0x2c, "RX_CELL_USAGE", "{0} negotiated RX cells used in the last window"),
    named(0x2d, "WRONG_CELLTYPE", "cell type {0} not valid at slot {1}", Table::CellType),
    plain(0x2e, "IEEE154_UNSUPPORTED", "IEEE 802.15.4 value {1} not supported (loc {0})"),
    plain(0x2f, "DESYNCHRONIZED", "lost synchronisation at slot {0}"),
    plain(0x30, "SYNCHRONIZED", "synchronised at slot {0}"),
    meant(0x31, "LARGE_TIMECORRECTION", "large time correction of {0} ticks (loc {1})", Shown::Signed, Shown::Decimal),
    named(0x32, "WRONG_STATE_IN_ENDFRAME_SYNC", "unexpected MAC state {0} at end of frame while synchronising", Table::MacState),
    named(0x33, "WRONG_STATE_IN_STARTSLOT", "unexpected MAC state {0} at slot start, slot {1}", Table::MacState),
    named(0x34, "WRONG_STATE_IN_TIMERFIRES", "unexpected MAC state {0} when the timer fired, slot {1}", Table::MacState),
    named(0x35, "WRONG_STATE_IN_NEWSLOT", "unexpected MAC state {0} at start of frame, slot {1}", Table::MacState),
    named(0x36, "WRONG_STATE_IN_ENDOFFRAME", "unexpected MAC state {0} at end of frame, slot {1}", Table::MacState),
    named(0x37, "MAXTXDATAPREPARE_OVERFLOW", "preparing TX data took too long, state {0}, slot {1}", Table::MacState),
    named(0x38, "MAXRXACKPREPARE_OVERFLOWS", "preparing ACK reception took too long, state {0}, slot {1}", Table::MacState),
    named(0x39, "MAXRXDATAPREPARE_OVERFLOWS", "preparing data reception took too long, state {0}, slot {1}", Table::MacState),
    named(0x3a, "MAXTXACKPREPARE_OVERFLOWS", "preparing the ACK took too long, state {0}, slot {1}", Table::MacState),
    named(0x3b, "WDDATADURATION_OVERFLOWS", "data duration watchdog fired, state {0}, slot {1}", Table::MacState),
    named(0x3c, "WDRADIO_OVERFLOWS", "radio start watchdog fired, state {0}, slot {1}", Table::MacState),
    named(0x3d, "WDRADIOTX_OVERFLOWS", "radio TX watchdog fired, state {0}, slot {1}", Table::MacState),
    named(0x3e, "WDACKDURATION_OVERFLOWS", "ACK duration watchdog fired, state {0}, slot {1}", Table::MacState),
    named(0x3f, "SECURITY", "link-layer security failure on frame type {0} (loc {1})", Table::FrameType),
    plain(0x40, "INVALID_PACKET_FROM_RADIO", "unusable packet from the radio"),
    plain(0x41, "GETDATA_ASKS_TOO_FEW_BYTES", "serial read buffer too small: room {0}, have {1}"),
    plain(0x42, "WRONG_CRC_INPUT", "CRC error on a frame from the host"),
    plain(0x43, "BUFFER_OVERFLOW", "buffer overflow (loc {0})"),
    plain(0x44, "BUSY_SENDING", "still busy with the previous send"),
    plain(0x45, "UNEXPECTED_SENDDONE", "send-done for a packet of another component"),
    plain(0x46, "NO_FREE_PACKET_BUFFER", "packet queue has no free entry (loc {0})"),
    plain(0x47, "NO_FREE_TIMER_OR_QUEUE_ENTRY", "no free timer or queue entry (loc {0})"),
    plain(0x48, "FREEING_UNUSED", "freed an entry that was not in use"),
    plain(0x49, "FREEING_ERROR", "tried to free something not owned here"),
    plain(0x4a, "MSG_UNKNOWN_TYPE", "message type {0} unknown"),
    named(0x4b, "WRONG_ADDR_TYPE", "address type {0} not valid here (loc {1})", Table::AddressType),
    plain(0x4c, "PACKET_TOO_LONG", "packet too long: {0} bytes, adding {1}"),
    plain(0x4d, "PACKET_TOO_SHORT", "packet too short: {0} bytes, removing {1}"),
    plain(0x4e, "INPUTBUFFER_LENGTH", "host frame body has wrong length {0}"),
    plain(0x4f, "BOOTED", "booted"),
    plain(0x50, "MAXRETRIES_REACHED", "retries used up (counter {0})"),
    plain(0x51, "EMPTY_QUEUE_OR_UNKNOWN_TIMER", "queue empty or timer id unknown (loc {0})"),
    plain(0x52, "PUSH_LOWER_LAYER", "lower layer refused the packet"),
    plain(0x53, "INVALID_PARAM", "invalid parameter received"),
    plain(0x54, "COPY_TO_SPKT", "packet moved to a small buffer (length {0}, limit {1})"),
    plain(0x55, "COPY_TO_BPKT", "packet moved to a big buffer (length {0}, limit {1})"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sorted_by_code_so_that_each_is_found() {
        assert!(MESSAGES.is_sorted_by(|a, b| a.code < b.code));
        assert!(MESSAGES.iter().all(|each| message(each.code) == Some(each)));
        assert_eq!(message(0x18), None);
    }
}
