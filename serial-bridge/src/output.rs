//! What waits to go out on one line: whole frames, bounded, each with its deadline.
//!
//! A frame is out when the kernel has all of its bytes. What a frame's deadline cuts off is never sent
//! later, and the mote is told so: the piece that is out already is ended in a way that cannot be valid.

use std::collections::VecDeque;

use mqtypes::ids::WriteId;
use mqtypes::mono::Mono;

use crate::flow::{Gate, LOST_XON, Opening};
use crate::hdlc;

/// Frames that may wait. A mote executes a command in its interrupt, so that commands are rare.
pub const MOST_FRAMES: usize = 8;

/// Bytes that may wait: five of the longest frames, every byte of them escaped.
pub const MOST_BYTES: usize = 2048;

/// Who stops the output when the mote wants silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowControl {
    /// The kernel (`IXON`): XON and XOFF do not reach us, and a write takes nothing meanwhile.
    ByKernel,
    /// We do, as XON and XOFF come in.
    InProcess,
}

/// What waits to go out on one line.
#[derive(Debug)]
pub struct Output {
    queue: VecDeque<Outgoing>,
    flow: Flow,
}

#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// Somebody waits for its end.
    Frame { id: WriteId, deadline: Mono },
    /// Ends a frame that was cut off.
    EndOfCut,
}

#[derive(Debug)]
enum Flow {
    /// There is no telling whether the kernel waits for an XON that was lost; look then.
    ByKernel {
        look_at: Option<Mono>,
    },
    InProcess(Gate),
}

/// More waits already than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// What a deadline of the line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// See whether the kernel still holds bytes of ours; then [`Output::handle_unsent`].
    LookAtKernel,
    /// The gate was opened without an XON: send.
    GateForced,
}

/// Does the output hang?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It went out.
    Clear,
    /// It did not: let it go on without an XON.
    Stuck,
}

impl Output {
    /// Nothing waits.
    pub fn new(flow: FlowControl) -> Self {
        let flow = match flow {
            FlowControl::ByKernel => Flow::ByKernel { look_at: None },
            FlowControl::InProcess => Flow::InProcess(Gate::Open),
        };
        Self { queue: VecDeque::new(), flow }
    }

    /// Takes a frame, complete with flags.
    pub fn push(&mut self, id: WriteId, deadline: Mono, frame: Vec<u8>) -> Result<(), Busy> {
        let waiting: usize = self.queue.iter().map(|outgoing| outgoing.bytes.len() - outgoing.sent).sum();
        if self.queue.len() >= MOST_FRAMES || waiting + frame.len() > MOST_BYTES {
            return Err(Busy);
        }
        self.queue.push_back(Outgoing { bytes: frame, sent: 0, purpose: Purpose::Frame { id, deadline } });
        Ok(())
    }

    /// What is to be written next. Nothing while the mote wants silence.
    pub fn next(&self) -> Option<&[u8]> {
        if matches!(self.flow, Flow::InProcess(Gate::Shut { .. })) {
            return None;
        }
        self.queue.front().map(|outgoing| &outgoing.bytes[outgoing.sent..])
    }

    /// The kernel took `count` bytes of [`Self::next`]; tells the frame that is out with them.
    pub fn handle_written(&mut self, now: Mono, count: usize) -> Option<WriteId> {
        let front = self.queue.front_mut()?;
        front.sent = front.bytes.len().min(front.sent + count);
        if count > 0
            && let Flow::ByKernel { look_at } = &mut self.flow
        {
            *look_at = Some(now.after(LOST_XON));
        }
        if front.sent < front.bytes.len() {
            return None;
        }
        match self.queue.pop_front()?.purpose {
            Purpose::Frame { id, .. } => Some(id),
            Purpose::EndOfCut => None,
        }
    }

    /// The kernel takes nothing now.
    pub fn handle_blocked(&mut self, now: Mono) {
        if let Flow::ByKernel { look_at } = &mut self.flow {
            look_at.get_or_insert(now.after(LOST_XON));
        }
    }

    /// The mote wants silence.
    pub fn handle_xoff(&mut self, now: Mono) {
        if let Flow::InProcess(gate) = &mut self.flow {
            gate.handle_xoff(now);
        }
    }

