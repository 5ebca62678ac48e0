//! Drives a target with stable Rust: inputs changed at random, from a seed, so that a run can be repeated.
//!
//! It sees nothing of the target's inside. In place of coverage it keeps the inputs that led to an outcome seldom seen before,
//! and changes those further. An execution fails when it panics, when it holds more memory than it may, or when it does not
//! come back.

pub mod campaign;
pub mod chance;
pub mod corpus;
pub mod execution;
pub mod failure;
pub mod mutation;
pub mod watch;
