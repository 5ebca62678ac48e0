//! What can be asked of history, and the form of the answers.
//!
//! `history` asks for charts: one answer of a bounded size, whatever the span. `history.export` asks
//! for everything that was kept, as a file.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use super::{
    record::Mark,
    ring::{Point, Ring, SPAN},
    series::Quantity,
    steps::{Span, Steps, Told},
};
use crate::{
    clock::Now,
    hub::model::{Text, to_text},
    link::message::is_eui64,
};

/// Most points of an answer, over all its series.
pub const MAX_POINTS: u64 = 10_000;

/// Most marks of an answer; the newest count.
pub const MAX_MARKS: usize = 500;

/// Shortest step: more than one reading a second is not kept.
const MIN_STEP: u64 = 1000;

/// Latest moment that makes sense, Unix ms: numbers of JavaScript are exact up to here.
const MAX_MOMENT: u64 = 1 << 53;

/// Longest id of a router (as the handshake takes it).
const MAX_LBR: usize = 64;

/// The parameters of `history`, as they come.
#[derive(Debug, Deserialize)]
pub struct RawCharts {
    lbr: String,
    mote: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
    step_ms: Option<u64>,
}

/// The charts of one mote or router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charts {
    /// The router.
    pub lbr: String,
    /// The mote; none for the router itself.
    pub mote: Option<String>,
    /// When, and how closely.
    pub span: Span,
}

impl RawCharts {
    /// Checks the question, and widens the step to what an answer can hold. The error is for a person.
    pub fn check(self, now: Now) -> Result<Charts, String> {
        check_names(Some(&self.lbr), self.mote.as_deref())?;
        let to = self.to.unwrap_or(now.unix_ms);
        let from = self.from.unwrap_or(to.saturating_sub(SPAN));
        check_moments(from, to)?;
        // Steps begin at whole seconds, as the page's own do, so that both fit into one ring.
        let from = from / MIN_STEP * MIN_STEP;
        let span = Span { from, to: to.max(from + 1), step: MIN_STEP };
        let charts = Charts { lbr: self.lbr, mote: self.mote, span };
        let least = (span.to - from).div_ceil(MAX_POINTS / charts.quantities().len() as u64);
        let step = self.step_ms.unwrap_or(MIN_STEP).clamp(MIN_STEP, MAX_MOMENT).max(least).div_ceil(MIN_STEP) * MIN_STEP;
        Ok(Charts { span: Span { step, ..span }, ..charts })
    }
}

impl Charts {
    /// Its series.
    pub fn quantities(&self) -> &'static [Quantity] {
        match self.mote {
            Some(_) => &Quantity::OF_MOTE,
            None => &Quantity::OF_ROUTER,
        }
    }

    /// What the ring has for it.
    pub fn recent(&self, ring: &Ring) -> Recent {
        let points = |&quantity: &Quantity| ring.points(&self.lbr, self.mote.as_deref(), quantity);
        Recent { series: self.quantities().iter().map(points).collect(), marks: ring.marks(&self.lbr, self.mote.as_deref()) }
    }

    /// The answer from both: what the archive told, and after it what the ring has.
    ///
    /// `older` gives the points of a series to its last argument, oldest first; those that the ring has too do not
    /// count twice.
    pub fn answer<E>(
        &self,
        recent: &Recent,
        marks: Vec<Mark>,
        kept: Kept<'_>,
        mut older: impl FnMut(Quantity, &mut dyn FnMut(Point)) -> Result<(), E>,
    ) -> Result<Text, E> {
        let mut series = Vec::new();
        for (&quantity, recent) in self.quantities().iter().zip(&recent.series) {
            let mut steps = Steps::new(self.span, quantity);
            let begin = recent.first().map_or(u64::MAX, |point| point.t);
            older(quantity, &mut |point| {
                if point.t < begin {
                    steps.handle_point(point);
                }
            })?;
            for &point in recent {
                steps.handle_point(point);
            }
            series.push((quantity, steps.finish()));
        }
        Ok(to_text(&Answer {
            lbr: &self.lbr,
            mote: self.mote.as_deref(),
            from: self.span.from,
            to: self.span.to,
            step_ms: self.span.step,
            kept,
            series: Series(series),
            marks: self.marks(recent, marks),
        }))
    }

    fn marks(&self, recent: &Recent, mut marks: Vec<Mark>) -> Vec<Mark> {
        for mark in &recent.marks {
            if !marks.iter().any(|known| mark.repeats(known)) {
                marks.push(mark.clone());
            }
        }
        marks.retain(|mark| (self.span.from..=self.span.to).contains(&mark.t));
        marks.sort_by_key(|mark| mark.t);
        marks.split_off(marks.len().saturating_sub(MAX_MARKS))
    }
}

