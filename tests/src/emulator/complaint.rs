//! The logs with which the firmware answers what it cannot take from its host. It never acknowledges anything else.

use eventbus::frame::{Frame, FrameError, LogFrame};
use mqtypes::log::Severity;

/// `COMPONENT_*`.
mod component {
    pub const IDMANAGER: u8 = 0x02;
    pub const OPENSERIAL: u8 = 0x04;
    pub const OPENBRIDGE: u8 = 0x11;
}

/// `ERR_*`.
mod code {
    pub const GETDATA_ASKS_TOO_FEW_BYTES: u8 = 0x41;
    pub const WRONG_CRC_INPUT: u8 = 0x42;
    pub const BUFFER_OVERFLOW: u8 = 0x43;
    pub const INPUTBUFFER_LENGTH: u8 = 0x4e;
    pub const INVALID_PARAM: u8 = 0x53;
}

/// The body of an `R` frame, without its type.
const SET_ROOT_BODY: u16 = 26;

/// Bytes between two flags are no frame.
pub(super) fn wrong_crc(id16: u16) -> Frame {
    complaint(id16, component::OPENSERIAL, code::WRONG_CRC_INPUT, [0, 0])
}

/// A frame does not fit into the input buffer.
pub(super) fn overflow(id16: u16) -> Frame {
    complaint(id16, component::OPENSERIAL, code::BUFFER_OVERFLOW, [0, 0])
}

/// A payload that is no frame a mote would take. Most of them are passed over in silence.
pub(super) fn about(id16: u16, payload: &[u8], error: FrameError) -> Vec<Frame> {
    let body = u16::try_from(payload.len().saturating_sub(1)).unwrap_or(u16::MAX);
    match (payload.first(), error) {
        (Some(b'R'), FrameError::UnknownAction(_)) => vec![complaint(id16, component::IDMANAGER, code::INVALID_PARAM, [0, 0])],
        // The buffer that the body is copied to is too small, and so nothing is copied.
        (Some(b'R'), _) if body > SET_ROOT_BODY => vec![
            complaint(id16, component::OPENSERIAL, code::GETDATA_ASKS_TOO_FEW_BYTES, [SET_ROOT_BODY, body]),
            complaint(id16, component::IDMANAGER, code::INPUTBUFFER_LENGTH, [0, 0]),
        ],
        (Some(b'R'), _) => vec![complaint(id16, component::IDMANAGER, code::INPUTBUFFER_LENGTH, [body, 0])],
        (Some(b'D'), _) => vec![complaint(id16, component::OPENBRIDGE, code::INPUTBUFFER_LENGTH, [body, 0])],
        (_unknown, _) => vec![],
    }
}

fn complaint(id16: u16, component: u8, code: u8, [arg1, arg2]: [u16; 2]) -> Frame {
    Frame::Log(LogFrame { severity: Severity::Error, id16, component, code, arg1, arg2 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use eventbus::frame::HostFrame;

    fn check(payload: &[u8], answers: &[&str]) {
        let error = HostFrame::parse(payload).expect_err("a mote does not take it");
        let logs: Vec<String> = about(4, payload, error).iter().map(|log| HEXLOWER.encode(&log.emit())).collect();
        assert_eq!(logs, answers, "{payload:?}");
    }

    /// Host frames and answers of recording D, from 16 s to 23 s.
    #[test]
    fn complaints_are_those_of_a_genuine_mote() {
        assert_eq!(HEXLOWER.encode(&wrong_crc(4).emit()), "450004044200000000");
        assert_eq!(HEXLOWER.encode(&overflow(4).emit()), "450004044300000000");
        check(b"R", &["450004024e00000000"]);
        check(&[b"RX".as_slice(), &[0; 25]].concat(), &["450004025300000000"]);
        check(b"RT\xbb\xbb\0\0\0\0\0\0", &["450004024e00090000"]);
        check(b"D\0\0\0", &["450004114e00030000"]);
        check(&[b'D'; 141], &["450004114e008c0000"]);
        check(b"C\0\x01\x0a", &[]);
        check(b"Zzz", &[]);
    }

    #[test]
    fn a_root_command_that_is_too_long_is_complained_about_twice() {
        check(&[b"RY".as_slice(), &[0; 26]].concat(), &["4500040441001a001b", "450004024e00000000"]);
    }
}
