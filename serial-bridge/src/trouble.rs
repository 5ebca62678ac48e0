//! Why a port is not open, in words for a person: what is wrong, and the way out.

use mqtypes::serial::PortState;

/// Why a port is not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// We have only just started.
    #[error("not opened yet")]
    Untried,
    /// No such device now: a normal state.
    #[error("not there; it is opened when it appears")]
    Absent,
    /// It was open, or nearly.
    #[error("gone ({0}); it is opened again when it comes back")]
    Gone(String),
    /// The path leads to something else.
    #[error("{0}, not a serial port: name a serial device, such as /dev/ttyUSB0")]
    NotASerialPort(&'static str),
    /// We may not open it.
    #[error("permission denied: run as a member of its group{0}, or change the mode of the device")]
    NotPermitted(GroupName),
    /// Somebody else has it.
    #[error("in use by {0}: stop that one; it is opened when it is free")]
    InUse(Holder),
    /// Anything else that the system refuses.
    #[error("{doing} failed: {error}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        error: String,
    },
}

/// The group that may use a device, if it could be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName(pub Option<String>);

impl std::fmt::Display for GroupName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |name| write!(f, " `{name}`"))
    }
}

/// Who has a device locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// We ourselves, under another name of the device.
    Ourselves,
    /// The process with this id.
    Process(u32),
    /// The system does not tell.
    Unknown,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ourselves => f.write_str("this process, under another name of the same device"),
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Unknown => f.write_str("another process"),
        }
    }
}

impl Trouble {
    /// What the bus is told: absence is no fault, what a person has to put right is.
    pub fn state(&self) -> PortState {
        let cause = self.to_string();
        match self {
            Self::Untried | Self::Absent | Self::Gone(_) => PortState::Down { cause },
            Self::NotASerialPort(_) | Self::NotPermitted(_) | Self::InUse(_) | Self::Refused { .. } => PortState::Fault { cause },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_port_is_down_and_one_that_a_person_must_put_right_is_at_fault() {
        assert!(matches!(Trouble::Absent.state(), PortState::Down { .. }));
        assert!(matches!(Trouble::NotASerialPort("a directory").state(), PortState::Fault { .. }));
    }

    #[test]
    fn the_text_names_what_is_wrong_and_the_way_out() {
        let text = Trouble::NotPermitted(GroupName(Some("dialout".to_owned()))).to_string();
        assert_eq!(text, "permission denied: run as a member of its group `dialout`, or change the mode of the device");
        assert_eq!(Trouble::InUse(Holder::Process(7)).to_string(), "in use by process 7: stop that one; it is opened when it is free");
    }
}
