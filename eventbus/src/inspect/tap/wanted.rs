//! The mote that is asked for, by whatever name: known by the inventory as far as that is told, and before that by its name alone.

use mqtypes::broker::Notification;
use mqtypes::ids::Who;

use crate::inspect::mote_name::{MoteName, NoSuchMote};
use crate::inspect::picture::{Completeness, Picture};

/// A mote that is asked for.
#[derive(Debug)]
pub struct Wanted {
    name: MoteName,
    picture: Picture,
    /// Who it is, while the inventory knows one mote of this name.
    found: Option<Who>,
}

impl Wanted {
    /// Nothing is known yet.
    pub fn new(name: MoteName) -> Self {
        Self { name, picture: Picture::default(), found: None }
    }

    /// Does the inventory tell who it is? A whole address says that itself.
    pub fn needs_inventory(&self) -> bool {
        self.name.eui().is_none()
    }

    /// Something was told. The error says that the inventory has no such mote, or several, once it is told so far.
    pub fn handle_notification(&mut self, notification: &Notification) -> Result<(), NoSuchMote> {
        match notification {
            Notification::SnapshotBegin
            | Notification::SnapshotEnd
            | Notification::Started
            | Notification::Mote(_)
            | Notification::MoteGone(_)
                if self.needs_inventory() =>
            {
                self.picture.handle_notification(notification);
                self.find(notification)
            }
            _told_of_a_mote => Ok(()),
        }
    }

    /// Is this the mote?
    pub fn is(&self, who: &Who) -> bool {
        match &self.found {
            Some(Who { mote: Some(eui), .. }) => who.mote == Some(*eui),
            Some(Who { mote: None, port }) => who.port == *port,
            None => self.name.fits(who),
        }
    }

    fn find(&mut self, notification: &Notification) -> Result<(), NoSuchMote> {
        match (self.name.find(&self.picture), self.picture.completeness()) {
            (Ok(mote), _) => self.found = Some(mote.entry.who()),
            (Err(NoSuchMote::Several { .. }), Completeness::Whole) if self.found.is_some() => {}
            (Err(several @ NoSuchMote::Several { .. }), _) => return Err(several),
            (Err(unknown @ NoSuchMote::Unknown { .. }), _) => {
                self.found = None;
                if *notification == Notification::SnapshotEnd {
                    return Err(unknown);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::picture::tests::entry;
    use mqtypes::ids::Eui64;
    use mqtypes::mote::MoteEntry;

    fn wanted(name: &str) -> Wanted {
        Wanted::new(name.parse().expect("a name"))
    }

    fn twin() -> MoteEntry {
        MoteEntry { mote: Some(Eui64([9, 9, 9, 9, 9, 9, 0, 1])), ..entry(Some(1), Some("/dev/ttyUSB9")) }
    }

    #[test]
    fn the_inventory_tells_which_mote_a_port_is_and_before_it_a_name_speaks_for_itself() {
        let mote = entry(Some(1), Some("/dev/ttyUSB0"));
        let meshed = Who { mote: mote.mote, port: None };
        let mut by_port = wanted("ttyUSB0");
        assert!(by_port.is(&mote.who()) && !by_port.is(&meshed) && by_port.needs_inventory());
        by_port.handle_notification(&Notification::Mote(mote)).expect("one");
        assert!(by_port.is(&meshed) && !by_port.is(&twin().who()));
        assert!(wanted("0001").is(&meshed) && !wanted("141592cc00000001").needs_inventory());
    }

    #[test]
    fn a_name_of_several_motes_is_an_error_and_one_of_none_is_told_when_everything_was() {
        let mut ambiguous = wanted("0001");
        ambiguous.handle_notification(&Notification::Mote(entry(Some(1), Some("/dev/ttyUSB0")))).expect("one so far");
        let error = ambiguous.handle_notification(&Notification::Mote(twin())).expect_err("two");
        assert!(!error.may_come() && error.to_string().contains("fits several motes: 0909090909090001 on /dev/ttyUSB9"), "{error}");
        let mut unknown = wanted("0002");
        unknown.handle_notification(&Notification::Mote(entry(Some(1), Some("/dev/ttyUSB0")))).expect("not told yet");
        let error = unknown.handle_notification(&Notification::SnapshotEnd).expect_err("none");
        assert!(error.may_come() && error.to_string().contains("`0002` is no mote that is known"), "{error}");
    }

    #[test]
    fn a_mote_of_the_same_name_that_comes_later_changes_nothing() {
        let mut found = wanted("0001");
        let mote = entry(Some(1), Some("/dev/ttyUSB0"));
        found.handle_notification(&Notification::Mote(mote.clone())).expect("one");
        found.handle_notification(&Notification::SnapshotEnd).expect("one");
        found.handle_notification(&Notification::Mote(twin())).expect("not meant");
        assert!(found.is(&mote.who()) && !found.is(&twin().who()));
    }
}
