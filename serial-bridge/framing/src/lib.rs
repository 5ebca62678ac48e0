//! The bytes of a mote's line: HDLC frames, and the flow control on top of them.
//!
//! For `serial-bridge`, for whoever reads recordings, and for whoever plays a mote. It does no I/O,
//! knows no time, and does not know what a payload means.

mod crc;
pub mod flow;
pub mod hdlc;
