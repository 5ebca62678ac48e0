//! What is tried on a port, in which order, and what follows from it. Pure.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use mqtypes::mono::Mono;
use mqtypes::serial::{PortReport, WriteEnd};

/// A mote reports ten times a second.
const LISTENS: Duration = Duration::from_secs(1);

/// Echoes that are requested.
const ECHOES: u8 = 10;

/// Bytes in each of them.
const ECHO_BYTES: u8 = 20;

/// The type byte of a request.
const REQUEST: u8 = b'S';

/// A mote answers within 8 ms when its line is free; it is busy for seconds at most.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// So many echoes without an answer in the beginning, and there will be none.
const ENOUGH_SILENCE: u8 = 3;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A mote speaks and answers. Exit code 0.
    Fine(String),
    /// Something is missing or taken, or no mote answers as it should. Exit code 69, `EX_UNAVAILABLE`.
    Unavailable(String),
    /// A person has to set something right. Exit code 78, `EX_CONFIG`.
    Wrong(String),
}

impl Verdict {
    /// The exit code of its class.
    pub fn code(&self) -> u8 {
        match self {
            Self::Fine(_) => 0,
            Self::Unavailable(_) => 69,
            Self::Wrong(_) => 78,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fine(why) => write!(f, "fine: {why}"),
            Self::Unavailable(why) => write!(f, "unavailable: {why}"),
            Self::Wrong(why) => write!(f, "to be set right: {why}"),
        }
    }
}

/// An examination of one port.
#[derive(Debug)]
pub struct Examination {
    stage: Stage,
    frames: u32,
    echoes: Echoes,
    lines: VecDeque<String>,
}

#[derive(Debug)]
enum Stage {
    Opening,
    Listening {
        until: Mono,
    },
    /// The next echo is to be requested.
    Ready,
    Echoing {
        bytes: Vec<u8>,
        since: Mono,
        until: Mono,
    },
    /// Everything was tried.
    Tried,
    Over(Verdict),
}

#[derive(Debug, Default)]
struct Echoes {
    requested: u8,
    answered: u8,
    reflected: u8,
    held_up: u8,
    quickest: Option<Duration>,
    slowest: Duration,
}

impl Examination {
    /// Waits until the port is open.
    pub fn new() -> Self {
        Self { stage: Stage::Opening, frames: 0, echoes: Echoes::default(), lines: VecDeque::new() }
    }

    /// The port is open, and its rate is looked for.
    pub fn handle_probing(&mut self) {
        self.say("open and ours alone; looking for its rate".to_owned());
    }

    /// The port is open at this rate; 0 where there is none.
    pub fn handle_up(&mut self, now: Mono, baud: u32) {
        if let Stage::Opening = self.stage {
            self.say(if baud == 0 { "connected".to_owned() } else { format!("open and ours alone, at {baud} bit/s") });
            self.stage = Stage::Listening { until: now.after(LISTENS) };
        }
    }

    /// It cannot go on.
    pub fn handle_end(&mut self, verdict: Verdict) {
        self.stage = Stage::Over(verdict);
    }

    /// A frame came.
    pub fn handle_frame(&mut self, now: Mono, payload: &[u8]) {
        match &self.stage {
            Stage::Echoing { bytes, since, .. } if payload.ends_with(bytes) => {
                if payload.len() > bytes.len() + 1 {
                    self.echoes.answer(now.since(*since));
                } else {
                    self.echoes.reflected += 1;
                }
                self.go_on();
            }
            Stage::Listening { .. } => self.frames += 1,
            Stage::Opening | Stage::Ready | Stage::Echoing { .. } | Stage::Tried | Stage::Over(_) => {}
        }
    }

