//! Files that are for this user alone, and whether a file is.
//!
//! On Unix that is the file's mode. On Windows a file in the user's profile inherits that others may not read it,
//! and nothing is checked.

#[cfg(unix)]
pub use unix::{create_new, make_folder, mode_open_to_others};
#[cfg(windows)]
pub use windows::{create_new, make_folder, mode_open_to_others};

#[cfg(unix)]
mod unix {
    use std::{
        fs::{DirBuilder, File, Metadata, OpenOptions},
        io,
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    /// Makes a file of mode 0600 that must not exist.
    pub fn create_new(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    /// Makes a folder of mode 0700 and those above it, unless they exist.
    pub fn make_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// The mode of a file, if it lets others than its owner at it, or members of its group do more than read.
    pub fn mode_open_to_others(metadata: &Metadata) -> Option<u32> {
        let mode = metadata.permissions().mode() & 0o7777;
        (mode & !0o640 != 0).then_some(mode)
    }
}

#[cfg(windows)]
mod windows {
    use std::{
        fs::{DirBuilder, File, Metadata, OpenOptions},
        io,
        path::Path,
    };

    /// Makes a file that must not exist.
    pub fn create_new(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Makes a folder and those above it, unless they exist.
    pub fn make_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).create(path)
    }

    /// Windows has no mode.
    pub fn mode_open_to_others(_metadata: &Metadata) -> Option<u32> {
        None
    }
}