/// What the ring has for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Recent {
    series: Vec<Vec<Point>>,
    marks: Vec<Mark>,
}

/// Where an answer is from.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Kept<'a> {
    /// `database`, or `memory`: the last quarter of an hour since the host's start.
    pub from: &'static str,
    /// Why there is no database, or what it lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<&'a str>,
    /// Records that were lost since the host's start.
    pub lost: u64,
}

#[derive(Serialize)]
struct Answer<'a> {
    lbr: &'a str,
    mote: Option<&'a str>,
    from: u64,
    to: u64,
    step_ms: u64,
    kept: Kept<'a>,
    series: Series,
    marks: Vec<Mark>,
}

struct Series(Vec<(Quantity, Told)>);

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (quantity, points) in &self.0 {
            map.serialize_entry(quantity.name(), points)?;
        }
        map.end()
    }
}

/// The parameters of `history.export`, as they come.
#[derive(Debug, Deserialize)]
pub struct RawExport {
    lbr: Option<String>,
    mote: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
    format: Format,
}

/// A part of history as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Of one router alone.
    pub lbr: Option<String>,
    /// Of one mote alone.
    pub mote: Option<String>,
    /// From when, Unix ms.
    pub from: u64,
    /// Until when.
    pub to: u64,
    /// How it is written.
    pub format: Format,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For spreadsheets: commas, CRLF, a line of names first (RFC 4180).
    Csv,
    /// For programs: a JSON object a line.
    Jsonl,
}

impl RawExport {
    /// Checks the question. The error is for a person.
    pub fn check(self, now: Now) -> Result<Export, String> {
        let (from, to) = (self.from.unwrap_or(0), self.to.unwrap_or(now.unix_ms));
        Export { lbr: self.lbr, mote: self.mote, from, to, format: self.format }.check()
    }
}

impl Export {
    /// Checks names and times. The error is for a person.
    pub fn check(self) -> Result<Self, String> {
        check_names(self.lbr.as_deref(), self.mote.as_deref())?;
        check_moments(self.from, self.to)?;
        Ok(self)
    }
}

fn check_names(lbr: Option<&str>, mote: Option<&str>) -> Result<(), String> {
    if lbr.is_some_and(|lbr| lbr.is_empty() || lbr.len() > MAX_LBR) {
        return Err(format!("lbr: must be the id of a border router, of 1 to {MAX_LBR} bytes"));
    }
    if mote.is_some_and(|mote| !is_eui64(mote)) {
        return Err("mote: must be 16 lower-case hex digits".to_owned());
    }
    Ok(())
}

