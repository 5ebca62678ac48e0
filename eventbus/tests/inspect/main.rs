//! The real `mq-inspect` against a real `eventbus`, over real queues; the test plays `serial-bridge`.
//!
//! Every test has an instance of its own, and removes its queues; one set is alive at a time, because
//! a user's queues have a common limit.

mod command_line;
mod drain;
mod figures;
mod list;
mod motes;
mod send;
mod stage;
mod tap;
mod unlink;
mod users;