    /// The mote may be sent to again.
    pub fn handle_xon(&mut self) {
        if let Flow::InProcess(gate) = &mut self.flow {
            gate.handle_xon();
        }
    }

    /// The kernel holds `unsent` bytes that are not on the line yet.
    pub fn handle_unsent(&mut self, now: Mono, unsent: usize) -> Verdict {
        if unsent == 0 && self.queue.is_empty() {
            return Verdict::Clear;
        }
        // Without a frame that waits there is no end to it; the next one looks again.
        let is_awaited = self.unfinished().next().is_some();
        if let Flow::ByKernel { look_at } = &mut self.flow {
            *look_at = is_awaited.then(|| now.after(LOST_XON));
        }
        Verdict::Stuck
    }

    /// Takes out one frame whose deadline has passed.
    pub fn take_expired(&mut self, now: Mono) -> Option<WriteId> {
        let is_late = |outgoing: &Outgoing| matches!(outgoing.purpose, Purpose::Frame { deadline, .. } if deadline <= now);
        let at = self.queue.iter().position(is_late)?;
        let late = self.queue.remove(at)?;
        if late.sent > 0 {
            self.queue.insert(at, end_of_cut(&late));
        }
        match late.purpose {
            Purpose::Frame { id, .. } => Some(id),
            Purpose::EndOfCut => None,
        }
    }

    /// What is due on the line besides frames.
    pub fn handle_timeout(&mut self, now: Mono) -> Option<Due> {
        match &mut self.flow {
            Flow::ByKernel { look_at } if look_at.is_some_and(|at| at <= now) => {
                *look_at = None;
                Some(Due::LookAtKernel)
            }
            Flow::ByKernel { .. } => None,
            Flow::InProcess(gate) => match gate.handle_timeout(now) {
                Opening::Forced => Some(Due::GateForced),
                Opening::None => None,
            },
        }
    }

    /// When [`Self::take_expired`] or [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let deadlines = self.queue.iter().filter_map(|outgoing| match outgoing.purpose {
            Purpose::Frame { deadline, .. } => Some(deadline),
            Purpose::EndOfCut => None,
        });
        let flow = match &self.flow {
            Flow::ByKernel { look_at } => *look_at,
            Flow::InProcess(gate) => gate.poll_timeout(),
        };
        Mono::earliest(deadlines.min(), flow)
    }

    /// The frames that are not out, when the line is lost.
    pub fn unfinished(&self) -> impl Iterator<Item = WriteId> {
        self.queue.iter().filter_map(|outgoing| match outgoing.purpose {
            Purpose::Frame { id, .. } => Some(id),
            Purpose::EndOfCut => None,
        })
    }
}

