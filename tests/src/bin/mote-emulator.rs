//! The `mote-emulator` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    lbr_tests::emulator::run(std::env::args_os())
}
