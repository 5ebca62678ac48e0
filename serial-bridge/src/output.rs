//! What waits to go out on one line: whole frames, bounded, each with its deadline.
//!
//! A frame is out when the kernel has all of its bytes. What a frame's deadline cuts off is never sent
//! later, and the mote is told so: the piece that is out already is ended in a way that cannot be valid.

use std::collections::VecDeque;
use std::time::Duration;

use mqtypes::ids::WriteId;
use mqtypes::mono::Mono;

use framing::hdlc;

use crate::gate::{Gate, LOST_XON, Opening};

/// Frames that may wait. A mote executes a command in its interrupt, so that commands are rare.
pub const MOST_FRAMES: usize = 8;

/// Bytes that may wait: five of the longest frames, every byte of them escaped.
pub const MOST_BYTES: usize = 2048;

/// A line that does not move is looked at ever less often, at last this seldom: it has hung for minutes, and may for ever.
const LONGEST_PATIENCE: Duration = Duration::from_mins(1);

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
    motion: Motion,
    stalls: u64,
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
    /// Ours: nobody waits for its end.
    Own { deadline: Mono },
    /// Ends a frame that was cut off.
    EndOfCut,
}

/// What is out, or never will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A frame whose end somebody waits for.
    Write(WriteId),
    /// A frame of ours.
    Own,
}

#[derive(Debug)]
enum Flow {
    /// There is no telling whether the kernel waits for an XON that was lost; look then.
    ByKernel {
        look_at: Option<Mono>,
        /// How long the next look may wait.
        patience: Duration,
    },
    InProcess(Gate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motion {
    Moves,
    StandsStill,
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
            FlowControl::ByKernel => Flow::ByKernel { look_at: None, patience: LOST_XON },
            FlowControl::InProcess => Flow::InProcess(Gate::Open),
        };
        Self { queue: VecDeque::new(), flow, motion: Motion::Moves, stalls: 0 }
    }

    /// Takes a frame, complete with flags.
    pub fn push(&mut self, id: WriteId, deadline: Mono, frame: Vec<u8>) -> Result<(), Busy> {
        self.append(frame, Purpose::Frame { id, deadline })
    }

    /// Takes a frame of ours.
    pub fn push_own(&mut self, deadline: Mono, frame: Vec<u8>) -> Result<(), Busy> {
        self.append(frame, Purpose::Own { deadline })
    }

    fn append(&mut self, frame: Vec<u8>, purpose: Purpose) -> Result<(), Busy> {
        let waiting: usize = self.queue.iter().map(|outgoing| outgoing.bytes.len() - outgoing.sent).sum();
        if self.queue.len() >= MOST_FRAMES || waiting + frame.len() > MOST_BYTES {
            return Err(Busy);
        }
        let is_first = self.deadlines().next().is_none();
        self.queue.push_back(Outgoing { bytes: frame, sent: 0, purpose });
        match &mut self.flow {
            // However long the line has hung, the first frame that is awaited finds out anew.
            Flow::ByKernel { look_at, patience } if is_first => (*look_at, *patience) = (None, LOST_XON),
            Flow::InProcess(Gate::Shut { .. }) => self.stand_still(),
            Flow::ByKernel { .. } | Flow::InProcess(Gate::Open) => {}
        }
        Ok(())
    }

    /// What is to be written next. Nothing while the mote wants silence.
    pub fn next(&self) -> Option<&[u8]> {
        if matches!(self.flow, Flow::InProcess(Gate::Shut { .. })) {
            return None;
        }
        self.queue.front().map(|outgoing| &outgoing.bytes[outgoing.sent..])
    }

    /// The kernel took `count` bytes of [`Self::next`]; tells what is out with them.
    pub fn handle_written(&mut self, now: Mono, count: usize) -> Option<Ended> {
        let front = self.queue.front_mut()?;
        front.sent = front.bytes.len().min(front.sent + count);
        if count > 0 {
            self.motion = Motion::Moves;
            if let Flow::ByKernel { look_at, patience } = &mut self.flow {
                (*look_at, *patience) = (Some(now.after(LOST_XON)), LOST_XON);
            }
        }
        if front.sent < front.bytes.len() {
            return None;
        }
        self.queue.pop_front()?.purpose.ended()
    }

    /// The kernel takes nothing now.
    pub fn handle_blocked(&mut self, now: Mono) {
        if let Flow::ByKernel { look_at, patience } = &mut self.flow {
            look_at.get_or_insert(now.after(*patience));
        }
        self.stand_still();
    }

