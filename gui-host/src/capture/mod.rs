//! Packets of remote meshes for Wireshark: `GET /capture` of the page's listener, and `gui-host capture`, which asks it.
//!
//! Whoever shows the token gets a pcapng stream without end, of what routers hand up from then on. Routers are
//! asked for packets while somebody reads one, as while a page does; nothing is sent into a mesh for it. What a packet looks
//! like is told by `lowpan`, as for `mq-inspect capture` on a router.

pub mod client;
mod output;
mod packet;
pub mod page_file;
mod question;
mod stream;

pub use self::stream::stream;

/// Where captures are.
const PATH: &str = "/capture";
