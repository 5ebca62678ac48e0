//! Readings at any times as one value a step, for charts.
//!
//! A reading stands until the next one, but no longer than its quantity lets it. Where none stands
//! there is a gap, and a gap is told once, where it begins. Takes its points one by one, in order,
//! and keeps no more than the steps.

use super::{
    ring::Point,
    series::{Fold, Quantity},
};

/// Steps from `from`, each of `step` milliseconds, none beyond `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where the first step begins, Unix ms.
    pub from: u64,
    /// Where the last ends.
    pub to: u64,
    /// The length of a step; never 0.
    pub step: u64,
}

impl Span {
    fn len(self) -> usize {
        (self.to.saturating_sub(self.from)).div_ceil(self.step) as usize
    }
}

/// `[t, value]`, `t` where a step begins, and `[t, null]` where a gap does.
pub type Told = Vec<(u64, Option<f64>)>;

/// The steps of one series.
#[derive(Debug)]
pub struct Steps {
    span: Span,
    fold: Fold,
    stands: u64,
    open: Option<Point>,
    each: Vec<Step>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// Sum of value times milliseconds, and of milliseconds.
    sum: f64,
    ms: f64,
    last: f64,
    most: f64,
}

impl Steps {
    /// Steps without readings.
    pub fn new(span: Span, quantity: Quantity) -> Self {
        Self { span, fold: quantity.fold(), stands: quantity.stands(), open: None, each: vec![Step::default(); span.len()] }
    }

    /// Takes the next point; one that is not later than the last takes its place.
    pub fn handle_point(&mut self, point: Point) {
        if let Some(open) = self.open.replace(point) {
            self.stand(open, point.t);
        }
    }

    /// What a viewer is told.
    pub fn finish(mut self) -> Told {
        if let Some(open) = self.open {
            self.stand(open, self.span.to);
        }
        let mut told = Told::new();
        for (number, step) in self.each.iter().enumerate() {
            let value = (step.ms > 0.0).then(|| rounded(step.folded(self.fold)));
            let is_gap_already = told.last().is_none_or(|(_, last)| last.is_none());
            if value.is_some() || !is_gap_already {
                told.push((self.span.from + number as u64 * self.span.step, value));
            }
        }
        told
    }

    fn stand(&mut self, point: Point, until: u64) {
        let Some(value) = point.value else { return };
        let until = until.min(point.t.saturating_add(self.stands)).min(self.span.to);
        let mut t = point.t.max(self.span.from);
        while t < until {
            let number = (t - self.span.from) / self.span.step;
            let end = (self.span.from + (number + 1) * self.span.step).min(until);
            self.each[number as usize].add(value, (end - t) as f64);
            t = end;
        }
    }
}

impl Step {
    fn add(&mut self, value: f64, ms: f64) {
        self.most = if self.ms > 0.0 { self.most.max(value) } else { value };
        self.last = value;
        self.sum += value * ms;
        self.ms += ms;
    }

    fn folded(&self, fold: Fold) -> f64 {
        match fold {
            Fold::Mean => self.sum / self.ms,
            Fold::Last => self.last,
            Fold::Most => self.most,
        }
    }
}

/// A chart shows no more, and the text of a mean would be long.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(quantity: Quantity, span: (u64, u64, u64), points: &[(u64, Option<f64>)]) -> Told {
        let (from, to, step) = span;
        let mut steps = Steps::new(Span { from, to, step }, quantity);
        for &(t, value) in points {
            steps.handle_point(Point { t, value });
        }
        steps.finish()
    }

    #[test]
    fn a_value_stands_until_the_next_and_a_gap_is_told_once() {
        let told = steps(Quantity::Queue, (10_000, 50_000, 5000), &[(1000, Some(3.0)), (22_000, Some(4.0)), (27_000, None)]);
        let expect = [(10_000, Some(3.0)), (15_000, Some(3.0)), (20_000, Some(4.0)), (25_000, Some(4.0)), (30_000, None)];
        assert_eq!(told, expect);
        let late = steps(Quantity::Queue, (0, 50_000, 10_000), &[(15_000, Some(1.0))]);
        assert_eq!(late, [(10_000, Some(1.0)), (20_000, Some(1.0)), (30_000, Some(1.0)), (40_000, Some(1.0))]);
    }

    #[test]
    fn a_silent_mote_has_no_value_for_long() {
        let told = steps(Quantity::Rank, (0, 100_000, 10_000), &[(0, Some(512.0))]);
        assert_eq!(told, [(0, Some(512.0)), (10_000, Some(512.0)), (20_000, Some(512.0)), (30_000, None)]);
        assert_eq!(steps(Quantity::Rank, (0, 100_000, 10_000), &[]), []);
    }

    #[test]
    fn values_of_one_step_become_one_as_their_quantity_wants() {
        let points = [(0, Some(0.0)), (1000, Some(8.0)), (2000, Some(4.0))];
        let folded = |quantity| steps(quantity, (0, 4000, 4000), &points);
        assert_eq!(folded(Quantity::StatusRate), [(0, Some(4.0))]);
        assert_eq!(folded(Quantity::Queue), [(0, Some(8.0))]);
        assert_eq!(folded(Quantity::Duty), [(0, Some(4.0))]);
    }

    proptest! {
        #[test]
        fn no_points_make_more_than_the_steps_or_a_value_out_of_their_range(
            mut points in prop::collection::vec((0_u64..200_000, prop::option::of(-100.0..100.0_f64)), 0..60),
            from in 0_u64..100_000, length in 0_u64..150_000, step in 1_u64..60_000,
        ) {
            points.sort_by_key(|&(t, _)| t);
            let span = Span { from, to: from + length, step };
            let told = steps(Quantity::Rssi, (span.from, span.to, step), &points);
            prop_assert!(told.len() <= span.len());
            for pair in told.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0 && (pair[0].1.is_some() || pair[1].1.is_some()));
            }
            for (t, value) in told {
                prop_assert!((span.from..span.to).contains(&t) && value.is_none_or(|value| (-100.0..=100.0).contains(&value)));
            }
        }

        #[test]
        fn unordered_points_do_not_make_it_panic(points in prop::collection::vec((any::<u64>(), any::<Option<f64>>()), 0..40)) {
            steps(Quantity::Prr, (1_000_000, 2_000_000, 1000), &points);
        }
    }
}
