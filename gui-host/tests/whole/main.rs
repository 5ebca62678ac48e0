//! The real program, with clients that speak to it over loopback: what its pure parts cannot show.
//!
//! Every test starts its own host on free ports and ends only that.

mod capture;
mod command_line;
mod discover;
mod json;
mod link;
mod metrics;
mod page;
mod program;
mod router;
mod tunnel;
mod viewer;
mod websocket;
