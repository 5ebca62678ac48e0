//! The whole router in a box: emulated motes, recorded motes, real processes, and what the tests expect of them.
//!
//! Nothing here runs on a router. The emulator speaks through the product's own frame and HDLC code, so that the two cannot
//! disagree; the recordings, which genuine motes made, tell whether both are right.

pub mod demo;
pub mod emulator;
pub mod recording;
pub mod stack;
