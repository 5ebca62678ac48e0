//! The DAG root role that a person wants each mote to have, kept on disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use mqtypes::ids::Eui64;

use crate::lasting::{self, Survives};

/// More motes than a border router ever sees on its serial ports.
const MOST: usize = 1024;

/// The wanted role of each mote that somebody gave one.
#[derive(Debug)]
pub struct WantedRoles {
    path: PathBuf,
    roles: BTreeMap<Eui64, bool>,
}

/// A wanted role could not be kept, so it is not wanted.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The disk does not take it.
    #[error("the wanted role cannot be kept: {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// There are too many.
    #[error("the wanted role cannot be kept: {MOST} motes have one already")]
    TooMany,
}

impl WantedRoles {
    /// Reads the file. Lines that make no sense are told and passed over: the others still count.
    pub fn load(path: &Path) -> Result<Self, RoleError> {
        let text = lasting::read(path).map_err(|source| RoleError::Io { path: path.display().to_string(), source })?;
        let mut roles = BTreeMap::new();
        for (number, line) in text.iter().flat_map(|text| text.lines().enumerate()).take(MOST) {
            match parse(line) {
                Some((mote, role)) => {
                    roles.insert(mote, role);
                }
                None => log::warn!("{}, line {}: an EUI-64 and `root` or `no-root` are expected: passed over", path.display(), number + 1),
            }
        }
        Ok(Self { path: path.to_owned(), roles })
    }

    /// What is wanted of this mote.
    pub fn of(&self, mote: Eui64) -> Option<bool> {
        self.roles.get(&mote).copied()
    }

    /// Wants a role; it is on disk when this returns.
    pub fn want(&mut self, mote: Eui64, role: bool) -> Result<(), RoleError> {
        if self.of(mote) == Some(role) {
            return Ok(());
        }
        if self.roles.len() >= MOST && !self.roles.contains_key(&mote) {
            return Err(RoleError::TooMany);
        }
        let mut roles = self.roles.clone();
        roles.insert(mote, role);
        lasting::replace(&self.path, text(&roles).as_bytes(), Survives::PowerLoss)
            .map_err(|source| RoleError::Io { path: self.path.display().to_string(), source })?;
        self.roles = roles;
        Ok(())
    }
}

fn text(roles: &BTreeMap<Eui64, bool>) -> String {
    roles.iter().fold(String::new(), |text, (mote, role)| text + &format!("{mote} {}\n", if *role { "root" } else { "no-root" }))
}

fn parse(line: &str) -> Option<(Eui64, bool)> {
    let (mote, role) = line.split_once(' ')?;
    let role = match role.trim() {
        "root" => true,
        "no-root" => false,
        _other => return None,
    };
    Some((mote.parse().ok()?, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOTE: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);

    #[test]
    fn a_wanted_role_is_on_disk_at_once() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("wanted-roles");
        let mut roles = WantedRoles::load(&path).expect("empty");
        roles.want(MOTE, true).expect("kept");
        assert_eq!(WantedRoles::load(&path).expect("read").of(MOTE), Some(true));
        roles.want(MOTE, false).expect("kept");
        assert_eq!(WantedRoles::load(&path).expect("read").of(MOTE), Some(false));
    }

    #[test]
    fn a_line_that_makes_no_sense_costs_only_itself() {
        let directory = tempfile::tempdir().expect("made");
        let path = directory.path().join("wanted-roles");
        std::fs::write(&path, "rubbish\n141592cc00000001 root\n141592cc00000002 king\n").expect("written");
        assert_eq!(WantedRoles::load(&path).expect("read").of(MOTE), Some(true));
    }

    #[test]
    fn what_cannot_be_kept_is_not_wanted() {
        let directory = tempfile::tempdir().expect("made");
        let mut roles = WantedRoles::load(&directory.path().join("gone/wanted-roles")).expect("empty");
        assert!(matches!(roles.want(MOTE, true), Err(RoleError::Io { .. })));
        assert_eq!(roles.of(MOTE), None);
    }
}
