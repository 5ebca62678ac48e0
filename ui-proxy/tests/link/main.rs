//! The real program between a test that plays `eventbus` and a test that plays the GUI host.
//!
//! One set of queues at a time, under a name of its own, removed at the end.

mod bad_input;
mod bench;
#[path = "../schema/mod.rs"]
mod judge;
mod life;
mod slow_host;
