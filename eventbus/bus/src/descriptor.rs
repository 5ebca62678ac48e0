//! The one file of the router's processes with `unsafe` in it.
//!
//! `nix` wants a `BorrowedFd`, which says that the descriptor stays open while it is used. The queue
//! binding and the serial port give only the raw number. Borrowing the owner proves the same. And `nix`
//! has no call of its own for the size of a terminal.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// The descriptor of `owner`, for as long as `owner` is borrowed.
pub fn borrow(owner: &impl AsRawFd) -> BorrowedFd<'_> {
    // SAFETY: `owner` owns the descriptor and closes it only when dropped, which the borrow rules
    // out for the life of the result; no owner in this project answers -1.
    unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) }
}

/// Rows and columns of a terminal (`TIOCGWINSZ`); none of what is no terminal. A serial line knows of neither, and says 0.
pub fn window(terminal: &impl AsRawFd) -> Option<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel writes one `winsize`, which outlives the call, or nothing.
    let done = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (done == 0).then_some((size.ws_row, size.ws_col))
}
