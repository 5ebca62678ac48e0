//! The unwinder of a program that never unwinds: the standard library asks it for backtraces, and landing pads for the way on.
//!
//! A panic says what and where, and aborts; the binary has no unwinding tables and no names, so that a backtrace could only be empty.
//! Since it is seen to be empty here, the compiler leaves out all that would print one (reading DWARF, demangling), a tenth of the
//! binary. The names are those of the Itanium C++ ABI, part I ("Level I: Base ABI"): all that the standard library asks for, or else
//! the linker would take the library's own unwinder as well. It must never do anything, nor be in a program that may unwind.
//!
//! There is no `unsafe` code in it; but a name without mangling can take the place of another one's, which here is what it is for.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::process::abort;

/// `_URC_END_OF_STACK`: there is no (further) frame.
const END_OF_STACK: c_int = 5;

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_of_each_frame: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume(_exception: *mut c_void) -> ! {
    abort()
}

// What the personality routine asks; and nobody asks that one.

#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetIPInfo(_context: *mut c_void, _is_before: *mut c_int) -> usize {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetDataRelBase(_context: *mut c_void) -> usize {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetTextRelBase(_context: *mut c_void) -> usize {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetLanguageSpecificData(_context: *mut c_void) -> *mut c_void {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_GetRegionStart(_context: *mut c_void) -> usize {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_SetGR(_context: *mut c_void, _register: c_int, _value: usize) {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_SetIP(_context: *mut c_void, _value: usize) {
    abort()
}