/// Ends a frame that is partly out. The firmware keeps a pending escape over a flag, so a byte has to
/// come before the flag; it differs from the one that belongs there, so that a frame that lacked little cannot become valid.
fn end_of_cut(late: &Outgoing) -> Outgoing {
    let spoiler = u8::from(late.bytes[late.sent] == 0x00);
    Outgoing { bytes: vec![spoiler, hdlc::FLAG], sent: 0, purpose: Purpose::EndOfCut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::serial::FrameFault;

    const LATE: Mono = Mono(1_000_000);

    fn by_kernel() -> Output {
        Output::new(FlowControl::ByKernel)
    }

    fn frame() -> Vec<u8> {
        hdlc::encode(b"Q}~")
    }

    #[test]
    fn a_frame_is_out_when_all_of_its_bytes_are() {
        let mut output = by_kernel();
        output.push(WriteId(1), LATE, frame()).expect("room");
        output.push(WriteId(2), LATE, frame()).expect("room");
        assert_eq!(output.handle_written(Mono(0), 3), None);
        assert_eq!(output.next(), Some(&frame()[3..]));
        assert_eq!(output.handle_written(Mono(0), frame().len() - 3), Some(WriteId(1)));
        assert_eq!(output.next(), Some(&frame()[..]));
    }

    #[test]
    fn frames_and_bytes_are_bounded() {
        let mut output = by_kernel();
        for id in 0..MOST_FRAMES as u64 {
            output.push(WriteId(id), LATE, frame()).expect("room");
        }
        assert_eq!(output.push(WriteId(99), LATE, frame()), Err(Busy));
        let mut output = by_kernel();
        output.push(WriteId(1), LATE, vec![0; MOST_BYTES]).expect("room");
        assert_eq!(output.push(WriteId(2), LATE, vec![0]), Err(Busy));
    }

    #[test]
    fn a_late_frame_that_was_not_begun_leaves_no_trace() {
        let mut output = by_kernel();
        output.push(WriteId(1), Mono(10), frame()).expect("room");
        output.push(WriteId(2), LATE, frame()).expect("room");
        assert_eq!((output.take_expired(Mono(9)), output.poll_timeout()), (None, Some(Mono(10))));
        assert_eq!((output.take_expired(Mono(10)), output.take_expired(Mono(10))), (Some(WriteId(1)), None));
        assert_eq!(output.next(), Some(&frame()[..]));
    }

    #[test]
    fn a_frame_that_is_cut_anywhere_is_invalid_and_the_next_one_arrives() {
        for sent in 1..frame().len() {
            let mut output = by_kernel();
            output.push(WriteId(1), Mono(10), frame()).expect("room");
            output.push(WriteId(2), LATE, frame()).expect("room");
            let mut line = output.next().expect("bytes")[..sent].to_vec();
            output.handle_written(Mono(0), sent);
            assert_eq!(output.take_expired(Mono(10)), Some(WriteId(1)));
            let mut done = Vec::new();
            while let Some(bytes) = output.next().map(<[u8]>::to_vec) {
                done.extend(output.handle_written(Mono(10), bytes.len()));
                line.extend(bytes);
            }
            let mut decoder = hdlc::Decoder::new();
            let ended: Vec<_> = line.into_iter().filter_map(|byte| decoder.push(byte)).collect();
            assert!(matches!(ended[..], [Err(FrameFault::BadCrc | FrameFault::TooShort), Ok(_)]), "{sent}: {ended:?}");
            assert_eq!(done, [WriteId(2)]);
        }
    }

    #[test]
    fn the_kernel_is_looked_at_when_output_stands_still_and_progress_puts_it_off() {
        let mut output = by_kernel();
        output.push(WriteId(1), LATE, frame()).expect("room");
        output.handle_blocked(Mono(0));
        let first = output.poll_timeout().expect("looks");
        output.handle_blocked(Mono(1));
        assert_eq!(output.poll_timeout(), Some(first));
        output.handle_written(Mono(2), 1);
        assert_eq!(output.handle_timeout(first), None);
        let second = output.poll_timeout().expect("looks");
        assert_eq!(output.handle_timeout(second), Some(Due::LookAtKernel));
        assert_eq!(output.handle_unsent(second, 0), Verdict::Stuck);
        assert_eq!(output.poll_timeout(), Some(LATE.min(second.after(LOST_XON))));
    }

    #[test]
    fn bytes_that_the_kernel_has_taken_but_not_sent_are_stuck_too() {
        let mut output = by_kernel();
        output.push(WriteId(1), LATE, frame()).expect("room");
        assert_eq!(output.handle_written(Mono(0), frame().len()), Some(WriteId(1)));
        let due = output.poll_timeout().expect("looks");
        assert_eq!(output.handle_timeout(due), Some(Due::LookAtKernel));
        assert_eq!((output.handle_unsent(due, 5), output.poll_timeout()), (Verdict::Stuck, None));
        output.push(WriteId(2), LATE, frame()).expect("room");
        output.handle_written(due, frame().len());
        let due = output.poll_timeout().expect("looks again");
        output.handle_timeout(due);
        assert_eq!((output.handle_unsent(due, 0), output.poll_timeout()), (Verdict::Clear, None));
    }

    #[test]
    fn a_shut_gate_holds_output_until_it_opens() {
        let mut output = Output::new(FlowControl::InProcess);
        output.push(WriteId(1), Mono(u64::MAX), frame()).expect("room");
        output.handle_xoff(Mono(0));
        assert_eq!(output.next(), None);
        output.handle_xon();
        assert!(output.next().is_some());
        output.handle_xoff(Mono(0));
        assert_eq!(output.handle_timeout(Mono(0).after(LOST_XON)), Some(Due::GateForced));
        assert!(output.next().is_some());
    }
}
