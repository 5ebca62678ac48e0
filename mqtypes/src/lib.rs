//! What the processes of the border router may say to each other.
//!
//! Plain data and one codec: no I/O, no clock, no threads. The bytes are a promise: a queue outlives
//! its processes, so yesterday's messages really do arrive. Variants are appended, never reordered;
//! `tests/golden` pins every one of them for each protocol version.
//!
//! A queue message is an [`envelope::Envelope`] followed by one or more items, back to back. Which
//! items a queue takes, who reads it and who may write to it stands in [`queues`].

pub mod broker;
pub mod codec;
pub mod command;
pub mod count;
pub mod envelope;
pub mod health;
pub mod ids;
pub mod log;
pub mod mesh;
pub mod mono;
pub mod mote;
pub mod names;
pub mod queues;
pub mod serial;
pub mod status;
pub mod wake;
