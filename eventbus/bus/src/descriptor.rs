//! The one file of the project with `unsafe` in it.
//!
//! `nix` wants a `BorrowedFd`, which says that the descriptor stays open while it is used. The queue
//! binding and the serial port give only the raw number. Borrowing the owner proves the same.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

/// The descriptor of `owner`, for as long as `owner` is borrowed.
pub fn borrow(owner: &impl AsRawFd) -> BorrowedFd<'_> {
    // SAFETY: `owner` owns the descriptor and closes it only when dropped, which the borrow rules
    // out for the life of the result; no owner in this project answers -1.
    unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) }
}
