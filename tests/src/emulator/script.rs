//! What the shell plays: motes, one behind each port, seen from outside.
//!
//! A script never sleeps and opens nothing. Output is fetched from it, so that a reader who is slow, or not there, makes
//! nobody wait and nothing grow.

use mqtypes::mono::Mono;

use super::receiver::Input;

pub use eventbus::inspect::replay::attendance::Reader;

/// Something that a host sent to a mote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it was complete.
    pub at: Mono,
    /// Which port, by its place in [`Script::ports`].
    pub port: usize,
    /// What the mote's serial driver made of it.
    pub input: Input,
}

/// A change to a port's plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plug {
    /// The port is gone: its name, and what it stood for.
    Out(usize),
    /// It is back under this name.
    In(usize, String),
}

/// Motes on ports. A port is named by its place in [`Self::ports`].
pub trait Script {
    /// The names of the ports, fit for names of files.
    fn ports(&self) -> Vec<String>;

    /// Somebody opened the port, or nobody has it open any more.
    fn handle_reader(&mut self, now: Mono, port: usize, reader: Reader);

    /// The host has sent this; a frame may come in pieces.
    fn handle_bytes(&mut self, now: Mono, port: usize, bytes: &[u8]);

    /// What was due by now happens.
    fn handle_timeout(&mut self, now: Mono);

    /// The next bytes for the line; asked for only when the bytes before are out.
    fn poll_output(&mut self, now: Mono, port: usize) -> Option<Vec<u8>>;

    /// When [`Self::handle_timeout`] is due next. Never a moment that has passed: what is due already waits to be fetched.
    fn poll_timeout(&self, now: Mono) -> Option<Mono>;

    /// What the host has sent, frame by frame.
    fn poll_event(&mut self) -> Option<Event>;

    /// A person has typed a line.
    fn handle_line(&mut self, now: Mono, line: &str);

    /// The next change to a plug.
    fn poll_plug(&mut self) -> Option<Plug>;

    /// The next line for whoever started us.
    fn poll_remark(&mut self) -> Option<String>;

    /// The totals as JSON, once, when there will never be any output again but answers to the host.
    fn poll_end(&mut self) -> Option<serde_json::Value>;
}
