//! Which data frames are replies to serial echoes. Nothing in them tells: an echo is one because the host sent these bytes.
//!
//! A recorder may write down what the host sent a little after what the mote answered, so frames are held back for a moment
//! of the recording's time. A reply may also be late, or come twice: an overrun output ring repeats itself. So what was sent
//! is remembered for as long as there is room.

use std::collections::{BTreeMap, VecDeque};

use mqtypes::ids::PortName;

use super::frames::{Cause, Content, Seen};
use crate::frame::{Frame, HostFrame};

/// A recorder writes what the host sent at most a tenth of a second too late.
const HELD_BACK_S: f64 = 1.0;

/// A busy recording has a hundred frames a second and mote.
const MOST_HELD_BACK: usize = 4096;

/// Echoes that are remembered of each port: those of some seconds, when they are sent without a pause.
const MOST_SENT: usize = 64;

/// Frames on their way to the reader, and what the host has sent lately to be sent back.
#[derive(Debug, Default)]
pub struct Echoes {
    held_back: VecDeque<Seen>,
    sent: BTreeMap<PortName, VecDeque<Vec<u8>>>,
    newest: f64,
}

impl Echoes {
    /// A frame was seen.
    pub fn handle(&mut self, mut seen: Seen) {
        match &mut seen.content {
            Content::FromMote { frame: Frame::Data(data), cause, .. } => {
                if self.sent.get(&seen.port).is_some_and(|sent| sent.contains(&data.body)) {
                    *cause = Cause::Echo;
                }
            }
            Content::ToMote { frame: HostFrame::Echo(bytes), .. } => {
                self.mark(&seen.port, bytes);
                let sent = self.sent.entry(seen.port.clone()).or_default();
                if sent.len() == MOST_SENT {
                    sent.pop_front();
                }
                sent.push_back(bytes.clone());
            }
            Content::FromMote { .. } | Content::ToMote { .. } | Content::Unreadable { .. } | Content::Invalid { .. } => {}
        }
        self.newest = seen.at.map_or(self.newest, |at| at.max(self.newest));
        self.held_back.push_back(seen);
    }

    /// The next frame of which all is known.
    pub fn poll(&mut self) -> Option<Seen> {
        let is_due = |seen: &Seen| seen.at.is_none_or(|at| at + HELD_BACK_S < self.newest);
        let is_next = self.held_back.len() > MOST_HELD_BACK || self.held_back.front().is_some_and(is_due);
        if is_next { self.held_back.pop_front() } else { None }
    }

    /// The next frame when no more will be seen.
    pub fn poll_rest(&mut self) -> Option<Seen> {
        self.held_back.pop_front()
    }

    /// Replies that were written down before their echo.
    fn mark(&mut self, port: &PortName, bytes: &[u8]) {
        for seen in self.held_back.iter_mut().filter(|seen| seen.port == *port) {
            if let Content::FromMote { frame: Frame::Data(data), cause, .. } = &mut seen.content
                && data.body == bytes
            {
                *cause = Cause::Echo;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::DataFrame;
    use mqtypes::ids::Asn;

    fn seen(at: f64, port: &str, content: Content) -> Seen {
        Seen { at: Some(at), port: PortName(port.to_owned()), content }
    }

    fn echo(at: f64, port: &str, bytes: &[u8]) -> Seen {
        seen(at, port, Content::ToMote { frame: HostFrame::Echo(bytes.to_vec()), payload: vec![] })
    }

    fn data(at: f64, port: &str, bytes: &[u8]) -> Seen {
        let frame = Frame::Data(DataFrame { id16: 1, asn: Asn(1), body: bytes.to_vec() });
        seen(at, port, Content::FromMote { frame, payload: vec![], cause: Cause::Own })
    }

    /// The causes of all data frames, in order.
    fn causes(frames: impl IntoIterator<Item = Seen>) -> Vec<Cause> {
        let mut echoes = Echoes::default();
        let mut told = Vec::new();
        for frame in frames {
            echoes.handle(frame);
            told.extend(std::iter::from_fn(|| echoes.poll()));
            assert!(echoes.held_back.len() <= MOST_HELD_BACK);
        }
        told.extend(std::iter::from_fn(|| echoes.poll_rest()));
        let cause = |seen: Seen| if let Content::FromMote { cause, .. } = seen.content { Some(cause) } else { None };
        told.into_iter().filter_map(cause).collect()
    }

    #[test]
    fn a_reply_is_known_by_its_bytes_whether_late_or_repeated_or_written_down_first() {
        let frames = [
            data(1.0, "a", b"one"),
            echo(1.1, "a", b"one"),
            data(1.2, "a", b"two"),
            data(9.0, "a", b"one"),
            data(9.1, "b", b"one"),
            echo(9.2, "b", b""),
            data(9.3, "b", b""),
        ];
        assert_eq!(causes(frames), [Cause::Echo, Cause::Own, Cause::Echo, Cause::Own, Cause::Echo]);
    }

    #[test]
    fn what_precedes_its_echo_by_more_than_a_recorder_errs_is_none() {
        assert_eq!(causes([data(1.0, "a", b"one"), data(2.5, "a", b"two"), echo(2.6, "a", b"one")]), [Cause::Own; 2]);
    }

    #[test]
    fn a_recording_without_times_or_an_end_holds_nothing_back_for_long() {
        let frames = (0..MOST_HELD_BACK + 9).map(|_| data(0.0, "a", b"one"));
        assert_eq!(causes(frames).len(), MOST_HELD_BACK + 9);
        let mut echoes = Echoes::default();
        echoes.handle(Seen { at: None, ..data(0.0, "raw", b"one") });
        assert!(echoes.poll().is_some());
        for number in 0..1000_u16 {
            echoes.handle(echo(0.0, "a", &number.to_be_bytes()));
        }
        assert_eq!(echoes.sent.values().map(VecDeque::len).sum::<usize>(), MOST_SENT);
    }
}
