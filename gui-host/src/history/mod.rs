//! What was: figures, events and counters of all routers over time.
//!
//! `chronicle` looks at what routers say and samples it; the ring keeps the last quarter of an hour
//! in memory, the archive the last weeks in a database. `desk` answers what viewers ask. Nothing here
//! can hold up the hub: it is told by value, in bounded queues, and what does not fit is counted.
//!
//! A series is named by router, mote and quantity. Its values are kept when they change or every ten
//! seconds, at most one a second, with the host's Unix time in milliseconds: routers' clocks may be
//! years off, but the ages they tell are right.

pub mod archive;
pub mod chronicle;
pub mod civil;
mod counters;
pub mod desk;
mod elements;
pub mod export;
pub mod ledger;
mod moment;
mod mote;
pub mod question;
mod reading;
pub mod record;
mod ring;
mod series;
mod steps;
pub mod store;
#[cfg(test)]
mod tests;
mod track;
