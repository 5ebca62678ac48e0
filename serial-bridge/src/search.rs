//! The search for a mote's rate, among several.
//!
//! A mote that talks proves a rate without being asked, and nothing is sent to it. Only where nothing is heard for a while
//! are echoes requested. When no rate has answered, the search rests at the first one, listening, and begins again.

use std::time::Duration;

use mqtypes::mono::Mono;

use crate::rates::Rates;

/// A mote reports ten times a second; one that was just reset takes a second to begin.
const LISTENS: Duration = Duration::from_millis(1_500);

/// A mote answers within 8 ms, and in the worst case when its longest slot (160 ms) and its output ring are through.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Requests at each rate.
const REQUESTS: u32 = 2;

/// Between the first round that found nothing and the next one; then ever longer.
const RESTS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));

/// The search for a rate.
#[derive(Debug)]
pub struct Search {
    rates: Rates,
    at: usize,
    rounds: u32,
    stage: Stage,
    /// At this rate.
    right: u32,
    wrong: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Listening { until: Mono },
    Echoing { requests: u32, until: Mono },
    Resting { until: Mono },
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Request an echo; it is worth nothing after this moment.
    Request(Mono),
    /// Set this rate.
    Tune(u32),
}

/// How it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// Not every rate was tried yet.
    Looking,
    /// No rate has answered; the search goes on.
    FoundNothing,
}

impl Search {
    /// Begins at the first rate.
    pub fn new(rates: Rates, now: Mono) -> Self {
        let stage = Stage::Listening { until: now.after(LISTENS) };
        Self { rates, at: 0, rounds: 0, stage, right: 0, wrong: 0 }
    }

    /// A frame ended at this rate, as a frame should.
    pub fn count_right(&mut self) {
        self.right += 1;
    }

    /// Bytes between two flags were no frame.
    pub fn count_wrong(&mut self) {
        self.wrong += 1;
    }

    /// Is this the rate? One garbled frame in 65,536 has a right CRC, so that right ones must not be few among wrong ones.
    pub fn is_proven(&self) -> bool {
        self.right > 0 && self.right >= self.wrong
    }

    /// How it looks.
    pub fn outlook(&self) -> Outlook {
        if self.rounds == 0 { Outlook::Looking } else { Outlook::FoundNothing }
    }

    /// The device does not do the rate it was asked for; tells the next step, unless no rate is left.
    pub fn handle_refused(&mut self, now: Mono) -> Option<Step> {
        self.rates = self.rates.without(self.at)?;
        Some(self.tune(now))
    }

    /// The rates that are looked through.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: Mono) -> Option<Step> {
        match self.stage {
            Stage::Listening { until } | Stage::Resting { until } if until <= now => Some(self.request(1, now)),
            Stage::Echoing { requests, until } if until <= now => {
                if requests < REQUESTS {
                    return Some(self.request(requests + 1, now));
                }
                self.at += 1;
                Some(self.tune(now))
            }
            Stage::Listening { .. } | Stage::Resting { .. } | Stage::Echoing { .. } => None,
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Mono {
        match self.stage {
            Stage::Listening { until } | Stage::Resting { until } | Stage::Echoing { until, .. } => until,
        }
    }

    fn request(&mut self, requests: u32, now: Mono) -> Step {
        let until = now.after(ANSWERS_WITHIN);
        self.stage = Stage::Echoing { requests, until };
        Step::Request(until)
    }

    /// On to the rate at `at`, or, behind the last, to a rest at the first.
    fn tune(&mut self, now: Mono) -> Step {
        (self.right, self.wrong) = (0, 0);
        if let Some(rate) = self.rates.get(self.at) {
            self.stage = Stage::Listening { until: now.after(LISTENS) };
            return Step::Tune(rate);
        }
        let rest = RESTS.0.saturating_mul(1 << self.rounds.min(8)).min(RESTS.1);
        self.rounds = self.rounds.saturating_add(1);
        self.at = 0;
        self.stage = Stage::Resting { until: now.after(rest) };
        Step::Tune(self.rates.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        Search::new("115200+500000".parse().expect("rates"), Mono(0))
    }

    /// What a search does in which no mote is heard.
    fn steps(search: &mut Search, end: Duration) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        while search.poll_timeout() < Mono(0).after(end) {
            let now = search.poll_timeout();
            steps.push((now.0 / 1_000, search.handle_timeout(now).expect("due")));
            assert!(search.poll_timeout() > now);
        }
        steps
    }

    #[test]
    fn each_rate_is_listened_to_and_then_asked_twice() {
        let mut search = search();
        let end = |ms: u64| Mono(ms * 1_000);
        let expect = [
            (1_500, Step::Request(end(2_500))),
            (2_500, Step::Request(end(3_500))),
            (3_500, Step::Tune(500_000)),
            (5_000, Step::Request(end(6_000))),
            (6_000, Step::Request(end(7_000))),
            (7_000, Step::Tune(115_200)),
            (12_000, Step::Request(end(13_000))),
        ];
        assert_eq!(steps(&mut search, Duration::from_millis(12_500)), expect);
        assert_eq!(search.outlook(), Outlook::FoundNothing);
    }

    #[test]
    fn a_search_that_finds_nothing_goes_on_ever_more_slowly() {
        let mut search = search();
        let hour = steps(&mut search, Duration::from_hours(1)).len();
        let day = steps(&mut search, Duration::from_hours(25)).len() + hour;
        assert!((300..500).contains(&hour) && day > 20 * hour, "{hour} {day}");
    }

    #[test]
    fn a_frame_proves_a_rate_and_luck_does_not() {
        let mut search = search();
        search.count_wrong();
        assert!(!search.is_proven());
        search.count_right();
        assert!(search.is_proven());
        search.count_wrong();
        search.count_wrong();
        assert!(!search.is_proven());
    }

    #[test]
    fn a_rate_that_the_device_refuses_is_left_out() {
        let mut search = search();
        assert_eq!(search.handle_refused(Mono(0)), Some(Step::Tune(500_000)));
        assert_eq!(search.rates(), &Rates::fixed(500_000));
        assert_eq!(search.handle_refused(Mono(0)), None);
        let mut search = self::search();
        let now = steps(&mut search, Duration::from_secs(4)).last().map(|(ms, _)| Mono(ms * 1_000)).expect("tuned");
        assert_eq!(search.handle_refused(now), Some(Step::Tune(115_200)));
        assert_eq!(search.outlook(), Outlook::FoundNothing);
    }
}
