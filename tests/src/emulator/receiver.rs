//! What a mote's serial driver makes of the host's bytes (`isr_openserial_rx`, `openserial_handleRxFrame`).
//!
//! The mote does not interpret 11, 12 and 13 from the host: they are data. Two corners of the firmware are not copied: an
//! escape that a frame ends in spoils the next frame there, and commands run inside the interrupt.

use framing::hdlc::{Decoder, ESCAPE, FLAG};

/// The input buffer, CRC included. The frame is given up when the last byte of it would be filled.
const BUFFER: usize = 200;

/// What ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A frame with a right CRC: its payload, never empty.
    Frame(Vec<u8>),
    /// Bytes between two flags that are no frame.
    WrongCrc,
    /// More bytes than the input buffer has.
    Overflow,
}

/// The receiving half of a mote's serial port.
#[derive(Debug, Default)]
pub struct Receiver {
    decoder: Decoder,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Waits for a flag.
    #[default]
    Hunting,
    /// Behind a flag, and so many bytes in the buffer.
    Inside(usize),
}

impl Receiver {
    /// Takes the next byte from the host.
    pub fn push(&mut self, byte: u8) -> Option<Input> {
        self.state = match self.state {
            State::Hunting if byte != FLAG => return None,
            State::Hunting => State::Inside(0),
            State::Inside(_) if byte == FLAG => State::Inside(0),
            State::Inside(buffered) if byte == ESCAPE => State::Inside(buffered),
            State::Inside(buffered) if buffered + 1 == BUFFER => {
                *self = Self::default();
                return Some(Input::Overflow);
            }
            State::Inside(buffered) => State::Inside(buffered + 1),
        };
        self.decoder.push(byte).map(|ended| ended.map_or(Input::WrongCrc, Input::Frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framing::hdlc::encode;
    use mqtypes::serial::MAX_PAYLOAD_TO_MOTE;

    fn receive(bytes: &[u8]) -> Vec<Input> {
        let mut receiver = Receiver::default();
        bytes.iter().filter_map(|byte| receiver.push(*byte)).collect()
    }

    #[test]
    fn frames_are_taken_with_whatever_bytes_are_in_them() {
        let payload: Vec<u8> = (0..=255).step_by(2).collect();
        assert_eq!(receive(&encode(&payload)), [Input::Frame(payload)]);
        assert_eq!(receive(&encode(&[0x53, 0x11, 0x12, 0x13])), [Input::Frame(vec![0x53, 0x11, 0x12, 0x13])]);
    }

    #[test]
    fn the_longest_frame_fits_and_one_byte_more_is_given_up() {
        let longest = vec![0x7d; MAX_PAYLOAD_TO_MOTE];
        assert_eq!(receive(&encode(&longest)), [Input::Frame(longest)]);
        let bytes = [encode(&[0x53; MAX_PAYLOAD_TO_MOTE + 1]), encode(b"Q")].concat();
        assert_eq!(receive(&bytes), [Input::Overflow, Input::Frame(b"Q".to_vec())]);
        assert_eq!(receive(&encode(&[0x53; 1000])), [Input::Overflow]);
    }

    /// As in recording D: bytes before the flag of an overlong frame make a wrong CRC, then comes the overflow.
    #[test]
    fn garbage_between_frames_counts_as_a_frame() {
        let bytes = [&encode(b"S")[..], b"garbage without flags", &encode(&[0x53; 300])].concat();
        assert_eq!(receive(&bytes), [Input::Frame(b"S".to_vec()), Input::WrongCrc, Input::Overflow]);
        assert_eq!(receive(&[0x7e, 0, 0, 0x7e, 0x7e]), [Input::WrongCrc]);
        assert_eq!(receive(b"before any flag"), []);
    }
}
