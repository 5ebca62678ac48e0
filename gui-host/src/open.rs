//! `--open`: the page in this computer's browser.
//!
//! A computer without one, or without a desktop, is no reason to stop: the page's address is printed anyway.

use crate::terminal;

/// Opens the page; says so if that fails.
pub fn page(address: &str) {
    if let Err(error) = open::that_detached(address) {
        terminal::line(format_args!("cannot open a browser: {error}; open the page's address above in one"));
    }
}
