//! Between `eventbus` and whoever wants to know: subscriptions, and what they bring.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::command::{Command, CommandOutcome};
use crate::count::Count;
use crate::health::{Dropped, ProcessHealth};
use crate::ids::{Eui64, Who};
use crate::log::MoteLog;
use crate::mesh::{DagEntry, MoteData, UinjectReport};
use crate::mono::Mono;
use crate::mote::MoteEntry;
use crate::serial::{LineBytes, PortReport};
use crate::status::{Element, Summary};

/// What a member of the bus asks of `eventbus`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Begin a subscription, or renew its lease when queue, topics and sender's boot are the same. [`Topic::Logs`],
    /// [`Topic::Data`] and [`Topic::Bytes`], which no snapshot has, may come and go with a renewal.
    Subscribe(Subscribe),
    /// End the subscription of this queue, if the same start of a process began it.
    Unsubscribe {
        /// The queue named in [`Subscribe`].
        reply: String,
    },
    /// Do something with a mote.
    Command(Command),
    /// Let every process report its figures to the subscribers of [`Topic::Health`].
    AskHealth,
}

/// A subscription. The snapshot of its topics comes first, then what changes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Subscribe {
    /// Where to: a `tap-…` queue of this instance, or `ui-proxy`'s inbox.
    pub reply: String,
    /// What about.
    pub topics: Vec<Topic>,
    /// It ends by itself after so many milliseconds, unless renewed.
    pub lease_ms: u32,
}

/// What a subscription can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Which motes there are.
    Inventory,
    /// The motes' status elements.
    Status,
    /// Event counts.
    Counts,
    /// What the motes log.
    Logs,
    /// The processes' figures, as they report them.
    Health,
    /// The serial ports' figures, as `serial-bridge` reports them.
    Ports,
    /// Packets from the mesh.
    Data,
    /// The DODAG, as DAOs tell it.
    Dag,
    /// Statistics of `uinject`.
    Uinject,
    /// The bytes of the serial lines. Not for `ui-proxy`.
    Bytes,
}

impl Topic {
    /// What whoever wants everything subscribes to.
    pub const ALL: [Self; 9] =
        [Self::Inventory, Self::Status, Self::Counts, Self::Logs, Self::Health, Self::Ports, Self::Data, Self::Dag, Self::Uinject];

    /// What must be asked for by name: it costs every process on the way, and has the network's key in it when a mote is made root.
    pub const BY_NAME: [Self; 1] = [Self::Bytes];
}

/// What `eventbus` tells a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notification {
    /// A snapshot begins: forget what you know.
    SnapshotBegin,
    /// The snapshot is complete; what follows are changes.
    SnapshotEnd,
    /// State: a mote is there, or has changed.
    Mote(MoteEntry),
    /// State: an entry of the inventory is gone.
    MoteGone(Who),
    /// State: an element of a mote, or one row of it.
    Status(StatusReport),
    /// State: a count has changed.
    Count(Count),
    /// Event: a mote logged.
    Log(MoteLog),
    /// Event: a step in the life of a command of yours.
    Outcome(CommandOutcome),
    /// State: figures of a process.
    Health(ProcessHealth),
    /// Event: what could not be kept for you since the last such notice.
    Gap {
        /// By kind of event.
        dropped: Vec<Dropped>,
    },
    /// Event: `eventbus` has started; whoever was subscribed must subscribe again.
    Started,
    /// State: what a mote's elements come to.
    Summary(SummaryReport),
    /// State: a serial port's report.
    Port(PortReport),
    /// Event: a packet came up through a root.
    Data(MoteData),
    /// State: a mote of a DODAG.
    Dag(DagEntry),
    /// State: a mote is in no DODAG any more.
    DagGone(Eui64),
    /// State: what a mote's `uinject` tells.
    Uinject(UinjectReport),
    /// Event: bytes crossed a serial line.
    Bytes(LineBytes),
}

/// One element as it was last heard.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct StatusReport {
    /// Who reported.
    pub who: Who,
    /// When it was heard.
    pub heard: Mono,
    /// What.
    pub element: Element,
}

/// What the elements of a mote come to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SummaryReport {
    /// Which mote.
    pub who: Who,
    /// When the newest element in it was heard.
    pub heard: Mono,
    /// What.
    pub summary: Summary,
}
