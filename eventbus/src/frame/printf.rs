//! `F` frames: text that the firmware printed, one frame a call. A line may come in many.

use mqtypes::ids::Asn;

use super::octets::{Reader, Truncated, Writer};

pub(super) const TYPE: u8 = b'F';

/// The longest text shown of one frame, in characters; `serial-bridge` passes no longer frame on anyway.
const MAX_SHOWN: usize = 1024;

/// `type | id(2) | asn(5) | text` (`openserial_printf`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintfFrame {
    /// The mote's 16-bit address.
    pub id16: u16,
    /// When it was printed; 40 bits on the wire.
    pub asn: Asn,
    /// The bytes as they came, without terminator.
    pub text: Vec<u8>,
}

impl PrintfFrame {
    /// The text fit to be shown: the line's end is cut off, control characters become spaces (a terminal would obey
    /// them), and what is no UTF-8 becomes U+FFFD.
    pub fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.text);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        text.trim_end_matches(['\r', '\n', '\0']).chars().take(MAX_SHOWN).map(plain).collect()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self { id16: reader.u16_be()?, asn: reader.asn()?, text: reader.rest().to_vec() })
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.u16_be(self.id16).asn(self.asn).bytes(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8]) -> String {
        PrintfFrame { id16: 1, asn: Asn(0), text: text.to_vec() }.shown()
    }

    #[test]
    fn what_a_mote_prints_cannot_steer_a_terminal() {
        assert_eq!(shown(b"Created a UDP socket\n"), "Created a UDP socket");
        assert_eq!(shown(b"\x1b[2Ja\nb\r\n"), " [2Ja b");
        assert_eq!(shown(b"\xff ok"), "\u{fffd} ok");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(shown(&[b'x'; 5000]).len(), MAX_SHOWN);
    }
}
