//! An open port: what comes in becomes frames, what goes out waits its turn.

use framing::flow::{Heard, Unescape};
use framing::hdlc::Decoder;
use mqtypes::mono::Mono;
use mqtypes::serial::FrameFault;

use crate::output::{FlowControl, Output};

/// What is known of a port that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Bits per second, as the device does them; 0 where there is no rate.
    pub baud: u32,
    /// Who takes care of XON and XOFF.
    pub flow: FlowControl,
}

/// An open port.
#[derive(Debug)]
pub struct Line {
    /// What is known of it.
    pub opened: Opened,
    /// What waits to go out.
    pub output: Output,
    unescape: Unescape,
    decoder: Decoder,
    heard: u64,
}

impl Line {
    /// A line on which nothing was said yet.
    pub fn new(opened: Opened) -> Self {
        Self { opened, output: Output::new(opened.flow), unescape: Unescape::default(), decoder: Decoder::new(), heard: 0 }
    }

    /// Takes bytes from the line; tells each frame that ends in them.
    pub fn hear(&mut self, now: Mono, bytes: &[u8], mut ended: impl FnMut(Result<Vec<u8>, FrameFault>)) {
        self.heard += bytes.len() as u64;
        for byte in bytes {
            match self.unescape.push(*byte) {
                Some(Heard::Data(data)) => {
                    if let Some(end) = self.decoder.push(data) {
                        ended(end);
                    }
                }
                // They come here on lines whose kernel does not take them, and then they count.
                Some(Heard::Xon) => self.output.handle_xon(),
                Some(Heard::Xoff) => self.output.handle_xoff(now),
                None => {}
            }
        }
    }

    /// Bytes that came in.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Bytes before the first flag of the line.
    pub fn noise(&self) -> u64 {
        self.decoder.noise()
    }
}
