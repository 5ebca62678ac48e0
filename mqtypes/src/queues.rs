//! The queues, as data: who reads, who writes, how deep, how wide.
//!
//! The whole set fits into half of what Linux gives an unprivileged user (`RLIMIT_MSGQUEUE`,
//! 819,200 bytes), with depths and sizes within the defaults of `fs.mqueue` (10 messages of 8,192 bytes).

use std::fmt;
use std::marker::PhantomData;

use crate::broker::{Notification, Request};
use crate::codec::MAX_MESSAGE;
use crate::envelope::Sender;
use crate::serial::{SerialCommand, SerialNotification};
use crate::wake::ProxyRequest;

/// What can be known of a queue without its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The name within an instance.
    pub name: &'static str,
    /// Who owns and reads it.
    pub reader: Sender,
    /// Who may write.
    pub access: Access,
    /// Messages it holds.
    pub depth: usize,
    /// Bytes a message may have.
    pub size: usize,
}

/// Who may write to a queue; it is the queue's mode, since a queue bears no sender's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The router's own processes alone.
    Own,
    /// Members of the group too. They may write and not read: a message that a member took would be lost to its reader.
    Group,
}

impl Access {
    /// The mode bits.
    pub fn mode(self) -> u32 {
        match self {
            Self::Own => 0o600,
            Self::Group => 0o620,
        }
    }
}

/// A queue that takes items of type `M`.
pub struct Inbox<M> {
    /// Its data.
    pub spec: Spec,
    items: PhantomData<fn() -> M>,
}

impl<M> Inbox<M> {
    const fn new(name: &'static str, reader: Sender, access: Access, depth: usize, size: usize) -> Self {
        Self { spec: Spec { name, reader, access, depth, size }, items: PhantomData }
    }
}

impl<M> fmt::Debug for Inbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

/// Unprivileged processes get no deeper queue.
const DEPTH: usize = 10;

/// Frames, ports and write reports, from `serial-bridge`.
pub const EVENTBUS: Inbox<SerialNotification> = Inbox::new("eventbus", Sender::Eventbus, Access::Own, DEPTH, MAX_MESSAGE);

/// Subscriptions and commands, from anybody in the group: a burst of frames cannot delay them, and nobody can pose as `serial-bridge` here.
pub const EVENTBUS_REQUESTS: Inbox<Request> = Inbox::new("eventbus-requests", Sender::Eventbus, Access::Group, DEPTH, 2048);

/// Frames for motes, from `eventbus`.
pub const SERIAL_BRIDGE: Inbox<SerialCommand> = Inbox::new("serial-bridge", Sender::SerialBridge, Access::Own, DEPTH, 2048);

/// What `ui-proxy` has subscribed to, from `eventbus`.
pub const UI_PROXY: Inbox<Notification> = Inbox::new("ui-proxy", Sender::UiProxy, Access::Own, DEPTH, MAX_MESSAGE);

/// Wake-ups and questions, from anybody in the group.
pub const UI_PROXY_REQUESTS: Inbox<ProxyRequest> = Inbox::new("ui-proxy-requests", Sender::UiProxy, Access::Group, 4, 256);

/// A subscriber's own queue; its name is completed with the subscriber's pid. The group may write to it, because `eventbus` may be
/// another user than the subscriber.
pub const TAP: Inbox<Notification> = Inbox::new(TAP_PREFIX, Sender::Tool, Access::Group, DEPTH, MAX_MESSAGE);

/// Every declared queue, taps aside.
pub const ALL: [Spec; 5] = [EVENTBUS.spec, EVENTBUS_REQUESTS.spec, SERIAL_BRIDGE.spec, UI_PROXY.spec, UI_PROXY_REQUESTS.spec];

/// How the name of every subscriber's queue begins.
pub const TAP_PREFIX: &str = "tap-";

/// The instance unless told otherwise.
pub const DEFAULT_INSTANCE: &str = "lbr";

/// The kernel's name of a queue: `/{instance}.{name}`.
pub fn kernel_name(instance: &str, name: &str) -> String {
    format!("/{instance}.{name}")
}

/// Is `name` one that a subscription may be delivered to? Nobody can aim the bus at another process.
pub fn may_be_delivered_to(name: &str) -> bool {
    name == UI_PROXY.spec.name || is_tap(name)
}

/// Is `name` that of a subscriber's own queue?
pub fn is_tap(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.strip_prefix(TAP_PREFIX).is_some_and(|rest| !rest.is_empty()) && name.len() <= 64 && name.bytes().all(is_plain)
}

/// An instance's name becomes part of queue names.
pub fn is_instance_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel charges a user for a queue: messages, and a message header and a tree node for each.
    fn charged_bytes(spec: &Spec) -> usize {
        const HEADER: usize = 48;
        const NODE: usize = 48;
        spec.depth * (spec.size + HEADER + NODE)
    }

    #[test]
    fn the_set_fits_into_half_of_an_unprivileged_users_budget() {
        let total: usize = ALL.iter().map(charged_bytes).sum();
        assert!(total <= 819_200 / 2, "{total}");
    }

    #[test]
    fn every_queue_is_within_the_unprivileged_limits() {
        assert!(ALL.iter().chain([&TAP.spec]).all(|spec| spec.depth <= 10 && spec.size <= 8192));
    }

    #[test]
    fn a_subscription_cannot_be_aimed_at_another_process() {
        assert!(may_be_delivered_to("ui-proxy"));
        assert!(may_be_delivered_to("tap-4711") && is_tap("tap-4711") && !is_tap("ui-proxy"));
        for name in ["eventbus", "serial-bridge", "ui-proxy-requests", "tap-", "tap-/x", "tap-../eventbus", ""] {
            assert!(!may_be_delivered_to(name), "{name}");
        }
    }
}
