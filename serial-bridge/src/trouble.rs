//! Why a port is not open, in words for a person: what is wrong, and the way out.
//!
//! Each trouble also says by itself what may end it, so that a port which waits is neither tried in vain nor forgotten.

use std::time::Duration;

use mqtypes::ids::PortName;

use crate::rates::Rates;

/// Why a port is not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// We have only just started.
    #[error("not opened yet")]
    Untried,
    /// Its settings are other ones now.
    #[error("its settings have changed")]
    Unsettled,
    /// The configuration names it no more.
    #[error("not configured any more")]
    Unwanted,
    /// No such device now: a normal state.
    #[error("not there")]
    Absent,
    /// Not there, and the system does not tell when it comes.
    #[error("not there, and its directory cannot be watched ({0})")]
    AbsentUnwatched(String),
    /// The node is there, the device behind it is not.
    #[error("its node is there, but no device behind it")]
    NoDevice,
    /// It was open, or nearly.
    #[error("gone ({0})")]
    Gone(String),
    /// It was open, and its node was taken away.
    #[error("gone (its node is gone)")]
    Removed,
    /// The device is open under another name already.
    #[error("the same device as {0}, which is open")]
    SameDevice(PortName),
    /// Nobody answers at the far end of a TCP port.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The rate was right once, and nothing that comes in now is a frame.
    #[error("nothing but garbage has come in for a while")]
    Garbled,
    /// The path leads to something else.
    #[error("{0}, not a serial port: name a serial device, such as /dev/ttyUSB0")]
    NotASerialPort(&'static str),
    /// We may not open it.
    #[error("permission denied: run as a member of its group{0}, or change the mode of the device")]
    NotPermitted(GroupName),
    /// Somebody else has it.
    #[error("in use by {0}: stop that one")]
    InUse(Holder),
    /// The device does not do this rate.
    #[error("the device refuses {wanted} bit/s: name another rate with --port PATH,baud=RATE")]
    RateRefused {
        /// The rates that were asked for.
        wanted: Rates,
    },
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

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// There is nothing to open, which is normal.
    Absence,
    /// What was open, or nearly, is not any more. Once is normal.
    Loss,
    /// A person has to put something right.
    Fault,
}

/// What may end a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Only that the node is seen, or that its device is free again: both are told to us.
    News,
    /// Trying again, at last this seldom.
    Retry(Duration),
    /// Only that somebody wants the port again.
    Wish,
}

/// Nothing tells when another process lets go of a port, and the person who ended it is waiting.
const WHILE_IN_USE: Duration = Duration::from_secs(2);

/// A device that is there and fails.
const WHILE_FAILING: Duration = Duration::from_secs(5);

/// What a person puts right at the node is told to us (its attributes change); this is for the rest.
const WHILE_WRONG: Duration = Duration::from_mins(1);

impl Trouble {
    /// Absence is no fault; what a person has to put right is.
    pub fn class(&self) -> Class {
        match self {
            Self::Untried
            | Self::Unsettled
            | Self::Unwanted
            | Self::Absent
            | Self::AbsentUnwatched(_)
            | Self::NoDevice
            | Self::Removed
            | Self::SameDevice(_)
            | Self::Unreachable(_) => Class::Absence,
            Self::Gone(_) | Self::Garbled => Class::Loss,
            Self::NotASerialPort(_) | Self::NotPermitted(_) | Self::InUse(_) | Self::RateRefused { .. } | Self::Refused { .. } => {
                Class::Fault
            }
        }
    }

    /// What becomes of it without anybody's doing, for whoever waits.
    pub fn hope(&self) -> Option<&'static str> {
        match self {
            Self::Absent => Some("it is opened when it appears"),
            Self::AbsentUnwatched(_) => Some("it is looked for every few seconds"),
            Self::NoDevice | Self::Gone(_) | Self::Removed => Some("it is opened again when it comes back"),
            Self::Unreachable(_) => Some("it is tried again"),
            Self::Garbled => Some("its rate is looked for again"),
            Self::InUse(_) => Some("it is opened when it is free"),
            Self::Untried
            | Self::Unsettled
            | Self::Unwanted
            | Self::SameDevice(_)
            | Self::NotASerialPort(_)
            | Self::NotPermitted(_)
            | Self::RateRefused { .. }
            | Self::Refused { .. } => None,
        }
    }

    /// What may end it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unwanted => Remedy::Wish,
            Self::Absent | Self::Removed | Self::SameDevice(_) => Remedy::News,
            Self::InUse(_) => Remedy::Retry(WHILE_IN_USE),
            Self::NotASerialPort(_) | Self::NotPermitted(_) | Self::RateRefused { .. } => Remedy::Retry(WHILE_WRONG),
            Self::Untried
            | Self::Unsettled
            | Self::AbsentUnwatched(_)
            | Self::NoDevice
            | Self::Gone(_)
            | Self::Unreachable(_)
            | Self::Garbled
            | Self::Refused { .. } => Remedy::Retry(WHILE_FAILING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_port_is_no_fault_and_one_that_a_person_must_put_right_is() {
        assert_eq!((Trouble::Absent.class(), Trouble::Absent.remedy()), (Class::Absence, Remedy::News));
        let wrong = Trouble::NotASerialPort("a directory");
        assert_eq!((wrong.class(), wrong.remedy()), (Class::Fault, Remedy::Retry(WHILE_WRONG)));
    }

    #[test]
    fn the_text_names_what_is_wrong_and_the_way_out() {
        let text = Trouble::NotPermitted(GroupName(Some("dialout".to_owned()))).to_string();
        assert_eq!(text, "permission denied: run as a member of its group `dialout`, or change the mode of the device");
        assert_eq!(Trouble::InUse(Holder::Process(7)).to_string(), "in use by process 7: stop that one");
        let text = Trouble::RateRefused { wanted: Rates::fixed(1_000_000) }.to_string();
        assert_eq!(text, "the device refuses 1000000 bit/s: name another rate with --port PATH,baud=RATE");
    }
}
