//! The configuration: one TOML file for all processes, beside the command line.
//!
//! A key is a flag's long name, and the file says nothing that a flag cannot: its values become arguments, and the command
//! line's parser judges both. [`begin`] reads both at the start, [`Configuration::reload`] when `SIGHUP` asks for it. A file
//! that is wrong is refused as a whole, with every fault that is in it; at a reload everything then stays as it was.

mod configuration;
mod document;
mod fault;
mod file;
mod flags;
mod given;
pub mod keys;
mod report;
mod usual;

#[cfg(test)]
mod tests;

pub use configuration::{Configuration, Objection, Settings, begin, examine};
pub use fault::Fault;
pub use usual::usual_instance;
