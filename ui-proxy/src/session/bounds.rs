//! How much of the bus's state is kept for the host. What goes beyond is left out and counted: no sender can grow this process.

use mqtypes::ids::PortName;

/// Motes: three times what one router is made for.
pub const MOST_MOTES: usize = 1024;

/// Parents of a mote in the DODAG: a DAO has one or two, and no frame has room for more than a dozen.
pub const MOST_PARENTS: usize = 16;

/// Counts: about thirty for each port.
pub const MOST_COUNTS: usize = 16_384;

/// Longest name of a port, bytes: a path of a device is far shorter. A GUI host may refuse longer ones.
pub const LONGEST_PORT: usize = 255;

/// Longest name in a count, bytes: a port's, and what happened there.
const LONGEST_COUNT_NAME: usize = 160;

/// What became of something the bus has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is the newest now.
    Yes,
    /// There is no room for it, or its name is too long.
    No,
}

/// Can this be the name of a port, if there is one?
pub fn is_port(port: Option<&PortName>) -> bool {
    port.is_none_or(|PortName(name)| is_port_name(name))
}

/// Can this be the name of a port?
pub fn is_port_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_PORT && !name.chars().any(char::is_control)
}

/// Can this be the sender or signal of a count?
pub fn is_count_name(name: &str) -> bool {
    name.len() <= LONGEST_COUNT_NAME && !name.chars().any(char::is_control)
}
