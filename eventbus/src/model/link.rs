//! What the link to a mote does, from its port's reports and from silence.

use std::time::Duration;

use mqtypes::ids::{Generation, PortName};
use mqtypes::mono::Mono;
use mqtypes::mote::Link;
use mqtypes::serial::{PortReport, PortState};

/// A synchronised or searching mote reports ten times a second; five seconds without a frame are silence.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);

/// Why a port counts as down that `serial-bridge` may not have any more.
const UNREPORTED: &str = "serial-bridge has not reported it since it started";

/// A port and what it does.
#[derive(Debug, Clone)]
pub struct PortLink {
    pub(super) port: PortName,
    pub(super) generation: Generation,
    pub(super) link: Link,
    pub(super) cause: String,
    pub(super) since: Mono,
    pub(super) baud: u32,
}

/// When a mote on an open port counts as silent.
pub fn silent_at(up_since: Mono, last_heard: Option<Mono>) -> Mono {
    last_heard.map_or(up_since, |heard| heard.max(up_since)).after(SILENT_AFTER)
}

impl PortLink {
    pub(super) fn new(port: PortName) -> Self {
        Self { port, generation: Generation::default(), link: Link::Down, cause: String::new(), since: Mono::default(), baud: 0 }
    }

    /// True when the inventory shows something new.
    pub(super) fn take_report(&mut self, now: Mono, report: &PortReport, last_heard: Option<Mono>) -> bool {
        let (link, cause) = match &report.state {
            PortState::Down { cause } => (Link::Down, cause.clone()),
            PortState::Probing => (Link::Probing, String::new()),
            PortState::Up if now < silent_at(report.since, last_heard) => (Link::Up, String::new()),
            PortState::Up => (Link::Silent, String::new()),
            PortState::Fault { cause } => (Link::Fault, cause.clone()),
        };
        self.generation = report.generation;
        let is_first = self.since == Mono::default();
        let is_new = is_first || (link, &cause, report.baud) != (self.link, &self.cause, self.baud);
        if is_first || link != self.link {
            self.since = if link == Link::Silent { silent_at(report.since, last_heard) } else { report.since };
        } else if link == Link::Down {
            // It may have counted as down for want of a report, or since before `serial-bridge` started.
            self.since = self.since.min(report.since);
        }
        self.link = link;
        self.cause = cause;
        self.baud = report.baud;
        is_new
    }

    /// What was reported of it counts no more. True when the inventory shows something new; what was down stays so since then.
    pub(super) fn forget_report(&mut self, now: Mono) -> bool {
        if self.link == Link::Down && self.since != Mono::default() {
            return false;
        }
        UNREPORTED.clone_into(&mut self.cause);
        (self.link, self.since, self.baud) = (Link::Down, now, 0);
        true
    }

    /// A frame came. It may be ahead of the report that says that its port was opened, or behind the
    /// one that says that it was closed.
    pub(super) fn hear(&mut self, heard: Mono, generation: Generation) -> bool {
        let is_ahead = self.generation.is_before(generation);
        self.generation = if is_ahead { generation } else { self.generation };
        match self.link {
            Link::Up => return false,
            Link::Down | Link::Fault if !is_ahead => return false,
            Link::Down | Link::Fault | Link::Silent | Link::Probing => {}
        }
        self.link = Link::Up;
        self.cause.clear();
        self.since = heard;
        true
    }

    pub(super) fn look_for_silence(&mut self, now: Mono, last_heard: Option<Mono>) -> bool {
        let silent_at = silent_at(self.since, last_heard);
        if self.link != Link::Up || now < silent_at {
            return false;
        }
        self.link = Link::Silent;
        self.since = silent_at;
        true
    }
}