    /// The mote wants silence.
    pub fn handle_xoff(&mut self, now: Mono) {
        if let Flow::InProcess(gate) = &mut self.flow {
            gate.handle_xoff(now);
            if !self.queue.is_empty() {
                self.stand_still();
            }
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
        let is_awaited = self.deadlines().next().is_some();
        if let Flow::ByKernel { look_at, patience } = &mut self.flow {
            *patience = (*patience * 2).min(LONGEST_PATIENCE);
            *look_at = is_awaited.then(|| now.after(*patience));
        }
        self.stand_still();
        Verdict::Stuck
    }

    /// Takes out one frame whose deadline has passed.
    pub fn take_expired(&mut self, now: Mono) -> Option<Ended> {
        let is_late = |outgoing: &Outgoing| outgoing.purpose.deadline().is_some_and(|deadline| deadline <= now);
        let at = self.queue.iter().position(is_late)?;
        let late = self.queue.remove(at)?;
        if late.sent > 0 {
            self.queue.insert(at, end_of_cut(&late));
        }
        late.purpose.ended()
    }

    /// What is due on the line besides frames.
    pub fn handle_timeout(&mut self, now: Mono) -> Option<Due> {
        match &mut self.flow {
            Flow::ByKernel { look_at, .. } if look_at.is_some_and(|at| at <= now) => {
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
        let flow = match &self.flow {
            Flow::ByKernel { look_at, .. } => *look_at,
            Flow::InProcess(gate) => gate.poll_timeout(),
        };
        Mono::earliest(self.deadlines().min(), flow)
    }

    /// The frames that are not out, when the line is lost.
    pub fn unfinished(&self) -> impl Iterator<Item = WriteId> {
        self.queue.iter().filter_map(|outgoing| match outgoing.purpose {
            Purpose::Frame { id, .. } => Some(id),
            Purpose::Own { .. } | Purpose::EndOfCut => None,
        })
    }

    /// How often it stood still.
    pub fn stalls(&self) -> u64 {
        self.stalls
    }

    fn stand_still(&mut self) {
        if self.motion == Motion::Moves {
            self.motion = Motion::StandsStill;
            self.stalls += 1;
        }
    }

    fn deadlines(&self) -> impl Iterator<Item = Mono> {
        self.queue.iter().filter_map(|outgoing| outgoing.purpose.deadline())
    }
}

impl Purpose {
    fn deadline(&self) -> Option<Mono> {
        match self {
            Self::Frame { deadline, .. } | Self::Own { deadline } => Some(*deadline),
            Self::EndOfCut => None,
        }
    }

    fn ended(&self) -> Option<Ended> {
        match self {
            Self::Frame { id, .. } => Some(Ended::Write(*id)),
            Self::Own { .. } => Some(Ended::Own),
            Self::EndOfCut => None,
        }
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
        assert_eq!(output.handle_written(Mono(0), frame().len() - 3), Some(Ended::Write(WriteId(1))));
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
        assert_eq!((output.take_expired(Mono(10)), output.take_expired(Mono(10))), (Some(Ended::Write(WriteId(1))), None));
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
            assert_eq!(output.take_expired(Mono(10)), Some(Ended::Write(WriteId(1))));
            let mut done = Vec::new();
            while let Some(bytes) = output.next().map(<[u8]>::to_vec) {
                done.extend(output.handle_written(Mono(10), bytes.len()));
                line.extend(bytes);
            }
            let mut decoder = hdlc::Decoder::new();
            let ended: Vec<_> = line.into_iter().filter_map(|byte| decoder.push(byte)).collect();
            assert!(matches!(ended[..], [Err(FrameFault::BadCrc | FrameFault::TooShort), Ok(_)]), "{sent}: {ended:?}");
            assert_eq!(done, [Ended::Write(WriteId(2))]);
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
        assert_eq!(output.poll_timeout(), Some(LATE.min(second.after(LOST_XON * 2))));
    }

    #[test]
    fn bytes_that_the_kernel_has_taken_but_not_sent_are_stuck_too() {
        let mut output = by_kernel();
        output.push(WriteId(1), LATE, frame()).expect("room");
        assert_eq!(output.handle_written(Mono(0), frame().len()), Some(Ended::Write(WriteId(1))));
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

    #[test]
    fn a_line_that_never_moves_again_is_looked_at_ever_less_often() {
        let mut output = by_kernel();
        output.push(WriteId(1), Mono(10), frame()).expect("room");
        output.handle_written(Mono(0), 3);
        assert_eq!(output.take_expired(Mono(10)), Some(Ended::Write(WriteId(1))));
        let (mut looks, hour) = (0, Mono(0).after(Duration::from_hours(1)));
        while let Some(at) = output.poll_timeout().filter(|at| *at < hour) {
            assert_eq!(output.handle_timeout(at), Some(Due::LookAtKernel));
            assert_eq!(output.handle_unsent(at, 0), Verdict::Stuck);
            output.handle_blocked(at);
            looks += 1;
        }
        assert!((60..70).contains(&looks), "{looks}");
        output.push(WriteId(2), LATE, frame()).expect("room");
        output.handle_blocked(hour);
        assert_eq!((output.poll_timeout(), output.stalls()), (Some(LATE.min(hour.after(LOST_XON))), 1));
    }

    #[test]
    fn each_time_that_output_stands_still_is_counted_once() {
        let mut output = by_kernel();
        output.push(WriteId(1), LATE, frame()).expect("room");
        for round in 1..=3 {
            output.handle_blocked(Mono(0));
            output.handle_blocked(Mono(1));
            assert_eq!(output.stalls(), round);
            output.handle_written(Mono(2), 1);
        }
        let mut output = Output::new(FlowControl::InProcess);
        output.handle_xoff(Mono(0));
        assert_eq!(output.stalls(), 0);
        output.push(WriteId(1), LATE, frame()).expect("room");
        output.handle_xoff(Mono(1));
        assert_eq!(output.stalls(), 1);
    }
}
