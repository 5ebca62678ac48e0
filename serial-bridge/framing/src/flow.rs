//! Software flow control, as the firmware does it on top of HDLC.
//!
//! A mote escapes 11, 12 and 13 in what it sends, so that a raw 11 or 13 on the line is always flow
//! control, wherever it stands: even between an HDLC escape and its byte. A host never escapes, and
//! never sends XON or XOFF of its own: the mote would take them for data.

/// The mote may be sent to again.
pub const XON: u8 = 0x11;

/// Stands before a byte that has `ESCAPE_BIT` flipped.
pub const ESCAPE: u8 = 0x12;

/// The mote wants silence.
pub const XOFF: u8 = 0x13;

/// The bit that an escape flips.
const ESCAPE_BIT: u8 = 0x10;

/// What a byte of a mote's line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A byte for HDLC.
    Data(u8),
    /// The mote may be sent to again.
    Xon,
    /// The mote wants silence.
    Xoff,
}

/// The host's side: takes flow control out of what a mote sends.
#[derive(Debug, Default)]
pub struct Unescape(State);

#[derive(Debug, Default)]
enum State {
    #[default]
    Plain,
    Escaped,
}

impl Unescape {
    /// Takes the next byte; an escape alone yields nothing.
    ///
    /// A raw flag ends an escape that a lost byte has left behind: a frame is lost then, but not its
    /// boundary. Behind an escape only 01, 02 and 03 are genuine; others pass as they are, and the CRC tells.
    pub fn push(&mut self, byte: u8) -> Option<Heard> {
        match byte {
            XON => Some(Heard::Xon),
            XOFF => Some(Heard::Xoff),
            ESCAPE => {
                self.0 = State::Escaped;
                None
            }
            other => Some(Heard::Data(match std::mem::take(&mut self.0) {
                State::Escaped if (0x01..=0x03).contains(&other) => other ^ ESCAPE_BIT,
                State::Escaped | State::Plain => other,
            })),
        }
    }
}

/// The mote's side: `bytes` as they leave its UART.
pub fn escape(bytes: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(bytes.len() + 8);
    for byte in bytes {
        match *byte {
            XON | ESCAPE | XOFF => line.extend([ESCAPE, byte ^ ESCAPE_BIT]),
            plain => line.push(plain),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hear(line: &[u8]) -> (Vec<u8>, Vec<Heard>) {
        let mut unescape = Unescape::default();
        let (mut data, mut control) = (Vec::new(), Vec::new());
        for heard in line.iter().filter_map(|byte| unescape.push(*byte)) {
            match heard {
                Heard::Data(byte) => data.push(byte),
                Heard::Xon | Heard::Xoff => control.push(heard),
            }
        }
        (data, control)
    }

    #[test]
    fn a_mote_escapes_three_bytes_and_the_host_undoes_it() {
        let frame = [0x7e, 0x53, 0x00, 0x7c, 0xa0, 0x13, 0x7e];
        let line = [0x7e, 0x53, 0x00, 0x7c, 0xa0, 0x12, 0x03, 0x7e];
        assert_eq!(escape(&frame), line);
        assert_eq!(hear(&line), (frame.to_vec(), vec![]));
    }

    #[test]
    fn flow_control_is_taken_out_wherever_it_stands() {
        let (data, control) = hear(&[0x13, 0x7e, 0x11, 0x44, 0x7d, 0x13, 0x11, 0x5e, 0x12, 0x13, 0x02]);
        assert_eq!(data, [0x7e, 0x44, 0x7d, 0x5e, 0x12]);
        assert_eq!(control, [Heard::Xoff, Heard::Xon, Heard::Xoff, Heard::Xon, Heard::Xoff]);
    }

    #[test]
    fn a_flag_survives_an_escape_that_lost_its_byte() {
        assert_eq!(hear(&[0x44, 0x12, 0x7e, 0x01]).0, [0x44, 0x7e, 0x01]);
        assert_eq!(hear(&[0x12, 0x6e]).0, [0x6e]);
    }

    proptest! {
        #[test]
        fn any_bytes_survive_escaping(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let line = escape(&bytes);
            prop_assert!(!line.iter().any(|byte| matches!(*byte, XON | XOFF)));
            prop_assert_eq!(hear(&line), (bytes, vec![]));
        }
    }
}