    /// A request is out, or never will be.
    pub fn handle_write_end(&mut self, now: Mono, end: WriteEnd) {
        let Stage::Echoing { since, .. } = &mut self.stage else { return };
        match end {
            WriteEnd::Written => *since = now,
            WriteEnd::Expired | WriteEnd::Busy | WriteEnd::PortDown | WriteEnd::NoSuchPort | WriteEnd::BadLength => {
                self.echoes.held_up += 1;
                self.go_on();
            }
        }
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: Mono) {
        match &self.stage {
            Stage::Listening { until } if *until <= now => {
                self.say(format!("{} frames within {} s", self.frames, LISTENS.as_secs()));
                self.stage = Stage::Ready;
            }
            Stage::Echoing { until, .. } if *until <= now => self.go_on(),
            Stage::Opening | Stage::Listening { .. } | Stage::Ready | Stage::Echoing { .. } | Stage::Tried | Stage::Over(_) => {}
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match &self.stage {
            // A request that is not out by its deadline ends by itself, a moment before this.
            Stage::Listening { until } | Stage::Echoing { until, .. } => Some(*until),
            Stage::Opening | Stage::Ready | Stage::Tried | Stage::Over(_) => None,
        }
    }

    /// What is to be sent next, and until when.
    pub fn poll_echo(&mut self, now: Mono) -> Option<(Vec<u8>, Mono)> {
        let Stage::Ready = self.stage else { return None };
        let first = self.echoes.requested.wrapping_mul(31);
        let bytes: Vec<u8> = (0..ECHO_BYTES).map(|at| first.wrapping_add(at.wrapping_mul(13))).collect();
        let payload = [&[REQUEST][..], &bytes].concat();
        let until = now.after(ANSWERS_WITHIN);
        self.echoes.requested += 1;
        self.stage = Stage::Echoing { bytes, since: now, until: until.after(Duration::from_millis(10)) };
        Some((payload, until))
    }

    /// What a person is told next.
    pub fn poll_line(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    /// What came of it, once it is over.
    pub fn verdict(&self, report: &PortReport) -> Option<Verdict> {
        match &self.stage {
            Stage::Over(verdict) => Some(verdict.clone()),
            Stage::Tried => Some(self.judge(report)),
            Stage::Opening | Stage::Listening { .. } | Stage::Ready | Stage::Echoing { .. } => None,
        }
    }

    fn go_on(&mut self) {
        let Echoes { requested, answered, reflected, .. } = self.echoes;
        let is_hopeless = requested >= ENOUGH_SILENCE && answered == 0 && reflected == 0;
        self.stage = if requested == ECHOES || is_hopeless { Stage::Tried } else { Stage::Ready };
        if let Stage::Tried = self.stage {
            self.say(self.echoes.to_string());
        }
    }

    fn judge(&self, report: &PortReport) -> Verdict {
        let Echoes { requested, answered, reflected, held_up, .. } = self.echoes;
        if reflected > 0 {
            return Verdict::Unavailable("what is sent comes straight back: the line is looped, and there is no mote on it".to_owned());
        }
        if answered == requested {
            return Verdict::Fine(match self.frames {
                0 => "a mote answers, though it says nothing of itself".to_owned(),
                _ => "an OpenWSN mote speaks and answers".to_owned(),
            });
        }
        if answered > 0 {
            let lost = requested - answered;
            return Verdict::Unavailable(format!(
                "a mote answers, but {lost} of {requested} echoes were lost: a bad cable or hub, or a rate that is a little off"
            ));
        }
        if held_up > 0 {
            return Verdict::Unavailable("the mote wants silence (XOFF) and never ends it: reset it".to_owned());
        }
        if self.frames > 0 {
            return Verdict::Unavailable("a mote speaks, but does not answer: is the line towards it connected?".to_owned());
        }
        let counters = &report.counters;
        if counters.noise_bytes > 0 || !counters.faults.is_empty() {
            return Verdict::Unavailable(format!(
                "{} bytes have come, and no frame among them: probably the rate is wrong; try --check {},baud=auto",
                counters.rx_bytes, report.port
            ));
        }
        Verdict::Unavailable(format!(
            "nothing comes and nothing answers: is there a mote, powered, with OpenWSN? Is it at {} bit/s?",
            report.baud
        ))
    }

    fn say(&mut self, line: String) {
        self.lines.push_back(line);
    }
}

impl Echoes {
    fn answer(&mut self, after: Duration) {
        self.answered += 1;
        self.quickest = Some(self.quickest.map_or(after, |quickest| quickest.min(after)));
        self.slowest = self.slowest.max(after);
    }
}

impl fmt::Display for Echoes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} echoes of {ECHO_BYTES} bytes came back", self.answered, self.requested)?;
        match self.quickest {
            None => Ok(()),
            Some(quickest) => write!(f, ", in {:.1} to {:.1} ms", quickest.as_secs_f64() * 1e3, self.slowest.as_secs_f64() * 1e3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::{Generation, PortName};
    use mqtypes::serial::{PortCounters, PortState};

    fn report(counters: PortCounters) -> PortReport {
        let port = PortName("/dev/ttyUSB0".to_owned());
        PortReport { port, generation: Generation(1), state: PortState::Up, since: Mono(0), baud: 115_200, counters }
    }

    /// Goes through an examination: `frames` are heard, and each request is answered by `answer`.
    fn examine(frames: u32, counters: &PortCounters, answer: impl Fn(u8, &[u8]) -> Option<Vec<u8>>) -> (Verdict, Vec<String>) {
        let mut examination = Examination::new();
        let mut now = Mono(0);
        examination.handle_up(now, 115_200);
        for _ in 0..frames {
            examination.handle_frame(now, b"S");
        }
        let mut number = 0;
        loop {
            if let Some((payload, _)) = examination.poll_echo(now) {
                examination.handle_write_end(now, WriteEnd::Written);
                now = now.after(Duration::from_millis(5));
                if let Some(answer) = answer(number, &payload) {
                    examination.handle_frame(now, &answer);
                }
                number += 1;
            }
            if let Some(verdict) = examination.verdict(&report(counters.clone())) {
                return (verdict, std::iter::from_fn(|| examination.poll_line()).collect());
            }
            if let Some(at) = examination.poll_timeout() {
                now = now.max(at);
                examination.handle_timeout(now);
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is one of several answers")]
    fn echo(_number: u8, request: &[u8]) -> Option<Vec<u8>> {
        Some([b"Dididididi".get(..8).unwrap_or_default(), &request[1..]].concat())
    }

    fn silence(_number: u8, _request: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn check((verdict, lines): &(Verdict, Vec<String>), code: u8, words: &str) {
        assert!(verdict.code() == code && verdict.to_string().contains(words), "{verdict:?} {lines:?}");
    }

    #[test]
    fn a_mote_that_speaks_and_answers_is_fine() {
        let (verdict, lines) = examine(11, &PortCounters::default(), echo);
        assert_eq!(verdict, Verdict::Fine("an OpenWSN mote speaks and answers".to_owned()));
        let expect =
            ["open and ours alone, at 115200 bit/s", "11 frames within 1 s", "10 of 10 echoes of 20 bytes came back, in 5.0 to 5.0 ms"];
        assert_eq!(lines, expect);
    }

    #[test]
    fn what_is_wrong_is_told_with_the_way_out() {
        let noise = PortCounters { noise_bytes: 500, rx_bytes: 500, ..PortCounters::default() };
        check(&examine(0, &PortCounters::default(), echo), 0, "says nothing of itself");
        check(&examine(5, &PortCounters::default(), silence), 69, "line towards it");
        check(&examine(0, &noise, silence), 69, "--check /dev/ttyUSB0,baud=auto");
        check(&examine(0, &PortCounters::default(), silence), 69, "is there a mote");
        check(&examine(0, &PortCounters::default(), |_, request| Some(request.to_vec())), 69, "looped");
        let every_third_is_lost = |number: u8, request: &[u8]| if number % 3 == 2 { None } else { echo(number, request) };
        check(&examine(5, &PortCounters::default(), every_third_is_lost), 69, "3 of 10");
    }

    #[test]
    fn a_mote_that_never_ends_its_silence_is_told_as_such() {
        let mut examination = Examination::new();
        examination.handle_up(Mono(0), 115_200);
        examination.handle_timeout(Mono(0).after(LISTENS));
        for _ in 0..ENOUGH_SILENCE {
            examination.poll_echo(Mono(2)).expect("next");
            examination.handle_write_end(Mono(3), WriteEnd::Expired);
        }
        let verdict = examination.verdict(&report(PortCounters::default())).expect("over");
        check(&(verdict, vec![]), 69, "XOFF");
    }

    #[test]
    fn each_class_has_its_exit_code() {
        let codes = [Verdict::Fine, Verdict::Unavailable, Verdict::Wrong].map(|verdict| verdict(String::new()).code());
        assert_eq!(codes, [0, 69, 78]);
    }
}
