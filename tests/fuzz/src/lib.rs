//! Fuzz targets: one function for each reader of bytes from outside, with all that must hold whatever the bytes.
//!
//! A target takes an input and panics when something does not hold. `cargo fuzz` drives the targets with coverage, where
//! nightly Rust is at hand; [`harness`] drives them with stable Rust, blindly but fast. Both start from the same inputs, which
//! are taken from the recordings, the golden bytes and the documents whenever they are needed, and never stored.

pub mod allocation;
pub mod harness;
mod reader;
pub mod seeds;

pub mod codec;
pub mod config;
pub mod data;
pub mod frame;
pub mod hub;
pub mod line;
pub mod log;
pub mod lowpan;
pub mod printf;
pub mod sniffed;
pub mod status;
pub mod to_mote;
pub mod ui_json;

use std::borrow::Cow;

use harness::chance::Chance;

/// What an input led to, in a few words. Of all inputs, those that led somewhere new are worth changing further.
pub type Outcome = Cow<'static, str>;

/// Stands between the parts of an outcome, if there are several.
pub const AND: &str = " + ";

/// An outcome of these parts, or of none.
fn outcome<'a>(parts: impl IntoIterator<Item = &'a str>) -> Outcome {
    let parts: Vec<_> = parts.into_iter().collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(AND).into() }
}

/// A reader of bytes from outside, and what the harness needs to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Gives it an input. Panics when something does not hold that must hold.
    pub run: fn(&[u8]) -> Outcome,
    /// Genuine inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Repairs what changing bytes at random has broken (a CRC, a length, a prefix), so that inputs pass the first check and
    /// reach what lies behind it.
    pub repair: fn(&mut Vec<u8>, &mut Chance),
    /// The longest input, bytes.
    pub longest: usize,
    /// The most memory that one execution may hold at once, bytes.
    pub most_held: usize,
    /// Executions of a short run in a debug build: about a second's worth.
    pub short_run: u64,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    line::TARGET,
    frame::TARGET,
    status::TARGET,
    log::TARGET,
    data::TARGET,
    printf::TARGET,
    sniffed::TARGET,
    to_mote::TARGET,
    lowpan::TARGET,
    hub::TARGET,
    codec::TARGET,
    ui_json::TARGET,
    config::TARGET,
];
