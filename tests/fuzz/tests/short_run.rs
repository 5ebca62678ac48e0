//! Every target, for about a second, with the same inputs each time.

use std::time::Duration;

use lbr_fuzz::TARGETS;
use lbr_fuzz::allocation::Counting;
use lbr_fuzz::harness::campaign::{self, Plan};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_target_fails_in_a_short_run() {
    for target in TARGETS {
        // The time bounds what a busy machine makes of it; the first executions are the same everywhere.
        let plan = Plan { executions: target.short_run, time: Some(Duration::from_secs(10)), seed: 1 };
        let report = campaign::run(target, plan);
        report.keep_failures();
        assert!(report.failures.is_empty(), "{report}");
        assert!(report.outcomes.len() > 1 && report.held > 0, "it reached nothing: {report}");
    }
}
