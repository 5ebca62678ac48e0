//! An open port: what comes in becomes frames, what goes out waits its turn.

use mqtypes::mono::Mono;
use mqtypes::serial::FrameFault;

use crate::flow::{Heard, Unescape};
use crate::hdlc::Decoder;
use crate::output::{FlowControl, Output};

/// What is known of a port that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Bits per second.
    pub baud: u32,
    /// Who takes care of XON and XOFF.
    pub flow: FlowControl,
}

/// An open port.
#[derive(Debug)]
pub struct Line {
    /// Bits per second.
    pub baud: u32,
    /// What waits to go out.
    pub output: Output,
    unescape: Unescape,
    decoder: Decoder,
}

impl Line {
    /// A line on which nothing was said yet.
    pub fn new(opened: Opened) -> Self {
        Self { baud: opened.baud, output: Output::new(opened.flow), unescape: Unescape::default(), decoder: Decoder::new() }
    }

    /// Takes bytes from the line; tells each frame that ends in them.
    pub fn hear(&mut self, now: Mono, bytes: &[u8], mut ended: impl FnMut(Result<Vec<u8>, FrameFault>)) {
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

    /// Bytes before the first flag of the line.
    pub fn noise(&self) -> u64 {
        self.decoder.noise()
    }
}
