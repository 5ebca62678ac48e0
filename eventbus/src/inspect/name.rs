//! Names of queues: which are ours, and in which order a person wants to see them.

use std::collections::BTreeSet;
use std::fmt;

use mqtypes::queues::{self, Spec, TAP_PREFIX, is_instance_name};

/// `{instance}.{inbox}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueName {
    /// Which set of processes.
    pub instance: String,
    /// The name within it.
    pub inbox: String,
}

/// Whose queues are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of one instance.
    Instance,
    /// Those of all instances that can be found.
    All,
}

impl QueueName {
    /// Takes a name apart; `None` for the queue of another program.
    pub fn parse(name: &str) -> Option<Self> {
        let (instance, inbox) = name.split_once('.')?;
        (is_instance_name(instance) && !inbox.is_empty()).then(|| Self { instance: instance.to_owned(), inbox: inbox.to_owned() })
    }

    /// A name as a person gives it: as it is listed, or as an error names it, or what follows the instance in that.
    pub fn within(instance: &str, name: &str) -> Self {
        let name = name.strip_prefix('/').unwrap_or(name);
        Self::parse(name).unwrap_or_else(|| Self { instance: instance.to_owned(), inbox: name.to_owned() })
    }

    /// What is declared of it; nothing of taps and of queues of other versions.
    pub fn declared(&self) -> Option<&'static Spec> {
        queues::ALL.iter().find(|spec| spec.name == self.inbox)
    }

    /// Is it a subscriber's queue?
    pub fn is_tap(&self) -> bool {
        self.inbox.starts_with(TAP_PREFIX)
    }

    /// Is it to be shown? Within our instance all are ours; elsewhere only those whose names we know.
    pub fn is_in(&self, instance: &str, scope: Scope) -> bool {
        self.instance == instance
            || match scope {
                Scope::Instance => false,
                Scope::All => self.is_tap() || self.declared().is_some(),
            }
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.instance, self.inbox)
    }
}

/// The declared queues of `instance`, whether they are there or not; then what was found besides.
pub fn to_show(instance: &str, scope: Scope, found: &BTreeSet<String>) -> Vec<QueueName> {
    let declared = queues::ALL.iter().map(|spec| QueueName { instance: instance.to_owned(), inbox: spec.name.to_owned() });
    let mut names: Vec<_> = declared.collect();
    let mut others: Vec<_> = found.iter().filter_map(|name| QueueName::parse(name)).filter(|name| name.is_in(instance, scope)).collect();
    others.retain(|name| !names.contains(name));
    others.sort_by_key(|name| (name.instance != instance, name.clone()));
    names.append(&mut others);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scope: Scope) -> Vec<String> {
        let found = ["abc.tap-1", "abc.else", "lbr.tap-2", "lbr.router", "lbr.eventbus", "systemd", "x y.tap-1", "lbr."];
        to_show("lbr", scope, &found.map(str::to_owned).into()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn declared_queues_come_first_and_then_what_was_found() {
        let declared = ["lbr.eventbus", "lbr.eventbus-requests", "lbr.serial-bridge", "lbr.ui-proxy", "lbr.ui-proxy-requests"];
        let names = shown(Scope::Instance);
        assert_eq!(names[..5], declared);
        assert_eq!(names[5..], ["lbr.router", "lbr.tap-2"]);
    }

    #[test]
    fn a_person_may_give_a_name_with_and_without_its_instance() {
        let given = |name| QueueName::within("lbr", name).to_string();
        assert_eq!(["tap-1", "lbr.tap-1", "/lbr.tap-1"].map(given), ["lbr.tap-1"; 3]);
        assert_eq!(["two.tap-1", "/two.tap-1"].map(given), ["two.tap-1"; 2]);
        assert_eq!(["/", "x y.z"].map(given), ["lbr.", "lbr.x y.z"]);
    }

    #[test]
    fn of_other_instances_only_known_names_are_shown() {
        assert_eq!(shown(Scope::All)[5..], ["lbr.router", "lbr.tap-2", "abc.tap-1"]);
    }
}