fn check_moments(from: u64, to: u64) -> Result<(), String> {
    if to > MAX_MOMENT {
        return Err("to: must be Unix time in milliseconds".to_owned());
    }
    if from > to {
        return Err("from: must not be later than to".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::history::{
        record::{Event, Fact, Record},
        series::Reading,
    };

    const MOTE: &str = "141592cc00000001";

    fn charts(params: Value) -> Result<Charts, String> {
        serde_json::from_value::<RawCharts>(params).unwrap().check(Now::start())
    }

    #[test]
    fn a_step_is_widened_until_the_answer_fits() {
        let step = |params| charts(params).unwrap().span.step;
        let (from, day) = (1_690_000_000_000_u64, 86_400_000);
        assert_eq!(step(json!({"lbr": "a", "mote": MOTE, "from": from, "to": from + 900_000, "step_ms": 1000})), 1000);
        assert_eq!(step(json!({"lbr": "a", "mote": MOTE, "from": from, "to": from + day, "step_ms": 1000})), 52_000);
        assert_eq!(step(json!({"lbr": "a", "from": from, "to": from + day, "step_ms": 1000})), 26_000);
        assert_eq!(step(json!({"lbr": "a", "from": from, "to": from + day, "step_ms": 3_600_000})), 3_600_000);
        assert_eq!(step(json!({"lbr": "a", "step_ms": 0})), 1000);
    }

    #[test]
    fn without_times_the_last_quarter_of_an_hour_is_meant() {
        let span = charts(json!({"lbr": "a", "mote": MOTE})).unwrap().span;
        assert_eq!(span, Span { from: 1_700_000_000_000 - SPAN, to: 1_700_000_000_000, step: 1000 });
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        let error = |params| charts(params).unwrap_err();
        assert!(error(json!({"lbr": ""})).contains("lbr"));
        assert!(error(json!({"lbr": "a", "mote": "x"})).contains("mote"));
        assert!(error(json!({"lbr": "a", "from": 5, "to": 4})).contains("from"));
        assert!(error(json!({"lbr": "a", "from": 5, "to": u64::MAX})).contains("to"));
    }

    #[test]
    fn old_points_and_recent_ones_make_one_answer() {
        let charts = charts(json!({"lbr": "a", "mote": MOTE, "from": 10_000, "to": 14_000})).unwrap();
        let mut ring = Ring::default();
        let mut push = |t, fact| ring.push(&Record { lbr: "a".into(), mote: Some(MOTE.into()), t, fact });
        push(12_500, Fact::Value(Quantity::Queue, Reading::plain(5.0)));
        push(12_000, Fact::Event(Event::Boot { boots: 2 }));
        let boot = |t, boots| Mark { t, kind: "boot".to_owned(), name: String::new(), value: Some(boots), text: String::new() };
        let old = vec![boot(11_000, 1.0), boot(11_999, 2.0)];
        let kept = Kept { from: "database", trouble: None, lost: 0 };
        let text = charts
            .answer::<()>(&charts.recent(&ring), old, kept, |quantity, tell| {
                if quantity == Quantity::Queue {
                    for t in [11_000, 12_500, 13_000] {
                        tell(Point { t, value: Some(1.0) });
                    }
                }
                Ok(())
            })
            .unwrap();
        let answer: Value = serde_json::from_str(text.get()).unwrap();
        assert_eq!(
            answer,
            json!({
                "lbr": "a", "mote": MOTE, "from": 10_000, "to": 14_000, "step_ms": 1000, "kept": {"from": "database", "lost": 0},
                "series": {
                    "prr": [], "rssi": [], "queue": [[11_000, 1.0], [12_000, 5.0], [13_000, 5.0]], "rank": [], "asn_rate": [], "duty": []
                },
                "marks": [{"t": 11_000, "kind": "boot", "value": 1.0}, {"t": 11_999, "kind": "boot", "value": 2.0}]
            })
        );
    }

    proptest! {
        #[test]
        fn no_question_makes_an_answer_too_large(
            from: Option<u64>, to: Option<u64>, step_ms: Option<u64>, mote in prop::option::of(Just(MOTE)),
        ) {
            if let Ok(charts) = charts(json!({"lbr": "a", "mote": mote, "from": from, "to": to, "step_ms": step_ms})) {
                let Span { from, to, step } = charts.span;
                prop_assert!(from < to && step >= MIN_STEP);
                prop_assert!((to - from).div_ceil(step) * charts.quantities().len() as u64 <= MAX_POINTS);
            }
        }
    }
}
