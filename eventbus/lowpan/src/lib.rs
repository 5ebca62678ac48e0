//! What an OpenWSN mesh sends up through its root: 6LoWPAN, and in it RPL's DAOs and `uinject`.
//!
//! Octets and meaning, one subject a file, `parse` and `emit` as mirrors: what reads the packets of genuine motes
//! writes those of emulated ones; [`capture`] shows them to Wireshark. Nothing here does I/O or reads a clock, and no
//! bytes can make it panic. It reads and answers nothing: routing and joining are left to whoever shares it.
//!
//! ```
//! use lowpan::{Dao, Icmpv6, Link, Packet, Rpi, RplMessage, Transit, address};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mote, root) = ("141592cc00000002".parse()?, "141592cc00000001".parse()?);
//! let prefix = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];
//! let [from, to] = [mote, root].map(|eui| address::of(prefix, eui));
//!
//! let dao = Dao { dodag: Some(to), ..Dao::to_parent(1, to) };
//! let message = Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &dao.emit() }.emit(from, to);
//! let sent = Packet { rpi: Some(Rpi::up(0x0b00)), ..Packet::new(from, to, Packet::ICMPV6, message) };
//!
//! let heard = Packet::parse(&sent.emit(prefix), Link { source: mote, destination: root }, prefix)?;
//! heard.check()?;
//! let icmpv6 = Icmpv6::parse(&heard.payload)?;
//! assert_eq!(RplMessage::parse(icmpv6.code, icmpv6.body)?, RplMessage::Dao(dao));
//! # Ok(())
//! # }
//! ```

pub mod address;
pub mod capture;
pub mod checksum;
mod error;
mod fragment;
mod icmpv6;
mod iphc;
mod ipv6;
mod lorh;
mod nhc;
mod octets;
mod packet;
pub mod pcapng;
mod reassembly;
mod rpl;
pub mod tap;
mod udp;
mod uinject;

pub use error::LowpanError;
pub use fragment::{Fragment, PIECE, fragments};
pub use icmpv6::Icmpv6;
pub use lorh::Rpi;
pub use packet::{Link, Packet, Tunnel};
pub use reassembly::{MOST_PENDING, PATIENCE, Reassembly};
pub use rpl::{Dao, DaoOption, RplMessage, Target, Transit};
pub use udp::Udp;
pub use uinject::Uinject;
